"""What every contestant shares: its stopwatch, its envelope, and the figures that all must agree on."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Figures = list[tuple[int, float | None]]  # of each column: cells present, mean when every cell is a number


def chunks(path: str, size: int = 1 << 19) -> Iterator[bytes]:
    with Path(path).open("rb") as file:
        while chunk := file.read(size):
            yield chunk


def contest(work: Callable[[str], tuple[int, Figures]]) -> None:
    """Time the work on the file named on the command line; imports lie before this call."""
    imported = time.process_time()
    wall = time.perf_counter()
    rows, columns = work(sys.argv[1])
    wall = time.perf_counter() - wall
    cpu = time.process_time() - imported
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clean = [(int(count), None if mean is None or not math.isfinite(mean) else float(mean)) for count, mean in columns]
    print(
        json.dumps({"import": imported, "cpu": cpu, "wall": wall, "peak_mb": peak, "rows": int(rows), "columns": clean})
    )


def text(side: Any) -> str:
    if side.encoding != "BASE64":
        return str(side.data)
    from binascii import a2b_base64

    return a2b_base64(side.data).decode()


def json_rows(given: str, answer: str) -> list[dict[str, Any]]:
    """The rows of one JSON request, flat."""
    asked, answered = json.loads(given), json.loads(answer)
    rows = []
    for one, other in zip(asked.get("instances", [asked]), answered.get("predictions", [answered]), strict=True):
        row: dict[str, Any] = {}
        for key, value in {**other, **one}.items():
            row |= {f"{key}.{i}": item for i, item in enumerate(value)} if isinstance(value, list) else {key: value}
        rows.append(row)
    return rows


def of_frame(frame: Any, describe: Any) -> Figures:
    """The figures of a pandas frame and its describe()."""
    means = describe.loc["mean"].to_dict() if "mean" in describe.index else {}
    return [(int(frame[name].count()), means.get(name)) for name in frame.columns]
