"""`vedette watch`, `vedette unwatch`: monitor endpoints that Vedette did not create."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import stage
from vedette.cli.quiet_start import show_quiet_start
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.operations.capture_sources import Change
    from vedette.operations.own_records import ObservedRecords
    from vedette.operations.watching import ObservedEndpoint
    from vedette.operations.watching_jobs import ObservedJobs


DELIVERY = {
    "events": "EventBridge reports each captured object, which is read within seconds",
    "polled": "Vedette polls the source every 15 minutes, because EventBridge does not report its objects",
    "closed": "Vedette cannot read the source until the first of these changes is made",
}


@stage.command("watch", changes=True)
@stage.endpoint
@click.option("--baseline", metavar="DIR|S3_URI", help="A folder with both baseline files, or a constraints.json.")
@click.option("--mode", type=click.Choice(["observe", "alert"]), help="Only monitor, or also alert. [default: observe]")
@click.option(
    "--records", metavar="S3_URI", default="", help="Where you write records in capture form, below it NAME/VARIANT."
)
@click.option(
    "--transform-jobs",
    metavar="PREFIX",
    help="Monitor the batch transform jobs whose names begin so, under the name ENDPOINT.",
)
@stage.traffic
def watch_command(
    io: CommandIO,
    endpoint: str,
    baseline: str | None,
    mode: str | None,
    records: str,
    transform_jobs: str | None,
    **traffic: str,
) -> None:
    """Monitor an endpoint that Vedette did not create, records that you write yourself, or batch transform jobs.

    Read the capture location from the endpoint, add the endpoint to the fleet, and store the baseline. Nothing in
    SageMaker is changed. Show what the owners of the bucket and the key must change, as JSON and as Terraform; until
    then Vedette polls the bucket every 15 minutes.

    With --records, ENDPOINT is any name, and SageMaker is not called: for serverless and asynchronous endpoints, which
    SageMaker does not capture, and for models that are not on SageMaker.

    \b
    Examples:
      vedette watch churn --baseline s3://my-bucket/baselines/churn/constraints.json
      vedette watch churn --mode alert
      vedette watch scores --records s3://my-bucket/records
      vedette watch churn-nightly --transform-jobs churn-nightly- --baseline s3://my-bucket/baselines/churn/
    """  # noqa: D301
    from vedette.operations import aws, fleet, reference_days, watching, watching_jobs

    if records and transform_jobs:
        raise click.UsageError("--records and --transform-jobs name two sources: give one of them.")
    new_baseline = watching.baseline_at(baseline) if baseline else None
    fields = {**({"mode": mode} if mode else {}), **traffic}
    stored, etag = aws.get_fleet()
    jobs = transform_jobs or ("" if records else watching_jobs.prefix_of(stored, endpoint))
    found: Any = watching_jobs.inspect_jobs(endpoint, jobs) if jobs else watching.inspect(endpoint, records)
    entries = watching_jobs.watched(stored, endpoint, jobs, fields) if jobs else watching.watched(stored, found, fields)
    changes = fleet.differences(stored.entries, entries)
    entry = next(one for one in entries if one.endpoint == endpoint)
    (_show_jobs if jobs else _show)(io, found)
    io.say(*(str(change) for change in changes))
    if new_baseline is not None:
        io.say(f"{endpoint}: baseline of {len(new_baseline.constraints.features)} features from {baseline}")
    data: dict[str, Any] = {"found": found, "changes": changes, "applied": False, "baseline": ""}
    if not changes and new_baseline is None:
        io.say("The fleet already has this entry.")
    elif io.confirm(f"Watch the {entry.noun}?"):
        if new_baseline is not None:
            data["baseline"] = watching.take_baseline(endpoint, new_baseline, str(baseline))
            if new_baseline.reference:
                reference_days.take(entry, new_baseline.reference)
            io.say(f"Baseline {data['baseline']} is in force.")
        if changes:
            fleet.apply(entries, etag=etag, by=aws.who())
        data["applied"] = True
        if jobs:
            io.say(f"Vedette evaluates each job {jobs}... when it has ended, as {endpoint}.")
            io.emit(data)
            return
        data["quiet_start"] = show_quiet_start(io, entry)
        io.say(f"Vedette watches {endpoint}. To read earlier captures, run: vedette backfill {endpoint} --from 14d")
    io.emit(data)


def _show(io: CommandIO, found: ObservedEndpoint | ObservedRecords) -> None:
    io.say(found.sentence)
    io.say(f"{DELIVERY[found.delivery]}.", *found.remarks)
    _show_changes(io, found.changes)


def _show_jobs(io: CommandIO, found: ObservedJobs) -> None:
    if found.jobs:
        io.say(f"Newest jobs: {', '.join(found.jobs)}")
    if found.described:
        form = f"{found.content_type or 'no content type'}, split by {found.split_type}"
        joined = ", joined to its input" if found.joins_input else ""
        chosen = f", of which the model receives {found.input_filter}" if found.input_filter != "$" else ""
        io.say(
            f"{found.described} reads {found.input} ({form}){chosen}",
            f"  and writes {found.output}{joined}, with the model {found.model}",
            *([f"  and captures manifests to {found.capture}"] if found.capture else []),
        )
    io.say(*found.remarks)
    _show_changes(io, found.changes)


def _show_changes(io: CommandIO, changes: Sequence[Change]) -> None:
    for number, change in enumerate(changes, 1):
        _show_change(io, number, change)
    if changes:
        io.say("")


def _show_change(io: CommandIO, number: int, change: Change) -> None:
    io.say("", f"{number}. {change.title} ({change.why}).", f"   {change.place}:")
    io.say(json.dumps(change.form, indent=2))
    if change.command:
        io.say("", f"   {change.command}")
    if change.terraform:
        io.say("", "   In Terraform:", change.terraform.rstrip())


@stage.command("unwatch", changes=True)
@stage.endpoint
def unwatch_command(io: CommandIO, endpoint: str) -> None:
    """Remove an endpoint from the fleet.

    The endpoint, its captures and everything that Vedette wrote are kept.

    \b
    Example:
      vedette unwatch churn
    """  # noqa: D301
    from vedette.operations import aws, control, fleet

    stored, etag = aws.get_fleet()
    entry = control.entry_of(endpoint)
    io.say(*(str(change) for change in fleet.differences(stored.entries, fleet.without(stored, endpoint))))
    if entry.mode == "deploy":
        io.say(f"Vedette will no longer deploy versions of {entry.package_group} to it.")
    data = {"endpoint": endpoint, "applied": False}
    if io.confirm(f"Stop watching the {entry.noun}?"):
        fleet.apply(fleet.without(stored, endpoint), etag=etag, by=aws.who())
        data["applied"] = True
        io.say(f"Vedette no longer watches {endpoint}.", *fleet.pending_of([entry]))
    io.emit(data)
