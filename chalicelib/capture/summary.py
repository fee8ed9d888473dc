"""One capture object -> one summary; summaries add up.

| input                                           | result                                   | rejected with           |
|-------------------------------------------------|------------------------------------------|-------------------------|
| CSV, JSON, JSON lines, each side on its own     | rows: output columns, then input columns | PAYLOAD_NOT_CSV, ...    |
| BASE64 of these, of any or no content type      | decoded, then by type or content         | BAD_BASE64              |
| another encoding                                |                                          | UNKNOWN_ENCODING        |
| many rows in one request, as many predictions   | paired row by row                        | UNPAIRED                |
| input only, output only, batchTransformOutput   | rows of that side                        | NO_CAPTURE_DATA         |
| groundTruthData beside captured data            | counted in `ground_truth`                | GROUND_TRUTH_ONLY       |
| rows of differing columns in one object         | a table for each layout, at most 32      | TOO_MANY_LAYOUTS        |
| objects of differing keys                       | one table; an absent key is missing      |                         |
| CSV with a row of names (an option)             | its names                                |                         |
| a row of more than 10,000 columns               |                                          | TOO_MANY_COLUMNS        |
| image or other binary                           | its media type and size in `opaque`; the |                         |
|                                                 | other side is read                       |                         |
| JSON tables by column, tensors                  | see `json_tables`                        |                         |
| what belongs to none of the rows of a request   | its key in `left_out`                    |                         |
| text/event-stream                               |                                          | EVENT_STREAM            |
| CSV that begins with a row of names             | the other side has a row less            | HEADER_ROW              |
| text features                                   | lengths and words, never the text        |                         |
| error responses                                 | counted in `errors`, in no statistic     |                         |
| golden requests (`vedette-probe`)               | counted in `probes`, in no statistic     |                         |
| test traffic (an option: a custom attribute)    | counted in `tests`, in no statistic      |                         |
| traffic of a shadow variant                     | counted in `shadows`, in no statistic    |                         |
| batch transform manifest                        |                                          | BATCH_MANIFEST          |
| a broken line: cut off, not UTF-8, too deep ... | the rest of the object counts            | NOT_JSON, NOT_UTF8, ... |
| a line of more than 32 MB                       | skipped in bounded memory                | LINE_TOO_LONG           |
| an output of a batch transform, with its input  | see `transform_reader`                   | INPUT_GONE, ...         |
| an object in gzip                               | expanded, up to 100 times                | BAD_GZIP, GZIP_BOMB     |

Types are lexical, so cells are text from beginning to end. No payload ever enters a reason or an exception.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.envelope import RequestKind, parse_time
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.lines import blocks
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import RecordReader
from chalicelib.capture.row_reader import ReadResult, RejectedLine, RowReader
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.lengths import Lengths
from chalicelib.statistics.table import Table, sum_of_tables

MAX_REJECTED_RANGES = 20  # in a summary; all rejected lines are counted
MAX_TABLES = 64  # of a sum
MAX_MEDIA_TYPES = 16
MAX_LEFT_OUT_KEYS = 16
_SUMMARIES_PER_BATCH = 100
_STORED_NAMES = {"rejected": "refused", "rejected_at": "refused_at"}


class RejectedRange(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The byte range of a rejected line, and the reason."""

    start: int
    end: int
    reason: str


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
    rejected: dict[str, int] = {}  # lines, by the values of RejectionReason
    rejected_at: tuple[RejectedRange, ...] = ()  # the first ones; meaningful for a single object
    probes: int = 0
    errors: int = 0
    tests: int = 0
    shadows: int = 0
    ground_truth: int = 0
    opaque: dict[str, Lengths] = {}  # bytes of images and other binary, by side and media type: "input image/png"
    left_out: dict[str, int] = {}  # requests, by the keys of what belonged to none of their rows
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
            left_out=_counted_keys(item for part in parts for item in part.left_out.items()),
            first_inference=min(times, default=None),
            last_inference=max(times, default=None),
            tables=listed,
            unlisted_rows=unlisted + sum(part.unlisted_rows for part in parts),
        )

    def __add__(self, other: CaptureSummary) -> CaptureSummary:
        return CaptureSummary.total((self, other))

    @property
    def lines(self) -> int:
        """Lines that were not blank."""
        return self.events + self.probes + self.tests + self.errors + self.shadows + self.rejected_lines

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last inference; None when no request has a time."""
        first, last = self.first_inference, self.last_inference
        return None if first is None or last is None else (first, last)

    @property
    def unread(self) -> tuple[str, ...]:
        """What was captured beside the rows, one sentence each without a full stop; keys are as they were sent.

        Examples
        --------
        >>> CaptureSummary(opaque={"input image/png": Lengths.single(9)}, left_out={"classes": 2}).unread
        ('1 input is image/png, not tabular', 'left out: classes (2 requests)')
        """
        found = [_opaque_sentence(kind, sizes.count) for kind, sizes in self.opaque.items()]
        keys = [f"{key} ({count} request{'' if count == 1 else 's'})" for key, count in self.left_out.items()]
        return (*found, f"left out: {', '.join(keys)}") if keys else tuple(found)

    @property
    def rejected_lines(self) -> int:
        """Lines that could not be read."""
        return sum(self.rejected.values())


def summarize(
    chunks: Iterable[bytes],
    *,
    options: CaptureOptions = DEFAULT_OPTIONS,
    on_rejected: Callable[[RejectedLine], None] = lambda line: None,
    readers: Sequence[Callable[[CaptureOptions, BatchAccumulator], RowReader]] = (VectorizedBlockReader, RecordReader),
) -> CaptureSummary:
    """Summarize one capture object.

    The cycle collector pauses: nothing here makes cycles, and it would visit every cell in memory again and again.

    Parameters
    ----------
    chunks
        The bytes of the object, in chunks of any size; in gzip or not.
    on_rejected
        Called with every rejected line.
    readers
        Each one reads the lines of a block that those before it left; the last one leaves none.
    """
    counts = _Counts(on_rejected)
    batch = BatchAccumulator(options)
    stages = [reader(options, batch) for reader in readers]
    end = 0
    collecting = gc.isenabled()
    gc.disable()
    try:
        for block in blocks(decompress(chunks), options.max_line_bytes):
            left_over: Sequence[int] | None = None
            for stage in stages:
                result = stage.read(block, left_over)
                counts.add(result)
                left_over = result.left_over
            batch.count_bytes(block.end - block.start)
            end = block.end
    except RejectedRecord as rejected:  # the rest of the gzip stream
        counts.reject(RejectedLine(end, end, rejected.reason, b""))
    finally:
        if collecting:
            gc.enable()
    return counts.summary(batch.tables())


class _Counts:
    """What is counted beside the tables of an object."""

    def __init__(self, on_rejected: Callable[[RejectedLine], None]) -> None:
        self._on_rejected = on_rejected
        self._requests: Counter[RequestKind] = Counter()
        self._ground_truth = 0
        self._rejected: Counter[str] = Counter()
        self._rejected_at: list[RejectedRange] = []
        self._opaque: dict[str, Lengths] = {}
        self._left_out: dict[str, int] = {}
        self._times: list[datetime] = []  # the first and the last one so far

    def add(self, result: ReadResult) -> None:
        self._requests.update(result.requests)
        self._ground_truth += result.ground_truth
        if result.opaque:
            sizes = ((f"{side} {one.media_type}".strip(), Lengths.single(one.bytes)) for side, one in result.opaque)
            self._opaque = _sizes([*self._opaque.items(), *sizes])
        if result.left_out:
            self._left_out = _counted_keys([*self._left_out.items(), *result.left_out.items()])
        self._times += filter(None, map(parse_time, result.inference_times))
        self._times = [min(self._times), max(self._times)] if self._times else []
        for line in result.rejected:
            self.reject(line)

    def reject(self, line: RejectedLine) -> None:
        self._rejected[line.reason.value] += 1
        if len(self._rejected_at) < MAX_REJECTED_RANGES:
            self._rejected_at.append(RejectedRange(line.start, line.end, line.reason.value))
        self._on_rejected(line)

    def summary(self, tables: tuple[Table, ...]) -> CaptureSummary:
        return CaptureSummary(
            events=self._requests[RequestKind.ROWS],
            rows=sum(table.rows for table in tables),
            rejected=dict(sorted(self._rejected.items())),
            rejected_at=tuple(self._rejected_at),
            probes=self._requests[RequestKind.PROBE],
            errors=self._requests[RequestKind.ERROR],
            tests=self._requests[RequestKind.TEST],
            shadows=self._requests[RequestKind.SHADOW],
            ground_truth=self._ground_truth,
            opaque=self._opaque,
            left_out=self._left_out,
            first_inference=min(self._times, default=None),
            last_inference=max(self._times, default=None),
            tables=tables,
        )


def _sizes(items: Iterable[tuple[str, Lengths]]) -> dict[str, Lengths]:
    """Sizes added up by media type; types beyond MAX_MEDIA_TYPES are added to "other"."""
    total: dict[str, Lengths] = {}
    for kind, sizes in items:
        name = kind if kind in total or len(total) < MAX_MEDIA_TYPES else "other"
        total[name] = total.get(name, Lengths()) + sizes
    return total


def _opaque_sentence(kind: str, count: int) -> str:
    side, _, media_type = kind.partition(" ")
    if side not in ("input", "output"):  # a part from before the side was stored
        side, media_type = "payload", kind
    are = f"1 {side} is" if count == 1 else f"{count} {side}s are"
    return f"{are} {media_type or 'of no known type'}, not tabular"


def _counted_keys(items: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts added up by key, in the order of the keys; keys beyond MAX_LEFT_OUT_KEYS are added to "other"."""
    total: dict[str, int] = {}
    for key, count in items:
        name = key if key in total or len(total) < MAX_LEFT_OUT_KEYS else "other"
        total[name] = total.get(name, 0) + count
    return dict(sorted(total.items()))


def _most_rows(tables: tuple[Table, ...]) -> tuple[tuple[Table, ...], int]:
    """The tables with the most rows, and how many rows the others had."""
    if len(tables) <= MAX_TABLES:
        return tables, 0
    ranked = sorted(tables, key=lambda table: (-table.rows, table.layout))
    largest = {table.layout for table in ranked[:MAX_TABLES]}
    listed = tuple(table for table in tables if table.layout in largest)
    return listed, sum(table.rows for table in ranked[MAX_TABLES:])
