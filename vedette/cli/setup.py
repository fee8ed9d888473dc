"""Commands on the installation of a stage: set up, install, check, uninstall."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.installation.project import Project
    from vedette.installation.review import ReviewedResource

SIGNS = {"Add": "+", "Import": "=", "Modify": "~", "Remove": "-", "Exists": " "}


def _command(name: str, *, changes: bool = True) -> Callable[[Callable[..., None]], Any]:
    """A command on a stage that may not exist yet; its first arguments are `CommandIO` and the Chalice project."""

    def decorate(function: Callable[..., None]) -> Any:
        def run(
            profile: str | None,
            region: str | None,
            as_json: bool,
            yes: bool = False,
            dry_run: bool = False,
            **params: Any,
        ) -> None:
            from vedette.installation import project

            io, found = CommandIO(as_json, yes, dry_run), project.found(Path.cwd())
            _warn_of_version(found)
            with _session(profile, region):
                function(io, found, **params)

        run.__doc__ = function.__doc__
        run.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
        wrapped: Any = run
        if changes:
            dry_run = click.option("--dry-run", is_flag=True, help="Show the changes without making them.")
            wrapped = dry_run(click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")(wrapped))
        wrapped = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(wrapped)
        wrapped = click.option("--region", help="The AWS region.")(wrapped)
        wrapped = click.option("--profile", help="A profile of your AWS configuration.")(wrapped)
        wrapped = click.option(
            "--stage", required=True, envvar="VEDETTE_STAGE", help="The name of the stage, such as dev or prod."
        )(wrapped)
        return click.command(name)(wrapped)

    return decorate


def _warn_of_version(project: Project) -> None:
    """Warn if the project has the code of another version of Vedette than this command."""
    from importlib.metadata import version

    from vedette.installation.new_project import recorded_version

    own, theirs = version("vedette"), recorded_version(project.root)
    if theirs and theirs != own:
        click.echo(f"Note: this project is of Vedette {theirs}, the command of {own}: run `vedette init .`.", err=True)


@contextmanager
def _session(profile: str | None, region: str | None) -> Iterator[None]:
    import boto3

    from vedette.playground.client import simulated_time

    before = boto3.DEFAULT_SESSION
    try:
        if profile or region or before is None:
            boto3.setup_default_session(profile_name=profile, region_name=region)
        with simulated_time():
            yield
    finally:
        boto3.DEFAULT_SESSION = before


def _arn(option: str, text: str) -> Callable[..., Any]:
    return click.option(option, metavar="ARN", help=text)


@_command("setup")
@click.option("--email", help="The address that receives alerts, and errors of Vedette itself.")
@click.option("--bucket", help="Use this existing bucket instead of a new one.")
@_arn("--topic", "Send alerts to this existing topic instead of a new one.")
@_arn("--role", "Use this existing execution role for models instead of a new one.")
@click.option("--kms-key", metavar="ARN|new", help="Encrypt bucket, table, topics, queue and logs with this KMS key.")
@_arn("--permissions-boundary", "The permissions boundary of every role that setup creates.")
@click.option("--role-path", metavar="/PATH/", help="The path of every role that setup creates.")
@click.option("--subnets", metavar="ID,ID", default="", help="Run the functions in these subnets.")
@click.option("--security-groups", metavar="ID,ID", default="", help="The security groups of the functions in the VPC.")
@click.option(
    "--capture-source",
    multiple=True,
    metavar="BUCKET/PREFIX",
    help="An additional capture location. The list replaces the previous one.",
)
@click.option(
    "--ground-truth-source",
    multiple=True,
    metavar="BUCKET/PREFIX",
    help="An additional place of labels. The list replaces the previous one.",
)
@click.option("--image-account", multiple=True, metavar="ID", help="An account whose container images may be deployed.")
@click.option(
    "--team", multiple=True, metavar="TEAM=ARN", help="Send the alerts of a team, or `deployments`, to this topic."
)
@click.option("--runbook-url", metavar="URL", default="", help="The page (https) that every alert links.")
@click.option("--team-runbook", multiple=True, metavar="TEAM=URL", help="The page that the alerts of a team link.")
@click.option(
    "--digest", metavar="HH:MM", default="", help="When (UTC) each team gets its daily digest. [default: never]"
)
@click.option("--team-digest", multiple=True, metavar="TEAM=HH:MM", help="When (UTC) a team gets its daily digest.")
@click.option(
    "--instance-type",
    multiple=True,
    metavar="TYPE",
    help="An instance type that may be deployed, such as ml.m5.*. [default: CPU types]",
)
@click.option(
    "--event-pattern-size",
    type=click.IntRange(2048, 4096),
    help="EventBridge's quota of this name, if it was raised for your account. [default: 2048]",
)
@click.option("--log-days", type=int, help="Days until logs are deleted. [default: 90]")
@click.option("--part-days", type=int, help="Days until parts and roll-ups are deleted. [default: 90]")
@click.option("--capture-days", type=int, help="Days until captures are deleted. [default: 0, never]")
@click.option(
    "--template",
    "template_file",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the CloudFormation template for review, and the roles of the functions beside it. Deploy nothing.",
)
def setup_command(io: CommandIO, project: Project, stage: str, template_file: str | None, **params: Any) -> None:
    """Create the AWS resources that the functions of a stage need.

    One CloudFormation stack holds the bucket, the topics, the table, the failure queue, the log groups, the alarms and
    the role for models. The stage is written to .chalice/config.json. The command is idempotent: run it again with an
    option to change only that option.

    \b
    Examples:
      vedette setup --stage dev --email ml-oncall@example.com
      vedette setup --stage prod --email ml-oncall@example.com --kms-key new --dry-run
      vedette setup --stage prod --email ml-oncall@example.com --template stage.yaml
    """  # noqa: D301
    from vedette.installation import concurrency, cost, review, setup

    request = setup.SetupRequest(
        stage,
        {option: str(params[option]) for option in setup.PARAMETERS if params[option] is not None},
        subnets=_split(params["subnets"]),
        security_groups=_split(params["security_groups"]),
        capture_sources=params["capture_source"],
        ground_truth_sources=params["ground_truth_source"],
        image_accounts=params["image_account"],
        instance_types=params["instance_type"],
        teams=params["team"],
        runbook_url=params["runbook_url"],
        team_runbooks=params["team_runbook"],
        digest=params["digest"],
        team_digests=params["team_digest"],
        event_pattern_size=params["event_pattern_size"],
    )
    setup.check(request)
    options.folders_exist(template_file)
    plan = setup.plan(request, project)
    if template_file:
        _write_review(io, stage, review.files(plan, Path(template_file)))
        return
    prepared = setup.prepare(plan)
    costs = cost.stage_costs(plan.template, plan.parameters)
    agreed = False
    try:
        found = review.resources(prepared)
        io.say(f"Stage {stage} in account {plan.account}, region {plan.region}: the stack {prepared.change_set.stack}")
        _show(io, found)
        if io.dry_run:
            io.say(*review.afterwards(plan), cost.sentence(costs))
        untouched = not prepared.changes and not io.dry_run
        agreed = untouched or io.confirm(f"Make these changes to stage {stage}?")
    finally:
        if not agreed:
            prepared.change_set.discard()
    answer = {
        "stage": stage,
        "account": plan.account,
        "region": plan.region,
        "changes": prepared.changes,
        "resources": found,
        "monthly_usd": {item.name: round(item.usd, 2) for item in costs},
    }
    if not agreed:
        io.emit(answer)
        return
    if prepared.changes:
        io.progress(f"Deploying the stack {prepared.change_set.stack} ...")
    entry = setup.make(prepared)
    io.say(
        f"Wrote stage {stage} to .chalice/config.json, with bucket {entry['environment_variables']['VEDETTE_BUCKET']}.",
        f"Confirm the subscriptions in your e-mail, then run: vedette install --stage {stage}",
    )
    if short := concurrency.shortage(stage):
        io.say(short.sentence)
    io.emit({**answer, "entry": entry})


def _show(io: CommandIO, resources: Sequence[ReviewedResource]) -> None:
    """Show what changes, and in a dry run also what exists already."""
    for one in resources:
        named = f"{SIGNS.get(one.action, '?')} {one.kind} {one.name}"
        if one.action != "Exists":
            state = " It exists, and becomes part of the stack." if one.action == "Import" else ""
            io.say(f"{named}: {one.purpose}{state}{' It is replaced.' if one.replaced else ''}")
        elif io.dry_run:
            io.say(f"{named} exists")
    if all(one.action == "Exists" for one in resources):
        io.say("The resources in the account do not change.")


def _write_review(io: CommandIO, stage: str, files: Mapping[Path, str]) -> None:
    for file, text in files.items():
        file.write_text(text)
    io.say(f"Wrote {' and '.join(map(str, files))}, and changed nothing. The first lines of each say what it is for.")
    io.emit({"stage": stage, "files": [str(file) for file in files]})


def _split(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


@_command("install")
def install_command(io: CommandIO, project: Project, stage: str) -> None:
    """Deploy the functions of a stage with Chalice, and configure what Chalice cannot configure.

    It builds the package, and shows each function, its policy, and what changes. The state that Chalice needs between
    two deployments is stored in the stage's bucket, so any machine can deploy.

    \b
    Examples:
      vedette install --stage dev
      vedette install --stage dev --dry-run
    """  # noqa: D301
    from vedette.installation import deploy

    deployment = deploy.prepare(project, stage, lambda text: io.progress(text))
    planned = deployment.plan
    io.say(f"Stage {stage}: {planned.package}")
    for one in planned.functions:
        if io.dry_run or one.action != "Exists":
            io.say(f"{SIGNS[one.action]} {one.name}: {one.summary}", *(f"    {change}" for change in one.changes))
    if planned.changed:
        io.say(f"The policies are in .chalice/stages/{stage}/.")
    else:
        io.say("The functions do not change.")
    answer = {"stage": stage, "functions": planned.functions, "zip_bytes": planned.zip_bytes}
    if not ((not planned.changed and not io.dry_run) or io.confirm(f"Deploy these functions to stage {stage}?")):
        io.emit(answer)
        return
    done = deploy.install(deployment, lambda text: io.progress(text))
    io.say(*done, f"Stage {stage} is deployed. Check it with: vedette doctor --stage {stage}")
    io.emit({**answer, "done": done})


@_command("uninstall")
def uninstall_command(io: CommandIO, project: Project, stage: str) -> None:
    """Remove a stage: its functions, rules, roles, topics, queue, alarms and logs.

    Endpoints, captures and reports are kept. The command lists what it deletes and what it keeps.

    \b
    Example:
      vedette uninstall --stage dev --dry-run
    """  # noqa: D301
    from vedette.installation import uninstall

    removal = uninstall.plan(project, stage)
    io.say(*(f"- {one}" for one in removal.deleted), *(f"  {one} is kept" for one in removal.kept))
    if io.confirm(f"Remove stage {stage}?"):
        uninstall.uninstall(project, stage)
        io.say(f"Stage {stage} is removed.")
    io.emit({"stage": stage, "goes": removal.deleted, "stays": removal.kept})


@_command("doctor", changes=False)
@click.option("--fix", is_flag=True, help="Repair what can be repaired without a deployment.")
@click.option("--live", is_flag=True, help="Invoke each function once, with a dummy endpoint.")
@click.option("--all", "everything", is_flag=True, help="Also show the checks that passed.")
@click.pass_context
def doctor_command(
    context: click.Context, io: CommandIO, project: Project, stage: str, fix: bool, live: bool, everything: bool
) -> None:
    """Check an installation, and show how to fix each fault.

    Exit codes: 0 = no faults, 1 = faults found, 2 = the stage could not be checked.

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
            for done in doctor.repair(findings):
                io.say(f"repaired: {done}")
            findings = doctor.examine(project, settings, live=live)
    shown = [finding for finding in findings if everything or finding.outcome != "ok"]
    if shown:
        io.table(("Result", "Check", "Found", "What to do"), [(f.outcome, f.what, f.found, f.remedy) for f in shown])
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
