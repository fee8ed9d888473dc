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
| a row of more than 10,000 columns               |                                          | too many columns       |
| image or other binary beside a readable side    | counted in `opaque`, the other side read | payload is not tabular |
| error responses                                 | counted in `errors`, in no statistic     |                        |
| golden requests (`vedette-probe`)               | counted in `probes`, in no statistic     |                        |
| traffic of a shadow variant                     | counted in `shadows`, in no statistic    |                        |
| batch transform manifest                        |                                          | batch ... manifest     |
| a broken line: cut off, not UTF-8, too deep ... | the rest of the object counts            | line is not JSON, ...  |
| a line of more than 32 MB                       | skipped in bounded memory                | line too long          |

The words of refusal are those of `reasons`.

Types are lexical, so cells are text from beginning to end. No payload ever enters a reason or an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice

import msgspec

from chalicelib.capture import reasons
from chalicelib.capture.envelope import as_time
from chalicelib.capture.reading import DEFAULTS, CapturedRequest, Options, RefusedLine, captured_requests
from chalicelib.statistics.table import Table, sum_of_tables

MOST_REFUSALS = 20  # byte ranges kept in a summary; all of them are counted
MOST_TABLES = 64  # of a sum
_SUMMARIES_AT_ONCE = 100
_CELLS_AT_ONCE = 250_000  # rows held before they are turned into statistics: about 20 MB


class Refusal(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Where a line was set aside, and why."""

    start: int
    end: int
    reason: str


class CaptureSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    refused: dict[str, int] = {}
    refused_at: tuple[Refusal, ...] = ()  # the first ones; meaningful for a single object
    probes: int = 0
    errors: int = 0
    shadows: int = 0
    ground_truth: int = 0
    opaque: int = 0
    first_inference: datetime | None = None
    last_inference: datetime | None = None
    tables: tuple[Table, ...] = ()
    unlisted_rows: int = 0  # rows of layouts beyond MOST_TABLES

    @classmethod
    def total(cls, summaries: Iterable[CaptureSummary]) -> CaptureSummary:
        """The sum of any number of summaries, taken a hundred at a time so that memory stays flat."""
        remaining = iter(summaries)
        result = cls()
        while batch := list(islice(remaining, _SUMMARIES_AT_ONCE)):
            result = cls._total([result, *batch])
        return result

    @classmethod
    def _total(cls, parts: list[CaptureSummary]) -> CaptureSummary:
        refused: Counter[str] = Counter()
        for part in parts:
            refused.update(part.refused)
        times = [time for part in parts for time in (part.first_inference, part.last_inference) if time is not None]
        tables = sum_of_tables(table for part in parts for table in part.tables)
        listed, unlisted = _most_rows(tables)
        return cls(
            events=sum(part.events for part in parts),
            rows=sum(part.rows for part in parts),
            refused=dict(sorted(refused.items())),
            refused_at=tuple(sorted(at for part in parts for at in part.refused_at)[:MOST_REFUSALS]),
            probes=sum(part.probes for part in parts),
            errors=sum(part.errors for part in parts),
            shadows=sum(part.shadows for part in parts),
            ground_truth=sum(part.ground_truth for part in parts),
            opaque=sum(part.opaque for part in parts),
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
        return self.events + self.probes + self.errors + self.shadows + self.refused_lines

    @property
    def refused_lines(self) -> int:
        """Lines that could not be read."""
        return sum(self.refused.values())


def summarize(
    chunks: Iterable[bytes],
    *,
    options: Options = DEFAULTS,
    on_refused: Callable[[RefusedLine], None] | None = None,
) -> CaptureSummary:
    """Summarize one capture object, given as bytes in chunks; `on_refused` sees every line set aside, raw."""
    counting = _Counting(options)
    for item in captured_requests(chunks, options):
        refused = counting.refuse(item) if isinstance(item, RefusedLine) else counting.take(item)
        if refused is not None and on_refused is not None:
            on_refused(refused)
    return counting.summary()


class _Counting:
    """A summary in the making: rows are gathered by layout, and turned into statistics a batch at a time."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.done: list[Table] = []
        self.gathered: dict[tuple[int, tuple[str, ...]], list[list[str | None]]] = {}
        self.cells = 0
        self.layouts: set[tuple[int, tuple[str, ...]]] = set()
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.refused_at: list[Refusal] = []
        self.times: set[str] = set()  # distinct texts: thousands of requests share a second
        self.first: datetime | None = None
        self.last: datetime | None = None

    def refuse(self, line: RefusedLine) -> RefusedLine:
        self.refused[line.reason] += 1
        if len(self.refused_at) < MOST_REFUSALS:
            self.refused_at.append(Refusal(line.start, line.end, line.reason))
        return line

    def take(self, request: CapturedRequest) -> RefusedLine | None:
        """Count a request; give it back as refused when it brings one layout too many."""
        if request.kind != "rows":
            self.counts[request.kind] += 1
            return None
        gathered = self.gathered
        for outputs, names, _ in request.rows:
            layout = (outputs, names)
            if layout not in gathered and not self._admitted(layout):
                return self.refuse(RefusedLine(request.start, request.end, reasons.TOO_MANY_LAYOUTS, request.line))
        for outputs, names, cells in request.rows:
            gathered.setdefault((outputs, names), []).append(cells)
            self.cells += len(cells)
        self.counts["events"] += 1
        self.counts["opaque"] += request.opaque
        self.counts["ground_truth"] += request.envelope.groundTruthData is not None
        self.times.add(request.envelope.inference_time)
        if self.cells > _CELLS_AT_ONCE:
            self._flush()
        return None

    def _admitted(self, layout: tuple[int, tuple[str, ...]]) -> bool:
        if layout in self.layouts:
            return True
        if len(self.layouts) < self.options.most_layouts:
            self.layouts.add(layout)
            return True
        return False

    def _flush(self) -> None:
        tables = [Table.of(rows, names, outputs) for (outputs, names), rows in self.gathered.items()]
        self.done = list(sum_of_tables([*self.done, *tables]))
        self.gathered.clear()
        self.cells = 0
        times = [time for time in map(as_time, self.times) if time is not None]
        self.first = min((time for time in (self.first, *times) if time is not None), default=None)
        self.last = max((time for time in (self.last, *times) if time is not None), default=None)
        self.times.clear()

    def summary(self) -> CaptureSummary:
        self._flush()
        tables = tuple(self.done)
        return CaptureSummary(
            events=self.counts["events"],
            rows=sum(table.rows for table in tables),
            refused=dict(sorted(self.refused.items())),
            refused_at=tuple(self.refused_at),
            probes=self.counts["probe"],
            errors=self.counts["error"],
            shadows=self.counts["shadow"],
            ground_truth=self.counts["ground_truth"],
            opaque=self.counts["opaque"],
            first_inference=self.first,
            last_inference=self.last,
            tables=tables,
        )


def _most_rows(tables: tuple[Table, ...]) -> tuple[tuple[Table, ...], int]:
    """The tables with the most rows, and how many rows the others had."""
    if len(tables) <= MOST_TABLES:
        return tables, 0
    ranked = sorted(tables, key=lambda table: (-table.rows, table.layout))
    kept = {table.layout for table in ranked[:MOST_TABLES]}
    return (
        tuple(table for table in tables if table.layout in kept),
        sum(table.rows for table in ranked[MOST_TABLES:]),
    )
