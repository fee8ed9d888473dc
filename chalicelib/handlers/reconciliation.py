"""WANTED: make one endpoint serve what the registry wants, one plan at a time, and be able to run at any moment.

| plan (registry.plan)   | done here                                                                                |
|------------------------|------------------------------------------------------------------------------------------|
| nothing, wait, stop    | conditions for a person are told when they begin, and forgotten when they end            |
| create, update         | alarms, model and config are made ready, the attempt is written down, the endpoint starts|
| ... refused by SageMaker| capacity: tried again later; quota, permanent: a mark and a notice; else it rises       |
| verify                 | the golden payload is sent; verified and the baseline follows, or back and a mark        |
| rolled back, failed    | the version is marked, a notice says why                                                 |
| delete                 | a failed endpoint that never served is deleted, to be created anew                       |

What is to be told goes into the outbox before the attempt is settled, and is published at the end: a crash in between
repeats it, which adds nothing, and an alert channel that is down never stops a deployment.
"""

from dataclasses import replace as with_fields
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.aws import cloudtrail, cloudwatch, deployment, sagemaker, table
from chalicelib.aws.table import endpoint_key
from chalicelib.errors import NotReady
from chalicelib.handlers import baselines, deployment_notices
from chalicelib.handlers.telling import deliver
from chalicelib.observability import count
from chalicelib.records import Deployment, FleetEntry, Mark, Pause, Pin
from chalicelib.registry.failures import kind_of_failure, mark_of
from chalicelib.registry.plan import Place, Plan, Situation, is_foreign, plan
from chalicelib.registry.shifting import DAYS_OF_LATENCY
from chalicelib.registry.versions import PackageVersion, version_of
from chalicelib.settings import settings

PROBE = "vedette-probe"  # the custom attribute of a golden request; such requests count in no statistic
MOST_STEPS = 3  # verify, then start what has become wanted meanwhile
GO_ON = frozenset({"verify", "rolled back", "failed"})


def reconcile(entry: FleetEntry) -> dict[str, Any]:
    """Bring an endpoint one step nearer to what is wanted."""
    done: list[str] = []
    for _ in range(MOST_STEPS):
        situation, revision = _look(entry)
        _keep_in_history(situation)
        _void_marks(situation)
        step = plan(situation)
        done.append(f"{step.action}: {step.reason}")
        _do(situation, step, revision)
        if step.action not in GO_ON:
            break
    deliver(entry.endpoint, "")
    return {"endpoint": entry.endpoint, "steps": done}


def look(entry: FleetEntry) -> Situation:
    """Everything that a plan for this endpoint follows from, read now; nothing is changed."""
    return _look(entry)[0]


def _look(entry: FleetEntry) -> tuple[Situation, int]:
    now, pk = datetime.now(UTC), endpoint_key(entry.endpoint)
    place = Place(settings().role_arn, locations.capture_uri(settings().bucket), settings().image_accounts)
    if entry.mode != "deploy":
        return Situation(entry, (), None, (), None, None, (), now, place), 0
    latest, revision = table.get_item(Deployment, pk, "deployment")
    situation = Situation(
        entry=entry,
        versions=_versions(entry.package_group),
        pin=table.get_item(Pin, pk, "pin")[0],
        marks=tuple(table.query(Mark, pk, "mark#").values()),
        served=deployment.served(entry.endpoint),
        deployment=latest,
        history=tuple(table.query(Deployment, pk, "history#").values()),
        now=now,
        place=place,
        paused=table.get_item(Pause, "stage", "pause")[0] is not None,
    )
    return _looked_closer(situation), revision


def _versions(group: str) -> tuple[PackageVersion, ...]:
    return tuple(PackageVersion.from_summary(found) for found in sagemaker.list_model_packages(group)) if group else ()


def _looked_closer(situation: Situation) -> Situation:
    """What only a change needs to know: the wanted package, the tags, the alarms, the latency of two weeks."""
    entry, served, wanted = situation.entry, situation.served, situation.wanted.version
    if served is not None and is_foreign(served, situation.deployment):
        tagged = deployment.with_tags(served)
        who = cloudtrail.who_updated(entry.endpoint, served.config_name)
        return with_fields(situation, served=with_fields(tagged, changed_by=who))
    if wanted is None or (served is not None and served.package_arn == wanted.arn):
        return situation
    situation = with_fields(situation, package=sagemaker.describe_model_package(wanted.arn))
    if served is None:
        return situation
    names = [locations.alarm_name(entry.endpoint, what) for what in ("5xx", "latency")]
    return with_fields(
        situation,
        served=deployment.with_tags(served),
        alarms_firing=cloudwatch.alarms_firing(names),
        daily_p99=cloudwatch.daily_p99_latency(entry.endpoint, served.variant, situation.now, DAYS_OF_LATENCY),
    )


def _void_marks(situation: Situation) -> None:
    """Drop the marks of versions that are not approved now: what comes next is a newer approval."""
    approved = {version.arn for version in situation.versions if version.approved}
    for mark in situation.marks:
        if mark.package_arn not in approved:
            table.delete_item(endpoint_key(mark.endpoint), f"mark#{mark.package_arn}#{mark.config}")


def _do(situation: Situation, step: Plan, revision: int) -> None:
    entry, latest = situation.entry, situation.deployment
    match step.action:
        case "create" | "update":
            _start(situation, step, revision)
        case "verify" if latest:
            _verify(entry, latest, revision, situation.now)
        case "rolled back" | "failed" if latest:
            state = "rolled back" if step.action == "rolled back" else "failed"
            _fail(latest, state, step.reason, revision, situation.now)
        case "delete":
            sagemaker.delete_endpoint(entry.endpoint)
    if entry.mode == "deploy" and not situation.paused:
        deployment_notices.conditions(entry, step, situation.wanted.pin_void, situation.now)


def _start(situation: Situation, step: Plan, revision: int) -> None:
    entry, served = situation.entry, situation.served
    attempt = Deployment(
        endpoint=entry.endpoint,
        package_arn=step.package_arn,
        package_version=version_of(step.package_arn),
        config=step.config_name,
        previous_config=served.config_name if served else "",
        previous_package_arn=served.package_arn if served else "",
        requested_at=situation.now,
        state="requested",
        approver=_approver(situation),
        changes=step.changes,
        remarks=step.remarks,
    )
    try:
        deployment.make_ready(step)
        if not table.put_item(attempt, endpoint_key(entry.endpoint), "deployment", revision):
            raise NotReady(f"{entry.endpoint} is being deployed to by another invocation.")
        revision += 1
        begun = deployment.start(step, entry.endpoint)
    except ClientError as error:
        reason = "{Code}: {Message}".format(**error.response["Error"])
        if kind_of_failure(reason) == "transient" or error.response["Error"]["Code"] not in {
            "ValidationException",
            "ResourceLimitExceeded",
        }:
            raise
        wanted = look(entry).wanted.version
        if wanted is None or wanted.arn != step.package_arn:  # rejected meanwhile: no failure of the version
            raise NotReady(f"What {entry.endpoint} should serve has changed meanwhile.") from error
        _fail(attempt, "failed", reason, revision, situation.now)
        return
    # Busy with another request: the attempt stays as it is, and the endpoint's next event tells what became of it.
    if begun or _is_under_way(entry.endpoint, step.config_name):
        count("DeploymentsStarted")
        table.put_item(replace(attempt, begun=True), endpoint_key(entry.endpoint), "deployment", revision)


def _is_under_way(endpoint: str, config: str) -> bool:
    """Whether a refused request had begun before: by another invocation, or by botocore, whose reply was lost."""
    found = sagemaker.describe_endpoint(endpoint) or {}
    pending = found.get("PendingDeploymentSummary") or {}
    return config in {found.get("EndpointConfigName"), pending.get("EndpointConfigName")}


def _approver(situation: Situation) -> str:
    """Who modified the package last, which is who approved it unless somebody edited it since."""
    by = (situation.package or {}).get("LastModifiedBy") or {}
    return str(by.get("UserProfileName") or (by.get("IamIdentity") or {}).get("Arn") or "")


def _verify(entry: FleetEntry, latest: Deployment, revision: int, now: datetime) -> None:
    problem = "" if latest.reason else _golden_problem(entry)
    if not problem and not latest.reason:
        baseline = baselines.follow(entry, latest, now)
        deployment_notices.verified(entry, latest, baseline)
        _settle(replace(latest, state="verified", settled_at=now), revision)
        return
    if problem:  # written down first: once the endpoint goes back, nothing else tells why
        latest = replace(latest, reason=f"the golden request failed: {problem}")
        if not table.put_item(latest, endpoint_key(entry.endpoint), "deployment", revision):
            raise NotReady(f"{entry.endpoint} is being verified by another invocation.")
        revision += 1
    if latest.previous_config and not deployment.go_back(latest):
        raise NotReady(f"{entry.endpoint} is busy; it goes back to {latest.previous_config} with its next event.")
    _fail(latest, "failed", latest.reason, revision, now)


def _golden_problem(entry: FleetEntry) -> str:
    """Why the golden request failed; "" when it was answered, or when the entry has none."""
    golden = entry.golden_payload
    if golden is None:
        return ""
    try:
        size = sagemaker.invoke_endpoint(entry.endpoint, golden.body, golden.content_type, golden.accept, PROBE)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"ModelError", "ValidationError"}:
            raise
        return f"the model answered with {error.response['Error']['Code']}"
    if size is None:
        return "the model did not answer within a minute"
    return "" if size else "the answer was empty"


def _fail(failed: Deployment, state: Any, reason: str, revision: int, now: datetime) -> None:
    """Mark the version, tell a person, settle the attempt."""
    pk, sk = endpoint_key(failed.endpoint), f"mark#{failed.package_arn}#{failed.config}"
    earlier, mark_revision = table.get_item(Mark, pk, sk)
    if earlier is None or earlier.at < failed.requested_at:  # else a crash repeats this very failure
        mark = mark_of(failed, reason, now, earlier)
        table.put_item(mark, pk, sk, mark_revision)
    else:
        mark = earlier
    deployment_notices.failed(failed, reason, mark)
    _settle(replace(failed, state=state, settled_at=now, reason=reason), revision)


def _settle(settled: Deployment, revision: int) -> None:
    pk = endpoint_key(settled.endpoint)
    if not table.put_item(settled, pk, "deployment", revision):
        raise NotReady(f"The deployment of {settled.endpoint} is being settled by another invocation.")
    table.put_item(settled, pk, _history_key(settled), 0)


def _keep_in_history(situation: Situation) -> None:
    """What was settled is in the history, also when a crash came between the two writes."""
    latest = situation.deployment
    if latest is None or latest.state == "requested":
        return
    if _history_key(latest) not in {_history_key(settled) for settled in situation.history}:
        table.put_item(latest, endpoint_key(latest.endpoint), _history_key(latest), 0)


def _history_key(settled: Deployment) -> str:
    return f"history#{settled.requested_at.isoformat()}#{settled.config}"
