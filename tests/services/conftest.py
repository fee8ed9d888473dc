"""A small AWS with the real app in it, an endpoint's worth of models, and the hands of the people who use them."""

import os
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from chalicelib.aws import sagemaker
from chalicelib.constraints.constraints import Constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry, GoldenPayload
from chalicelib.registry.plan import Served
from chalicelib.settings import settings
from tests.runs import pass_hours
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.mailbox import Mail

ENDPOINT = "preferred-site"
TRAINING = b"".join(f"{int(a + b > 100)},{a},{b}\n".encode() for a in range(0, 100, 10) for b in range(0, 100, 10))
ENTRY = FleetEntry(
    endpoint=ENDPOINT,
    mode="deploy",
    package_group=ENDPOINT,
    golden_payload=GoldenPayload(body="60,70"),
)
FEATURES = (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))


@dataclass
class World:
    cloud: Cloud
    bucket: str

    def register(self, kind: str = "knn", status: str = "Approved") -> str:
        arn = user_actions.register(ENDPOINT, kind, TRAINING, self.bucket, status)
        self.cloud.settle()
        return arn

    def register_with(self, **more) -> str:
        """An approved k-NN with further fields of CreateModelPackage."""
        arn = user_actions.register(ENDPOINT, "knn", TRAINING, self.bucket, "Approved", **more)
        self.cloud.settle()
        return arn

    def set_approval(self, arn: str, status: str) -> None:
        user_actions.set_approval(arn, status)
        self.cloud.settle()

    def apply(self, *entries: FleetEntry) -> None:
        user_actions.apply_fleet(*entries)

    def baseline(self, **types: str) -> None:
        features = [
            {"name": name, "inferred_type": types.get(name, kind), "completeness": 1.0} for name, kind in FEATURES
        ]
        constraints = Constraints({"version": 0.0, "features": features})
        user_actions.put_baseline_in_force(ENDPOINT, f"v{len(types)}", constraints, None)

    def send(self, good: int, bad: int = 0) -> None:
        rows = [("12", "34")] * good + [("12", "34.50")] * bad
        user_actions.predict(ENDPOINT, rows)

    def pass_hours(self, hours: int) -> None:
        pass_hours(self.cloud, hours)

    def deployed(self, kind: str = "knn") -> str:
        """An endpoint that serves a first version, verified."""
        arn = self.register(kind)
        self.cloud.turn(minutes=10)
        return arn

    def alerts_on_good_traffic(self) -> None:
        """An endpoint that serves, in mode alert, and has received good rows."""
        self.deployed()
        self.apply(replace(self.fleet.entry(ENDPOINT), mode="alert"))
        self.send(good=20)

    @property
    def served(self) -> str:
        found = Served.of(sagemaker.describe_served(ENDPOINT))
        return found.package_arn if found else ""

    @property
    def config(self) -> str:
        return Served.of(sagemaker.describe_served(ENDPOINT)).config_name

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.cloud.mailbox.mails]

    @property
    def data_mails(self) -> list[Mail]:
        """The mails without the one that the endpoint does not exist: tests of captured data need none."""
        return [mail for mail in self.cloud.mailbox.mails if mail.attributes["kind"] != "endpoint gone"]

    @property
    def deployment_mails(self) -> list[Mail]:
        return [mail for mail in self.cloud.mailbox.mails if mail.attributes["kind"] == "deployment"]

    @property
    def deployment_subjects(self) -> list[str]:
        return [mail.subject for mail in self.deployment_mails]

    @property
    def deployment_words(self) -> str:
        """The text of the last mail about a deployment, on one line."""
        return " ".join(self.deployment_mails[-1].text.split())

    def keys(self, prefix: str) -> list[str]:
        from chalicelib.endpoint_run import stage_stores

        return [found.key for found in stage_stores().bucket.list_objects(prefix)]

    @property
    def fleet(self):
        return stage_stores().fleet.get()


@pytest.fixture
def world():
    saved = dict(os.environ)
    with Cloud() as cloud:
        environment = cloud.install()
        app = load_app(environment)
        cloud.run_functions(app)
        made = World(cloud, environment["VEDETTE_BUCKET"])
        made.apply(ENTRY)
        made.baseline()
        yield made
        assert not cloud.bus.failed, [str(error) for failed in cloud.bus.failed for error in failed.errors]
    for name in set(os.environ) - set(saved):
        del os.environ[name]
    settings.cache_clear()
