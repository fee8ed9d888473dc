"""A stage from nothing to nothing: set up, install, examine, uninstall."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.installation.project import Project

SIGNS = {"Add": "+", "Modify": "~", "Remove": "-"}


def _command(name: str, *, changes: bool = True) -> Callable[[Callable[..., None]], Any]:
    """A command on a stage that need not be known here yet; it gets `CommandIO` and the Chalice project first."""

    def decorate(function: Callable[..., None]) -> Any:
        def run(
            profile: str | None,
            region: str | None,
            as_json: bool,
            yes: bool = False,
            dry_run: bool = False,
            **given: Any,
        ) -> None:
            from vedette.installation import project

            with _session(profile, region):
                function(CommandIO(as_json, yes, dry_run), project.found(Path.cwd()), **given)

        run.__doc__ = function.__doc__
        run.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        wrapped: Any = run
        if changes:
            dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
            wrapped = dry_run(click.option("--yes", "-y", is_flag=True, help="Do it without asking.")(wrapped))
        wrapped = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")(wrapped)
        wrapped = click.option("--region", help="AWS region.")(wrapped)
        wrapped = click.option("--profile", help="Profile of your AWS configuration.")(wrapped)
        wrapped = click.option("--stage", required=True, envvar="VEDETTE_STAGE", help="dev, prod, ...")(wrapped)
        return click.command(name)(wrapped)

    return decorate


@contextmanager
def _session(profile: str | None, region: str | None) -> Iterator[None]:
    import boto3

    before = boto3.DEFAULT_SESSION
    try:
        if profile or region or before is None:
            boto3.setup_default_session(profile_name=profile, region_name=region)
        yield
    finally:
        boto3.DEFAULT_SESSION = before


def _arn(option: str, text: str) -> Callable[..., Any]:
    return click.option(option, metavar="ARN", help=text)


@_command("setup")
@click.option("--email", help="Who is told of alerts, and of faults of Vedette itself.")
@click.option("--bucket", help="An existing bucket in place of a new one.")
@_arn("--topic", "An existing topic for alerts in place of a new one.")
@_arn("--role", "An existing execution role for models in place of a new one.")
@click.option("--kms-key", metavar="ARN|new", help="A KMS key for bucket, table, topics, queue and logs.")
@_arn("--permissions-boundary", "The boundary of every role that is made.")
@click.option("--role-path", metavar="/PATH/", help="The path of every role that is made.")
@click.option("--subnets", metavar="ID,ID", default="", help="Subnets for the functions.")
@click.option("--security-groups", metavar="ID,ID", default="", help="Security groups for the functions.")
@click.option("--capture-source", multiple=True, metavar="BUCKET/PREFIX", help="Where endpoints capture as well.")
@click.option("--image-account", multiple=True, metavar="ID", help="An account whose images may be deployed.")
@click.option("--team", multiple=True, metavar="TEAM=ARN", help="The topic of a team's alerts.")
@click.option("--instance-type", multiple=True, metavar="TYPE", help="What may be deployed, as ml.m5.* [default: CPU].")
@click.option("--log-days", type=int, help="How long logs are kept [default: 90].")
@click.option("--part-days", type=int, help="How long parts and roll-ups are kept [default: 90].")
@click.option("--capture-days", type=int, help="How long captures are kept [default: 0, for ever].")
def setup_command(io: CommandIO, project: Project, stage: str, **given: Any) -> None:
    """Make what a stage needs beside its functions, and write it into .chalice/config.json.

    Bucket, topics, table, failure queue, log groups, alarms and a role for models, as one CloudFormation stack. Said
    again it changes nothing; said again with an option it changes that option alone.

    \b
    Examples:
      vedette setup --stage dev --email ml-oncall@example.com
      vedette setup --stage prod --email ml-oncall@example.com --kms-key new --dry-run
    """  # noqa: D301
    from vedette.installation import setup

    asked = setup.SetupRequest(
        stage,
        {option: str(given[option]) for option in setup.PARAMETERS if given[option] is not None},
        subnets=_split(given["subnets"]),
        security_groups=_split(given["security_groups"]),
        capture_sources=given["capture_source"],
        image_accounts=given["image_account"],
        instance_types=given["instance_type"],
        teams=given["team"],
    )
    setup.check(asked)
    prepared = setup.prepare(asked, project, _dashboard(stage))
    for change in prepared.changes:
        _show(io, change)
    if not prepared.changes:
        io.say("Nothing changes in the account.")
    agreed = False
    try:
        untouched = not prepared.changes and not io.dry_run
        agreed = untouched or io.confirm(f"Make these changes to stage {stage}?")
    finally:
        if not agreed:
            prepared.change_set.drop()
    if not agreed:
        io.emit({"stage": stage, "changes": prepared.changes})
        return
    entry = setup.make(prepared)
    io.say(
        f"Stage {stage} stands in .chalice/config.json: bucket {entry['environment_variables']['VEDETTE_BUCKET']}.",
        "Confirm the subscriptions in your mail; then: make deploy STAGE=" + stage,
    )
    io.emit({"stage": stage, "changes": prepared.changes, "entry": entry})


def _show(io: CommandIO, change: Any) -> None:
    kind = change["ResourceType"].removeprefix("AWS::").replace("::", " ")
    replaced = ", replaced" if change.get("Replacement") == "True" else ""
    io.say(f"{SIGNS.get(change['Action'], '?')} {kind}: {change['LogicalResourceId']}{replaced}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _dashboard(stage: str) -> str:
    from vedette.installation import account
    from vedette.installation.functions import NAMES
    from vedette.operations import dashboard

    return dashboard.body(stage, account.identity()[2], NAMES)


@_command("install", changes=False)
def install_command(io: CommandIO, project: Project, stage: str) -> None:
    """Deploy the functions of a stage with Chalice, and set what Chalice cannot set.

    The state that Chalice needs between two deploys is kept in the stage's bucket, so that any machine can deploy.

    \b
    Example:
      vedette install --stage dev
    """  # noqa: D301
    from vedette.installation import deploy

    done = deploy.install(project, stage, lambda text: io.progress(text))
    io.say(*done, f"Stage {stage} is deployed. Look at it: vedette doctor --stage {stage}")
    io.emit({"stage": stage, "done": done})


@_command("uninstall")
def uninstall_command(io: CommandIO, project: Project, stage: str) -> None:
    """Remove a stage: its functions, rules, roles, topics, queue, alarms and logs.

    Endpoints, captures and reports stay, and what stays is listed.

    \b
    Example:
      vedette uninstall --stage dev --dry-run
    """  # noqa: D301
    from vedette.installation import uninstall

    removal = uninstall.plan(project, stage)
    io.say(*(f"- {one}" for one in removal.deleted), *(f"  {one} stays" for one in removal.kept))
    if io.confirm(f"Remove stage {stage}?"):
        uninstall.uninstall(project, stage)
        io.say(f"Stage {stage} is removed.")
    io.emit({"stage": stage, "goes": removal.deleted, "stays": removal.kept})


@_command("doctor", changes=False)
@click.option("--fix", is_flag=True, help="Set right what can be set right without a deploy.")
@click.option("--live", is_flag=True, help="Run each function once, on an endpoint that no fleet has.")
@click.option("--all", "everything", is_flag=True, help="Show what is as it should be, too.")
@click.pass_context
def doctor_command(
    context: click.Context, io: CommandIO, project: Project, stage: str, fix: bool, live: bool, everything: bool
) -> None:
    """Look at an installation as its user would; for each fault, what to do.

    Exit code 0: it works; 1: there are faults; 2: it could not be looked at.

    \b
    Examples:
      vedette doctor --stage dev
      vedette doctor --stage dev --fix --live
    """  # noqa: D301
    from vedette.installation import deploy, doctor
    from vedette.operations import stages

    deploy.load_stage(project, stage)
    variables = {k: str(v) for k, v in project.stage(stage)["environment_variables"].items()}
    with stages.entered(variables, None, None) as settings:
        findings = doctor.examine(project, settings, live=live)
        if fix:
            for done in doctor.fixed(findings):
                io.say(f"set right: {done}")
            findings = doctor.examine(project, settings, live=live)
    shown = [finding for finding in findings if everything or finding.outcome != "ok"]
    if shown:
        io.table(("", "what", "found", "what to do"), [(f.outcome, f.what, f.found, f.remedy) for f in shown])
    counts = {outcome: sum(f.outcome == outcome for f in findings) for outcome in ("ok", "warning", "fault", "unknown")}
    io.say(", ".join(f"{number} {outcome}" for outcome, number in counts.items()))
    io.emit(
        {
            "stage": stage,
            **counts,
            "findings": [
                {"what": f.what, "outcome": f.outcome, "found": f.found, "remedy": f.remedy} for f in findings
            ],
        }
    )
    context.exit(doctor.exit_code(findings))
