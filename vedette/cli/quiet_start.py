"""What `watch`, `apply` and `backfill` say of the alerts to come: a replay of the last days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import FleetEntry

MAX_ALERTS_SHOWN = 5


def show_quiet_start(io: CommandIO, entry: FleetEntry) -> Any:
    """Learn the reference days, and say what would have been sent in the last 14 days; None where nothing is stored."""
    from chalicelib.alerts.sanitize import sanitize
    from vedette.operations import reference_days, replay

    now = datetime.now(UTC)
    found = replay.quiet_start(entry, now, io.progress)
    if found is None:
        return None
    for learned in reference_days.learn(entry, now):
        io.say(
            f"{entry.endpoint}, variant {learned.variant}: {learned.sentence}.",
            *(f"  {sanitize(note, 300)}" for note in learned.notes),
        )
    alerts = "1 alert" if len(found.alerts) == 1 else f"{len(found.alerts)} alerts"
    io.say(f"{entry.endpoint}: the last {found.days} days would have sent {alerts}, {found.per_week:.1f} a week.")
    for alert in found.alerts[:MAX_ALERTS_SHOWN]:
        io.say(f"  {alert.at:%Y-%m-%d %H:%M} [{alert.severity}] {sanitize(alert.headline, 200)}")
    if found.is_loud and entry.mode != "observe":
        io.say(
            f"Warning: more than {replay.LOUD} alerts a week. Look at them with `vedette replay {entry.endpoint}`"
            " before you rely on them, or watch in mode observe first."
        )
    return found
