"""`vedette alerts`: list alerts and undelivered notifications, mute, send a test, preview the e-mail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from chalicelib.errors import VedetteError
from vedette.cli import stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Mute
    from vedette.operations.alerts import Alert, Undelivered


@click.group("alerts")
def alerts_group() -> None:
    """List alerts, mute them, and test that they are delivered.

    \b
    Examples:
      vedette alerts list
      vedette alerts test preferred-site
    """  # noqa: D301


@stage.command("list")
@click.argument("endpoint", default="")
def list_command(io: CommandIO, endpoint: str) -> None:
    """List firing and pending alerts, mutes, and undelivered notifications.

    Exit codes: 0 = no alert is firing, 1 = an alert is firing.

    \b
    Examples:
      vedette alerts list
      vedette alerts list preferred-site --json
    """  # noqa: D301
    from datetime import UTC, datetime

    from vedette.operations import alerts

    found, undelivered = alerts.with_stories(alerts.alerts(endpoint)), alerts.undelivered(endpoint)
    mutes = [mute for mute in alerts.all_mutes() if mute.until > datetime.now(UTC)]
    if found:
        columns = ("Fingerprint", "Endpoint", "Alert", "State", "Severity", "Since, UTC")
        io.table(columns, [_row(alert) for alert in found])
        io.say(*dict.fromkeys(_story(alert) for alert in found if alert.headline))
    else:
        io.say("No alert is firing or pending.")
    if mutes:
        io.table(("Mute", "Applies to", "Until, UTC", "By", "Reason"), [_mute_row(mute) for mute in mutes])
    _print_undelivered(io, undelivered)
    io.emit({"alerts": found, "mutes": mutes, "undelivered": undelivered})
    if any(alert.state.state == "firing" for alert in found):
        click.get_current_context().exit(1)


@stage.command("show")
@click.argument("fingerprint")
def show_command(io: CommandIO, fingerprint: str) -> None:
    """Show one alert: its start, its last windows, and its mutes.

    \b
    Example:
      vedette alerts show 614728c245da
    """  # noqa: D301
    from vedette.operations import alerts

    found = alerts.alert(fingerprint)
    last = " ".join("violated" if violated else "clean" for violated in found.state.recent)
    io.say(
        f"{_what(found)} on {found.endpoint}" + (f", {found.variant}" if found.variant else ""),
        *([f"  {_story(found)}"] if found.headline else []),
        f"  state       {found.state.state}, {found.state.severity}",
        f"  since       {found.state.since:%Y-%m-%d %H:%M} UTC",
        f"  last seen   {found.state.last_seen:%Y-%m-%d %H:%M} UTC",
        f"  windows     {last or 'no window has closed yet'}",
        *(
            f"  mute        {mute.mute_id} until {mute.until:%Y-%m-%d %H:%M} UTC, {_why(mute)}"
            for mute in found.muted_by
        ),
    )
    io.emit(found)


@stage.command("mute", changes=True, while_paused=True)
@click.argument("fingerprint", default="")
@click.option("--endpoint", default="", help="Mute every alert of this endpoint, except about deployments.")
@click.option("--team", default="", help="Mute every alert of this team's endpoints, except about deployments.")
@click.option("--from", "begins", metavar="TIME", help="Start of the mute, in the format of --until. [default: now]")
@click.option(
    "--until",
    required=True,
    metavar="TIME",
    help="End of the mute: a time (2026-12-01T08:00, UTC) or a duration from now (12h, 3d).",
)
@click.option("--reason", required=True, help="The reason, shown to others.")
def mute_command(
    io: CommandIO, fingerprint: str, endpoint: str, team: str, begins: str | None, until: str, reason: str
) -> None:
    """Mute the alerts of a fingerprint, an endpoint or a team, for example during maintenance.

    Evaluation continues. An alert that still fires when the mute ends is sent once at that time.

    \b
    Examples:
      vedette alerts mute 614728c245da --until 12h --reason 'the client is being fixed'
      vedette alerts mute --team search --from 2026-12-01T08:00 --until 2026-12-01T10:00 --reason 'database migration'
    """  # noqa: D301
    from vedette.operations import alerts

    new = alerts.mute(
        fingerprint=fingerprint,
        endpoint=endpoint,
        team=team,
        begins=stage.parse_future_time(begins),
        until=stage.parse_future_time(until),
        reason=reason,
    )
    io.say(f"Mute {_scope(new)} from {new.begins:%Y-%m-%d %H:%M} until {new.until:%Y-%m-%d %H:%M} UTC.")
    confirmed = io.confirm("Mute these alerts?")
    if confirmed:
        alerts.save(new)
        io.say(f"Muted. To end the mute early, run: vedette alerts unmute {new.mute_id}")
    io.emit({"mute": new, "saved": confirmed})


@stage.command("unmute", changes=True, while_paused=True)
@click.argument("name")
def unmute_command(io: CommandIO, name: str) -> None:
    """End a mute now, by its id, or every mute of a fingerprint, endpoint or team.

    \b
    Examples:
      vedette alerts unmute 5f0c2a91
      vedette alerts unmute preferred-site
    """  # noqa: D301
    from vedette.operations import alerts

    found = alerts.mutes_of(name)
    if not found:
        raise VedetteError(f"There is no mute {name}; `vedette alerts list` shows the active mutes.")
    io.say(*(f"{mute.mute_id}: {_scope(mute)} until {mute.until:%Y-%m-%d %H:%M} UTC, {_why(mute)}" for mute in found))
    confirmed = io.confirm("End this mute?" if len(found) == 1 else "End these mutes?")
    if confirmed:
        for mute in found:
            alerts.unmute(mute.mute_id)
        io.say("The mute has ended." if len(found) == 1 else "The mutes have ended.")
    io.emit({"mutes": found, "ended": confirmed})


@stage.command("test", changes=True, while_paused=True)
@stage.endpoint
@click.option("--wait", default="2m", show_default=True, metavar="SPAN", help="The longest time to wait for SNS.")
def test_command(io: CommandIO, endpoint: str, wait: str) -> None:
    """Send a test alert through the whole delivery path, and wait until SNS accepts it.

    The path is that of every alert: event bus, function, alert state and the team's topic. All subscribers receive it.

    \b
    Example:
      vedette alerts test preferred-site
    """  # noqa: D301
    from chalicelib.alerts.endpoint_notifications import mark_of_test
    from vedette.operations import alerts

    timeout_seconds = stage.parse_duration_seconds(wait)
    data: dict[str, object] = {"endpoint": endpoint, "mark": None, "alert_id": None}
    if io.confirm(f"Send a test alert to all subscribers of the alerts of {endpoint}?"):
        nonce = alerts.start_test(endpoint)
        data["mark"] = mark = mark_of_test(nonce)
        io.progress(f"Sent the test alert {mark}; waiting for SNS to accept it ...")
        data["alert_id"] = alerts.wait_for_test(endpoint, nonce, timeout_seconds)
        io.say(f"SNS accepted it. Check that a message arrives whose subject begins with [test] and contains {mark}.")
    io.emit(data)


@stage.command("preview", needs_stage=False)
@click.argument("file")
@click.option("--baseline", metavar="DIR|FILE|S3_URI", help="FILE holds captures: compare them with this baseline.")
@click.option("--endpoint", default="my-endpoint", show_default=True, help="The endpoint that the message names.")
def preview_command(io: CommandIO, file: str, baseline: str | None, endpoint: str) -> None:
    """Show the e-mail for a stored verdict, a file of violations, captures, or an alert. Nothing is sent.

    FILE is a path or an s3:// URI of an execution.json, a constraint_violations.json, an alert as a queue receives it,
    or a custom notification; with --baseline, of captures. No stage is needed. With --stage the message has the
    stage's links and commands.

    \b
    Examples:
      vedette alerts preview constraint_violations.json --endpoint churn
      vedette alerts preview captures/ --baseline baseline/
      vedette alerts preview s3://my-bucket/monitoring/preferred-site/AllTraffic/2026-11-22T09-00Z_60m/2/0001/execution.json
    """  # noqa: D301
    from vedette.operations import previews

    if baseline is None:
        found = previews.of_file(previews.read(file), file, endpoint, on_stage=io.on_stage)
    else:
        found = previews.of_captures(file, baseline, endpoint, on_stage=io.on_stage)
    io.say("\n".join(previews.as_mail(message) for message in found) or "This verdict sends no message.")
    io.emit(found)


@click.command("schema")
@click.option("--events", is_flag=True, help="Print that of the events on the bus and the incidents topic instead.")
def schema_command(events: bool) -> None:
    """Print the JSON Schema of the alerts that queues, functions and webhooks receive.

    \b
    Example:
      vedette alerts schema > docs/alert.schema.json
      vedette alerts schema --events > docs/alert-event.schema.json
    """  # noqa: D301
    from vedette.operations import alerts

    click.echo(json.dumps(alerts.schema(events=events), indent=2))


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


def _story(alert: Alert) -> str:
    """Headline and cause, as the message and the page give them."""
    return f"{alert.endpoint}: {alert.sentence} {alert.cause}".rstrip()


def _what(alert: Alert) -> str:
    from chalicelib.alerts.sanitize import sanitize, sanitize_name

    return f"{sanitize_name(alert.subject, 60)}: {sanitize(alert.check, 60)}"


def _mute_row(mute: Mute) -> tuple[str, ...]:
    return mute.mute_id, _scope(mute), f"{mute.until:%Y-%m-%d %H:%M}", mute.by, mute.reason


def _scope(mute: Mute) -> str:
    if mute.fingerprint:
        return f"fingerprint {mute.fingerprint}"
    return f"endpoint {mute.endpoint}" if mute.endpoint else f"team {mute.team}"


def _why(mute: Mute) -> str:
    return f"by {mute.by}: {mute.reason}"


def _print_undelivered(io: CommandIO, undelivered: list[Undelivered]) -> None:
    for one in undelivered:
        why = one.outbox_message.last_error or "delivery is in progress"
        place = one.endpoint or f"the team {one.variant or 'without a name'}"
        io.say(
            f"Undelivered after {one.outbox_message.attempts} {'try' if one.outbox_message.attempts == 1 else 'tries'}:"
            f" alert {one.outbox_message.alert_id} of {place}: {why}"
        )
