"""WANTED: make one endpoint serve what the registry wants, one plan at a time, and be able to run at any moment.

| plan (registry.plan) | done here                                                                             |
|----------------------|---------------------------------------------------------------------------------------|
| nothing, wait        | conditions for a person are told or ended                                             |
| stop                 | a notice, once                                                                        |
| create, update       | model and config are made ready, the attempt is written down, the endpoint is started |
| verify               | the golden payload is sent; verified, or back to the config before with a mark        |
| rolled back          | the version is marked, a notice says why                                              |

What is told comes before what is written down: a crash in between repeats the telling, which adds nothing.
"""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.alerts import notices
from chalicelib.aws import deployment, sagemaker, table
from chalicelib.aws.table import endpoint_key
from chalicelib.errors import NotReady
from chalicelib.handlers.telling import tell
from chalicelib.observability import count
from chalicelib.records import Deployment, FleetEntry, Mark, Pause, Pin
from chalicelib.registry.plan import Place, Plan, Served, plan
from chalicelib.registry.versions import PackageVersion, Wanted, version_of, wanted
from chalicelib.settings import settings

PROBE = "vedette-probe"  # the custom attribute of a golden request; such requests count in no statistic
MOST_STEPS = 3  # verify, then start what has become wanted meanwhile


def reconcile(entry: FleetEntry) -> dict[str, Any]:
    """Bring an endpoint one step nearer to what is wanted."""
    done: list[str] = []
    for _ in range(MOST_STEPS):
        step = _step(entry)
        done.append(f"{step.action}: {step.reason}")
        if step.action not in {"verify", "rolled back"}:
            break
    return {"endpoint": entry.endpoint, "steps": done}


def _step(entry: FleetEntry) -> Plan:
    now = datetime.now(UTC)
    pk = endpoint_key(entry.endpoint)
    served = deployment.served(entry.endpoint)
    latest, revision = table.get_item(Deployment, pk, "deployment")
    pin, _ = table.get_item(Pin, pk, "pin")
    marks = table.query(Mark, pk, "mark#").values()
    paused, _ = table.get_item(Pause, "stage", "pause")
    versions = [PackageVersion.from_summary(found) for found in sagemaker.list_model_packages(entry.package_group)]
    decision = wanted(versions, pin, marks, now)
    place = Place(settings().role_arn, locations.capture_uri(settings().bucket))
    step = plan(entry, decision, served, latest, place, paused=paused is not None)
    match step.action:
        case "create" | "update":
            _start(entry, step, served, revision, now)
        case "verify" if latest:
            _verify(entry, latest, revision, now)
        case "rolled back" if latest:
            _mark(latest, step.reason, now)
            _tell_failure(latest, step.reason)
            _settle(replace(latest, state="rolled back", settled_at=now, reason=step.reason), revision)
    if entry.mode == "deploy":
        _tell_conditions(entry, step, decision, now)
    return step


def _start(entry: FleetEntry, step: Plan, served: Served | None, revision: int, now: datetime) -> None:
    deployment.make_ready(step)
    attempt = Deployment(
        endpoint=entry.endpoint,
        package_arn=step.package_arn,
        package_version=version_of(step.package_arn),
        config=step.config_name,
        previous_config=served.config_name if served else "",
        previous_package_arn=served.package_arn if served else "",
        requested_at=now,
        state="requested",
    )
    if not table.put_item(attempt, endpoint_key(entry.endpoint), "deployment", revision):
        raise NotReady(f"{entry.endpoint} is being deployed to by another invocation.")
    if deployment.start(step, entry.endpoint):
        count("DeploymentsStarted")
    else:
        _settle(replace(attempt, state="superseded", settled_at=now, reason="the endpoint was busy"), revision + 1)


def _verify(entry: FleetEntry, latest: Deployment, revision: int, now: datetime) -> None:
    problem = _golden_problem(entry)
    if not problem:
        _tell_success(entry, latest)
        _settle(replace(latest, state="verified", settled_at=now), revision)
        return
    reason = f"the golden request failed: {problem}"
    _mark(latest, reason, now)
    if latest.previous_config and not deployment.go_back(latest):
        raise NotReady(f"{entry.endpoint} is busy; it goes back to {latest.previous_config} with its next event.")
    _tell_failure(latest, reason)
    _settle(replace(latest, state="failed", settled_at=now, reason=reason), revision)


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
    return "" if size else "the answer was empty"


def _settle(settled: Deployment, revision: int) -> None:
    pk = endpoint_key(settled.endpoint)
    if not table.put_item(settled, pk, "deployment", revision):
        raise NotReady(f"The deployment of {settled.endpoint} is being settled by another invocation.")
    table.put_item(settled, pk, f"history#{settled.requested_at.isoformat()}#{settled.config}", 0)


def _mark(failed: Deployment, reason: str, now: datetime) -> None:
    mark = Mark(endpoint=failed.endpoint, package_arn=failed.package_arn, config=failed.config, reason=reason, at=now)
    table.put_item(mark, endpoint_key(failed.endpoint), f"mark#{failed.package_arn}#{failed.config}", 0)


def _tell_success(entry: FleetEntry, done: Deployment) -> None:
    before = version_of(done.previous_package_arn) if done.previous_package_arn else "nothing"
    golden = "the golden request was answered" if entry.golden_payload else "the fleet entry has no golden request"
    facts = {
        "deployed": f"version {done.package_version}, before it: {before}",
        "verified": f"InService on {done.config}; {golden}",
    }
    tell(
        entry.endpoint,
        "",
        lambda book: notices.told_once(
            book,
            f"verified {done.config} {done.requested_at.isoformat()}",
            f"version {done.package_version} is deployed and verified",
            "information",
            done.package_version,
            facts,
            ("Nothing. To go back, reject this version in the registry.",),
        ),
    )


def _tell_failure(failed: Deployment, reason: str) -> None:
    tell(
        failed.endpoint,
        "",
        lambda book: notices.told_once(
            book,
            f"failed {failed.config} {failed.requested_at.isoformat()}",
            f"version {failed.package_version} could not be deployed{_what_serves(failed)}",
            "critical",
            failed.package_version,
            {"reason": reason},
            (
                "Read the reason above; the version is not tried again by itself.",
                "To try it again, approve it anew in the registry.",
            ),
        ),
    )


def _what_serves(failed: Deployment) -> str:
    if not failed.previous_config:
        return ""
    before = version_of(failed.previous_package_arn) if failed.previous_package_arn else ""
    return f"; version {before} is served" if before else "; the model before it is served"


def _tell_conditions(entry: FleetEntry, step: Plan, decision: Wanted, now: datetime) -> None:
    conditions: dict[str, str] = {}
    if step.notice and step.action in {"stop", "nothing"}:
        conditions[step.action] = step.reason
    if decision.pin_void:
        conditions["pin"] = "the pinned version is not approved, so the pin is void"
    if step.action != "wait":
        tell(entry.endpoint, "", lambda book: notices.told_while(book, "deployment", conditions, now))
