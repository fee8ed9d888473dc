"""What a fleet of 1,000 endpoints asks of AWS: calls of each API an hour, the peak of a second, LISTs of an endpoint.

    python -m benchmarks.sweep [--endpoints 1000] [--objects 4] [--counted 40] [--latency 0.02]

One hour of so many endpoints (mode alert, one variant) on the AWS simulator: `run_monitoring` every five minutes, the
sweep every fifteen, both begun at the same moment; a window closes for all at once, and each verdict is told. Every
call is taken from the recorder, with its order within its run. Endpoints share the fleet's file and nothing else, so
`--counted` of them are counted, one by one, and the fleet is made of these; that their counts are equal is printed.
`--counted 1000` counts all, in an hour.

The peak is computed, since the simulated clock stands still during a run: the workers of a function begin together, go
through their endpoints one after the other (`services.fan_out`), and each call takes `--latency`: 20 ms, which is short
for AWS, so that peaks are high. Computing takes no time here.

Rates that AWS documents, of an account and Region where nothing else is said:

| API                                | rate a second                                                                   |
|------------------------------------|---------------------------------------------------------------------------------|
| S3 GET, HEAD, LIST                 | 5,500 of a prefix (for this table: aws-behaviour: service-rates)                |
| S3 PUT                             | 3,500 of a prefix (the same)                                                    |
| DynamoDB                           | 3,000 reads, 1,000 writes of a partition; an endpoint is one                    |
| CloudWatch GetMetricStatistics     | 400                                                                             |
| EventBridge PutEvents              | 10,000 in us-east-1, 400 in small Regions                                       |
| SNS Publish                        | 300 in the smallest Regions                                                     |
| Lambda Invoke, asynchronous        | none                                                                            |
| SageMaker Describe and List        | none documented, but it throttles (sagemaker-python-sdk, pull request 1204):    |
|                                    | 10 of each API are taken for the most                                           |
"""

from __future__ import annotations

import argparse
import heapq
import logging
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import boto3

from chalicelib import locations
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.events import Scheduled
from chalicelib.records import FleetEntry
from chalicelib.services.fan_out import MONITORING_WORKERS, SWEEP_WORKERS
from chalicelib.settings import settings
from chalicelib.statistics.table import Table
from vedette.demo import user_actions
from vedette.installation.functions import FUNCTIONS
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.inference import train

VARIANT = "AllTraffic"
MOST_LISTS = {"sweep": 15, "quiet": 12}  # of one endpoint in an hour
EVERY = {"run_monitoring": 5, "sweep": 15}  # minutes
CLOSES = 5  # minutes after the hour at which a window is judged; the sweep runs then too, which is the worst
HOURS = 5  # the last one is counted
TOLD = "on_monitoring_execution"
CONCURRENCY = {function.name: function.reserved_concurrency for function in FUNCTIONS}
WORKERS = {"run_monitoring": MONITORING_WORKERS, "sweep": SWEEP_WORKERS}
SAGEMAKER = 10
RATES = {  # as if all of S3 were one prefix, and all of DynamoDB one partition
    "s3 reads": 5500,
    "s3 writes": 3500,
    "dynamodb reads": 3000,
    "dynamodb writes": 1000,
    "cloudwatch:GetMetricStatistics": 400,
    "events:PutEvents": 400,
    "sns:Publish": 300,
}
TOGETHER = {
    "s3:GetObject": "s3 reads",
    "s3:HeadObject": "s3 reads",
    "s3:ListObjectsV2": "s3 reads",
    "s3:PutObject": "s3 writes",
    "dynamodb:GetItem": "dynamodb reads",
    "dynamodb:Query": "dynamodb reads",
    "dynamodb:PutItem": "dynamodb writes",
}
LINE = b'{"captureData": {"endpointInput": {"data": "12,34", "encoding": "CSV"}, "endpointOutput": {"data": "1"}}}\n'


@dataclass
class Hour:
    """The runs of one endpoint in an hour: the calls of each, in order, and those of the verdicts that it announced."""

    runs: dict[tuple[int, str], list[str]] = field(default_factory=dict)  # minute and function -> service:Operation
    told: dict[tuple[int, str], list[str]] = field(default_factory=dict)

    def calls(self, function: str = "") -> Counter[str]:
        """How many calls of each API, of one function or of all."""
        runs = [calls for (_, name), calls in self.runs.items() if function in ("", name)]
        told = list(self.told.values()) if function in ("", TOLD) else []
        return Counter(call for calls in (*runs, *told) for call in calls)


# --- counted ----------------------------------------------------------------------------------------------------------


@contextmanager
def fleet(names: Sequence[str]) -> Iterator[Cloud]:
    """A stage with endpoints that capture into its bucket, each with a baseline, and no schedules but ours."""
    with Cloud() as cloud:
        environment = cloud.install()
        os.environ.update(environment)
        cloud.run_functions(load_app(environment))
        cloud.schedules_enabled = False
        sagemaker, bucket, key = boto3.client("sagemaker"), environment["VEDETTE_BUCKET"], "models/fleet/model.tar.gz"
        training = b"".join(f"{int(a > 50)},{a},{a}\n".encode() for a in range(100))
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=train("knn", training))
        container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": f"s3://{bucket}/{key}"}
        sagemaker.create_model(
            ModelName="fleet", ExecutionRoleArn=environment["VEDETTE_ROLE_ARN"], PrimaryContainer=container
        )
        one = {"VariantName": VARIANT, "ModelName": "fleet", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        captured = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": locations.capture_uri(bucket),
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName="fleet", ProductionVariants=[one], DataCaptureConfig=captured
        )
        rows = Table.of([["1", "12", "34"]] * 200, ("label", "a", "b"))
        for name in names:
            sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="fleet")
            user_actions.put_baseline_in_force(name, "v1", suggested_constraints(rows), rows)
        cloud.turn(minutes=10)
        user_actions.apply_fleet(*(FleetEntry(endpoint=name, mode="alert") for name in names))
        yield cloud


def an_hour(cloud: Cloud, names: Sequence[str], objects: int) -> dict[str, Hour]:
    """One hour of each endpoint, after the long look back; without objects it is quiet by then."""
    found = {name: Hour() for name in names}
    start = cloud.clock.now().replace(minute=CLOSES) + timedelta(hours=1)
    cloud.turn(to=start)
    for minute in range(0, 60 * HOURS, min(EVERY.values())):
        cloud.turn(to=start + timedelta(minutes=minute))
        if minute == 0 or (objects and minute % (60 // objects) < min(EVERY.values())):
            _capture(cloud, names)
        for function, every in EVERY.items():
            if minute % every:
                continue
            for name in names:
                calls, told = _run(cloud, function, name)
                counted = minute - 60 * (HOURS - 1)
                if counted >= 0:
                    found[name].runs[counted, function] = calls
                    if told:
                        found[name].told[counted, function] = told
    return found


def _capture(cloud: Cloud, names: Sequence[str]) -> None:
    begun = cloud.clock.now() - timedelta(minutes=2)
    for name in names:
        key = f"{locations.CAPTURE_PREFIX}/{name}/{VARIANT}/{begun:%Y/%m/%d/%H/%M}-00-000-x.jsonl"
        boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=LINE * 25)
    cloud.settle()


def _run(cloud: Cloud, function: str, name: str) -> tuple[list[str], list[str]]:
    cloud.recorder.clear()
    cloud.invoke(function, Scheduled.for_endpoints([name], cloud.scheduled_event(), settings()))
    cloud.settle()
    return cloud.recorder.names(function), cloud.recorder.names(TOLD)


# --- the fleet --------------------------------------------------------------------------------------------------------


def peaks(hours: Sequence[Hour], endpoints: int, latency: float) -> tuple[Counter[str], dict[str, float]]:
    """The most calls of each API in any second of the hour, and how long the slowest tick of each function took."""
    most: Counter[str] = Counter()
    longest: dict[str, float] = {}
    for minute in sorted({minute for minute, _ in hours[0].runs}):
        seconds: dict[int, Counter[str]] = {}
        told: list[tuple[float, list[str]]] = []
        for function, workers in WORKERS.items():
            ends = [0.0] * workers
            for number in range(endpoints):
                hour, worker = hours[number % len(hours)], number % workers
                if (minute, function) not in hour.runs:
                    continue
                ends[worker] = _placed(hour.runs[minute, function], ends[worker], latency, seconds)
                if (minute, function) in hour.told:
                    told.append((ends[worker], hour.told[minute, function]))
            seconds.setdefault(0, Counter())["lambda:Invoke"] += workers if any(ends) else 0
            longest[function] = max(longest.get(function, 0.0), *ends)
        busy: list[float] = []
        for wished, calls in sorted(told):
            begun = wished if len(busy) < CONCURRENCY[TOLD] else max(wished, heapq.heappop(busy))
            heapq.heappush(busy, _placed(calls, begun, latency, seconds))
        longest[TOLD] = max(longest.get(TOLD, 0.0), *busy, 0.0)
        for counted in seconds.values():
            for api, number in counted.items():
                most[api] = max(most[api], number)
    return most, longest


def _placed(calls: Sequence[str], begun: float, latency: float, seconds: dict[int, Counter[str]]) -> float:
    """Place the calls of a run into the seconds in which they are made; when it ends."""
    for number, call in enumerate(calls):
        second = seconds.setdefault(int(begun + number * latency), Counter())
        second[call] += 1
        if call in TOGETHER:
            second[TOGETHER[call]] += 1
    return begun + len(calls) * latency


def rate(api: str) -> int | None:
    """The rate that an API is held against."""
    return SAGEMAKER if api.startswith("sagemaker:") else RATES.get(api)


def main() -> int:
    """Count, print, and say whether a level was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoints", type=int, default=1000)
    parser.add_argument("--objects", type=int, default=4, help="captured objects an hour and endpoint")
    parser.add_argument("--counted", type=int, default=40)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds of a call")
    asked = parser.parse_args()
    logging.disable()
    names = [f"site-{number:04d}" for number in range(min(asked.counted, asked.endpoints))]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), fleet(names) as cloud:
        hours = list(an_hour(cloud, names, asked.objects).values())
    different = {tuple(sorted(hour.calls().items())) for hour in hours}
    print(f"{len(names)} endpoints counted, {asked.objects} objects an hour each; {len(different)} different count(s)")
    print()
    whole = {function: max(hour.calls(function)["s3:ListObjectsV2"] for hour in hours) for function in (*EVERY, TOLD)}
    lists = ", ".join(f"{function} {number}" for function, number in whole.items())
    print(f"LISTs of an endpoint and hour: {lists}; together {sum(whole.values())}.")
    print("Levels: 15 of the sweep; 12 of all functions where nothing is captured.")
    print()
    most, longest = peaks(hours, asked.endpoints, asked.latency)
    counted = sum((hour.calls() for hour in hours), Counter())
    for call, number in list(counted.items()):
        if call in TOGETHER:
            counted[TOGETHER[call]] += number
    print(f"| API | an endpoint and hour | {asked.endpoints:,} endpoints an hour | peak a second | held against |")
    print("|---|---|---|---|---|")
    missed = whole["sweep"] > MOST_LISTS["sweep"] or (not asked.objects and sum(whole.values()) > MOST_LISTS["quiet"])
    for api, number in sorted(counted.items()):
        each, most_allowed = number / len(hours), rate(api)
        missed |= most_allowed is not None and most[api] > most_allowed
        held = "" if most_allowed is None else f"{most_allowed:,}"
        print(f"| {api} | {each:.1f} | {each * asked.endpoints:,.0f} | {most[api]} | {held} |")
    print()
    for function, seconds in longest.items():
        print(f"{function}: the slowest tick is done after {seconds:.0f} s, at {asked.latency} s a call.")
    missed |= any(longest[function] > 60 * every for function, every in EVERY.items())
    print("Missed." if missed else "All levels are reached.")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
