"""The seven functions, and the settings of each that Chalice cannot make.

Chalice supports memory, timeout and policy (.chalice/config.json). It supports neither failure destinations nor
retries, and a reserved concurrency that the account cannot grant would fail its deployment. So `vedette install` makes
these settings after the deployment, and the merge template makes them for `chalice package`. Failure destinations and
retries survive a plain `chalice deploy`; the reserved concurrency does not (Chalice deletes settings that its
configuration does not name), and doctor reports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib import locations


@dataclass(frozen=True)
class FunctionSpec:
    """The required settings of a function."""

    name: str
    reserved_concurrency: int
    retries: int = 2
    event_age_seconds: int = 21_600  # six hours, Lambda's maximum, to outlast an outage of S3 or SageMaker

    @property
    def handler(self) -> str:
        """The handler's name in the package; Chalice never updates it (https://github.com/aws/chalice/issues/2114)."""
        return f"app.{self.name}"

    @property
    def resource(self) -> str:
        """The logical name that Chalice gives it in a template: on_data_captured -> OnDataCaptured."""
        return "".join(part.title() for part in self.name.split("_"))


# Concurrency: other functions of the account (1,000 by default) must not be throttled, and many alarms of one endpoint
# must not start a thousand evaluations. A capture object takes about a second: 20 at once read a thousand a minute.
FUNCTIONS = (
    FunctionSpec("on_model_package_state_change", reserved_concurrency=2),
    FunctionSpec("on_endpoint_state_change", reserved_concurrency=5),
    FunctionSpec("on_data_captured", reserved_concurrency=20),
    FunctionSpec("on_ground_truth", reserved_concurrency=5),
    FunctionSpec("run_monitoring", reserved_concurrency=10),
    FunctionSpec("on_monitoring_execution", reserved_concurrency=5),
    FunctionSpec("sweep", reserved_concurrency=5),
)
NAMES = tuple(function.name for function in FUNCTIONS)


def full_name(stage: str, name: str) -> str:
    """The name of a deployed function."""
    return f"vedette-{stage}-{name}"


def rule_name(stage: str, name: str) -> str:
    """The name of the rule that Chalice creates for a function."""
    return f"{full_name(stage, name)}-event"


def queue_name(stage: str) -> str:
    """The name of the queue of events that failed all attempts."""
    return f"{locations.table(stage)}-failures"


def event_invoke_config(wanted: FunctionSpec, queue_arn: str) -> dict[str, Any]:
    """The parameters of PutFunctionEventInvokeConfig, except the function's name."""
    return {
        "MaximumRetryAttempts": wanted.retries,
        "MaximumEventAgeInSeconds": wanted.event_age_seconds,
        "DestinationConfig": {"OnFailure": {"Destination": queue_arn}},
    }


def merge_template(stage: str, *, reserve: bool = True) -> dict[str, Any]:
    """The template with which `chalice package --merge-template` completes the functions of a stage.

    Its parameter `ReserveConcurrency` is `no` where an account cannot spare the concurrency; `yes` is the default.
    """
    queue = {"Fn::Sub": f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{queue_name(stage)}"}
    resources: dict[str, Mapping[str, Any]] = {}
    for function in FUNCTIONS:
        invoke = event_invoke_config(function, "")
        invoke["DestinationConfig"] = {"OnFailure": {"Type": "SQS", "Destination": queue}}
        role = {"RoleName": full_name(stage, function.name)}  # policies of topics and boundaries refer to these names
        resources[f"{function.resource}Role"] = {"Properties": role}
        resources[function.resource] = {
            "Properties": {
                "FunctionName": full_name(stage, function.name),
                "ReservedConcurrentExecutions": {
                    "Fn::If": ["Reserve", function.reserved_concurrency, {"Ref": "AWS::NoValue"}]
                },
                "EventInvokeConfig": invoke,
            }
        }
    parameter = {
        "Type": "String",
        "AllowedValues": ["yes", "no"],
        "Default": "yes" if reserve else "no",
        "Description": "no: the functions share the concurrency of the account, which is too small to reserve some.",
    }
    return {
        "Parameters": {"ReserveConcurrency": parameter},
        "Conditions": {"Reserve": {"Fn::Equals": [{"Ref": "ReserveConcurrency"}, "yes"]}},
        "Resources": resources,
    }
