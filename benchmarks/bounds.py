"""Memory and time of hostile and of huge objects, each in a process of its own under an address-space limit of 512 MB.

    python -m benchmarks.bounds [--quick]

It fails when an object takes more than a second a MB, or more than 130 MB.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import repeat

from tests.capture.hostile import HOSTILE

LIMIT = 512 << 20
RECORDS = [{"a": 0.25, "b": "x]", "c": [1, 2, 3], "d": {"e": None, "f": 7}}, {"a": 1, "b": '"y', "d": {"e": 5}}]
LONGEST = 1.0  # CPU seconds for each MB, or for all of an object below it
MOST_MEMORY = 130  # MB of peak RSS


def line(given: str, encoding: str = "CSV", answer: str | None = None) -> bytes:
    data = {"endpointInput": {"data": given, "encoding": encoding}}
    if answer is not None:
        data["endpointOutput"] = {"data": answer, "encoding": "CSV"}
    return json.dumps({"captureData": data}).encode() + b"\n"


def gigabyte_of_rows() -> Iterator[bytes]:
    block = b"".join(line(f"{i},{i / 7},x{i % 9},{i * i}", answer=repr(i / 3)) for i in range(7000))
    return repeat(block, (1 << 30) // len(block))


def different_texts() -> Iterator[bytes]:
    return (b"".join(line(f"user-{i}-{j}") for j in range(1000)) for i in range(1000))


def bomb() -> Iterator[bytes]:
    return repeat(gzip.compress(b"\n" * (8 << 20)), 500)


CASES: dict[str, Callable[[], Iterator[bytes]]] = {
    "1 GB of requests": gigabyte_of_rows,
    "one line of 1 GB": lambda: repeat(b"x" * (1 << 20), 1024),
    "gzip bomb of 4 GB": bomb,
    "a million different texts": different_texts,
    "one request of a million rows": lambda: iter([line("1.25,abc\n" * 1_000_000, answer="7\n" * 1_000_000)]),
    "one request of a million quoted rows": lambda: iter([line('1,"a,b"\n' * 1_000_000)]),
    "one request of a million JSON rows": lambda: iter([line(json.dumps([[0.25, 7]] * 700_000), "JSON")]),
    "one request of 60,000 JSON records": lambda: iter([line(json.dumps({"instances": RECORDS * 30_000}), "JSON")]),
    "two million blank one-column rows": lambda: iter([line("\n" * 2_000_000)]),
    "one answer line for 500,000 rows": lambda: iter([line("1.25\n" * 500_000, answer="0.5," * 499_999 + "1")]),
    "6 MB of quotes": lambda: iter([line('"' * 6_000_000)]),
    "6 MB of brackets": lambda: iter([line("[" * 6_000_000, "JSON")]),
    **{name: lambda make=make: iter([make()]) for name, make in HOSTILE.items()},  # type: ignore[misc]
}


LONG = ("1 GB of requests", "a million different texts")  # left out by --quick


def one(name: str) -> None:
    from chalicelib.capture.summary import summarize

    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in CASES[name]():
            size += len(chunk)
            yield chunk

    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    begin = time.process_time()
    summary = summarize(counted())
    cpu = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {name} | {size / 1e6:.1f} | {cpu:.2f} | {cpu / max(size, 1) * 1e6:.3f} | {peak:.0f} |"
        f" {summary.rows} rows, {summary.rejected or 'nothing rejected'} |",
        flush=True,
    )
    if cpu > LONGEST * max(1.0, size / 1e6) or peak > MOST_MEMORY:
        sys.exit(f"{name}: more than {LONGEST} s a MB, or than {MOST_MEMORY} MB")


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] != "--quick":
        one(sys.argv[1])
    else:
        print("| object | MB | CPU s | s/MB | peak RSS MB | read |\n|---|---|---|---|---|---|", flush=True)
        failed = []
        for case in CASES:
            if "--quick" in sys.argv and case in LONG:
                continue
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.bounds", case],
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                stderr=subprocess.PIPE,
                text=True,
            )
            if done.returncode:
                failed.append(done.stderr.splitlines()[-1])
        print("", *failed or [f"None took more than {LONGEST} s a MB, nor {MOST_MEMORY} MB."], sep="\n")
        sys.exit(bool(failed))
