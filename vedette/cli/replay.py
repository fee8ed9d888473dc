"""`vedette replay`: back-test constraints on past data before they raise alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from chalicelib.errors import VedetteError
from vedette.cli import engine, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Execution, FleetEntry
    from vedette.operations.replay import BaselineReplay, Week
    from vedette.spark.engine import Spark

MAX_ALERTS_SHOWN = 20


@stage.command("replay")
@stage.endpoint
@click.option(
    "--from", "since", default="14d", show_default=True, metavar="TIME|SPAN", help="The start: 14d, 2026-11-01."
)
@click.option("--constraints", "other", metavar="VERSION|FILE|DIR", help="Compare these with the current constraints.")
@click.option("--variant", default="", help="Replay only this variant. [default: all]")
@click.option(
    "--window",
    metavar="TIME",
    help="End with this window or object, as an alert names it, and show what it would have raised. [default: now]",
)
@click.option("--quality", is_flag=True, help="Replay the evaluated days of model quality.")
@engine.engine_options
def replay_command(
    io: CommandIO,
    endpoint: str,
    since: str,
    other: str | None,
    variant: str,
    window: str | None,
    quality: bool,
    master: str | None,
    printed: bool,
) -> None:
    """Back-test constraints on past data: count the violations and alerts of each week.

    Evaluate the stored parts again with the current constraints and, with --constraints, with others for comparison.
    To create parts of earlier captures, use `vedette backfill`. Alerts about missing data are not replayed. The command
    writes nothing.

    Exit codes: 0 = no alerts, 1 = the tested constraints would have raised alerts, 2 = nothing could be evaluated. The
    tested constraints are those of --constraints, or else the current ones.

    \b
    Examples:
      vedette replay preferred-site --from 14d
      vedette replay preferred-site --from 2026-11-01 --constraints constraints.json
      vedette replay preferred-site --from 14d --window 2026-11-22T09
      vedette replay fraud --from 60d --quality --constraints quality-baseline/
      vedette replay preferred-site --from 90d --engine spark
    """  # noqa: D301
    from vedette.operations import control, results

    entry = control.captured_entry_of(endpoint)
    if printed:
        given = {"--constraints": other, "--variant": variant, "--window": window}
        more = [word for name, value in given.items() if value for word in (name, value)]
        begin = stage.parse_past_time(since).isoformat(timespec="seconds")
        engine.print_script(io, "replay", endpoint, "--from", begin, *more, *(["--quality"] if quality else []))
        return
    of_quality = quality or (window is not None and results.is_quality_window(window))
    with engine.started(master) as spark:
        found = (_of_quality if of_quality else _of_captures)(entry, since, other, variant, window, spark)
    _show(io, endpoint, found)


class _Replayed(NamedTuple):
    """What was evaluated again: from when to when, how many of what, and the results of each baseline."""

    start: datetime
    end: datetime
    evaluated: int
    what: str  # the same in words
    names: list[str]
    sides: list[BaselineReplay[Any]]
    named: Execution | None  # that ends the replay


def _of_quality(
    entry: FleetEntry, since: str, other: str | None, variant: str, window: str | None, spark: Spark | None
) -> _Replayed:
    from datetime import UTC

    from chalicelib.alerts.wording import counted
    from vedette.operations import quality_replay

    endpoint, start, end = entry.endpoint, stage.parse_past_time(since), datetime.now(UTC)
    named = _execution(endpoint, variant, window) if window else None
    if named is not None:
        end, variant = named.window_end, named.variant
    against = quality_replay.compared(endpoint, other)
    days = quality_replay.days_of(endpoint, variant, start, end)
    if not days:
        raise VedetteError(
            f"The quality of the model of {endpoint} was not evaluated from {start:%Y-%m-%d} to {end:%Y-%m-%d}."
        )
    sides = quality_replay.replayed(entry, days, [baseline for _, baseline in against], spark)
    return _Replayed(
        start, end, len(days), counted(len(days), "day") + " of model quality", _names(against), sides, named
    )


def _names(against: Sequence[tuple[str, Any]]) -> list[str]:
    return [name if "/" not in name else name.rstrip("/").rpartition("/")[2] for name, _ in against]


def _of_captures(
    entry: FleetEntry, since: str, other: str | None, variant: str, window: str | None, spark: Spark | None
) -> _Replayed:
    from datetime import UTC

    from chalicelib.alerts.wording import counted
    from vedette.operations import control, replay

    endpoint = entry.endpoint
    wanted = replay.ReplayRange.of(entry, stage.parse_past_time(since), datetime.now(UTC), control.history(endpoint))
    named = _execution(endpoint, variant, window) if window else None
    if named is not None:
        wanted, variant = wanted.until(named), named.variant
    against = replay.compared(endpoint, other)
    keys = replay.keys_of(wanted, variant)
    if not keys:
        raise VedetteError(
            f"No data of {endpoint} is stored from {wanted.start:%Y-%m-%d %H:%M} to {wanted.end:%Y-%m-%d %H:%M} UTC;"
            f" `vedette backfill {endpoint} --from {since}` processes earlier captures."
        )
    parts = sum(len(of_variant) for of_variant in keys.values())
    with engine.progress(spark, "Evaluating", parts, counted=True) as advance:
        sides = replay.replayed(wanted, keys, [baseline for _, baseline in against], advance, spark)
    return _Replayed(wanted.start, wanted.end, parts, counted(parts, "captured object"), _names(against), sides, named)


def _show(io: CommandIO, endpoint: str, found: _Replayed) -> None:
    from chalicelib.alerts.sanitize import sanitize
    from vedette.operations import replay

    start, end, parts, what, names, sides, named = found
    io.say(
        f"{endpoint}, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC: {what}, evaluated with {' and '.join(names)}."
    )
    rows = [
        (
            f"{monday:%Y-%m-%d}",
            f"{weeks[0].windows}",
            f"{weeks[0].rows:,}",
            "\n".join(names),
            "\n".join(_violations(week) for week in weeks),
            "\n".join(_alerts(week) for week in weeks),
        )
        for monday, weeks in replay.weeks_of(sides)
    ]
    io.table(("Week from", "Windows", "Rows", "Constraints", "Violations", "Alerts"), rows)
    tested = sides[-1]
    if tested.alerts:
        count = "1 alert" if len(tested.alerts) == 1 else f"{len(tested.alerts)} alerts"
        io.say(f"{names[-1]} would have raised {count}:")
        for alert in tested.alerts[:MAX_ALERTS_SHOWN]:
            io.say(f"  {alert.at:%Y-%m-%d %H:%M} [{alert.severity}] {sanitize(alert.headline, 200)}")
        more = len(tested.alerts) - MAX_ALERTS_SHOWN
        io.say(*([f"  and {more} more"] if more > 0 else []))
    else:
        io.say(f"{names[-1]} would have raised no alerts.")
    of_window = [] if named is None else [one for one in tested.alerts if one.at > named.window_start]
    if named is not None:
        io.say("Of this window:" if of_window else "None of them is of this window.")
        io.say(*(f"  {one.at:%Y-%m-%d %H:%M} [{one.severity}] {sanitize(one.headline, 200)}" for one in of_window))
    io.emit(
        {
            "endpoint": endpoint,
            "start": start,
            "end": end,
            "parts": parts,
            "of_window": of_window,
            "replayed": [
                {"version": name, "alerts": len(side.alerts), "weeks": list(side.weeks.values())}
                for name, side in zip(names, sides, strict=True)
            ],
        }
    )
    click.get_current_context().exit(1 if tested.alerts else 0)


def _execution(endpoint: str, variant: str, window: str) -> Execution:
    """The execution that ends the replay; of several, that which ends last."""
    from vedette.operations import results

    found = results.executions(endpoint, variant=variant, window=window)
    ours = [one.execution for one in found if one.source == "vedette"]
    if not ours:
        raise VedetteError(f"Vedette has not evaluated this window of {endpoint}.")
    return max(ours, key=lambda execution: execution.window_end)


def _violations(week: Week) -> str:
    if not week.violations:
        return "0"
    return f"{week.violations} in {week.violated_windows} window{'s' if week.violated_windows > 1 else ''}"


def _alerts(week: Week) -> str:
    return f"{len(week.alerts)}" + (f", {week.recovered} recovered" if week.recovered else "")
