"""`vedette alerts`: what fires, what nobody received, mutes, a test through the real path, what a mail would say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from chalicelib.errors import VedetteError
from vedette.cli import stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Mute
    from vedette.operations.alerts import Alert, Owed


@click.group("alerts")
def alerts_group() -> None:
    """See what fires, mute it for a while, and test that alerts arrive.

    \b
    Examples:
      vedette alerts list
      vedette alerts test preferred-site
    """  # noqa: D301


@stage.command("list")
@click.argument("endpoint", default="")
def list_command(io: CommandIO, endpoint: str) -> None:
    """Show what fires or is about to, the mutes, and the messages that nobody has received. Exit code 1 if any fires.

    \b
    Examples:
      vedette alerts list
      vedette alerts list preferred-site --json
    """  # noqa: D301
    from datetime import UTC, datetime

    from vedette.operations import alerts

    found, owed = alerts.alerts(endpoint), alerts.undelivered(endpoint)
    mutes = [mute for mute in alerts.all_mutes() if mute.until > datetime.now(UTC)]
    if found:
        columns = ("Fingerprint", "Endpoint", "What", "State", "Severity", "Since, UTC")
        io.table(columns, [_row(alert) for alert in found])
    else:
        io.say("Nothing fires.")
    if mutes:
        io.table(("Mute", "Of", "Until, UTC", "By", "Why"), [_mute_row(mute) for mute in mutes])
    _say_owed(io, owed)
    io.emit({"alerts": found, "mutes": mutes, "undelivered": owed})
    if any(alert.state.state == "firing" for alert in found):
        click.get_current_context().exit(1)


@stage.command("show")
@click.argument("fingerprint")
def show_command(io: CommandIO, fingerprint: str) -> None:
    """Show one alert: since when, how its last windows were, and who muted it.

    \b
    Example:
      vedette alerts show 614728c245da
    """  # noqa: D301
    from vedette.operations import alerts

    found = alerts.alert(fingerprint)
    last = " ".join("violated" if violated else "clean" for violated in found.state.recent)
    io.say(
        f"{_what(found)} on {found.endpoint}" + (f", {found.variant}" if found.variant else ""),
        f"  state       {found.state.state}, {found.state.severity}",
        f"  since       {found.state.since:%Y-%m-%d %H:%M} UTC",
        f"  last seen   {found.state.last_seen:%Y-%m-%d %H:%M} UTC",
        f"  windows     {last or 'none has closed yet'}",
        *(
            f"  mute        {mute.mute_id} until {mute.until:%Y-%m-%d %H:%M} UTC, {_why(mute)}"
            for mute in found.muted_by
        ),
    )
    io.emit(found)


@stage.command("mute", changes=True, while_paused=True)
@click.argument("fingerprint", default="")
@click.option("--endpoint", default="", help="Everything of this endpoint but its deployments.")
@click.option("--team", default="", help="The same for every endpoint of this team.")
@click.option("--from", "begins", metavar="TIME", help="When it begins, as --until. [default: now]")
@click.option(
    "--until", required=True, metavar="TIME", help="When it ends: 2026-12-01T08:00 (UTC), or 12h, 3d from now."
)
@click.option("--reason", required=True, help="Why; it is shown to others.")
def mute_command(
    io: CommandIO, fingerprint: str, endpoint: str, team: str, begins: str | None, until: str, reason: str
) -> None:
    """Send no messages about a fingerprint, an endpoint or a team for a while: a known fault, a maintenance window.

    Judging goes on. What still fires when the mute has ended is told then, once.

    \b
    Examples:
      vedette alerts mute 614728c245da --until 12h --reason 'the client is being mended'
      vedette alerts mute --team search --from 2026-12-01T08:00 --until 2026-12-01T10:00 --reason 'moving house'
    """  # noqa: D301
    from vedette.operations import alerts

    wish = alerts.mute(
        fingerprint=fingerprint,
        endpoint=endpoint,
        team=team,
        begins=stage.parse_future_time(begins),
        until=stage.parse_future_time(until),
        reason=reason,
    )
    io.say(f"No messages about {_of(wish)} from {wish.begins:%Y-%m-%d %H:%M} until {wish.until:%Y-%m-%d %H:%M} UTC.")
    confirmed = io.confirm("Mute it?")
    if confirmed:
        alerts.save(wish)
        io.say(f"Muted. `vedette alerts unmute {wish.mute_id}` ends it before.")
    io.emit({"mute": wish, "saved": confirmed})


@stage.command("unmute", changes=True, while_paused=True)
@click.argument("name")
def unmute_command(io: CommandIO, name: str) -> None:
    """End a mute now: by its id, or every mute of a fingerprint, endpoint or team.

    \b
    Examples:
      vedette alerts unmute 5f0c2a91
      vedette alerts unmute preferred-site
    """  # noqa: D301
    from vedette.operations import alerts

    found = alerts.mutes_of(name)
    if not found:
        raise VedetteError(f"No mute bears the name {name}; `vedette alerts list` shows those that hold.")
    io.say(*(f"{mute.mute_id}: {_of(mute)} until {mute.until:%Y-%m-%d %H:%M} UTC, {_why(mute)}" for mute in found))
    confirmed = io.confirm("Let it end?" if len(found) == 1 else "Let them end?")
    if confirmed:
        for mute in found:
            alerts.unmute(mute.mute_id)
        io.say("Ended.")
    io.emit({"mutes": found, "ended": confirmed})


@stage.command("test", changes=True, while_paused=True)
@stage.endpoint
@click.option("--wait", default="2m", show_default=True, metavar="SPAN", help="How long to wait for it.")
def test_command(io: CommandIO, endpoint: str, wait: str) -> None:
    """Send a marked message the way of every alert, and wait until SNS has taken it.

    Bus, function, alert book, the team's topic: what a verdict goes through. The subscribers receive it.

    \b
    Example:
      vedette alerts test preferred-site
    """  # noqa: D301
    from vedette.operations import alerts

    patience = stage.parse_duration_seconds(wait)
    data: dict[str, object] = {"endpoint": endpoint, "mark": None, "alert_id": None}
    if io.confirm(f"Send a test to everybody who receives the alerts of {endpoint}?"):
        data["mark"] = mark = alerts.start_test(endpoint)
        io.progress(f"Sent with the mark {mark}; waiting for SNS to take it ...")
        data["alert_id"] = alerts.wait_for_test(endpoint, mark, patience)
        io.say(f"SNS took it. Its subject begins with [test] and names the mark {mark}: look whether it arrives.")
    io.emit(data)


@stage.command("preview")
@click.argument("file")
def preview_command(io: CommandIO, file: str) -> None:
    """Show the mail that a stored verdict would give, or that an alert was: FILE is a path or an s3:// place.

    FILE is an execution.json, an alert as a queue received it, or a custom notification.

    \b
    Example:
      vedette alerts preview s3://my-bucket/monitoring/preferred-site/AllTraffic/2026-11-22T09-00Z_60m/2/0001/execution.json
    """  # noqa: D301
    from vedette.operations import alerts

    found = alerts.preview(alerts.file(file), file)
    io.say("\n".join(alerts.as_mail(message) for message in found) or "This verdict gives no message.")
    io.emit(found)


@click.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of an alert, as queues, functions and web hooks receive it.

    \b
    Example:
      vedette alerts schema > docs/alert.schema.json
    """  # noqa: D301
    from vedette.operations import alerts

    click.echo(json.dumps(alerts.schema(), indent=2))


for _command in (
    list_command,
    show_command,
    mute_command,
    unmute_command,
    test_command,
    preview_command,
    schema_command,
):
    alerts_group.add_command(_command)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _row(alert: Alert) -> tuple[str, ...]:
    state = "muted" if alert.muted_by and alert.state.state == "firing" else alert.state.state
    where = f"{alert.endpoint}, {alert.variant}" if alert.variant else alert.endpoint
    return alert.fingerprint, where, _what(alert), state, alert.state.severity, f"{alert.state.since:%Y-%m-%d %H:%M}"


def _what(alert: Alert) -> str:
    from chalicelib.alerts.sanitize import sanitize

    return f"{sanitize(alert.subject, 60)}: {sanitize(alert.check, 60)}"


def _mute_row(mute: Mute) -> tuple[str, ...]:
    return mute.mute_id, _of(mute), f"{mute.until:%Y-%m-%d %H:%M}", mute.by, mute.reason


def _of(mute: Mute) -> str:
    if mute.fingerprint:
        return f"fingerprint {mute.fingerprint}"
    return f"endpoint {mute.endpoint}" if mute.endpoint else f"team {mute.team}"


def _why(mute: Mute) -> str:
    return f"by {mute.by}: {mute.reason}"


def _say_owed(io: CommandIO, owed: list[Owed]) -> None:
    for one in owed:
        why = one.owed.last_error or "on its way"
        io.say(
            f"Not delivered after {one.owed.attempts} {'try' if one.owed.attempts == 1 else 'tries'}:"
            f" alert {one.owed.alert_id} of {one.endpoint}: {why}"
        )
