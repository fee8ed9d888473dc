"""Doctor's checks of the functions: package, configuration, rules, permissions, failures, and live invocations."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.constraints.measurement import Verdict
from chalicelib.errors import VedetteError
from chalicelib.events import Scheduled
from chalicelib.locations import EXECUTION_DETAIL_TYPE, GROUND_TRUTH_PREFIX
from chalicelib.records import ExecutionEvent, as_dict
from chalicelib.settings import Settings
from vedette.installation import account, deploy, package
from vedette.installation.concurrency import shortage
from vedette.installation.findings import Check, Finding, InspectedStage, expect, fault, ok, warning
from vedette.installation.functions import FUNCTIONS, NAMES, event_invoke_config, full_name, rule_name
from vedette.operations import aws
from vedette.operations.aws import code

DEPLOY = "vedette install --stage {stage}"
# Prints the rule patterns and schedules of the app in this folder, by function.
PRINT_EXPRESSIONS = """
import json
from app import app
found = {}
for source in app.event_sources:
    schedule = getattr(source, "schedule_expression", None)
    text = schedule if schedule is None or isinstance(schedule, str) else schedule.to_string()
    found[source.name] = text or source.event_pattern
print(json.dumps(found))
"""
PROBE = "vedette-doctor"  # a dummy endpoint, in no fleet
OLD_LINUX = "python3.11"  # Amazon Linux 2, glibc 2.26: numpy 2.3 and later has no wheel for it
DOWNLOAD_SECONDS = 60


def runtimes(inspected: InspectedStage) -> Iterator[Finding]:
    """Functions."""
    remedy = DEPLOY.format(stage=inspected.stage)
    found = _functions(inspected)
    missing = [name for name in NAMES if name not in found]
    yield expect("the seven functions exist", not missing, ", ".join(missing) + " missing", remedy)
    existing = {function["Configuration"]["Runtime"] for function in found.values()}
    if not existing:
        return
    one = len(existing) == 1
    yield expect("all functions use the same Python", one, ", ".join(sorted(existing)), remedy)
    if OLD_LINUX in existing:
        yield warning(
            "the Python is supported", f"{OLD_LINUX} runs on Amazon Linux 2", "deploy with Python 3.12 or 3.13"
        )
    elif one and deploy.runtime() not in existing:
        yield warning(
            "the Python is that of this machine",
            f"{existing.pop()}, but here {deploy.runtime()}: the next deployment changes it",
            f"deploy with the same Python, or accept {sys.version_info.major}.{sys.version_info.minor}",
        )
    states = {n: f["Configuration"].get("State", "Active") for n, f in found.items()}
    bad = [f"{name} is {state}" for name, state in states.items() if state not in {"Active", "Inactive"}]
    yield expect("all functions are active", not bad, "; ".join(bad), "see aws lambda get-function")


def packages(inspected: InspectedStage) -> Iterator[Finding]:
    """The package."""
    looked: set[str] = set()
    for function in _functions(inspected).values():
        config = function["Configuration"]
        if config["CodeSha256"] in looked:
            continue
        looked.add(config["CodeSha256"])
        content = _downloaded(function.get("Code", {}).get("Location", ""))
        if content is None:
            yield Finding("the package is complete", "unknown", "it cannot be downloaded", "run doctor elsewhere")
            continue
        faults = package.faults(content, config["Runtime"])
        remedy = DEPLOY.format(stage=inspected.stage)
        yield expect("the package is complete", not faults, "; ".join(faults), remedy)
        if not faults and not package.has_byte_code(content, config["Runtime"]):
            yield warning("the package has byte code", "each cold start compiles its imports", remedy)


def _downloaded(location: str) -> bytes | None:
    if not location.startswith(("https://", "http://127.0.0.1")):
        return None
    try:
        with urllib.request.urlopen(location, timeout=DOWNLOAD_SECONDS) as answer:  # noqa: S310 - checked above
            content: bytes = answer.read()
    except OSError:
        return None
    return content


def configurations(inspected: InspectedStage) -> Iterator[Finding]:
    """Configuration of the functions."""
    of_stage = inspected.project.stage(inspected.stage).get("environment_variables", {})
    for name, function in _functions(inspected).items():
        config, wanted = function["Configuration"], inspected.project.function(inspected.stage, name)
        environment = {**of_stage, **wanted.get("environment_variables", {})}
        variables = config.get("Environment", {}).get("Variables", {})
        different = [
            *(["memory"] if config["MemorySize"] != wanted.get("lambda_memory_size") else []),
            *(["timeout"] if config["Timeout"] != wanted.get("lambda_timeout") else []),
            *sorted(n for n in environment.keys() | variables.keys() if environment.get(n) != variables.get(n)),
        ]
        yield expect(
            f"{name} has the configuration of .chalice/config.json",
            not different,
            f"different: {', '.join(different)}",
            DEPLOY.format(stage=inspected.stage),
        )


def events(inspected: InspectedStage) -> Iterator[Finding]:
    """Rules."""
    wanted = _expressions(inspected)
    deploy = DEPLOY.format(stage=inspected.stage)
    for name, function in _functions(inspected).items():
        rule = _rule(rule_name(inspected.stage, name))
        if rule is None:
            yield fault(f"{name} has a rule", "it has none", deploy)
            continue
        yield expect(f"the rule of {name} is enabled", rule["State"] == "ENABLED", rule["State"], "enable it")
        if name in wanted:
            there = json.loads(rule["EventPattern"]) if rule.get("EventPattern") else rule.get("ScheduleExpression")
            yield expect(f"the rule of {name} matches app.py", there == wanted[name], "another pattern", deploy)
        arn = function["Configuration"]["FunctionArn"]
        targets = [target["Arn"] for target in client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        yield expect(f"the rule has {name} as its target", targets == [arn], f"targets: {targets}", deploy)
        allowed = rule["Arn"] in _may_invoke(arn)
        yield expect(f"the rule may invoke {name}", allowed, "no permission, so events are silently dropped", deploy)


def _rule(name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client("events").describe_rule(Name=name)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return None
        raise
    return found


def _may_invoke(arn: str) -> list[str]:
    try:
        policy = json.loads(client("lambda").get_policy(FunctionName=arn)["Policy"])
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return []
        raise
    return [
        str(source)
        for statement in policy["Statement"]
        if statement.get("Principal") == {"Service": "events.amazonaws.com"}
        for keys in statement.get("Condition", {}).values()
        for key, source in keys.items()
        if key.lower() == "aws:sourcearn"
    ]


def _expressions(inspected: InspectedStage) -> dict[str, Any]:
    """The pattern or schedule of each function in the project's app; empty where it cannot be loaded (no Chalice).

    The app runs in a process of its own, which imports the project's code and not the command's.
    """
    variables = inspected.project.stage(inspected.stage)["environment_variables"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PRINT_EXPRESSIONS],
        cwd=inspected.project.app,
        env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        capture_output=True,
    )
    found: dict[str, Any] = {} if done.returncode else json.loads(done.stdout)
    return found


def failures(inspected: InspectedStage) -> Iterator[Finding]:
    """Retries, failure destinations and reserved concurrency."""
    queue = deploy.queue_arn(inspected.stage)

    def fix() -> None:
        deploy.finish(inspected.stage)

    there = _functions(inspected)
    short = shortage(inspected.stage)
    if short is not None:
        yield warning("the functions have reserved concurrency", short.found, short.remedy)
    for wanted in FUNCTIONS:
        if wanted.name not in there:
            continue
        name = full_name(inspected.stage, wanted.name)
        config = there[wanted.name]["Configuration"]
        yield expect(
            f"{wanted.name} has the right handler",
            config["Handler"] == wanted.handler,
            f"it is {config['Handler']}, which Chalice does not change",
            "vedette doctor --fix",
            fix,
        )
        right = deploy.is_finished(account.event_invoke_config(name), event_invoke_config(wanted, queue))
        yield expect(f"failed events of {wanted.name} are kept", right, "they are lost", "vedette doctor --fix", fix)
        if short is None and account.reserved_concurrency(name) != wanted.reserved_concurrency:
            yield warning(
                f"{wanted.name} has a reserved concurrency of {wanted.reserved_concurrency}",
                "it uses the account's concurrency",
                "vedette doctor --fix",
                fix,
            )


def permissions(inspected: InspectedStage) -> Iterator[Finding]:
    """Policies of the functions."""
    folder = inspected.project.folder(inspected.stage)
    for name, function in _functions(inspected).items():
        role = function["Configuration"]["Role"].rpartition("/")[2]
        file = folder / f"policy-{name}.json"
        if not file.is_file():
            yield fault(f"{name} has a policy file", f"no {file.name}", f"vedette setup --stage {inspected.stage}")
            continue
        wanted = json.loads(file.read_bytes())
        there = _inline_policies(role)
        yield expect(
            f"{name} has exactly the permissions of its policy",
            there == [wanted],
            "the role has another policy" if there else "the role has no policy",
            f"vedette setup --stage {inspected.stage}, then {DEPLOY.format(stage=inspected.stage)}",
        )


def _inline_policies(role: str) -> list[dict[str, Any]]:
    iam = client("iam")
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = [iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [*found, *({"attached": one["PolicyArn"]} for one in attached)]


def _functions(inspected: InspectedStage) -> dict[str, dict[str, Any]]:
    found = {name: account.describe_function(full_name(inspected.stage, name)) for name in NAMES}
    return {name: function for name, function in found.items() if function is not None}


# --- live -------------------------------------------------------------------------------------------------------------


def live(inspected: InspectedStage) -> Iterator[Finding]:
    """Live."""
    for name, event in synthetic_events(inspected.settings).items():
        what = f"{name} runs"
        try:
            answer = aws.run_function(full_name(inspected.stage, name), event)
        except VedetteError as error:
            yield fault(what, str(error), f"see the log group /aws/lambda/{full_name(inspected.stage, name)}")
            continue
        ignored = str(answer.get("detail", ""))
        yield ok(what, ignored) if ignored else fault(what, f"it returned {answer}", "it should have ignored the event")


def synthetic_events(settings: Settings) -> dict[str, dict[str, Any]]:
    """One event for each function, about a dummy endpoint: the functions read, and change nothing."""
    now = datetime.now(UTC)
    arn = f"arn:{settings.partition}:sagemaker:{settings.region}:{settings.account}"

    def event(source: str, detail_type: str, detail: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": settings.account,
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "region": settings.region,
            "resources": [],
            "detail": dict(detail),
        }

    package_detail = {
        "ModelPackageGroupName": PROBE,
        "ModelPackageArn": f"{arn}:model-package/{PROBE}/1",
        "ModelApprovalStatus": "PendingManualApproval",
    }
    endpoint_detail = {"EndpointName": PROBE, "EndpointArn": f"{arn}:endpoint/{PROBE}", "EndpointStatus": "IN_SERVICE"}
    key = f"data-capture/{PROBE}/AllTraffic/{now:%Y/%m/%d/%H/%M-%S}-000-{uuid.uuid4()}.jsonl"
    capture_detail = {"bucket": {"name": settings.bucket}, "object": {"key": key, "size": 0, "etag": "0"}}
    label_key = f"{GROUND_TRUTH_PREFIX}/{PROBE}/{uuid.uuid4()}.csv"
    label_detail = {"bucket": {"name": settings.bucket}, "object": {"key": label_key, "size": 0, "etag": "0"}}
    execution = ExecutionEvent(
        endpoint=PROBE,
        variant="AllTraffic",
        verdict=Verdict.NO_DATA,
        window_start=now,
        window_end=now,
        window_closed=True,
        folder=f"monitoring/{PROBE}/",
    )
    scheduled = Scheduled.for_endpoints([PROBE], event("", "Scheduled Event", {}), settings)
    return {
        "on_model_package_state_change": event("aws.sagemaker", "SageMaker Model Package State Change", package_detail),
        "on_endpoint_state_change": event("aws.sagemaker", "SageMaker Endpoint State Change", endpoint_detail),
        "on_data_captured": event("aws.s3", "Object Created", capture_detail),
        "on_ground_truth": event("aws.s3", "Object Created", label_detail),
        "run_monitoring": scheduled,
        "on_monitoring_execution": event(settings.event_source, EXECUTION_DETAIL_TYPE, as_dict(execution)),
        "sweep": scheduled,
    }


CHECKS: tuple[Check, ...] = (runtimes, packages, configurations, events, failures, permissions)
