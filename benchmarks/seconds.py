"""How long from the event of a capture object to the message on the topic, by the zip under AWS's own runtime client.

    python -m benchmarks.seconds [--warm 10] [--cold 3]

The package of `chalice package` is unzipped; `on_data_captured` and `on_monitoring_execution` run in processes of their
own under awslambdaric, against the AWS simulator over HTTP. An object of 200 rows and 30 columns with violations is
put; the clock runs from its event to SNS's Publish. Warm: the processes are there; cold: both are started anew, as
after a quiet night. The levels: warm 1 s, cold 5 s. SageMaker's own delay comes before: it writes a capture file about
two minutes after the request (aws-behaviour: capture-delay), which nothing here can shorten.

The loopback answers faster than AWS does, and this machine's core is not Lambda's: beside the wall time stand the CPU
seconds of the two processes, and what those take at the memory of each function (1,769 MB are one core; an
initialisation is not slowed down).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import boto3

from chalicelib.constraints.constraints import Constraints
from chalicelib.records import FleetEntry
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app

ROOT = Path(__file__).parent.parent
ENDPOINT, ROWS, COLUMNS = "site", 200, 30
FUNCTIONS = ("on_data_captured", "on_monitoring_execution")
ONE_CORE = 1769  # MB (aws-behaviour: lambda-memory)
WARM, COLD = 1.0, 5.0
TICKS = os.sysconf("SC_CLK_TCK")


def package(folder: Path) -> bytes:
    chalice = [str(Path(sys.executable).parent / "chalice"), "--project-dir", str(ROOT / "chalice_app")]
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(
        [*chalice, "package", "--stage", "dev", str(folder)], env=environment, check=True, capture_output=True
    )
    return (folder / "deployment.zip").read_bytes()


@dataclass
class Bench:
    """An endpoint whose every capture violates something else, so that each is told."""

    cloud: Cloud
    bucket: str
    artifact: Any
    published: list[float] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        deliver = self.cloud.router.after_success["sns", "Publish"]

        def noted(request: Any, operation: Any, response: Any) -> None:
            self.published.append(time.perf_counter())
            deliver(request, operation, response)

        self.cloud.router.after_success["sns", "Publish"] = noted
        entry = FleetEntry(endpoint=ENDPOINT, mode="alert", alerts_per_hour=10_000)
        user_actions.apply_fleet(entry)
        features = [{"name": f"f{i}", "inferred_type": "Integral", "completeness": 1.0} for i in range(COLUMNS)]
        user_actions.put_baseline_in_force(ENDPOINT, "v1", Constraints({"version": 0.0, "features": features}), None)

    def once(self) -> float:
        """Seconds from the event of one object to the message about it."""
        now, self.number = datetime.now(UTC), self.number + 1
        name = f"{now:%M}-00-{self.number:03d}-11111111-2222-3333-4444-555555555555.jsonl"
        # A variant of its own each time: an alert that goes on would not be said again.
        key = f"data-capture/{ENDPOINT}/variant{self.number}/{now:%Y/%m/%d/%H}/{name}"
        boto3.client("s3").put_object(Bucket=self.bucket, Key=key, Body=_capture())
        told = len(self.published)
        began = time.perf_counter()
        self.cloud.settle()
        if len(self.published) == told:
            raise SystemExit(f"nothing was told: {[str(e) for failed in self.cloud.bus.failed for e in failed.errors]}")
        return self.published[told] - began

    def cpu(self) -> dict[str, float]:
        """The CPU seconds of the process of each function since it began."""
        found = {}
        for function in self.cloud.bus.functions:
            if function.name in FUNCTIONS:
                pid = self.artifact.environment_of(function)._process.pid
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                found[function.name] = (int(fields[11]) + int(fields[12])) / TICKS
        return found

    def init(self) -> dict[str, float]:
        """How long the process of each function took to be ready."""
        return {
            function.name: self.artifact.environment_of(function).init_seconds or 0.0
            for function in self.cloud.bus.functions
            if function.name in FUNCTIONS
        }


def _capture() -> bytes:
    def line(row: int) -> str:
        payload = ",".join(f"{row + column}{'.50' if row % 2 else ''}" for column in range(1, COLUMNS))
        sides = {
            "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": payload, "encoding": "CSV"},
            "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "1", "encoding": "CSV"},
        }
        metadata = {"eventId": str(row), "inferenceTime": "2026-11-22T09:34:30Z"}
        return json.dumps({"captureData": sides, "eventMetadata": metadata, "eventVersion": "0"}) + "\n"

    return "".join(map(line, range(ROWS))).encode()


def measured(zip_bytes: bytes, warm: int, cold: int) -> int:
    memory = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_functions"]
    with Cloud(start=datetime.now(UTC), real_time=True) as cloud:
        cloud.schedules_enabled = False
        environment = cloud.install()
        artifact = cloud.run_artifact(zip_bytes, environment, load_app(environment))
        bench = Bench(cloud, environment["VEDETTE_BUCKET"], artifact)
        walls: dict[str, list[float]] = {"cold": [], "warm": []}
        costs: dict[str, list[dict[str, float]]] = {"cold": [], "warm": []}
        starts = []
        for _ in range(cold):
            for name in FUNCTIONS:
                artifact.kill(name)
            walls["cold"].append(bench.once())
            costs["cold"].append(bench.cpu())
            starts.append(bench.init())
        for _ in range(warm):
            before = bench.cpu()
            walls["warm"].append(bench.once())
            costs["warm"].append({name: spent - before[name] for name, spent in bench.cpu().items()})
    print(f"From the event of {ROWS} rows x {COLUMNS} columns to SNS's Publish; SageMaker's two minutes come before.\n")
    print(
        "| | level s | wall s, median (worst) | CPU s on_data_captured | on_monitoring_execution | at their memory s |"
    )
    print("|---|---|---|---|---|---|")
    for kind, level in (("warm", WARM), ("cold", COLD)):
        spent = {name: median(cost[name] for cost in costs[kind]) for name in FUNCTIONS}
        init = {name: median(start[name] for start in starts) if kind == "cold" else 0.0 for name in FUNCTIONS}
        slowed = sum(
            min(init[name], spent[name])
            + max(0.0, spent[name] - init[name]) * max(1.0, ONE_CORE / memory[name]["lambda_memory_size"])
            for name in FUNCTIONS
        )
        print(
            f"| {kind} | {level:.0f} | {median(walls[kind]):.2f} ({max(walls[kind]):.2f}) | "
            + " | ".join(f"{spent[name]:.2f}" for name in FUNCTIONS)
            + f" | {slowed:.2f} |"
        )
    return 0 if median(walls["warm"]) <= WARM and median(walls["cold"]) <= COLD else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--cold", type=int, default=3)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return measured(package(Path(folder)), asked.warm, asked.cold)


if __name__ == "__main__":
    sys.exit(main())
