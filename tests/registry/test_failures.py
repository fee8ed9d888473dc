"""What a failure means: again later, or not again."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.records import Deployment, FailedVersion
from chalicelib.registry.failures import CAPACITY_RETRY_DELAYS, failed_version_after, failure_kind

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FAILED = Deployment(
    endpoint="site",
    package_arn="arn/2",
    package_version="2",
    config="c",
    previous_config="b",
    previous_package_arn="arn/1",
    requested_at=NOW,
    state="requested",
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("InsufficientInstanceCapacity", "capacity"),
        ("Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.", "capacity"),
        ("ResourceLimitExceeded: The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0", "quota"),
        ("Your quota is 0 instances", "quota"),
        ("Insufficient capacity, and ThrottlingException", "capacity"),
        ("ThrottlingException: Rate exceeded", "transient"),
        ("The request timed out", "transient"),
        ("InternalFailure", "transient"),
        ("Service Unavailable", "transient"),
        ('ValidationException: Could not find model "arn".', "transient"),
        ("The primary container did not pass the ping health check.", "permanent"),
        ("", "permanent"),
    ],
)
def test_kinds_of_failure(text, kind):
    assert failure_kind(text) == kind


def test_capacity_is_tried_again_twice_and_then_not_any_more():
    mark, marks = None, []
    for _ in range(len(CAPACITY_RETRY_DELAYS) + 1):
        mark = failed_version_after(FAILED, "InsufficientInstanceCapacity", NOW, mark)
        marks.append(mark)
    assert [m.retry_at for m in marks] == [NOW + timedelta(minutes=15), NOW + timedelta(hours=1), None]
    assert [m.tries for m in marks] == [1, 2, 3]


@pytest.mark.parametrize("reason", ["ResourceLimitExceeded: limit", "the golden request failed"])
def test_everything_else_is_not_tried_again(reason):
    expected = FailedVersion(endpoint="site", package_arn="arn/2", config="c", reason=reason, at=NOW)
    assert failed_version_after(FAILED, reason, NOW, None) == expected
