"""Job definitions of the four monitor types, and the part of one that a schedule needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.sagemaker.core import Listing, Parameters, Record

KINDS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
DEFINITIONS = Listing(
    "JobDefinitionSummaries",
    "MonitoringJobDefinitionName",
    ("MonitoringJobDefinitionName", "MonitoringJobDefinitionArn", "CreationTime", "EndpointName"),
)


@dataclass(frozen=True)
class Plan:
    """The inputs and outputs of an execution, from an inline or a separate job definition."""

    endpoint: str
    output_uri: str
    image: str
    role_arn: str
    cluster: Record
    environment: dict[str, str] = field(default_factory=dict)
    longest_seconds: int = 3600
    constraints_uri: str = ""  # of the baseline
    statistics_uri: str = ""


class JobDefinitions:
    """CreateDataQualityJobDefinition, DescribeDataQualityJobDefinition, ... for each kind."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self.definitions: dict[tuple[str, str], Record] = {}
        for kind in KINDS:
            plural = f"List{kind}JobDefinitions"
            setattr(self, f"Create{kind}JobDefinition", partial(self._create, kind))
            setattr(self, f"Describe{kind}JobDefinition", partial(self._describe, kind))
            setattr(self, f"Delete{kind}JobDefinition", partial(self._delete, kind))
            setattr(self, plural, partial(self._list, kind))

    def _create(self, kind: str, arguments: Parameters) -> Record:
        name = arguments["JobDefinitionName"]
        arn = self._arn(kind, name)
        if (kind, name) in self.definitions:
            raise AwsError("ResourceInUse", f"Job definition already exists: {arn}")
        self.definitions[kind, name] = {
            **{key: value for key, value in arguments.items() if key != "Tags"},
            "JobDefinitionArn": arn,
            "CreationTime": self._account.now(),
        }
        self._account.tag(arn, arguments.get("Tags"))
        return {"JobDefinitionArn": arn}

    def _describe(self, kind: str, arguments: Parameters) -> Record:
        return self.definition(kind, arguments["JobDefinitionName"])

    def _delete(self, kind: str, arguments: Parameters) -> Record:
        arn = self.definition(kind, arguments["JobDefinitionName"])["JobDefinitionArn"]
        del self.definitions[kind, arguments["JobDefinitionName"]]
        self._account.forget(arn)
        return {}

    def _list(self, kind: str, arguments: Parameters) -> Record:
        records = [
            {
                "MonitoringJobDefinitionName": name,
                "MonitoringJobDefinitionArn": definition["JobDefinitionArn"],
                "CreationTime": definition["CreationTime"],
                "EndpointName": plan_of_definition(kind, definition).endpoint,
            }
            for (other, name), definition in self.definitions.items()
            if other == kind
        ]
        wanted = arguments.get("EndpointName")
        return DEFINITIONS.page([record for record in records if wanted in {None, record["EndpointName"]}], arguments)

    def definition(self, kind: str, name: str) -> Record:
        """A definition by kind and name.

        Raises
        ------
        AwsError
            If it does not exist.
        """
        if (kind, name) not in self.definitions:
            raise AwsError("ResourceNotFound", f"Could not find job definition {self._arn(kind, name)}")
        return self.definitions[kind, name]

    def _arn(self, kind: str, name: str) -> str:
        words = {"DataQuality": "data-quality", "ModelQuality": "model-quality", "ModelBias": "model-bias"}
        return self._account.arn(f"{words.get(kind, 'model-explainability')}-job-definition", name)


def plan_of_definition(kind: str, definition: Record) -> Plan:
    """The plan of a separate job definition."""
    inputs: dict[str, Any] = definition[f"{kind}JobInput"]
    specification = definition[f"{kind}AppSpecification"]
    outputs = definition[f"{kind}JobOutputConfig"]["MonitoringOutputs"]
    return Plan(
        endpoint=inputs.get("EndpointInput", {}).get("EndpointName", ""),
        output_uri=outputs[0]["S3Output"]["S3Uri"],
        image=specification["ImageUri"],
        role_arn=definition["RoleArn"],
        cluster=definition["JobResources"]["ClusterConfig"],
        environment=specification.get("Environment", {}),
        longest_seconds=definition.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 3600),
        **_baseline(definition.get(f"{kind}BaselineConfig", {})),
    )


def plan_of_inline(definition: Record) -> Plan:
    """The plan of an inline definition (the old style)."""
    outputs = definition["MonitoringOutputConfig"]["MonitoringOutputs"]
    return Plan(
        endpoint=definition["MonitoringInputs"][0].get("EndpointInput", {}).get("EndpointName", ""),
        output_uri=outputs[0]["S3Output"]["S3Uri"],
        image=definition["MonitoringAppSpecification"]["ImageUri"],
        role_arn=definition["RoleArn"],
        cluster=definition["MonitoringResources"]["ClusterConfig"],
        environment=definition.get("Environment", {}),
        longest_seconds=definition.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 3600),
        **_baseline(definition.get("BaselineConfig", {})),
    )


def _baseline(config: Record) -> dict[str, str]:
    """Where the two files of a baseline lie."""
    return {
        "constraints_uri": config.get("ConstraintsResource", {}).get("S3Uri", ""),
        "statistics_uri": config.get("StatisticsResource", {}).get("S3Uri", ""),
    }
