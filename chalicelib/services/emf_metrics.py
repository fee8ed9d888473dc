"""The CloudWatch metrics of a verdict, and of what waits, in EMF; docs/metrics.md names each.

| dimensions               | metrics                                             | how many                         |
|--------------------------|-----------------------------------------------------|----------------------------------|
| Stage, Endpoint          | Rows, RejectedLines, Violations, NotEvaluated, Drift | 5 an endpoint                    |
| Stage, Endpoint, Check   | Violations                                          | while a check fails              |
| Stage, Endpoint, Feature | Violations                                          | the fleet's critical ones, <= 20 |
| Stage                    | OldestPendingAlertSeconds                           | while something waits            |

Each metric costs, so their number depends on the fleet alone and never on what a client sends. Its time is the end of
the window, so that a late verdict appears where it belongs.
"""

from collections import Counter
from collections.abc import Collection, Iterator

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.observability import metrics
from chalicelib.records import Execution
from chalicelib.settings import settings

MAX_FEATURES = 20
NOT_EVALUATED = frozenset({Verdict.NO_DATA, Verdict.CAPTURE_STOPPED, Verdict.MONITOR_FAILED})
DRIFT_METRIC = "Drift"  # a ratio; the others are counts
MetricSet = tuple[dict[str, str], dict[str, float]]  # dimensions beside Stage and Endpoint; values by metric


def emit(execution: Execution, critical_features: Collection[str] = ()) -> None:
    """Write the metrics of the verdict of a closed window."""
    for dimensions, values in metric_sets(execution, critical_features):
        written = EphemeralMetrics(namespace=metrics.namespace)
        written.set_timestamp(execution.window_end)
        for name, value in {"Stage": settings().stage, "Endpoint": execution.endpoint, **dimensions}.items():
            written.add_dimension(name=name, value=value)
        for name, figure in values.items():
            unit = MetricUnit.NoUnit if name == DRIFT_METRIC else MetricUnit.Count
            written.add_metric(name=name, unit=unit, value=figure)
        written.flush_metrics()


def emit_oldest_pending(seconds: float) -> None:
    """Write how long the oldest pending message or event has waited; an alarm of the stage reads it."""
    written = EphemeralMetrics(namespace=metrics.namespace)
    written.add_dimension(name="Stage", value=settings().stage)
    written.add_metric(name="OldestPendingAlertSeconds", unit=MetricUnit.Seconds, value=seconds)
    written.flush_metrics()


def metric_sets(execution: Execution, critical_features: Collection[str] = ()) -> Iterator[MetricSet]:
    """The metrics of one verdict; a window in which drift alone was evaluated counts no rows a second time."""
    violated = [one for one in execution.measurements if one.violated]
    values: dict[str, float] = {}
    if execution.checks_run != Checks.DRIFT:
        values = {
            "Rows": execution.rows,
            "RejectedLines": sum(execution.rejected.values()),
            "Violations": len(violated),
            "NotEvaluated": int(execution.verdict in NOT_EVALUATED),
        }
    by_days = {one.feature for one in execution.measurements if one.check == check_types.SUDDEN_DRIFT}
    drift = [
        one.value / one.threshold
        for one in execution.measurements
        if one.value is not None and one.threshold
        if one.check == check_types.SUDDEN_DRIFT or (one.check == check_types.DRIFT and one.feature not in by_days)
    ]
    if drift:
        values[DRIFT_METRIC] = max(drift)
    if values:
        yield {}, values
    by_check = Counter(one.check for one in violated)
    for check in sorted((check_types.MODEL_MONITOR | check_types.VEDETTE) & by_check.keys()):
        yield {"Check": check}, {"Violations": by_check[check]}
    by_feature = Counter(one.feature for one in violated)
    known = {one.feature for one in execution.measurements}
    for feature in sorted(known & set(critical_features))[:MAX_FEATURES]:
        name = feature[:250].encode("ascii", "replace").decode()  # CloudWatch takes ASCII
        yield {"Feature": name}, {"Violations": by_feature[feature]}
