"""Commands on the endpoints themselves: capture, requests, deletion, and unused resources."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vedette.operations.capture import Switch
    from vedette.operations.traffic import Sent


# --- capture ----------------------------------------------------------------------------------------------------------


@click.group("capture")
def capture_group() -> None:
    """Turn data capture of an endpoint on or off, or show its state.

    \b
    Example:
      vedette capture on preferred-site --percentage 50
    """  # noqa: D301


@stage.command("on", changes=True)
@stage.sagemaker_endpoint
@click.option("--percentage", type=click.IntRange(1, 100), default=100, show_default=True, help="Share of requests.")
@click.option(
    "--to",
    "destination",
    metavar="S3_URI",
    default="",
    help="The location. [default: the current, or the stage's bucket]",
)
def capture_on_command(io: CommandIO, endpoint: str, percentage: int, destination: str) -> None:
    """Turn on data capture for an endpoint.

    Copy the served config, change only its capture settings, and update the endpoint to the copy. Instance counts and
    weights are kept. For an endpoint that Vedette deploys, change its fleet entry instead.

    \b
    Example:
      vedette capture on preferred-site --percentage 50 --dry-run
    """  # noqa: D301
    _capture(io, endpoint, percentage, destination)


@stage.command("off", changes=True)
@stage.sagemaker_endpoint
def capture_off_command(io: CommandIO, endpoint: str) -> None:
    """Turn off data capture for an endpoint.

    \b
    Example:
      vedette capture off preferred-site
    """  # noqa: D301
    _capture(io, endpoint, 0, "")


@stage.command("status")
@stage.sagemaker_endpoint
def capture_status_command(io: CommandIO, endpoint: str) -> None:
    """Show the data capture settings of an endpoint in SageMaker.

    \b
    Example:
      vedette capture status preferred-site
    """  # noqa: D301
    from vedette.operations import capture

    found = capture.status(endpoint)
    if found.config_deleted:
        io.say(f"The capture settings of {endpoint} are not known: {found.config_deleted}.")
    elif found.enabled:
        io.say(
            f"{endpoint} captures {found.percentage} % of its requests into {found.destination}"
            f" ({found.capture_status}).",
            f"Sides: {', '.join(found.modes)}. CSV: {', '.join(found.csv_content_types) or 'none'};"
            f" JSON: {', '.join(found.json_content_types) or 'none'}; other types are stored as BASE64.",
        )
    else:
        io.say(f"Data capture of {endpoint} is off.")
    io.say(f"The endpoint is {found.endpoint_status} with config {found.config}.")
    io.emit(found)


for _command in (capture_on_command, capture_off_command, capture_status_command):
    capture_group.add_command(_command)


def _capture(io: CommandIO, endpoint: str, percentage: int, destination: str) -> None:
    from vedette.operations import aws, capture

    stored, etag = aws.get_fleet()
    entry = stored.entry(endpoint)
    if entry is not None and entry.mode == "deploy":
        _capture_in_fleet(io, stored, etag, endpoint, percentage, destination)
        return
    switch = capture.switch(endpoint, percentage, destination)
    data: dict[str, Any] = {"endpoint": endpoint, "changed": False, "changes": switch.changes if switch else ()}
    if switch is None:
        io.say(f"Data capture of {endpoint} already has these settings.")
    else:
        data["config"] = switch.name
        _show_switch(io, switch)
        if io.confirm("Update the endpoint?"):
            capture.carry_out(switch)
            data["changed"] = True
            io.say(f"The update of {endpoint} has started; `vedette capture status {endpoint}` shows when it ends.")
    io.emit(data)


def _show_switch(io: CommandIO, switch: Switch) -> None:
    io.say(f"{switch.endpoint}: from {switch.before} to {switch.name}", *(f"  {change}" for change in switch.changes))


def _capture_in_fleet(io: CommandIO, stored: Any, etag: str, endpoint: str, percentage: int, destination: str) -> None:
    """Change the fleet entry: Vedette deploys this endpoint, so its config follows the fleet."""
    from vedette.operations import aws, control, fleet

    fields: dict[str, Any] = {"capture_percentage": percentage, **({"capture_uri": destination} if destination else {})}
    entries = fleet.changed(stored, endpoint, **fields)
    fleet.check_entry(next(entry for entry in entries if entry.endpoint == endpoint), endpoint)
    changes = fleet.differences(stored.entries, entries)
    data: dict[str, Any] = {"endpoint": endpoint, "changed": False, "changes": [str(c) for c in changes], "steps": []}
    if not changes:
        io.say(f"Data capture of {endpoint} already has these settings in the fleet.")
    else:
        io.say(f"Vedette deploys {endpoint}, so its fleet entry changes:", *(str(change) for change in changes))
        if io.confirm("Change the entry and update the endpoint?"):
            fleet.apply(entries, etag=etag, by=aws.who())
            data["changed"], data["steps"] = True, control.act(endpoint)
            io.say(*data["steps"])
    io.emit(data)


# --- requests ---------------------------------------------------------------------------------------------------------


@stage.command("invoke", context_settings={"ignore_unknown_options": True})
@stage.endpoint
@click.argument("payload")
@click.option("--content-type", default="text/csv", show_default=True, help="The content type of the payload.")
@click.option("--accept", default="", help="The content type of the response.")
def invoke_command(io: CommandIO, endpoint: str, payload: str, content_type: str, accept: str) -> None:
    """Send one request to an endpoint and show the response.

    PAYLOAD is the body of the request, or @FILE.

    \b
    Examples:
      vedette invoke preferred-site 1.5,2
      vedette invoke preferred-site @rows.csv --accept application/json
    """  # noqa: D301
    from vedette.operations import traffic

    body = Path(payload[1:]).read_bytes() if payload.startswith("@") else payload.encode()
    answer = traffic.invoke(endpoint, body, content_type, accept)
    io.say(answer.body.rstrip("\n"))
    io.emit(answer)


@stage.command("simulate")
@stage.endpoint
@click.option("--good", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A file of good rows.")
@click.option("--bad", type=click.Path(dir_okay=False, path_type=Path), help="A file of bad rows.")
@click.option("--bad-share", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Share of bad requests.")
@click.option("--every", default="30s", show_default=True, help="The time between two requests: 1s, 30s, 5m.")
@click.option("--count", type=click.IntRange(1), help="The number of requests. [default: until Ctrl-C]")
@click.option("--rows", type=click.IntRange(1), default=1, show_default=True, help="The number of rows per request.")
@click.option("--header", is_flag=True, help="Skip the first line of the files, which holds names.")
@click.option("--content-type", default="text/csv", show_default=True, help="The content type of the rows.")
def simulate_command(io: CommandIO, endpoint: str, good: Path, bad: Path | None, **params: Any) -> None:
    """Send traffic to an endpoint at a steady rate, with good and bad requests evenly mixed.

    Press Ctrl-C to stop and show a summary. Requests that fail are counted, and the traffic continues.

    \b
    Example:
      vedette simulate preferred-site --good good.csv --bad bad.csv --every 30s --count 120
    """  # noqa: D301
    import time

    from vedette.operations import traffic

    header, count = params["header"], params["count"]
    bodies = traffic.requests(
        traffic.read_rows(good, header=header),
        traffic.read_rows(bad, header=header) if bad else [],
        params["bad_share"],
        params["rows"],
    )
    with _progress(f"To {endpoint}", count) as report:
        sent = traffic.simulate(
            endpoint,
            bodies,
            every_seconds=stage.parse_duration_seconds(params["every"]),
            count=count,
            content_type=params["content_type"],
            wait=time.sleep,
            report=report,
        )
    failed = ", ".join(f"{number} {code}" for code, number in sent.failed.items())
    io.say(f"Sent {sent.total} requests: {sent.good} good, {sent.bad} bad; failed: {failed or 'none'}.")
    io.emit({"endpoint": endpoint, "good": sent.good, "bad": sent.bad, "failed": sent.failed})


@contextmanager
def _progress(title: str, count: int | None) -> Iterator[Callable[[Sent], None]]:
    """A progress bar on standard error, shown only in a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[mix]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not stage.interactive()) as bar:
        task = bar.add_task(title, total=count, mix="")
        yield lambda sent: bar.update(
            task, completed=sent.total, mix=f"{sent.bad} bad, {sum(sent.failed.values())} failed"
        )


# --- deletion ---------------------------------------------------------------------------------------------------------


@stage.command("delete", changes=True)
@stage.endpoint
@click.option(
    "--delete-endpoint", is_flag=True, help="Also delete what Vedette did not create; its name must be typed."
)
def delete_command(io: CommandIO, endpoint: str, delete_endpoint: bool) -> None:
    """Delete an endpoint and the resources that belong to it.

    In this order: the fleet entry, Model Monitor schedules (after their running executions end), job definitions, the
    endpoint, its configs, its models and its alarms. Only resources with Vedette's tag for exactly this endpoint are
    deleted. With --delete-endpoint, also delete an endpoint that Vedette did not create, its config and its models,
    unless other endpoints use them. If the command is interrupted, run it again to continue.

    \b
    Examples:
      vedette delete preferred-site --dry-run
      vedette delete first-look --delete-endpoint
    """  # noqa: D301
    import time

    from vedette.operations import deletion

    found = deletion.prepared(endpoint, everything=delete_endpoint)
    if found.resumed:
        io.say(f"Continuing the deletion that {found.by} started at {found.at:%Y-%m-%d %H:%M} UTC.")
    io.say(*([f"remove {endpoint} from the fleet"] if found.in_fleet else []))
    io.say(*(f"delete {item.kind} {item.name} ({item.why})" for item in found.items))
    io.say(*(f"keep   {thing.kind} {thing.name} ({thing.why})" for thing in found.kept))
    data: dict[str, Any] = {"endpoint": endpoint, "items": found.items, "kept": found.kept, "deleted": False}
    if not found.items and not found.in_fleet:
        io.say("There is nothing to delete.")
    elif io.confirm(f"Delete these {len(found.items)} resources?" if found.items else "Remove it from the fleet?"):
        if any(item.kind == "endpoint" and item.why == "named by you" for item in found.items):
            io.confirm_by_typing("Vedette did not create this endpoint. Type its name to delete it", endpoint)
        deletion.delete(found, time.sleep, io.progress)
        data["deleted"] = True
    io.emit(data)


@stage.command("orphans", changes=True, while_paused=True)
@click.option("--delete", "delete_them", is_flag=True, help="Delete the listed resources.")
def orphans_command(io: CommandIO, delete_them: bool) -> None:
    """List resources that Vedette created and that are no longer used.

    These are configs, models and alarms that are more than a day old.

    \b
    Examples:
      vedette orphans
      vedette orphans --delete
    """  # noqa: D301
    from datetime import UTC, datetime

    from vedette.operations import control, orphans

    if delete_them and not io.dry_run:
        control.refuse_while_paused()
    now = datetime.now(UTC)
    found = orphans.orphans(now)
    data: dict[str, Any] = {"orphans": found, "deleted": []}
    if found:
        rows = [(o.kind, o.name, o.endpoint, f"{o.created:%Y-%m-%d}" if o.created else "") for o in found]
        io.table(("Kind", "Name", "Endpoint", "Since"), rows)
        if delete_them and io.confirm(f"Delete these {len(found)} resources?"):
            data["deleted"] = orphans.delete(found, now)
            io.say(f"Deleted {len(data['deleted'])} resources.")
    else:
        io.say("There are no unused resources.")
    io.emit(data)
