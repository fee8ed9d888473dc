"""The one Logger and the one Metrics of all functions, and what surrounds every invocation.

Log lines hold names, keys, counts and reasons, never a captured payload: pass values as keyword arguments, which end up
as JSON, so that hostile text cannot forge a line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.deadline import Deadline
from chalicelib.errors import RejectedEvent

if TYPE_CHECKING:
    from chalice.app import Chalice

logger = Logger(service="vedette")
metrics = Metrics(namespace="Vedette", service="vedette")


def count(name: str, value: int = 1) -> None:
    """Add to a metric of the running invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def observe(app: Chalice) -> None:
    """Surround every function: request id in the logs, metrics flushed, rejected events answered, calls in time."""
    from chalice.app import ConvertToMiddleware  # commands outside of Lambda use the services, and not Chalice

    app.register_middleware(ConvertToMiddleware(logger.inject_lambda_context))
    app.register_middleware(_flush_metrics)
    app.register_middleware(_log_outcome)
    app.register_middleware(_bound_calls)


def _bound_calls(event: Any, get_response: Callable[[Any], Any]) -> Any:
    from chalicelib.aws import clients  # boto3 is imported when a function runs, with what else it needs

    with clients.bounded_by(Deadline.of(event.context)):
        return get_response(event)


def _flush_metrics(event: Any, get_response: Callable[[Any], Any]) -> Any:
    try:
        return get_response(event)
    finally:
        if metrics.metric_set:  # flushing nothing would warn
            metrics.flush_metrics()


def _log_outcome(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """One log line an invocation: its answer, or why the event was rejected.

    A rejected event is answered, since no retry makes it work; every other error propagates, so that Lambda retries.
    """
    try:
        answer = get_response(event)
        logger.info("done", answer=answer)  # names, counts and reasons; handlers answer nothing else
        return answer
    except RejectedEvent as error:
        count("RejectedEvents")
        logger.warning("event rejected", kind=type(error).__name__, reason=str(error))
        return {"rejected": str(error)}
