"""Commands on captures and tables, local or in S3. They need no installation, and write nothing except their outputs.

What they do is the Python API (vedette/files.py); here are their options, and what they print.

Outputs are written before anything is printed: a reader of standard output, such as `head`, may stop reading.

| command   | reads                | writes                            | exit code 1 | exit code 2                     |
|-----------|----------------------|-----------------------------------|-------------|---------------------------------|
| evaluate  | data, a baseline     | the files named by options        | --fail-on   | unreadable, nothing evaluated   |
| ... --labels, baseline --quality: see `quality` |                  |             |                                 |
| summarize | data                 | the files named by options        |             | unreadable, no rows             |
| baseline  | a data set, captures | statistics.json, constraints.json |             | unreadable, rows differ in width|
| captured  | captures             | CSV or Parquet                    |             | unreadable, no rows             |
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from vedette.cli import options, quality, rendering
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from rich.console import Console

    from chalicelib.capture.options import CaptureOptions as Traffic
    from chalicelib.constraints.evaluation import Baseline
    from chalicelib.statistics.table import Table
    from vedette.file_results import DataRead

ROBUST = (
    "distances use the Robust method, which subtracts the difference that chance may cause in a sample of this size;"
    " a distance of 0 is a difference no larger than that"
)


@click.command("evaluate")
@options.captures
@click.option("--baseline", required=True, help="A folder with both baseline files, or a constraints.json.")
@options.output("Write constraint_violations.json in Model Monitor's format.")
@click.option("--report", type=click.Path(dir_okay=False), help="Write the results as an HTML page.")
@click.option("--quarantine", type=click.Path(dir_okay=False), help="Write the rejected lines to this file.")
@click.option(
    "--minimum-rows",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="The number of rows needed to evaluate types and completeness.",
)
@click.option(
    "--minimum-drift-rows",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="The number of values needed to evaluate drift.",
)
@quality.labels
@quality.quality_settings
@click.option(
    "--minimum-labels",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="The number of labels needed to evaluate the metrics of the model.",
)
@click.option("--all", "everything", is_flag=True, help="Show every measured value, including those that passed.")
@options.fail_on
@options.no_header
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON; all else goes to standard error.")
@options.private
@options.traffic
@options.aws
def evaluate_command(
    capture: tuple[str, ...],
    baseline: str,
    output: str | None,
    report: str | None,
    quarantine: str | None,
    minimum_rows: int,
    minimum_drift_rows: int,
    labels: tuple[str, ...],
    quality_settings: str | None,
    minimum_labels: int,
    everything: bool,
    fail_on: Literal["critical", "warning", "information"],
    no_header: bool,
    as_json: bool,
    private: tuple[str, ...],
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Evaluate captured data, or a table, against a baseline.

    CAPTURE is one or more files, directories, globs or s3:// prefixes of captures, or of tables: CSV with a header or
    Parquet. If the baseline is only a constraints.json, drift is not evaluated.

    With --labels, the quality of the model is evaluated instead of its data: each prediction is joined to its label,
    and the metrics are compared with a baseline of `vedette baseline --quality`, or of Model Monitor.

    Exit codes: 0 = no violations of the severity of --fail-on or worse (including too few rows for some checks), 1 =
    such violations found, 2 = nothing could be evaluated. By default, what chance may explain does not fail: its
    severity is information.

    \b
    Examples:
      vedette evaluate s3://my-bucket/data-capture/my-endpoint --baseline s3://my-bucket/baseline
      vedette evaluate 'captures/**/*.jsonl' --baseline constraints.json -o violations.json --report report.html
      vedette evaluate captures/ --baseline baseline/ --fail-on critical --json
      vedette evaluate batch.csv --baseline baseline/
      vedette evaluate captures/ --labels labels.csv --baseline quality-baseline/
    """  # noqa: D301
    import vedette
    from chalicelib.constraints.check_types import DRIFT

    if as_json and output == "-":
        raise click.UsageError("--json and -o - both write to standard output: use one of them.")
    options.folders_exist(output, report, quarantine)
    if labels:
        if report or quarantine:
            raise click.UsageError("--report and --quarantine are for data quality: leave them out with --labels.")
        found_code = quality.evaluate(
            CommandIO(as_json),
            capture,
            labels,
            baseline,
            settings_place=quality_settings,
            minimum_labels=minimum_labels,
            everything=everything,
            fail_on=fail_on,
            output=output,
            traffic=traffic,
            profile=profile,
            region=region,
        )
        click.get_current_context().exit(found_code)
    result = vedette.evaluate(
        capture,
        baseline,
        minimum_rows=minimum_rows,
        minimum_drift_rows=minimum_drift_rows,
        private=private,
        header=traffic.header or not no_header,
        test_marker=traffic.test_marker,
        quarantine=quarantine,
        profile=profile,
        region=region,
    )
    evaluation, reference = result.evaluation, result.baseline
    features = tuple(feature.name for feature in reference.constraints.features)
    if report:
        options.write(report, result.report())
    if output:
        options.write(output, result.violations_file())
    code = result.exit_code(fail_on)
    if as_json:
        CommandIO(as_json).emit(result.to_dict(severity=fail_on, everything=everything))
    console = options.console("-" if as_json else output)
    _show_read(console, result.data, quarantine)
    _warn_of_unknown(private, result.data.summary.tables, console, features)
    rendering.show_checks(console, evaluation.measurements)
    rendering.show_measurements(console, evaluation.measurements, everything)
    rendering.show_notes(console, evaluation.notes)
    if reference.statistics is not None:
        compared = sum(one.check == DRIFT and one.evaluated for one in evaluation.measurements)
        rendering.line(console, f"{compared} of {len(features)} columns compared with the baseline's distributions.")
    if any(one.kind == "drift" for one in evaluation.measurements) and _is_robust(reference):
        rendering.line(console, f"Note: {ROBUST}.")
    if result.data.captured and not result.compared_days and any(one.check == DRIFT for one in evaluation.measurements):
        why = "the captures are not of one day, or not of half of it"
        why = why if result.with_reference_days else "the baseline has no reference days"
        rendering.line(console, f"Note: no day-to-day variation is known ({why}), so the rule of the file decides.")
    rendering.line(console, result.conclusion, style="bold")
    if evaluation.violations and not code:
        rendering.line(console, f"Exit code 0: no violation has the severity {fail_on} or a worse one.")
    rendering.wrote(console, output, report, quarantine)
    click.get_current_context().exit(code)


def _is_robust(baseline: Baseline) -> bool:
    return any(
        baseline.constraints.monitoring(feature).comparison_method == "Robust"
        for feature in baseline.constraints.features
    )


@click.command("summarize")
@options.captures
@options.output("Write statistics.json in Model Monitor's format.")
@click.option("--quarantine", type=click.Path(dir_okay=False), help="Write the rejected lines to this file.")
@options.no_header
@options.private
@options.baseline_names
@options.traffic
@options.aws
def summarize_command(
    capture: tuple[str, ...],
    output: str | None,
    quarantine: str | None,
    no_header: bool,
    private: tuple[str, ...],
    baseline: str | None,
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Summarize captured data, or a table, column by column.

    \b
    Examples:
      vedette summarize captures/
      vedette summarize captures/ --private email --private _c3
      vedette summarize s3://my-bucket/data-capture/my-endpoint/AllTraffic/2026/11/22/09 -o statistics.json
    """  # noqa: D301
    import vedette
    from chalicelib.errors import UnreadableFile
    from chalicelib.statistics import BASELINE_K

    options.folders_exist(output, quarantine)
    k = BASELINE_K if output else traffic.sketch_k  # the file is one for Model Monitor's tools, or a baseline
    result = vedette.summarize(
        capture,
        baseline=baseline,
        private=private,
        header=traffic.header or not no_header,
        test_marker=traffic.test_marker,
        quarantine=quarantine,
        sketch_k=k,
        profile=profile,
        region=region,
    )
    tables = result.tables
    if output and tables:
        options.write(output, result.statistics_file())
    console = options.console(output)
    _show_read(console, result.data, quarantine)
    rendering.show_notes(console, result.data.summary.unread)
    if not tables:
        raise UnreadableFile(f"{capture[0]}: no rows could be read")
    _warn_of_unknown(private, result.data.summary.tables, console)
    for table in tables:
        rendering.show_columns(console, table)
    if output and len(tables) > 1:
        rendering.line(console, f"{output} covers {tables[0].rows} rows with {len(tables[0].names)} columns.")
    _warn_of_unaligned(console, result.unaligned_rows)
    rendering.wrote(console, output, quarantine)


@click.command("baseline")
@click.argument("data", required=False)
@click.option("--header/--no-header", default=True, help="Whether the first row has the names. [default: header]")
@click.option(
    "--label",
    metavar="NAME|last",
    help="Put this column of the data set first, as in captures; with --quality: the column of labels.",
)
@click.option(
    "--from-captures",
    multiple=True,
    metavar="ENDPOINT|PLACE",
    help="Use the captures of an endpoint in the last --hours, or capture files, instead of a data set.",
)
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 28),
    default=24,
    show_default=True,
    help="The number of hours of captures to read, until now.",
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False), help="The folder for the two files.")
@click.option("--quality", "of_quality", is_flag=True, help="Create a baseline of model quality.")
@quality.labels
@quality.quality_settings
@click.option(
    "--problem-type",
    type=click.Choice(["BinaryClassification", "MulticlassClassification", "Regression"]),
    help="With --quality: what the labels are. [default: suggested]",
)
@click.option("--prediction", default="", metavar="NAME", help="With --quality: the column of predictions.")
@click.option("--score", default="", metavar="NAME", help="With --quality: the column of scores.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="With --quality: the least score of the positive class, without --prediction.",
)
@options.private
@options.aws
def baseline_command(
    data: str | None,
    header: bool,
    label: str | None,
    from_captures: tuple[str, ...],
    hours: int,
    output: str,
    of_quality: bool,
    labels: tuple[str, ...],
    quality_settings: str | None,
    problem_type: str | None,
    prediction: str,
    score: str,
    threshold: float,
    private: tuple[str, ...],
    profile: str | None,
    region: str | None,
) -> None:
    """Create a baseline from a data set, or from the captures of an endpoint.

    Write statistics.json and constraints.json, and of captures of 14 days or more also reference.json, the reference
    days. DATA is a CSV or Parquet file, a folder or a glob of its parts, a file of JSON lines (.jsonl, .ndjson), or a
    statistics.json from which only constraints are suggested. The columns must have the order of the captured rows:
    first the outputs of the model, then its inputs; --label puts the label first. A baseline of the inputs alone is
    compared with the inputs alone. Columns without names become _c0, _c1, ..., as in Model Monitor. A name that the
    outputs and the inputs of captures both have becomes output.NAME and input.NAME.

    With --quality, the two files are those of model quality. A data set is a CSV file with a column of labels, and one
    of predictions, of scores, or both; captures need --labels.

    \b
    Examples:
      vedette baseline train.csv -o baseline/
      vedette baseline train.csv --label last -o baseline/
      vedette baseline s3://my-bucket/train.csv --no-header -o baseline/
      vedette baseline train.parquet -o baseline/ --private birth_date
      vedette baseline --from-captures my-endpoint --hours 72 -o baseline/
      vedette baseline --from-captures captures/ -o baseline/
      vedette baseline test.csv --quality --label fraud --score p -o quality-baseline/
      vedette baseline --from-captures captures/ --labels labels.csv --quality -o quality-baseline/
    """  # noqa: D301
    import vedette
    from chalicelib.constraints.day_drift import reference_notes, reference_sentence

    if bool(data) == bool(from_captures):
        raise click.UsageError("Name one data set, or use --from-captures.")
    if of_quality:
        from vedette.files import capture_sources

        if from_captures and not labels:
            raise click.UsageError("--from-captures needs --labels.")
        quality.baseline(
            data,
            capture_sources(from_captures, hours, profile, region),
            labels,
            settings_place=quality_settings,
            problem_type=problem_type,
            label=label,
            prediction=prediction,
            score=score,
            threshold=threshold,
            output=output,
            profile=profile,
            region=region,
        )
        return
    if labels or quality_settings or problem_type or prediction or score:
        raise click.UsageError("--labels, --prediction, --score and --problem-type need --quality.")
    if label and not data:
        raise click.UsageError("--label is for a data set; captured rows have their outputs first.")
    result = vedette.baseline(
        data or from_captures,
        captured=not data,
        hours=hours,
        header=header,
        label=label,
        private=private,
        profile=profile,
        region=region,
    )
    written = result.save(output)
    table, other_rows, reference = result.statistics, result.other_rows, result.reference_days
    console = options.console()
    rendering.show_columns(console, table)
    _warn_of_unknown(private, [table], console)
    if table.rows == 1:
        rendering.line(console, "Warning: these are the rules of one row, which others will violate; use more rows.")
    if data:
        _warn_of(table, console)
    if other_rows:
        rendering.line(console, f"Warning: {rendering.counted(other_rows, 'row')} with other columns were left out.")
    if reference:
        rendering.show_notes(console, [reference_sentence(reference), *reference_notes(reference)])
    rendering.line(console, f"Wrote {', '.join(map(str, written[:-1]))} and {written[-1]}.")
    rendering.line(console, f"To use them, run: vedette constraints use ENDPOINT --from {output} --reason '...'")


@click.command("captured")
@options.captures
@options.output("Write to this .csv or .parquet file, or - for CSV on standard output.", required=True)
@click.option(
    "--types",
    type=click.Choice(["text", "inferred"]),
    help="Write values as sent, or as numbers where nothing is lost. [default: text for CSV, inferred for Parquet]",
)
@options.baseline_names
@options.traffic
@options.aws
def captured_command(
    capture: tuple[str, ...],
    output: str,
    types: Literal["text", "inferred"] | None,
    baseline: str | None,
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Write captured requests as a table.

    Each line has the event id, the inference time, the inference id, the outputs and the inputs of one row, and the
    ground truth where a request has it. In CSV the values are the text that was sent: 62.50 stays 62.50. A value that
    a spreadsheet may take for a formula gets a leading quote.

    The columns have the names of the payload, or _c0, _c1, ... without them. A name of both sides becomes output.NAME
    and input.NAME.

    \b
    Examples:
      vedette captured captures/ -o data.csv
      vedette captured s3://my-bucket/data-capture/my-endpoint -o data.parquet
    """  # noqa: D301
    from chalicelib.errors import UnreadableFile
    from vedette.baselines import feature_names_of
    from vedette.dataframes import captured_frame, write_csv, write_parquet
    from vedette.input_sources import sources

    if not output.endswith((".csv", ".parquet")) and output != "-":
        raise click.UsageError("-o needs a file name that ends in .csv or .parquet, or - for CSV on standard output.")
    options.folders_exist(output)
    features = feature_names_of(baseline, profile=profile, region=region) if baseline else None
    found = sources(capture, profile=profile, region=region)
    with options.progress("Reading", sum(source.size for source in found)) as advance:
        types = types or ("inferred" if output.endswith(".parquet") else "text")
        frame = captured_frame(found, advance, types=types, options=traffic, features=features)
    reasons = ", ".join(f"{reason}: {count}" for reason, count in frame.attrs["refused"].items())
    if frame.empty:
        raise UnreadableFile(f"{capture[0]}: no rows could be read" + (f" ({reasons})" if reasons else ""))
    if output == "-":
        write_csv(frame, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        write = write_parquet if output.endswith(".parquet") else write_csv
        write(frame, Path(output))
    refused = sum(frame.attrs["refused"].values())
    rows, lines = rendering.counted(len(frame), "row"), rendering.counted(refused, "line")
    where = "standard output" if output == "-" else output
    why = f" ({reasons})" if reasons else ""
    console = options.console(output)
    _warn_of_unaligned(console, frame.attrs["unaligned"])
    rendering.line(console, f"{rows}, {lines} rejected{why}, written to {where}.")


# --- output -----------------------------------------------------------------------------------------------------------


def _show_read(console: Console, read: DataRead, quarantine: str | None) -> None:
    rendering.show_summary(console, read)
    if read.captured:
        rendering.show_rejected(console, read.rejected_at, read.summary.rejected_lines, quarantine)


def _warn_of_unknown(
    private: Sequence[str], tables: Sequence[Table], console: Console, features: Sequence[str] = ()
) -> None:
    """Warn about names in --private that are those of no column, and of no feature of the baseline."""
    from chalicelib.alerts.sanitize import sanitize_name
    from chalicelib.statistics.private_features import unknown_names

    for name in unknown_names(tables, private, features):
        rendering.line(console, f"Warning: --private {sanitize_name(name, 60)}: no column has this name.")


def _warn_of(table: Table, console: Console) -> None:
    """Warn about likely mistakes: a first data row taken for names, and columns that mix numbers and text."""
    from chalicelib.alerts.sanitize import sanitize, sanitize_name
    from chalicelib.statistics.lexical import lexical_type

    if any(lexical_type(name) in ("integral", "fractional") for name in table.names):
        names = sanitize(", ".join(table.names), 60)
        rendering.line(console, f"Warning: the columns are named {names}. If the first row is data, use --no-header.")
    for name, column in zip(table.feature_names, table.columns, strict=True):
        types = column.types
        numbers, texts = types.integral + types.fractional, types.string + types.boolean
        if numbers and texts:
            mixed = f"{rendering.counted(texts, 'text')} among {rendering.counted(numbers, 'number')}"
            rendering.line(
                console, f"Warning: {sanitize_name(name, 60)} has {mixed}, so its type is {types.inferred_type}."
            )


def _warn_of_unaligned(console: Console, rows: int) -> None:
    if rows:
        kept = f"{rendering.counted(rows, 'row')} cannot be aligned with the baseline"
        rendering.line(console, f"Warning: {kept}: their columns keep their own names.")
