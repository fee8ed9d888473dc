"""Models and endpoint configurations: all fields are stored and returned, and names are unique."""

from __future__ import annotations

from datetime import datetime, timedelta

from vedette.local.account import SimulatedAccount
from vedette.local.sagemaker.core import Listing, Parameters, Record, refusal
from vedette.local.sagemaker.registry import Registry

MODELS = Listing("Models", "ModelName", ("ModelName", "ModelArn", "CreationTime"))
CONFIGS = Listing("EndpointConfigs", "EndpointConfigName", ("EndpointConfigName", "EndpointConfigArn", "CreationTime"))


class Hosting:
    """The models and endpoint configurations of the account."""

    def __init__(self, account: SimulatedAccount, registry: Registry):
        self._account, self._registry = account, registry
        self.models: dict[str, Record] = {}
        self.configs: dict[str, Record] = {}
        self.visible_after = timedelta(0)  # a new one is "not found" so long (aws-behaviour: not-yet-visible)
        self._containers: dict[str, Record] = {}  # by model; it stays when its package is deleted

    # Models ----------------------------------------------------------------------------------------------------

    def CreateModel(self, arguments: Parameters) -> Record:
        name = arguments["ModelName"]
        arn = self._account.arn("model", name)
        if name in self.models:
            raise refusal(f'Cannot create already existing model "{arn}".')
        if "PrimaryContainer" in arguments and "Containers" in arguments:
            raise refusal("Both PrimaryContainer and Containers cannot be specified.")
        containers = arguments.get("Containers") or [arguments.get("PrimaryContainer") or {}]
        for container in containers:
            self._check_container(container)
        package = containers[0].get("ModelPackageName")
        served = self._registry.package(package)["InferenceSpecification"]["Containers"] if package else containers
        if "ExecutionRoleArn" not in arguments:
            raise refusal("Either ExecutionRoleArn or a model package from AWS Marketplace is required.")
        self.models[name] = {
            "EnableNetworkIsolation": False,
            **{key: value for key, value in arguments.items() if key != "Tags"},
            "ModelArn": arn,
            "CreationTime": self._account.now(),
        }
        self._containers[name] = served[0]
        self._account.tag(arn, arguments.get("Tags"))
        return {"ModelArn": arn}

    def _check_container(self, container: Record) -> None:
        package_name = container.get("ModelPackageName")
        if package_name is None:
            if "Image" not in container:
                raise refusal("One of Image or ModelPackageName must be provided in the container definition.")
            return
        package = self._registry.package(package_name)
        if "ModelPackageVersion" in package and package["ModelApprovalStatus"] != "Approved":
            # aws-behaviour: unapproved-version
            raise refusal(
                f'Model Package "{package["ModelPackageArn"]}" has approval status '
                f"{package['ModelApprovalStatus']}; only Approved model packages can be used to create a model."
            )

    def DescribeModel(self, arguments: Parameters) -> Record:
        return self.model(arguments["ModelName"])

    def ListModels(self, arguments: Parameters) -> Record:
        return MODELS.page(self.models.values(), arguments)

    def DeleteModel(self, arguments: Parameters) -> Record:
        arn = self.model(arguments["ModelName"])["ModelArn"]
        del self.models[arguments["ModelName"]]
        self._account.forget(arn)
        return {}

    def model(self, name: str) -> Record:
        """A model by name.

        Raises
        ------
        AwsError
            If it does not exist.
        """
        if name not in self.models or self._is_new(self.models[name]):
            raise refusal(f'Could not find model "{self._account.arn("model", name)}".')
        return self.models[name]

    def container(self, model: Record) -> tuple[str, str | None]:
        """The image and the model data of a model's first container (aws-behaviour: deleted-package)."""
        container = self._containers[model["ModelName"]]
        return container["Image"], container.get("ModelDataUrl")

    def _is_new(self, record: Record) -> bool:
        created: datetime = record["CreationTime"]
        return self._account.now() < created + self.visible_after

    # Configurations --------------------------------------------------------------------------------------------

    def CreateEndpointConfig(self, arguments: Parameters) -> Record:
        name = arguments["EndpointConfigName"]
        arn = self._account.arn("endpoint-config", name)
        if name in self.configs:
            raise refusal(f'Cannot create already existing endpoint configuration "{arn}".')
        variants = arguments["ProductionVariants"] + arguments.get("ShadowProductionVariants", [])
        if len({variant["VariantName"] for variant in variants}) != len(variants):
            raise refusal("Variant names must be unique within an endpoint configuration.")
        for variant in variants:
            if "ModelName" in variant:
                self.model(variant["ModelName"])
        self.configs[name] = {
            **{key: value for key, value in arguments.items() if key != "Tags"},
            "ProductionVariants": [
                {"InitialVariantWeight": 1.0, **variant} for variant in arguments["ProductionVariants"]
            ],
            "EndpointConfigArn": arn,
            "CreationTime": self._account.now(),
        }
        self._account.tag(arn, arguments.get("Tags"))
        return {"EndpointConfigArn": arn}

    def DescribeEndpointConfig(self, arguments: Parameters) -> Record:
        return self.config(arguments["EndpointConfigName"])

    def ListEndpointConfigs(self, arguments: Parameters) -> Record:
        return CONFIGS.page(self.configs.values(), arguments)

    def DeleteEndpointConfig(self, arguments: Parameters) -> Record:
        arn = self.config(arguments["EndpointConfigName"])["EndpointConfigArn"]
        del self.configs[arguments["EndpointConfigName"]]
        self._account.forget(arn)
        return {}

    def config(self, name: str) -> Record:
        """A configuration by name.

        Raises
        ------
        AwsError
            If it does not exist.
        """
        if name not in self.configs or self._is_new(self.configs[name]):
            raise refusal(f'Could not find endpoint configuration "{self._account.arn("endpoint-config", name)}".')
        return self.configs[name]
