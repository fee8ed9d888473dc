"""What is said about an endpoint itself: its deployments, and conditions that wait for a person.

| input                                          | handled as                                                     |
|------------------------------------------------|----------------------------------------------------------------|
| a deployment was verified, failed, rolled back | one message for this deployment, ever                          |
| an older version than the served was approved  | one message for this approval                                  |
| a test of `vedette alerts test`                | one message for its mark                                       |
| a condition (stopped, nothing approved, ...)   | one message when it begins; told again only after it had ended |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from chalicelib.alerts.message import message_id
from chalicelib.alerts.outbox import enqueue
from chalicelib.alerts.sanitize import sanitize
from chalicelib.constraints.measurement import Severity
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    AlertState,
    Deployment,
    FingerprintState,
    FleetEntry,
    Mark,
)
from chalicelib.registry.failures import BACK_OFF
from chalicelib.registry.versions import version_of

# Of conditions that last, as what they are told, and what a person can look at.
CONDITION_FAMILIES: dict[str, tuple[AlertKind, tuple[str, ...]]] = {
    "monitoring": ("monitor failed", ("See what is in force, and what was suggested:\nvedette constraints show",)),
    "capture": ("capture stopped", ("See whether capture is on, and where it writes:\nvedette capture status",)),
}


def notify_once(
    book: AlertState,
    occasion: str,
    headline: str,
    severity: Severity,
    package_version: str,
    facts: Mapping[str, str],
    what_to_do: tuple[str, ...],
    kind: AlertKind = "deployment",
) -> AlertState:
    """Owe a message about something that happened once; `occasion` names it."""
    message = AlertMessage(
        alert_id=message_id(book.endpoint, "deployment", occasion),
        kind=kind,
        severity=severity,
        endpoint=book.endpoint,
        variant="",
        headline=sanitize(headline, 400),
        items=tuple(_fact(name, value, severity) for name, value in facts.items()),
        package_version=sanitize(package_version, 100),
        what_to_do=what_to_do,
    )
    return enqueue(book, (message,))


def notify_deployed(book: AlertState, entry: FleetEntry, done: Deployment, baseline: str) -> AlertState:
    """Owe the notice that a version is served: who approved it, what changed, how it was verified."""
    before = f"version {version_of(done.previous_package_arn)}" if done.previous_package_arn else "nothing"
    golden = "the golden request was answered" if entry.golden_payload else "the fleet entry has no golden request"
    facts = {
        "deployed": f"version {done.package_version}, in place of {before}",
        "approved by": done.approver or "the registry does not say",
        "verified": f"InService on {done.config}; {golden}",
        "baseline": baseline,
    }
    if done.changes:
        facts["changed"] = "; ".join(done.changes)
    if done.remarks:
        facts["remark"] = "; ".join(done.remarks)
    return notify_once(
        book,
        f"verified {done.config} {done.requested_at.isoformat()}",
        f"version {done.package_version} is deployed and verified",
        "information",
        done.package_version,
        facts,
        (f"Nothing. To go back:\nvedette rollback {done.endpoint} --reason WHY",),
    )


def notify_deployment_failed(book: AlertState, failed: Deployment, reason: str, mark: Mark) -> AlertState:
    """Owe the notice that a version could not be deployed: why, what serves now, when it is tried again."""
    before = version_of(failed.previous_package_arn) if failed.previous_package_arn else ""
    serves = f"; version {before} is served" if before else "; the model before it is served"
    again = (
        f"It is tried again after {mark.retry_at:%Y-%m-%d %H:%M} UTC (try {mark.tries} of {len(BACK_OFF) + 1})."
        if mark.retry_at
        else "It is not tried again by itself. To try it again, set it to Rejected and then to Approved, or run"
    )
    command = "" if mark.retry_at else f"\nvedette retry {failed.endpoint}"
    return notify_once(
        book,
        f"failed {failed.config} {failed.requested_at.isoformat()}",
        f"version {failed.package_version} could not be deployed{serves if failed.previous_config else ''}",
        "critical",
        failed.package_version,
        {"reason": reason},
        ("Read the reason above.", again + command),
    )


def notify_older_version_approved(book: AlertState, older: str, served: str, occasion: str) -> AlertState:
    """Owe the notice that an older version was approved, which changes nothing while a newer one is approved."""
    return notify_once(
        book,
        f"older {occasion}",
        f"version {older} was approved, and version {served} stays in service: it is newer, and approved",
        "information",
        served,
        {},
        (f"If version {older} shall be served:\nvedette pin {book.endpoint} --version {older} --reason WHY",),
    )


def sync_conditions(
    book: AlertState, family: str, conditions: Mapping[str, str], now: datetime, what_to_do: tuple[str, ...] = ()
) -> AlertState:
    """Owe a message for each condition of a family that begins, and forget those that ended.

    `conditions` maps a name to a sentence; conditions of other families stay as they are.
    """
    kind, steps = CONDITION_FAMILIES.get(family, ("deployment", ()))
    steps = what_to_do or tuple(f"{step} {book.endpoint}" for step in steps)
    named = {f"{family}|{name}": words for name, words in conditions.items()}
    states = {
        name: state for name, state in book.fingerprints.items() if name in named or not name.startswith(f"{family}|")
    }
    for name, words in named.items():
        if name not in states:
            states[name] = FingerprintState(state="firing", severity="warning", since=now, last_seen=now)
            book = notify_once(book, f"{name} since {now.isoformat()}", words, "warning", "", {}, steps, kind)
    return replace(book, fingerprints=states)


def has_condition(book: AlertState, family: str) -> bool:
    """Whether a condition of a family lasts, of which a person was told."""
    return any(name.startswith(f"{family}|") for name in book.fingerprints)


def notify_test(book: AlertState, mark: str) -> AlertState:
    """Owe the message of `vedette alerts test`, once for each mark."""
    message = AlertMessage(
        alert_id=message_id(book.endpoint, "test", mark),
        kind="test",
        severity="information",
        endpoint=book.endpoint,
        variant="",
        headline=f"this is a test, mark {sanitize(mark, 40)}; nothing is wrong",
        items=(),
        what_to_do=("Nothing: whoever reads this receives the alerts of this endpoint.",),
    )
    return enqueue(book, (message,))


def _fact(name: str, value: str, severity: Severity) -> AlertItem:
    return AlertItem(
        subject=name,
        check="deployment",
        state="new",
        severity=severity,
        expected="",
        observed=sanitize(value, 1024),
        description="",
    )
