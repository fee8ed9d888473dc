"""whylogs: json.loads, read_csv, one profile of the whole object; its view adds up."""

from __future__ import annotations

import kit
import whylogs
from pandas_describe import frame_of


def work(path: str) -> tuple[int, kit.Figures]:
    frame = frame_of(path)
    frame.columns = [str(name) for name in frame.columns]
    columns = whylogs.log(pandas=frame).view().get_columns()
    figures: kit.Figures = []
    for name in frame.columns:
        found = columns[name].to_summary_dict()
        present = found["counts/n"] - found["counts/null"]
        numeric = found["types/integral"] + found["types/fractional"] == present
        figures.append((present, found["distribution/mean"] if numeric else None))
    return len(frame), figures


if __name__ == "__main__":
    kit.contest(work)
