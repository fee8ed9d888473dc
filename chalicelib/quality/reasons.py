"""Why a prediction or a label is left out: fixed texts, never a payload."""

from collections.abc import Mapping
from enum import StrEnum


class PredictionReason(StrEnum):
    """Why a captured row is no prediction that a label can be joined to; its value is a stored key."""

    NO_ID = "the request has no id"
    NO_OUTPUT = "no output was captured"
    NO_SUCH_COLUMN = "the output has no such column"
    NOT_A_CLASS = "the prediction is no class"
    NOT_A_NUMBER = "the prediction is no number"
    UNKNOWN_CLASS = "the prediction is none of the classes"
    NOT_A_PROBABILITY = "the score is no probability"
    TOO_MANY_CLASSES = "too many classes"
    UNREADABLE = "the line cannot be read"


class LabelReason(StrEnum):
    """Why a line, or a row of it, is no label; its value is a stored key."""

    BAD_GZIP = "gzip is damaged or cut off"
    LINE_TOO_LONG = "line too long"
    NOT_A_LABEL = "neither a label record nor id,label"
    NO_ID = "the label has no id"
    NO_LABEL = "the record has no label"
    UNKNOWN_ENCODING = "unknown encoding"
    BAD_PAYLOAD = "the label's payload cannot be read"
    NO_SUCH_COLUMN = "the label has no such column"
    SEVERAL_COLUMNS = "the label has several columns, and none is named"
    MISSING = "the label is missing"
    NOT_A_CLASS = "the label is no class"
    NOT_A_NUMBER = "the label is no number"
    UNKNOWN_CLASS = "the label is none of the classes"
    TOO_MANY_CLASSES = "too many classes"
    UNEXPECTED = "unexpected content"  # a defect of the reader: the line is lost, and the rest of the object is not


def by_reason(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by reason as they are stored, in order.

    >>> by_reason({LabelReason.NO_ID: 2, LabelReason.MISSING: 1})
    {'the label has no id': 2, 'the label is missing': 1}
    """
    return {str(reason): counts[reason] for reason in sorted(counts)}
