"""What a stage costs a month: the figures of docs/cost.md, which a test holds equal to these.

List prices of us-east-1, without a free tier. SageMaker itself, the storage of captures, and requests of people are
not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# https://aws.amazon.com/cloudwatch/pricing/: an alarm on a metric math expression is charged for each of its metrics
ALARM_METRIC_USD = 0.10
DASHBOARD_USD = 3.00
KEY_USD = 1.00  # https://aws.amazon.com/kms/pricing/
GB_SECOND_USD, REQUEST_USD = 16.6667e-6, 0.2e-6  # https://aws.amazon.com/lambda/pricing/, x86
HOURS_A_MONTH = 730
SCHEDULED_RUNS_AN_HOUR = 12 + 4  # run_monitoring and sweep (chalice_app/app.py)
RUN_SECONDS, RUN_GB = 0.1, 1769 / 1024  # seconds assumed: a run without endpoints reads the fleet and ends

# Captured objects of one endpoint an hour -> USD a month, from the counted calls in docs/cost.md.
ENDPOINT_USD = {0: 1.85, 60: 3.09, 600: 9.87, 6_000: 80.61}


@dataclass(frozen=True)
class CostItem:
    """One item of the monthly cost of a stage without endpoints."""

    name: str
    usd: float
    note: str = ""


def stage_costs(template: Mapping[str, Any], parameters: Mapping[str, str]) -> list[CostItem]:
    """The items of a stage without endpoints, by its template and parameters.

    Examples
    --------
    >>> alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
    >>> [(item.name, round(item.usd, 2)) for item in stage_costs({"Resources": {"Alarm": alarm}}, {"Key": "new"})]
    [('1 alarm metrics', 0.1), ('scheduled runs', 0.04), ('KMS key', 1.0)]
    """
    resources = list(template["Resources"].values())
    metrics = sum(_metrics(one["Properties"]) for one in resources if one["Type"] == "AWS::CloudWatch::Alarm")
    runs = HOURS_A_MONTH * SCHEDULED_RUNS_AN_HOUR
    found = [CostItem(f"{metrics} alarm metrics", metrics * ALARM_METRIC_USD)]
    if any(one["Type"] == "AWS::CloudWatch::Dashboard" for one in resources):
        found.append(CostItem("dashboard", DASHBOARD_USD, "free among the first three of an account"))
    found.append(CostItem("scheduled runs", runs * (RUN_SECONDS * RUN_GB * GB_SECOND_USD + REQUEST_USD)))
    if parameters.get("Key") == "new":
        found.append(CostItem("KMS key", KEY_USD, "with --kms-key new; more after a rotation"))
    return found


def _metrics(alarm: Mapping[str, Any]) -> int:
    """The metrics that an alarm watches."""
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def sentence(items: list[CostItem]) -> str:
    """The cost of a stage in words.

    Examples
    --------
    >>> sentence([CostItem("2 alarm metrics", 0.2), CostItem("dashboard", 3.0, "free among three")])
    '3.20 USD a month: 2 alarm metrics 0.20, dashboard 3.00 (free among three). An endpoint adds 1.85 or more.'
    """
    parts = [f"{item.name} {item.usd:.2f}" + (f" ({item.note})" if item.note else "") for item in items]
    total, endpoint = sum(item.usd for item in items), min(ENDPOINT_USD.values())
    return f"{total:.2f} USD a month: {', '.join(parts)}. An endpoint adds {endpoint:.2f} or more."
