"""Alerts have state: how one evaluation changes the fingerprints of an endpoint and variant.

| input                                                | handled as
|------------------------------------------------------|----------
| closed window, newer than the last one               | every fingerprint moves: new, continuing, recovered, muted
| closed window, counted before (a repeated event)     | no change
| ... a later revision, or counted for the first time  | late: what it newly violates may fire; nothing recovers
| ... of a check that must fail in several windows     | the stored windows around it are counted again
| one object of the open hour                          | hard violations may fire at once; nothing recovers
| ... when hard checks must fail in several windows    | no change: windows are counted, objects are not
| object of a window that was closed before            | no change: the next revision of its window reports it
| InsufficientData, and measurements not evaluated     | no change: neither clean nor violated
| severity information (`Measurement.alertable`)       | clean: listed in the files, without an alert
| drift that lasts (`Measurement.lasts`)               | an open alert stays open; otherwise clean
| a window that began before the endpoint was deleted  | no change (`deleted_endpoint`)
| model quality of a day                               | its own checks only, with a last day of their own
| ... InsufficientLabels, SelectiveLabels              | no change: the day is not the last one, and its next verdict
|                                                      | counts; SelectiveLabels shows that labels come
| ... LabelsStopped                                    | a fingerprint and a message of its own, unless labels of a
|                                                      | later day have come
| ... the second verdict of a day                      | as any later revision: late, unless no later day had labels
| drift by the file alone, while the days decide       | an alert from before is removed without a notification
| NoData, MonitorFailed, CaptureStopped, JobFailed     | a fingerprint and a message of their own
| ... whose first verdict comes late                   | the same: it may fire, as other late violations
| CaptureStopped, whose cause the sweep has reported   | as if muted (the service decides)
| NoData of an hour, where drift has longer windows    | no change: nights are quiet; an empty drift window alerts
| closed window of drift only, or of all but drift     | those checks only; each kind has its own last window
| a severity that rises while it fires                 | new once more
| clean window that began before the last violation    | no change
| the third alert within a day                         | it flaps: it recovers after a day without a violation
| it fires, or continues, while muted                  | muted: remembered, without a notification
| a mute has ended, and it is still violated           | new, once
| it recovers while muted, or was muted                | removed without a notification: its alert was never sent
| more fingerprints than a state holds                 | the worst new ones; how many more there are is counted

A fingerprint is a check and its subject, on the endpoint and variant of the state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as dataclass_replace
from datetime import datetime

from msgspec.structs import replace

from chalicelib.alerts.counted_windows import counted_revision, with_counted
from chalicelib.alerts.flapping import is_flapping, subject_bytes, with_alerts
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Checks, Fingerprint, Measurement, Severity, Verdict
from chalicelib.constraints.severity_order import order, worst, worst_first
from chalicelib.records import AlertState, Execution, FindingState, FingerprintState, FingerprintStatus, Thresholds
from chalicelib.window import DAY

MISSING_DATA_FINGERPRINTS = {
    Verdict.NO_DATA: Fingerprint(check_types.NO_DATA, "capture"),
    Verdict.CAPTURE_STOPPED: Fingerprint(check_types.CAPTURE_STOPPED, "capture"),
    Verdict.MONITOR_FAILED: Fingerprint(check_types.MONITOR_FAILED, "monitor"),
    Verdict.LABELS_STOPPED: Fingerprint(check_types.LABELS_STOPPED, "labels"),
    Verdict.JOB_FAILED: Fingerprint(check_types.JOB_FAILED, "transform job"),
}
_EXPECTED = {
    Verdict.MONITOR_FAILED: "a verdict",
    Verdict.LABELS_STOPPED: "labels, as on earlier days",
    Verdict.JOB_FAILED: "a completed job",
}
_SEVERITIES = {Verdict.NO_DATA: Severity.INFORMATION, Verdict.JOB_FAILED: Severity.CRITICAL}  # the others: warning
_WITHOUT_METRICS = frozenset({Verdict.INSUFFICIENT_LABELS, Verdict.SELECTIVE_LABELS, Verdict.LABELS_STOPPED})
# A state must fit an item of DynamoDB, which holds 400 KB. 1,000 fingerprints without their subjects have 120 KB.
MAX_FINGERPRINTS = 1_000
MAX_SUBJECT_BYTES = 100_000  # of all subjects together
Muted = Callable[[Fingerprint], bool]  # whether a mute applies to a fingerprint
_Findings = dict[FindingState | FingerprintStatus, list[Measurement]]


@dataclass(frozen=True)
class Transition:
    """The state after an evaluation, and the findings to report."""

    after: AlertState
    new: tuple[Measurement, ...] = ()
    continuing: tuple[Measurement, ...] = ()
    recovered: tuple[Measurement, ...] = ()
    muted: tuple[Measurement, ...] = ()
    left_out: int = 0  # more are violated than a state holds
    late: bool = False  # its window, or a newer one, was counted before
    since: Mapping[Fingerprint, datetime] = field(default_factory=dict)  # the first window of each episode
    until: Mapping[Fingerprint, datetime] = field(default_factory=dict)  # the last violated window, of what recovered
    severities: Mapping[Fingerprint, Severity] = field(default_factory=dict, compare=False)  # the worst of each episode


@dataclass(frozen=True)
class StoredExecutions:
    """What a late execution is compared with."""

    earlier_revisions: tuple[Execution, ...] = ()  # of its window
    around: tuple[Execution, ...] = ()  # latest revisions of the windows of its length within `reach`


def captures_stopped(state: AlertState) -> bool:
    """Whether an alert about stopped captures is open."""
    return state.fires(MISSING_DATA_FINGERPRINTS[Verdict.CAPTURE_STOPPED])


def fingerprint_id(endpoint: str, variant: str, fingerprint: Fingerprint) -> str:
    """The id of a fingerprint in commands: 12 hexadecimal digits.

    Examples
    --------
    >>> fingerprint_id("preferred-site", "AllTraffic", Fingerprint("data_type_check", "b"))
    '614728c245da'
    """
    text = "\n".join((endpoint, variant, str(fingerprint)))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]


def never_muted(fingerprint: Fingerprint) -> bool:
    """No mute applies."""
    return False


def transition(
    state: AlertState,
    execution: Execution,
    thresholds: Thresholds,
    muted: Muted = never_muted,
    stored: Callable[[], StoredExecutions] = StoredExecutions,
) -> Transition:
    """Apply one evaluation to every fingerprint; see the table of this module.

    `stored` is called for a late execution alone.
    """
    if state.endpoint_deleted_at is not None and execution.window_start < state.endpoint_deleted_at:
        return Transition(state)
    last = _last_window_end(state, execution)
    newer = last is None or execution.window_end > last
    # A day of model quality without a metric leaves the last one where it is.
    if execution.checks_run == Checks.QUALITY and execution.revision <= counted_revision(state, execution):
        return Transition(state)
    if not execution.window_closed:
        fires_at_once = thresholds.hard_violated <= 1
        return _apply_open_window(state, execution, muted) if newer and fires_at_once else Transition(state)
    if newer:
        return _apply_closed_window(state, execution, thresholds, muted)
    if execution.revision > counted_revision(state, execution):
        return _apply_late_window(state, execution, thresholds, muted, stored())
    return Transition(state)


def reach(thresholds: Thresholds) -> int:
    """How many windows before and after a late one it is counted with."""
    return max(thresholds.hard_of, thresholds.drift_of) - 1


def _last_window_end(state: AlertState, execution: Execution) -> datetime | None:
    """The end of the newest closed window of the same checks that was counted."""
    if execution.checks_run == Checks.QUALITY:
        return state.last_quality_window_end
    return state.last_drift_window_end if execution.checks_run == Checks.DRIFT else state.last_closed_window_end


def _apply_open_window(state: AlertState, execution: Execution, muted: Muted) -> Transition:
    followed, left_out = _followed(state, [m for m in _alertable(execution) if m.kind == "hard"])
    return _raised(state, execution, followed, muted, left_out)


def _apply_late_window(
    state: AlertState, execution: Execution, thresholds: Thresholds, muted: Muted, stored: StoredExecutions
) -> Transition:
    counted = counted_revision(state, execution)
    before = {
        measurement.fingerprint
        for earlier in stored.earlier_revisions
        if earlier.revision <= counted
        for measurement in _alertable(earlier)
    }
    found = _alertable(execution)
    if execution.verdict in MISSING_DATA_FINGERPRINTS and execution.checks_run != Checks.QUALITY:
        found = [m for m in _evaluated(state, execution) if m.alertable]
    followed, left_out = _followed(state, [m for m in found if m.fingerprint not in before])
    last = _last_window_end(state, execution)
    around = [one for one in stored.around if last is None or one.window_end <= last]
    fires, known = [], dict(state.fingerprints)
    for measurement in followed:
        needed, of = _windows_to_fire(thresholds, measurement)
        recent = _counted_again(measurement.fingerprint, execution, around) if of > 1 else (True,)
        if any(sum(recent[first : first + of]) >= needed for first in range(len(recent))):
            fires.append(measurement)
        elif measurement.fingerprint not in known or known[measurement.fingerprint].state == FingerprintStatus.PENDING:
            pending = known.get(measurement.fingerprint) or _first_seen(measurement, execution)
            known[measurement.fingerprint] = replace(pending, recent=recent[-of:])
    moved = _raised(replace(state, fingerprints=known), execution, fires, muted, left_out)
    return dataclass_replace(moved, after=with_counted(moved.after, execution), late=True)


def _counted_again(fingerprint: Fingerprint, execution: Execution, around: Collection[Execution]) -> tuple[bool, ...]:
    """Whether a fingerprint was violated, in each window that evaluated it, oldest first."""
    windows = {one.window: one for one in around} | {execution.window: execution}
    found = []
    for _, one in sorted(windows.items(), key=lambda item: item[0]):
        missing_data = [_missing_data(one, verdict) for verdict in MISSING_DATA_FINGERPRINTS if verdict == one.verdict]
        measured = (*missing_data, *one.measurements)
        evaluated = [m for m in measured if m.evaluated and m.fingerprint == fingerprint]
        if evaluated or one.verdict in {Verdict.OK, Verdict.VIOLATIONS}:
            found.append(any(m.alertable for m in evaluated))
    return tuple(found)


def _alertable(execution: Execution) -> list[Measurement]:
    """The violations that may alert; where its days decide about a feature's drift, not the file's check."""
    by_days = _decided_by_days(execution)
    return [m for m in execution.measurements if m.alertable and not _is_of_file(m, by_days)]


def _decided_by_days(execution: Execution) -> set[str]:
    return {one.feature for one in execution.measurements if one.check == check_types.SUDDEN_DRIFT}


def _is_of_file(measurement: Measurement, by_days: Collection[str]) -> bool:
    return measurement.check == check_types.DRIFT and measurement.feature in by_days


def _first_seen(measurement: Measurement, execution: Execution) -> FingerprintState:
    return FingerprintState(
        state=FingerprintStatus.PENDING,
        severity=measurement.severity,
        since=execution.window_start,
        last_seen=execution.window_end,
    )


def _raised(
    state: AlertState, execution: Execution, violations: Collection[Measurement], muted: Muted, left_out: int
) -> Transition:
    """These violations fire now, unless they fired before; nothing recovers."""
    findings: _Findings = {}
    known = dict(state.fingerprints)
    for measurement in violations:
        fingerprint = measurement.fingerprint
        before = known.get(fingerprint)
        if before is not None and before.state != FingerprintStatus.PENDING:
            known[fingerprint] = replace(before, last_seen=max(before.last_seen, execution.window_end))
            if before.state == FingerprintStatus.FIRING:
                findings.setdefault(FindingState.CONTINUING, []).append(measurement)
            continue
        silent = muted(fingerprint)
        findings.setdefault(FingerprintStatus.MUTED if silent else FindingState.NEW, []).append(measurement)
        known[fingerprint] = replace(
            _first_seen(measurement, execution),
            state=FingerprintStatus.MUTED if silent else FingerprintStatus.FIRING,
            recent=before.recent if before else (),
        )
    since = {fingerprint: one.since for fingerprint, one in known.items()}
    return _transition(state, replace(state, fingerprints=known), execution, findings, since, left_out)


def _apply_closed_window(state: AlertState, execution: Execution, thresholds: Thresholds, muted: Muted) -> Transition:
    findings: _Findings = {}
    known = dict(state.fingerprints)
    since = {fingerprint: one.since for fingerprint, one in known.items()}
    followed, left_out = _followed(state, _evaluated(state, execution))
    by_days = _decided_by_days(execution)
    for measurement in followed:
        fingerprint = measurement.fingerprint
        silent = muted(fingerprint)
        before = known.pop(fingerprint, None)
        flaps = is_flapping(state, fingerprint)
        after = _next_state(before, measurement, execution, thresholds, silent=silent, flaps=flaps)
        if after is not None:
            known[fingerprint] = after
            since[fingerprint] = after.since
        in_silence = silent or (measurement.violated and _is_of_file(measurement, by_days))
        kind = _notification_kind(before, after, measurement, silent=in_silence)
        if kind is not None:
            findings.setdefault(kind, []).append(measurement)
    ends = dict.fromkeys(_last_ends(execution), execution.window_end)
    changed = replace(
        with_counted(state, execution),
        fingerprints=known,
        had_rows=state.had_rows or execution.rows > 0 or bool(execution.rejected) or execution.source != "vedette",
        **ends,
    )
    return _transition(state, changed, execution, findings, since, left_out)


def _last_ends(execution: Execution) -> tuple[str, ...]:
    """The fields of the state that hold the end of the newest window of these checks."""
    match execution.checks_run:
        case Checks.HARD:
            return ("last_closed_window_end",)
        case Checks.DRIFT:
            return ("last_drift_window_end",)
        case Checks.QUALITY:
            return () if execution.verdict in _WITHOUT_METRICS else ("last_quality_window_end",)
    return ("last_closed_window_end", "last_drift_window_end")


def _transition(
    before: AlertState,
    after: AlertState,
    execution: Execution,
    findings: _Findings,
    since: Mapping[Fingerprint, datetime],
    left_out: int,
) -> Transition:
    """What was found, and the state that remembers which fingerprints have just begun to fire."""
    fired = [one for one in after.fingerprints if after.fires(one) and not before.fires(one)]
    if fired or execution.window_closed:
        after = with_alerts(after, fired, execution.window_end)
    reported = {one.fingerprint for one in findings.get(FindingState.NEW, ())} & after.fingerprints.keys()
    if reported:
        named = {one: replace(after.fingerprints[one], folder=execution.folder) for one in reported}
        after = replace(after, fingerprints={**after.fingerprints, **named})
    recovered = tuple(findings.get(FindingState.RECOVERED, ()))
    return Transition(
        after,
        new=tuple(findings.get(FindingState.NEW, ())),
        continuing=tuple(findings.get(FindingState.CONTINUING, ())),
        recovered=recovered,
        muted=tuple(findings.get(FingerprintStatus.MUTED, ())),
        since=since,
        until={one.fingerprint: before.fingerprints[one.fingerprint].last_seen for one in recovered},
        severities={name: one.severity for name, one in {**before.fingerprints, **after.fingerprints}.items()},
        left_out=left_out,
    )


def _followed(state: AlertState, measurements: Collection[Measurement]) -> tuple[list[Measurement], int]:
    """Those of known fingerprints, and the worst new violations that the state has room for; how many it has not."""
    known = state.fingerprints
    always = known.keys() | set(MISSING_DATA_FINGERPRINTS.values())
    followed = [measurement for measurement in measurements if measurement.fingerprint in always]
    new = worst_first(m for m in measurements if m.alertable and m.fingerprint not in always)
    room = MAX_FINGERPRINTS - len(known)
    room_for_subjects = MAX_SUBJECT_BYTES - sum(subject_bytes(fingerprint) for fingerprint in known)
    left_out = 0
    for measurement in new:
        size = subject_bytes(measurement.fingerprint)
        if room <= 0 or size > room_for_subjects:
            left_out += 1
            continue
        room, room_for_subjects = room - 1, room_for_subjects - size
        followed.append(measurement)
    return followed, left_out


def bounded(state: AlertState) -> AlertState:
    """The state without the mildest fingerprints beyond MAX_FINGERPRINTS, which earlier versions did not limit."""
    if len(state.fingerprints) <= MAX_FINGERPRINTS:
        return state
    kept = sorted(state.fingerprints.items(), key=lambda known: order(known[1].severity, known[0], None, None))
    return replace(state, fingerprints=dict(kept[:MAX_FINGERPRINTS]))


def _evaluated(state: AlertState, execution: Execution) -> list[Measurement]:
    """What this window says about each fingerprint; nothing about those that it did not evaluate."""
    missing_data = [_missing_data(execution, verdict) for verdict in _missing_data_verdicts(execution)]
    # No alert on an endpoint that never had data, and no recovery for an outage that was not reported.
    missing_data = [
        m for m in missing_data if m.fingerprint in state.fingerprints or (m.violated and _had_data(state, execution))
    ]
    evaluated = [m for m in execution.measurements if m.evaluated]
    if execution.checks_run == Checks.QUALITY:
        if execution.verdict == Verdict.INSUFFICIENT_LABELS:
            return []
        complete = execution.verdict in {Verdict.OK, Verdict.VIOLATIONS}
        return missing_data + (evaluated + _implicit_clears(state, execution) if complete else [])
    if execution.checks_run == Checks.DRIFT:  # the shorter windows report the other kinds of missing data
        no_data = [m for m in missing_data if m.violated and m.check == check_types.NO_DATA]
        complete = execution.verdict in {Verdict.OK, Verdict.VIOLATIONS}
        return no_data + evaluated + (_implicit_clears(state, execution) if complete else [])
    if execution.checks_run == Checks.HARD and execution.verdict == Verdict.NO_DATA:
        return []
    if execution.verdict in MISSING_DATA_FINGERPRINTS:
        return [m for m in missing_data if m.violated]
    complete = execution.verdict != Verdict.INSUFFICIENT_DATA
    return missing_data + evaluated + (_implicit_clears(state, execution) if complete else [])


def _had_data(state: AlertState, execution: Execution) -> bool:
    return state.had_rows or execution.verdict != Verdict.NO_DATA


def _missing_data_verdicts(execution: Execution) -> list[Verdict]:
    """What an execution can find missing: that of model quality labels, each other one captured data."""
    of_quality = execution.checks_run == Checks.QUALITY
    return [one for one in MISSING_DATA_FINGERPRINTS if (one == Verdict.LABELS_STOPPED) == of_quality]


def _missing_data(execution: Execution, verdict: Verdict) -> Measurement:
    check, subject = MISSING_DATA_FINGERPRINTS[verdict]
    violated = execution.verdict == verdict
    return Measurement(
        feature=subject,
        check=check,
        kind="hard",
        expected=_EXPECTED.get(verdict, "captured data"),
        observed=("; ".join(execution.notes) or "none") if violated else "",
        violated=violated,
        severity=_SEVERITIES.get(verdict, Severity.WARNING),
    )


def _implicit_clears(state: AlertState, execution: Execution) -> list[Measurement]:
    """A fingerprint that is no longer measured is clean: its rule is gone, or Model Monitor lists only violations."""
    measured = {m.fingerprint for m in execution.measurements} | set(MISSING_DATA_FINGERPRINTS.values())
    return [
        Measurement(
            feature=fingerprint.subject,
            check=fingerprint.check,
            kind="hard",
            expected="no violation",
            observed="",
            violated=False,
        )
        for fingerprint in state.fingerprints
        if fingerprint not in measured and (execution.source != "vedette" or _covers(execution.checks_run, fingerprint))
    ]


def _covers(checks: Checks, fingerprint: Fingerprint) -> bool:
    """Whether an evaluation of these checks includes the check of a fingerprint."""
    if (fingerprint.check in check_types.MODEL_QUALITY) != (checks == Checks.QUALITY):
        return False
    return checks == Checks.ALL or (fingerprint.check in check_types.DRIFTS) == (checks == Checks.DRIFT)


def _next_state(
    before: FingerprintState | None,
    measurement: Measurement,
    execution: Execution,
    thresholds: Thresholds,
    *,
    silent: bool,
    flaps: bool,
) -> FingerprintState | None:
    """The fingerprint after one more closed window; None when there is nothing left to remember."""
    needed, of = _windows_to_fire(thresholds, measurement)
    fired = before is not None and before.state != FingerprintStatus.PENDING
    violated = measurement.alertable or (fired and measurement.lasts)
    if before is not None and fired and not violated and execution.window_start < before.last_seen:
        return before  # it began before the last violation: an object was violated while it was open
    recent = ((before.recent if before else ()) + (violated,))[-max(of, thresholds.recovery_clean) :]
    clean = len(recent) >= thresholds.recovery_clean and not any(recent[-thresholds.recovery_clean :])
    if before is not None and fired and clean and (not flaps or execution.window_end - before.last_seen >= DAY):
        return None
    fires = fired or sum(recent[-of:]) >= needed
    if not fires and not any(recent):
        return None
    after = replace(before or _first_seen(measurement, execution), recent=recent)
    if violated:
        severity = worst([after.severity, measurement.severity])
        after = replace(after, last_seen=max(after.last_seen, execution.window_end), severity=severity)
    if fires and (violated or not fired):
        return replace(after, state=FingerprintStatus.MUTED if silent else FingerprintStatus.FIRING)
    return after


def _windows_to_fire(thresholds: Thresholds, measurement: Measurement) -> tuple[int, int]:
    """M and N: a check of this kind fires when M of the last N windows are violated."""
    if measurement.kind == "drift":
        return thresholds.drift_violated, thresholds.drift_of
    return thresholds.hard_violated, thresholds.hard_of


def _notification_kind(
    before: FingerprintState | None, after: FingerprintState | None, measurement: Measurement, *, silent: bool
) -> FindingState | FingerprintStatus | None:
    """Under which heading a message lists a fingerprint; MUTED when a mute suppresses it, None when nothing changed."""
    fired_before = before is not None and before.state == FingerprintStatus.FIRING
    if after is not None and after.state == FingerprintStatus.MUTED:
        return FingerprintStatus.MUTED if measurement.alertable else None
    if after is not None and after.state == FingerprintStatus.FIRING:
        if before is None or not fired_before or after.severity != before.severity:
            return FindingState.NEW
        return FindingState.CONTINUING if measurement.alertable else None
    return FindingState.RECOVERED if fired_before and not silent else None
