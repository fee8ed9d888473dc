"""`vedette backfill`: process what was captured before Vedette watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from chalicelib.errors import AccessDenied
from vedette.cli import engine, stage
from vedette.cli.quiet_start import show_quiet_start
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import FleetEntry
    from vedette.operations.backfill import Backlog
    from vedette.operations.past_objects import Counts
    from vedette.operations.quality_backfill import LabelBacklog


class _Found(NamedTuple):
    """What is missing since a time."""

    entry: FleetEntry
    since: datetime
    captures: Backlog
    labels: LabelBacklog | None  # None: there is no quality table


class _Done(NamedTuple):
    """What became of it."""

    parts: Counts
    labels: Counts
    joined: int  # joins of predictions and labels
    quiet_start: Any = None  # what would have been sent in the last days, if that is known


@stage.command("backfill", changes=True)
@stage.endpoint
@click.option(
    "--from", "since", required=True, metavar="TIME|SPAN", help="The first captures to read: 14d, 2026-11-01."
)
@engine.engine_options
def backfill_command(io: CommandIO, endpoint: str, since: str, master: str | None, printed: bool) -> None:
    """Process what an endpoint captured before Vedette watched it.

    Create the same parts as the functions do, on this machine or on Spark, and skip objects that already have a part.
    Then create the roll-ups of many parts. If you interrupt the command, run it again to continue. Past windows are not
    evaluated, and raise no alerts. The sweep processes the last two hours.

    Where the endpoint has a quality table, begin with a whole day, store the predictions too, read the labels written
    since, and join both. run_monitoring then evaluates these days as new ones, which raise no alerts in mode observe.

    \b
    Examples:
      vedette backfill churn --from 14d
      vedette backfill churn --from 2026-11-01 --dry-run
      vedette backfill churn --from 90d --engine spark
    """  # noqa: D301
    from chalicelib.window import day_of
    from vedette.operations import control
    from vedette.operations.past_objects import Counts

    entry = control.captured_entry_of(endpoint)
    begin = stage.parse_past_time(since)
    if entry.quality is not None:
        begin = day_of(begin).start
    if printed:
        engine.print_script(io, "backfill", endpoint, "--from", begin.isoformat(timespec="seconds"), "--yes")
        return
    found = _found(entry, begin)
    io.say(*_backlog_lines(found))
    done = _Done(Counts(), Counts(), 0)
    if _is_something_to_do(found) and io.confirm("Process them?"):
        done = _processed(io, found, master)
    io.emit(
        {
            "endpoint": endpoint,
            "waiting": len(found.captures.objects),
            "parts": done.parts.outcomes,
            "rows": done.parts.rows,
            "refused": done.parts.rejected,
            "rollups": done.parts.rollups,
            "labels_waiting": len(found.labels.objects) if found.labels else 0,
            "labels": done.labels.outcomes,
            "joined": done.joined,
            "quiet_start": done.quiet_start,
        }
    )


def _found(entry: FleetEntry, since: datetime) -> _Found:
    from datetime import UTC

    from vedette.operations import backfill, quality_backfill

    now = datetime.now(UTC)
    labels = quality_backfill.backlog(entry, entry.quality, since, now) if entry.quality is not None else None
    return _Found(entry, since, backfill.backlog(entry, since, now), labels)


def _is_something_to_do(found: _Found) -> bool:
    """Days may be left to join though every object is read: an earlier run may have been interrupted."""
    return bool(found.captures.objects or found.captures.hours or found.labels is not None)


def _backlog_lines(found: _Found) -> Iterator[str]:
    from chalicelib.alerts.wording import counted

    captures, labels = found.captures, found.labels
    size = captures.size / 1e6
    yield (
        f"Found {counted(len(captures.objects), 'object')} ({size:.1f} MB) to process; {captures.have:,} already have a"
        " part and are skipped."
    )
    if labels is not None:
        size = labels.size / 1e6
        yield (
            f"Found {counted(len(labels.objects), 'label object')} ({size:.1f} MB) to process; {labels.have:,} already"
            " have a label part and are skipped."
        )
        yield f"run_monitoring then evaluates the days since {found.since:%Y-%m-%d} whose labels are ripe."
        if found.entry.mode != "observe":
            yield f"In mode {found.entry.mode} it alerts on them as on new days."


def _processed(io: CommandIO, found: _Found, master: str | None) -> _Done:
    """Create what is missing."""
    from chalicelib.alerts.wording import counted
    from vedette.operations import backfill, quality_backfill
    from vedette.operations.past_objects import Counts

    entry, labels, joined, denied = found.entry, Counts(), 0, list[str]()
    with engine.started(master) as spark:
        with engine.progress(spark, "Processing", found.captures.size) as advance:
            parts = backfill.process(found.captures, entry, spark, advance)
        io.say(*_part_lines(parts))
        denied += parts.denied
        if found.labels is not None and entry.quality is not None:
            labels, joined = quality_backfill.process(found.labels, entry, entry.quality, found.since, spark)
            io.say(*_label_lines(labels, joined))
            denied += (*labels.denied, *found.labels.denied)
    if denied:
        more = len(denied) - 1
        raise AccessDenied(denied[0] + (f", and to {counted(more, 'other object')}" if more else ""))
    return _Done(parts, labels, joined, _quiet_start(io, entry))


def _quiet_start(io: CommandIO, entry: FleetEntry) -> Any:
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    try:
        return show_quiet_start(io, entry)
    except (ConnectTimeoutError, EndpointConnectionError) as error:  # a cluster may reach S3 and DynamoDB alone
        io.say(f"The last days were not replayed, and no reference days were learned: {error}")
        return None


def _part_lines(counts: Counts) -> Iterator[str]:
    if counts.outcomes:
        lines = f"{counts.rows} rows; {counts.rejected} lines were rejected"
        yield f"Parts: {_outcomes(counts)}. They hold {lines}."
    if counts.rollups:
        yield f"Roll-ups: {counts.rollups} created."


def _label_lines(counts: Counts, joined: int) -> Iterator[str]:
    if counts.outcomes:
        yield f"Label parts: {_outcomes(counts)}. They hold {counts.rows} labels; {counts.rejected} were rejected."
    if joined:
        yield f"Joins of predictions and labels: {joined} created."


def _outcomes(counts: Counts) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.outcomes.items()))
