"""What the window of a day costs when it has 240,000 parts: the size of its record, the memory and CPU of its sum.

    python -m benchmarks.day_window [--parts 240000]

The parts lie in a bucket that makes what is read at the moment when it is read, so that the process holds what the
function would hold and nothing else: their keys, one roll-up after the other, and the sum. Every slot of five minutes
has its roll-up, but for the last three, whose parts are read one by one. The levels: a record of 300 kB, 512 MB.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from benchmarks.windows import FEATURES, row, stored_parts
from chalicelib import locations, records
from chalicelib.aws.s3 import Bucket, ListedObject
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, Stores
from chalicelib.locations import ROLLUP_LENGTH
from chalicelib.parts import Part, RollUp
from chalicelib.records import FleetEntry
from chalicelib.services import aggregation, execution_recording
from chalicelib.services.execution_recording import Evaluated
from chalicelib.settings import from_environment
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.table import Table
from chalicelib.stores.baselines import VersionedBaseline
from chalicelib.stores.parts import PartStore
from chalicelib.window import DAY, Window

MOST_KILOBYTES, MOST_MEGABYTES = 300, 512
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
SLOTS = DAY // ROLLUP_LENGTH
WITHOUT_ROLLUP = 3  # the last slots


@dataclass(frozen=True)
class DayBucket(Bucket):
    """The parts of a day and their roll-ups, made when they are read."""

    parts: int = 0
    part: bytes = b""  # the content of every part
    of_slot: bytes = b""  # the summary of every roll-up

    def list_objects(self, prefix: str, *, after: str = "", until: str = "") -> Iterator[ListedObject]:
        for slot in range(SLOTS):
            for key in self._keys(slot):
                if key.startswith(prefix) and after <= key < until:
                    yield ListedObject(key, "e", 1, MIDNIGHT)

    def _keys(self, slot: int) -> list[str]:
        begin = MIDNIGHT + slot * ROLLUP_LENGTH
        root = locations.parts_of_hour("site", "AllTraffic", begin)
        count = self.parts * (slot + 1) // SLOTS - self.parts * slot // SLOTS
        name = "{minute:02d}-00-000-{number:08d}-0000-4000-8000-000000000000.jsonl.json"
        return [root + name.format(minute=begin.minute, number=number) for number in range(count)]

    def get_record(self, kind: Any, key: str) -> Any:
        if kind is Part:
            return records.read(Part, self.part, key)
        begin = datetime.strptime(key.removesuffix(".json")[-16:], "%Y/%m/%d/%H/%M").replace(tzinfo=UTC)
        slot = (begin - MIDNIGHT) // ROLLUP_LENGTH
        if slot >= SLOTS - WITHOUT_ROLLUP:
            return None
        summary = msgspec.json.decode(self.of_slot, type=CaptureSummary)
        keys = tuple(self._keys(slot))
        stored = records.write(
            RollUp(endpoint="site", variant="AllTraffic", start=begin, end=begin + ROLLUP_LENGTH, parts=keys,
                   summary=summary)
        )  # fmt: skip
        return records.read(RollUp, stored, key)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", type=int, default=240_000)
    asked = parser.parse_args(arguments)
    draw = random.Random(2)
    names = tuple(f"f{number}" for number in range(FEATURES))
    table = Table.of([row(draw) for _ in range(6000)], names, k=BASELINE_K)
    baseline = VersionedBaseline("v1", Baseline(constraints=suggested_constraints(table), statistics=table))
    contents = stored_parts(20, 20)
    of_slot = CaptureSummary.total(records.read(Part, content, "x").summary for content in contents)
    bucket = DayBucket("b", "", asked.parts, contents[0], msgspec.json.encode(of_slot))
    run = EndpointRun(FleetEntry(endpoint="site"), MIDNIGHT + DAY, Deadline.never(), _stores(bucket))
    before = _peak()

    began = time.process_time()
    window = Window(MIDNIGHT, timedelta(days=1))
    keys = run.stores.parts.keys("site", "AllTraffic", window.start, window.end)
    added = aggregation.window_sum(run, "AllTraffic", keys)
    evaluation = evaluate(added.summary, baseline.content, hours=24)
    evaluated = Evaluated("AllTraffic", window, added, evaluation, baseline)
    execution = execution_recording.execution_of(run, evaluated, "monitoring/x/", "1", closed=True)
    kilobytes, seconds = len(records.write(execution)) / 1000, time.process_time() - began

    print(f"{len(keys):,} parts, {len(added.rollups)} roll-ups and {len(added.parts):,} parts outside them")
    print(f"record: {kilobytes:.0f} kB (level {MOST_KILOBYTES})")
    print(f"peak of the process: {_peak():.0f} MB (level {MOST_MEGABYTES}), of which {before:.0f} MB before it began")
    print(f"listed, added up, evaluated: {seconds:.1f} s of CPU, of which this benchmark's bucket takes a part")
    return 0 if kilobytes <= MOST_KILOBYTES and _peak() <= MOST_MEGABYTES else 1


def _stores(bucket: Bucket) -> Stores:
    topic = "arn:aws:sns:eu-west-1:123456789012:vedette-local"
    stage = {"VEDETTE_STAGE": "local", "VEDETTE_BUCKET": "b", "VEDETTE_TABLE": "t", "VEDETTE_TOPIC_ARN": topic}
    return replace(Stores.of(from_environment(stage)), parts=PartStore(bucket))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
