"""Does what a deployment plan says, in order, and can be run again at any moment.

SageMaker's Create calls have no client token. Names derive from the content instead, so "already existing" is followed
by a look at what exists: the same content is reused, another content is an error that a person must see.
"""

from __future__ import annotations

from typing import Any

from chalicelib.aws import cloudwatch, sagemaker
from chalicelib.errors import NotReady, VedetteError
from chalicelib.records import Deployment
from chalicelib.registry import resource_specs
from chalicelib.registry.plan import Create, Update


def create_resources(plan: Create | Update) -> None:
    """Create the alarms, the model and the config of a plan, or find that they exist already.

    Raises
    ------
    NotReady
        When something exists and is not visible yet.
    RequestRejected
        When SageMaker rejects one of them.
    """
    for alarm in plan.alarms if isinstance(plan, Update) else ():
        cloudwatch.put_metric_alarm(alarm)
    if plan.model is not None and not sagemaker.create_model(plan.model):
        name = plan.model["ModelName"]
        _compare(name, plan.model, sagemaker.describe_model(name))
    create_config(plan.config)


def create_config(request: dict[str, Any]) -> None:
    """Create an endpoint config, or find that it exists already. Raises as `create_resources`."""
    name = request["EndpointConfigName"]
    if not sagemaker.create_endpoint_config(request):
        _compare(name, request, sagemaker.describe_endpoint_config(name))


def start(plan: Create | Update, endpoint: str) -> bool:
    """Create or update the endpoint; False when it is busy or exists by now, and its next event decides."""
    if isinstance(plan, Update):
        return _switch(endpoint, plan.config_name, plan.deployment_config)
    tags = resource_specs.tags_for(endpoint)
    return sagemaker.create_endpoint({"EndpointName": endpoint, "EndpointConfigName": plan.config_name, "Tags": tags})


def is_started(endpoint: str, config_name: str) -> bool:
    """Whether a rejected request had begun before: by another invocation, or by botocore, whose reply was lost."""
    found = sagemaker.describe_endpoint(endpoint) or {}
    pending = found.get("PendingDeploymentSummary") or {}
    return config_name in {found.get("EndpointConfigName"), pending.get("EndpointConfigName")}


def roll_back(deployment: Deployment) -> bool:
    """Put the endpoint back on the config that it served before a deployment; False when it is busy."""
    return _switch(deployment.endpoint, deployment.previous_config, None)


def _switch(endpoint: str, config_name: str, deployment_config: dict[str, Any] | None) -> bool:
    """Put an endpoint on a config that exists; counts that autoscaling has set stay."""
    request = {"EndpointName": endpoint, "EndpointConfigName": config_name, "RetainAllVariantProperties": True}
    return sagemaker.update_endpoint(
        {**request, **({"DeploymentConfig": deployment_config} if deployment_config else {})}
    )


def _compare(name: str, wanted: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        raise NotReady(f"{name} exists and is not visible yet; SageMaker is eventually consistent.")
    for field, value in wanted.items():
        if field != "Tags" and resource_specs.canonical_json({"": value}) != resource_specs.canonical_json(
            {"": _only(value, found.get(field))}
        ):
            raise VedetteError(f"{name} exists with another {field} than Vedette would give it; it is not touched.")


def _only(wanted: Any, found: Any) -> Any:
    """What was found, without the defaults that SageMaker adds to the request."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: _only(value, found.get(key)) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_only(one, other) for one, other in zip(wanted, found, strict=True)]
    return found
