"""CPU of tables in JSON, by column and by row, against pandas.

    python -m benchmarks.json_tables [--rounds 7]

It fails when a shape is read less than LEAST times as fast as pandas reads it. pandas works as its users would:
json.loads of each line and payload, a DataFrame of each request, concat, describe. Process CPU, in one process; both
take turns.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.levels import Level, machine, table
from chalicelib.capture.summary import summarize

REQUESTS, ROWS, COLUMNS = 1_000, 10, 8
LEAST = 3.0
Columns = dict[str, list[Any]]


def _by_index(columns: Columns) -> dict[str, dict[str, Any]]:
    return {
        str(at): dict(zip(columns, cells, strict=True)) for at, cells in enumerate(zip(*columns.values(), strict=True))
    }


# Each with the document of a request, and how pandas makes a frame of it again.
SHAPES: dict[str, tuple[Callable[[Columns], Any], Callable[[Any], pd.DataFrame]]] = {
    "list": (lambda columns: columns, pd.DataFrame),
    "inputs": (lambda columns: {"inputs": columns}, lambda document: pd.DataFrame(document["inputs"])),
    "dataframe_records": (
        lambda columns: {"dataframe_records": list(_by_index(columns).values())},
        lambda document: pd.DataFrame(document["dataframe_records"]),
    ),
    "dataframe_split": (
        lambda columns: {
            "dataframe_split": {"columns": list(columns), "data": list(zip(*columns.values(), strict=True))}
        },
        lambda document: pd.DataFrame(**document["dataframe_split"]),
    ),
    "index": (_by_index, lambda document: pd.DataFrame.from_dict(document, orient="index")),
    "tensors": (
        lambda columns: {
            "inputs": [{"name": name, "shape": [ROWS], "datatype": "FP64", "data": columns[name]} for name in columns]
        },
        lambda document: pd.DataFrame({tensor["name"]: tensor["data"] for tensor in document["inputs"]}),
    ),
}


def captured(shape: str) -> bytes:
    """A capture object of requests of a shape; half of the columns are numbers, half are texts."""
    draw = random.Random(1)
    made = SHAPES[shape][0]
    lines = []
    for _ in range(REQUESTS):
        columns: Columns = {
            f"c{at}": [draw.random() if at % 2 else f"t{draw.randint(0, 50)}" for _ in range(ROWS)]
            for at in range(COLUMNS)
        }
        sides = {
            "endpointInput": made(columns),
            "endpointOutput": {"predictions": [draw.random() for _ in range(ROWS)]},
        }
        data = {name: {"data": json.dumps(one), "encoding": "JSON"} for name, one in sides.items()}
        lines.append(json.dumps({"captureData": data, "eventMetadata": {}}))
    return "\n".join(lines).encode()


def of_pandas(shape: str, content: bytes) -> None:
    """The statistics that pandas has of an object."""
    frames = []
    for line in content.splitlines():
        data = json.loads(line)["captureData"]
        frame = SHAPES[shape][1](json.loads(data["endpointInput"]["data"]))
        frame.insert(0, "prediction", json.loads(data["endpointOutput"]["data"])["predictions"])
        frames.append(frame)
    pd.concat(frames).describe(include="all")


def times_pandas(shape: str, rounds: int) -> list[float]:
    """In each round, how many times as fast as pandas Vedette was."""
    content = captured(shape)
    found = []
    for _ in range(rounds + 1):
        begun = time.process_time()
        of_pandas(shape, content)
        middle = time.process_time()
        rows = summarize([content]).rows
        if rows != REQUESTS * ROWS:
            sys.exit(f"{shape}: {rows} rows instead of {REQUESTS * ROWS}")
        found.append((middle - begun) / (time.process_time() - middle))
    return found[1:]  # the first round warms up


def main() -> None:
    """Measure, print, and fail when a level is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    levels = [Level(f"{shape}: times pandas", times_pandas(shape, rounds), LEAST) for shape in SHAPES]
    print(machine(), "", *table(levels), sep="\n")
    sys.exit(not all(level.reached for level in levels))


if __name__ == "__main__":
    main()
