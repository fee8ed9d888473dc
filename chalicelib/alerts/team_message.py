"""A message of a team: about several of its endpoints, which it names in place of a single one.

| limit                                              | how                                                             |
|----------------------------------------------------|-----------------------------------------------------------------|
| a Publish has 262,144 bytes, all forms together    | endpoints are named as long as they fit, and the rest counted   |
| a person reads a mail                              | the worst ten findings, and how many more there are             |
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.alerts.message import kind_of
from chalicelib.alerts.next_steps import Step, to_texts
from chalicelib.alerts.wording import and_more, counted, duration, ended_alert, open_alert
from chalicelib.constraints.measurement import Fingerprint, Severity
from chalicelib.constraints.severity_order import worst
from chalicelib.records import AlertItem, AlertKind, AlertMessage, FindingState

MAX_TEAM_ITEMS = 10
MAX_NAMED_BYTES = 15_000  # each form of the message has the names once: about four times in all
MAX_NAMED_IN_FINDING = 5


@dataclass(frozen=True)
class TeamFinding:
    """The same finding on several endpoints."""

    fingerprint: Fingerprint  # sanitized, as messages hold it
    severity: Severity
    since: datetime  # the earliest of its episodes
    until: datetime | None  # None: it is open
    endpoints: tuple[str, ...]  # in order
    expected: str
    singly: int  # endpoints with messages of their own


def team_message(
    alert_id: str, team: str, findings: Sequence[TeamFinding], state: FindingState, number: int, group_key: str
) -> AlertMessage:
    """The message about findings that began, continue or ended, the worst first; `number` is how many there are."""
    endpoints = sorted({name for one in findings for name in one.endpoints})
    named = fitting(endpoints)
    main = findings[0]
    where = counted(len(main.endpoints), "endpoint")
    tail = and_more(number - 1)
    return AlertMessage(
        alert_id=alert_id,
        kind=AlertKind.RECOVERED if state == FindingState.RECOVERED else kind_of(main.fingerprint),
        severity=worst(one.severity for one in findings),
        endpoint="",
        variant="",
        headline=f"{_what(main, state)} on {where}{tail}",
        headline_tail=f" on {where}{tail}",
        items=tuple(_item(one, state) for one in findings),
        more={str(state): number - len(findings)} if number > len(findings) else {},
        since=min(one.since for one in findings),
        what_to_do=to_texts(_steps(team, state)),
        endpoints=named,
        more_endpoints=len(endpoints) - len(named),
        group_key=group_key,
    )


def fitting(names: Iterable[str]) -> tuple[str, ...]:
    """The names that a message has room for.

    Examples
    --------
    >>> fitting(["a", "b"]), len(fitting(str(number).zfill(58) for number in range(1_000)))
    (('a', 'b'), 250)
    """
    found: list[str] = []
    size = 0
    for name in names:
        size += len(name) + 2
        if size > MAX_NAMED_BYTES:
            break
        found.append(name)
    return tuple(found)


def _what(finding: TeamFinding, state: FindingState) -> str:
    check, subject = finding.fingerprint
    if state != FindingState.RECOVERED:
        return open_alert(check, subject, still=state == FindingState.CONTINUING)
    lasted = finding.until is not None and finding.until > finding.since
    return ended_alert(check, subject) + (
        f" after {duration(finding.until - finding.since)}" if lasted and finding.until else ""
    )


def _item(finding: TeamFinding, state: FindingState) -> AlertItem:
    few, rest = finding.endpoints[:MAX_NAMED_IN_FINDING], len(finding.endpoints) - MAX_NAMED_IN_FINDING
    names = ", ".join(few) + (f" and {rest} more" if rest > 0 else "")
    singly = f"; {finding.singly} of them reported before" if finding.singly and state == FindingState.NEW else ""
    return AlertItem(
        subject=finding.fingerprint.subject,
        check=finding.fingerprint.check,
        state=state,
        severity=finding.severity,
        expected=finding.expected if state != FindingState.RECOVERED else "",
        observed=f"on {counted(len(finding.endpoints), 'endpoint')}: {names}{singly}",
        description="",
        since=finding.since,
        until=finding.until,
        endpoint=finding.endpoints[0] if len(finding.endpoints) == 1 else "",
    )


def _steps(team: str, state: FindingState) -> list[Step]:
    if state == FindingState.RECOVERED:
        return [Step("No action is needed.")]
    steps = [
        Step("Check what these endpoints share: a feature table, a client, a pipeline."),
        Step("See the open alerts of every endpoint:", "vedette alerts list"),
    ]
    if team:
        command = f"vedette alerts mute --team {team} --until 12h --reason WHY"
        steps.append(Step("Mute every alert of this team:", command))
    return steps
