"""Traffic shifting: validation of a DeploymentConfig, and the description of an update in progress.

Limits: aws-behaviour: traffic-shifting-limits; the texts of these errors were not seen live.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from vedette.local.sagemaker.core import Record, milliseconds, refusal

MAX_STEP_PERCENT = 50  # percent, for a canary or a linear step


class DescribedVariant(Protocol):
    """A variant with a description."""

    desired_count: int

    def described(self) -> Record:
        """The variant as DescribeEndpoint shows it."""


def check(deployment: Record | None, config: Record) -> None:
    """Raise a ValidationException if the variants of this config cannot use the policy."""
    if deployment is None:
        return
    if "BlueGreenUpdatePolicy" in deployment and "RollingUpdatePolicy" in deployment:
        raise refusal("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy can be specified.")
    policy = deployment.get("BlueGreenUpdatePolicy")
    if policy is None:
        return
    routing = policy["TrafficRoutingConfiguration"]
    size_name = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}.get(routing["Type"])
    if size_name is not None:
        _check_size(routing, size_name, config)
    longest = policy.get("MaximumExecutionTimeoutInSeconds")
    waits = routing["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0)
    if longest is not None and longest <= waits:
        raise refusal("MaximumExecutionTimeoutInSeconds must be greater than the sum of the wait intervals.")


def _check_size(routing: Record, size_name: str, config: Record) -> None:
    size = routing.get(size_name)
    if size is None:
        raise refusal(f"{size_name} is required for traffic routing type {routing['Type']}.")
    for variant in config.get("ProductionVariants", ()):
        count = variant.get("InitialInstanceCount", 1)
        percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / count
        if percent > MAX_STEP_PERCENT or count < 2:
            raise refusal(
                f"{size_name} must be at most {MAX_STEP_PERCENT}% of the instances of variant "
                f"{variant['VariantName']}, which has {count}."
            )


def pending(config_name: str, variants: Sequence[DescribedVariant], now: datetime) -> Record:
    """The PendingDeploymentSummary of DescribeEndpoint."""
    shown = []
    for variant in variants:
        status = {
            "Status": "Creating",
            "StatusMessage": f"Launching {variant.desired_count} instance(s).",
            "StartTime": now,
        }
        shown.append({**variant.described(), "VariantStatus": [status]})
    return {"EndpointConfigName": config_name, "ProductionVariants": shown, "StartTime": now}


def announced(summary: Record) -> Record:
    """The summary in an event, with times in milliseconds."""

    def in_milliseconds(value: Any) -> Any:
        if isinstance(value, datetime):
            return milliseconds(value)
        if isinstance(value, dict):
            return {name: in_milliseconds(item) for name, item in value.items()}
        return [in_milliseconds(item) for item in value] if isinstance(value, list) else value

    answer: Record = in_milliseconds(summary)
    return answer


def scaling_status(variant: Record, now: datetime) -> Record:
    """A change of capacity shows in the variant itself (aws-behaviour: capacity-change)."""
    count = variant["DesiredInstanceCount"]
    message = f"Scaling out desired instance count to {count}."
    return {"Status": "Updating", "StatusMessage": message, "StartTime": milliseconds(now)}
