"""What a model and an endpoint config should hold.

An update starts from what is served and keeps every field, unknown ones too; only the model package and the capture
settings change. What names the code or the model of the old package goes with it. A first creation starts from the
fleet entry. The names follow from the content (`locations`), so that the same wish always gives the same names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from chalicelib import locations
from chalicelib.records import FleetEntry

VARIANT = "AllTraffic"  # the name that SageMaker's own SDK gives to a single variant
INSTANCE_TYPE = "ml.m5.large"  # when neither the fleet nor the package names one
TAG = "vedette:endpoint"
_ANSWER_ONLY = (
    "EndpointConfigArn",
    "CreationTime",
    "ModelArn",
    "EndpointConfigName",
    "ModelName",
    "DeploymentRecommendation",
)
Request = dict[str, Any]


def canonical_json(content: Mapping[str, Any]) -> str:
    """The content as text that is equal exactly when the content is; 1 and 1.0 are the same number.

    Examples
    --------
    >>> canonical_json({"b": 1, "a": [1.0, True]}) == canonical_json({"a": [1, True], "b": 1.0})
    True
    """
    return json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def create_request_fields(answer: Mapping[str, Any]) -> Request:
    """What a Describe answer says, without what only an answer has: the body of a Create request, without the name.

    SageMaker answers false for a switch that nobody set (EnableNetworkIsolation): left out, the same wish keeps its
    name, whether it was made from the fleet or from what is served.
    """
    return {
        key: value
        for key, value in answer.items()
        if key not in _ANSWER_ONLY and value is not None and value is not False
    }


def package_of(model: Mapping[str, Any] | None) -> str:
    """The ARN of the package that a model was made of; "" when it was not made of one."""
    if model is None:
        return ""
    containers = [model.get("PrimaryContainer"), *model.get("Containers", ())]
    return next((str(c["ModelPackageName"]) for c in containers if c and c.get("ModelPackageName")), "")


def new_model(package_arn: str, role_arn: str, tags: list[dict[str, str]]) -> Request:
    """The request for the first model of an endpoint."""
    body = {"ExecutionRoleArn": role_arn, "Containers": [{"ModelPackageName": package_arn}], "Tags": tags}
    return {"ModelName": locations.model_name(package_arn, canonical_json(body)), **body}


def next_model(served: Mapping[str, Any], package_arn: str, tags: list[dict[str, str]]) -> Request:
    """The request for a model that differs from the served one in its package alone.

    Image, data and code of a container belong to the old package, so they go, with the variables that name them; the
    new package has its own. The rest of the environment and every other field stays.
    """
    body = {**create_request_fields(served), "Tags": tags}
    container = {**(body.pop("PrimaryContainer", None) or (body.pop("Containers", None) or [{}])[0])}
    kept = {key: value for key, value in container.items() if key not in _OF_THE_PACKAGE}
    environment = {
        name: value for name, value in (kept.pop("Environment", None) or {}).items() if name not in CODE_VARIABLES
    }
    kept |= {"Environment": environment} if environment else {}
    body["Containers"] = [{**kept, "ModelPackageName": package_arn}]
    return {"ModelName": locations.model_name(package_arn, canonical_json(body)), **body}


_OF_THE_PACKAGE = (
    "Image",
    "ImageConfig",
    "ModelDataUrl",
    "ModelDataSource",
    "AdditionalModelDataSources",
    "ModelPackageName",
    "InferenceSpecificationName",
    "Mode",
)

# The variables by which a container is told which code or which model to load (aws-behaviour: code-variables). What
# only says how it runs (SAGEMAKER_CONTAINER_LOG_LEVEL, SAGEMAKER_REGION, HF_TASK, numbers of workers, time limits) and
# what a person keeps there (tokens, switches of their own) stays.
CODE_VARIABLES = frozenset(
    {
        "SAGEMAKER_PROGRAM",
        "SAGEMAKER_SUBMIT_DIRECTORY",
        "SAGEMAKER_SPARKML_SCHEMA",
        "SAGEMAKER_TFS_DEFAULT_MODEL_NAME",
        "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME",
        "HF_MODEL_ID",
        "HF_MODEL_REVISION",
        "OPTION_MODEL_ID",
        "OPTION_REVISION",
        "OPTION_ENTRYPOINT",
        "SM_VLLM_MODEL",
    }
)


def model_changes(
    served: Mapping[str, Any],
    served_package: Mapping[str, Any] | None,
    planned: Mapping[str, Any],
    package: Mapping[str, Any] | None,
) -> tuple[str, ...]:
    """What differs between the served model and a planned one, in words, with what their packages bring.

    Examples
    --------
    >>> served = {"PrimaryContainer": {"Image": "a", "Environment": {"SAGEMAKER_PROGRAM": "old.py"}}}
    >>> package = {"InferenceSpecification": {"Containers": [{"Image": "b"}]}}
    >>> model_changes(served, None, {"Containers": [{"ModelPackageName": "arn/2"}]}, package)
    ('Environment.SAGEMAKER_PROGRAM: old.py -> absent', 'Image: a -> b', 'ModelPackageName: absent -> arn/2')
    """
    return changes(_effective_model(served, served_package), _effective_model(planned, package))


def _effective_model(model: Mapping[str, Any], package: Mapping[str, Any] | None) -> dict[str, Any]:
    """A model of one container as one flat mapping; what its package brings stands under what it says itself."""
    body = create_request_fields(model)
    own = body.pop("PrimaryContainer", None) or (body.pop("Containers", None) or [{}])[0]
    brought = (((package or {}).get("InferenceSpecification") or {}).get("Containers") or [{}])[0]
    shown = {name: brought[name] for name in _SHOWN_OF_A_PACKAGE if brought.get(name)}
    environment = {**(brought.get("Environment") or {}), **(own.get("Environment") or {})}
    return {**body, **shown, **own, **({"Environment": environment} if environment else {})}


_SHOWN_OF_A_PACKAGE = ("Image", "ModelDataUrl", "ModelDataSource", "AdditionalModelDataSources")


def capture_config(entry: FleetEntry, default_uri: str, served: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The capture settings of a config: what the fleet says, then what is served, then both sides as CSV and JSON.

    Without a list of content types SageMaker stores everything as BASE64.
    """
    served = served or {}
    modes = [{"CaptureMode": mode} for mode in entry.capture_modes or ()]
    header = dict(served.get("CaptureContentTypeHeader") or DEFAULT_CONTENT_TYPES)
    for name, types in (
        ("CsvContentTypes", entry.capture_csv_content_types),
        ("JsonContentTypes", entry.capture_json_content_types),
    ):
        if types is not None:
            header[name] = list(types)
    capture = {
        **served,
        "EnableCapture": entry.capture_percentage > 0,
        "InitialSamplingPercentage": entry.capture_percentage,
        "DestinationS3Uri": (entry.capture_uri or default_uri).rstrip("/"),
        "CaptureOptions": modes or served.get("CaptureOptions") or BOTH_SIDES,
        "CaptureContentTypeHeader": {name: types for name, types in header.items() if types},
    }
    return {name: value for name, value in capture.items() if value != {}}


BOTH_SIDES = [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}]
DEFAULT_CONTENT_TYPES = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]}


def supported_instance_types(package: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The instance types for real-time inference that a package names; none when it names none."""
    specification = (package or {}).get("InferenceSpecification") or {}
    return tuple(specification.get("SupportedRealtimeInferenceInstanceTypes") or ())


def disallowed_image(package: Mapping[str, Any] | None, accounts: Collection[str]) -> str:
    """The first image of a package that lies in no ECR registry of these accounts; "" when all do, or none is named.

    Examples
    --------
    >>> package = {"InferenceSpecification": {"Containers": [{"Image": "docker.io/library/busybox"}]}}
    >>> disallowed_image(package, ["123456789012"]), disallowed_image(package, [])
    ('docker.io/library/busybox', '')
    """
    specification = (package or {}).get("InferenceSpecification") or {}
    containers = specification.get("Containers") or ()
    images = (str(container["Image"]) for container in containers if container.get("Image"))
    return next((image for image in images if accounts and _account_of(image) not in accounts), "")


def _account_of(image: str) -> str:
    registry = _ECR.match(image)
    return registry["account"] if registry else ""


_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)/")


def new_endpoint_config(
    package_arn: str,
    model_name: str,
    entry: FleetEntry,
    instance_type: str,
    capture_uri: str,
    tags: list[dict[str, str]],
) -> Request:
    """The request for the first config of an endpoint."""
    body = {
        "ProductionVariants": [
            {
                "VariantName": VARIANT,
                "ModelName": model_name,
                "InstanceType": instance_type,
                "InitialInstanceCount": entry.instance_count,
                "InitialVariantWeight": 1.0,
            }
        ],
        "DataCaptureConfig": capture_config(entry, capture_uri),
        "Tags": tags,
    }
    return {"EndpointConfigName": locations.endpoint_config_name(package_arn, canonical_json(body)), **body}


def next_endpoint_config(
    served: Mapping[str, Any],
    package_arn: str,
    model_name: str,
    entry: FleetEntry,
    capture_uri: str,
    tags: list[dict[str, str]],
) -> Request:
    """The request for a config that differs from the served one in its model and its capture settings alone."""
    body = create_request_fields(served)
    variant = {**body["ProductionVariants"][0], "ModelName": model_name}
    capture = capture_config(entry, capture_uri, body.get("DataCaptureConfig"))
    body = {**body, "ProductionVariants": [variant], "DataCaptureConfig": capture, "Tags": tags}
    return {"EndpointConfigName": locations.endpoint_config_name(package_arn, canonical_json(body)), **body}


def tags_for(endpoint: str, kept: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """The tag by which Vedette knows its own, and the tags of what was served before; AWS's own cannot be copied."""
    own = {key: value for key, value in (kept or {}).items() if not key.startswith("aws:")}
    return [{"Key": key, "Value": value} for key, value in sorted({**own, TAG: endpoint}.items())]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two configs, in words; names and tags of the configs themselves do not count.

    Examples
    --------
    >>> changes({"KmsKeyId": "k", "DataCaptureConfig": {"InitialSamplingPercentage": 10}},
    ...         {"KmsKeyId": "k", "DataCaptureConfig": {"InitialSamplingPercentage": 100.0}})
    ('DataCaptureConfig.InitialSamplingPercentage: 10 -> 100',)
    """
    old, new = (
        dict(_leaves(_plain({k: v for k, v in create_request_fields(c).items() if k != "Tags"})))
        for c in (before, after)
    )
    return tuple(
        f"{path}: {old.get(path, 'absent')} -> {new.get(path, 'absent')}"
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    )


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for position, item in enumerate(value):
            yield from _leaves(item, f"{path}[{position}]")
    else:
        yield path, value
