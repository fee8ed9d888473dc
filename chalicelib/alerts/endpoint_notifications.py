"""Notifications about an endpoint itself: its deployments, and conditions that wait for a person.

| input                                          | handled as                                                        |
|------------------------------------------------|-------------------------------------------------------------------|
| a deployment was verified, failed, rolled back | one message for this deployment                                   |
| an older version than the served was approved  | one message for this approval                                     |
| a test that `vedette alerts test` announced    | one message, within the hourly limit; every other one: none       |
| a condition (stopped, nothing approved, ...)   | one message when it begins; the next one only after it had ended  |
| captured objects that cannot be read           | one condition, whose message names the first of them              |
| the endpoint was deleted (`deleted_endpoint`)  | one condition, in place of those about its capture and evaluation |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace

from chalicelib.alerts import incidents
from chalicelib.alerts.message import message_id
from chalicelib.alerts.next_steps import Step, to_texts
from chalicelib.alerts.outbox import enqueue, enqueue_rate_limited, sends_left
from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.state import fingerprint_id
from chalicelib.alerts.wording import counted, minute
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.errors import VedetteError
from chalicelib.outcomes import SkipReason
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    AlertState,
    Deployment,
    ExpectedTest,
    FailedVersion,
    FindingState,
    FingerprintState,
    FingerprintStatus,
    FleetEntry,
    Incident,
    IncidentAction,
    UnreadableObject,
    UnreadableObjects,
    UnreadableReason,
)
from chalicelib.registry.failures import CAPACITY_RETRY_DELAYS
from chalicelib.registry.versions import version_of

# Family of lasting conditions -> the kind of their messages, and what a person can look at; the endpoint follows.
_VERSIONS = Step(
    "See the stored versions of the baseline, and use one that can be read:", "vedette constraints versions"
)
_STATUS = Step("Check that capture is on, and where it writes:", "vedette capture status")
_ACCESS = Step("See what is wrong with the place, and what its owner must do:", "vedette watch")
_ALL = Step("See every one of them, and when it is read again:", "vedette status")
_STATUS_OF_FLEET = Step("See what is missing, then correct fleet.toml and apply it:", "vedette status")
_DELETE = Step("If this was intended, take it out of the fleet, with what is left of it:", "vedette delete")
OBJECTS = "captured objects"
LABELS = "label objects"
JOBS = "transform jobs"
ENDPOINT_FAMILY, FLEET_FAMILY = "endpoint", "fleet"
DELETED, MISSING = Fingerprint(ENDPOINT_FAMILY, "deleted"), Fingerprint(ENDPOINT_FAMILY, "missing")
WITHOUT_BASELINE = Fingerprint("monitoring", SkipReason.NO_BASELINE.value)
WITHOUT_BASELINE_OF_JOBS = Fingerprint("monitoring", SkipReason.NO_BASELINE_OF_JOBS.value)
SOURCE_CLOSED = Fingerprint("capture", "closed")  # the functions may not read the captures
SILENT_WHILE_DELETED = {"monitoring", "capture", "quality"}
CONDITION_FAMILIES = {
    "monitoring": (AlertKind.MONITOR_FAILED, _VERSIONS),
    "capture": (AlertKind.CAPTURE_STOPPED, _STATUS),
    OBJECTS: (AlertKind.MONITOR_FAILED, _ALL),
    "quality": (AlertKind.MONITOR_FAILED, _VERSIONS),
    LABELS: (AlertKind.MONITOR_FAILED, _ALL),
    JOBS: (AlertKind.MONITOR_FAILED, None),
    ENDPOINT_FAMILY: (AlertKind.ENDPOINT_GONE, _DELETE),
    FLEET_FAMILY: (AlertKind.MONITOR_FAILED, _STATUS_OF_FLEET),
}
MAX_NAMED_OBJECTS = 3
TEST_VALIDITY = timedelta(minutes=15)  # Lambda repeats a failed event within three minutes
REMEDIES = {
    UnreadableReason.DENIED: "check its bucket's policy, the policy and state of its KMS key, and its storage class",
    UnreadableReason.GONE: "check what deletes captures so early",
    UnreadableReason.NO_LABELS: "see why with `vedette quality load`, and write it again",
    UnreadableReason.UNEXPECTED_CONTENT: "upgrade Vedette, or report it as a fault: every content should be read",
}


def notify_once(
    state: AlertState,
    occasion: str,
    headline: str,
    severity: Severity,
    package_version: str,
    facts: Mapping[str, str],
    steps: Iterable[Step],
    kind: AlertKind = AlertKind.DEPLOYMENT,
    check: str = "deployment",
    machines: Callable[[AlertState, AlertMessage], AlertState] = incidents.inform,
    opens: Incident | None = None,
) -> AlertState:
    """Enqueue a message about an event; `occasion` identifies it, so that a repetition adds nothing.

    `machines` says what the event is to machines; `opens` is the incident that it opens, if it opens one.
    """
    message = AlertMessage(
        alert_id=_alert_id(state.endpoint, occasion),
        kind=kind,
        severity=severity,
        endpoint=state.endpoint,
        variant="",
        headline=sanitize(headline, 400),
        items=tuple(_fact(name, value, severity, check) for name, value in facts.items()),
        package_version=sanitize(package_version, 100),
        since=opens.since if opens else None,
        what_to_do=to_texts(steps),
        incidents=(opens,) if opens else (),
    )
    if message.alert_id in state.sent_ids:
        return state
    return machines(enqueue(state, (message,)), message)


def _alert_id(endpoint: str, occasion: str) -> str:
    return message_id(endpoint, "deployment", occasion)


def notify_deployed(state: AlertState, entry: FleetEntry, done: Deployment, baseline: str) -> AlertState:
    """Report that a version is served: who approved it, what changed, how it was verified."""
    before = f"version {version_of(done.previous_package_arn)}" if done.previous_package_arn else "nothing"
    golden = "the golden request was answered" if entry.golden_payload else "the fleet entry has no golden request"
    facts = {
        "deployed": f"version {done.package_version}, in place of {before}",
        "approved by": done.approver or "not recorded in the registry",
        "verified": f"InService on {done.config}; {golden}",
        "baseline": baseline,
    }
    if done.changes:
        facts["changed"] = "; ".join(done.changes)
    if done.remarks:
        facts["remark"] = "; ".join(done.remarks)
    return notify_once(
        state,
        f"verified {done.config} {done.requested_at.isoformat()}",
        f"version {done.package_version} is deployed and verified",
        Severity.INFORMATION,
        done.package_version,
        facts,
        (_way_back(done),),
        machines=_deployed,
    )


def _deployed(state: AlertState, message: AlertMessage) -> AlertState:
    """A verified deployment closes the incident of a failed one."""
    return incidents.inform(incidents.resolve_deployment(state, message), message)


def _way_back(done: Deployment) -> Step:
    """How to go back to the version before: not after the first deployment, nor after going back already."""
    previous = version_of(done.previous_package_arn) if done.previous_package_arn else ""
    if not (previous.isdigit() and done.package_version.isdigit() and int(previous) < int(done.package_version)):
        return Step("No action is needed.")
    return Step("No action is needed. To go back:", f"vedette rollback {done.endpoint} --reason WHY")


def notify_deployment_failed(
    state: AlertState, failed: Deployment, reason: str, failure: FailedVersion, serves: str
) -> AlertState:
    """Report that a version could not be deployed: why, when it is retried, and what serves now (a clause)."""
    headline = f"version {failed.package_version} could not be deployed; {serves}"
    if failed.package_arn == failed.previous_package_arn:
        headline = f"the new config of version {failed.package_version} failed; {serves}"
    again = Step(
        "It is not retried automatically. When the cause is fixed, approve the version again (set it to Rejected, then"
        " to Approved), or run:",
        f"vedette retry {failed.endpoint}",
    )
    if failure.retry_at:
        attempts = f"attempt {failure.tries} of {len(CAPACITY_RETRY_DELAYS) + 1}"
        again = Step(f"It is retried after {minute(failure.retry_at)} UTC ({attempts}).")
    return notify_once(
        state,
        f"failed {failed.config} {failed.requested_at.isoformat()}",
        headline,
        Severity.CRITICAL,
        failed.package_version,
        {"reason": reason},
        (Step("Fix the cause that is named above."), again),
        machines=partial(incidents.trigger_deployment, failed=failed),
        opens=_opens(state, incidents.FAILED_DEPLOYMENT, incidents.failing_since(state, failed)),
    )


def notify_older_version_approved(state: AlertState, older: str, wanted: str, serves: str, occasion: str) -> AlertState:
    """Report that an older version was approved, which changes nothing while a newer one is wanted.

    `serves` is a clause that says what is served now, which may be neither of them.
    """
    return notify_once(
        state,
        f"older {occasion}",
        f"version {older} was approved, which changes nothing: version {wanted} is newer and approved; {serves}",
        Severity.INFORMATION,
        wanted,
        {},
        (Step(f"To serve version {older}:", f"vedette pin {state.endpoint} --version {older} --reason WHY"),),
    )


def sync_conditions(
    state: AlertState,
    family: str,
    conditions: Mapping[str, str],
    now: datetime,
    facts: Mapping[str, str] | None = None,
) -> AlertState:
    """Enqueue a message for each condition of a family that begins, and remove those that ended.

    `conditions` maps names to sentences, for all present conditions of the family. Other families stay as they are.
    Each message lists the `facts`. Of a deleted endpoint it is said only that it was deleted.
    """
    if family in SILENT_WHILE_DELETED and DELETED in state.fingerprints:
        conditions = {}
    kind, _ = CONDITION_FAMILIES.get(family, (AlertKind.DEPLOYMENT, None))
    present = {Fingerprint(family, name): sentence for name, sentence in conditions.items()}
    known = {one: of for one, of in state.fingerprints.items() if one in present or one.check != family}
    for fingerprint, sentence in present.items():
        if fingerprint not in known:
            known[fingerprint] = FingerprintState(
                state=FingerprintStatus.FIRING,
                severity=Severity.WARNING,
                since=now,
                last_seen=now,
                headline=sanitize(sentence, 400),
            )
            state = notify_once(
                state,
                _occasion(fingerprint, now),
                sentence,
                Severity.WARNING,
                "",
                facts or {},
                _steps_of(fingerprint, state.endpoint),
                kind,
                family,
                machines=_by_fingerprint,
                opens=_opens(state, fingerprint, now),
            )
    return replace(state, fingerprints=known)


def _steps_of(condition: Fingerprint, endpoint: str) -> list[Step]:
    """What a person can do about a condition."""
    if condition in {WITHOUT_BASELINE, WITHOUT_BASELINE_OF_JOBS}:
        from_captures = (
            " or, once rows are captured, from the captures (--from-captures in place of FILE)"
            if condition == WITHOUT_BASELINE
            else ""
        )
        return [
            Step(
                f"Suggest one from the training data (vedette baseline FILE -o DIR){from_captures}. Look at it, then"
                " use it (vedette constraints use)."
            ),
            Step("See whether one is stored that you can use:", f"vedette constraints versions {endpoint}"),
        ]
    _, step = CONDITION_FAMILIES.get(condition.check, (None, None))
    step = _ACCESS if condition == SOURCE_CLOSED else step
    return [step._replace(command=f"{step.command} {endpoint}")] if step else []


def _by_fingerprint(state: AlertState, message: AlertMessage) -> AlertState:
    """Nothing to add: `incidents.follow` sees that the fingerprint begins, and that it ends."""
    return state


def _occasion(fingerprint: Fingerprint, since: datetime) -> str:
    return f"{fingerprint!s} since {since.isoformat()}"


def _opens(state: AlertState, fingerprint: Fingerprint, since: datetime) -> Incident:
    number = fingerprint_id(state.endpoint, state.variant, fingerprint)
    return Incident(fingerprint=number, since=since, action=IncidentAction.TRIGGER)


def describe_condition(before: AlertState, after: AlertState, fingerprint: Fingerprint) -> incidents.Details:
    """What the events say about a condition that began or ended between two states; else what its name says."""
    one = after.fingerprints.get(fingerprint) or before.fingerprints.get(fingerprint)
    if one is None or not one.headline:
        return incidents.describe_by_name(fingerprint)
    kind, _ = CONDITION_FAMILIES.get(fingerprint.check, (AlertKind.DEPLOYMENT, None))
    alert_id = _alert_id(after.endpoint, _occasion(fingerprint, one.since))
    return incidents.Details(one.headline, f"resolved: {one.headline}", kind, alert_id)


def sync_unreadable_objects(state: AlertState, found: UnreadableObjects, now: datetime) -> AlertState:
    """Enqueue a message when the first captured object of an endpoint cannot be read; it lasts while there is one."""
    conditions, facts = _unreadable_conditions("captured object", found)
    return sync_conditions(state, OBJECTS, conditions, now, facts)


def sync_unreadable_labels(
    state: AlertState, found: UnreadableObjects, denied: Sequence[str], now: datetime
) -> AlertState:
    """The same for label objects, and for places of labels that may not be read: `denied` has a sentence for each."""
    conditions, facts = _unreadable_conditions("label object", found)
    if denied:
        conditions["closed"] = "; ".join(denied)
    return sync_conditions(state, LABELS, conditions, now, facts)


def _unreadable_conditions(what: str, found: UnreadableObjects) -> tuple[dict[str, str], dict[str, str]]:
    number = counted(found.count, what)
    sentence = f"{number} cannot be read, so {'it is' if found.count == 1 else 'they are'} in no verdict"
    named = found.objects[:MAX_NAMED_OBJECTS]
    facts = {f"object {position}": _unreadable(one) for position, one in enumerate(named, start=1)}
    if found.count > len(named):
        facts["more"] = f"{found.count - len(named)} that are not named here"
    return ({"unreadable": sentence} if found.count else {}), facts


def _unreadable(one: UnreadableObject) -> str:
    when = f"tried again after {minute(one.retry_at)} UTC" if one.retry_at else "not tried again"
    return f"{sanitize(f's3://{one.bucket}/{one.key}', 700)}: {one.reason.value}; {REMEDIES[one.reason]}; {when}"


def has_condition(state: AlertState, family: str) -> bool:
    """Whether a reported condition of a family lasts."""
    return any(fingerprint.check == family for fingerprint in state.fingerprints)


def expect_test(state: AlertState, nonce: str, limit: int, now: datetime) -> AlertState:
    """Announce a test alert: its event is accepted once, within TEST_VALIDITY.

    Raises
    ------
    VedetteError
        When `limit` messages were sent or announced within the hour.
    """
    waiting = tuple(test for test in state.expected_tests if test.until > now)
    if sends_left(state, limit, now) <= len(waiting):
        raise VedetteError(
            f"The hourly limit of {state.endpoint} is {counted(limit, 'message')} (alerts_per_hour), and"
            " as many tests were sent or announced; try again later."
        )
    return replace(state, expected_tests=(*waiting, ExpectedTest(nonce=nonce, until=now + TEST_VALIDITY)))


def is_known_test(state: AlertState, nonce: str, now: datetime) -> bool:
    """Whether the event of a test was announced and is in time, or repeats one whose message is enqueued."""
    expected = any(test.nonce == nonce and test.until > now for test in state.expected_tests)
    return expected or id_of_test(state.endpoint, nonce) in state.sent_ids


def notify_test(state: AlertState, nonce: str, limit: int, now: datetime) -> AlertState:
    """Enqueue the message of a test that was announced, once and within the hourly limit."""
    if not is_known_test(state, nonce, now):
        return state
    message = AlertMessage(
        alert_id=id_of_test(state.endpoint, nonce),
        kind=AlertKind.TEST,
        severity=Severity.INFORMATION,
        endpoint=state.endpoint,
        variant="",
        headline=f"this is a test, mark {mark_of_test(nonce)}; nothing is wrong",
        items=(),
        what_to_do=to_texts([Step(f"No action is needed: you receive the alerts of {state.endpoint}.")]),
    )
    others = tuple(test for test in state.expected_tests if test.nonce != nonce)
    state = replace(state, expected_tests=others)
    if message.alert_id in state.sent_ids:
        return state
    return incidents.inform(enqueue_rate_limited(state, (message,), limit, now), message)


def id_of_test(endpoint: str, nonce: str) -> str:
    """The id of the message of a test."""
    return message_id(endpoint, "test", nonce)


def mark_of_test(nonce: str) -> str:
    """What a person compares in the mail: the beginning of the nonce."""
    return sanitize(nonce[:8], 8)


def _fact(name: str, value: str, severity: Severity, check: str) -> AlertItem:
    return AlertItem(
        subject=name,
        check=check,
        state=FindingState.NEW,
        severity=severity,
        expected="",
        observed=sanitize(value, 1024),
        description="",
    )
