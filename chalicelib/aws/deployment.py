"""The executor: does what a plan says, in order, and can be run again at any moment.

SageMaker's Create calls have no client token; the names derive from the content, so "already existing" is followed by a
look at what exists: the same content is reused, another content is an error that a person must see.
"""

from dataclasses import replace
from typing import Any

from chalicelib.aws import cloudwatch, sagemaker
from chalicelib.errors import NotReady, VedetteError
from chalicelib.records import Deployment
from chalicelib.registry import rendering
from chalicelib.registry.plan import Plan, Served


def served(endpoint: str, described: dict[str, Any] | None = None) -> Served | None:
    """The endpoint, as described now or just before, with its config and its first model; None when there is none."""
    described = described or sagemaker.describe_endpoint(endpoint)
    if described is None:
        return None
    config = sagemaker.describe_endpoint_config(described["EndpointConfigName"]) or {}
    variants = config.get("ProductionVariants") or [{}]
    name = variants[0].get("ModelName")
    counts = [variant.get("CurrentInstanceCount") for variant in described.get("ProductionVariants", ())]
    return Served(
        status=described["EndpointStatus"],
        config_name=described["EndpointConfigName"],
        modified_at=described["LastModifiedTime"],
        failure_reason=described.get("FailureReason", ""),
        config=config,
        model=(sagemaker.describe_model(name) if name else None) or {},
        instances=(counts[0] if counts else None) or variants[0].get("InitialInstanceCount") or 1,
    )


def with_tags(served: Served) -> Served:
    """The same, with the tags of its config."""
    arn = served.config.get("EndpointConfigArn")
    return replace(served, tags=sagemaker.list_tags(arn) if arn else {})


def make_ready(plan: Plan) -> None:
    """Create the alarms, the model and the config of a plan, or find that they exist already."""
    for alarm in plan.alarms:
        cloudwatch.put_metric_alarm(alarm)
    if plan.model is not None and not sagemaker.create_model(plan.model):
        name = plan.model["ModelName"]
        _compare(name, plan.model, sagemaker.describe_model(name))
    if plan.config is not None and not sagemaker.create_endpoint_config(plan.config):
        _compare(plan.config_name, plan.config, sagemaker.describe_endpoint_config(plan.config_name))


def start(plan: Plan, endpoint: str) -> bool:
    """Create or update the endpoint; False when it is busy or exists by now, and the next event decides."""
    if plan.action == "create":
        return sagemaker.create_endpoint(
            {"EndpointName": endpoint, "EndpointConfigName": plan.config_name, "Tags": rendering.tags_for(endpoint)}
        )
    return _switch(endpoint, plan.config_name, plan.deployment_config)


def go_back(deployment: Deployment) -> bool:
    """Put the endpoint back on the config that it served before a deployment; False when it is busy."""
    return _switch(deployment.endpoint, deployment.previous_config, None)


def _switch(endpoint: str, config_name: str, deployment_config: dict[str, Any] | None) -> bool:
    """Put an endpoint on a config that exists; counts that autoscaling has set stay."""
    request = {"EndpointName": endpoint, "EndpointConfigName": config_name, "RetainAllVariantProperties": True}
    return sagemaker.update_endpoint(
        {**request, **({"DeploymentConfig": deployment_config} if deployment_config else {})}
    )


def _compare(name: str, wished: dict[str, Any], found: dict[str, Any] | None) -> None:
    if found is None:
        raise NotReady(f"{name} exists and is not visible yet; SageMaker is eventually consistent.")
    for field, value in wished.items():
        if field != "Tags" and rendering.canonical({"": value}) != rendering.canonical(
            {"": _only(value, found.get(field))}
        ):
            raise VedetteError(f"{name} exists with another {field} than Vedette would give it; it is not touched.")


def _only(wished: Any, found: Any) -> Any:
    """What was found, without the defaults that SageMaker adds to what was wished."""
    if isinstance(wished, dict) and isinstance(found, dict):
        return {key: _only(value, found.get(key)) for key, value in wished.items()}
    if isinstance(wished, list) and isinstance(found, list) and len(wished) == len(found):
        return [_only(one, other) for one, other in zip(wished, found, strict=True)]
    return found
