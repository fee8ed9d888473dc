"""Commands that decide which version an endpoint serves: plan, deploy, pin, roll back, retry, adopt, pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vedette.cli import stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Deployment
    from chalicelib.registry.plan import Plan

reason = click.option("--reason", default="", help="The reason, which is stored and shown to others.")
until = click.option(
    "--until", metavar="TIME", help="End of the pin: a time (2026-12-01T08:00, UTC) or a duration (12h)."
)


@stage.command("plan")
@stage.sagemaker_endpoint
def plan_command(io: CommandIO, endpoint: str) -> None:
    """Show what Vedette would do with an endpoint now, and why.

    This command changes nothing.

    \b
    Example:
      vedette plan preferred-site
    """  # noqa: D301
    from vedette.operations import control

    situation, found = control.planned(endpoint)
    sent = control.requests(endpoint, found)
    io.say(f"{found.action}: {found.reason}")
    remarks = control.remarks_of(endpoint, found)
    io.say(*(f"note: {remark}" for remark in remarks))
    _show_changes(io, found)
    for one in sent:
        io.say(f"{one['operation']}", *_indented(one["request"]))
    served = situation.served
    io.emit(
        {
            "endpoint": endpoint,
            "action": found.action,
            "reason": found.reason,
            "package_arn": control.package_of(found),
            "served": {"config": served.config_name, "package_arn": served.package_arn, "status": served.status}
            if served
            else None,
            "changes": control.changes_of(found),
            "model_changes": control.model_changes_of(found),
            "remarks": remarks,
            "requests": sent,
        }
    )


@stage.command("pin", changes=True)
@stage.sagemaker_endpoint
@click.option("--version", "number", type=int, required=True, help="A version of the endpoint's model package group.")
@reason
@until
def pin_command(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None) -> None:
    """Pin the version that an endpoint serves, whatever is approved later.

    \b
    Examples:
      vedette pin preferred-site --version 1 --reason 'version 2 is slow'
      vedette pin preferred-site --version 1 --until 12h
    """  # noqa: D301
    _pin(io, endpoint, number, reason or "pinned by hand", until, deploy_now=False)


@stage.command("deploy", changes=True)
@stage.sagemaker_endpoint
@click.option("--version", "number", type=int, required=True, help="A version of the endpoint's model package group.")
@reason
@until
def deploy_command(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None) -> None:
    """Pin a version and deploy it now.

    The version must be approved. It stays pinned until you run `vedette unpin`.

    \b
    Example:
      vedette deploy preferred-site --version 2
    """  # noqa: D301
    _pin(io, endpoint, number, reason or "deployed by hand", until, deploy_now=True)


@stage.command("rollback", changes=True)
@stage.sagemaker_endpoint
@reason
@until
def rollback_command(io: CommandIO, endpoint: str, reason: str, until: str | None) -> None:
    """Pin the version that was verified before the served one, and deploy it now.

    \b
    Example:
      vedette rollback preferred-site --reason 'wrong predictions'
    """  # noqa: D301
    from vedette.operations import control

    number = control.version_before(endpoint)
    io.say(f"The last verified version of {endpoint} before the served one is version {number}.")
    _pin(io, endpoint, number, reason or "rolled back by hand", until, deploy_now=True)


@stage.command("unpin", changes=True)
@stage.sagemaker_endpoint
def unpin_command(io: CommandIO, endpoint: str) -> None:
    """Remove the pin, so that the newest approved version is served again.

    \b
    Example:
      vedette unpin preferred-site
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found = control.pin_of(endpoint)
    data: dict[str, Any] = {"pin": found, "steps": []}
    if found is None:
        io.say(f"No version of {endpoint} is pinned.")
    else:
        io.say(f"Version {version_of(found.package_arn)} is pinned by {found.by}: {found.reason}")
        if io.confirm("Remove this pin?"):
            control.unpin(endpoint)
            data["steps"] = _reconcile(io, endpoint)
    io.emit(data)


@stage.command("retry", changes=True)
@stage.sagemaker_endpoint
@click.option("--version", "number", type=int, help="Retry only this version.")
def retry_command(io: CommandIO, endpoint: str, number: int | None) -> None:
    """Retry versions whose deployment failed, or of which SageMaker never showed that it began to deploy them, now.

    \b
    Example:
      vedette retry preferred-site --version 3
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found = [
        failed
        for failed in control.failed_versions(endpoint)
        if number is None or version_of(failed.package_arn) == str(number)
    ]
    attempt = control.unproven_attempt(endpoint, number)
    data: dict[str, Any] = {"marks": found, "steps": []}
    if not found and attempt is None:
        io.say(f"Version {number} of {endpoint} has not failed." if number else f"No version of {endpoint} has failed.")
    else:
        io.say(*(f"version {version_of(failed.package_arn)}: {failed.reason}" for failed in found))
        if attempt is not None:
            io.say(f"version {attempt.package_version}: {attempt.reason}")
        if io.confirm("Retry?"):
            control.retry(endpoint, number)
            data["steps"] = _reconcile(io, endpoint)
    io.emit(data)


@stage.command("adopt", changes=True)
@stage.sagemaker_endpoint
def adopt_command(io: CommandIO, endpoint: str) -> None:
    """Take over an endpoint that was created or changed outside Vedette.

    Show what Vedette would change next, and ask for confirmation. Run this once for an endpoint that Vedette did not
    create, and each time that another actor has replaced the endpoint's config.

    \b
    Example:
      vedette adopt preferred-site
    """  # noqa: D301
    from vedette.operations import control

    adoption, found = control.adoption(endpoint)
    io.say(f"{endpoint} serves {adoption.config}. After adoption: {found.action}: {found.reason}")
    _show_changes(io, found)
    data: dict[str, Any] = {
        "endpoint": endpoint,
        "config": adoption.config,
        "action": found.action,
        "reason": found.reason,
        "changes": control.changes_of(found),
        "model_changes": control.model_changes_of(found),
        "requests": control.requests(endpoint, found),
        "adopted": False,
        "steps": [],
    }
    if io.confirm("Adopt the endpoint?"):
        control.adopt(adoption)
        data["adopted"], data["steps"] = True, _reconcile(io, endpoint)
    io.emit(data)


@stage.command("pause", changes=True, while_paused=True)
@click.option("--reason", required=True, help="The reason, shown to everyone whose command is refused.")
def pause_command(io: CommandIO, reason: str) -> None:
    """Pause all changes that Vedette makes in this stage.

    Monitoring and alerts continue.

    \b
    Example:
      vedette pause --reason 'change freeze until Monday'
    """  # noqa: D301
    from vedette.operations import control

    found = control.paused()
    if found is None and io.confirm("Pause all changes in this stage?"):
        found = control.pause(reason)
    if found is not None:
        io.say(f"Paused by {found.by} since {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}")
    io.emit({"pause": found})


@stage.command("resume", changes=True, while_paused=True)
def resume_command(io: CommandIO) -> None:
    """Resume the changes that `vedette pause` stopped.

    \b
    Example:
      vedette resume
    """  # noqa: D301
    from vedette.operations import control

    found = control.paused()
    if found is None:
        io.say("Changes are not paused.")
    else:
        io.say(f"Paused by {found.by} since {found.at:%Y-%m-%d %H:%M} UTC: {found.reason}")
        if io.confirm("Resume?"):
            control.resume()
            io.say("Resumed. The sweep makes the pending changes within 15 minutes.")
    io.emit({"ended": None if io.dry_run else found})


@stage.command("history")
@stage.sagemaker_endpoint
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
        io.say(f"Vedette has not deployed anything to {endpoint}.")
    io.emit(found)


@stage.command("failed-versions")
@stage.sagemaker_endpoint
def failed_versions_command(io: CommandIO, endpoint: str) -> None:
    """Show the versions whose deployment failed and is not retried automatically.

    \b
    Example:
      vedette failed-versions preferred-site
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from vedette.operations import control

    found = control.failed_versions(endpoint)
    if found:
        rows = [(version_of(failed.package_arn), f"{failed.at:%Y-%m-%d %H:%M}", failed.reason) for failed in found]
        io.table(("Version", "Since, UTC", "Reason"), rows)
    else:
        io.say(f"No version of {endpoint} has failed.")
    io.emit(found)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _pin(io: CommandIO, endpoint: str, number: int, reason: str, until: str | None, *, deploy_now: bool) -> None:
    from vedette.operations import control

    end = stage.parse_future_time(until)
    control.version(control.entry_of(endpoint), number)
    io.say(f"Version {number} of {endpoint} will be pinned{f' until {end:%Y-%m-%d %H:%M} UTC' if end else ''}.")
    data: dict[str, Any] = {"endpoint": endpoint, "version": number, "pin": None, "steps": []}
    if io.confirm("Deploy the version now?" if deploy_now else "Pin the version?"):
        data["pin"] = control.pin(endpoint, number, reason, end)
        if deploy_now:
            data["steps"] = _reconcile(io, endpoint)
        else:
            io.say("Pinned. The sweep deploys the version within 15 minutes.")
    io.emit(data)


def _reconcile(io: CommandIO, endpoint: str) -> list[str]:
    from vedette.operations import control

    steps = control.act(endpoint)
    io.say(*steps)
    if any(step.startswith(("create", "update")) for step in steps):
        io.say(f"You get a message when the version is verified; `vedette history {endpoint}` shows the progress.")
    return steps


def _show_changes(io: CommandIO, found: Plan) -> None:
    from vedette.operations import control

    for what, changes in (("config", control.changes_of(found)), ("model", control.model_changes_of(found))):
        if changes:
            io.say(f"Changes from the served {what} to the planned {what}:", *(f"  {change}" for change in changes))


def _indented(request: dict[str, Any]) -> list[str]:
    import json

    return [f"  {line}" for line in json.dumps(request, indent=2, default=str).splitlines()]


def _why(attempt: Deployment) -> str:
    return attempt.reason or "; ".join(attempt.changes)
