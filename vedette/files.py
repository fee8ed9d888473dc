"""`vedette.evaluate`, `vedette.summarize` and `vedette.baseline`: the Python API, which the commands on files call.

| `data` is                                                | read as                                                   |
|----------------------------------------------------------|-----------------------------------------------------------|
| a DataFrame (pandas, or one that has `to_pandas()`)      | a table                                                   |
| .csv, .csv.gz, .parquet                                  | a table                                                   |
| .jsonl, and any other file                               | captured requests                                         |
| a directory or an s3:// prefix                           | its captures; if it has none, its tables                  |
| a glob, or a list of these                               | all of them, either tables or captures                    |

Nothing is written, except the quarantine file if one is named. A terminal or a notebook shows a progress bar.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.capture.summary import CaptureSummary
from chalicelib.capture.summary import summarize as summarize_captures
from chalicelib.constraints import evaluation
from chalicelib.constraints.column_alignment import align_columns, tables_with_baseline_names
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.reference_days import Reference
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.pages.captured_hours import CapturedHours
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table
from vedette.baselines import captured_statistics, captures_of, compared_day, read_baseline, read_reference_days
from vedette.cli.options import progress
from vedette.data_sets import with_label_first
from vedette.file_results import BaselineResult, DataRead, EvaluationResult, RejectedAt, SummaryResult
from vedette.input_sources import CAPTURES, TABLES, Source, is_s3, is_table, sources
from vedette.tables import PLACE, are_tables, as_frame, frame_statistics, table_statistics, without_names

if TYPE_CHECKING:
    import pandas as pd

Location = str | os.PathLike[str]
Header = Literal["", "input", "output", "both"] | bool
MAX_REJECTED_PLACES = 10  # of rejected lines, in a result; all of them are counted
MINIMUM_ROWS, MINIMUM_DRIFT_ROWS = 1, 100


def evaluate(
    data: Location | Sequence[Location] | pd.DataFrame,
    baseline: Location | BaselineResult,
    *,
    minimum_rows: int = MINIMUM_ROWS,
    minimum_drift_rows: int = MINIMUM_DRIFT_ROWS,
    private: Sequence[str] = (),
    header: Header = "",
    test_marker: str = "",
    quarantine: Location | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> EvaluationResult:
    """Evaluate captured requests or a table against a baseline.

    Parameters
    ----------
    data
        A DataFrame; or files, directories, globs and s3:// locations of captures or of tables.
    baseline
        What `vedette.baseline` returned, a folder with both baseline files, or a constraints.json (no drift then).
    minimum_rows, minimum_drift_rows
        With fewer rows the checks, or the drift checks, are measured but not evaluated.
    private
        Features of which only counts of types and missing cells are kept.
    header
        Of captures: the sides whose CSV begins with a header row. Of a CSV table: False if its first row is data.
    test_marker
        Captured requests with this text in their custom attributes are counted separately.
    quarantine
        Write the captured lines that cannot be read to this file.

    Raises
    ------
    VedetteError
        If the data or the baseline cannot be read; the text names the place and the cause.

    Examples
    --------
    >>> import pandas as pd
    >>> train = pd.DataFrame({"age": [31, 44, 27, 60] * 50, "plan": ["basic", "pro"] * 100})
    >>> result = evaluate(train.tail(40), baseline(train))
    >>> result.verdict, result.rows, result.exit_code()
    ('InsufficientData', 40, 0)
    """
    reference, days = _baseline(baseline, profile, region)
    features = tuple(feature.name for feature in reference.constraints.features)
    options = _options(header, test_marker, private=tuple(private), features=features)
    read = _read(data, options, header, quarantine, profile, region)
    day = compared_day(days, read.summary, reference)
    found = evaluation.evaluate(
        read.summary, reference, day=day, minimum_rows=minimum_rows, minimum_drift_rows=minimum_drift_rows
    )
    return EvaluationResult(
        found,
        read,
        reference,
        with_reference_days=days is not None,
        compared_days=day is not None,
        baseline_place="" if isinstance(baseline, BaselineResult) else os.fspath(baseline),
    )


def summarize(
    data: Location | Sequence[Location] | pd.DataFrame,
    *,
    baseline: Location | BaselineResult | None = None,
    private: Sequence[str] = (),
    header: Header = "",
    test_marker: str = "",
    quarantine: Location | None = None,
    sketch_k: int = BASELINE_K,
    profile: str | None = None,
    region: str | None = None,
) -> SummaryResult:
    """Summarize captured requests or a table, column by column.

    With `baseline` the columns have the names of its features, as in `vedette evaluate`; rows that cannot be aligned
    with it keep their own. `sketch_k` is the size of the sketches of numbers, by default Model Monitor's. The other
    parameters and the errors are those of `evaluate`. Without rows, the result has no tables.

    Examples
    --------
    >>> import pandas as pd
    >>> summarize(pd.DataFrame({"age": [31, 44, 27]})).rows
    3
    """
    features: tuple[str, ...] = ()
    if baseline is not None:
        reference, _ = _baseline(baseline, profile, region)
        features = tuple(feature.name for feature in reference.constraints.features)
    options = _options(header, test_marker, private=tuple(private), sketch_k=sketch_k)
    read = _read(data, options, header, quarantine, profile, region)
    unnamed = read.summary.tables
    tables = sorted(tables_with_baseline_names(unnamed, features), key=lambda table: -table.rows)
    unaligned = (table for table in unnamed if features and align_columns(table, features).columns is None)
    return SummaryResult(read, tuple(tables), sum(table.rows for table in unaligned))


def baseline(
    data: Location | Sequence[Location] | pd.DataFrame,
    *,
    captured: bool = False,
    hours: int = 24,
    header: bool = True,
    label: str | None = None,
    private: Sequence[str] = (),
    profile: str | None = None,
    region: str | None = None,
) -> BaselineResult:
    """Create a baseline from a data set or from captures: its statistics, and the constraints that they suggest.

    Parameters
    ----------
    data
        A data set: a DataFrame, the tables of `evaluate`, or one file of JSON lines (.jsonl, .ndjson) or a
        statistics.json. With `captured`: locations of captures, as in `evaluate`, or the names of endpoints.
    hours
        The captures of an endpoint that are read, until now.
    header
        Whether the first row of a CSV has the names.
    label
        The column to put first, where captured rows have the model's output; "last" is the last column.
    private
        Features of which only counts of types and missing cells are kept.

    Raises
    ------
    VedetteError
        If the data cannot be read; the text names the place and the cause.

    Examples
    --------
    >>> import pandas as pd
    >>> result = baseline(pd.DataFrame({"age": [31, 44, 27], "bought": [0, 1, 0]}), label="bought")
    >>> [(feature.name, str(feature.inferred_type)) for feature in result.constraints.features]
    [('bought', 'Integral'), ('age', 'Integral')]
    """
    if captured:
        if label is not None:
            raise VedetteError("A label is for a data set; captured rows have their outputs first.")
        found = capture_sources(_places(data), hours, profile, region)
        with progress("Reading", sum(source.size for source in found)) as advance:
            rows = captured_statistics(found, advance, private=tuple(private))
        constraints = suggested_constraints(rows.table)
        return BaselineResult(rows.table, constraints, rows.reference, rows.table.rows, rows.other_rows)
    frame = as_frame(data)
    if frame is not None:
        table, place, content = frame_statistics(frame), PLACE, None
    else:
        found = _data_set(_places(data), profile, region)
        with progress("Reading", sum(source.size for source in found)) as advance:
            table = table_statistics(found, advance, header=header)
        place = found[0].name
        content = b"".join(found[0].chunks()) if place.endswith(".json") and not private and not label else None
    table = without_private_values(table, tuple(private))
    table = with_label_first(table, label, place) if label else table
    return BaselineResult(table, suggested_constraints(table), rows=table.rows, statistics_source=content)


# --- reading ----------------------------------------------------------------------------------------------------------


def _baseline(
    given: Location | BaselineResult, profile: str | None, region: str | None
) -> tuple[Baseline, Reference | None]:
    """A baseline and its reference days."""
    if isinstance(given, BaselineResult):
        return given.evaluable, given.reference_days
    place = os.fspath(given)
    return (
        read_baseline(place, profile=profile, region=region),
        read_reference_days(place, profile=profile, region=region),
    )


def _options(header: Header, test_marker: str, **more: object) -> CaptureOptions:
    sides = header if isinstance(header, str) else ""
    return msgspec.structs.replace(CaptureOptions(header=sides, test_marker=test_marker), **more)


def _read(
    data: object,
    options: CaptureOptions,
    header: Header,
    quarantine: Location | None,
    profile: str | None,
    region: str | None,
) -> DataRead:
    frame = as_frame(data)
    if frame is not None:
        return _read_table(frame_statistics(frame), (PLACE,), 0, options)
    places = _places(data)
    found = sources(places, profile=profile, region=region, kinds=(CAPTURES, TABLES))
    with progress("Reading", sum(source.size for source in found)) as advance:
        if not are_tables(found):
            return _read_captures(found, places, options, quarantine, advance)
        if isinstance(header, str) and header:
            raise VedetteError(f"{found[0].name}: a table has no {header} side; leave out the header")
        table = table_statistics(found, advance, header=header is not False)
    by_position = header is False and not found[0].name.endswith(".parquet")
    return _read_table(without_names(table) if by_position else table, places, len(found), options)


def _places(data: object) -> tuple[str, ...]:
    if isinstance(data, (str, os.PathLike)):
        return (os.fspath(data),)
    if isinstance(data, Sequence) and all(isinstance(one, (str, os.PathLike)) for one in data):
        return tuple(os.fspath(one) for one in data)
    raise VedetteError(
        f"{type(data).__name__} is no data: use a DataFrame, a path, an s3:// location, or a list of them."
    )


def _read_table(table: Table, places: tuple[str, ...], files: int, options: CaptureOptions) -> DataRead:
    kept = without_private_values(table, options.private, options.features)
    return DataRead(places, files, CaptureSummary(rows=kept.rows, tables=(kept,)), captured=False)


def _read_captures(
    found: Sequence[Source],
    places: tuple[str, ...],
    options: CaptureOptions,
    quarantine: Location | None,
    advance: Callable[[int], None],
) -> DataRead:
    """Summarize all sources, one file at a time; write rejected lines to the quarantine file."""
    rejected: list[RejectedAt] = []
    hours = CapturedHours()
    with ExitStack() as stack:
        kept = None if quarantine is None else stack.enter_context(Path(quarantine).open("wb"))

        def set_aside(source: Source, line: RejectedLine) -> None:
            if len(rejected) < MAX_REJECTED_PLACES:
                rejected.append(RejectedAt(source, line.start, line.reason))
            if kept is not None and line.line:
                kept.write(line.line + b"\n")

        def summarized(source: Source) -> CaptureSummary:
            one = summarize_captures(source.read(advance), options=options, on_rejected=partial(set_aside, source))
            hours.add(one)
            return one

        summary = CaptureSummary.total(map(summarized, found))
    return DataRead(places, len(found), summary, rejected_at=tuple(rejected), hours=hours)


def _data_set(places: tuple[str, ...], profile: str | None, region: str | None) -> list[Source]:
    """The files of a data set: one file of any format, or the tables that are its parts.

    Raises
    ------
    UnreadableFile
        If the names match several files that are no tables, such as captures.
    """
    found = sources(places, profile=profile, region=region, kinds=(CAPTURES, TABLES))
    place = places[0]
    folder = found[0].name != place if is_s3(place) else Path(place).is_dir()
    if (len(found) == 1 and not folder) or all(is_table(source.name) for source in found):
        return found
    what = "a directory" if folder else f"{len(found)} files"
    advice = "name one data set, or use --from-captures (in Python: captured=True)"
    raise UnreadableFile(f"{place}: {what}; {advice}")


def capture_sources(names: Sequence[str], hours: int, profile: str | None, region: str | None) -> list[Source]:
    """The capture files of endpoints and locations; a name without a slash that is not a file is an endpoint."""
    found: list[Source] = []
    for name in names:
        if "/" in name or Path(name).exists():
            found += sources([name], profile=profile, region=region)
        else:
            found += captures_of(name, hours, datetime.now(UTC), profile=profile, region=region)
    return found
