"""Tables and lines that the commands on files print. Measured values are never truncated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from chalicelib.alerts.sanitize import sanitize, sanitize_name

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Shown

    from chalicelib.constraints.measurement import Measurement
    from chalicelib.statistics.table import Table
    from vedette.file_results import DataRead, RejectedAt
    from vedette.input_sources import Source

MAX_PLACES_SHOWN = 5  # places of captures
STYLES = {"critical": "red", "warning": "yellow"}  # of violations


def line(console: Console, text: str, style: str | None = None) -> None:
    """Print one line without markup or wrapping, so that a path in it can be copied."""
    console.print(text, markup=False, soft_wrap=True, style=style)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "file"), counted(1200, "row")
    ('1 file', '1200 rows')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show_summary(console: Console, read: DataRead) -> None:
    """Print how much was read, from where and of which time, and which requests count in no statistic."""
    from chalicelib.alerts.wording import period

    summary, places = read.summary, read.places
    rows, requests, files = (
        counted(number, noun)
        for number, noun in ((summary.rows, "row"), (summary.events, "request"), (read.files, "file"))
    )
    line(console, f"{rows} in {requests}, from {files}" if read.captured else f"{rows}, from {files}")
    more = f" and {len(places) - MAX_PLACES_SHOWN} more" if len(places) > MAX_PLACES_SHOWN else ""
    line(console, f"Source: {', '.join(places[:MAX_PLACES_SHOWN])}{more}")
    if not read.captured:
        return
    if summary.period is not None:
        line(console, f"Captured: {period(*summary.period)}")
    separate = (
        (summary.errors, "error response"),
        (summary.probes, "golden request"),
        (summary.tests, "test request"),
        (summary.shadows, "shadow request"),
    )
    for number, noun in separate:
        if number:
            line(console, f"{counted(number, noun)}, not in the statistics")
    for reason, number in summary.rejected.items():
        line(console, f"{counted(number, 'line')} rejected: {reason}")
    if not summary.rejected:
        line(console, "0 lines rejected")


def show_notes(console: Console, notes: Iterable[str]) -> None:
    """Print what was not read or not evaluated; notes name keys of payloads, so they are sanitized."""
    from chalicelib.alerts.sanitize import sanitize

    for note in notes:
        line(console, f"Note: {sanitize(note, 300)}.")


def show_rejected(console: Console, found: Sequence[RejectedAt], total: int, kept_in: str | None) -> None:
    """Print the places of the first rejected lines, and how to get all of them."""
    from vedette.input_sources import is_s3

    lines: dict[str, dict[int, int]] = {}
    for source in {one.source.name: one.source for one in found if not is_s3(one.source.name)}.values():
        lines[source.name] = _line_numbers(source, {one.start for one in found if one.source.name == source.name})
    for one in found:
        number = lines.get(one.source.name, {}).get(one.start)
        at = f"byte {one.start}" if number is None else f"line {number} (byte {one.start})"
        line(console, f"  {one.source.name}: {at}: {one.reason}")
    if total > len(found):
        line(console, f"  ... and {total - len(found)} more")
    if total and kept_in is None:
        line(console, "  Use --quarantine FILE to write the rejected lines to a file.")


def _line_numbers(source: Source, offsets: set[int]) -> dict[int, int]:
    """The line number at each offset. Reads the file again, up to the last offset."""
    from chalicelib.capture.gzip_stream import decompress
    from chalicelib.errors import RejectedRecord

    numbers: dict[int, int] = {}
    read, ends = 0, 0
    try:
        for chunk in decompress(source.chunks()):
            for offset in sorted(one for one in offsets if read <= one < read + len(chunk)):
                numbers[offset] = ends + chunk.count(b"\n", 0, offset - read) + 1
            read, ends = read + len(chunk), ends + chunk.count(b"\n")
            if len(numbers) == len(offsets):
                break
    except RejectedRecord:  # damaged gzip: only the readable part is counted
        pass
    return numbers


def show_checks(console: Console, measurements: Sequence[Measurement]) -> None:
    """Print one line for each kind of check."""
    if not measurements:
        return
    shown = _table("Check", "Measured", "Passed", "Violated", "Not evaluated")
    for check in dict.fromkeys(measurement.check for measurement in measurements):
        of_check = [measurement for measurement in measurements if measurement.check == check]
        violated = sum(measurement.violated for measurement in of_check)
        not_evaluated = sum(not measurement.evaluated for measurement in of_check)
        counts = (len(of_check), len(of_check) - violated - not_evaluated, violated, not_evaluated)
        shown.add_row(check, *(str(count) for count in counts), style="red" if violated else None)
    console.print(shown)


def show_measurements(console: Console, measurements: Sequence[Measurement], everything: bool) -> None:
    """Print the violations, or with `everything` every measurement, the worst first."""
    from rich.text import Text

    from chalicelib.constraints.severity_order import worst_first

    chosen = worst_first(measurement for measurement in measurements if everything or measurement.violated)
    if not chosen:
        return
    shown = _table("Feature", "Check", "Expected", "Observed", "Result")
    for one in chosen:
        cells = (
            sanitize_name(one.feature, 60),
            one.check,
            sanitize(one.expected),
            sanitize(one.observed),
            _result(one),
        )
        shown.add_row(*(Text(cell) for cell in cells), style=STYLES.get(one.severity) if one.violated else None)
    console.print(shown)
    for one in chosen:
        if one.violated and one.description:
            line(console, f"{sanitize_name(one.feature, 60)}: {one.description}")


def _result(measurement: Measurement) -> str:
    """The severity of a violation; else whether it passed, or what it needs."""
    if measurement.violated:
        return f"violated ({measurement.severity})"
    if measurement.evaluated:
        return "passed"
    needed = measurement.rows_needed
    return f"{counted(needed, 'more row')} needed" if needed else "not evaluated"


def show_values(console: Console, values: Mapping[str, float | None]) -> None:
    """Print metrics by name."""
    shown = _table("Metric", "Value")
    for name, value in values.items():
        shown.add_row(name, "undefined" if value is None else f"{value:.6g}")
    console.print(shown)


def show_columns(console: Console, table: Table) -> None:
    """Print the statistics of each column."""
    from rich.text import Text

    shown = _table("Feature", "Type", "Present", "Missing", "Mean", "Deviation", "Minimum", "Maximum", "Distinct")
    for name, column in zip(table.feature_names, table.columns, strict=True):
        moments = column.moments
        figures = (moments.mean, moments.std_dev, moments.minimum, moments.maximum)
        shown.add_row(
            Text(sanitize_name(name, 60)),
            f"{column.types.inferred_type} (private)" if column.private else column.types.inferred_type,
            str(column.types.present),
            str(column.types.missing),
            *("" if figure is None else f"{figure:.6g}" for figure in figures),
            f"{distinct:.0f}" if (distinct := column.categories.distinct) or not column.types.present else "",
        )
    columns, outputs = counted(len(table.names), "column"), table.outputs
    of_them = f"{outputs} of them {'an output' if outputs == 1 else 'outputs'}"
    at_most = "" if table.has_width else "up to "
    line(console, f"{counted(table.rows, 'row')} of {at_most}{columns}, {of_them}")
    console.print(shown)


def _table(*columns: str) -> Shown:
    """A table whose long cells wrap."""
    from rich.table import Column
    from rich.table import Table as Shown

    return Shown(*(Column(name, overflow="fold") for name in columns))


def wrote(console: Console, *files: str | None) -> None:
    """Print which files were written, except standard output."""
    named: Iterable[str] = (file for file in files if file and file != "-")
    for file in named:
        line(console, f"Wrote {file}.")
