"""The one factory of boto3 clients: explicit timeouts and attempts, one client per service and session.

botocore waits 60 s to connect and 60 s to read by default, so two slow calls outlive a Lambda function; and it sends a
Publish again when only the reply was lost, which doubles an alert (measured, failure-catalogue fact 4). Hence short
timeouts everywhere, and one attempt for SNS, whose repetition the outbox of the alert book decides, and for requests to
a model, which a model that hangs would only receive three times.
"""

from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

CONNECT_SECONDS = 2
READ_SECONDS = {"sagemaker-runtime": 62}  # SageMaker gives a model 60 seconds to answer
DEFAULT_READ_SECONDS = 10
ATTEMPTS = {"sns": 1, "sagemaker-runtime": 1}
DEFAULT_ATTEMPTS = 3


@lru_cache(maxsize=32)
def _client(service: str, session: boto3.Session) -> Any:
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS.get(service, DEFAULT_READ_SECONDS),
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS.get(service, DEFAULT_ATTEMPTS)},
        user_agent_extra="vedette",
    )
    return session.client(service, config=config)


def client(service: str) -> Any:
    """The client of a service in the default session."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return _client(service, boto3.DEFAULT_SESSION)
