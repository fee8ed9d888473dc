"""How large a part is, and what adding up 10,000 parts of 30 features costs; S3 requests are counted apart (none here).

python -m benchmarks.sums [--quick]
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator

import msgspec

from benchmarks.captures import as_csv, features
from chalicelib.capture.summary import CaptureSummary, summarize

PARTS, DIFFERENT = 10_000, 20


def part(rng: random.Random) -> bytes:
    rows = [row[:22] + row[:8] for row in (features(rng) for _ in range(1000))]  # 30 numeric features
    side = {"data": as_csv(rows), "encoding": "CSV"}
    return msgspec.json.encode(summarize([json.dumps({"captureData": {"endpointInput": side}}).encode()]))


def main() -> None:
    rng = random.Random(1)
    count = PARTS // 10 if "--quick" in sys.argv else PARTS
    stored = [part(rng) for _ in range(DIFFERENT)]
    tables = [msgspec.json.decode(one, type=CaptureSummary).tables[0] for one in stored]
    columns = [column for table in tables for column in table.columns]
    sizes = [len(msgspec.json.encode(column)) for column in columns]
    begin = time.process_time()
    summaries: Iterator[CaptureSummary] = (
        msgspec.json.decode(stored[i % DIFFERENT], type=CaptureSummary) for i in range(count)
    )
    total = CaptureSummary.total(summaries)
    cpu = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    mean = sum(sizes) // len(sizes)
    print(
        f"{max(sizes)} bytes for the largest numeric feature at 1,000 rows ({len(sizes)} looked at), {mean} on average"
    )
    print()
    print(f"{count} parts of 30 features ({total.rows} rows): {cpu:.1f} s CPU, {peak:.0f} MB peak RSS")


if __name__ == "__main__":
    main()
