"""Days of captured data, stored as parts: three features of numbers, of which `a` is shifted."""

from datetime import datetime

import numpy as np

from chalicelib import locations
from chalicelib.capture.summary import CaptureSummary
from chalicelib.endpoint_run import stage_stores
from chalicelib.parts import Part
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.lexical import TypeCounts
from chalicelib.statistics.moments import Moments
from chalicelib.statistics.table import Table

ROWS = 400


def table_of(day: datetime, shift: float, k: int = 200) -> Table:
    """The rows of a day: label, a (shifted) and b, known by position."""
    random = np.random.default_rng(day.toordinal())
    columns = []
    for mean in (0.5, shift, 0.0):
        values = random.normal(mean, 1, ROWS)
        columns.append(
            ColumnStatistics(
                types=TypeCounts(fractional=ROWS), moments=Moments.of(values), distribution=Distribution.of(values, k)
            )
        )
    return Table(names=("", "", ""), outputs=1, rows=ROWS, columns=tuple(columns))


def capture_day(endpoint: str, day: datetime, shift: float = 0.0, variant: str = "AllTraffic") -> None:
    """Store one part for the noon of a day."""
    name = f"12/{day:%M}-00-000-{day:%Y%m%d}.jsonl"
    key = locations.capture_key(f"data-capture/{endpoint}/{variant}/{day:%Y/%m/%d}/{name}")
    summary = CaptureSummary(events=ROWS, rows=ROWS, tables=(table_of(day, shift),))
    part = Part(
        endpoint=endpoint, variant=variant, bucket="b", key="k", etag="e", size=1, begun=key.begun, summary=summary
    )
    assert stage_stores().parts.put(key, part)
