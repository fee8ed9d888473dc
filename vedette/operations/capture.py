"""Turn data capture of an endpoint on and off, with a copy of the served config that differs only in its capture.

For an endpoint that Vedette deploys, the percentage in the fleet is changed, and the sweep is invoked. For any other
endpoint the name of the copy is derived from its content, so that on, off and on again creates only two configs.
"""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.aws import sagemaker
from chalicelib.errors import NotReady, VedetteError
from chalicelib.records import FleetEntry
from chalicelib.registry import resource_specs
from chalicelib.registry.plan import Served, deleted_sentence
from chalicelib.services.deployment_execution import create_config
from chalicelib.services.endpoint_snapshot import with_tags
from chalicelib.settings import settings


class Status(msgspec.Struct, frozen=True):
    """The current data capture settings in SageMaker."""

    endpoint: str
    endpoint_status: str
    config: str
    enabled: bool
    capture_status: str = ""
    percentage: int = 0
    destination: str = ""
    modes: tuple[str, ...] = ()
    csv_content_types: tuple[str, ...] = ()
    json_content_types: tuple[str, ...] = ()
    config_deleted: str = ""  # what follows from that, and the way out; then the settings are not known


class Switch(msgspec.Struct, frozen=True):
    """A config that differs only in its capture, and a description of the difference."""

    endpoint: str
    before: str
    config: dict[str, Any]
    changes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the new config."""
        return str(self.config["EndpointConfigName"])


def _served(endpoint: str) -> Served:
    found = Served.of(sagemaker.describe_served(endpoint))
    if found is None:
        raise VedetteError(f"There is no endpoint {endpoint} in {settings().region}.")
    return found


def status(endpoint: str) -> Status:
    """The current data capture settings of an endpoint."""
    served = _served(endpoint)
    described = (sagemaker.describe_endpoint(endpoint) or {}).get("DataCaptureConfig", {})
    config = served.config.get("DataCaptureConfig", {})
    headers = config.get("CaptureContentTypeHeader", {})
    return Status(
        endpoint=endpoint,
        endpoint_status=served.status,
        config=served.config_name,
        enabled=bool(config.get("EnableCapture", False)),
        capture_status=described.get("CaptureStatus", ""),
        percentage=config.get("InitialSamplingPercentage", 0),
        destination=config.get("DestinationS3Uri", ""),
        modes=tuple(option["CaptureMode"] for option in config.get("CaptureOptions", ())),
        csv_content_types=tuple(headers.get("CsvContentTypes", ())),
        json_content_types=tuple(headers.get("JsonContentTypes", ())),
        config_deleted="" if served.config else deleted_sentence(endpoint, served),
    )


def switch(endpoint: str, percentage: int, destination: str = "") -> Switch | None:
    """The config with this capture percentage; 0 is off. None if the endpoint already has these settings.

    Raises
    ------
    VedetteError
        If the endpoint does not exist, or cannot be updated now.
    """
    served = with_tags(_served(endpoint))
    if served.status != "InService":
        raise VedetteError(f"{endpoint} is {served.status}; its capture can be changed when it is InService.")
    if not served.config:
        raise VedetteError(f"The capture of {endpoint} cannot be changed: {deleted_sentence(endpoint, served)}.")
    before = served.config.get("DataCaptureConfig", {})
    if percentage == 0:
        if not before.get("EnableCapture", False):
            return None
        capture = {**before, "EnableCapture": False}
    else:
        where = destination or before.get("DestinationS3Uri", "") or locations.capture_uri(settings().bucket)
        entry = FleetEntry(endpoint=endpoint, capture_percentage=percentage, capture_uri=where)
        capture = {**resource_specs.capture_config(entry, where), **before}
        capture |= {
            "EnableCapture": True,
            "InitialSamplingPercentage": percentage,
            "DestinationS3Uri": where.rstrip("/"),
        }
    tags = resource_specs.tags_for(endpoint, served.tags)
    body = {**resource_specs.create_request_fields(served.config), "DataCaptureConfig": capture, "Tags": tags}
    changes = resource_specs.changes(served.config, body)
    if not changes:
        return None
    name = locations.sagemaker_name(f"vedette-capture-{endpoint}", f"{endpoint}\n{resource_specs.canonical_json(body)}")
    return Switch(endpoint, served.config_name, {"EndpointConfigName": name, **body}, changes)


def carry_out(switch: Switch) -> None:
    """Create the config if it does not exist, and update the endpoint to it; keeps instance counts and weights.

    Raises
    ------
    NotReady
        If the endpoint is busy.
    """
    create_config(switch.config)
    request = {
        "EndpointName": switch.endpoint,
        "EndpointConfigName": switch.name,
        "RetainAllVariantProperties": True,
    }
    if not sagemaker.update_endpoint(request):
        raise NotReady(f"{switch.endpoint} is busy; try again when it is InService.")
