"""Commands on capture files, locally or in S3: nothing is installed in AWS, and nothing is written but the outputs.

| command   | reads                | writes                   | exit code 1 | exit code 2                      |
|-----------|----------------------|--------------------------|-------------|----------------------------------|
| evaluate  | captures, a baseline | what is asked for        | violations  | unreadable, nothing to judge     |
| summarize | captures             | what is asked for        |             | unreadable, no rows              |
| baseline  | a CSV                | both files of a baseline |             | unreadable, rows of other widths |
| captured  | captures             | CSV or Parquet           |             | unreadable                       |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from vedette.cli import options

if TYPE_CHECKING:
    from rich.console import Console

    from chalicelib.capture.reading import RefusedLine
    from chalicelib.capture.summary import CaptureSummary
    from chalicelib.constraints.measurement import Measurement
    from chalicelib.statistics.table import Table
    from vedette.places import Source


@click.command("evaluate")
@options.places
@click.option(
    "--baseline", required=True, help="Folder of statistics.json and constraints.json, or a constraints.json."
)
@options.output("Write constraint_violations.json, as Model Monitor does.")
@click.option("--report", type=click.Path(dir_okay=False), help="Write the verdict as an HTML page.")
@click.option(
    "--quarantine", type=click.Path(dir_okay=False), help="Keep the lines that could not be read, as they are."
)
@click.option(
    "--minimum-rows",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Rows needed to judge types and completeness.",
)
@click.option(
    "--minimum-drift-rows", type=click.IntRange(1), default=100, show_default=True, help="Cells needed to judge drift."
)
@click.option("--all", "everything", is_flag=True, help="Show every measured value, also what passed.")
@options.aws
def evaluate_command(
    capture: tuple[str, ...],
    baseline: str,
    output: str | None,
    report: str | None,
    quarantine: str | None,
    minimum_rows: int,
    minimum_drift_rows: int,
    everything: bool,
    profile: str | None,
    region: str | None,
) -> None:
    """Judge captured data against a baseline.

    CAPTURE are files, directories, globs or s3:// prefixes. A baseline that is a constraints.json alone has no
    statistics to judge drift with. Exit code 1 when something is violated, 2 when nothing could be judged.

    \b
    Examples:
      vedette evaluate s3://my-bucket/data-capture/my-endpoint --baseline s3://my-bucket/baseline
      vedette evaluate 'captures/**/*.jsonl' --baseline constraints.json -o violations.json --report report.html
    """  # noqa: D301
    from chalicelib.constraints.evaluation import evaluate
    from chalicelib.constraints.files import write_violations
    from chalicelib.constraints.naming import named_table
    from chalicelib.pages.report import Judged
    from chalicelib.pages.report import report as page
    from chalicelib.pages.words import sentence
    from vedette.baselines import read_baseline
    from vedette.places import sources

    judged_against = read_baseline(baseline, profile=profile, region=region)
    found = sources(capture, profile=profile, region=region)
    summary = _summary(found, quarantine)
    evaluation = evaluate(summary, judged_against, minimum_rows=minimum_rows, minimum_drift_rows=minimum_drift_rows)
    console = options.console(output)
    _show_summary(console, summary, len(found))
    _show_checks(console, evaluation.measurements)
    _show_measurements(console, evaluation.measurements, everything)
    for note in evaluation.notes:
        console.print(f"Note: {note}.", markup=False, soft_wrap=True)
    console.print(f"{evaluation.verdict}: {sentence(evaluation)}", style="bold", markup=False, soft_wrap=True)
    if output:
        options.write(output, write_violations(evaluation.violations))
    if report:
        title = capture[0] if len(capture) == 1 else f"{len(found)} files"
        current = named_table(summary.tables, judged_against.constraints)
        judged = Judged(title, evaluation, summary.events, summary.refused, judged_against, current)
        options.write(report, page(judged))
    code = {"Violations": 1, "NoData": 2, "CaptureStopped": 2, "MonitorFailed": 2}.get(evaluation.verdict, 0)
    click.get_current_context().exit(code)


@click.command("summarize")
@options.places
@options.output("Write statistics.json, as Model Monitor does.")
@click.option(
    "--quarantine", type=click.Path(dir_okay=False), help="Keep the lines that could not be read, as they are."
)
@options.aws
def summarize_command(
    capture: tuple[str, ...], output: str | None, quarantine: str | None, profile: str | None, region: str | None
) -> None:
    """Count and measure captured data, column by column.

    \b
    Examples:
      vedette summarize captures/
      vedette summarize s3://my-bucket/data-capture/my-endpoint/AllTraffic/2026/11/22/09 -o statistics.json
    """  # noqa: D301
    from chalicelib.errors import UnreadableFile
    from chalicelib.statistics.files import write_statistics
    from vedette.places import sources

    found = sources(capture, profile=profile, region=region)
    summary = _summary(found, quarantine)
    console = options.console(output)
    _show_summary(console, summary, len(found))
    if not summary.tables:
        raise UnreadableFile(f"{capture[0]}: no rows could be read")
    tables = sorted(summary.tables, key=lambda table: -table.rows)
    for table in tables:
        _show_columns(console, table)
    if output:
        options.write(output, write_statistics(tables[0]))
        if len(tables) > 1:
            console.print(
                f"{output} holds the {tables[0].rows} rows of {len(tables[0].names)} columns.",
                markup=False,
                soft_wrap=True,
            )


@click.command("baseline")
@click.argument("data")
@click.option("--header/--no-header", default=True, help="Whether the first row holds the names. [default: header]")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="Folder for the two files.")
@options.aws
def baseline_command(data: str, header: bool, output: str, profile: str | None, region: str | None) -> None:
    """Make a baseline from a data set in CSV.

    Writes statistics.json and constraints.json. Columns must stand as the endpoint's captured rows do: what the model
    returns first, then its inputs. Without a header they are named _c0, _c1, ..., as Model Monitor names them.

    \b
    Examples:
      vedette baseline train.csv -o baseline/
      vedette baseline s3://my-bucket/train.csv --no-header -o baseline/
    """  # noqa: D301
    from chalicelib.constraints.files import write_constraints
    from chalicelib.constraints.suggestion import suggested_constraints
    from chalicelib.statistics.files import write_statistics
    from vedette.baselines import baseline_statistics
    from vedette.places import sources

    source = sources([data], profile=profile, region=region)[0]
    with options.progress("Reading", source.size) as advance:
        chunks = _told(source, advance)
        table = baseline_statistics(chunks, data, header=header)
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statistics.json").write_bytes(write_statistics(table))
    (folder / "constraints.json").write_bytes(write_constraints(suggested_constraints(table)))
    console = options.console()
    _show_columns(console, table)
    console.print(
        f"Wrote {folder / 'statistics.json'} and {folder / 'constraints.json'}.", markup=False, soft_wrap=True
    )


@click.command("captured")
@options.places
@options.output("A .csv or .parquet file, or - for CSV on standard output.", required=True)
@options.aws
def captured_command(capture: tuple[str, ...], output: str, profile: str | None, region: str | None) -> None:
    """Write captured requests as a table.

    One line for each row: event id, inference time, inference id, outputs, inputs.

    \b
    Examples:
      vedette captured captures/ -o data.csv
      vedette captured s3://my-bucket/data-capture/my-endpoint -o data.parquet
    """  # noqa: D301
    from vedette.frames import captured_frame, write_csv, write_parquet
    from vedette.places import sources

    if not output.endswith((".csv", ".parquet")) and output != "-":
        raise click.UsageError("-o needs a name that ends in .csv or .parquet, or - for CSV on standard output.")
    found = sources(capture, profile=profile, region=region)
    with options.progress("Reading", sum(source.size for source in found)) as advance:
        frame = captured_frame(found, advance)
    if output == "-":
        write_csv(frame, sys.stdout.buffer)
    else:
        write = write_parquet if output.endswith(".parquet") else write_csv
        write(frame, Path(output))
    refused = sum(frame.attrs["refused"].values())
    console = options.console(output)
    console.print(f"{len(frame)} rows, {refused} lines refused, written to {output}.", markup=False, soft_wrap=True)


# --- reading ----------------------------------------------------------------------------------------------------------


def _summary(found: Sequence[Source], quarantine: str | None) -> CaptureSummary:
    """The sum of all sources, a file at a time; refused lines go to the quarantine file."""
    from chalicelib.capture.summary import CaptureSummary, summarize

    with options.progress("Reading", sum(source.size for source in found)) as advance:

        def read(keep: Callable[[RefusedLine], None] | None) -> CaptureSummary:
            return CaptureSummary.total(summarize(_told(source, advance), on_refused=keep) for source in found)

        if quarantine is None:
            return read(None)
        with Path(quarantine).open("wb") as file:
            return read(_keep_in(file))


def _keep_in(file: BinaryIO) -> Callable[[RefusedLine], None]:
    def keep(line: RefusedLine) -> None:
        if line.line:
            file.write(line.line + b"\n")

    return keep


def _told(source: Source, advance: Callable[[int], None]) -> Iterator[bytes]:
    """The chunks of a source, each one reported when it was taken."""
    for chunk in source.chunks():
        yield chunk
        advance(len(chunk))


# --- showing ----------------------------------------------------------------------------------------------------------


def _show_summary(console: Console, summary: CaptureSummary, files: int) -> None:
    lines = [f"{summary.rows} rows in {summary.events} requests, from {files} file{'s' if files != 1 else ''}"]
    apart = (
        (summary.errors, "error responses"),
        (summary.probes, "golden requests"),
        (summary.shadows, "shadow requests"),
    )
    lines += [f"{count} {what}, in no statistic" for count, what in apart if count]
    lines += [f"{count} lines refused: {reason}" for reason, count in summary.refused.items()] or ["0 lines refused"]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _show_checks(console: Console, measurements: Sequence[Measurement]) -> None:
    from rich.table import Table as Shown

    if not measurements:
        return
    shown = Shown("Check", "Measured", "Passed", "Violated", "Too few rows")
    for check in dict.fromkeys(measurement.check for measurement in measurements):
        of_check = [measurement for measurement in measurements if measurement.check == check]
        violated = sum(measurement.violated for measurement in of_check)
        waiting = sum(not measurement.judged for measurement in of_check)
        counts = (len(of_check), len(of_check) - violated - waiting, violated, waiting)
        shown.add_row(check, *(str(count) for count in counts), style="red" if violated else None)
    console.print(shown)


def _show_measurements(console: Console, measurements: Sequence[Measurement], everything: bool) -> None:
    from rich.table import Table as Shown
    from rich.text import Text

    from chalicelib.alerts.text import harmless

    chosen = [measurement for measurement in measurements if everything or measurement.violated]
    if not chosen:
        return
    shown = Shown("Feature", "Check", "Expected", "Observed", "")
    for one in sorted(chosen, key=lambda measurement: not measurement.violated):
        result = "violated" if one.violated else "passed" if one.judged else f"{one.needed} more rows needed"
        cells = (harmless(one.feature, 60), one.check, one.expected, one.observed, result)
        shown.add_row(*(Text(cell) for cell in cells), style="red" if one.violated else None)
    console.print(shown)
    for one in chosen:
        if one.violated:
            console.print(f"{harmless(one.feature, 60)}: {one.description}", markup=False, soft_wrap=True)


def _show_columns(console: Console, table: Table) -> None:
    from rich.table import Table as Shown
    from rich.text import Text

    from chalicelib.alerts.text import harmless

    shown = Shown("Feature", "Type", "Present", "Missing", "Mean", "Deviation", "Minimum", "Maximum", "Distinct")
    for name, column in zip(table.feature_names, table.columns, strict=True):
        moments = column.moments
        figures = (moments.mean, moments.std_dev, moments.minimum, moments.maximum)
        shown.add_row(
            Text(harmless(name, 60)),
            column.types.inferred_type,
            str(column.types.present),
            str(column.types.missing),
            *("" if figure is None else f"{figure:.6g}" for figure in figures),
            f"{column.categories.distinct:.0f}",
        )
    console.print(
        f"{table.rows} rows of {len(table.names)} columns, {table.outputs} of them outputs",
        markup=False,
        soft_wrap=True,
    )
    console.print(shown)
