"""What is said about an endpoint itself: its deployments, and conditions that wait for a person.

| input                                          | handled as                                                     |
|------------------------------------------------|----------------------------------------------------------------|
| a deployment was verified, failed, rolled back | one message for this deployment, ever                          |
| a condition (stopped, nothing approved, ...)   | one message when it begins; told again only after it had ended |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from chalicelib.alerts.message import identity, outgoing
from chalicelib.alerts.outbox import owe
from chalicelib.alerts.text import harmless
from chalicelib.constraints.evaluation import Severity
from chalicelib.records import AlertBook, AlertItem, AlertMessage, FingerprintState


def told_once(
    book: AlertBook,
    occasion: str,
    headline: str,
    severity: Severity,
    package_version: str,
    facts: Mapping[str, str],
    what_to_do: tuple[str, ...],
) -> AlertBook:
    """Owe a message about something that happened once; `occasion` names it."""
    message = AlertMessage(
        alert_id=identity(book.endpoint, "deployment", occasion),
        kind="deployment",
        severity=severity,
        endpoint=book.endpoint,
        variant="",
        headline=harmless(headline, 400),
        items=tuple(_fact(name, value, severity) for name, value in facts.items()),
        package_version=package_version,
        what_to_do=what_to_do,
    )
    return owe(book, (outgoing(message),))


def told_while(
    book: AlertBook, family: str, conditions: Mapping[str, str], now: datetime, what_to_do: tuple[str, ...] = ()
) -> AlertBook:
    """Owe a message for each condition of a family that begins, and forget those that ended.

    `conditions` maps a name to a sentence; conditions of other families stay as they are.
    """
    named = {f"{family}|{name}": words for name, words in conditions.items()}
    states = {
        name: state for name, state in book.fingerprints.items() if name in named or not name.startswith(f"{family}|")
    }
    for name, words in named.items():
        if name not in states:
            states[name] = FingerprintState(state="firing", severity="warning", since=now, last_seen=now)
            book = told_once(book, f"{name} since {now.isoformat()}", words, "warning", "", {}, what_to_do)
    return replace(book, fingerprints=states)


def _fact(name: str, value: str, severity: Severity) -> AlertItem:
    return AlertItem(
        subject=name,
        check="deployment",
        state="new",
        severity=severity,
        expected="",
        observed=harmless(value, 1024),
        description="",
    )
