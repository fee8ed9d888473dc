"""The words that every page uses."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.alerts import message
from chalicelib.alerts.sanitize import sanitize
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Measurement, Verdict
from chalicelib.constraints.severity_order import badness
from chalicelib.records import Execution

TONES: dict[Verdict, str] = {
    "OK": "good",
    "Violations": "bad",
    "MonitorFailed": "bad",
    "CaptureStopped": "bad",
    "NoData": "poor",
    "InsufficientData": "poor",
}


def verdict_sentence(evaluation: Evaluation) -> str:
    """The verdict as a person says it.

    Examples
    --------
    >>> verdict_sentence(Evaluation(verdict="OK", rows=120))
    '120 rows hold every constraint of the baseline that was judged.'
    """
    match evaluation.verdict:
        case "OK":
            return f"{counted(evaluation.rows, 'row')} hold every constraint of the baseline that was judged."
        case "Violations":
            found = sorted(evaluation.violations, key=badness)
            more = f", and {len(found) - 1} more" if len(found) > 1 else ""
            return f"{finding_sentence(found[0], evaluation.rows)}{more}."
        case "InsufficientData":
            needed = max((one.rows_needed for one in evaluation.measurements), default=0)
            return f"{counted(evaluation.rows, 'row')}: {needed:,} more are needed to judge everything."
        case "NoData":
            return "Nothing was captured."
        case "CaptureStopped":
            return "There is traffic, and nothing is captured."
    return "Too many captured lines could not be read."


def finding_sentence(measurement: Measurement, rows: int) -> str:
    """What a measurement found; a sentence begins with a capital, but a feature's name stays as it is."""
    text = message.sentence(measurement, rows)
    return text if text.startswith(sanitize(measurement.feature, 60)) else text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """A number of things.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def time(moment: datetime) -> str:
    """A time in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def length(execution: Execution) -> timedelta:
    """How long its window is."""
    return execution.window_end - execution.window_start


def duration(span: timedelta) -> str:
    """A span in its largest unit.

    Examples
    --------
    >>> [duration(timedelta(minutes=minutes)) for minutes in (15, 60, 1440, 90)]
    ['15 minutes', '1 hour', '1 day', '90 minutes']
    """
    minutes = int(span.total_seconds() // 60)
    for unit, noun in ((1440, "day"), (60, "hour")):
        if minutes and minutes % unit == 0:
            return counted(minutes // unit, noun)
    return counted(minutes, "minute")


def window(execution: Execution) -> str:
    """From when to when the data were captured."""
    start, end = execution.window_start, execution.window_end
    return f"{time(start)} to {f'{end:%H:%M}' if start.date() == end.date() else time(end)} UTC"


def version(execution: Execution) -> str:
    """The model version that served.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> version(SimpleNamespace(package_version="2")), version(SimpleNamespace(package_version="unversioned"))
    ('version 2', 'not a version of the registry')
    """
    known = execution.package_version.isdigit()
    return (
        f"version {execution.package_version}"
        if known
        else _UNVERSIONED.get(execution.package_version, "unknown version")
    )


_UNVERSIONED = {"unversioned": "not a version of the registry"}
