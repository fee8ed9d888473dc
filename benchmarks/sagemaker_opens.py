"""Do the SageMaker SDK's own classes open every file that Vedette writes? Exit code 0 when they do.

    make sagemaker-opens

An endpoint in the AWS simulator is deployed, captured and evaluated, so that there are statistics, constraints and
violations of every kind of verdict; the SDK, in its own environment, reads them over loopback HTTP from the simulator's
S3 with `Statistics`, `Constraints` and `ConstraintViolations.from_s3_uri`, and saves them again. What it saved must be
what we read, and a feature that its `set_monitoring` switched off must not be judged.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_constraints, read_violations
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry, GoldenPayload
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.boto_transport import child_environment
from vedette.local.server import running

HERE = Path(__file__).parent
READER = HERE / "readers" / "sagemaker_files.py"
PYTHON = HERE / "environments" / ".venv-sagemaker" / "bin" / "python"
ENDPOINT = "site"
NAMES = ("statistics.json", "constraints.json", "constraint_violations.json")


def written(cloud: Cloud, bucket: str) -> list[str]:
    """Let an endpoint be deployed and judged; the keys of Model Monitor's files."""
    golden = GoldenPayload(body="60,70")
    user_actions.apply_fleet(
        FleetEntry(
            endpoint=ENDPOINT, mode="deploy", package_group=ENDPOINT, golden_payload=golden, drift_window_minutes=120
        )
    )
    draw = random.Random(4)
    rows = [[f"{draw.choice([0, 1])}.0", str(draw.randint(0, 99)), str(draw.randint(0, 99))] for _ in range(4000)]
    table = Table.of(rows, ("label", "a", "b"), k=BASELINE_K)
    user_actions.put_baseline_in_force(ENDPOINT, "v1", suggested_constraints(table), table)
    user_actions.register(ENDPOINT, "knn", b"0.0,1,1\n1.0,90,90\n0.0,2,1\n1.0,80,90\n", bucket, "Approved")
    cloud.turn(minutes=10)
    user_actions.predict(ENDPOINT, [("12", "34")] * 150)
    cloud.turn(hours=1)
    user_actions.predict(ENDPOINT, [("12", "34")] * 60 + [("12", "34.50")] * 60 + [("-3", "1")] * 30)
    cloud.turn(hours=3)
    colors = enumerate(["red", "grün", "蓝"] * 60)
    texts = Table.of([[color, str(i), "x" * i] for i, color in colors], ("color", "n", "free"))
    user_actions.put_baseline_in_force(ENDPOINT, "texts", suggested_constraints(texts), texts)
    listed = [
        found.key for prefix in ("monitoring/", "baselines/") for found in stage_stores().bucket.list_objects(prefix)
    ]
    return [key for key in listed if key.rpartition("/")[2] in NAMES]


def opened(cloud: Cloud, bucket: str, keys: list[str]) -> dict[str, object]:
    """What the SDK found in each file."""
    with running(cloud.router) as url:
        environment = {**os.environ, **child_environment(cloud.region, url)}
        done = subprocess.run(
            [str(PYTHON), str(READER), bucket, *keys], env=environment, capture_output=True, text=True, timeout=300
        )
    if done.returncode:
        raise SystemExit(f"The SDK could not open a file:\n{done.stderr[-3000:]}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> int:
    if not PYTHON.exists():
        print(f"{PYTHON.parent.parent.name} is not installed: make sagemaker-opens installs it.")
        return 2
    with Cloud() as cloud:
        environment = cloud.install()
        cloud.run_functions(load_app(environment))
        bucket = environment["VEDETTE_BUCKET"]
        keys = written(cloud, bucket)
        found = opened(cloud, bucket, keys)
        wrong = [key for key in keys if json.loads(stage_stores().bucket.get(key) or b"null") != found[key]]
        saved = {
            found.key: stage_stores().bucket.get(found.key) or b""
            for found in stage_stores().bucket.list_objects("saved/")
        }
    violations = 0
    for key, content in saved.items():
        match key.rpartition("/")[2]:
            case "statistics.json":
                read_statistics(content, key)
            case "constraints.json":
                read_constraints(content, key)
            case _:
                violations += len(read_violations(content, key))
    constraints = read_constraints(saved[f"saved/baselines/{ENDPOINT}/texts/constraints.json"], "saved")
    switched_off = _judged(constraints)
    kinds = {name: sum(key.endswith("/" + name) for key in keys) for name in NAMES}
    print(f"opened and saved again: {', '.join(f'{count} {name}' for name, count in kinds.items())}")
    print(f"violations in them: {violations}; judged after set_monitoring(False, 'color'): {', '.join(switched_off)}")
    fine = not wrong and len(saved) == len(keys) and all(kinds.values()) and violations and "color" not in switched_off
    print("equal, all of them" if fine else f"not equal: {wrong or 'see above'}")
    return 0 if fine else 1


def _judged(constraints: Constraints) -> list[str]:
    table = Table.of([["red", "1", "x"]] * 50, ("color", "n", "free"))
    summary = CaptureSummary(events=50, rows=50, tables=(table,))
    measured = evaluate(summary, Baseline(constraints=constraints)).measurements
    return sorted({one.feature for one in measured if not one.feature.endswith("columns")})


if __name__ == "__main__":
    sys.exit(main())
