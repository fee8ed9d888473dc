"""`vedette setup`: create the resources of a stage, and write the stage into the Chalice project.

It is idempotent. An option that is not given keeps its value, which is read from the parameters of the stack and from
the stage's entry in .chalice/config.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import VedetteError
from chalicelib.locations import GROUND_TRUTH_PREFIX
from chalicelib.settings import TOPIC_ARN, is_digest_time, is_runbook_url
from vedette.installation import account, event_pattern, policies, state
from vedette.installation.account import Change, ChangeSet
from vedette.installation.concurrency import shortage
from vedette.installation.functions import FUNCTIONS, NAMES, merge_template
from vedette.installation.policies import StageScope
from vedette.installation.project import Project, write
from vedette.installation.template import bucket_name, roles_template, template
from vedette.operations import dashboard
from vedette.operations.installations import stack_name

STAGE_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
# option -> parameter of the template
PARAMETERS = {
    "email": "Email",
    "bucket": "Bucket",
    "topic": "Topic",
    "role": "ModelRole",
    "kms_key": "Key",
    "permissions_boundary": "PermissionsBoundary",
    "role_path": "RolePath",
    "log_days": "LogDays",
    "part_days": "PartDays",
    "capture_days": "CaptureDays",
}


def roles_stack_name(stage: str) -> str:
    """The name of the stack with the functions' roles, which only some stages have."""
    return f"vedette-{stage}-roles"


@dataclass(frozen=True)
class SetupRequest:
    """The options of a setup; None and empty values keep the previous value."""

    stage: str
    parameters: Mapping[str, str] = field(default_factory=dict)  # by option: email, bucket, ...
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    capture_sources: tuple[str, ...] = ()
    ground_truth_sources: tuple[str, ...] = ()
    image_accounts: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()  # team=ARN of its topic
    runbook_url: str = ""
    team_runbooks: tuple[str, ...] = ()  # team=URL
    digest: str = ""  # the time of the daily digest, in UTC
    team_digests: tuple[str, ...] = ()  # team=HH:MM
    event_pattern_size: int | None = None  # the account's EventBridge quota, where it was raised


@dataclass(frozen=True)
class StackPlan:
    """What the stack of a stage shall be: its template and parameters, in one account and region."""

    request: SetupRequest
    project: Project
    partition: str
    account: str
    region: str
    before: dict[str, str]  # the parameters that the stack has; empty if there is no stack
    parameters: dict[str, str]
    template: dict[str, Any]


@dataclass
class Setup:
    """A prepared change of one stage, which `make` executes."""

    plan: StackPlan
    change_set: ChangeSet

    @property
    def changes(self) -> list[Change]:
        """The pending changes in the account."""
        return self.change_set.changes


def check(request: SetupRequest) -> None:
    """Validate a request before any call to AWS.

    Raises
    ------
    VedetteError
        With the first error.
    """
    if not STAGE_NAME.fullmatch(request.stage):
        raise VedetteError(f"{request.stage!r} is not a stage name: use at most 20 of a-z, 0-9 and -, a letter first.")
    if bool(request.subnets) != bool(request.security_groups):
        raise VedetteError("Use --subnets and --security-groups together.")
    for place in request.ground_truth_sources:
        if not place.partition("/")[2]:
            raise VedetteError(f"--ground-truth-source needs a bucket and a prefix, like my-bucket/labels/: {place!r}.")
    for url in filter(None, (request.runbook_url, *(one.partition("=")[2] or one for one in request.team_runbooks))):
        if not is_runbook_url(url):
            raise VedetteError(f"{url!r} is not an https URL of a runbook (for a team: TEAM=URL).")
    for at in filter(None, (request.digest, *(one.partition("=")[2] or one for one in request.team_digests))):
        if not is_digest_time(at):
            raise VedetteError(f"{at!r} is neither a time like 07:00 in UTC nor off (for a team: TEAM=07:00).")
    email = request.parameters.get("email", "")
    if email and "@" not in email:
        raise VedetteError(f"--email is not an e-mail address: {email!r}.")


def plan(request: SetupRequest, project: Project) -> StackPlan:
    """What setup would deploy. It reads from AWS, and changes nothing.

    Raises
    ------
    VedetteError
        If a required option is missing, a named resource does not exist, there are too many capture buckets, or the
        bucket that an earlier installation left has another key.
    """
    policies.read(project.chalice)
    before = account.parameters_of(account.describe_stack(stack_name(request.stage)))
    given = {PARAMETERS[option]: value for option, value in request.parameters.items()}
    parameters = {**before, **given, "Stage": request.stage}
    if not parameters.get("Email"):
        raise VedetteError("Use --email to name the address that receives alerts.")
    partition, owner, region = account.identity()
    _check_names(parameters, region)
    bucket = parameters.get("Bucket") or bucket_name(request.stage, owner, region)
    _check_pattern(request, project, bucket)
    if not before and not parameters.get("Bucket"):
        _keep_key(parameters, bucket)
    body = template(request.stage, owner, region, dashboard.body(request.stage, region, NAMES))
    return StackPlan(request, project, partition, owner, region, before, parameters, body)


def prepare(plan: StackPlan) -> Setup:
    """Create a change set that shows the changes."""
    stage = plan.request.stage
    return Setup(plan, ChangeSet(stack_name(stage), plan.template, plan.parameters, stack_tags(stage)))


def stack_tags(stage: str) -> dict[str, str]:
    """The tags of the stacks of a stage, which their resources get."""
    return {"vedette:stage": stage}


def _keep_key(parameters: dict[str, str], bucket: str) -> None:
    """Use the key of the bucket that an earlier installation left: with another, its objects could not be read."""
    kept, wanted = account.bucket_key(bucket), parameters.get("Key", "")
    if kept and wanted not in {"", "new", kept}:
        raise VedetteError(f"The bucket {bucket} of an earlier installation has the key {kept}; leave out --kms-key.")
    if kept:
        parameters["Key"] = kept


def _check_names(parameters: Mapping[str, str], region: str) -> None:
    topic = parameters.get("Topic", "")
    found = TOPIC_ARN.fullmatch(topic)
    if topic and found is None:
        raise VedetteError(f"--topic is not the ARN of an SNS topic: {topic!r}.")
    if found is not None and found["region"] != region:
        raise VedetteError(f"The topic {topic} is in {found['region']}, but the stage is in {region}.")
    for option, name in (("--role", "ModelRole"), ("--permissions-boundary", "PermissionsBoundary")):
        value = parameters.get(name, "")
        if value and ":iam::" not in value:
            raise VedetteError(f"{option} is not an IAM ARN: {value!r}.")
    path = parameters.get("RolePath", "/")
    if not re.fullmatch(r"/([!-~]+/)?", path):
        raise VedetteError(f"--role-path must begin and end with a slash, such as /teams/ml/: {path!r}.")


def _check_pattern(request: SetupRequest, project: Project, bucket: str) -> None:
    entry = _stored_entry(project, request.stage, bucket)
    quota = request.event_pattern_size or entry.get(event_pattern.ENTRY_KEY, event_pattern.DEFAULT_CHARACTERS)
    event_pattern.check(request.stage, [bucket, *(at for at, _ in _split(_sources(request, entry)))], quota)
    labels = [(bucket, f"{GROUND_TRUTH_PREFIX}/"), *_split(_label_sources(request, entry))]
    event_pattern.check_labels(request.stage, labels, quota)


def make(setup: Setup) -> dict[str, Any]:
    """Execute the change, and write the stage to the project and the bucket; returns the stage's entry."""
    outputs = setup.change_set.execute()
    request, project = setup.plan.request, setup.plan.project
    scope = stage_scope(setup.plan, outputs)
    for bucket in {scope.bucket, *(bucket for bucket, _ in (*scope.sources, *scope.label_sources))}:
        if not account.sends_to_eventbridge(bucket):
            account.enable_eventbridge(bucket)
    narrowed = policies.all_narrowed(policies.read(project.chalice), scope)
    roles = _function_roles(request.stage, narrowed, setup.plan.parameters)
    for name, policy in narrowed.items():
        write(project.folder(request.stage) / f"policy-{name}.json", policy)
    merged = merge_template(request.stage, reserve=shortage(request.stage) is None)
    write(project.folder(request.stage) / "merge-template.json", merged)
    entry = _entry(request, scope, _stored_entry(project, request.stage, scope.bucket), roles)
    project.write_stage(request.stage, entry)
    state.put_configuration(project, request.stage, scope.bucket)
    return entry


def stage_scope(plan: StackPlan, outputs: Mapping[str, str]) -> StageScope:
    """The resources that the policies of the functions name, from the outputs of the stack."""
    request = plan.request
    entry = _stored_entry(plan.project, request.stage, outputs["Bucket"])
    before = entry.get("environment_variables", {})
    teams = [found[0] for found in TOPIC_ARN.finditer(",".join(request.teams) or before.get("VEDETTE_TOPICS", ""))]
    return StageScope(
        stage=request.stage,
        region=plan.region,
        account=plan.account,
        bucket=outputs["Bucket"],
        table=outputs["Table"],
        topics=tuple(dict.fromkeys([outputs["TopicArn"], outputs["IncidentsTopicArn"], *teams])),
        incidents_topic=outputs["IncidentsTopicArn"],
        role_arn=outputs["RoleArn"],
        key_arn=outputs.get("KeyArn", ""),
        sources=_split(_sources(request, entry)),
        label_sources=_split(_label_sources(request, entry)),
        instance_types=request.instance_types or tuple(entry.get("vedette_instance_types", ())),
        in_vpc=bool(request.subnets or entry.get("subnet_ids")),
        partition=plan.partition,
    )


def _sources(request: SetupRequest, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The additional capture locations: those that the request names, or else those of the stage's entry."""
    before = entry.get("environment_variables", {}).get("VEDETTE_CAPTURE_SOURCES", "")
    return request.capture_sources or tuple(filter(None, before.split(",")))


def _label_sources(request: SetupRequest, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The same of labels."""
    before = entry.get("environment_variables", {}).get("VEDETTE_GROUND_TRUTH_SOURCES", "")
    return request.ground_truth_sources or tuple(filter(None, before.split(",")))


def _split(places: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Bucket and prefix of each place."""
    return tuple((bucket, prefix) for bucket, _, prefix in (place.partition("/") for place in places))


def _stored_entry(project: Project, stage: str, bucket: str) -> dict[str, Any]:
    """The stage's previous entry; empty if it belongs to another account, such as the repository's example."""
    entry = project.stage(stage)
    return entry if entry.get("environment_variables", {}).get("VEDETTE_BUCKET") == bucket else {}


def needs_roles_stack(parameters: Mapping[str, str]) -> bool:
    """Whether setup creates the roles of the functions: Chalice's have neither a boundary nor a path."""
    return bool(parameters.get("PermissionsBoundary")) or parameters.get("RolePath", "/") != "/"


def _function_roles(stage: str, narrowed: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, str]:
    """Role ARNs by function, if the roles need a boundary or a path; else empty, and Chalice creates the roles."""
    if not needs_roles_stack(parameters):
        return {}
    body = roles_template(stage, narrowed, parameters.get("PermissionsBoundary", ""), parameters.get("RolePath", "/"))
    made = ChangeSet(roles_stack_name(stage), body, {}, stack_tags(stage)).execute()
    return {function.name: made[function.resource] for function in FUNCTIONS}


def _entry(
    request: SetupRequest, scope: StageScope, before: Mapping[str, Any], roles: Mapping[str, str]
) -> dict[str, Any]:
    """The stage's entry in .chalice/config.json; manual additions are kept."""
    environment = {
        **before.get("environment_variables", {}),
        "VEDETTE_STAGE": request.stage,
        "VEDETTE_BUCKET": scope.bucket,
        "VEDETTE_TABLE": scope.table,
        "VEDETTE_TOPIC_ARN": scope.topics[0],
        "VEDETTE_INCIDENTS_TOPIC_ARN": scope.incidents_topic,
        "VEDETTE_ROLE_ARN": scope.role_arn,
        "VEDETTE_CAPTURE_SOURCES": ",".join(f"{bucket}/{prefix}" for bucket, prefix in scope.sources),
    }
    for name, given in (
        ("VEDETTE_GROUND_TRUTH_SOURCES", request.ground_truth_sources),
        ("VEDETTE_IMAGE_ACCOUNTS", request.image_accounts),
        ("VEDETTE_TOPICS", request.teams),
        ("VEDETTE_TEAM_RUNBOOKS", request.team_runbooks),
        ("VEDETTE_TEAM_DIGESTS", request.team_digests),
        ("VEDETTE_DIGEST", (request.digest,) if request.digest else ()),
        ("VEDETTE_RUNBOOK_URL", (request.runbook_url,) if request.runbook_url else ()),
    ):
        if given:
            environment[name] = ",".join(given)
    functions = {}
    for function in FUNCTIONS:
        kept = dict(before.get("lambda_functions", {}).get(function.name, {}))
        for name in ("iam_policy_file", "manage_iam_role", "iam_role_arn"):
            kept.pop(name, None)
        if roles:
            role = {"manage_iam_role": False, "iam_role_arn": roles[function.name]}
        else:
            role = {"iam_policy_file": f"stages/{request.stage}/policy-{function.name}.json"}
        functions[function.name] = {**kept, **role}
    entry = {
        **before,
        "environment_variables": {name: value for name, value in environment.items() if value},
        "tags": {**before.get("tags", {}), "vedette:stage": request.stage},
        "lambda_functions": functions,
    }
    if request.subnets:
        entry |= {"subnet_ids": list(request.subnets), "security_group_ids": list(request.security_groups)}
    if scope.instance_types:
        entry["vedette_instance_types"] = list(scope.instance_types)  # Chalice ignores unknown keys
    if request.event_pattern_size:
        entry[event_pattern.ENTRY_KEY] = request.event_pattern_size
    return entry
