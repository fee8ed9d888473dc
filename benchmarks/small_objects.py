"""CPU of small objects: the reader that is chosen, against the better of the two.

    python -m benchmarks.small_objects [--rounds 9]

It fails when an object takes longer than its level allows. Process CPU, in one process; the three ways take turns.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks import captures
from benchmarks.levels import Level, machine, table
from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.summary import summarize

REQUESTS = (10, 50, 200, 1_000)
LEAST = 0.95  # times the speed of the better reader
BYTES_A_TURN = 400_000  # of an object that is read again and again, so that a turn is long enough to be timed
WAYS = {
    "one by one": partial(summarize, readers=(RecordReader,)),
    "at once": partial(summarize, readers=(partial(VectorizedBlockReader, min_requests=0), RecordReader)),
    "chosen": summarize,
}


def seconds(way: str, content: bytes) -> float:
    """CPU seconds of one object."""
    times = max(1, BYTES_A_TURN // len(content))
    begun = time.process_time()
    for _ in range(times):
        WAYS[way]([content])
    return (time.process_time() - begun) / times


def speed(content: bytes, rounds: int) -> list[float]:
    """In each round, how many times as fast as the better reader the chosen one was."""
    found = []
    for turn in range(rounds + 1):
        order = list(WAYS)[turn % len(WAYS) :] + list(WAYS)[: turn % len(WAYS)]
        cpu = {way: seconds(way, content) for way in order}
        found.append(min(cpu["one by one"], cpu["at once"]) / cpu["chosen"])
    return found[1:]  # the first round warms up


def main() -> None:
    """Measure, print, and fail when a level is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    levels = []
    for shape in captures.SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "captured.jsonl"
            captures.write(shape, max(REQUESTS), path)
            lines = path.read_bytes().splitlines(keepends=True)
        for count in REQUESTS:
            levels.append(Level(f"{shape}, {count} requests", speed(b"".join(lines[:count]), given.rounds), LEAST))
            print(levels[-1].row(), file=sys.stderr, flush=True)
    print(machine(), "", *table(levels), sep="\n")
    sys.exit(not all(level.reached for level in levels))


if __name__ == "__main__":
    main()
