"""No call to AWS outlives its function: the worst case of each, from the configuration of clients and functions."""

import json

import boto3
import pytest

from chalicelib.aws.clients import bounded_by, client, require_time, worst_case_seconds
from chalicelib.deadline import Deadline
from chalicelib.errors import OutOfTime
from tests.permissions import CHALICE, statements
from vedette.installation.functions import NAMES
from vedette.local import Cloud

CONFIG = json.loads((CHALICE / "config.json").read_bytes())["lambda_functions"]
CLIENTS = {"sagemaker:InvokeEndpoint": "sagemaker-runtime"}
LAMBDA_ALONE = {"logs", "sqs", "iam"}  # what no client of a function calls


def services(function: str) -> set[str]:
    """The clients that a function's policy lets it use."""
    actions = {action for name, _, action in statements() if name == function}
    return {CLIENTS.get(action, action.partition(":")[0]) for action in actions} - LAMBDA_ALONE


@pytest.mark.parametrize("function", NAMES)
def test_the_worst_case_of_every_call_fits_into_the_timeout(function):
    timeout = CONFIG[function]["lambda_timeout"]
    worst = {service: worst_case_seconds(service) for service in services(function)}
    assert max(worst.values()) < timeout - Deadline.AFTER_CALL, worst


@pytest.mark.parametrize("service", sorted(set().union(*(services(function) for function in NAMES))))
def test_the_worst_case_is_that_of_the_client(service):
    with Cloud():
        config = client(service).meta.config
    attempts = config.retries["total_max_attempts"]
    assert config.retries["mode"] == "standard"
    assert attempts * (config.connect_timeout + config.read_timeout) <= worst_case_seconds(service)


def test_a_call_that_may_outlive_the_function_is_not_begun():
    needed = worst_case_seconds("s3") + Deadline.AFTER_CALL
    with Cloud() as cloud:
        with bounded_by(Deadline.in_seconds(needed + 60)):
            client("s3").list_buckets()
        with bounded_by(Deadline.in_seconds(needed - 1)), pytest.raises(OutOfTime, match="A call to s3"):
            client("s3").list_buckets()
        client("s3").list_buckets()
        boto3.client("s3").list_buckets()
        assert len(cloud.recorder.of("ListBuckets")) == 3


def test_whatever_a_function_does_its_calls_end_five_seconds_before_it_must():
    """The sum, not only each: calls of the longest length, begun as late as they may be, one after the other."""
    for function in NAMES:
        timeout, spent = CONFIG[function]["lambda_timeout"], 0.0
        slowest = max(services(function), key=worst_case_seconds)
        for _ in range(100):
            with bounded_by(Deadline.in_seconds(timeout - spent)):
                try:
                    require_time(slowest)
                except OutOfTime:
                    break
                spent += worst_case_seconds(slowest)
        assert 0 < spent <= timeout - Deadline.AFTER_CALL
