"""Vedette: every guard on, types lexical and exact, sketches that add up."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import kit

from chalicelib.capture.summary import summarize


def work(path: str) -> tuple[int, kit.Figures]:
    summary = summarize(kit.chunks(path))
    (table,) = summary.tables
    figures = [
        (column.types.present, column.moments.mean if column.moments.count == column.types.present else None)
        for column in table.columns
    ]
    return summary.rows, figures


if __name__ == "__main__":
    kit.contest(work)
