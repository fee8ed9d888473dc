"""The statistics of a baseline, from a data set or from captures; and reading a stored baseline.

| input                                | result                                 | error                                |
|--------------------------------------|----------------------------------------|--------------------------------------|
| CSV with a header                    | its names                              | `x: two columns named a`             |
| CSV without                          | `_c0`, `_c1`, ... as Model Monitor     |                                      |
| quotes, line ends within them, a BOM | parsed as in RFC 4180                  | `x: line 7 is not CSV`               |
| an empty cell                        | missing                                |                                      |
| a row of another width               |                                        | `x: line 7 has 2 cells instead of 3` |
| cells between ; or tabs              |                                        | `x: one column named 'y;a;b': ...`   |
| .jsonl, .ndjson: a record a line     | flattened: a.b, c.0; an absent key is  | `x: line 7 is not JSON`              |
|                                      | missing                                |                                      |
| .parquet                             | columns of numbers, texts, booleans,   | `x: column a holds list<...>`        |
|                                      | and times; NaN is missing              |                                      |
| .json: a statistics.json             | unchanged                              | `x: not a statistics.json: ...`      |
| gzip, of any of these                | decompressed                           | `x: gzip is damaged or cut off`      |
| captures                             | the layout of most rows, see `capture` | `x: no rows could be read`           |
| no rows, not UTF-8                   |                                        | `x: no rows`, `x: not UTF-8`         |

In one pass and bounded memory, Parquet a hundred thousand cells at a time.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from importlib import import_module
from itertools import chain, islice
from statistics import median
from typing import Any, NamedTuple

import msgspec

from chalicelib import locations, records
from chalicelib.capture.csv_reader import long_cells
from chalicelib.capture.flatten import values_of
from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.json_tables import readings
from chalicelib.capture.json_values import parse_json
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.day_drift import DayComparison, compare_day
from chalicelib.constraints.evaluation import Baseline, features_of
from chalicelib.constraints.files import read_constraints
from chalicelib.constraints.reference_days import FULL_DAYS, MINIMUM_DAYS, Day, Reference, learned
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import RejectedRecord, UnreadableFile, VedetteError
from chalicelib.locations import REFERENCE_FILE
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.input_sources import Source, is_folder, join, read_bytes, sources

_CELLS_AT_ONCE = 250_000
_SUMMARIES_AT_ONCE = 100
HALF_A_DAY = timedelta(hours=12)
_PART_OF_A_DAY = 0.4  # of the median rows a day: a first or last day with fewer was cut
_JSON_LINES = (".jsonl", ".ndjson")
Advance = Callable[[int], None]


def data_set_statistics(source: Source, advance: Advance, *, header: bool = True) -> Table:
    """The statistics of a data set, whose format follows from its suffix; sketches have Model Monitor's size."""
    name, chunks = source.name.removesuffix(".gz"), _expanded(source.read(advance), source.name)
    if name.endswith(".json"):
        return read_statistics(b"".join(chunks), source.name)
    if name.endswith(_JSON_LINES):
        return _json_lines_statistics(chunks, source.name)
    if name.endswith(".parquet"):
        return _parquet_statistics(b"".join(chunks), source.name)
    return _csv_statistics(chunks, source.name, header=header)


def _expanded(chunks: Iterable[bytes], place: str) -> Iterator[bytes]:
    try:
        yield from decompress(chunks)
    except RejectedRecord as refused:
        raise UnreadableFile(f"{place}: {refused}") from None


class CapturedRows(NamedTuple):
    """The captured rows of the most common layout."""

    table: Table
    other_rows: int  # in other layouts
    reference: Reference | None  # the reference days, of MINIMUM_DAYS days or more


def captured_statistics(found: Sequence[Source], advance: Advance, *, private: tuple[str, ...] = ()) -> CapturedRows:
    """The statistics of captured rows in the most common layout, and their days.

    Sketches have Model Monitor's size, as those of a data set. `private` names features of which only counts of types
    and missing cells are kept. A file belongs to the day of its first request.

    Raises
    ------
    UnreadableFile
        If no rows could be read.
    """
    options = CaptureOptions(sketch_k=BASELINE_K, private=private)
    parts: dict[date | None, list[CaptureSummary]] = {}
    for source in found:
        one = summarize(source.read(advance), options=options)
        of_day = parts.setdefault(one.first_inference.date() if one.first_inference else None, [])
        of_day.append(one)
        if len(of_day) == _SUMMARIES_AT_ONCE:
            of_day[:] = [CaptureSummary.total(of_day)]
    by_day = {day: CaptureSummary.total(of_day) for day, of_day in parts.items()}
    summary = CaptureSummary.total(by_day.values())
    if not summary.tables:
        raise UnreadableFile(f"{found[0].name if found else 'captures'}: no rows could be read")
    largest = max(summary.tables, key=lambda table: table.rows)
    return CapturedRows(largest, summary.rows - largest.rows, _reference(by_day, largest))


def _reference(by_day: Mapping[date | None, CaptureSummary], table: Table) -> Reference | None:
    """The last days as reference days; None when they are too few."""
    dates = sorted(day for day in by_day if day is not None)
    enough = _PART_OF_A_DAY * median(by_day[day].rows for day in dates) if dates else 0
    dates = [day for day in dates if day not in (dates[0], dates[-1]) or by_day[day].rows >= enough][-FULL_DAYS:]
    if len(dates) < MINIMUM_DAYS:
        return None
    baseline = Baseline(constraints=suggested_constraints(table))
    types = baseline.constraints.types
    days = [Day(day, "", features_of(by_day[day], baseline)[0]) for day in dates]
    first_kept = Reference().restarted(dates[0], types)
    return learned(first_kept, days, types, dates[-1] + timedelta(days=1))


def with_label_first(table: Table, label: str, place: str) -> Table:
    """The table with a column moved to the front: the one of this name, or for `last` the last one.

    A captured row has the outputs of the model first, and training data often has the label last. Columns that are
    named by position, `_c0`, `_c1`, are named anew.

    Raises
    ------
    UnreadableFile
        If no column has the name.

    Examples
    --------
    >>> with_label_first(Table.of([["1", "2", "0"]], ("a", "b", "label")), "last", "train.csv").names
    ('label', 'a', 'b')
    """
    names = table.feature_names
    if label not in names and label != "last":
        close = difflib.get_close_matches(label, names, 1)
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        hint = f"did you mean {close[0]}?" if close else f"there are {shown}"
        raise UnreadableFile(f"{place}: no column named {label!r}; {hint}")
    first = names.index(label) if label in names else len(names) - 1
    order = [first, *(position for position in range(len(names)) if position != first)]
    if any(name != f"_c{position}" for position, name in enumerate(names)):
        names = tuple(names[at] for at in order)
    return msgspec.structs.replace(table, names=names, columns=tuple(table.columns[at] for at in order), outputs=0)


def captures_of(endpoint: str, hours: int, now: datetime, *, profile: str | None, region: str | None) -> list[Source]:
    """The capture files of an endpoint in the last hours, from the location in its DataCaptureConfig.

    Raises
    ------
    VedetteError
        If the endpoint does not exist, does not capture, or captured nothing.
    """
    import boto3
    from botocore.exceptions import ClientError

    client = boto3.Session(profile_name=profile, region_name=region).client("sagemaker")
    try:
        described = client.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "could not find" in str(error).lower():
            raise VedetteError(f"There is no endpoint {endpoint} in {client.meta.region_name}.") from None
        raise
    config = described.get("DataCaptureConfig") or {}
    if not config.get("DestinationS3Uri"):
        raise VedetteError(f"Endpoint {endpoint} does not capture, so there is no data for a baseline.")
    uri = config["DestinationS3Uri"]
    found: list[Source] = []
    for variant in described.get("ProductionVariants", ()):
        for root in locations.capture_roots(uri, endpoint):
            for back in range(hours, -1, -1):
                folder = f"{variant['VariantName']}/{now - timedelta(hours=back):%Y/%m/%d/%H}/"
                place = f"s3://{locations.split_s3_uri(uri)[0]}/{root}{folder}"
                try:
                    found += sources([place], profile=profile, region=region)
                except UnreadableFile:
                    continue  # no captures in this hour
    if not found:
        raise VedetteError(f"Endpoint {endpoint} captured nothing to {uri} in the last {hours} hours.")
    return found


def baseline_statistics(chunks: Iterable[bytes], place: str, *, header: bool = True) -> Table:
    r"""The statistics of a data set in CSV, with sketches of Model Monitor's size.

    Examples
    --------
    >>> table = baseline_statistics([b"label,a\n1,2.5\n", b"0,\n"], "train.csv")
    >>> table.names, table.rows, table.columns[1].types.missing
    (('label', 'a'), 2, 1)
    >>> baseline_statistics([b"1,2\n3\n"], "train.csv", header=False)
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: train.csv: line 2 has 1 cells instead of 2
    """
    return _csv_statistics(_expanded(chunks, place), place, header=header)


def read_baseline(place: str, *, profile: str | None = None, region: str | None = None) -> Baseline:
    """A baseline: a folder of constraints.json and statistics.json, or a constraints.json alone (no drift then).

    Raises
    ------
    UnreadableFile
        If the constraints are missing or a file cannot be read.
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


def read_reference_days(place: str, *, profile: str | None = None, region: str | None = None) -> Reference | None:
    """The reference days beside a baseline; None when there are none, or the baseline is a constraints.json alone."""
    if not is_folder(place):
        return None
    content = read_bytes(join(place, REFERENCE_FILE), profile=profile, region=region)
    return None if content is None else records.read(Reference, content, join(place, REFERENCE_FILE))


def compared_day(reference: Reference | None, summary: CaptureSummary, baseline: Baseline) -> DayComparison | None:
    """How captures of a single day compare with reference days.

    None without them, and for captures of more than one day, or of less than half a day: the hours of a day differ.
    """
    first, last = summary.first_inference, summary.last_inference
    if reference is None or first is None or last is None or first.date() != last.date() or last - first < HALF_A_DAY:
        return None
    columns, _ = features_of(summary, baseline)
    return compare_day(reference, first.date(), columns, baseline.constraints)


def feature_names_of(place: str, *, profile: str | None = None, region: str | None = None) -> list[str]:
    """The names of the features of a baseline, in the order of the columns; raises as `read_baseline`."""
    baseline = read_baseline(place, profile=profile, region=region)
    return [feature.name for feature in baseline.constraints.features]


def _total(tables: Iterable[Table], place: str) -> Table:
    """The sum of the tables."""
    total: Table | None = None
    for table in tables:
        total = table if total is None else total + table
    if total is None:
        raise UnreadableFile(f"{place}: no rows")
    return total


# --- CSV --------------------------------------------------------------------------------------------------------------


_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def csv_rows(
    source: Source, advance: Advance, *, header: bool = True
) -> tuple[tuple[str, ...], Iterator[list[str | None]]]:
    """The names and the rows of a CSV file; None is an empty cell."""
    return _csv_rows(_expanded(source.read(advance), source.name), source.name, header=header)


def _csv_rows(
    chunks: Iterable[bytes], place: str, *, header: bool
) -> tuple[tuple[str, ...], Iterator[list[str | None]]]:
    reader = csv.reader(_text_lines(chunks, place), strict=True)
    rows = _rows(reader, place, header=header)
    first = next(rows, None)
    if first is None:
        raise UnreadableFile(f"{place}: no rows")
    names = tuple(cell or "" for cell in first) if header else tuple(f"_c{i}" for i in range(len(first)))
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UnreadableFile(f"{place}: two columns named {name!r}")
    return names, rows if header else chain([first], rows)


def _csv_statistics(chunks: Iterable[bytes], place: str, *, header: bool) -> Table:
    names, rows = _csv_rows(chunks, place, header=header)

    def tables() -> Iterator[Table]:
        size = max(1, _CELLS_AT_ONCE // len(names))
        while pending := list(islice(rows, size)):
            yield Table.of(pending, names, k=BASELINE_K)

    return _total(tables(), place)


def _rows(reader: Iterator[list[str]], place: str, *, header: bool) -> Iterator[list[str | None]]:
    width, first = 0, ""
    rows = long_cells(reader)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            raise UnreadableFile(f"{place}: line {reader.line_num} is not CSV") from None  # type: ignore[attr-defined]
        if row is None:
            return
        if not row:
            if width != 1:
                continue
            row = [""]  # in a file with one column, a blank line is a missing cell
        if not width:
            width, first = len(row), row[0]
        elif width == 1 and (delimiter := _other_delimiter(first, ",".join(row))):
            named = f" named {first[:60]!r}" if header else ""
            raise UnreadableFile(f"{place}: one column{named}: {delimiter} separate the cells; save it with commas")
        if len(row) != width:
            line = reader.line_num  # type: ignore[attr-defined]
            raise UnreadableFile(f"{place}: line {line} has {len(row)} cells instead of {width}")
        yield [cell or None for cell in row]


def _other_delimiter(first: str, second: str) -> str:
    """What stands between the cells of both rows as often, when they have no commas, and may have decimal ones.

    Examples
    --------
    >>> _other_delimiter("y;a;b", "0;0,78;x"), _other_delimiter("remark", "late; cold"), _other_delimiter("a", "1")
    ('semicolons', '', '')
    """
    for mark, name in _OTHER_DELIMITERS.items():
        if 0 < first.count(mark) == second.count(mark):
            return name
    return ""


def _text_lines(chunks: Iterable[bytes], place: str) -> Iterator[str]:
    """Lines with their line ends, which may be part of a quoted cell."""
    rest = b""
    first = True
    for chunk in chunks:
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


# --- JSON lines -------------------------------------------------------------------------------------------------------


def _json_lines_statistics(chunks: Iterable[bytes], place: str) -> Table:
    def tables() -> Iterator[Table]:
        columns: dict[str, list[Any]] = {}
        rows = 0
        for number, line in enumerate(_text_lines(chunks, place), start=1):
            for names, cells in _records(line, place, number):
                for position, (name, cell) in enumerate(zip(names, cells, strict=True)):
                    column = columns.setdefault(name or f"_c{position}", [])
                    column += [None] * (rows - len(column))
                    column.append(cell)
                rows += 1
            if rows * len(columns) > _CELLS_AT_ONCE:
                yield _table(columns, rows)
                columns, rows = {}, 0
        if rows:
            yield _table(columns, rows)

    return _total(tables(), place)


def _records(line: str, place: str, number: int) -> Iterable[tuple[tuple[str, ...], list[Any]]]:
    if not line.strip():
        return ()
    try:
        parsed = parse_json(line)
        if isinstance(parsed, dict) and "captureData" in parsed:
            raise UnreadableFile(f"{place}: captured requests, not a data set; use --from-captures")
        return readings(parsed)[0].make().rows
    except RejectedRecord:
        raise UnreadableFile(f"{place}: line {number} is not JSON") from None


def _table(columns: dict[str, list[Any]], rows: int) -> Table:
    """A table of columns of JSON values; a missing key is a missing cell."""
    return Table(
        names=tuple(columns),
        rows=rows,
        columns=tuple(
            ColumnStatistics.of_json_values(values_of(name, [*cells, *[None] * (rows - len(cells))]), BASELINE_K)
            for name, cells in columns.items()
        ),
    )


# --- Parquet ----------------------------------------------------------------------------------------------------------


def _parquet_statistics(content: bytes, place: str) -> Table:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise VedetteError("Parquet needs pyarrow: pip install 'vedette[parquet]'") from None
    try:
        file = parquet.ParquetFile(arrow.BufferReader(content))
    except (arrow.ArrowException, OSError):
        raise UnreadableFile(f"{place}: not Parquet") from None
    for field in file.schema_arrow:
        if arrow.types.is_nested(field.type) or arrow.types.is_binary(field.type):
            raise UnreadableFile(f"{place}: column {field.name!r} holds {field.type}")
    size = max(1, _CELLS_AT_ONCE // max(1, len(file.schema_arrow)))
    return _total(
        (
            _table(
                {name: [_cell(cell) for cell in batch.column(name).to_pylist()] for name in batch.schema.names}, rows
            )
            for batch in file.iter_batches(batch_size=size)
            if (rows := batch.num_rows)
        ),
        place,
    )


def _cell(value: Any) -> Any:
    """A cell as a JSON value; a value of another type becomes its text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    return str(value)
