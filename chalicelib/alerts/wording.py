"""One finding as a sentence, and the small words that mails and pages share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.alerts.sanitize import sanitize
from chalicelib.constraints import measurement as checks
from chalicelib.constraints.measurement import Measurement, rounded

NAMELESS = "(a feature without a name)"
MAX_NAME_CHARS = 60  # of a feature, in a sentence


def finding_sentence(measurement: Measurement, rows: int, *, recovered: bool = False) -> str:
    """What a measurement found in so many rows, or that it recovered; without a capital and a full stop."""
    name = sanitize(measurement.feature, MAX_NAME_CHARS) or NAMELESS
    return _recovery(measurement, name) if recovered else _violation(measurement, name, rows)


def _violation(measurement: Measurement, name: str, rows: int) -> str:
    expected, observed = sanitize(measurement.expected, 60), sanitize(measurement.observed, 60)
    value, of_rows = measurement.value, counted(rows, "row")
    match measurement.check:
        case checks.DATA_TYPE_CHECK if value is not None:
            return f"{name} is not {expected} in {rounded(1 - value)} of {of_rows}"
        case checks.DATA_TYPE_CHECK:  # Model Monitor gives only its sentence
            return f"{name} has values of another type than the baseline"
        case checks.COMPLETENESS_CHECK if value is not None:
            return f"{name} is missing in {rounded(1 - value)} of {of_rows}"
        case checks.COMPLETENESS_CHECK:
            return f"{name} is missing in more rows than the baseline allows"
        case checks.DRIFT_CHECK if value is not None:
            return f"{name} has drifted: distance {value:.2f}, threshold {measurement.threshold}"
        case checks.DRIFT_CHECK:
            return f"{name} has drifted from the baseline"
        case checks.CATEGORICAL_VALUES_CHECK:
            return f"{name} has values that the baseline does not have" + (f" ({observed})" if observed else "")
        case checks.NON_NEGATIVE_CHECK if value is not None:
            return f"{name} is negative in {rounded(value)} of its values"
        case checks.RANGE_CHECK if value is not None:
            return f"{name} is out of its range ({expected}) in {rounded(value)} of its values"
        case checks.VOLUME_CHECK:
            return f"traffic is unusual: {observed}, expected {expected}"
        case checks.MISSING_COLUMN_CHECK | checks.EXTRA_COLUMN_CHECK:
            return f"the number of columns differs from the baseline: {observed}, expected {expected}"
        case checks.NO_DATA_CHECK:
            return "nothing was captured in the last window"
        case checks.CAPTURE_STOPPED_CHECK:
            return "the endpoint has traffic, but nothing is captured"
        case checks.MONITOR_FAILED_CHECK:
            return f"the evaluation failed: {observed}"
        case _:
            return f"{name} violates {sanitize(measurement.check, 60)}"


def _recovery(measurement: Measurement, name: str) -> str:
    match measurement.check:
        case checks.NO_DATA_CHECK | checks.CAPTURE_STOPPED_CHECK:
            return "data is captured again"
        case checks.MONITOR_FAILED_CHECK:
            return "the evaluation works again"
        case _:
            expected = sanitize(measurement.expected, 60)
            return f"{name} is as expected again" + (f" ({expected})" if expected else "")


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
