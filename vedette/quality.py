"""Model quality on the operator's side: captures and labels from files, and baselines of model quality.

| input                                  | result                       | error                                        |
|----------------------------------------|------------------------------|----------------------------------------------|
| captures and labels                    | predictions joined to labels | `x: no label has the id of a captured ...`   |
| a CSV with label, prediction and score | the state of its rows        | `x: no column named y`                       |
| a baseline folder, or constraints.json | thresholds, statistics       | `x: not a constraints.json of model quality` |
| a TOML file with one quality table     | settings                     | `x: no [endpoints.NAME.quality] table`       |

Nothing is stored, so ids are hashed with a secret of this process.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

import msgspec

from chalicelib.capture.captured_requests import captured_requests
from chalicelib.capture.envelope import RequestKind
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.record_reader import CapturedRequest
from chalicelib.errors import UnreadableFile
from chalicelib.quality.files import QualityBaseline, read_baseline
from chalicelib.quality.ids import MIN_SECRET_BYTES, IdHash
from chalicelib.quality.joined import Joined, join
from chalicelib.quality.label_parts import LabelPart, label_part
from chalicelib.quality.labels import Label, labels
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.rows import LabelledRows
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.quality.suggestion import LabelledRow, classes_of, suggested_problem_type, suggested_settings
from vedette import input_sources
from vedette.data_sets import csv_rows
from vedette.input_sources import Source, is_folder, read_bytes

SAMPLE_ROWS = 5_000  # captured rows with a label, from which settings are suggested
SAMPLE_LABELS = 200_000
Advance = Callable[[int], None]


def read_quality_baseline(place: str, *, profile: str | None = None, region: str | None = None) -> QualityBaseline:
    """A baseline of model quality: a folder of constraints.json and statistics.json, or constraints alone.

    Raises
    ------
    UnreadableFile
        If the constraints are missing or a file cannot be read.
    """
    folder = is_folder(place)
    constraints_place = input_sources.join(place, "constraints.json") if folder else place
    content = read_bytes(constraints_place, profile=profile, region=region)
    if content is None:
        raise UnreadableFile(f"{constraints_place}: no such file")
    statistics_place = input_sources.join(place, "statistics.json")
    statistics = read_bytes(statistics_place, profile=profile, region=region) if folder else None
    return read_baseline(content, constraints_place, statistics, statistics_place)


def read_settings(place: str, *, profile: str | None = None, region: str | None = None) -> QualitySettings:
    """The settings of the one `[endpoints.NAME.quality]` table of a TOML file.

    Raises
    ------
    UnreadableFile
        If there is none, or more than one, or it is not valid.
    """
    content = read_bytes(place, profile=profile, region=region)
    if content is None:
        raise UnreadableFile(f"{place}: no such file")
    try:
        endpoints = tomllib.loads(content.decode()).get("endpoints", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{place}: not TOML: {error}") from error
    tables = {
        name: entry["quality"]
        for name, entry in (endpoints.items() if isinstance(endpoints, dict) else ())
        if isinstance(entry, dict) and "quality" in entry
    }
    if len(tables) != 1:
        found = f"{len(tables)} tables like [endpoints.{next(iter(tables))}.quality]; keep one" if tables else ""
        raise UnreadableFile(f"{place}: {found or 'no [endpoints.NAME.quality] table'}")
    ((name, table),) = tables.items()
    try:
        settings = msgspec.convert(table, QualitySettings)
    except msgspec.ValidationError as error:
        raise UnreadableFile(f"{place}: endpoints.{name}.quality: {error}") from None
    unknown = sorted(set(table) - {field.name for field in msgspec.structs.fields(QualitySettings)})
    if unknown:
        raise UnreadableFile(f"{place}: endpoints.{name}.quality.{unknown[0]}: no such key")
    return settings


def join_files(
    captures: Sequence[Source],
    label_files: Sequence[Source],
    settings: QualitySettings,
    options: CaptureOptions,
    advance: Advance,
) -> Joined:
    """The predictions of captures joined to the labels of files, each file read once.

    Raises
    ------
    UnreadableFile
        If there are labels, and none has the id of a captured request.
    """
    ids = IdHash(secrets.token_bytes(MIN_SECRET_BYTES))

    def predictions() -> Iterator[PredictionPart]:
        for source in captures:
            yield prediction_part(source.name, source.read(advance), None, settings, ids, options)

    def label_parts() -> Iterator[LabelPart]:
        for source in label_files:
            yield label_part(source.name, source.modified, source.read(advance), settings, ids)

    joined = join(predictions(), label_parts(), settings)
    if joined.labels and joined.blocks and joined.unknown_ids == joined.labels:
        raise UnreadableFile(f"{label_files[0].name}: no label has the id of a captured request")
    return joined


def suggested_from_files(
    captures: Sequence[Source],
    label_files: Sequence[Source],
    options: CaptureOptions,
    *,
    problem_type: ProblemType | None = None,
    label: str = "",
) -> QualitySettings:
    """The settings that the first captured rows with a label suggest.

    Raises
    ------
    UnreadableFile
        If no label has the id of a captured request, or no output looks like a prediction.
    """
    known = _labels_by_id(label_files, label)
    if not known:
        several = "no labels could be read; name the column with --label if they have several"
        raise UnreadableFile(f"{label_files[0].name}: {several}")
    rows = list(islice(_labelled_rows(captures, known, options), SAMPLE_ROWS))
    if not rows:
        raise UnreadableFile(f"{label_files[0].name}: no label has the id of a captured request")
    return suggested_settings(rows, problem_type, label)


def _labels_by_id(label_files: Sequence[Source], label: str) -> dict[str, dict[int, str]]:
    """The first labels as texts, by id and row."""
    any_class = QualitySettings(problem_type=ProblemType.MULTICLASS, prediction="0", label=label)
    found = (one for source in label_files for one in labels(source.chunks(), any_class) if isinstance(one, Label))
    known: dict[str, dict[int, str]] = {}
    for one in islice(found, SAMPLE_LABELS):
        known.setdefault(one.id, {})[one.row] = str(one.value)
    return known


def _labelled_rows(
    captures: Sequence[Source], known: dict[str, dict[int, str]], options: CaptureOptions
) -> Iterator[LabelledRow]:
    for source in captures:
        for request in captured_requests(source.chunks(), options):
            if not isinstance(request, CapturedRequest) or request.kind is not RequestKind.ROWS:
                continue
            found = known.get(request.envelope.text("inferenceId") or request.envelope.text("eventId"), {})
            for row, ((outputs, cells), _) in enumerate(request.rows):
                if row in found and outputs:
                    yield LabelledRow(outputs, cells, found[row])


class LabelledDataSet(NamedTuple):
    """The rows of a data set with label and prediction."""

    settings: QualitySettings
    state: QualityState
    skipped: dict[str, int]


def labelled_data_set(
    source: Source,
    advance: Advance,
    *,
    label: str,
    prediction: str = "",
    score: str = "",
    threshold: float = 0.5,
    problem_type: ProblemType | None = None,
) -> LabelledDataSet:
    """The state of a CSV file with a column of labels, and one of predictions, of scores, or both.

    Raises
    ------
    UnreadableFile
        If a column is absent, or no row has a label and a prediction.
    """
    names, rows = csv_rows(source, advance)
    for name in filter(None, (label, prediction, score)):
        if name not in names:
            raise UnreadableFile(f"{source.name}: no column named {name!r}")
    first = list(islice(rows, SAMPLE_LABELS))
    texts = [cell for row in first if (cell := row[names.index(label)]) is not None]
    known = problem_type or suggested_problem_type(texts)
    classes = classes_of(texts) if known == ProblemType.BINARY else ()
    try:
        settings = QualitySettings(
            problem_type=known,
            label=label,
            prediction=prediction,
            score=score,
            threshold=threshold,
            classes=classes if len(classes) == 2 and classes != ("0", "1") else (),
        )
    except ValueError as error:
        raise UnreadableFile(f"{source.name}: {error}") from None
    collected = LabelledRows(settings)
    for row in chain(first, rows):
        collected.append(names, row)
    state = collected.state()
    if not state.labelled:
        reasons = ", ".join(f"{reason}: {count}" for reason, count in collected.skipped().items())
        raise UnreadableFile(f"{source.name}: no row has a label and a prediction ({reasons})")
    return LabelledDataSet(settings, state, collected.skipped())
