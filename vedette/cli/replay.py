"""`vedette replay`: what constraints would have said of the last weeks, before they page anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vedette.cli import options, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.operations.replay import Week

MOST_ALERTS = 20


@stage.command("replay")
@stage.endpoint
@click.option(
    "--from", "since", default="14d", show_default=True, metavar="TIME|SPAN", help="Since when: 14d, 2026-11-01."
)
@click.option("--constraints", "other", metavar="VERSION|FILE|DIR", help="Other constraints, beside those in force.")
@click.option("--variant", default="", help="This variant alone. [default: all]")
def replay_command(io: CommandIO, endpoint: str, since: str, other: str | None, variant: str) -> None:
    """Judge again what was captured, and count week by week what would have been found and told. Writes nothing.

    Reads the parts that are stored (`vedette backfill` makes those of earlier captures), by the constraints in force
    and, with --constraints, by others beside them. Silence is not replayed. Exit code 0 when the constraints in
    question (the others, where given) would have alerted nobody, 1 when they would have, 2 when nothing could be
    judged.

    \b
    Examples:
      vedette replay preferred-site --from 14d
      vedette replay preferred-site --from 2026-11-01 --constraints constraints.json
    """  # noqa: D301
    from datetime import UTC, datetime

    from chalicelib.alerts.sanitize import sanitize
    from chalicelib.errors import VedetteError
    from vedette.operations import control, replay

    wanted = replay.Range.of(
        control.entry_of(endpoint), stage.parse_past_time(since), datetime.now(UTC), control.history(endpoint)
    )
    against = replay.compared(endpoint, other)
    keys = replay.keys_of(wanted, variant)
    if not keys:
        raise VedetteError(
            f"Nothing of {endpoint} is stored from {wanted.start:%Y-%m-%d %H:%M} to {wanted.end:%Y-%m-%d %H:%M} UTC;"
            f" `vedette backfill {endpoint} --from {since}` reads what was captured."
        )
    parts = sum(len(of_variant) for of_variant in keys.values())
    with options.progress("Judging", parts, counted=True) as advance:
        sides = replay.replayed(wanted, keys, [baseline for _, baseline in against], advance)
    names = [name if "/" not in name else name.rstrip("/").rpartition("/")[2] for name, _ in against]
    io.say(
        f"{endpoint}, {wanted.start:%Y-%m-%d %H:%M} to {wanted.end:%Y-%m-%d %H:%M} UTC: {parts:,} captured objects,"
        f" judged by {' and by '.join(names)}."
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
    io.table(("Week from", "Windows", "Rows", "By", "Violations", "Alerts"), rows)
    asked = sides[-1]
    if asked.alerts:
        often = "once" if len(asked.alerts) == 1 else f"{len(asked.alerts)} times"
        io.say(f"{names[-1]} would have alerted {often}:")
        for alert in asked.alerts[:MOST_ALERTS]:
            io.say(f"  {alert.at:%Y-%m-%d %H:%M} [{alert.severity}] {sanitize(alert.headline, 200)}")
        io.say(*([f"  and {len(asked.alerts) - MOST_ALERTS} more"] if len(asked.alerts) > MOST_ALERTS else []))
    else:
        io.say(f"{names[-1]} would have alerted nobody.")
    io.emit(
        {
            "endpoint": endpoint,
            "start": wanted.start,
            "end": wanted.end,
            "parts": parts,
            "replayed": [
                {"version": name, "alerts": len(side.alerts), "weeks": list(side.weeks.values())}
                for name, side in zip(names, sides, strict=True)
            ],
        }
    )
    click.get_current_context().exit(1 if asked.alerts else 0)


def _violations(week: Week) -> str:
    if not week.violations:
        return "0"
    return f"{week.violations} in {week.violated_windows} window{'s' if week.violated_windows > 1 else ''}"


def _alerts(week: Week) -> str:
    return f"{len(week.alerts)}" + (f", {week.recovered} recovered" if week.recovered else "")
