"""How traffic moves to a new config, and which alarms move it back.

| requested      | instances | UpdateEndpoint's DeploymentConfig                                                 |
|----------------|-----------|-----------------------------------------------------------------------------------|
| all at once    | any       | blue/green, all at once, the old fleet kept for 5 minutes                         |
| canary         | 2 or more | blue/green, a tenth of the instances (at least one) for 10 minutes, then the rest |
| linear         | 2 or more | blue/green, a quarter every 5 minutes                                             |
| canary, linear | 1         | all at once, and says so: half of one instance is not an instance                 |

Limits: waits 0-3600 s; a canary is at most half of the instances; a linear step 10-50 %; the whole 600-28800 s and
longer than its waits (aws-behaviour: traffic-shifting-limits).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from chalicelib import locations
from chalicelib.records import FleetEntry
from chalicelib.registry import resource_specs

Request = dict[str, Any]
DAYS_OF_LATENCY = 14
LATENCY_MARGIN = 2.0  # the alarm is this many times the worst daily p99


def deployment_config(entry: FleetEntry, instances: int, alarms: Sequence[str]) -> tuple[Request, str]:
    """The DeploymentConfig of an update, and a remark when it is not as requested; "" when it is.

    Examples
    --------
    >>> entry = FleetEntry(endpoint="site", traffic_shifting="canary")
    >>> config, remark = deployment_config(entry, 10, ["alarm"])
    >>> config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["CanarySize"]
    {'Type': 'INSTANCE_COUNT', 'Value': 1}
    >>> deployment_config(entry, 1, [])[1]
    'a canary needs two instances and there is one: traffic shifts all at once'
    """
    requested = entry.traffic_shifting
    if requested != "all at once" and instances < 2:
        word = "a canary" if requested == "canary" else "a linear shift"
        return _config(
            _all_at_once(), alarms
        ), f"{word} needs two instances and there is one: traffic shifts all at once"
    routing = {"all at once": _all_at_once, "canary": lambda: _canary(instances), "linear": _linear}[requested]()
    return _config(routing, alarms), ""


def _config(routing: Request, alarms: Sequence[str]) -> Request:
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return {"BlueGreenUpdatePolicy": policy, **rollback}


def _all_at_once() -> Request:
    return {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def _canary(instances: int) -> Request:
    size = {"Type": "INSTANCE_COUNT", "Value": math.ceil(instances / 10)}
    return {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}


def _linear() -> Request:
    step = {"Type": "CAPACITY_PERCENT", "Value": 25}
    return {"Type": "LINEAR", "WaitIntervalInSeconds": 300, "LinearStepSize": step}


def alarms(endpoint: str, variant: str, daily_p99_microseconds: Sequence[float]) -> tuple[Request, ...]:
    """The PutMetricAlarm requests of an endpoint: server errors always, latency only when two weeks are known.

    Examples
    --------
    >>> [alarm["AlarmName"] for alarm in alarms("site", "AllTraffic", [])]
    ['vedette-site-5xx']
    >>> alarms("site", "AllTraffic", [100.0] * 14)[1]["Threshold"]
    200.0
    """
    server_errors = _alarm(endpoint, variant, "5xx", "Invocation5XXErrors", 0.05, {"Statistic": "Average"})
    if len(daily_p99_microseconds) < DAYS_OF_LATENCY:
        return (server_errors,)
    threshold = LATENCY_MARGIN * max(daily_p99_microseconds)
    return server_errors, _alarm(endpoint, variant, "latency", "ModelLatency", threshold, {"ExtendedStatistic": "p99"})


def _alarm(endpoint: str, variant: str, what: str, metric: str, threshold: float, statistic: Request) -> Request:
    return {
        "AlarmName": locations.alarm_name(endpoint, what),
        "AlarmDescription": f"Made by Vedette: rolls an update of {endpoint} back.",
        "Namespace": "AWS/SageMaker",
        "MetricName": metric,
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        **statistic,
        "Period": 60,
        "EvaluationPeriods": 2,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Tags": [{"Key": resource_specs.TAG, "Value": endpoint}],
    }
