"""A data set in CSV -> the statistics of a baseline, in one pass and bounded memory; and a stored baseline -> memory.

| input                                | handled                            | refused with                         |
|--------------------------------------|------------------------------------|--------------------------------------|
| CSV with a header                    | its names                          | `x: two columns named a`             |
| CSV without                          | `_c0`, `_c1`, ... as Model Monitor |                                      |
| quotes, line ends within them, a BOM | as RFC 4180                        | `x: line 7 is not CSV`               |
| an empty cell                        | missing                            |                                      |
| a row of another width               |                                    | `x: line 7 has 2 cells instead of 3` |
| gzip                                 | expanded                           | `x: gzip is damaged or cut off`      |
| no rows, not UTF-8                   |                                    | `x: no rows`, `x: not UTF-8`         |
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice

from chalicelib.capture.inflating import inflated
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.files import read_constraints
from chalicelib.errors import Refused, UnreadableFile
from chalicelib.statistics.distribution import BASELINE_K
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.places import is_folder, join, read_bytes

_CELLS_AT_ONCE = 250_000


def baseline_statistics(chunks: Iterable[bytes], place: str, *, header: bool = True) -> Table:
    r"""The statistics of a data set, with sketches of Model Monitor's size.

    Examples
    --------
    >>> table = baseline_statistics([b"label,a\n1,2.5\n", b"0,\n"], "train.csv")
    >>> table.names, table.rows, table.columns[1].types.missing
    (('label', 'a'), 2, 1)
    >>> baseline_statistics([b"1,2\n3\n"], "train.csv", header=False)
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: train.csv: line 2 has 1 cells instead of 2
    """
    csv.field_size_limit(1 << 30)
    reader = csv.reader(_text_lines(chunks, place), strict=True)
    rows = _rows(reader, place)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile(f"{place}: no rows")
    names = tuple(cell or "" for cell in first) if header else tuple(f"_c{i}" for i in range(len(first)))
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UnreadableFile(f"{place}: two columns named {name!r}")
    parts: list[Table] = []
    pending: list[list[str | None]] = [] if header else [first]
    size = max(1, _CELLS_AT_ONCE // len(names))
    while True:
        pending += islice(rows, size - len(pending))
        if not pending:
            break
        parts = [Table.total([*parts, Table.of(pending, names, k=BASELINE_K)])]
        pending = []
    if not parts:
        raise UnreadableFile(f"{place}: no rows")
    return parts[0]


def read_baseline(place: str, *, profile: str | None = None, region: str | None = None) -> Baseline:
    """A baseline: a folder of constraints.json and statistics.json, or a constraints.json alone (no drift then).

    Raises
    ------
    UnreadableFile
        When the constraints are absent or either file cannot be read.
    """
    folder = is_folder(place)
    constraints_place = join(place, "constraints.json") if folder else place
    constraints = read_bytes(constraints_place, profile=profile, region=region)
    if constraints is None:
        raise UnreadableFile(f"{constraints_place}: no such file")
    statistics_place = join(place, "statistics.json")
    statistics = read_bytes(statistics_place, profile=profile, region=region) if folder else None
    return Baseline(
        constraints=read_constraints(constraints, constraints_place),
        statistics=None if statistics is None else read_statistics(statistics, statistics_place),
    )


def _rows(reader: Iterator[list[str]], place: str) -> Iterator[list[str | None]]:
    width = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise UnreadableFile(f"{place}: line {reader.line_num} is not CSV") from None  # type: ignore[attr-defined]
        if not row:
            if width != 1:
                continue
            row = [""]  # in a file of one column a blank line is a missing cell
        width = width or len(row)
        if len(row) != width:
            line = reader.line_num  # type: ignore[attr-defined]
            raise UnreadableFile(f"{place}: line {line} has {len(row)} cells instead of {width}")
        yield [cell or None for cell in row]


def _expanded(chunks: Iterable[bytes], place: str) -> Iterator[bytes]:
    try:
        yield from inflated(chunks)
    except Refused as refused:
        raise UnreadableFile(f"{place}: {refused}") from None


def _text_lines(chunks: Iterable[bytes], place: str) -> Iterator[str]:
    """Lines with their ends, which a quoted cell may hold."""
    rest = b""
    first = True
    for chunk in _expanded(chunks, place):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield _text(line + b"\n", place, first)
            first = False
    if rest:
        yield _text(rest, place, first)


def _text(line: bytes, place: str, first: bool) -> str:
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError:
        raise UnreadableFile(f"{place}: not UTF-8") from None
