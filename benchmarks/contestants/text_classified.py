"""pandas with exact types: every cell read as text by pandas' C reader, then Vedette's own statistics of the columns.

What Vedette would be if pandas read its CSV; measured to decide whether pandas belongs into the Lambda zip.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import kit
import pandas as pd
from envelopes import envelopes

from chalicelib.statistics.column import ColumnStatistics


def work(path: str) -> tuple[int, kit.Figures]:
    parts: list[list[ColumnStatistics]] = []
    rows = 0
    for block in envelopes(path):
        columns: list[ColumnStatistics] = []
        for side in ("endpointOutput", "endpointInput"):
            texts = [kit.text(getattr(event.captureData, side)).removesuffix("\n").encode() for event in block]
            frame = pd.read_csv(
                io.BytesIO(b"\n".join(texts)), header=None, dtype=object, keep_default_na=False, na_values=[]
            )
            columns += [ColumnStatistics.of([c or None for c in frame[name].tolist()]) for name in frame.columns]
        rows += len(frame)
        parts.append(columns)
    total = [ColumnStatistics.total(column) for column in zip(*parts, strict=True)]
    return rows, [(c.types.present, c.moments.mean if c.moments.count == c.types.present else None) for c in total]


if __name__ == "__main__":
    kit.contest(work)
