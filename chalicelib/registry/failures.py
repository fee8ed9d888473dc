"""Why a deployment failed, and what follows: try again later, or not again before a new approval.

| what SageMaker says                              | kind      | what follows                                        |
|--------------------------------------------------|-----------|-----------------------------------------------------|
| no capacity for the instance type                | capacity  | again after 15 minutes, then 1 hour; then for ever  |
| ResourceLimitExceeded, a quota                   | quota     | not again; the quota is named                       |
| Could not find a model or config just created    | transient | rises, Lambda delivers again                        |
| throttling, internal errors, timeouts            | transient | the same                                            |
| every other refusal, container or health failure | permanent | not again                                           |
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from chalicelib.records import Deployment, Mark

Kind = Literal["capacity", "quota", "transient", "permanent"]

BACK_OFF = (timedelta(minutes=15), timedelta(hours=1))  # after the first and the second try; the third is the last
_CAPACITY = (
    "insufficientinstancecapacity",
    "insufficient capacity",
    "unable to provision requested ml compute capacity",
)
_QUOTA = ("resourcelimitexceeded", "service limit", "quota")
_TRANSIENT = ("could not find", "rate exceeded", "throttl", "internal", "service unavailable", "timed out")


def kind_of_failure(text: str) -> Kind:
    """Classify a FailureReason, or the code and message of a refused call.

    Examples
    --------
    >>> kind_of_failure("InsufficientInstanceCapacity: no ml.p4d.24xlarge")
    'capacity'
    >>> kind_of_failure("ResourceLimitExceeded: The account-level service limit 'ml.m5.large for endpoint usage' is 0")
    'quota'
    >>> kind_of_failure("The container did not pass the ping health check.")
    'permanent'
    """
    lower = text.lower()
    if any(words in lower for words in _CAPACITY):
        return "capacity"
    if any(words in lower for words in _QUOTA):
        return "quota"
    return "transient" if any(words in lower for words in _TRANSIENT) else "permanent"


def mark_of(failed: Deployment, reason: str, now: datetime, earlier: Mark | None) -> Mark:
    """The mark that a failed deployment leaves: with a time to try again while capacity is wanting, else for ever."""
    tries = (earlier.tries if earlier else 0) + 1
    again = kind_of_failure(reason) == "capacity" and tries <= len(BACK_OFF)
    return Mark(
        endpoint=failed.endpoint,
        package_arn=failed.package_arn,
        config=failed.config,
        reason=reason,
        at=now,
        tries=tries,
        retry_at=now + BACK_OFF[tries - 1] if again else None,
    )
