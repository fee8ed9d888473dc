"""The CloudWatch dashboard of a stage, as data: `vedette setup` puts it into its template.

Endpoints come and go, so widgets search for the metrics of all endpoints instead of naming them. Names
and units: docs/metrics.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

HOUR, FIVE_MINUTES = 3600, 300
WIDTH, HEIGHT = 12, 6  # of CloudWatch's 24 columns
_OF_ENDPOINT = "{Vedette,Stage,Endpoint}"


def body(stage: str, region: str, functions: Sequence[str]) -> str:
    """The DashboardBody of a stage, for PutDashboard and AWS::CloudWatch::Dashboard.

    `functions` are the names of the functions in app.py.

    Examples
    --------
    >>> found = json.loads(body("dev", "eu-west-1", ["sweep"]))
    >>> len(found["widgets"]), found["widgets"][1]["properties"]["title"]
    (11, 'Violations, by endpoint')
    """
    lambdas = [f"vedette-{stage}-{function}" for function in functions]
    charts = [
        _searched(stage, "Violations, by endpoint", "Violations", "Sum", HOUR),
        _searched(stage, "Violations, by check", "Violations", "Sum", HOUR, "{Vedette,Stage,Endpoint,Check}"),
        _searched(stage, "Largest drift, as a share of its threshold", "Drift", "Maximum", 24 * HOUR, line=1.0),
        _searched(stage, "Windows that could not be evaluated", "NotEvaluated", "Sum", HOUR),
        _searched(stage, "Rows", "Rows", "Sum", HOUR),
        _searched(stage, "Lines that could not be read", "RejectedLines", "Sum", HOUR),
        _named("Errors of Vedette's functions", [_of_function(name, "Errors", "Sum") for name in lambdas]),
        _named("Throttles", [_of_function(name, "Throttles", "Sum") for name in lambdas]),
        _named("Duration, p99", [_of_function(name, "Duration", "p99") for name in lambdas]),
        _named("Events that failed all attempts", [_failures(stage)]),
    ]
    for chart in charts:
        chart["properties"]["region"] = region
    text = (
        f"# Vedette, stage {stage}\nA violation is a constraint that the captured data of an endpoint broke in a"
        f" window. What is wrong and since when: `vedette report ENDPOINT --stage {stage}`; every endpoint:"
        f" `vedette status --stage {stage}`."
    )
    head = {"type": "text", "x": 0, "y": 0, "width": 2 * WIDTH, "height": 2, "properties": {"markdown": text}}
    placed = [
        {**chart, "x": WIDTH * (i % 2), "y": 2 + HEIGHT * (i // 2), "width": WIDTH, "height": HEIGHT}
        for i, chart in enumerate(charts)
    ]
    return json.dumps({"widgets": [head, *placed]})


def _searched(
    stage: str,
    title: str,
    metric: str,
    statistic: str,
    period: int,
    schema: str = _OF_ENDPOINT,
    line: float | None = None,
) -> dict[str, Any]:
    """A search for all metrics with this name and these dimensions."""
    search = f"SEARCH('{schema} MetricName=\"{metric}\" Stage=\"{stage}\"', '{statistic}', {period})"
    found = _chart(title, [[{"expression": search, "id": "e1", "period": period}]])
    if line is not None:
        found["properties"]["annotations"] = {"horizontal": [{"value": line, "label": "threshold"}]}
    return found


def _named(title: str, metrics: list[list[Any]]) -> dict[str, Any]:
    found = _chart(title, metrics)
    found["properties"] |= {"stat": "Sum", "period": FIVE_MINUTES}
    return found


def _chart(title: str, metrics: list[Any]) -> dict[str, Any]:
    return {
        "type": "metric",
        "properties": {"title": title, "view": "timeSeries", "metrics": metrics, "yAxis": {"left": {"min": 0}}},
    }


def _of_function(name: str, metric: str, statistic: str) -> list[Any]:
    return ["AWS/Lambda", metric, "FunctionName", name, {"stat": statistic}]


def _failures(stage: str) -> list[Any]:
    queue = f"vedette-{stage}-failures"
    return ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, {"stat": "Maximum"}]
