"""Model quality from files: `vedette quality suggest`, and what `evaluate --labels` and `baseline --quality` do.

| command            | reads                                   | writes               | exit code 2             |
|--------------------|-----------------------------------------|----------------------|-------------------------|
| quality suggest    | captures, labels                        | a fleet.toml table   | nothing to suggest from |
| quality load       | labels, the endpoint's fleet entry      | objects in S3        | no label in a file      |
| evaluate --labels  | captures, labels, a baseline of quality | the file named by -o | no metric was evaluated |
| baseline --quality | a data set, or captures and labels      | two baseline files   | no labelled rows        |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from vedette.cli import options, rendering, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.capture.options import CaptureOptions as Traffic
    from chalicelib.constraints.evaluation import Evaluation
    from chalicelib.quality.joined import Joined
    from chalicelib.quality.settings import ProblemType, QualitySettings
    from chalicelib.quality.state import QualityState
    from vedette.input_sources import Source

labels = click.option(
    "--labels",
    multiple=True,
    metavar="PLACE",
    help="Files, directories, globs or s3:// prefixes of labels, for the quality of the model. Repeatable.",
)
quality_settings = click.option(
    "--quality-settings",
    metavar="FILE",
    help="Read where label, prediction and score are from the quality table of this TOML file. [default: suggested]",
)


@click.group("quality")
def quality_group() -> None:
    """Measure the quality of a model from its predictions and their labels.

    \b
    Example:
      vedette quality suggest captures/ --labels labels.csv --endpoint fraud
    """  # noqa: D301


@quality_group.command("suggest")
@options.captures
@click.option(
    "--labels", multiple=True, required=True, metavar="PLACE", help="The labels of these captures. Repeatable."
)
@click.option("--label", default="", metavar="NAME", help="Where the label is, in labels of several columns.")
@click.option("--endpoint", default="NAME", show_default=True, help="The endpoint of the table.")
@options.traffic
@options.aws
def suggest_command(
    capture: tuple[str, ...],
    labels: tuple[str, ...],
    label: str,
    endpoint: str,
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> None:
    """Suggest the quality table of an endpoint from a few captures and their labels.

    Print a table of fleet.toml to standard output: the problem type that the labels suggest, and the outputs that agree
    with them. Check it: label_delay_hours and label_limit_hours are not suggested.

    \b
    Examples:
      vedette quality suggest captures/ --labels labels.csv --endpoint fraud
      vedette quality suggest s3://my-bucket/data-capture/fraud --labels s3://my-bucket/ground-truth/fraud
    """  # noqa: D301
    from chalicelib.quality.suggestion import settings_table
    from vedette.quality import suggested_from_files

    files = _files(capture, labels, profile, region)
    settings = suggested_from_files(files.captures, files.labels, traffic, label=label)
    click.echo(settings_table(settings, endpoint))


@stage.command("load", changes=True)
@click.argument("file", nargs=-1, required=True)
@click.option("--endpoint", required=True, help="The endpoint whose predictions these labels belong to.")
def load_command(io: CommandIO, file: tuple[str, ...], endpoint: str) -> None:
    """Upload label files to the place from which an endpoint's labels are read.

    Show first what each file holds, as the functions will read it: labels by class, and what is no label by reason. A
    file goes below the first place of `ground_truth`, by the hour of the upload, as Model Monitor has it.

    \b
    Examples:
      vedette quality load labels.csv --endpoint fraud
      vedette quality load labels.csv --endpoint fraud --dry-run
    """  # noqa: D301
    from vedette.input_sources import LABELS, sources
    from vedette.operations import control, labels

    uploads = labels.planned(control.entry_of(endpoint), sources(file, kinds=(LABELS,)))
    io.say(*(line for one in uploads for line in (str(one.holds), f"  -> {one.uri}")))
    uploaded = io.confirm(f"Upload {rendering.counted(len(uploads), 'file')}?")
    if uploaded:
        for one in uploads:
            labels.upload(one)
        io.say("Uploaded. The stage reads each file within seconds; what is lost on the way, the sweep finds.")
    io.emit({"endpoint": endpoint, "uploaded": uploaded, "files": [{"uri": u.uri, "holds": u.holds} for u in uploads]})


quality_group.add_command(load_command)


class _Files(NamedTuple):
    captures: list[Source]
    labels: list[Source]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(source.size for source in (*self.captures, *self.labels))


def _files(captures: Sequence[str], labels: Sequence[str], profile: str | None, region: str | None) -> _Files:
    from vedette.input_sources import LABELS, sources

    found = sources(captures, profile=profile, region=region)
    return _Files(found, sources(labels, profile=profile, region=region, kinds=(LABELS,)))


def _settings(
    files: _Files,
    place: str | None,
    traffic: Traffic,
    problem_type: ProblemType | None,
    profile: str | None,
    region: str | None,
) -> QualitySettings:
    """The settings of a file, or those that captures and labels suggest."""
    from chalicelib.errors import UnreadableFile
    from vedette.quality import read_settings, suggested_from_files

    if place is None:
        return suggested_from_files(files.captures, files.labels, traffic, problem_type=problem_type)
    settings = read_settings(place, profile=profile, region=region)
    if problem_type and settings.problem_type != problem_type:
        raise UnreadableFile(f"{place}: a {settings.problem_type}, but the baseline is of a {problem_type}")
    return settings


def _joined(files: _Files, settings: QualitySettings, traffic: Traffic) -> Joined:
    from vedette.quality import join_files

    with options.progress("Reading", files.size) as advance:
        return join_files(files.captures, files.labels, settings, traffic, advance)


def evaluate(
    io: CommandIO,
    captures: Sequence[str],
    label_places: Sequence[str],
    baseline: str,
    *,
    settings_place: str | None,
    minimum_labels: int,
    everything: bool,
    fail_on: str,
    output: str | None,
    traffic: Traffic,
    profile: str | None,
    region: str | None,
) -> int:
    """Evaluate the quality of a model; returns the exit code."""
    from chalicelib.constraints.measurement import Severity
    from chalicelib.constraints.severity_order import any_at_least
    from chalicelib.pages.labels import verdict_sentence
    from chalicelib.quality.constraints import file_violations
    from chalicelib.quality.evaluation import LabelHistory, evaluate_quality
    from chalicelib.quality.files import quality_statistics, write_violations
    from chalicelib.quality.state import QualityState
    from vedette.quality import problem_of, read_quality_baseline

    reference = read_quality_baseline(baseline, profile=profile, region=region)
    files = _files(captures, label_places, profile, region)
    settings = _settings(files, settings_place, traffic, reference.constraints.problem_type, profile, region)
    joined = _joined(files, settings, traffic)
    problem = problem_of(settings)
    evaluation = evaluate_quality(
        joined.states,
        reference.constraints,
        problem,
        baseline=reference.statistics,
        history=LabelHistory(notes=joined.notes()),
        min_labels=minimum_labels,
    )
    total = QualityState.total(joined.states)
    if output:
        found = quality_statistics(total, problem)
        options.write(output, write_violations(file_violations(found.values, found.deviations, reference.constraints)))
    code = int(any_at_least(Severity(fail_on), evaluation.measurements))
    code = code if any(one.evaluated for one in evaluation.measurements) else 2
    if io.as_json:
        io.emit(_as_json(captures, label_places, joined, total, settings, evaluation, everything, exit_code=code))
    console = options.console("-" if io.as_json else output)
    files_read = f"{rendering.counted(len(files.captures), 'file')} of captures"
    rendering.line(console, f"{rendering.counted(total.predictions, 'prediction')} from {files_read}")
    rendering.line(
        console, f"{rendering.counted(joined.labels, 'label')} from {rendering.counted(len(files.labels), 'file')}"
    )
    if settings_place is None:
        rendering.line(console, f"Settings, as the labels suggest: {_described(settings)}")
    rendering.show_measurements(console, evaluation.measurements, everything)
    rendering.show_notes(console, evaluation.notes)
    rendering.line(console, f"{evaluation.verdict}: {verdict_sentence(evaluation)}", style="bold")
    if evaluation.violations and not code:
        rendering.line(console, f"Exit code 0: no violation has the severity {fail_on} or a worse one.")
    rendering.wrote(console, output)
    return code


def _as_json(
    captures: Sequence[str],
    label_places: Sequence[str],
    joined: Joined,
    total: QualityState,
    settings: QualitySettings,
    evaluation: Evaluation,
    everything: bool,
    *,
    exit_code: int,
) -> dict[str, Any]:
    """The verdict with stable keys; docs/quality-metrics.md explains them."""
    import msgspec

    from chalicelib.constraints.severity_order import worst_first
    from chalicelib.quality.metrics import metrics
    from vedette.quality import problem_of

    return {
        "verdict": evaluation.verdict,
        "exit_code": exit_code,
        "captures": captures,
        "label_files": label_places,
        "settings": msgspec.to_builtins(settings),
        "requests": joined.requests,
        "predictions": total.predictions,
        "labels": joined.labels,
        "labelled": total.labelled,
        "metrics": metrics(total, problem_of(settings)),
        "notes": evaluation.notes,
        "violations": worst_first(evaluation.violations),
        **({"measurements": worst_first(evaluation.measurements)} if everything else {}),
    }


def _described(settings: QualitySettings) -> str:
    from chalicelib.quality.suggestion import settings_table

    return ", ".join(settings_table(settings, "NAME").splitlines()[1:])


def baseline(
    data: str | None,
    captures: list[Source],
    label_places: Sequence[str],
    *,
    settings_place: str | None,
    problem_type: str | None,
    label: str | None,
    prediction: str,
    score: str,
    threshold: float,
    output: str,
    profile: str | None,
    region: str | None,
) -> None:
    """Write statistics.json and constraints.json of model quality."""
    from chalicelib.capture.options import DEFAULT_OPTIONS
    from chalicelib.errors import UnreadableFile
    from chalicelib.quality.constraints import suggested_constraints
    from chalicelib.quality.files import is_quality_constraints, quality_statistics, write_constraints, write_statistics
    from chalicelib.quality.settings import ProblemType
    from chalicelib.quality.state import QualityState
    from vedette.input_sources import LABELS, sources
    from vedette.quality import labelled_data_set, problem_of

    known = ProblemType(problem_type) if problem_type else None
    folder = Path(output)
    existing = folder / "constraints.json"
    if existing.exists() and not is_quality_constraints(existing.read_bytes()):
        raise UnreadableFile(f"{folder}: it has a baseline of data quality; name another folder")
    if data:
        if not label or not (prediction or score):
            raise click.UsageError("A data set needs --label, and --prediction, --score or both.")
        (source,) = sources([data], profile=profile, region=region)
        with options.progress("Reading", source.size) as advance:
            settings, state, skipped = labelled_data_set(
                source,
                advance,
                label=label,
                prediction=prediction,
                score=score,
                threshold=threshold,
                problem_type=known,
            )
        notes = [f"rows left out: {count} ({reason})" for reason, count in skipped.items()]
    else:
        files = _Files(captures, sources(label_places, profile=profile, region=region, kinds=(LABELS,)))
        settings = _settings(files, settings_place, DEFAULT_OPTIONS, known, profile, region)
        joined = _joined(files, settings, DEFAULT_OPTIONS)
        state, notes = QualityState.total(joined.states), list(joined.notes())
        if not state.labelled:
            raise UnreadableFile(f"{label_places[0]}: no label belongs to a captured prediction")
    found = quality_statistics(state, problem_of(settings))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "statistics.json").write_bytes(write_statistics(state, problem_of(settings)))
    constraints = suggested_constraints(found.values, settings.problem_type)
    (folder / "constraints.json").write_bytes(write_constraints(constraints))
    console = options.console()
    rendering.line(console, f"{settings.problem_type} of {rendering.counted(state.labelled, 'labelled row')}")
    rendering.show_values(console, found.values)
    rendering.show_notes(console, notes)
    rendering.line(console, f"Settings: {_described(settings)}")
    rendering.line(console, f"Wrote {folder / 'statistics.json'} and {folder / 'constraints.json'}.")
    rendering.line(console, f"To use them, run: vedette evaluate CAPTURES --labels FILES --baseline {folder}")
