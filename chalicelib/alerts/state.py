"""Alerts have state: what one verdict changes in what is known about an endpoint and variant.

| input                                                | handled as
|------------------------------------------------------|----------
| closed window, newer than the last one               | every fingerprint moves: new, continuing, recovered
| closed window, not newer (repeated, late, reordered) | no change: it updates its report, never the state
| one object of the open hour                          | hard violations may fire at once; nothing ever recovers from it
| object of a window that was closed before            | no change
| InsufficientData, and measurements not judged        | no change: it is neither clean nor violated
| NoData, MonitorFailed, CaptureStopped                | a fingerprint of their own, in a message of their own

A fingerprint is a subject and a check; endpoint and variant are those of the book.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from chalicelib.constraints.evaluation import Measurement
from chalicelib.records import AlertBook, Execution, FingerprintState

# verdict -> check and subject of its fingerprint
SILENCE_CHECKS = {
    "NoData": ("no_data", "capture"),
    "CaptureStopped": ("capture_stopped", "capture"),
    "MonitorFailed": ("monitor_failed", "monitor"),
}


@dataclass(frozen=True)
class Thresholds:
    """How many closed windows it takes: M of the last N to fire, so many clean ones in a row to recover."""

    hard_violated: int = 1
    hard_of: int = 1
    drift_violated: int = 2
    drift_of: int = 3
    recovery_clean: int = 2

    def to_fire(self, kind: str) -> tuple[int, int]:
        """M and N for a kind of check."""
        return (self.drift_violated, self.drift_of) if kind == "drift" else (self.hard_violated, self.hard_of)


@dataclass(frozen=True)
class Transition:
    """The book after a verdict, and what is worth saying about it."""

    book: AlertBook
    new: tuple[Measurement, ...] = ()
    continuing: tuple[Measurement, ...] = ()
    recovered: tuple[Measurement, ...] = ()

    @property
    def worth_telling(self) -> bool:
        """A message is owed for what begins and what ends, not for what goes on."""
        return bool(self.new or self.recovered)


def fingerprint(measurement: Measurement) -> str:
    """The check and its subject."""
    return f"{measurement.check}|{measurement.feature}"


def transition(book: AlertBook, execution: Execution, thresholds: Thresholds) -> Transition:
    """Move every fingerprint by one verdict; see the table of this module."""
    last = book.last_closed_window_end
    if last is not None and execution.window_end <= last:
        return Transition(book)
    if not execution.closed:
        return _at_once(book, execution)
    return _closed_window(book, execution, thresholds)


def _at_once(book: AlertBook, execution: Execution) -> Transition:
    violated = [m for m in execution.measurements if m.violated and m.kind == "hard"]
    new = [m for m in violated if _state(book, m) != "firing"]
    continuing = [m for m in violated if _state(book, m) == "firing"]
    if not new:
        return Transition(book, continuing=tuple(continuing))
    fired = {
        fingerprint(m): FingerprintState(
            state="firing",
            severity=m.severity,
            since=execution.window_start,
            last_seen=execution.window_end,
            recent=_recent(book, m),
        )
        for m in new
    }
    changed = replace(book, fingerprints={**book.fingerprints, **fired})
    return Transition(changed, new=tuple(new), continuing=tuple(continuing))


def _closed_window(book: AlertBook, execution: Execution, thresholds: Thresholds) -> Transition:
    states: dict[str, FingerprintState] = dict(book.fingerprints)
    told: dict[str, list[Measurement]] = {"new": [], "continuing": [], "recovered": []}
    for measurement in _judged(book, execution):
        name = fingerprint(measurement)
        before = states.pop(name, None)
        after = _moved(before, measurement, execution, thresholds)
        if after is not None:
            states[name] = after
        said = _said(before, after, measurement)
        if said:
            told[said].append(measurement)
    changed = replace(
        book,
        fingerprints=states,
        last_closed_window_end=execution.window_end,
        had_rows=book.had_rows or execution.rows > 0 or bool(execution.refused) or execution.source != "vedette",
    )
    return Transition(changed, **{key: tuple(found) for key, found in told.items()})


def _judged(book: AlertBook, execution: Execution) -> list[Measurement]:
    """What this window says about each fingerprint; nothing about those that it could not judge."""
    silences = [_silence(execution, verdict) for verdict in SILENCE_CHECKS]
    # An endpoint that never had data is not an alarm; and a silence that nobody was told of needs no recovery.
    silences = [
        m for m in silences if fingerprint(m) in book.fingerprints or (m.violated and _had_data(book, execution))
    ]
    if execution.verdict in SILENCE_CHECKS:
        return [m for m in silences if m.violated]
    judged = [m for m in execution.measurements if m.judged]
    return silences + judged + (_vanished(book, execution) if execution.verdict != "InsufficientData" else [])


def _had_data(book: AlertBook, execution: Execution) -> bool:
    return book.had_rows or execution.verdict == "MonitorFailed"


def _silence(execution: Execution, verdict: str) -> Measurement:
    check, subject = SILENCE_CHECKS[verdict]
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
        judged=True,
        severity="information" if check == "no_data" else "warning",
    )


def _vanished(book: AlertBook, execution: Execution) -> list[Measurement]:
    """What is not measured any more is clean: the rule is gone, or Model Monitor lists violations alone."""
    measured = {fingerprint(m) for m in execution.measurements}
    silences = {f"{check}|{subject}" for check, subject in SILENCE_CHECKS.values()}
    clean = [name.partition("|") for name in book.fingerprints if name not in measured | silences]
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
            judged=True,
            severity="information",
        )
        for check, _, subject in clean
    ]


def _moved(
    before: FingerprintState | None, measurement: Measurement, execution: Execution, thresholds: Thresholds
) -> FingerprintState | None:
    """The fingerprint after one more closed window; None when there is nothing left to remember."""
    violations, of = thresholds.to_fire(measurement.kind)
    recent = ((before.recent if before else ()) + (measurement.violated,))[-max(of, thresholds.recovery_clean) :]
    firing = before is not None and before.state == "firing"
    if firing and len(recent) >= thresholds.recovery_clean and not any(recent[-thresholds.recovery_clean :]):
        return None
    fires = firing or sum(recent[-of:]) >= violations
    if not fires and not any(recent):
        return None
    return FingerprintState(
        state="firing" if fires else "pending",
        severity=measurement.severity if measurement.violated or before is None else before.severity,
        since=before.since if before else execution.window_start,
        last_seen=execution.window_end if measurement.violated or before is None else before.last_seen,
        recent=recent,
    )


def _said(before: FingerprintState | None, after: FingerprintState | None, measurement: Measurement) -> str:
    was, is_now = before is not None and before.state == "firing", after is not None and after.state == "firing"
    if is_now and not was:
        return "new"
    if was and not is_now:
        return "recovered"
    return "continuing" if is_now and measurement.violated else ""


def _state(book: AlertBook, measurement: Measurement) -> str:
    known = book.fingerprints.get(fingerprint(measurement))
    return known.state if known else ""


def _recent(book: AlertBook, measurement: Measurement) -> tuple[bool, ...]:
    known = book.fingerprints.get(fingerprint(measurement))
    return known.recent if known else ()
