"""CloudWatch: the alarms that roll an update back, how slow an endpoint has been, and how often it was called."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.aws.clients import client


def put_metric_alarm(request: dict[str, Any]) -> None:
    """PutMetricAlarm; the same request again changes nothing."""
    client("cloudwatch").put_metric_alarm(**request)


def alarms_firing(names: Sequence[str]) -> tuple[str, ...]:
    """Which of the alarms are in ALARM."""
    answer = client("cloudwatch").describe_alarms(AlarmNames=list(names))
    return tuple(alarm["AlarmName"] for alarm in answer.get("MetricAlarms", ()) if alarm["StateValue"] == "ALARM")


def daily_p99_latency(endpoint: str, variant: str, until: datetime, days: int) -> tuple[float, ...]:
    """The p99 of ModelLatency in microseconds of each of the last days that has data."""
    answer = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="ModelLatency",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=until - timedelta(days=days),
        EndTime=until,
        Period=24 * 60 * 60,
        ExtendedStatistics=["p99"],
    )
    points = sorted(answer.get("Datapoints", ()), key=lambda point: point["Timestamp"])
    return tuple(float(point["ExtendedStatistics"]["p99"]) for point in points if point.get("ExtendedStatistics"))


def invocations(endpoint: str, variant: str, start: datetime, end: datetime) -> int:
    """How many requests CloudWatch counted in [start, end), whatever they were answered."""
    answer = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=start,
        EndTime=end,
        Period=int((end - start).total_seconds()),
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in answer.get("Datapoints", ())))
