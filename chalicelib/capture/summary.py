"""One capture object -> one summary; summaries add up.

| input                                           | handled                                  | refused with           |
|-------------------------------------------------|------------------------------------------|------------------------|
| CSV, JSON, JSON lines, each side on its own     | rows: output columns, then input columns | payload is not CSV     |
| BASE64 of these, of any or no content type      | decoded, then by type or content         | payload is not base64  |
| another encoding                                |                                          | unknown encoding       |
| many rows in one request, as many predictions   | paired row by row                        | ... do not pair        |
| input only, output only, batchTransformOutput   | rows of what is there                    | no captured data       |
| groundTruthData beside captured data            | counted in `ground_truth`                | ground truth ...       |
| rows of differing columns in one object         | a table for each layout, at most 32      | too many layouts       |
| objects of differing keys                       | one table; an absent key is missing      |                        |
| CSV with a row of names (a setting)             | its names                                |                        |
| a row of more than 10,000 columns               |                                          | too many columns       |
| image or other binary                           | its media type and size in `opaque`; the |                        |
|                                                 | other side is read                       |                        |
| text features                                   | lengths and words, never the text        |                        |
| error responses                                 | counted in `errors`, in no statistic     |                        |
| golden requests (`vedette-probe`)               | counted in `probes`, in no statistic     |                        |
| test traffic (a setting: a custom attribute)    | counted in `tests`, in no statistic      |                        |
| traffic of a shadow variant                     | counted in `shadows`, in no statistic    |                        |
| batch transform manifest                        |                                          | batch ... manifest     |
| a broken line: cut off, not UTF-8, too deep ... | the rest of the object counts            | line is not JSON, ...  |
| a line of more than 32 MB                       | skipped in bounded memory                | line too long          |
| an object in gzip                               | expanded, up to 100 times                | gzip ...               |

The words of refusal are those of `reasons`.

Types are lexical, so cells are text from beginning to end. No payload ever enters a reason or an exception.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice

import msgspec

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.envelope import as_time, envelopes, is_time
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.lines import Block, blocks, lines_of
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import CapturedRequest, RejectedLine, read_line
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.lengths import Lengths
from chalicelib.statistics.table import Table, sum_of_tables

MAX_REJECTED_RANGES = 20  # byte ranges kept in a summary; all of them are counted
MAX_TABLES = 64  # of a sum
MAX_MEDIA_TYPES = 16
_SUMMARIES_PER_BATCH = 100


class RejectedRange(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Where a line was set aside, and why."""

    start: int
    end: int
    reason: str


_STORED_NAMES = {"rejected": "refused", "rejected_at": "refused_at"}


class CaptureSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_STORED_NAMES):
    """What was captured: counts, times, and the statistics of the rows, one table for each layout of columns.

    Examples
    --------
    >>> one = summarize([b'{"captureData": {"endpointInput": {"data": "1,x", "encoding": "CSV"}}}'])
    >>> two = one + CaptureSummary() + one
    >>> two.events, two.rows, two.tables[0].columns[1].types.string
    (2, 2, 2)
    """

    events: int = 0  # requests whose rows are counted
    rows: int = 0
    rejected: dict[str, int] = {}
    rejected_at: tuple[RejectedRange, ...] = ()  # the first ones; meaningful for a single object
    probes: int = 0
    errors: int = 0
    tests: int = 0
    shadows: int = 0
    ground_truth: int = 0
    opaque: dict[str, Lengths] = {}  # bytes of images and other binary, by media type
    first_inference: datetime | None = None
    last_inference: datetime | None = None
    tables: tuple[Table, ...] = ()
    unlisted_rows: int = 0  # rows of layouts beyond MAX_TABLES

    @classmethod
    def total(cls, summaries: Iterable[CaptureSummary]) -> CaptureSummary:
        """The sum of any number of summaries, taken a hundred at a time so that memory stays flat."""
        remaining = iter(summaries)
        result = cls()
        while batch := list(islice(remaining, _SUMMARIES_PER_BATCH)):
            result = cls._total([result, *batch])
        return result

    @classmethod
    def _total(cls, parts: list[CaptureSummary]) -> CaptureSummary:
        rejected: Counter[str] = Counter()
        for part in parts:
            rejected.update(part.rejected)
        times = [time for part in parts for time in (part.first_inference, part.last_inference) if time is not None]
        tables = sum_of_tables(table for part in parts for table in part.tables)
        listed, unlisted = _most_rows(tables)
        return cls(
            events=sum(part.events for part in parts),
            rows=sum(part.rows for part in parts),
            rejected=dict(sorted(rejected.items())),
            rejected_at=tuple(sorted(at for part in parts for at in part.rejected_at)[:MAX_REJECTED_RANGES]),
            probes=sum(part.probes for part in parts),
            errors=sum(part.errors for part in parts),
            tests=sum(part.tests for part in parts),
            shadows=sum(part.shadows for part in parts),
            ground_truth=sum(part.ground_truth for part in parts),
            opaque=_sizes(item for part in parts for item in part.opaque.items()),
            first_inference=min(times, default=None),
            last_inference=max(times, default=None),
            tables=listed,
            unlisted_rows=unlisted + sum(part.unlisted_rows for part in parts),
        )

    def __add__(self, other: CaptureSummary) -> CaptureSummary:
        return CaptureSummary.total((self, other))

    @property
    def lines(self) -> int:
        """Every line that was not blank."""
        return self.events + self.probes + self.tests + self.errors + self.shadows + self.rejected_lines

    @property
    def rejected_lines(self) -> int:
        """Lines that could not be read."""
        return sum(self.rejected.values())


def summarize(
    chunks: Iterable[bytes],
    *,
    options: CaptureOptions = DEFAULT_OPTIONS,
    on_rejected: Callable[[RejectedLine], None] | None = None,
) -> CaptureSummary:
    """Summarize one capture object, given as bytes in chunks; `on_rejected` sees every line set aside, raw.

    The cycle collector pauses: nothing here makes cycles, and it would walk over every cell held, again and again.
    """
    counting = _Counting(options, on_rejected or (lambda line: None))
    end = 0
    collecting = gc.isenabled()
    gc.disable()
    try:
        for block in blocks(decompress(chunks), options.max_line_bytes):
            counting.read(block)
            counting.batch.count_bytes(block.end - block.start)
            end = block.end
    except RejectedRecord as rejected:  # what gzip held beyond this place
        counting.reject(RejectedLine(end, end, rejected.reason, b""))
    finally:
        if collecting:
            gc.enable()
    return counting.summary()


class _Counting:
    """A summary in the making."""

    def __init__(self, options: CaptureOptions, on_rejected: Callable[[RejectedLine], None]) -> None:
        self.options = options
        self.on_rejected = on_rejected
        self.batch = BatchAccumulator(options.max_layouts, options.max_columns)
        self.plain = VectorizedBlockReader(options, self.batch)
        self.counts: Counter[str] = Counter()
        self.rejected: Counter[RejectionReason] = Counter()
        self.rejected_at: list[RejectedRange] = []
        self.sizes: dict[str, Lengths] = {}
        self.first: datetime | None = None
        self.last: datetime | None = None

    def read(self, block: Block) -> None:
        """Count a block: what is plain at once, the rest line by line."""
        decoded = None
        if block.data is not None and block.data.isspace():
            return
        if block.data is not None and len(block.data) <= self.options.max_line_bytes:
            decoded = envelopes(block.data)
        if decoded is None:
            for start, end, line in lines_of(block, self.options.max_line_bytes):
                self._take(read_line(start, end, line, self.options))
            return
        remaining, times = self.plain.read(decoded)
        self.counts["events"] += len(decoded) - len(remaining)
        del decoded  # a large request is decoded once more by itself
        self._times(times)
        if remaining:
            lines = list(lines_of(block, self.options.max_line_bytes))
            for index in remaining:
                self._take(read_line(*lines[index], self.options))

    def reject(self, line: RejectedLine) -> None:
        self.rejected[line.reason] += 1
        if len(self.rejected_at) < MAX_REJECTED_RANGES:
            self.rejected_at.append(RejectedRange(line.start, line.end, line.reason.value))
        self.on_rejected(line)

    def _take(self, item: CapturedRequest | RejectedLine | None) -> None:
        if isinstance(item, RejectedLine):
            self.reject(item)
        elif item is not None and item.kind != "rows":
            self.counts[item.kind] += 1
        elif item is not None:
            self._rows(item)

    def _rows(self, request: CapturedRequest) -> None:
        """Count a request, or refuse it when it brings one layout too many."""
        batch = self.batch
        for outputs, names in {(outputs, names) for outputs, names, _ in request.rows}:
            if not batch.has_room_for(names[:outputs], names[outputs:]):
                self.reject(RejectedLine(request.start, request.end, RejectionReason.TOO_MANY_LAYOUTS, request.line))
                return
        for outputs, names, cells in request.rows:
            batch.append(names[:outputs], names[outputs:], cells[:outputs], cells[outputs:], "text")
        self.counts["events"] += 1
        self.counts["ground_truth"] += request.envelope.groundTruthData is not None
        self.sizes = _sizes([*self.sizes.items(), *((kind, Lengths.one(size)) for kind, size in request.opaque)])
        self._times({request.envelope.inference_time})

    def _times(self, texts: set[str]) -> None:
        times = [time for text in texts if is_time(text) and (time := as_time(text)) is not None]
        if times:
            self.first = min([*times, self.first] if self.first else times)
            self.last = max([*times, self.last] if self.last else times)

    def summary(self) -> CaptureSummary:
        tables = self.batch.tables()
        return CaptureSummary(
            events=self.counts["events"],
            rows=sum(table.rows for table in tables),
            rejected={reason.value: count for reason, count in sorted(self.rejected.items())},
            rejected_at=tuple(self.rejected_at),
            probes=self.counts["probe"],
            errors=self.counts["error"],
            tests=self.counts["test"],
            shadows=self.counts["shadow"],
            ground_truth=self.counts["ground_truth"],
            opaque=self.sizes,
            first_inference=self.first,
            last_inference=self.last,
            tables=tables,
        )


def _sizes(items: Iterable[tuple[str, Lengths]]) -> dict[str, Lengths]:
    """Sizes added up by media type, "other" standing for those beyond the first ones."""
    total: dict[str, Lengths] = {}
    for kind, sizes in items:
        name = kind if kind in total or len(total) < MAX_MEDIA_TYPES else "other"
        total[name] = total.get(name, Lengths()) + sizes
    return total


def _most_rows(tables: tuple[Table, ...]) -> tuple[tuple[Table, ...], int]:
    """The tables with the most rows, and how many rows the others had."""
    if len(tables) <= MAX_TABLES:
        return tables, 0
    ranked = sorted(tables, key=lambda table: (-table.rows, table.layout))
    kept = {table.layout for table in ranked[:MAX_TABLES]}
    return (
        tuple(table for table in tables if table.layout in kept),
        sum(table.rows for table in ranked[MAX_TABLES:]),
    )
