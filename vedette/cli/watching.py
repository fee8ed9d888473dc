"""`vedette watch`, `vedette unwatch`, `vedette backfill`: endpoints that somebody else made."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.operations.watching import Change, Found


HOW = {
    "events": "Events tell of each object, which is read within seconds",
    "polled": "The source is polled: looked through every 15 minutes",
    "closed": "The source is not read before the first of these changes",
}


@stage.command("watch", changes=True)
@stage.endpoint
@click.option("--baseline", metavar="DIR|S3_URI", help="Folder of both files, or a constraints.json.")
@click.option("--mode", type=click.Choice(["observe", "alert"]), help="How far Vedette goes. [default: observe]")
@stage.traffic
def watch_command(io: CommandIO, endpoint: str, baseline: str | None, mode: str | None, **traffic: str) -> None:
    """Watch an endpoint that somebody else made; nothing of SageMaker is changed.

    Reads where it captures from the endpoint itself, puts it into the fleet, and takes over the baseline that is given.
    Shows what the owners of bucket and key must do, as JSON and as Terraform; until then the bucket is looked through
    every 15 minutes.

    \b
    Examples:
      vedette watch churn --baseline s3://my-bucket/baselines/churn/constraints.json
      vedette watch churn --mode alert
    """  # noqa: D301
    from vedette.operations import aws, fleet, watching

    given = watching.baseline_at(baseline) if baseline else None
    found = watching.look(endpoint)
    stored, etag = aws.get_fleet()
    entries = watching.watched(stored, found, {**({"mode": mode} if mode else {}), **traffic})
    changes = fleet.differences(stored.entries, entries)
    _show(io, found)
    io.say(*(str(change) for change in changes))
    if given is not None:
        io.say(f"{endpoint}: baseline of {len(given.constraints.features)} features from {baseline}")
    data: dict[str, Any] = {"found": found, "changes": changes, "applied": False, "baseline": ""}
    if not changes and given is None:
        io.say("The fleet is so already.")
    elif io.confirm("Watch it?"):
        if given is not None:
            data["baseline"] = watching.take_baseline(endpoint, given, str(baseline))
            io.say(f"Baseline {data['baseline']} is in force.")
        if changes:
            fleet.apply(entries, etag=etag, by=aws.who())
        data["applied"] = True
        io.say(f"{endpoint} is watched; `vedette backfill {endpoint} --from 14d` reads what was captured before.")
    io.emit(data)


def _show(io: CommandIO, found: Found) -> None:
    captured = f"{found.percentage} % of its requests ({', '.join(found.modes) or 'no mode'})"
    io.say(f"{found.endpoint} captures {captured} to {found.source}")
    io.say(f"{HOW[found.delivery]}.", *found.remarks)
    for number, change in enumerate(found.changes, 1):
        _show_change(io, number, change)
    if found.changes:
        io.say("")


def _show_change(io: CommandIO, number: int, change: Change) -> None:
    io.say("", f"{number}. {change.title} ({change.why}).", f"   {change.place}:")
    io.say(json.dumps(change.form, indent=2))
    if change.command:
        io.say("", f"   {change.command}")
    if change.terraform:
        io.say("", "   As Terraform:", change.terraform.rstrip())


@stage.command("unwatch", changes=True)
@stage.endpoint
def unwatch_command(io: CommandIO, endpoint: str) -> None:
    """Take an endpoint out of the fleet; the endpoint, its captures and everything that was written stay.

    \b
    Example:
      vedette unwatch churn
    """  # noqa: D301
    from vedette.operations import aws, control, fleet

    stored, etag = aws.get_fleet()
    entry = control.entry_of(endpoint)
    io.say(*(str(change) for change in fleet.differences(stored.entries, fleet.without(stored, endpoint))))
    if entry.mode == "deploy":
        io.say(f"Vedette will deploy no version of {entry.package_group} to it any more.")
    data = {"endpoint": endpoint, "applied": False}
    if io.confirm("Watch it no more?"):
        fleet.apply(fleet.without(stored, endpoint), etag=etag, by=aws.who())
        data["applied"] = True
        io.say(f"{endpoint} is watched no more.")
    io.emit(data)


@stage.command("backfill", changes=True)
@stage.endpoint
@click.option("--from", "since", required=True, metavar="TIME|SPAN", help="Since when: 14d, 36h, 2026-11-01.")
def backfill_command(io: CommandIO, endpoint: str, since: str) -> None:
    """Read what an endpoint captured before it was watched.

    Makes the same parts as the functions do, on this machine, and skips those that are there: after Ctrl-C, run it
    again. Nobody is alerted of what lies in the past. The last two hours are left to the sweep.

    \b
    Examples:
      vedette backfill churn --from 14d
      vedette backfill churn --from 2026-11-01 --dry-run
    """  # noqa: D301
    from datetime import UTC, datetime

    from vedette.operations import backfill, control

    begin = stage.parse_past_time(since)
    entry = control.entry_of(endpoint)
    found = backfill.waiting(entry, begin, datetime.now(UTC))
    megabytes = f"{found.size / 1e6:.1f} MB"
    objects = f"{len(found.objects)} object{'' if len(found.objects) == 1 else 's'}"
    io.say(f"To be read: {objects} ({megabytes}) without a part; {found.have} with one are skipped.")
    done: Counter[str] = Counter()
    rows = refused = 0
    if found.objects and io.confirm("Read them?"):
        with options.progress("Reading", found.size) as advance:
            for captured, made in backfill.made(found, entry):
                advance(captured.size)
                if isinstance(made, str):
                    done[made] += 1
                    continue
                done["made" if made.made else "made meanwhile by somebody else"] += 1
                rows += made.part.summary.rows
                refused += made.part.summary.rejected_lines
        said = ", ".join(f"{number} {what}" for what, number in done.items())
        io.say(f"Parts: {said}. Rows in them: {rows}; lines refused: {refused}.")
    io.emit({"endpoint": endpoint, "waiting": len(found.objects), "parts": done, "rows": rows, "refused": refused})
