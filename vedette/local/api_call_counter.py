"""How many calls Vedette makes, counted by the recorder in the stand-in: what `vedette cost` multiplies.

    python -m vedette.local.api_call_counter        writes vedette/operations/api_call_counts.py anew

| counted            | when                                                                                       |
|--------------------|--------------------------------------------------------------------------------------------|
| object             | on_data_captured reads an object that violates nothing                                     |
| violating object   | ... one that violates; its verdict is stored and said on the bus                           |
| unsampled object   | ... one that is left out to hold a ceiling                                                 |
| verdict            | on_monitoring_execution finds that a verdict changes nothing                               |
| alert              | ... and that a person must be told                                                         |
| look               | run_monitoring looks at an endpoint, whose open window is empty                            |
| look: first object | ... what the first part in the open window adds                                            |
| look: next object  | ... what each further part adds                                                            |
| window             | what it adds that a window of one part has just closed                                     |
| drift window       | what it adds that a day has closed too                                                     |
| sweep              | the sweep looks after an endpoint, nothing is left behind                                  |
| fan-out            | what each endpoint adds to the run that begins the others                                  |
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.aws import s3
from chalicelib.capture.sampling import Step
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.events import Scheduled
from chalicelib.records import FleetEntry, Sampling, write
from chalicelib.settings import settings
from chalicelib.statistics.table import Table
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app

ENDPOINT, VARIANT = "counted", "AllTraffic"
TRAINING = b"".join(f"{int(a + b > 100)},{a},{b}\n".encode() for a in range(0, 100, 10) for b in range(0, 100, 10))
TABLE = Path(__file__).parents[1] / "operations" / "counts.py"
Counts = dict[str, dict[str, int]]


def measured() -> Counts:
    """Count every situation; a few seconds."""
    with _stage() as cloud:
        return dict(_situations(cloud))


def _situations(cloud: Cloud) -> Iterator[tuple[str, dict[str, int]]]:
    _turn_to_minute(cloud, 30)  # no window closes at this time
    empty = _look(cloud)
    yield "look", dict(empty)
    yield "object", _captured(cloud, good=25)
    one = _look(cloud)
    yield "look: first object", dict(one - empty)
    _captured(cloud, good=25)
    yield "look: next object", dict(_look(cloud) - one)
    _turn_to_minute(cloud, 30)
    _captured(cloud, good=25)
    _turn_to_minute(cloud, 6)
    yield "window", dict(_look(cloud) - empty)
    yield "verdict", dict(_calls(cloud, "on_monitoring_execution"))
    for _ in range(2):  # the first one of a day looks back a day, and the next asks for the day's window again
        _run(cloud, "sweep")
        cloud.turn(minutes=15)
    yield "sweep", dict(_run(cloud, "sweep"))
    yield "violating object", _captured(cloud, good=5, bad=20)
    yield "alert", dict(_calls(cloud, "on_monitoring_execution"))
    cloud.turn(to=(cloud.clock.now() + timedelta(days=1)).replace(hour=0, minute=6))
    day = _look(cloud)
    cloud.turn(hours=1)  # the same minute, and no day closes
    yield "drift window", dict(day - _look(cloud))
    yield "fan-out", _fan_out(cloud)
    yield "unsampled object", _unsampled(cloud)


def _fan_out(cloud: Cloud) -> dict[str, int]:
    cloud.recorder.clear()
    cloud.invoke("run_monitoring", cloud.scheduled_event())
    calls = _calls(cloud, "run_monitoring")
    cloud.settle()
    return {name: number for name, number in calls.items() if name == "lambda:Invoke"}


def _unsampled(cloud: Cloud) -> dict[str, int]:
    user_actions.apply_fleet(replace(_entry(), monthly_ceiling_usd=1.0))
    step = Step(since=cloud.clock.now() - timedelta(hours=1), share=0.0)
    stored = Sampling(
        endpoint=ENDPOINT, counted_until=cloud.clock.now() + timedelta(days=1), objects_per_hour=(1e6,), steps=(step,)
    )
    s3.put(locations.sampling(ENDPOINT), write(stored))
    return _captured(cloud, good=25)


def _captured(cloud: Cloud, good: int, bad: int = 0) -> dict[str, int]:
    """One request, one object; the calls of on_data_captured."""
    user_actions.predict(ENDPOINT, [("12", "34")] * good + [("12", "34.50")] * bad)
    cloud.recorder.clear()
    cloud.turn(minutes=4)
    return dict(_calls(cloud, "on_data_captured"))


def _look(cloud: Cloud) -> Counter[str]:
    return _run(cloud, "run_monitoring")


def _run(cloud: Cloud, function: str) -> Counter[str]:
    cloud.recorder.clear()
    cloud.invoke(function, Scheduled.for_endpoint(ENDPOINT, cloud.scheduled_event(), settings()))
    calls = _calls(cloud, function)
    cloud.settle()
    return calls


def _calls(cloud: Cloud, function: str) -> Counter[str]:
    return Counter(cloud.recorder.names(function))


def _turn_to_minute(cloud: Cloud, minute: int) -> None:
    now = cloud.clock.now()
    cloud.turn(minutes=(minute - now.minute) % 60 or 60)


def _entry() -> FleetEntry:
    return FleetEntry(endpoint=ENDPOINT, mode="alert")


@contextmanager
def _stage() -> Iterator[Cloud]:
    """A stage with one endpoint that captures, a baseline, and no schedules but ours."""
    saved = dict(os.environ)
    with Cloud() as cloud:
        environment = cloud.install()
        cloud.run_functions(load_app(environment))
        cloud.schedules_enabled = False
        settings.cache_clear()
        _endpoint(environment)
        cloud.turn(minutes=10)
        user_actions.apply_fleet(_entry())
        rows = Table.of([["0", "12", "34"]] * 200, ("label", "a", "b"))
        user_actions.put_baseline_in_force(ENDPOINT, "v1", _loose(suggested_constraints(rows)), rows)
        _captured(cloud, good=25)  # what has had data is looked at in another way
        cloud.turn(hours=1)
        yield cloud
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    settings.cache_clear()


def _loose(constraints: Constraints) -> Constraints:
    return constraints.with_type("label", "Fractional")


def _endpoint(environment: dict[str, str]) -> None:
    sagemaker: Any = boto3.client("sagemaker")
    key = "models/counted/model.tar.gz"
    boto3.client("s3").put_object(
        Bucket=environment["VEDETTE_BUCKET"], Key=key, Body=user_actions.train("knn", TRAINING)
    )
    container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": f"s3://{environment['VEDETTE_BUCKET']}/{key}"}
    sagemaker.create_model(
        ModelName=ENDPOINT, ExecutionRoleArn=environment["VEDETTE_ROLE_ARN"], PrimaryContainer=container
    )
    variant = {
        "VariantName": VARIANT,
        "ModelName": ENDPOINT,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    captured = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": locations.capture_uri(environment["VEDETTE_BUCKET"]),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName=ENDPOINT, ProductionVariants=[variant], DataCaptureConfig=captured
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)


def written(counts: Counts, at: datetime) -> str:
    """The table as a module."""
    lines = [
        '"""Calls to AWS by situation, written by `python -m vedette.local.api_call_counter`."""',
        "",
        f'COUNTED = "{at:%Y-%m-%d}"',
        "COUNTS: dict[str, dict[str, int]] = {",
    ]
    for situation, calls in counts.items():
        lines.append(f'    "{situation}": {{')
        lines += [f'        "{name}": {number},' for name, number in sorted(calls.items())]
        lines.append("    },")
    return "\n".join([*lines, "}"]) + "\n"


if __name__ == "__main__":
    TABLE.write_text(written(measured(), datetime.now(UTC)))
