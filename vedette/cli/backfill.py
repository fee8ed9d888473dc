"""`vedette backfill`: process what was captured before Vedette watched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from chalicelib.errors import AccessDenied
from chalicelib.outcomes import Skipped
from vedette.cli import engine, stage
from vedette.cli.quiet_start import show_quiet_start
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import FleetEntry
    from chalicelib.services.quality_monitoring import QualityContext
    from vedette.operations.backfill import Backlog
    from vedette.operations.past_objects import Counts
    from vedette.operations.quality_backfill import LabelBacklog
    from vedette.spark.engine import Spark

T = TypeVar("T")


class _Found(NamedTuple):
    """What is missing since a time."""

    entry: FleetEntry
    since: datetime
    captures: Backlog
    labels: LabelBacklog | None  # without a quality table


class _Done(NamedTuple):
    """What became of it."""

    parts: Counts
    labels: Counts
    days: dict[str, int]  # of model quality, by verdict
    quiet: Any = None  # what would have been sent in the last days, if that is known


@stage.command("backfill", changes=True)
@stage.endpoint
@click.option(
    "--from", "since", required=True, metavar="TIME|SPAN", help="The first captures to read: 14d, 2026-11-01."
)
@engine.engine_options
def backfill_command(io: CommandIO, endpoint: str, since: str, master: str | None, printed: bool) -> None:
    """Process what an endpoint captured before Vedette watched it.

    Create the same parts as the functions do, on this machine or on Spark, and skip objects that already have a part.
    Then create the roll-ups of many parts. Where the endpoint has a quality table, store the predictions too, read the
    labels written since, and evaluate the days whose labels are ripe. If you interrupt the command, run it again to
    continue. Past data raises no alerts. The sweep processes the last two hours.

    \b
    Examples:
      vedette backfill churn --from 14d
      vedette backfill churn --from 2026-11-01 --dry-run
      vedette backfill churn --from 90d --engine spark
    """  # noqa: D301
    from vedette.operations import control
    from vedette.operations.past_objects import Counts

    begin = stage.parse_past_time(since)
    entry = control.captured_entry_of(endpoint)
    if printed:
        engine.print_script(io, "backfill", endpoint, "--from", begin.isoformat(timespec="seconds"), "--yes")
        return
    found = _found(entry, begin)
    io.say(*_backlog_lines(found))
    done = _Done(Counts(), Counts(), {})
    something = found.captures.objects or found.captures.hours or found.labels is not None
    if something and io.confirm("Process them?"):
        done = _processed(io, found, master)
    io.emit(
        {
            "endpoint": endpoint,
            "waiting": len(found.captures.objects),
            "parts": done.parts.outcomes,
            "rows": done.parts.rows,
            "refused": done.parts.rejected,
            "rollups": done.parts.rollups,
            "labels": done.labels.outcomes,
            "days": done.days,
            "quiet_start": done.quiet,
        }
    )


def _found(entry: FleetEntry, since: datetime) -> _Found:
    from datetime import UTC

    from vedette.operations import backfill, quality_backfill

    now = datetime.now(UTC)
    labels = quality_backfill.backlog(entry, since, now) if entry.quality is not None else None
    return _Found(entry, since, backfill.backlog(entry, since, now), labels)


def _backlog_lines(found: _Found) -> Iterator[str]:
    from chalicelib.alerts.wording import counted

    captures, labels = found.captures, found.labels
    size = captures.size / 1e6
    yield (
        f"Found {counted(len(captures.objects), 'object')} ({size:.1f} MB) to process; {captures.have} already have a"
        " part and are skipped."
    )
    if labels is not None:
        size = labels.size / 1e6
        yield (
            f"Found {counted(len(labels.objects), 'label object')} ({size:.1f} MB) to process; {labels.have} already"
            " have a label part and are skipped. Then the days whose labels are ripe are evaluated."
        )


def _processed(io: CommandIO, found: _Found, master: str | None) -> _Done:
    """Create what is missing, and evaluate the days of model quality."""
    from chalicelib.alerts.wording import counted
    from vedette.operations import backfill, quality_backfill
    from vedette.operations.past_objects import Counts

    entry, since, days = found.entry, found.since, dict[str, int]()
    labels = Counts()
    with engine.started(master) as spark:
        context = quality_backfill.context_of(entry, since) if found.labels is not None else None
        with engine.progress(spark, "Processing", found.captures.size) as advance:
            parts = backfill.process(found.captures, entry, spark, advance)
        io.say(*_part_lines(parts))
        if found.labels is not None and context is not None:
            labels = quality_backfill.process_labels(found.labels, entry, spark)
            io.say(*_label_lines(labels))
            days = _evaluated_days(io, context, since, spark)
    denied = (*parts.denied, *labels.denied)
    if denied:
        more = len(denied) - 1
        raise AccessDenied(denied[0] + (f", and to {counted(more, 'other object')}" if more else ""))
    unknown = "The last days were not replayed, and no reference days were learned"
    return _Done(parts, labels, days, _if_reached(io, unknown, lambda: show_quiet_start(io, entry)))


def _evaluated_days(
    io: CommandIO, context: QualityContext | Skipped, since: datetime, spark: Spark | None
) -> dict[str, int]:
    """Evaluate the days of model quality; how many have which verdict now, of those that were evaluated."""
    from vedette.operations import quality_backfill

    if isinstance(context, Skipped):
        io.say(f"No day was evaluated: {context.detail}.")
        return {}

    def evaluated() -> dict[tuple[str, datetime], str]:
        executions = quality_backfill.evaluate_days(context, since, spark)
        return {(one.variant, one.window_start): one.verdict for one in executions}

    verdicts = Counter((_if_reached(io, "Not all days of model quality were evaluated", evaluated) or {}).values())
    if verdicts:
        counted = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
        io.say(f"Days of model quality: {verdicts.total()} evaluated: {counted}.")
    return dict(verdicts)


def _if_reached(io: CommandIO, otherwise: str, work: Callable[[], T]) -> T | None:
    """What `work` returns; None, and a sentence, where SageMaker is not reached: a cluster may reach S3 alone."""
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError

    try:
        return work()
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        io.say(f"{otherwise}: {error}")
        return None


def _part_lines(counts: Counts) -> Iterator[str]:
    if counts.outcomes:
        lines = f"{counts.rows} rows; {counts.rejected} lines were rejected"
        yield f"Parts: {_outcomes(counts)}. They hold {lines}."
    if counts.rollups:
        yield f"Roll-ups: {counts.rollups} created."


def _label_lines(counts: Counts) -> Iterator[str]:
    if counts.outcomes:
        yield f"Label parts: {_outcomes(counts)}. They hold {counts.rows} labels; {counts.rejected} were rejected."


def _outcomes(counts: Counts) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.outcomes.items()))
