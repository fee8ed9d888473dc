"""Commands on capture files, local or in S3. They need no installation, and write nothing except their outputs.

Outputs are written before anything is printed: a reader of standard output, such as `head`, may stop reading.

| command   | reads                | writes                            | exit code 1 | exit code 2                     |
|-----------|----------------------|-----------------------------------|-------------|---------------------------------|
| evaluate  | captures, a baseline | the files named by options        | --fail-on   | unreadable, nothing evaluated   |
| ... --labels, baseline --quality: see `quality` |                  |             |                                 |
| summarize | captures             | the files named by options        |             | unreadable, no rows             |
| baseline  | a data set, captures | statistics.json, constraints.json |             | unreadable, rows differ in width|
| captured  | captures             | CSV or Parquet                    |             | unreadable, no rows             |
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from vedette.cli import options, quality, rendering
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from rich.console import Console

    from chalicelib.capture.options import CaptureOptions as Traffic
    from chalicelib.capture.row_reader import RejectedLine
    from chalicelib.capture.summary import CaptureSummary
    from chalicelib.constraints.evaluation import Baseline, Evaluation
    from chalicelib.statistics.table import Table
    from vedette.input_sources import Source

EVALUATED = {"OK", "Violations", "InsufficientData"}  # verdicts about evaluated data
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
    fail_on: str,
    as_json: bool,
    private: tuple[str, ...],
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Evaluate captured data against a baseline.

    CAPTURE is one or more files, directories, globs or s3:// prefixes. If the baseline is only a constraints.json,
    drift is not evaluated.

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
      vedette evaluate captures/ --labels labels.csv --baseline quality-baseline/
    """  # noqa: D301
    import msgspec

    from chalicelib.constraints.check_types import DRIFT
    from chalicelib.constraints.column_alignment import aligned_table
    from chalicelib.constraints.evaluation import evaluate
    from chalicelib.constraints.files import write_violations
    from chalicelib.constraints.measurement import Severity
    from chalicelib.constraints.severity_order import any_at_least
    from chalicelib.pages.labels import verdict_sentence
    from chalicelib.pages.report import ReportContent
    from chalicelib.pages.report import report as page
    from vedette.baselines import compared_day, read_baseline, read_reference_days
    from vedette.input_sources import sources

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
    reference = read_baseline(baseline, profile=profile, region=region)
    days = read_reference_days(baseline, profile=profile, region=region)
    features = tuple(feature.name for feature in reference.constraints.features)
    traffic = msgspec.structs.replace(traffic, private=private, features=features)
    found = sources(capture, profile=profile, region=region)
    read = _read(found, traffic, quarantine)
    summary = read.summary
    day = compared_day(days, summary, reference)
    evaluation = evaluate(summary, reference, day=day, minimum_rows=minimum_rows, minimum_drift_rows=minimum_drift_rows)
    if report:
        title = capture[0] if len(capture) == 1 else f"{len(found)} files"
        current = aligned_table(summary.tables, reference.constraints, reference.statistics)
        content = ReportContent(
            title,
            evaluation,
            summary.events,
            summary.rejected,
            reference,
            current,
            sources=capture,
            captured=summary.period,
        )
        options.write(report, page(content))
    if output:
        options.write(output, write_violations(evaluation.violations))
    evaluated = any(one.evaluated for one in evaluation.measurements)
    failed = any_at_least(Severity(fail_on), evaluation.measurements)
    code = {"NoData": 2, "CaptureStopped": 2, "MonitorFailed": 2}.get(evaluation.verdict, int(failed))
    code = code if evaluated else 2
    if as_json:
        CommandIO(as_json).emit(_as_json(capture, len(found), read, evaluation, everything, exit_code=code))
    console = options.console("-" if as_json else output)
    _show_read(console, read, capture, len(found), quarantine)
    _warn_of_unknown(private, summary.tables, console, features)
    rendering.show_checks(console, evaluation.measurements)
    rendering.show_measurements(console, evaluation.measurements, everything)
    rendering.show_notes(console, evaluation.notes)
    if reference.statistics is not None:
        compared = sum(one.check == DRIFT and one.evaluated for one in evaluation.measurements)
        rendering.line(console, f"{compared} of {len(features)} columns compared with the baseline's distributions.")
    if any(one.kind == "drift" for one in evaluation.measurements) and _is_robust(reference):
        rendering.line(console, f"Note: {ROBUST}.")
    if day is None and any(one.check == DRIFT for one in evaluation.measurements):
        why = "the captures are not of one day, or not of half of it" if days else "the baseline has no reference days"
        rendering.line(console, f"Note: no day-to-day variation is known ({why}), so the rule of the file decides.")
    conclusion = f"{evaluation.verdict}: {verdict_sentence(evaluation)}"
    not_evaluated = not evaluated and evaluation.verdict in EVALUATED
    rendering.line(console, "Nothing was evaluated." if not_evaluated else conclusion, style="bold")
    if evaluation.violations and not code:
        rendering.line(console, f"Exit code 0: no violation has the severity {fail_on} or a worse one.")
    rendering.wrote(console, output, report, quarantine)
    click.get_current_context().exit(code)


def _as_json(
    capture: Sequence[str], files: int, read: _Read, evaluation: Evaluation, everything: bool, *, exit_code: int
) -> dict[str, Any]:
    """The verdict with stable keys; docs/evaluate.md explains them."""
    from chalicelib.constraints.severity_order import worst_first

    summary = read.summary
    return {
        "verdict": evaluation.verdict,
        "exit_code": exit_code,
        "captures": capture,
        "files": files,
        "requests": summary.events,
        "rows": evaluation.rows,
        "first_inference": summary.first_inference,
        "last_inference": summary.last_inference,
        "rejected": summary.rejected,
        "notes": evaluation.notes,
        "violations": worst_first(evaluation.violations),
        **({"measurements": worst_first(evaluation.measurements)} if everything else {}),
    }


def _is_robust(baseline: Baseline) -> bool:
    return any(
        baseline.constraints.monitoring(feature).comparison_method == "Robust"
        for feature in baseline.constraints.features
    )


@click.command("summarize")
@options.captures
@options.output("Write statistics.json in Model Monitor's format.")
@click.option("--quarantine", type=click.Path(dir_okay=False), help="Write the rejected lines to this file.")
@options.private
@options.baseline_names
@options.traffic
@options.aws
def summarize_command(
    capture: tuple[str, ...],
    output: str | None,
    quarantine: str | None,
    private: tuple[str, ...],
    baseline: str | None,
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Summarize captured data, column by column.

    \b
    Examples:
      vedette summarize captures/
      vedette summarize captures/ --private email --private _c3
      vedette summarize s3://my-bucket/data-capture/my-endpoint/AllTraffic/2026/11/22/09 -o statistics.json
    """  # noqa: D301
    import msgspec

    from chalicelib.constraints.column_alignment import align_columns, tables_with_baseline_names
    from chalicelib.errors import UnreadableFile
    from chalicelib.statistics import BASELINE_K
    from chalicelib.statistics.files import write_statistics
    from vedette.baselines import feature_names_of
    from vedette.input_sources import sources

    options.folders_exist(output, quarantine)
    features = feature_names_of(baseline, profile=profile, region=region) if baseline else ()
    found = sources(capture, profile=profile, region=region)
    k = BASELINE_K if output else traffic.sketch_k  # the file is one for Model Monitor's tools, or a baseline
    traffic = msgspec.structs.replace(traffic, sketch_k=k, private=private)
    read = _read(found, traffic, quarantine)
    tables = sorted(tables_with_baseline_names(read.summary.tables, features), key=lambda table: -table.rows)
    if output and tables:
        options.write(output, write_statistics(tables[0]))
    console = options.console(output)
    _show_read(console, read, capture, len(found), quarantine)
    rendering.show_notes(console, read.summary.unread)
    if not tables:
        raise UnreadableFile(f"{capture[0]}: no rows could be read")
    _warn_of_unknown(private, read.summary.tables, console)
    for table in tables:
        rendering.show_columns(console, table)
    if output and len(tables) > 1:
        rendering.line(console, f"{output} covers {tables[0].rows} rows with {len(tables[0].names)} columns.")
    if features:
        unaligned = (table for table in read.summary.tables if align_columns(table, features).columns is None)
        _warn_of_unaligned(console, sum(table.rows for table in unaligned))
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
    days. A data set is CSV, JSON lines (.jsonl, .ndjson), Parquet, or a statistics.json from which only constraints are
    suggested. The columns must have the order of the captured rows: first the outputs of the model, then its inputs;
    --label puts the label first. A baseline of the inputs alone is compared with the inputs alone. Columns without
    names become _c0, _c1, ..., as in Model Monitor. A name that the outputs and the inputs of captures both have
    becomes output.NAME and input.NAME.

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
    from chalicelib import records
    from chalicelib.constraints.day_drift import reference_notes, reference_sentence
    from chalicelib.constraints.files import write_constraints
    from chalicelib.constraints.suggestion import suggested_constraints
    from chalicelib.locations import REFERENCE_FILE
    from chalicelib.statistics.files import write_statistics
    from chalicelib.statistics.private_features import without_private_values
    from vedette.baselines import captured_statistics, data_set_statistics, with_label_first

    if bool(data) == bool(from_captures):
        raise click.UsageError("Name one data set, or use --from-captures.")
    if of_quality:
        if from_captures and not labels:
            raise click.UsageError("--from-captures needs --labels.")
        quality.baseline(
            data,
            _captures(from_captures, hours, profile, region),
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
    other_rows, reference = 0, None
    if data:
        source = _data_set(data, profile, region)
        with options.progress("Reading", source.size) as advance:
            table = without_private_values(data_set_statistics(source, advance, header=header), private)
        table = with_label_first(table, label, data) if label else table
    else:
        found = _captures(from_captures, hours, profile, region)
        with options.progress("Reading", sum(source.size for source in found)) as advance:
            table, other_rows, reference = captured_statistics(found, advance, private=private)
    folder = Path(output)
    constraints = write_constraints(suggested_constraints(table))
    folder.mkdir(parents=True, exist_ok=True)
    unchanged = data is not None and data.endswith(".json") and not private and not label
    (folder / "statistics.json").write_bytes(b"".join(source.chunks()) if unchanged else write_statistics(table))
    (folder / "constraints.json").write_bytes(constraints)
    if reference:
        (folder / REFERENCE_FILE).write_bytes(records.write(reference))
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
    written = ["statistics.json", "constraints.json", *([REFERENCE_FILE] if reference else [])]
    rendering.line(
        console, f"Wrote {', '.join(str(folder / name) for name in written[:-1])} and {folder / written[-1]}."
    )
    rendering.line(console, f"To use them, run: vedette constraints use ENDPOINT --from {folder} --reason '...'")


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


# --- reading ----------------------------------------------------------------------------------------------------------


class _Read(NamedTuple):
    """The summary of all sources, and the places of the first rejected lines."""

    summary: CaptureSummary
    refused: list[rendering.RejectedAt]


def _read(found: Sequence[Source], traffic: Traffic, quarantine: str | None) -> _Read:
    """Summarize all sources, one file at a time; write rejected lines to the quarantine file."""
    from chalicelib.capture.summary import CaptureSummary, summarize

    refused: list[rendering.RejectedAt] = []
    with ExitStack() as stack:
        advance = stack.enter_context(options.progress("Reading", sum(source.size for source in found)))
        kept = None if quarantine is None else stack.enter_context(Path(quarantine).open("wb"))

        def set_aside(source: Source, line: RejectedLine) -> None:
            if len(refused) < rendering.MAX_REJECTED_SHOWN:
                refused.append(rendering.RejectedAt(source, line.start, line.reason))
            if kept is not None and line.line:
                kept.write(line.line + b"\n")

        summary = CaptureSummary.total(
            summarize(source.read(advance), options=traffic, on_rejected=partial(set_aside, source)) for source in found
        )
    return _Read(summary, refused)


def _show_read(console: Console, read: _Read, capture: Sequence[str], files: int, quarantine: str | None) -> None:
    rendering.show_summary(console, read.summary, capture, files)
    rendering.show_rejected(console, read.refused, read.summary.rejected_lines, quarantine)


def _data_set(place: str, profile: str | None, region: str | None) -> Source:
    """The single file of a data set; raises UnreadableFile if the name matches several."""
    from chalicelib.errors import UnreadableFile
    from vedette.input_sources import is_s3, sources

    if not is_s3(place) and Path(place).is_dir():
        raise UnreadableFile(f"{place}: a directory; name one data set, or use --from-captures")
    found = sources([place], profile=profile, region=region)
    if len(found) > 1 or (is_s3(place) and found[0].name != place):
        raise UnreadableFile(f"{place}: {len(found)} files; name one data set, or use --from-captures")
    return found[0]


def _captures(named: Sequence[str], hours: int, profile: str | None, region: str | None) -> list[Source]:
    """The capture files of endpoints and locations; a name without a slash that is not a file is an endpoint."""
    from datetime import UTC, datetime

    from vedette.baselines import captures_of
    from vedette.input_sources import sources

    found: list[Source] = []
    for name in named:
        if "/" in name or Path(name).exists():
            found += sources([name], profile=profile, region=region)
        else:
            found += captures_of(name, hours, datetime.now(UTC), profile=profile, region=region)
    return found


def _warn_of_unknown(
    private: Sequence[str], tables: Sequence[Table], console: Console, features: Sequence[str] = ()
) -> None:
    """Warn about names in --private that are those of no column, and of no feature of the baseline."""
    from chalicelib.alerts.sanitize import sanitize
    from chalicelib.statistics.private_features import unknown_names

    for name in unknown_names(tables, private, features):
        rendering.line(console, f"Warning: --private {sanitize(name, 60)}: no column has this name.")


def _warn_of(table: Table, console: Console) -> None:
    """Warn about likely mistakes: a first data row taken for names, and columns that mix numbers and text."""
    from chalicelib.alerts.sanitize import sanitize
    from chalicelib.statistics.lexical import lexical_type

    if all(lexical_type(name) in ("integral", "fractional") for name in table.names):
        names = sanitize(", ".join(table.names), 60)
        rendering.line(console, f"Warning: the columns are named {names}. If the first row is data, use --no-header.")
    for name, column in zip(table.feature_names, table.columns, strict=True):
        types = column.types
        numbers, texts = types.integral + types.fractional, types.string + types.boolean
        if numbers and texts:
            mixed = f"{rendering.counted(texts, 'text')} among {rendering.counted(numbers, 'number')}"
            rendering.line(console, f"Warning: {sanitize(name, 60)} has {mixed}, so its type is {types.inferred_type}.")


def _warn_of_unaligned(console: Console, rows: int) -> None:
    if rows:
        kept = f"{rendering.counted(rows, 'row')} cannot be aligned with the baseline"
        rendering.line(console, f"Warning: {kept}: their columns keep their own names.")
