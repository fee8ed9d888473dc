"""Which versions answered within a window."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.records import Deployment
from chalicelib.registry.serving_history import versions_during
from chalicelib.window import Window

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
GROUP = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site"


def deployment(version, minutes, settled=5, state="verified", before="", **more):
    at = NINE + timedelta(minutes=minutes)
    return Deployment(
        endpoint="site", package_arn=f"{GROUP}/{version}", package_version=str(version), config=f"c{version}",
        previous_config=f"c{before}" if before else "", previous_package_arn=f"{GROUP}/{before}" if before else "",
        requested_at=at, state=state, begun=True,
        settled_at=None if settled is None else at + timedelta(minutes=settled), **more,
    )  # fmt: skip


FIRST = deployment(1, -600)


@pytest.mark.parametrize(
    ("deployments", "versions"),
    [
        ([], ()),
        ([FIRST], ("1",)),
        ([FIRST, deployment(2, -60, before=1)], ("2",)),
        ([FIRST, deployment(2, 30, before=1)], ("1", "2")),
        ([FIRST, deployment(2, 90, before=1)], ("1",)),
        ([FIRST, deployment(2, 60, before=1)], ("1",)),
        ([FIRST, deployment(2, -5, before=1)], ("2",)),
        ([FIRST, deployment(2, -5, settled=None, before=1, state="requested")], ("1", "2")),
        ([FIRST, deployment(2, -60, before=1, state="failed")], ("1",)),
        ([FIRST, deployment(2, 10, before=1, state="rolled back")], ("1", "2")),
        ([FIRST, deployment(2, 10, before=1), deployment(3, 40, before=2)], ("1", "2", "3")),
        ([FIRST, deployment(1, 10, before=1)], ("1",)),
        ([deployment(1, 10)], ("1",)),
    ],
    ids=[
        "no history", "one version", "settled before", "a change-over", "later", "at its end",
        "settled at its start", "a canary that goes on",
        "failed before", "rolled back within", "two in an hour", "the same version again", "the first of all",
    ],
)  # fmt: skip
def test_the_versions_of_a_window(deployments, versions):
    assert versions_during(reversed(deployments), Window(NINE, HOUR)) == versions


def test_a_deployment_that_never_began_changes_nothing():
    asked = replace(deployment(2, 10, before=1), begun=False)
    assert versions_during([FIRST, asked], Window(NINE, HOUR)) == ("1",)


def test_an_endpoint_that_another_team_served_before_is_mixed_with_what_had_no_version():
    taken_over = replace(deployment(1, 10), previous_config="theirs")
    assert versions_during([taken_over], Window(NINE, HOUR)) == ("unversioned", "1")
