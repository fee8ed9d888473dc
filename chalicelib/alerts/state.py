"""Alerts have state: what one verdict changes in what is known about an endpoint and variant.

| input                                                | handled as
|------------------------------------------------------|----------
| closed window, newer than the last one               | every fingerprint moves: new, continuing, recovered, muted
| closed window, not newer (repeated, late, reordered) | no change: it updates its report, never the state
| one object of the open hour                          | hard violations may fire at once; nothing ever recovers from it
| ... when hard checks must fail in several windows    | no change: windows are counted, objects are not
| object of a window that was closed before            | no change
| InsufficientData, and measurements not judged        | no change: it is neither clean nor violated
| violated by a trace alone (`Measurement.alertable`)   | clean: it stands in the files, nobody is told
| NoData, MonitorFailed, CaptureStopped                | a fingerprint of their own, in a message of their own
| CaptureStopped, whose cause the sweep has told       | as if a mute held (the handler says so)
| NoData of an hour, where drift has longer windows    | no change: nights are quiet; an empty drift window tells it
| closed window of drift alone, or of all but drift    | its checks alone; each kind has its own last window
| a severity that rises while it fires                 | new once more
| it fires, or goes on, while a mute holds             | muted: remembered, nobody is told
| a mute has ended, and it is violated still           | new, once
| it recovers while a mute holds, or was muted         | forgotten in silence: nobody was told that it fires

A fingerprint is endpoint, variant, subject and check; endpoint and variant are those of the book.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from chalicelib.constraints.measurement import Measurement, Severity
from chalicelib.records import AlertState, Execution, FingerprintState, Thresholds

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "information")  # the worst first

# verdict -> check and subject of its fingerprint
MISSING_DATA_CHECKS = {
    "NoData": ("no_data", "capture"),
    "CaptureStopped": ("capture_stopped", "capture"),
    "MonitorFailed": ("monitor_failed", "monitor"),
}
Muted = Callable[[str], bool]  # whether a mute holds for a fingerprint


@dataclass(frozen=True)
class Transition:
    """The book after a verdict, and what is worth saying about it."""

    book: AlertState
    new: tuple[Measurement, ...] = ()
    continuing: tuple[Measurement, ...] = ()
    recovered: tuple[Measurement, ...] = ()
    muted: tuple[Measurement, ...] = ()
    since: Mapping[str, datetime] = field(default_factory=dict)  # fingerprint -> the first window of its episode

    @property
    def must_notify(self) -> bool:
        """A message is owed for what begins and what ends, not for what goes on."""
        return bool(self.new or self.recovered)


def fingerprint(measurement: Measurement) -> str:
    """The check and its subject, as a book names them."""
    return f"{measurement.check}|{measurement.feature}"


def captures_stopped(book: AlertState) -> bool:
    """Whether a person was told that captures have stopped, and they have not come back."""
    state = book.fingerprints.get("|".join(MISSING_DATA_CHECKS["CaptureStopped"]))
    return state is not None and state.state == "firing"


def fingerprint_id(endpoint: str, variant: str, name: str) -> str:
    """A fingerprint as people name it in commands: 12 hexadecimal digits.

    Examples
    --------
    >>> fingerprint_id("preferred-site", "AllTraffic", "data_type_check|b")
    '614728c245da'
    """
    text = "\n".join((endpoint, variant, name))
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:12]


def never_muted(name: str) -> bool:
    """No mute holds."""
    return False


def worst(*severities: Severity) -> Severity:
    """The worst of some severities.

    Examples
    --------
    >>> worst("information", "critical", "warning")
    'critical'
    """
    return min(severities, key=SEVERITIES.index)


def transition(
    book: AlertState, execution: Execution, thresholds: Thresholds, muted: Muted = never_muted
) -> Transition:
    """Move every fingerprint by one verdict; see the table of this module."""
    last = book.last_drift_window_end if execution.checks == "drift" else book.last_closed_window_end
    if last is not None and execution.window_end <= last:
        return Transition(book)
    if not execution.closed:
        return _at_once(book, execution, muted) if thresholds.hard_violated <= 1 else Transition(book)
    return _closed_window(book, execution, thresholds, muted)


def _at_once(book: AlertState, execution: Execution, muted: Muted) -> Transition:
    told: dict[str, list[Measurement]] = {"new": [], "continuing": [], "muted": []}
    states: dict[str, FingerprintState] = dict(book.fingerprints)
    for measurement in execution.measurements:
        if not measurement.alertable or measurement.kind != "hard":
            continue
        name = fingerprint(measurement)
        before = states.get(name)
        if before is not None and before.state != "pending":
            if before.state == "firing":
                told["continuing"].append(measurement)
            continue
        silent = muted(name)
        told["muted" if silent else "new"].append(measurement)
        states[name] = FingerprintState(
            state="muted" if silent else "firing",
            severity=measurement.severity,
            since=execution.window_start,
            last_seen=execution.window_end,
            recent=before.recent if before else (),
        )
    changed = replace(book, fingerprints=states) if told["new"] or told["muted"] else book
    since = {name: state.since for name, state in states.items()}
    return Transition(changed, **{key: tuple(found) for key, found in told.items()}, since=since)


def _closed_window(book: AlertState, execution: Execution, thresholds: Thresholds, muted: Muted) -> Transition:
    states: dict[str, FingerprintState] = dict(book.fingerprints)
    since = {name: state.since for name, state in states.items()}
    told: dict[str, list[Measurement]] = {"new": [], "continuing": [], "recovered": [], "muted": []}
    for measurement in _judged(book, execution):
        name = fingerprint(measurement)
        silent = muted(name)
        before = states.pop(name, None)
        after = _moved(before, measurement, execution, thresholds, silent=silent)
        if after is not None:
            states[name] = after
            since[name] = after.since
        said = _said(before, after, measurement, silent=silent)
        if said:
            told[said].append(measurement)
    changed = replace(
        book,
        fingerprints=states,
        last_closed_window_end=book.last_closed_window_end if execution.checks == "drift" else execution.window_end,
        last_drift_window_end=book.last_drift_window_end if execution.checks == "hard" else execution.window_end,
        had_rows=book.had_rows or execution.rows > 0 or bool(execution.refused) or execution.source != "vedette",
    )
    return Transition(changed, **{key: tuple(found) for key, found in told.items()}, since=since)


def _judged(book: AlertState, execution: Execution) -> list[Measurement]:
    """What this window says about each fingerprint; nothing about those that it could not judge."""
    silences = [_silence(execution, verdict) for verdict in MISSING_DATA_CHECKS]
    # An endpoint that never had data is not an alarm; and a silence that nobody was told of needs no recovery.
    silences = [
        m for m in silences if fingerprint(m) in book.fingerprints or (m.violated and _had_data(book, execution))
    ]
    judged = [m for m in execution.measurements if m.evaluated]
    if execution.checks == "drift":  # the other silences are said of the shorter windows
        quiet = [m for m in silences if m.violated and m.check == "no_data"]
        return quiet + judged + (_vanished(book, execution) if execution.verdict in {"OK", "Violations"} else [])
    if execution.checks == "hard" and execution.verdict == "NoData":
        return []
    if execution.verdict in MISSING_DATA_CHECKS:
        return [m for m in silences if m.violated]
    return silences + judged + (_vanished(book, execution) if execution.verdict != "InsufficientData" else [])


def _had_data(book: AlertState, execution: Execution) -> bool:
    return book.had_rows or execution.verdict in {"MonitorFailed", "CaptureStopped"}


def _silence(execution: Execution, verdict: str) -> Measurement:
    check, subject = MISSING_DATA_CHECKS[verdict]
    violated = execution.verdict == verdict
    return Measurement(
        feature=subject,
        check=check,
        kind="hard",
        expected="a verdict" if check == "monitor_failed" else "captured data",
        observed=("; ".join(execution.notes) or "none") if violated else "",
        value=None,
        threshold=None,
        violated=violated,
        evaluated=True,
        severity="information" if check == "no_data" else "warning",
    )


def _vanished(book: AlertState, execution: Execution) -> list[Measurement]:
    """What is not measured any more is clean: the rule is gone, or Model Monitor lists violations alone."""
    measured = {fingerprint(m) for m in execution.measurements}
    silences = {f"{check}|{subject}" for check, subject in MISSING_DATA_CHECKS.values()}
    clean = [
        name.partition("|")
        for name in book.fingerprints
        if name not in measured | silences and _looked_for(name, execution)
    ]
    return [
        Measurement(
            feature=subject,
            check=check,
            kind="hard",
            expected="no violation",
            observed="",
            value=None,
            threshold=None,
            violated=False,
            evaluated=True,
            severity="information",
        )
        for check, _, subject in clean
    ]


def _looked_for(name: str, execution: Execution) -> bool:
    """Whether an execution judged the kind of check that a fingerprint is of."""
    drift = name.startswith("baseline_drift_check|")
    return execution.checks == "all" or drift == (execution.checks == "drift")


def _moved(
    before: FingerprintState | None,
    measurement: Measurement,
    execution: Execution,
    thresholds: Thresholds,
    *,
    silent: bool,
) -> FingerprintState | None:
    """The fingerprint after one more closed window; None when there is nothing left to remember."""
    needed, of = _to_fire(thresholds, measurement)
    violated = measurement.alertable
    recent = ((before.recent if before else ()) + (violated,))[-max(of, thresholds.recovery_clean) :]
    fired = before is not None and before.state != "pending"
    if fired and len(recent) >= thresholds.recovery_clean and not any(recent[-thresholds.recovery_clean :]):
        return None
    fires = fired or sum(recent[-of:]) >= needed
    if not fires and not any(recent):
        return None
    known = before or FingerprintState(
        state="pending",
        severity=measurement.severity,
        since=execution.window_start,
        last_seen=execution.window_end,
    )
    after = replace(known, recent=recent)
    if violated:
        after = replace(after, last_seen=execution.window_end, severity=worst(known.severity, measurement.severity))
    if fires and (violated or not fired):
        return replace(after, state="muted" if silent else "firing")
    return after


def _to_fire(thresholds: Thresholds, measurement: Measurement) -> tuple[int, int]:
    """M and N for the kind of a check."""
    if measurement.kind == "drift":
        return thresholds.drift_violated, thresholds.drift_of
    return thresholds.hard_violated, thresholds.hard_of


def _said(
    before: FingerprintState | None, after: FingerprintState | None, measurement: Measurement, *, silent: bool
) -> str:
    """Under which heading a fingerprint is told; "" when there is nothing to say."""
    was, is_now = before.state if before else "", after.state if after else ""
    if is_now == "muted":
        return "muted" if measurement.alertable else ""
    if is_now == "firing":
        risen = before is not None and after is not None and after.severity != before.severity
        if was != "firing" or risen:
            return "new"
        return "continuing" if measurement.alertable else ""
    return "recovered" if was == "firing" and not silent else ""
