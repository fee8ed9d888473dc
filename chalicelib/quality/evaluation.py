"""States + constraints -> a verdict with every measured value: what a person is alerted of.

| input                                              | verdict            | measurements                              |
|----------------------------------------------------|--------------------|-------------------------------------------|
| no predictions                                     | NoData             |                                           |
| no label, or under a tenth of what is usual        | LabelsStopped      |                                           |
| no label, and none was ever usual                  | InsufficientLabels |                                           |
| labels whose presence depends on the prediction    | SelectiveLabels    |                                           |
| fewer than MIN_LABELS labels, or MIN_CLASS_ROWS of | InsufficientLabels | values, not evaluated                     |
| a class of a binary problem                        |                    |                                           |
| a metric beyond its threshold                      | Violations         | information within chance, else a warning |
|                                                    |                    | or critical                               |
| anything else                                      | OK                 |                                           |

The rule of the file is `constraints.file_violations`: Model Monitor's, with every sentence. Here a violation is worse
than information only where the whole interval of the metric lies beyond its threshold, see `uncertainty.margins`; the
interval includes the chance in the baseline, where the threshold is the baseline's own value, and what labels that are
missing a little unevenly may do, see `coverage.selection_allowance`. So half of the quiet days are violations in the
file, and hardly any is an alert. The kind is drift: M of N windows decide, see `alerts.state`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.files import camel_case
from chalicelib.constraints.measurement import Measurement, Severity, Verdict, limit_words, rounded
from chalicelib.quality.constraints import QualityConstraints, Threshold, violation_sentence
from chalicelib.quality.coverage import groups, selection_allowance, uneven
from chalicelib.quality.files import SAMPLE_DEVIATION, QualityStatistics, quality_statistics
from chalicelib.quality.metrics import Problem, metrics, smoothed
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState
from chalicelib.quality.uncertainty import PSEUDO_ROWS, margins
from chalicelib.records import LabelGroup

MIN_LABELS = 200  # as many as Model Monitor needs for a standard deviation
MIN_CLASS_ROWS = 20  # of either class of a binary problem
STOPPED_SHARE = 0.1  # of the usual coverage: with less, labels have stopped
CRITICAL_GAP = 0.1  # of the threshold, by which the whole interval lies beyond it
_Z = 3.0  # standard deviations of `margins`
# Metrics that say the same as another one: only the other raises an alert.
_SAME = {
    "true_positive_rate": "recall",
    "false_negative_rate": "recall",
    "true_negative_rate": "false_positive_rate",
    "weighted_recall": "accuracy",
    "rmse": "mse",
}


class LabelHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What is known beside the predictions and labels of a window."""

    usual_coverage: float | None = None  # the share of predictions with a label on earlier days at the same age
    capture_percentage: int = 100
    notes: tuple[str, ...] = ()  # of the join: unknown ids, corrections, rows that do not match


def evaluate_quality(
    blocks: Sequence[QualityState],
    constraints: QualityConstraints,
    problem: Problem,
    *,
    baseline: QualityStatistics | None = None,
    history: LabelHistory | None = None,
    critical: Collection[str] = (),
    min_labels: int = MIN_LABELS,
) -> Evaluation:
    """Evaluate the predictions of a ripe window and their labels.

    Parameters
    ----------
    blocks
        The states of the window by blocks of time, hours say. Their sum is what is evaluated; how they differ shows how
        much chance may explain.
    baseline
        The statistics.json of the baseline: how much chance there is in the thresholds.
    history
        How labels usually come.
    critical
        The metrics whose violations are always critical.
    min_labels
        With fewer labels a metric is measured but not evaluated.
    """
    state, known = QualityState.total(blocks), history or LabelHistory()
    found = groups(state)
    selective = uneven(found, state)
    verdict = _without_metrics(state, known, selective)
    notes = tuple(_notes(state, known, selective))
    if verdict is not None:
        return Evaluation(verdict=verdict, rows=state.labelled, notes=notes)
    allowance = selection_allowance(found, state)
    measurements = tuple(_measurements(blocks, state, constraints, problem, baseline, allowance, critical, min_labels))
    absent = sorted(set(constraints.thresholds) - set(metrics(state, problem)))
    if absent:
        notes = (*notes, f"not evaluated: {', '.join(absent)} (auc needs scores)")
    return Evaluation(verdict=_verdict(measurements), rows=state.labelled, measurements=measurements, notes=notes)


def _without_metrics(state: QualityState, history: LabelHistory, selective: Sequence[LabelGroup]) -> Verdict | None:
    """The verdict that needs no metric; None when the metrics decide."""
    if not state.predictions:
        return Verdict.NO_DATA
    expected = (history.usual_coverage or 0.0) * state.predictions
    if expected >= MIN_CLASS_ROWS and state.labelled < STOPPED_SHARE * expected:
        return Verdict.LABELS_STOPPED
    if not state.labelled:
        return Verdict.INSUFFICIENT_LABELS
    return Verdict.SELECTIVE_LABELS if selective else None


def _verdict(measurements: Sequence[Measurement]) -> Verdict:
    if any(one.violated for one in measurements):
        return Verdict.VIOLATIONS
    evaluated = any(one.evaluated for one in measurements)
    return Verdict.OK if evaluated and not any(one.rows_needed for one in measurements) else Verdict.INSUFFICIENT_LABELS


def _measurements(
    blocks: Sequence[QualityState],
    state: QualityState,
    constraints: QualityConstraints,
    problem: Problem,
    baseline: QualityStatistics | None,
    allowance: float,
    critical: Collection[str],
    min_labels: int,
) -> Iterator[Measurement]:
    needed = _rows_needed(state, problem, min_labels)
    values, chance = metrics(state, problem), margins(blocks, problem)
    centres = smoothed(state, problem, PSEUDO_ROWS)
    deviations = quality_statistics(state, problem).deviations
    for name, limit in constraints.thresholds.items():
        if name not in values:
            continue
        margin = _with_baseline(chance.get(name), name, limit, baseline)
        if margin is not None:  # an error is no share: the allowance is one of its value
            margin += allowance * (abs(values[name] or 0.0) if problem.type == ProblemType.REGRESSION else 1.0)
        measured = _measured(name, limit, values[name], centres.get(name), margin)
        if needed or not measured.evaluated:
            yield msgspec.structs.replace(measured, violated=False, evaluated=False, rows_needed=needed)
            continue
        severity = _severity(name, limit, centres[name], margin, constraints.thresholds, critical)
        lasts = severity == Severity.INFORMATION and _lasts(limit, centres[name], margin)
        sentence = violation_sentence(name, values[name] or 0.0, deviations[name], limit) if measured.violated else ""
        yield msgspec.structs.replace(measured, severity=severity, lasts=lasts, description=sentence)


def _measured(
    name: str, limit: Threshold, value: float | None, centre: float | None, margin: float | None
) -> Measurement:
    known = value is not None and centre is not None and margin is not None
    spread = f" +/- {margin:.2g}" if margin is not None else ""
    return Measurement(
        feature=camel_case(name),
        check=limit.comparison_operator,
        kind="drift",
        expected=limit_words(limit.comparison_operator, limit.threshold),
        observed="undefined" if value is None else f"{value:.4g}{spread}",
        value=value,
        threshold=limit.threshold,
        margin=msgspec.UNSET if margin is None else margin,
        violated=known and value is not None and limit.violated_by(value),
        evaluated=known,
    )


def _severity(
    name: str,
    limit: Threshold,
    centre: float | None,
    margin: float | None,
    thresholds: Mapping[str, Threshold],
    critical: Collection[str],
) -> Severity:
    """Information unless the whole interval lies beyond the threshold."""
    if centre is None or margin is None or _SAME.get(name) in thresholds:
        return Severity.INFORMATION
    proven = limit.gap(centre) - margin
    if proven <= 0:
        return Severity.INFORMATION
    is_critical = not {name, camel_case(name)}.isdisjoint(critical)
    return Severity.CRITICAL if is_critical or proven > CRITICAL_GAP * abs(limit.threshold) else Severity.WARNING


def _lasts(limit: Threshold, centre: float | None, margin: float | None) -> bool:
    """Whether a metric is still worse than its threshold by more than one standard error."""
    return centre is not None and margin is not None and limit.gap(centre) > margin / _Z


def _with_baseline(
    margin: float | None, name: str, limit: Threshold, baseline: QualityStatistics | None
) -> float | None:
    """The margin with the chance in a threshold that is the baseline's own value."""
    deviation = baseline.deviations.get(name) if baseline else None
    own = baseline is not None and (value := baseline.values.get(name)) is not None and abs(limit.gap(value)) <= 1e-9
    if margin is None or deviation is None or not own:
        return margin
    return math.hypot(margin, _Z * deviation / SAMPLE_DEVIATION)


def _rows_needed(state: QualityState, problem: Problem, min_labels: int) -> int:
    """How many more labels it takes, of all and of the rarer class of a binary problem."""
    needed = [min_labels - state.labelled]
    if problem.type == ProblemType.BINARY:
        needed += [min(MIN_CLASS_ROWS, min_labels) - state.confusion.labelled(name) for name in problem.classes]
    return max(0, *needed)


def _notes(state: QualityState, history: LabelHistory, selective: Sequence[LabelGroup]) -> Iterator[str]:
    if state.coverage is not None:
        yield f"{state.labelled} of {state.predictions} predictions have a label ({rounded(state.coverage)})"
    if (
        history.usual_coverage is not None
        and state.labelled < STOPPED_SHARE * history.usual_coverage * state.predictions
    ):
        yield f"on earlier days {rounded(history.usual_coverage)} had one at this age"
    for one in selective:
        yield f"labels of {one.name}: {one.labelled} of {one.predictions} ({rounded(one.coverage)})"
    if selective:
        yield "labels are missing unevenly, so the metrics of the labelled rows are not those of the model"
    if history.capture_percentage < 100:
        yield f"{history.capture_percentage} % of the requests are captured, so the labels of the others match none"
    yield from history.notes
