"""What one window costs: 10,000 parts of 30 features summed and judged; CPU, memory, and S3's requests counted apart.

    python -m benchmarks.windows [--parts 10000] [--rows 20]

The parts are made of captured lines, decoded from the bytes that S3 keeps, and summed as `run_monitoring` does: five
minutes at a time into roll-ups, and those into the window. The levels: 10 s of CPU and 512 MB for the evaluation.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from chalicelib import records
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.column_alignment import aligned_table
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import write_violations
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.parts import Part
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import write_statistics
from chalicelib.statistics.table import Table

FEATURES, SLOTS = 30, 12
MOST_SECONDS, MOST_MEGABYTES = 10.0, 512


def row(draw: random.Random) -> list[str]:
    """Continuous, whole and text features."""
    numbers = [f"{draw.gauss(20, 5):.3f}" for _ in range(18)]
    return [*numbers, *(str(draw.randint(0, 90)) for _ in range(7)), *(draw.choice("abcde") for _ in range(5))]


def stored_parts(count: int, rows: int) -> list[bytes]:
    """Parts as S3 keeps them."""
    draw = random.Random(1)
    parts = []
    for number in range(count):
        lines = []
        for _ in range(rows):
            data = {"data": ",".join(row(draw)), "encoding": "CSV", "observedContentType": "text/csv", "mode": "INPUT"}
            lines.append(json.dumps({"captureData": {"endpointInput": data}, "eventVersion": "0"}) + "\n")
        summary = summarize(["".join(lines).encode()])
        part = Part(
            endpoint="site", variant="v", bucket="b", key=f"k{number}", etag="e", size=1, summary=summary,
            begun=datetime(2026, 3, 2, 9, tzinfo=UTC),
        )  # fmt: skip
        parts.append(records.write(part))
    return parts


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=20)
    asked = parser.parse_args(arguments)
    draw = random.Random(2)
    names = tuple(f"f{i}" for i in range(FEATURES))
    table = Table.of([row(draw) for _ in range(6000)], names, k=BASELINE_K)
    baseline = Baseline(constraints=suggested_constraints(table), statistics=table)
    contents = stored_parts(asked.parts, asked.rows)
    kept = sum(map(len, contents)) / 1e6
    before = peak_megabytes()

    began = time.process_time()
    size = -(-asked.parts // SLOTS)
    rolled = [
        CaptureSummary.total(records.read(Part, content, "x").summary for content in contents[start : start + size])
        for start in range(0, asked.parts, size)
    ]
    summing = time.process_time() - began
    began = time.process_time()
    summary = CaptureSummary.total(rolled)
    evaluation = evaluate(summary, baseline, hours=1)
    named = aligned_table(summary.tables, baseline.constraints)
    if named is not None:
        write_statistics(named)
    write_violations(evaluation.violations)
    judging = time.process_time() - began

    print(f"{asked.parts:,} parts of {asked.rows} rows x {FEATURES} features, {kept:.0f} MB; {summary.rows:,} rows.")
    print(f"roll-ups, as the parts come: {summing:.2f} s of CPU ({1000 * summing / asked.parts:.2f} ms a part)")
    print(f"window of {len(rolled)} roll-ups, evaluated and written: {judging:.2f} s of CPU")
    print(f"both: {summing + judging:.2f} s (level {MOST_SECONDS:.0f} s)")
    print(f"peak of the process: {peak_megabytes():.0f} MB, of which {before:.0f} MB hold this benchmark's own input")
    print(f"S3 apart: {asked.parts:,} GET and {SLOTS} PUT for the roll-ups; {SLOTS} GET for the window")
    print(f"verdict {evaluation.verdict}, {len(evaluation.measurements)} values measured")
    return 0 if summing + judging <= MOST_SECONDS and peak_megabytes() <= MOST_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
