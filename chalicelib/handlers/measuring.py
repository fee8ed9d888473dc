"""What a verdict looks like on a dashboard: CloudWatch metrics of its endpoint, in EMF; docs/metrics.md names each.

| dimensions               | metrics                                            | how many                        |
|--------------------------|----------------------------------------------------|---------------------------------|
| Stage, Endpoint          | Rows, UnreadableLines, Violations, NotJudged, Drift| 5 an endpoint                   |
| Stage, Endpoint, Check   | Violations                                         | while one of our checks fails   |
| Stage, Endpoint, Feature | Violations                                         | the fleet's critical ones, <= 20|

Each metric costs, so their number hangs on the fleet alone and never on what a client sends. The time of each is the
end of its window, so that a late verdict stands where it belongs.
"""

from collections import Counter
from collections.abc import Collection, Iterator

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from chalicelib.constraints import check_types
from chalicelib.observability import metrics
from chalicelib.records import Execution
from chalicelib.settings import settings

MOST_FEATURES = 20
NOT_JUDGED = frozenset({"NoData", "CaptureStopped", "MonitorFailed"})
RATIO = "Drift"  # the others are counts
Figures = tuple[dict[str, str], dict[str, float]]  # dimensions beside Stage and Endpoint; values by name


def measure(execution: Execution, critical_features: Collection[str] = ()) -> None:
    """Send what the verdict of a closed window measured."""
    for dimensions, values in figures(execution, critical_features):
        found = EphemeralMetrics(namespace=metrics.namespace)
        found.set_timestamp(execution.window_end)
        for name, value in {"Stage": settings().stage, "Endpoint": execution.endpoint, **dimensions}.items():
            found.add_dimension(name=name, value=value)
        for name, figure in values.items():
            unit = MetricUnit.NoUnit if name == RATIO else MetricUnit.Count
            found.add_metric(name=name, unit=unit, value=figure)
        found.flush_metrics()


def figures(execution: Execution, critical_features: Collection[str] = ()) -> Iterator[Figures]:
    """The metrics of one verdict; a window in which drift alone was judged counts no rows a second time."""
    violated = [one for one in execution.measurements if one.violated]
    values: dict[str, float] = {}
    if execution.checks != "drift":
        values = {
            "Rows": execution.rows,
            "UnreadableLines": sum(execution.refused.values()),
            "Violations": len(violated),
            "NotJudged": int(execution.verdict in NOT_JUDGED),
        }
    drift = [
        one.value / one.threshold
        for one in execution.measurements
        if one.kind == "drift" and one.value is not None and one.threshold
    ]
    if drift:
        values[RATIO] = max(drift)
    if values:
        yield {}, values
    by_check = Counter(one.check for one in violated)
    for check in sorted((check_types.MODEL_MONITOR | check_types.VEDETTE) & by_check.keys()):
        yield {"Check": check}, {"Violations": by_check[check]}
    by_feature = Counter(one.feature for one in violated)
    known = {one.feature for one in execution.measurements}
    for feature in sorted(known & set(critical_features))[:MOST_FEATURES]:
        name = feature[:250].encode("ascii", "replace").decode()  # CloudWatch takes ASCII
        yield {"Feature": name}, {"Violations": by_feature[feature]}
