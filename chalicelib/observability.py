"""The one Logger and the one Metrics of all functions.

Log lines hold names, keys, counts and reasons, never a captured payload: pass values as keyword arguments, which end up
as JSON, so that hostile text cannot forge a line.
"""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="vedette")
metrics = Metrics(namespace="Vedette", service="vedette")


def count(name: str, value: int = 1) -> None:
    """Add to a metric of the running invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
