"""Watch an endpoint that Vedette did not create, or own records: read them where they lie, change nothing in SageMaker.

| what                                        | result                                                              |
|---------------------------------------------|---------------------------------------------------------------------|
| an endpoint's DestinationS3Uri              | the source in the fleet entry, unchanged                            |
| capture off, no such endpoint               | an error                                                            |
| a serverless or asynchronous endpoint       | an error, which names own records as the way out                    |
| own records (`own_records`)                 | their place in the fleet entry                                      |
| either (`capture_sources`)                  | the changes that its owners must make                               |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.aws import sagemaker
from chalicelib.errors import VedetteError
from chalicelib.records import Fleet, FleetEntry
from chalicelib.registry.plan import deleted_config_sentence
from chalicelib.settings import settings
from vedette.operations import aws, baselines, fleet, monitoring_schedules
from vedette.operations.capture_sources import ObservedSource, inspect_source
from vedette.operations.own_records import ObservedRecords, inspect_records

OWN_RECORDS = "docs/own-records.md"


class ObservedEndpoint(ObservedSource, frozen=True, kw_only=True):
    """An endpoint's current capture settings, and the changes needed so that Vedette can read its captures."""

    endpoint: str
    status: str
    config: str
    source: str
    percentage: int
    modes: tuple[str, ...]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the fleet entry that follow from the endpoint."""
        own = self.source.rstrip("/") == locations.capture_uri(settings().bucket)
        return {"capture_uri": "" if own else self.source, "capture_percentage": self.percentage}

    @property
    def sentence(self) -> str:
        """What is read."""
        captured = f"{self.percentage} % of its requests ({', '.join(self.modes) or 'no mode'})"
        return f"{self.endpoint} captures {captured} to {self.source}"


def inspect_endpoint(endpoint: str, *, with_schedules: bool = True) -> ObservedEndpoint:
    """Read an endpoint's capture settings, and the baselines of its monitoring schedules; nothing is written.

    Raises
    ------
    VedetteError
        If the endpoint cannot be watched, with the reason.
    """
    described = sagemaker.describe_endpoint(endpoint)
    if described is None:
        raise VedetteError(f"There is no endpoint {endpoint} in {settings().region}.")
    name = str(described["EndpointConfigName"])
    config = sagemaker.describe_endpoint_config(name)
    if config is None:
        raise VedetteError(f"{endpoint} cannot be watched: {deleted_config_sentence(endpoint, name)}.")
    _check_captures_are_possible(endpoint, config)
    capture = config.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture", False):
        raise VedetteError(
            f"{endpoint} captures nothing: data capture is off in its config {name}. Turn it on where the endpoint is"
            f" deployed (DataCaptureConfig), or with `vedette capture on {endpoint}`."
        )
    shown = described.get("DataCaptureConfig") or {}
    source = str(capture["DestinationS3Uri"])
    place = inspect_source(endpoint, source, str(shown.get("KmsKeyId") or capture.get("KmsKeyId") or ""))
    remarks = (*_stopped_remarks(shown), *place.remarks, *(_schedule_remarks(endpoint) if with_schedules else ()))
    return ObservedEndpoint(
        endpoint=endpoint,
        status=str(described["EndpointStatus"]),
        config=name,
        source=source,
        percentage=int(shown.get("CurrentSamplingPercentage", capture.get("InitialSamplingPercentage", 0))),
        modes=tuple(str(option["CaptureMode"]) for option in capture.get("CaptureOptions", ())),
        **msgspec.structs.asdict(msgspec.structs.replace(place, remarks=remarks)),
    )


def _check_captures_are_possible(endpoint: str, config: dict[str, Any]) -> None:
    """Data capture exists only for real-time endpoints (aws-behaviour: capture-realtime-only)."""
    kind = "an asynchronous" if config.get("AsyncInferenceConfig") else ""
    if any(variant.get("ServerlessConfig") for variant in config.get("ProductionVariants", ())):
        kind = "a serverless"
    if kind:
        raise VedetteError(
            f"{endpoint} is {kind} endpoint; SageMaker captures only real-time endpoints. Write its records yourself"
            f" ({OWN_RECORDS}), then run: vedette watch {endpoint} --records s3://BUCKET/PREFIX"
        )


def _stopped_remarks(shown: dict[str, Any]) -> list[str]:
    return ["SageMaker says that its capture is Stopped now."] if shown.get("CaptureStatus") == "Stopped" else []


def _schedule_remarks(endpoint: str) -> list[str]:
    schedules = (monitoring_schedules.read(summary) for summary in aws.monitoring_schedules(endpoint))
    return [
        f"Model Monitor's schedule {schedule.name} compares it with {schedule.constraints_uri}: --baseline takes that"
        " one too."
        for schedule in schedules
        if schedule is not None and schedule.constraints_uri
    ]


# --- the fleet and the baseline ---------------------------------------------------------------------------------------


def inspect(name: str, records: str = "") -> ObservedEndpoint | ObservedRecords:
    """Look at what is to be watched: records, if a place of theirs is named here or by the fleet; else an endpoint.

    Raises
    ------
    VedetteError
        If it cannot be watched, with the reason.
    """
    stored = aws.get_fleet()[0].entry(name)
    place = records or (stored.records if stored else "")
    return inspect_records(name, place) if place else inspect_endpoint(name)


def watched(
    stored: Fleet, found: ObservedEndpoint | ObservedRecords, fields: Mapping[str, Any]
) -> tuple[FleetEntry, ...]:
    """The entries with this endpoint added or updated with these fields; other fields are kept.

    Raises
    ------
    VedetteError
        If Vedette deploys the endpoint: then the fleet decides where it captures.
    """
    before = stored.entry(found.endpoint)
    if before is not None and before.mode == "deploy":
        raise VedetteError(f"{found.endpoint} is deployed by Vedette, which watches it already (mode deploy).")
    after = entry_of(found, before, fields)
    others = tuple(one for one in stored.entries if one.endpoint != found.endpoint)
    fleet.check((*others, after), "the fleet")
    return (*others, after) if before is None else tuple(after if one is before else one for one in stored.entries)


def entry_of(
    found: ObservedEndpoint | ObservedRecords, before: FleetEntry | None, fields: Mapping[str, Any]
) -> FleetEntry:
    """The entry of what is read as it was found, with these fields."""
    after = msgspec.structs.replace(before or FleetEntry(endpoint=found.endpoint), **found.fields, **fields)
    fleet.check_entry(after, found.endpoint)
    return after


def baseline_at(place: str, statistics: str = "") -> baselines.Stored:
    """Read a baseline; a statistics.json in the same folder as a constraints.json is included."""
    folder = place.removesuffix("constraints.json")
    return baselines.read(folder if folder != place and folder else place, statistics)


def take_baseline(endpoint: str, baseline: baselines.Stored, place: str) -> str:
    """Store a baseline and make it current, unless the current one is the same; returns its version."""
    before = baselines.current(endpoint)
    if before is not None and baselines.same(before, baseline):
        return before.version
    etag = before.etag if before else ""
    return baselines.keep(endpoint, baseline.constraints, baseline.statistics, f"vedette watch: {place}", etag).version
