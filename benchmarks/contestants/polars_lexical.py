"""polars at the same work as Vedette: every cell read as text and classified by Deequ's patterns."""

from __future__ import annotations

import kit
from polars_inferred import frame_of, measured


def work(path: str) -> tuple[int, kit.Figures]:
    return measured(frame_of(path, lexical=True), lexical=True)


if __name__ == "__main__":
    kit.contest(work)
