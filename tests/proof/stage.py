"""An installed stage with one endpoint in its fleet, and the hands of the people around it.

Schedules are off: what is proven says itself when the sweep and the monitoring run.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

import boto3
from moto.sns.models import sns_backends
from msgspec.structs import replace
from threadpoolctl import threadpool_limits

from chalicelib.constraints.constraints import Constraints
from chalicelib.records import FleetEntry, GoldenPayload
from chalicelib.settings import settings
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.functions import Context, Function
from vedette.local.inference import train

ENDPOINT = "preferred-site"
GOOD_GOLDEN, BAD_GOLDEN = GoldenPayload(body="60,70"), GoldenPayload(body="not,numbers")
ENTRY = FleetEntry(endpoint=ENDPOINT, mode="deploy", package_group=ENDPOINT, golden_payload=GOOD_GOLDEN)
PLENTY = 24 * 3600 * 1000  # milliseconds: a day, far longer than all branches of one call take
KINDS = ("knn", "linear-learner")
FEATURES = (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))
TRAINING = b"".join(f"{int(a + b > 100)},{a},{b}\n".encode() for a in range(0, 100, 10) for b in range(0, 100, 10))


@cache
def artifact(kind: str) -> bytes:
    """A trained model; training costs more than everything else here."""
    return train(kind, TRAINING)


@dataclass
class Stage:
    """A cloud with the functions of the app in it."""

    cloud: Cloud
    bucket: str

    # People -----------------------------------------------------------------------------------------------------

    def register(self, kind: str = "knn", status: str = "Approved") -> str:
        """The next version of the group; its ARN."""
        container = {
            "Image": user_actions.IMAGES[kind],
            "ModelDataUrl": f"s3://{self.bucket}/models/{kind}/model.tar.gz",
        }
        answer = boto3.client("sagemaker").create_model_package(
            ModelPackageGroupName=ENDPOINT,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )
        return str(answer["ModelPackageArn"])

    def set_approval(self, arn: str, status: str) -> None:
        user_actions.set_approval(arn, status)

    def change_entry(self, **changes: object) -> None:
        user_actions.apply_fleet(replace(ENTRY, **changes))

    def predict(self, good: int, bad: int = 0) -> None:
        user_actions.predict(ENDPOINT, [("12", "34")] * good + [("12", "34.50")] * bad)

    # Time and the platform --------------------------------------------------------------------------------------

    def turn(self, minutes: float) -> None:
        self.cloud.turn(minutes=minutes)

    def function(self, name: str) -> Function:
        return next(function for function in self.cloud.bus.functions if function.name == name)

    def run_schedule(self, name: str) -> None:
        """Let a scheduled function run now."""
        self.cloud.bus.queue(self.function(name), self.cloud.scheduled_event())
        self.cloud.settle()

    def deployed(self, kind: str = "knn") -> str:
        """A version that is served and verified."""
        arn = self.register(kind)
        self.turn(15)
        return arn


@contextmanager
def opened() -> Iterator[Stage]:
    """A fresh stage."""
    saved = dict(os.environ)
    try:
        # One thread: a branch (a forked process) must not wait for threads of the process that it came from.
        with threadpool_limits(1), _time_stands_still(), _one_secret(), Cloud() as cloud:
            environment = cloud.install()
            cloud.run_functions(load_app(environment))
            cloud.schedules_enabled = False
            stage = Stage(cloud, environment["VEDETTE_BUCKET"])
            _furnish(stage)
            _make_signing_keys(cloud)
            yield stage
    finally:
        for name in set(os.environ) - set(saved):
            del os.environ[name]
        settings.cache_clear()


def _time_stands_still() -> AbstractContextManager[object]:
    """A function has a day: while its branches run it would come to the end of its own time."""
    return patch.object(Context, "get_remaining_time_in_millis", lambda context: PLENTY)


def _one_secret() -> AbstractContextManager[object]:
    """Every branch hashes ids by the same secret, so that what is stored is the same."""
    return patch("chalicelib.stores.id_secret.secrets", SimpleNamespace(token_bytes=bytes))


@cache
def warmed_up() -> None:
    """Make the clients, keys and tables that a process makes once, so that no branch makes them again."""
    with opened() as stage:
        stage.deployed("knn")
        stage.deployed("linear-learner")
        stage.predict(good=20, bad=20)
        stage.turn(70)
        for name in ("run_monitoring", "sweep"):
            stage.run_schedule(name)


def _furnish(stage: Stage) -> None:
    for kind in KINDS:
        stage.cloud.write(f"s3://{stage.bucket}/models/{kind}/model.tar.gz", artifact(kind))
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=ENDPOINT)
    user_actions.apply_fleet(ENTRY)
    features = [{"name": name, "inferred_type": kind, "completeness": 1.0} for name, kind in FEATURES]
    user_actions.put_baseline_in_force(ENDPOINT, "v1", Constraints({"version": 0.0, "features": features}), None)


def _make_signing_keys(cloud: Cloud) -> None:
    """moto makes an RSA key at the first message of each subscription; made here, no branch makes it again."""
    for subscription in sns_backends[cloud.account.account_id][cloud.region].subscriptions.values():
        subscription.private_key()
