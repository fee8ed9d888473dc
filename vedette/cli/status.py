"""`vedette status`: the state of every endpoint, in one table."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from vedette.cli import options, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from rich.text import Text

    from vedette.operations.status import EndpointStatus, Status

COLOURS = {"bad": "red", "poor": "yellow", "good": "green"}


@stage.command("status")
@click.argument("endpoint", default="")
def status_command(io: CommandIO, endpoint: str) -> None:
    """Show the state of the endpoints: versions, last capture, last verdict and open alerts.

    Exit codes: 0 = no problem, 1 = a verdict is bad, an alert is open, captures cannot be read, the fleet
    names what does not exist, or a config or model that an endpoint runs on was deleted.

    \b
    Examples:
      vedette status
      vedette status preferred-site --json
    """  # noqa: D301
    from vedette.operations import status

    found = status.status(endpoint)
    if found.paused is not None:
        pause = found.paused
        io.say(f"Paused by {pause.by} since {pause.at:%Y-%m-%d %H:%M} UTC: {pause.reason}")
    if not found.endpoints:
        io.say("No endpoint is in the fleet; `vedette watch ENDPOINT` or `vedette manage GROUP` adds one.")
    elif not io.as_json:
        _table(found)
        for one in found.endpoints:
            _lines(io, one, everything=bool(endpoint))
    io.emit(found)
    click.get_current_context().exit(int(any(one.violated for one in found.endpoints)))


def _table(found: Status) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = Table("Endpoint", "Mode", "Serves", "Wanted", "Last capture, UTC", "Last verdict", "Alerts", "Notes")
    for one in found.endpoints:
        shown.add_row(
            Text(one.endpoint),
            one.mode,
            Text(one.serves),
            Text(one.wanted or "-", style="" if one.wanted in {"", one.served} else "yellow"),
            _time(one.last_capture) or "never",
            _verdict(one),
            Text(str(one.firing), style="red" if one.firing else ""),
            Text("; ".join(_notes(one))),
        )
    options.console().print(shown)


def _verdict(one: EndpointStatus) -> Text:
    from rich.text import Text

    if not one.verdicts:
        return Text("none yet")
    worst = one.verdicts[0]
    counted = f" ({worst.violations})" if worst.violations else ""
    return Text(f"{worst.verdict}{counted}, {_time(worst.until)}", style=COLOURS[worst.tone])


def _notes(one: EndpointStatus) -> list[str]:
    """What needs attention, in a few words each."""
    from chalicelib.alerts.wording import counted

    muted = len(one.alerts) - one.firing
    notes = [
        (one.state not in {"", "InService"}, f"the endpoint is {one.state}"),
        (muted, f"{muted} muted"),
        (one.undelivered, f"{counted(one.undelivered, 'message')} not delivered{_age(one)}"),
        (one.polled, "polling (no EventBridge)"),
        (one.closed, "captures cannot be read, run `vedette watch`"),
        (one.unreadable_count, f"{counted(one.unreadable_count, 'captured object')} cannot be read"),
        (one.unreadable_labels, f"{counted(len(one.unreadable_labels), 'label object')} cannot be read"),
        (one.deleted, one.deleted),
        (one.trouble, one.trouble),
    ]
    return [note for applies, note in notes if applies]


def _lines(io: CommandIO, one: EndpointStatus, *, everything: bool) -> None:
    """Print the open alerts and the first unreadable object; with `everything` all of them, and every verdict."""
    from chalicelib.alerts.wording import counted

    io.say(*one.missing)
    for alert in one.alerts:
        if everything or not alert.muted:
            mute = ", muted" if alert.muted else ""
            about = f"{one.endpoint}: {alert.subject}, {alert.check}"
            io.say(f"{about} ({alert.severity}{mute}), since {_time(alert.since)} UTC")
    unread = (*one.unreadable, *one.unreadable_labels)
    for unreadable in unread if everything else unread[:1]:
        again = (
            f"is tried again after {_time(unreadable.retry_at)} UTC" if unreadable.retry_at else "is not tried again"
        )
        io.say(f"{one.endpoint}: {unreadable.uri} cannot be read ({unreadable.reason}) and {again}")
    if everything:
        if one.unreadable_more:
            io.say(f"{one.endpoint}: {counted(one.unreadable_more, 'captured object')} more cannot be read")
        if one.wanted_because:
            io.say(f"Wanted: {one.wanted_because}.")
        for verdict in one.verdicts:
            io.say(f"{verdict.name}: {verdict.verdict}, window until {_time(verdict.until)} UTC")


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""


def _age(one: EndpointStatus) -> str:
    """The age of the oldest undelivered message, if it is known."""
    from datetime import UTC

    from chalicelib.alerts.wording import duration

    oldest = one.oldest_undelivered
    return f", the oldest for {duration(datetime.now(UTC) - oldest)}" if oldest else ""
