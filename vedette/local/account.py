"""One account in one region: its clock, its identifiers, its tags, and the events that its services send."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vedette.local.clock import Clock
from vedette.local.ids import Ids

ACCOUNT_ID = "123456789012"  # the account of moto
REGION = "eu-west-1"


@dataclass
class SimulatedAccount:
    """The state that all simulated services share."""

    clock: Clock
    ids: Ids
    put_event: Callable[[dict[str, Any]], None]
    region: str = REGION
    account_id: str = ACCOUNT_ID
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    concurrent_executions: int = 1_000  # Lambda's quota (aws-behaviour: unreserved-minimum)

    def now(self) -> datetime:
        """The simulated time."""
        return self.clock.now()

    def event(
        self, source: str, detail_type: str, resources: list[str], detail: dict[str, Any], time: str | None = None
    ) -> dict[str, Any]:
        """An event in EventBridge's envelope."""
        return {
            "version": "0",
            "id": self.ids.uuid(),
            "detail-type": detail_type,
            "source": source,
            "account": self.account_id,
            "time": time or f"{self.now():%Y-%m-%dT%H:%M:%SZ}",
            "region": self.region,
            "resources": resources,
            "detail": detail,
        }

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a SageMaker resource, whose name is in lower case there (aws-behaviour: arn-lower-case)."""
        return f"arn:aws:sagemaker:{self.region}:{self.account_id}:{kind}/{name.lower()}"

    def announce(self, detail_type: str, arn: str, detail: dict[str, Any], time: str | None = None) -> None:
        """Put an event of source aws.sagemaker on the bus."""
        self.put_event(self.event("aws.sagemaker", detail_type, [arn], detail, time))

    def tag(self, arn: str, tags: Iterable[dict[str, str]] | None) -> None:
        """Store the tags of a new resource."""
        self.tags[arn] = {tag["Key"]: tag["Value"] for tag in tags or ()}

    def forget(self, arn: str) -> None:
        """Remove the tags of a deleted resource."""
        self.tags.pop(arn, None)
