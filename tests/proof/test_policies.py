"""A statement that is really taken out of a policy is missed: the tests that need it end with a failure.

tests/permissions.py computes for a run of the whole suite that no statement is idle. Here one statement of each policy
is removed, and the tests that need it run in a process of their own, with the other policies beside it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.permissions import CHALICE

ROOT = Path(__file__).parents[2]
PLUGIN = """
import os
from pathlib import Path

def pytest_sessionstart(session):
    from vedette.local import permissions
    permissions.CHALICE = Path(os.environ["POLICIES"])
"""
ALONE = "tests/installation/test_single_function.py"
REMOVED = [  # function, statement, what is missed, and the tests that need it; the first two in the bounded form
    ("run_monitoring", "RollUps", "s3:GetObject", ("tests/services/test_aggregation.py", "-k", "functions_roll_up")),
    ("sweep", "WhoDidIt", "cloudtrail:LookupEvents", (ALONE, "-k", "interfered and sweep")),
    ("on_data_captured", "SayOnTheBus", "events:PutEvents", ("tests/services/test_windows.py", "-k", "announcement")),
    (
        "on_monitoring_execution",
        "ReadReportsOfModelMonitor",
        "s3:GetObject",
        ("tests/services/test_model_monitor.py",),
    ),
    (
        "on_model_package_state_change",
        "PassTheModelRole",
        "iam:PassRole",
        (ALONE, "-k", "deploys and model_package"),
    ),
    (
        "on_endpoint_state_change",
        "DeleteFailedEndpointsOfOurs",
        "sagemaker:DeleteEndpoint",
        (ALONE, "-k", "deploys and endpoint_state"),
    ),
]


@pytest.fixture
def policies(tmp_path) -> Path:
    """A copy of the policies, which the tests of another process run under."""
    (tmp_path / "policies_elsewhere.py").write_text(PLUGIN)
    for file in CHALICE.glob("policy-*.json"):
        shutil.copy(file, tmp_path)
    return tmp_path


def run(policies: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    plugins = ("-p", "no:cacheprovider", "-p", "policies_elsewhere")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *plugins, *tests],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(policies), "POLICIES": str(policies)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("function", "removed", "missed", "tests"), REMOVED, ids=[one[0] for one in REMOVED])
def test_a_statement_that_is_removed_is_missed(policies, extent, proves, function, removed, missed, tests):
    if not extent.full and function not in {one[0] for one in REMOVED[:2]}:
        pytest.skip("in the full extent")
    whole = run(policies, tests)
    assert whole.returncode == 0, whole.stdout
    file = policies / f"policy-{function}.json"
    policy = json.loads(file.read_bytes())
    kept = [statement for statement in policy["Statement"] if statement["Sid"] != removed]
    assert len(kept) == len(policy["Statement"]) - 1
    file.write_text(json.dumps({**policy, "Statement": kept}))
    without = run(policies, tests)
    assert without.returncode == 1, without.stdout
    reported = without.stdout.partition("permissions missing")[2]
    assert f"{function}: {missed} on " in reported, without.stdout
    proves("statement removed", 1, f"{function}: {removed}", "missed")
