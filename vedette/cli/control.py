"""What a person decides of an endpoint: see what would be done, pin, go back, try again, adopt, pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vedette.cli import stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Deployment
    from chalicelib.registry.plan import Plan

reason = click.option("--reason", default="", help="Why; it is kept, and shown to others.")
until = click.option("--until", metavar="TIME", help="When the pin ends: 2026-12-01T08:00 (UTC), or 12h, 3d from now.")


@stage.command("plan")
@stage.endpoint
def plan_command(io: CommandIO, endpoint: str) -> None:
    """Show what Vedette would do with an endpoint now, and why. Changes nothing.

    \b
    Example:
      vedette plan preferred-site
    """  # noqa: D301
    from vedette.operations import control

    situation, found = control.planned(endpoint)
    sent = control.requests(endpoint, found)
    io.say(f"{found.action}: {found.reason}")
    io.say(*(f"note: {remark}" for remark in found.remarks))
    _show_changes(io, found)
    for one in sent:
        io.say(f"{one['operation']}", *_indented(one["request"]))
    served = situation.served
    io.emit(
        {
            "endpoint": endpoint,
            "action": found.action,
            "reason": found.reason,
            "package_arn": found.package_arn,
            "served": {"config": served.config_name, "package_arn": served.package_arn, "status": served.status}
            if served
            else None,
            "changes": found.changes,
            "remarks": found.remarks,
            "requests": sent,
        }
    )


@stage.command("pin", changes=True)
@stage.endpoint
@click.option("--version", "number", type=int, required=True, help="The version of the endpoint's group.")
@reason
@until
def pin_command(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None) -> None:
    """Decide which version an endpoint serves, whatever is approved later.

    \b
    Examples:
      vedette pin preferred-site --version 1 --reason 'version 2 is slow'
      vedette pin preferred-site --version 1 --until 12h
    """  # noqa: D301
    _pin(io, endpoint, number, reason or "pinned by hand", until, at_once=False)


@stage.command("deploy", changes=True)
@stage.endpoint
@click.option("--version", "number", type=int, required=True, help="The version of the endpoint's group.")
@reason
@until
def deploy_command(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None) -> None:
    """Pin a version, and let Vedette deploy it now.

    The version must be approved. It stays pinned until `vedette unpin`.

    \b
    Example:
      vedette deploy preferred-site --version 2
    """  # noqa: D301
    _pin(io, endpoint, number, reason or "deployed by hand", until, at_once=True)


@stage.command("rollback", changes=True)
@stage.endpoint
@reason
@until
def rollback_command(io: CommandIO, endpoint: str, reason: str, until: str | None) -> None:
    """Pin the version that was verified before the served one, and let Vedette deploy it now.

    \b
    Example:
      vedette rollback preferred-site --reason 'wrong predictions'
    """  # noqa: D301
    from vedette.operations import control

    number = control.version_before(endpoint)
    io.say(f"Before this, {endpoint} served version {number}, verified.")
    _pin(io, endpoint, number, reason or "rolled back by hand", until, at_once=True)


@stage.command("unpin", changes=True)
@stage.endpoint
def unpin_command(io: CommandIO, endpoint: str) -> None:
    """Let the newest approved version be served again.

    \b
    Example:
      vedette unpin preferred-site
    """  # noqa: D301
    from chalicelib.aws import table
    from chalicelib.records import Pin
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found, _ = table.get_item(Pin, table.endpoint_key(endpoint), "pin")
    data: dict[str, Any] = {"pin": found, "steps": []}
    if found is None:
        io.say(f"No version of {endpoint} is pinned.")
    else:
        io.say(f"Version {version_of(found.package_arn)} is pinned by {found.by}: {found.reason}")
        if io.confirm("Let this pin end?"):
            control.unpin(endpoint)
            data["steps"] = _act(io, endpoint)
    io.emit(data)


@stage.command("retry", changes=True)
@stage.endpoint
@click.option("--version", "number", type=int, help="This version alone.")
def retry_command(io: CommandIO, endpoint: str, number: int | None) -> None:
    """Let versions that failed before be tried again, now.

    \b
    Example:
      vedette retry preferred-site --version 3
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found = [mark for mark in control.marks(endpoint) if number is None or version_of(mark.package_arn) == str(number)]
    data: dict[str, Any] = {"marks": found, "steps": []}
    if not found:
        io.say(f"No version of {endpoint} carries a mark{f' that is {number}' if number else ''}.")
    else:
        io.say(*(f"version {version_of(mark.package_arn)}: {mark.reason}" for mark in found))
        if io.confirm("Try again?"):
            control.clear_marks(endpoint, number)
            data["steps"] = _act(io, endpoint)
    io.emit(data)


@stage.command("adopt", changes=True)
@stage.endpoint
def adopt_command(io: CommandIO, endpoint: str) -> None:
    """Let Vedette go on from what an endpoint serves now, although somebody else put it there.

    Shows what Vedette would change next, and asks. Needed once for an endpoint that Vedette did not create, and
    whenever somebody else has replaced its config.

    \b
    Example:
      vedette adopt preferred-site
    """  # noqa: D301
    from vedette.operations import control

    wish, found = control.adoption(endpoint)
    io.say(f"{endpoint} serves {wish.config}. After its adoption: {found.action}: {found.reason}")
    _show_changes(io, found)
    data: dict[str, Any] = {
        "endpoint": endpoint,
        "config": wish.config,
        "action": found.action,
        "reason": found.reason,
        "changes": found.changes,
        "requests": control.requests(endpoint, found),
        "adopted": False,
        "steps": [],
    }
    if io.confirm("Adopt it?"):
        control.adopt(wish)
        data["adopted"], data["steps"] = True, _act(io, endpoint)
    io.emit(data)


@stage.command("pause", changes=True, while_paused=True)
@click.option("--reason", required=True, help="Why; it is shown to everybody whom it stops.")
def pause_command(io: CommandIO, reason: str) -> None:
    """Stop every change that Vedette makes in this stage. Watching and alerts go on.

    \b
    Example:
      vedette pause --reason 'change freeze until Monday'
    """  # noqa: D301
    from vedette.operations import control

    found = control.paused()
    if found is None and io.confirm("Stop every change in this stage?"):
        found = control.pause(reason)
    if found is not None:
        io.say(f"Paused by {found.by} since {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}")
    io.emit({"pause": found})


@stage.command("resume", changes=True, while_paused=True)
def resume_command(io: CommandIO) -> None:
    """Let Vedette change things again.

    \b
    Example:
      vedette resume
    """  # noqa: D301
    from vedette.operations import control

    found = control.paused()
    if found is None:
        io.say("Nothing is paused.")
    else:
        io.say(f"Paused by {found.by} since {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}")
        if io.confirm("Resume?"):
            control.resume()
            io.say("Resumed. The sweep acts within 15 minutes.")
    io.emit({"ended": None if io.dry_run else found})


@stage.command("history")
@stage.endpoint
def history_command(io: CommandIO, endpoint: str) -> None:
    """Show every deployment of an endpoint, newest first.

    \b
    Example:
      vedette history preferred-site --json
    """  # noqa: D301
    from vedette.operations import control

    found = control.history(endpoint)
    if found:
        rows = [(f"{d.requested_at:%Y-%m-%d %H:%M}", d.package_version, d.state, _why(d)) for d in found]
        io.table(("Asked for, UTC", "Version", "State", "Why"), rows)
    else:
        io.say(f"Vedette has deployed nothing to {endpoint}.")
    io.emit(found)


@stage.command("marks")
@stage.endpoint
def marks_command(io: CommandIO, endpoint: str) -> None:
    """Show the versions that failed and are not tried again by themselves.

    \b
    Example:
      vedette marks preferred-site
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found = control.marks(endpoint)
    if found:
        rows = [(version_of(mark.package_arn), f"{mark.at:%Y-%m-%d %H:%M}", mark.reason) for mark in found]
        io.table(("Version", "Since, UTC", "Why"), rows)
    else:
        io.say(f"No version of {endpoint} carries a mark.")
    io.emit(found)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _pin(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None, *, at_once: bool) -> None:
    from vedette.operations import control

    end = stage.parse_future_time(until)
    control.version(control.entry_of(endpoint), number)
    io.say(f"{endpoint}: version {number} is to be pinned{f' until {end:%Y-%m-%d %H:%M} UTC' if end else ''}.")
    data: dict[str, Any] = {"endpoint": endpoint, "version": number, "pin": None, "steps": []}
    if io.confirm("Deploy it now?" if at_once else "Pin it?"):
        data["pin"] = control.pin(endpoint, number, reason, end)
        if at_once:
            data["steps"] = _act(io, endpoint)
        else:
            io.say("Pinned. The sweep acts on it within 15 minutes.")
    io.emit(data)


def _act(io: CommandIO, endpoint: str) -> list[str]:
    from vedette.operations import control

    steps = control.act(endpoint)
    io.say(*steps)
    if any(step.startswith(("create", "update")) for step in steps):
        io.say(f"A message says when it is verified; `vedette history {endpoint}` shows how it stands.")
    return steps


def _show_changes(io: CommandIO, found: Plan) -> None:
    if found.changes:
        io.say("Between the served config and the planned one:", *(f"  {change}" for change in found.changes))


def _indented(request: dict[str, Any]) -> list[str]:
    import json

    return [f"  {line}" for line in json.dumps(request, indent=2, default=str).splitlines()]


def _why(attempt: Deployment) -> str:
    return attempt.reason or "; ".join(attempt.changes)
