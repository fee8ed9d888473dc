"""What answers requests after a failed deployment, in words that are true at that moment."""

from datetime import UTC, datetime

import pytest

from chalicelib.records import Deployment
from chalicelib.registry.plan import Served
from chalicelib.registry.served_after_failure import what_comes_back, what_serves_after

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GROUP = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site"


def served(config: str, status: str = "InService", version: int = 1) -> Served:
    return Served(
        status=status,
        config_name=config,
        modified_at=NOW,
        failure_reason="",
        config={"ProductionVariants": [{"ModelName": "m"}]},
        model={"Containers": [{"ModelPackageName": f"{GROUP}/{version}"}]},
    )


def failed(before: str = f"{GROUP}/1", reason: str = "") -> Deployment:
    return Deployment(
        endpoint="site",
        package_arn=f"{GROUP}/2",
        package_version="2",
        config="new",
        previous_config="old",
        previous_package_arn=before,
        requested_at=NOW,
        state="requested",
        reason=reason,
    )


@pytest.mark.parametrize(
    ("now", "attempt", "clause"),
    [
        (None, failed(), "nothing is served"),
        (served("old", "Failed"), failed(), "the endpoint is Failed"),
        (served("other", version=7), failed(), "version 7 is served"),
        (served("old"), failed(), "version 1 is served"),
        (served("old"), failed(reason="the golden request failed"), "version 1 comes back"),
        (served("old", version=2), failed(before=f"{GROUP}/2"), "the previous config is served"),
    ],
)
def test_the_clause_says_what_answers_now(now, attempt, clause):
    assert what_serves_after(now, attempt) == clause


@pytest.mark.parametrize(
    ("before", "clause"),
    [
        (f"{GROUP}/1", "version 1 comes back"),
        (f"{GROUP}/2", "the previous one comes back"),
        ("", "the model before comes back"),
    ],
)
def test_what_comes_back_is_named(before, clause):
    assert what_comes_back(failed(before)) == clause
