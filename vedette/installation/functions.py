"""The six functions: what each needs beside what Chalice gives it.

Chalice knows memory, timeout and policy (.chalice/config.json). It knows neither failure destinations nor retries, and
a reservation of concurrency that the account cannot grant would end its deploy: so these are set after the deploy, by
`vedette install`, and by the merge template for `chalice package`. Failure destinations and retries survive a bare
`chalice deploy`; the reservation does not (Chalice deletes what its configuration does not name), and doctor says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import locations


@dataclass(frozen=True)
class FunctionSpec:
    """How a function is wanted."""

    name: str
    reserved_concurrency: int
    retries: int = 2
    event_age_seconds: int = 21_600  # six hours, Lambda's longest: an outage of S3 or SageMaker is waited for

    @property
    def handler(self) -> str:
        """The handler's name in the package; Chalice never updates it (https://github.com/aws/chalice/issues/2114)."""
        return f"app.{self.name}"

    @property
    def resource(self) -> str:
        """Its logical name in a template, as Chalice makes it: on_data_captured -> OnDataCaptured."""
        return "".join(part.title() for part in self.name.split("_"))


# Concurrency: the account's own functions must not starve (1,000 by default), and one endpoint's alarm storm must not
# start a thousand judgements. A capture object takes about a second: 20 at once read a thousand objects a minute.
FUNCTIONS = (
    FunctionSpec("on_model_package_state_change", reserved_concurrency=2),
    FunctionSpec("on_endpoint_state_change", reserved_concurrency=5),
    FunctionSpec("on_data_captured", reserved_concurrency=20),
    FunctionSpec("run_monitoring", reserved_concurrency=10),
    FunctionSpec("on_monitoring_execution", reserved_concurrency=5),
    FunctionSpec("sweep", reserved_concurrency=5),
)
NAMES = tuple(function.name for function in FUNCTIONS)


def full_name(stage: str, name: str) -> str:
    """The name of a deployed function."""
    return f"vedette-{stage}-{name}"


def rule_name(stage: str, name: str) -> str:
    """The rule that Chalice makes for a function."""
    return f"{full_name(stage, name)}-event"


def queue_name(stage: str) -> str:
    """The queue of events that were given up."""
    return f"{locations.table(stage)}-failures"


def event_invoke_config(wanted: FunctionSpec, queue_arn: str) -> dict[str, Any]:
    """What PutFunctionEventInvokeConfig is given, beside the function's name."""
    return {
        "MaximumRetryAttempts": wanted.retries,
        "MaximumEventAgeInSeconds": wanted.event_age_seconds,
        "DestinationConfig": {"OnFailure": {"Destination": queue_arn}},
    }


def merge_template(stage: str) -> dict[str, Any]:
    """What `chalice package --merge-template` adds to the functions of a stage."""
    queue = {
        "Fn::Sub": f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{queue_name(stage)}",
    }
    resources: dict[str, Mapping[str, Any]] = {}
    for function in FUNCTIONS:
        invoke = event_invoke_config(function, "")
        invoke["DestinationConfig"] = {"OnFailure": {"Type": "SQS", "Destination": queue}}
        role = {"RoleName": full_name(stage, function.name)}  # topics and boundaries speak of these names
        resources[f"{function.resource}Role"] = {"Properties": role}
        resources[function.resource] = {
            "Properties": {
                "FunctionName": full_name(stage, function.name),
                "ReservedConcurrentExecutions": function.reserved_concurrency,
                "EventInvokeConfig": invoke,
            }
        }
    return {"Resources": resources}
