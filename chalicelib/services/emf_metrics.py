"""The CloudWatch metrics of a verdict, and of what waits, in EMF; docs/metrics.md names each.

| dimensions                   | metrics                                  | how many                                   |
|------------------------------|------------------------------------------|--------------------------------------------|
| Stage, Endpoint              | Rows, RejectedLines, Violations,         | 5 an endpoint                              |
|                              | NotEvaluated, Drift                      |                                            |
| Stage, Endpoint, Check       | Violations                               | while a check fails                        |
| Stage, Endpoint, Feature     | Violations, Drift                        | the fleet's critical ones, 20 at most      |
| Endpoint, MonitoringSchedule | feature_baseline_drift_{feature}, as     | if the fleet names a schedule: of the      |
|                              | Model Monitor's                          | baseline's features, 100 at most           |
| Stage, Endpoint              | LabelledShare                            | of a day of model quality                  |
| Stage, Endpoint, Metric      | Quality                                  | of the metrics in its baseline, 15 at most |
| Stage                        | OldestPendingAlertSeconds                | while something waits                      |

Each metric costs, so their number depends on the fleet alone and never on what a client sends. Its time is the end of
the window, so that a late verdict appears where it belongs; CloudWatch takes none that is older than two weeks.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.observability import metrics
from chalicelib.records import Execution, FleetEntry
from chalicelib.settings import settings

MAX_FEATURES = 20
# The metrics of one EMF line:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
MAX_DRIFT_METRICS = 100
MAX_QUALITY_METRICS = 15
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/publishingMetrics.html#about_timestamp
MAX_AGE = timedelta(days=14)
NOT_EVALUATED = frozenset({Verdict.NO_DATA, Verdict.CAPTURE_STOPPED, Verdict.MONITOR_FAILED, Verdict.JOB_FAILED})
DRIFT_METRIC, QUALITY_METRIC, LABELLED_METRIC = "Drift", "Quality", "LabelledShare"
_RATIOS = frozenset({DRIFT_METRIC, QUALITY_METRIC, LABELLED_METRIC})  # the others are counts
# AWS's pages spell it in different ways (docs/metrics.md); alarms in use have this spelling.
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-cloudwatch.html
MODEL_MONITOR_NAMESPACE = "aws/sagemaker/Endpoints/data-metrics"
MODEL_MONITOR_DRIFT = "feature_baseline_drift_"
MetricSet = tuple[dict[str, str], dict[str, float]]  # dimensions beside Stage and Endpoint; values by metric


def emit(execution: Execution, entry: FleetEntry) -> None:
    """Write the metrics of the verdict of a closed window."""
    if execution.evaluated_at - execution.window_end >= MAX_AGE:
        return
    for dimensions, values in metric_sets(execution, entry.critical_features):
        named = {"Stage": settings().stage, "Endpoint": execution.endpoint, **dimensions}
        _write(metrics.namespace or "", execution, named, values)
    if entry.model_monitor_metrics and (drift := model_monitor_metrics(execution, entry.critical_features)):
        named = {"Endpoint": execution.endpoint, "MonitoringSchedule": entry.model_monitor_metrics}
        _write(MODEL_MONITOR_NAMESPACE, execution, named, drift)


def _write(namespace: str, execution: Execution, dimensions: dict[str, str], values: dict[str, float]) -> None:
    written = EphemeralMetrics(namespace=namespace)
    written.set_timestamp(execution.window_end)
    for name, value in dimensions.items():
        written.add_dimension(name=name, value=value)
    for name, figure in values.items():
        is_count = name not in _RATIOS and not name.startswith(MODEL_MONITOR_DRIFT)
        written.add_metric(name=name, unit=MetricUnit.Count if is_count else MetricUnit.NoUnit, value=figure)
    written.flush_metrics()


def emit_oldest_pending(seconds: float) -> None:
    """Write how long the oldest pending message or event has waited; an alarm of the stage reads it."""
    written = EphemeralMetrics(namespace=metrics.namespace)
    written.add_dimension(name="Stage", value=settings().stage)
    written.add_metric(name="OldestPendingAlertSeconds", unit=MetricUnit.Seconds, value=seconds)
    written.flush_metrics()


def metric_sets(execution: Execution, critical_features: Collection[str] = ()) -> Iterator[MetricSet]:
    """The metrics of one verdict; a window in which drift alone was evaluated counts no rows a second time."""
    if execution.is_of_quality:
        yield from _quality_sets(execution)
        return
    violated = [one for one in execution.measurements if one.violated]
    values: dict[str, float] = {}
    if execution.checks_run != Checks.DRIFT:
        values = {
            "Rows": execution.rows,
            "RejectedLines": sum(execution.rejected.values()),
            "Violations": len(violated),
            "NotEvaluated": int(execution.verdict in NOT_EVALUATED),
        }
    drift = _drift_by_feature(execution)
    if drift:
        values[DRIFT_METRIC] = max(drift.values())
    if values:
        yield {}, values
    by_check = Counter(one.check for one in violated)
    for check in sorted((check_types.MODEL_MONITOR | check_types.VEDETTE) & by_check.keys()):
        yield {"Check": check}, {"Violations": by_check[check]}
    by_feature = Counter(one.feature for one in violated)
    known = {one.feature for one in execution.measurements}
    for feature in sorted(known & set(critical_features))[:MAX_FEATURES]:
        distance = {DRIFT_METRIC: drift[feature]} if feature in drift else {}
        yield {"Feature": _ascii(feature)}, {"Violations": by_feature[feature], **distance}


def _quality_sets(execution: Execution) -> Iterator[MetricSet]:
    """The share of predictions with a label, and each metric that was evaluated."""
    if execution.labels is not None:
        yield {}, {LABELLED_METRIC: execution.labels.coverage}
    evaluated = [one for one in execution.measurements if one.evaluated and one.value is not None]
    for one in evaluated[:MAX_QUALITY_METRICS]:
        yield {"Metric": _ascii(one.feature)}, {QUALITY_METRIC: one.value or 0.0}


def model_monitor_metrics(execution: Execution, critical_features: Collection[str] = ()) -> dict[str, float]:
    """The drift distances of a verdict under Model Monitor's names, of the critical features first."""
    distances = {
        one.feature: one.value
        for one in execution.measurements
        if one.check == check_types.DRIFT and one.evaluated and one.value is not None
    }
    first = sorted(distances, key=lambda feature: (feature not in critical_features, feature))
    return {f"{MODEL_MONITOR_DRIFT}{_ascii(feature, 230)}": distances[feature] for feature in first[:MAX_DRIFT_METRICS]}


def _drift_by_feature(execution: Execution) -> dict[str, float]:
    """The drift distances as shares of their thresholds; of a day with reference days, those of sudden drift."""
    by_days = {one.feature for one in execution.measurements if one.check == check_types.SUDDEN_DRIFT}
    found: dict[str, float] = {}
    for one in execution.measurements:
        if one.value is None or not one.threshold:
            continue
        if one.check == check_types.SUDDEN_DRIFT or (one.check == check_types.DRIFT and one.feature not in by_days):
            found[one.feature] = max(found.get(one.feature, 0.0), one.value / one.threshold)
    return found


def _ascii(feature: str, limit: int = 250) -> str:
    """A feature's name as CloudWatch takes it."""
    return feature[:limit].encode("ascii", "replace").decode()
