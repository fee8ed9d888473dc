"""The CloudWatch metric Invocations per endpoint and variant, which SageMaker sends once a minute."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from moto.cloudwatch.models import cloudwatch_backends

from vedette.local.account import SimulatedAccount

PERIOD = timedelta(minutes=1)


class Metrics:
    """Counts all requests, successful or not, and sends the count of each minute to CloudWatch."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self._counts: Counter[tuple[str, str, datetime]] = Counter()

    def invoked(self, endpoint: str, variant: str) -> None:
        """Count one request."""
        minute = self._account.now().replace(second=0, microsecond=0)
        key = (endpoint, variant, minute)
        if key not in self._counts:
            self._account.clock.at(minute + PERIOD, lambda: self._deliver(key))
        self._counts[key] += 1

    def _deliver(self, key: tuple[str, str, datetime]) -> None:
        endpoint, variant, minute = key
        # Not with PutMetricData, which rejects namespaces that begin with AWS/.
        cloudwatch_backends[self._account.account_id][self._account.region].put_metric_data(
            "AWS/SageMaker",
            [
                {
                    "MetricName": "Invocations",
                    "Dimensions": [
                        {"Name": "EndpointName", "Value": endpoint},
                        {"Name": "VariantName", "Value": variant},
                    ],
                    "Timestamp": minute.replace(tzinfo=None),  # the format of moto
                    "Value": float(self._counts.pop(key)),
                    "Unit": "None",
                }
            ],
        )
