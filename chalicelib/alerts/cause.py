"""What a violation began with: one rule for the mail, the page, the terminal and the JSON.

| the finding began                                     | what is said |
|-------------------------------------------------------|---------------------------------------------------------------|
| before the served version was deployed                | so that version is not the cause |
| while a version was being deployed                    | in that window; which version had passed before |
| after the served version had passed windows           | how many: the data changed, not the model |
| within a day of a deployment, without such a window   | how long after it; which version had passed before |
| in the first window of a version of another deployer  | with which version; which one had passed before |
| with nothing of this known                            | nothing |

A window passed when it evaluated the check and found no violation. Windows that did not evaluate it are left out.
Pure: the deployments and the earlier windows are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.alerts.wording import counted, duration
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Fingerprint, Verdict
from chalicelib.records import Deployment, DeploymentState, Execution
from chalicelib.window import Window

POST_DEPLOYMENT_PERIOD = timedelta(days=1)  # a violation that begins within it is reported with the deployment
WINDOWS_BEFORE = 29  # earlier windows that are looked at
MISSING_DATA = frozenset(
    {
        *(check_types.NO_DATA, check_types.CAPTURE_STOPPED, check_types.MONITOR_FAILED),
        *(check_types.LABELS_STOPPED, check_types.JOB_FAILED),
    }
)


class CauseKind(StrEnum):
    """What a violation is blamed on."""

    DEPLOYMENT = "deployment"
    DATA = "data"  # the same version had passed before
    NOT_THE_VERSION = "not the version"  # it began before the served version was deployed
    UNKNOWN = ""


@dataclass(frozen=True)
class Cause:
    """What is known of the beginning of a finding, and its sentence, which is "" when nothing is known."""

    kind: CauseKind = CauseKind.UNKNOWN
    sentence: str = ""

    @property
    def is_after_deployment(self) -> bool:
        """Whether a deployment may be to blame."""
        return self.kind == CauseKind.DEPLOYMENT


@dataclass(frozen=True)
class _Passed:
    """The windows in a row, just before the finding began, that one version passed."""

    version: str = ""
    windows: int = 0

    def __str__(self) -> str:
        return f"version {self.version} had passed {counted(self.windows, 'window')} before"


def served_since(history: Iterable[Deployment], version: str, at: datetime) -> datetime | None:
    """When a version was last verified before `at`; None when Vedette did not deploy it."""
    deployed = [one for one in _verified(history) if one.package_version == version and one.requested_at < at]
    return max((one.settled_at for one in deployed if one.settled_at is not None), default=None)


def has_version_before(history: Iterable[Deployment], version: str) -> bool:
    """Whether another version was verified before this one, so that a person can go back to it."""
    verified = sorted(_verified(history, adopted=True), key=lambda one: one.requested_at)
    first = next((number for number, one in enumerate(verified) if one.package_version == version), 0)
    return any(one.package_version != version for one in verified[:first])


def _verified(history: Iterable[Deployment], *, adopted: bool = False) -> list[Deployment]:
    return [one for one in history if one.state == DeploymentState.VERIFIED and (adopted or not one.adopted)]


def cause_of(
    fingerprint: Fingerprint,
    since: datetime,
    execution: Execution,
    history: Iterable[Deployment] = (),
    before: Sequence[Execution] = (),
) -> Cause:
    """What a finding of an execution began with.

    Parameters
    ----------
    since
        The start of the window in which it began.
    execution
        The execution that found it, in that window or in a later one.
    history
        The deployments of the endpoint, also one that is in progress.
    before
        Executions of earlier closed windows that evaluate the same checks, in any order.
    """
    deployments = list(history)
    known = sorted((one for one in before if one.window_start < execution.window_start), key=lambda one: one.window_end)
    first = _first(since, execution, known)
    start, end = first.start, first.end
    passed = _passed(fingerprint, known, start)
    for one in deployments:
        settled = one.settled_at
        if one.begun and one.requested_at < end and (settled is None or settled > start) and not one.adopted:
            return _during(one, passed, end)
    deployed = [one for one in _verified(deployments) if one.settled_at is not None]
    served = max(
        (one for one in deployed if one.requested_at < execution.window_end),
        key=lambda one: one.requested_at,
        default=None,
    )
    if served is not None and served.settled_at is not None and _is_served(served, execution):
        if served.requested_at >= end:
            return _earlier(served, since)
        return _after(served.package_version, start - served.settled_at, fingerprint, passed)
    if served is not None:  # another actor has changed the endpoint since
        return Cause()
    return _by_windows(execution if start == execution.window_start else None, fingerprint, known, start, passed)


def _is_served(deployment: Deployment, execution: Execution) -> bool:
    return not execution.package_version.isdigit() or execution.package_version == deployment.package_version


def _first(since: datetime, execution: Execution, known: Sequence[Execution]) -> Window:
    """The window in which a finding began: that of a captured object is a minute."""
    begun = [one.window for one in (*known, execution) if one.window_start == since]
    return min(begun, key=lambda window: window.length, default=Window(since, timedelta(minutes=1)))


def _passed(fingerprint: Fingerprint, known: Sequence[Execution], start: datetime) -> _Passed:
    version, windows = "", 0
    for one in reversed(known):
        found = _outcome(fingerprint, one) if one.window_end <= start else None
        if found is None:
            continue
        if not found or (version and one.package_version != version) or not one.package_version.isdigit():
            break
        version, windows = one.package_version, windows + 1
    return _Passed(version, windows)


def _outcome(fingerprint: Fingerprint, execution: Execution) -> bool | None:
    """Whether a window passed; None when it did not evaluate the check."""
    if fingerprint.check in MISSING_DATA:
        return True if execution.verdict in {Verdict.OK, Verdict.VIOLATIONS} else None
    measured = [one for one in execution.measurements if one.evaluated and one.fingerprint == fingerprint]
    return not any(one.is_proven for one in measured) if measured else None


def _during(deployment: Deployment, passed: _Passed, end: datetime) -> Cause:
    """A finding that began while a version was being deployed."""
    version = f"version {deployment.package_version}"
    settled = deployment.settled_at
    if settled is None or settled > end:
        text = f"Began while {version} was being deployed"
    elif deployment.state == DeploymentState.VERIFIED:
        text = f"Began in the window in which {version} was deployed"
    else:
        text = f"Began in the window in which the deployment of {version} failed"
    return Cause(CauseKind.DEPLOYMENT, text + _other_version(passed, deployment.package_version))


def _earlier(served: Deployment, since: datetime) -> Cause:
    version = f"version {served.package_version}"
    settled = served.settled_at or served.requested_at
    return Cause(
        CauseKind.NOT_THE_VERSION,
        f"Began {duration(settled - since)} before {version} was deployed, so {version} is not the cause.",
    )


def _after(version: str, after: timedelta, fingerprint: Fingerprint, passed: _Passed) -> Cause:
    """A finding that began after a deployment had ended."""
    recent = after < POST_DEPLOYMENT_PERIOD
    text = f"Began {duration(after)} after version {version} was deployed" if recent else ""
    if passed.windows and passed.version == version and fingerprint.check not in MISSING_DATA:
        begins = f"{text}; {passed}" if text else str(passed).capitalize()
        return Cause(CauseKind.DATA, f"{begins}: the data changed, not the model.")
    return Cause(CauseKind.DEPLOYMENT, text + _other_version(passed, version)) if recent else Cause()


def _other_version(passed: _Passed, version: str) -> str:
    return f"; {passed}." if passed.windows and passed.version != version else "."


def _by_windows(
    execution: Execution | None, fingerprint: Fingerprint, known: Sequence[Execution], start: datetime, passed: _Passed
) -> Cause:
    """The cause by the windows alone, where Vedette has deployed nothing."""
    at = execution or next((one for one in known if one.window_start == start), None)
    version = at.package_version if at is not None else ""
    if not passed.windows or not version.isdigit() or fingerprint.check in MISSING_DATA:
        return Cause()
    if passed.version == version:
        return _after(version, POST_DEPLOYMENT_PERIOD, fingerprint, passed)
    return Cause(CauseKind.DEPLOYMENT, f"Began with version {version}; {passed}.")
