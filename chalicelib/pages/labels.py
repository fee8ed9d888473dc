"""The sentences and labels of every page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache

from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.wording import MAX_NAME_CHARS, and_more, capitalized, counted, finding_sentence, period
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Measurement, Verdict
from chalicelib.constraints.severity_order import worst_first
from chalicelib.records import Execution

MAX_FULL_NAME_CHARS = 200  # of a feature, where a page has the room

_TONES = {
    Verdict.OK: "good",
    Verdict.VIOLATIONS: "bad",
    Verdict.MONITOR_FAILED: "bad",
    Verdict.CAPTURE_STOPPED: "bad",
    Verdict.NO_DATA: "poor",
    Verdict.INSUFFICIENT_DATA: "poor",
    Verdict.INSUFFICIENT_LABELS: "poor",
    Verdict.SELECTIVE_LABELS: "poor",
    Verdict.LABELS_STOPPED: "bad",
    Verdict.JOB_FAILED: "bad",
}


def tone(verdict: Verdict, measurements: Iterable[Measurement]) -> str:
    """How a verdict looks: violations that alert nobody are poor, not bad."""
    alerts = verdict != Verdict.VIOLATIONS or any(one.alertable for one in measurements)
    return _TONES[verdict] if alerts else "poor"


def verdict_sentence(evaluation: Evaluation) -> str:
    """The verdict as a sentence; of several violations the worst.

    Examples
    --------
    >>> verdict_sentence(Evaluation(verdict=Verdict.OK, rows=1000))
    'No violations in 1,000 rows.'
    """
    match evaluation.verdict:
        case Verdict.OK:
            return f"No violations in {counted(evaluation.rows, 'row')}."
        case Verdict.VIOLATIONS:
            found = worst_first(evaluation.violations)
            return f"{finding(found[0], evaluation.rows)}{and_more(len(found) - 1)}."
        case Verdict.INSUFFICIENT_DATA:
            needed = max((one.rows_needed for one in evaluation.measurements), default=0)
            return f"{counted(evaluation.rows, 'row')}: {needed:,} more are needed to evaluate everything."
        case Verdict.NO_DATA:
            return "Nothing was captured."
        case Verdict.INSUFFICIENT_LABELS:
            needed = max((one.rows_needed for one in evaluation.measurements), default=0)
            more = f": {needed:,} more are needed to evaluate the metrics" if needed else ""
            return f"{counted(evaluation.rows, 'label')}{more}."
        case Verdict.SELECTIVE_LABELS:
            return "Labels are missing unevenly, so no metric was evaluated."
        case Verdict.LABELS_STOPPED:
            return "Labels have stopped."
        case Verdict.JOB_FAILED:
            return "The transform job failed."
        case Verdict.CAPTURE_STOPPED:
            return "The endpoint has traffic, but nothing is captured."
    return "Too many captured lines could not be read."


def finding(measurement: Measurement, rows: int, name_chars: int = MAX_NAME_CHARS) -> str:
    """What a measurement found in so many rows, as a sentence without a full stop."""
    sentence = finding_sentence(measurement, rows, name_chars=name_chars)
    return capitalized(sentence, [sanitize_name(measurement.feature)])


@lru_cache(maxsize=64)  # a page writes the same few for each of its features
def check_name(check: str) -> str:
    """The name of a check as text; Model Monitor's file may hold any."""
    return sanitize(check, 60)


def length(execution: Execution) -> timedelta:
    """The length of an execution's window."""
    return execution.window_end - execution.window_start


def window(execution: Execution) -> str:
    """The window of an execution: from when to when, in UTC."""
    return period(execution.window_start, execution.window_end)


def version(execution: Execution) -> str:
    """The model version that served.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> version(SimpleNamespace(package_version="2")), version(SimpleNamespace(package_version="unversioned"))
    ('version 2', 'not from the model registry')
    """
    if execution.package_version.isdigit():
        return f"version {execution.package_version}"
    return _UNVERSIONED.get(execution.package_version, "unknown version")


_UNVERSIONED = {"unversioned": "not from the model registry"}
