"""Why a deployment failed, and what follows: try again later, or not again before a new approval.

| what SageMaker says                              | kind      | what follows                                        |
|--------------------------------------------------|-----------|-----------------------------------------------------|
| no capacity for the instance type                | capacity  | again after 15 minutes, then 1 hour; then not again |
| ResourceLimitExceeded, a quota                   | quota     | not again; the quota is named                       |
| Could not find a model or config just created    | transient | propagates, Lambda retries                          |
| throttling, internal errors, timeouts            | transient | the same                                            |
| every other refusal, container or health failure | permanent | not again                                           |

SageMaker gives a FailureReason as text alone, so its words decide
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.records import Deployment, FailedVersion


class FailureKind(StrEnum):
    """What kind of failure it is, which decides about another try."""

    CAPACITY = "capacity"
    QUOTA = "quota"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


CAPACITY_RETRY_DELAYS = (timedelta(minutes=15), timedelta(hours=1))  # after the first and the second try
_CAPACITY = (
    "insufficientinstancecapacity",
    "insufficient capacity",
    "unable to provision requested ml compute capacity",
)
_QUOTA = ("resourcelimitexceeded", "service limit", "quota")
_TRANSIENT = ("could not find", "rate exceeded", "throttl", "internal", "service unavailable", "timed out")


def failure_kind(text: str) -> FailureKind:
    """Classify a FailureReason, or the code and message of a rejected call.

    Examples
    --------
    >>> failure_kind("InsufficientInstanceCapacity: no ml.p4d.24xlarge").value
    'capacity'
    >>> failure_kind("ResourceLimitExceeded: The account-level service limit 'ml.m5.large' is 0 Instances").value
    'quota'
    >>> failure_kind("The container did not pass the ping health check.").value
    'permanent'
    """
    lower = text.lower()
    if any(words in lower for words in _CAPACITY):
        return FailureKind.CAPACITY
    if any(words in lower for words in _QUOTA):
        return FailureKind.QUOTA
    return FailureKind.TRANSIENT if any(words in lower for words in _TRANSIENT) else FailureKind.PERMANENT


def failed_version_after(
    failed: Deployment,
    reason: str,
    now: datetime,
    earlier: FailedVersion | None,
    package_modified_at: datetime | None = None,
) -> FailedVersion:
    """The record that a failed deployment leaves: with a time to try again while capacity lacks, else without one.

    `package_modified_at` is the package's LastModifiedTime now: only a later approval clears the record.
    """
    tries = (earlier.tries if earlier else 0) + 1
    again = failure_kind(reason) == FailureKind.CAPACITY and tries <= len(CAPACITY_RETRY_DELAYS)
    return FailedVersion(
        endpoint=failed.endpoint,
        package_arn=failed.package_arn,
        config=failed.config,
        reason=reason,
        at=now,
        package_modified_at=package_modified_at,
        tries=tries,
        retry_at=now + CAPACITY_RETRY_DELAYS[tries - 1] if again else None,
    )
