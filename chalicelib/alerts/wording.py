"""One finding as a sentence, and the small words that mails and pages share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Measurement, rounded

NAMELESS = "(a feature without a name)"
MAX_NAME_CHARS = 60  # of a feature, in a sentence


def finding_sentence(
    measurement: Measurement, rows: int, *, recovered: bool = False, name_chars: int = MAX_NAME_CHARS
) -> str:
    """What a measurement found in so many rows, or that it recovered; without a capital and a full stop."""
    name = sanitize_name(measurement.feature, name_chars) or NAMELESS
    if not recovered:
        return _violation(measurement, name, rows)
    expected = sanitize(measurement.expected, 60)
    again = f"{name} is as expected again" + (f" ({expected})" if expected else "")
    return _RECOVERIES.get(measurement.check, again)


def _violation(measurement: Measurement, name: str, rows: int) -> str:
    expected, observed = sanitize(measurement.expected, 60), sanitize(measurement.observed, 60)
    value, of_rows = measurement.value, counted(rows, "row")
    match measurement.check:
        case check_types.DATA_TYPE if value is not None:
            return f"{name} is not {expected} in {rounded(1 - value)} of {of_rows}"
        case check_types.DATA_TYPE:  # Model Monitor gives only its sentence
            return f"{name} has values of another type than the baseline"
        case check_types.COMPLETENESS if value is not None:
            return f"{name} is missing or blank in {rounded(1 - value)} of {of_rows}"
        case check_types.COMPLETENESS:
            return f"{name} is missing in more rows than the baseline allows"
        case check_types.DRIFT if value is not None:
            return f"{name} has drifted: distance {value:.2f}, threshold {measurement.threshold}"
        case check_types.DRIFT:
            return f"{name} has drifted from the baseline"
        case (check_types.SUDDEN_DRIFT | check_types.SLOW_DRIFT) as check if value is not None:
            how = "suddenly" if check == check_types.SUDDEN_DRIFT else "slowly"
            return f"{name} has drifted {how}: distance {value:.2f}, where its days allow {measurement.threshold:.2f}"
        case check_types.LESS_THAN | check_types.GREATER_THAN if observed:
            return f"{name} is {observed}, expected {expected}"
        case check_types.CATEGORICAL_VALUES:
            return f"{name} has values that the baseline does not have" + (f" ({observed})" if observed else "")
        case check_types.NON_NEGATIVE if value is not None:
            return f"{name} is negative in {rounded(value)} of its values"
        case check_types.RANGE if value is not None:
            return f"{name} is out of its range ({expected}) in {rounded(value)} of its values"
        case check_types.VOLUME:
            return f"traffic is unusual: {observed}, expected {expected}"
        case check_types.MISSING_COLUMN | check_types.EXTRA_COLUMN:
            return f"the columns differ from the baseline: {observed}, expected {expected}"
        case check_types.NO_DATA:
            return "nothing was captured in the last window"
        case check_types.CAPTURE_STOPPED:
            return "the endpoint has traffic, but nothing is captured"
        case check_types.MONITOR_FAILED:
            return f"the evaluation failed: {sanitize(measurement.observed, 200).rstrip('.')}"
        case check_types.LABELS_STOPPED:
            return "labels have stopped, so the quality of the model is not known"
        case check_types.JOB_FAILED:
            return f"the transform job failed: {sanitize(measurement.observed, 200).rstrip('.')}"
        case _:
            return f"{name} violates {sanitize(measurement.check, 60)}"


_RECOVERIES = {
    check_types.NO_DATA: "data is captured again",
    check_types.CAPTURE_STOPPED: "data is captured again",
    check_types.MONITOR_FAILED: "the evaluation works again",
    check_types.LABELS_STOPPED: "labels come again",
    check_types.JOB_FAILED: "a transform job has completed again",
}


_OPEN = {
    check_types.NO_DATA: "nothing is captured",
    check_types.CAPTURE_STOPPED: "there is traffic, but nothing is captured",
    check_types.MONITOR_FAILED: "the evaluation fails",
    check_types.LABELS_STOPPED: "labels have stopped",
    check_types.JOB_FAILED: "the transform job fails",
}


def open_alert(check: str, subject: str, *, still: bool = False) -> str:
    """What is open, in a clause without a measured value; `still` says that it was reported before.

    Examples
    --------
    >>> open_alert("data_type_check", "b"), open_alert("data_type_check", "b", still=True)
    ('b (data_type_check) is violated', 'b (data_type_check) is still violated')
    """
    name = sanitize_name(subject, MAX_NAME_CHARS) or NAMELESS
    violated = f"{name} ({sanitize(check, 60)}) is {'still ' if still else ''}violated"
    return _OPEN.get(check, violated)


def ended_alert(check: str, subject: str) -> str:
    """That it has ended, in whichever way.

    Examples
    --------
    >>> ended_alert("data_type_check", "b")
    'b (data_type_check) has ended'
    """
    name = sanitize_name(subject, MAX_NAME_CHARS) or NAMELESS
    return _RECOVERIES.get(check, f"{name} ({sanitize(check, 60)}) has ended")


def capitalized(text: str, names: Iterable[str]) -> str:
    """The sentence with a capital, unless it begins with one of these names, which stay as they are.

    Examples
    --------
    >>> capitalized("site is Failed", ["site"]), capitalized("version 2 is deployed", ["site"])
    ('site is Failed', 'Version 2 is deployed')
    """
    named = any(name and text.startswith(name[: MAX_NAME_CHARS - 1]) for name in names)
    return text if named else text[:1].upper() + text[1:]


def and_more(number: int) -> str:
    """The end of a sentence about the first of several findings: how many there are besides."""
    return f", and {number:,} more" if number else ""


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def minute(moment: datetime) -> str:
    """A time to the minute, as `2026-11-22 09:00`."""
    return f"{moment:%Y-%m-%d %H:%M}"


def period(start: datetime, end: datetime) -> str:
    """From when to when, in UTC."""
    return f"{minute(start)} to {f'{end:%H:%M}' if start.date() == end.date() else minute(end)} UTC"


def duration(span: timedelta) -> str:
    """A span in the largest unit that is exact, or has at least two.

    Examples
    --------
    >>> [duration(timedelta(minutes=minutes)) for minutes in (1, 60, 90, 150, 47 * 60, 1440, 3000)]
    ['1 minute', '1 hour', '90 minutes', '2 hours', '47 hours', '1 day', '2 days']
    """
    minutes = max(0, int(span.total_seconds() // 60))
    for unit, noun in ((1440, "day"), (60, "hour")):
        if minutes >= 2 * unit or minutes == unit:
            return counted(minutes // unit, noun)
    return counted(minutes, "minute")
