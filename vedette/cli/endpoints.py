"""What is done to an endpoint itself: capture, requests, deletion, and what is left over afterwards."""

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
    """Turn data capture of an endpoint on and off, or see how it is.

    \b
    Example:
      vedette capture on preferred-site --percentage 50
    """  # noqa: D301


@stage.command("on", changes=True)
@stage.endpoint
@click.option("--percentage", type=click.IntRange(1, 100), default=100, show_default=True, help="Share captured.")
@click.option(
    "--to", "destination", metavar="S3_URI", default="", help="Where; [default: as now, else the stage's bucket]"
)
def capture_on_command(io: CommandIO, endpoint: str, percentage: int, destination: str) -> None:
    """Capture what an endpoint receives and returns.

    The served config is copied with capture alone changed, and the endpoint put on the copy; its instance counts and
    weights stay. For an endpoint that Vedette deploys, its fleet entry is changed instead.

    \b
    Example:
      vedette capture on preferred-site --percentage 50 --dry-run
    """  # noqa: D301
    _capture(io, endpoint, percentage, destination)


@stage.command("off", changes=True)
@stage.endpoint
def capture_off_command(io: CommandIO, endpoint: str) -> None:
    """Stop capturing what an endpoint receives and returns.

    \b
    Example:
      vedette capture off preferred-site
    """  # noqa: D301
    _capture(io, endpoint, 0, "")


@stage.command("status")
@stage.endpoint
def capture_status_command(io: CommandIO, endpoint: str) -> None:
    """Show data capture of an endpoint as SageMaker has it now.

    \b
    Example:
      vedette capture status preferred-site
    """  # noqa: D301
    from vedette.operations import capture

    found = capture.status(endpoint)
    if found.enabled:
        io.say(
            f"{endpoint} captures {found.percentage} % of its requests into {found.destination}"
            f" ({found.capture_status}).",
            f"Sides: {', '.join(found.modes)}. CSV: {', '.join(found.csv_content_types) or 'none'};"
            f" JSON: {', '.join(found.json_content_types) or 'none'}; all else is stored as BASE64.",
        )
    else:
        io.say(f"{endpoint} captures nothing.")
    io.say(f"It is {found.endpoint_status}, on {found.config}.")
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
    wish = capture.switch(endpoint, percentage, destination)
    data: dict[str, Any] = {"endpoint": endpoint, "changed": False, "changes": wish.changes if wish else ()}
    if wish is None:
        io.say(f"Data capture of {endpoint} is so already.")
    else:
        data["config"] = wish.name
        _show_switch(io, wish)
        if io.confirm("Update the endpoint?"):
            capture.carry_out(wish)
            data["changed"] = True
            io.say(f"{endpoint} is being updated; `vedette capture status {endpoint}` shows when it is done.")
    io.emit(data)


def _show_switch(io: CommandIO, wish: Switch) -> None:
    io.say(f"{wish.endpoint}: from {wish.before} to {wish.name}", *(f"  {change}" for change in wish.changes))


def _capture_in_fleet(io: CommandIO, stored: Any, etag: str, endpoint: str, percentage: int, destination: str) -> None:
    """Vedette deploys this endpoint: its config follows the fleet, so the fleet is what is changed."""
    from vedette.operations import aws, control, fleet

    fields: dict[str, Any] = {"capture_percentage": percentage, **({"capture_uri": destination} if destination else {})}
    entries = fleet.changed(stored, endpoint, **fields)
    fleet.check_entry(next(entry for entry in entries if entry.endpoint == endpoint), endpoint)
    changes = fleet.differences(stored.entries, entries)
    data: dict[str, Any] = {"endpoint": endpoint, "changed": False, "changes": [str(c) for c in changes], "steps": []}
    if not changes:
        io.say(f"Data capture of {endpoint} is so already in the fleet.")
    else:
        io.say(f"Vedette deploys {endpoint}, so its fleet entry is changed:", *(str(change) for change in changes))
        if io.confirm("Change it, and update the endpoint?"):
            fleet.apply(entries, etag=etag, by=aws.who())
            data["changed"], data["steps"] = True, control.act(endpoint)
            io.say(*data["steps"])
    io.emit(data)


# --- requests ---------------------------------------------------------------------------------------------------------


@stage.command("invoke", context_settings={"ignore_unknown_options": True})
@stage.endpoint
@click.argument("payload")
@click.option("--content-type", default="text/csv", show_default=True, help="What the payload is.")
@click.option("--accept", default="", help="What the answer shall be.")
def invoke_command(io: CommandIO, endpoint: str, payload: str, content_type: str, accept: str) -> None:
    """Send one request to an endpoint and show its answer.

    PAYLOAD is the request itself, or @FILE.

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
@click.option("--good", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Rows, one a line.")
@click.option("--bad", type=click.Path(dir_okay=False, path_type=Path), help="Rows that are wrong, one a line.")
@click.option("--bad-share", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Share of bad requests.")
@click.option("--every", default="30s", show_default=True, help="Time between two requests: 1s, 30s, 5m.")
@click.option("--count", type=click.IntRange(1), help="Number of requests. [default: until Ctrl-C]")
@click.option("--rows", type=click.IntRange(1), default=1, show_default=True, help="Rows in a request.")
@click.option("--header", is_flag=True, help="The first line of the files holds names.")
@click.option("--content-type", default="text/csv", show_default=True, help="What the rows are.")
def simulate_command(io: CommandIO, endpoint: str, good: Path, bad: Path | None, **given: Any) -> None:
    """Send traffic to an endpoint at a steady pace, good and bad requests mixed evenly.

    Ctrl-C stops it and shows what was sent. What the model refuses is counted, and the traffic goes on.

    \b
    Example:
      vedette simulate preferred-site --good good.csv --bad bad.csv --every 30s --count 120
    """  # noqa: D301
    import time

    from vedette.operations import traffic

    header, count = given["header"], given["count"]
    bodies = traffic.requests(
        traffic.read_rows(good, header=header),
        traffic.read_rows(bad, header=header) if bad else [],
        given["bad_share"],
        given["rows"],
    )
    with _progress(f"To {endpoint}", count) as told:
        sent = traffic.simulate(
            endpoint,
            bodies,
            every_seconds=stage.parse_duration_seconds(given["every"]),
            count=count,
            content_type=given["content_type"],
            wait=time.sleep,
            told=told,
        )
    failed = ", ".join(f"{number} {code}" for code, number in sent.failed.items())
    io.say(f"{sent.total} requests sent, {sent.good} good and {sent.bad} bad; refused: {failed or 'none'}.")
    io.emit({"endpoint": endpoint, "good": sent.good, "bad": sent.bad, "failed": sent.failed})


@contextmanager
def _progress(title: str, count: int | None) -> Iterator[Callable[[Sent], None]]:
    """A line on standard error that follows the requests, for people only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[mix]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not stage.interactive()) as bar:
        task = bar.add_task(title, total=count, mix="")
        yield lambda sent: bar.update(
            task, completed=sent.total, mix=f"{sent.bad} bad, {sum(sent.failed.values())} refused"
        )


# --- deletion ---------------------------------------------------------------------------------------------------------


@stage.command("delete", changes=True)
@stage.endpoint
@click.option("--delete-endpoint", is_flag=True, help="Also what Vedette did not make; its name must then be typed.")
def delete_command(io: CommandIO, endpoint: str, delete_endpoint: bool) -> None:
    """Delete an endpoint with everything that hangs on it, by exact names.

    In order: out of the fleet, schedules of Model Monitor (their running executions are awaited), job definitions, the
    endpoint, its configs, models and alarms. Only what carries Vedette's tag for exactly this endpoint; with
    --delete-endpoint also an endpoint that somebody else made, its config and its models, unless others use them.
    Interrupted, the same command goes on.

    \b
    Examples:
      vedette delete preferred-site --dry-run
      vedette delete first-look --delete-endpoint
    """  # noqa: D301
    import time

    from vedette.operations import deletion

    found = deletion.prepared(endpoint, everything=delete_endpoint)
    if found.resumed:
        io.say(f"This goes on with the deletion that {found.by} began at {found.at:%Y-%m-%d %H:%M} UTC.")
    io.say(*([f"take {endpoint} out of the fleet"] if found.in_fleet else []))
    io.say(*(f"delete {item.kind} {item.name} ({item.why})" for item in found.items))
    io.say(*(f"keep   {thing.kind} {thing.name} ({thing.why})" for thing in found.kept))
    data: dict[str, Any] = {"endpoint": endpoint, "items": found.items, "kept": found.kept, "deleted": False}
    if not found.items and not found.in_fleet:
        io.say("There is nothing to delete.")
    elif io.confirm(f"Delete these {len(found.items)}?" if found.items else "Take it out of the fleet?"):
        if any(item.kind == "endpoint" and item.why == "named by you" for item in found.items):
            io.confirm_by_typing("Vedette did not make this endpoint. Type its name to delete it", endpoint)
        deletion.delete(found, time.sleep, io.progress)
        data["deleted"] = True
    io.emit(data)


@stage.command("orphans", changes=True, while_paused=True)
@click.option("--delete", "delete_them", is_flag=True, help="Delete them.")
def orphans_command(io: CommandIO, delete_them: bool) -> None:
    """List what Vedette made and nobody uses any more: configs, models and alarms older than a day.

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
        if delete_them and io.confirm(f"Delete these {len(found)}?"):
            data["deleted"] = orphans.delete(found, now)
            io.say(f"{len(data['deleted'])} deleted.")
    else:
        io.say("Nothing is left over.")
    io.emit(data)
