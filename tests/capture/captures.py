"""Captured records for tests."""

import base64
import json
from functools import partial
from typing import Any

from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table


def side(data: Any, encoding: str | None = "CSV", kind: str | None = "text/csv") -> dict[str, Any]:
    if encoding == "JSON" and not isinstance(data, str):
        data = json.dumps(data)
    return {"observedContentType": kind, "mode": "INPUT", "data": data, "encoding": encoding}


def base64_side(content: str | bytes, kind: str | None = "text/csv") -> dict[str, Any]:
    content = content.encode() if isinstance(content, str) else content
    return side(base64.b64encode(content).decode(), "BASE64", kind)


def record(
    given: dict[str, Any] | None = None, answer: dict[str, Any] | None = None, **metadata: Any
) -> dict[str, Any]:
    data = {"endpointInput": given, "endpointOutput": answer}
    return {
        "captureData": {key: value for key, value in data.items() if value is not None},
        "eventMetadata": {"eventId": "e-1", "inferenceTime": "2026-11-22T09:34:30Z", **metadata},
        "eventVersion": "0",
    }


def line(*arguments: Any, **metadata: Any) -> bytes:
    return json.dumps(record(*arguments, **metadata)).encode() + b"\n"


def quickly(content: bytes, options: CaptureOptions = DEFAULT_OPTIONS) -> CaptureSummary:
    """As the vectorized reader reads, however few the requests are."""
    return summarize([content], options=options, readers=(partial(VectorizedBlockReader, min_requests=0), RecordReader))


def exactly(content: bytes, options: CaptureOptions = DEFAULT_OPTIONS) -> CaptureSummary:
    return summarize([content], options=options, readers=(RecordReader,))


def difference(quick: CaptureSummary, exact: CaptureSummary) -> str:
    """Where two readings of the same bytes differ, "" when they do not; of sketches, which are randomized, the counts.

    Columns that are known by name may come in another order.
    """
    for name in (
        "events",
        "rows",
        "rejected",
        "probes",
        "errors",
        "tests",
        "shadows",
        "ground_truth",
        "opaque",
        "left_out",
    ):
        if getattr(quick, name) != getattr(exact, name):
            return f"{name}: {getattr(quick, name)} instead of {getattr(exact, name)}"
    if (quick.first_inference, quick.last_inference) != (exact.first_inference, exact.last_inference):
        return "inference times"
    if sorted(at.start for at in quick.rejected_at) != sorted(at.start for at in exact.rejected_at):
        return "places of rejected lines"
    if [(table.layout, table.rows) for table in quick.tables] != [(table.layout, table.rows) for table in exact.tables]:
        return "layouts"
    for mine, theirs in zip(quick.tables, exact.tables, strict=True):
        by_name = dict(zip(_places(theirs), theirs.columns, strict=True))
        for place, column in zip(_places(mine), mine.columns, strict=True):
            found = _column_difference(column, by_name[place])
            if found:
                return f"column {place} of {mine.layout}: {found}"
    return ""


def _places(table: Table) -> list[tuple[bool, str | int]]:
    """The side of each column, and its name; its place where it has none, or one that is not its own alone."""
    sides = table.names[: table.outputs], table.names[table.outputs :]
    return [
        (names is sides[1], name if name and names.count(name) == 1 else place)
        for names in sides
        for place, name in enumerate(names)
    ]


def _column_difference(mine: ColumnStatistics, theirs: ColumnStatistics) -> str:
    for name in ("types", "categories", "lengths", "words"):
        if getattr(mine, name) != getattr(theirs, name):
            return f"{name}: {getattr(mine, name)} instead of {getattr(theirs, name)}"
    one, other = mine.moments, theirs.moments
    if (one.count, one.minimum, one.maximum) != (other.count, other.minimum, other.maximum):
        return "count or extremes"
    if one.count:
        scale = max(abs(one.minimum or 0.0), abs(one.maximum or 0.0))
        if abs(one.sum - other.sum) > 1e-12 * scale * one.count:
            return f"sum {one.sum!r} instead of {other.sum!r}"
        if abs((one.std_dev or 0.0) - (other.std_dev or 0.0)) > 1e-9 * scale:
            return f"deviation {one.std_dev!r} instead of {other.std_dev!r}"
    if mine.distribution.count != theirs.distribution.count:
        return "count of the sketch"
    if (mine.distribution.values, mine.distribution.weights) != (
        theirs.distribution.values,
        theirs.distribution.weights,
    ):
        return "values of the distribution"
    return ""
