"""The daily digest of a team: what is open, what is not monitored, which deployments failed, what ended.

| part                                         | comes from                                                            |
|----------------------------------------------|-----------------------------------------------------------------------|
| open alerts, by severity, muted ones marked  | the alert states, which the sweep of each endpoint reads anyway       |
| endpoints that are not monitored             | the same: no data, captures stopped or off, no baseline, deleted      |
| failed deployments                           | the same                                                              |
| what ended since the last digest             | open at one sweep of the endpoint, and no more at a later one         |
| nothing                                      | one sentence: a digest that does not arrive is a sign of a fault      |

The sweep stores the lines of an endpoint when they have changed, so that a digest reads those of the endpoints
that have any, in one query.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec.structs import replace

from chalicelib.alerts.message import message_id
from chalicelib.alerts.next_steps import Step, to_texts
from chalicelib.alerts.outbox import enqueue
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.team_digest_text import DEPLOYMENT, SILENT_CHECKS
from chalicelib.alerts.wording import NAMELESS, counted
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import order, worst
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    AlertState,
    DigestEntry,
    DigestLine,
    FindingState,
    FingerprintStatus,
    TeamAlertState,
)
from chalicelib.window import DAY

MAX_LINES = 20  # of an endpoint
MAX_ITEMS = 60  # of a digest
KEPT = 2 * DAY  # what ended, in case a digest is late


# --- the lines of an endpoint -----------------------------------------------------------------------------------------


def lines_of(states: Iterable[AlertState]) -> tuple[DigestLine, ...]:
    """The open alerts of an endpoint and its failed deployment, the worst first."""
    found = []
    for state in states:
        for (check, subject), one in state.fingerprints.items():
            if one.state != FingerprintStatus.PENDING:
                found.append(
                    DigestLine(
                        variant=state.variant,
                        check=sanitize(check, 60),
                        subject=sanitize_name(subject, 100) or NAMELESS,
                        severity=one.severity,
                        since=one.since,
                        muted=one.state == FingerprintStatus.MUTED,
                    )
                )
        failed = state.failed_deployment
        if failed is not None:
            version = f"version {sanitize(failed.package_version, 60)}"
            severity, since = failed.severity, failed.since
            found.append(DigestLine(variant="", check=DEPLOYMENT, subject=version, severity=severity, since=since))
    return tuple(sorted(found, key=_order))


def _order(line: DigestLine) -> tuple[tuple[int, float, str, str], str]:
    return order(line.severity, Fingerprint(line.check, line.subject), None, None), line.variant


def digest_of(team: str, lines: Collection[DigestLine]) -> str:
    """Stands for the lines of an endpoint, so that it is seen when they change; "" for none."""
    facts = "\n".join([team, *map(repr, lines)])
    return hashlib.sha256(facts.encode(errors="backslashreplace")).hexdigest()[:16] if lines else ""


def with_lines(entry: DigestEntry, lines: Sequence[DigestLine], now: datetime) -> DigestEntry:
    """What an endpoint has for its digest, once its open alerts are these."""
    still = {_key(line) for line in lines}
    ended = [replace(line, until=now) for line in entry.lines if _key(line) not in still]
    kept = [line for line in entry.ended if line.until is not None and line.until > now - KEPT]
    lines, rest = tuple(lines[:MAX_LINES]), lines[MAX_LINES:]
    return replace(entry, lines=lines, more=len(rest), ended=(*ended, *kept)[:MAX_LINES])


def _key(line: DigestLine) -> tuple[str, str, str, datetime]:
    return line.variant, line.check, line.subject, line.since


# --- the digest of a team ---------------------------------------------------------------------------------------------


def is_due(state: TeamAlertState, at: str, now: datetime) -> bool:
    """Whether the digest of today is to be sent; `at` is its time, as "07:00" in UTC.

    Examples
    --------
    >>> from datetime import UTC
    >>> team, noon = TeamAlertState(endpoint="", variant="search"), datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> is_due(team, "07:00", noon), is_due(team, "13:00", noon), is_due(replace(team, digest_at=noon), "07:00", noon)
    (True, False, False)
    """
    hour, minutes = map(int, at.split(":"))
    today = now.replace(hour=hour, minute=minutes, second=0, microsecond=0)
    return now >= today and (state.digest_at is None or state.digest_at < today)


def enqueue_digest(
    state: TeamAlertState, at: str, entries: Sequence[DigestEntry], endpoints: int, now: datetime
) -> TeamAlertState:
    """Enqueue the digest of today, once; not while SNS has not accepted the one before.

    Parameters
    ----------
    entries
        What the endpoints of the team have for it.
    endpoints
        How many endpoints the team has that may alert.
    """
    if not is_due(state, at, now) or any(one.message.kind == AlertKind.DIGEST for one in state.outbox):
        return state
    message = digest(state, entries, endpoints, now)
    return enqueue(replace(state, digest_at=now), [message])


def digest(state: TeamAlertState, entries: Iterable[DigestEntry], endpoints: int, now: datetime) -> AlertMessage:
    """The message, with what is open now and what ended since the last digest."""
    since = state.digest_at or now - DAY
    entries = sorted(entries, key=lambda entry: entry.endpoint)
    lines = [(entry.endpoint, line) for entry in entries for line in entry.lines]
    ended = [(entry.endpoint, line) for entry in entries for line in entry.ended if line.until and line.until > since]
    unlisted = sum(entry.more for entry in entries)
    lines.sort(key=lambda one: (_order(one[1]), one[0]))
    items = [_item(endpoint, line) for endpoint, line in (*lines, *ended)]
    more = Counter(str(item.state) for item in items[MAX_ITEMS:])
    more[str(FindingState.CONTINUING)] += unlisted
    return AlertMessage(
        alert_id=message_id("team", state.variant, "digest", f"{now:%Y-%m-%d %H:%M}"),
        kind=AlertKind.DIGEST,
        severity=worst([Severity.INFORMATION, *(line.severity for _, line in lines)]),
        endpoint="",
        variant="",
        headline=_headline([line for _, line in lines], unlisted, len(ended), endpoints),
        items=tuple(items[:MAX_ITEMS]),
        more={name: number for name, number in more.items() if number},
        what_to_do=to_texts([Step("See every open alert:", "vedette alerts list")]) if lines else (),
    )


def _headline(lines: Sequence[DigestLine], unlisted: int, ended: int, endpoints: int) -> str:
    over = f"; {counted(ended, 'alert')} ended" if ended else ""
    number = len(lines) + unlisted
    if not number:
        return f"no alert is open on {counted(endpoints, 'endpoint')}{over}"
    silent = sum(line.check in SILENT_CHECKS for line in lines)
    failed = sum(line.check == DEPLOYMENT for line in lines)
    critical = sum(line.severity == Severity.CRITICAL and line.check != DEPLOYMENT for line in lines)
    muted = sum(line.muted for line in lines)
    parts = ((critical, "critical"), (silent, "not monitored"), (failed, "of failed deployments"), (muted, "muted"))
    shown = ", ".join(f"{number} {word}" for number, word in parts if number)
    return f"{counted(number, 'open alert')}{f' ({shown})' if shown else ''}{over}"


def _item(endpoint: str, line: DigestLine) -> AlertItem:
    variant = f"variant {line.variant}" if line.variant else ""
    return AlertItem(
        subject=line.subject,
        check=line.check,
        state=FindingState.CONTINUING if line.until is None else FindingState.RECOVERED,
        severity=line.severity,
        expected="",
        observed=", ".join(filter(None, (variant, "muted" if line.muted else ""))),
        description="",
        since=line.since,
        until=line.until,
        endpoint=endpoint,
    )
