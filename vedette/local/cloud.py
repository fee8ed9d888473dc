"""The AWS simulator: one account in this process, stricter than AWS.

    with Cloud() as cloud:
        os.environ.update(cloud.install())
        cloud.run_functions(app)
        boto3.client("sagemaker").create_endpoint(...)
        cloud.turn(minutes=10)          # everything that becomes due happens in order
        cloud.mailbox.last.text

boto3's default session is replaced while a Cloud is entered; nothing reaches a network. `cloud.serve()` serves the
same cloud on 127.0.0.1 for other processes.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

import boto3
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_api._internal import mock_random

from chalicelib.endpoint_run import warm_stores
from vedette.local import boto_transport, installation, mailbox, moto_validators, s3_events, server
from vedette.local.account import REGION, SimulatedAccount
from vedette.local.artifact import Artifact
from vedette.local.bucket_policies import BucketPolicies
from vedette.local.bus import Bus
from vedette.local.clock import START, Clock
from vedette.local.cloudformation import CloudFormation
from vedette.local.cloudtrail import LookupEvents
from vedette.local.deployed import Deployed, deployed_functions, function_roles
from vedette.local.events_api import PutEvents
from vedette.local.functions import Backend, InProcess, functions_of
from vedette.local.iam import Need, decide
from vedette.local.iam_api import SimulatePrincipalPolicy
from vedette.local.ids import Ids
from vedette.local.inference.capture import Capture
from vedette.local.inference.runtime import Runtime
from vedette.local.lambda_api import PACKAGES, Concurrency, Invoke, Packages
from vedette.local.mailbox import Mailbox
from vedette.local.permissions import Permissions, project_policy, role_policies, role_policy
from vedette.local.recorder import calling_as
from vedette.local.request_router import RequestRouter
from vedette.local.sagemaker import SageMaker, analyzer

_entered = threading.Lock()


class Cloud:
    """A simulated AWS account in one region.

    Parameters
    ----------
    start
        The simulated time at the start.
    real_time
        Keep the real clock of this process, for functions that run in other processes.
    seed
        The seed of all identifiers, of sampling, and of the choice among variants.
    """

    def __init__(self, start: datetime = START, *, real_time: bool = False, region: str = REGION, seed: int = 1):
        self.region = region
        self.clock = Clock(start, real_time)
        self.ids, self._seed = Ids(seed), seed
        self.router = RequestRouter(self.clock.now)
        self.recorder, self.faults = self.router.recorder, self.router.faults
        self.bus = Bus(self.clock, self.ids)
        self.router.on_kill = self._kill
        self.schedules_enabled = True
        self.session = boto_transport.session(region)
        self.account = account = SimulatedAccount(self.clock, self.ids, self.bus.put, region)
        self.router.permissions = self.permissions = Permissions(account)
        self.mailbox = Mailbox(account)
        self.sagemaker = SageMaker(account)
        self.permissions.config_of = self.sagemaker.hosting.configs.get
        capture = Capture(self.clock, self.ids, self._deliver_capture)
        self.runtime = Runtime(account, self.sagemaker.endpoints, self.sagemaker.hosting, capture, self.read)
        self.sagemaker.endpoints.health_check = self.runtime.healthy
        self.sagemaker.endpoints.in_alarm = self._in_alarm
        self.sagemaker.endpoints.may_read_alarms = self._may_read_alarms
        self.sagemaker.monitoring.write = self.sagemaker.processing.write = self.sagemaker.transform.write = self.write
        self.sagemaker.transform.read_below = self.read_below
        self.sagemaker.transform.predict = self.runtime.predict_with
        self.sagemaker.monitoring.monitor = lambda execution: analyzer.execution(execution, self.read_below)
        self.sagemaker.processing.container = lambda job: analyzer.baseline(job, self.read_below)
        self.undelivered_captures: list[str] = []
        self.cloudformation = CloudFormation(account, self._client)
        self._route()
        self._stack = ExitStack()

    def _route(self) -> None:
        router = self.router
        router.handlers["sagemaker", "*"] = self.sagemaker
        router.handlers["sagemaker-runtime", "*"] = self.runtime
        router.handlers["events", "PutEvents"] = PutEvents(self.account)
        concurrency = Concurrency(self.account)
        router.handlers["lambda", "GetAccountSettings"] = concurrency.settings
        router.validators["lambda", "PutFunctionConcurrency"] = concurrency.check
        router.handlers["lambda", "Invoke"] = Invoke(self.bus, self.account)
        router.handlers["cloudformation", "*"] = self.cloudformation
        router.handlers["iam", "SimulatePrincipalPolicy"] = SimulatePrincipalPolicy(self.account)
        router.handlers["cloudtrail", "LookupEvents"] = LookupEvents(self.account, self.recorder)
        router.unlocked.add(("lambda", "Invoke"))
        packages = Packages(self.account, lambda: router.url)
        router.after_success["lambda", "GetFunction"] = packages
        router.downloads[PACKAGES] = packages.download
        policies = BucketPolicies()
        for operation in ("PutBucketPolicy", "GetBucketPolicy", "DeleteBucketPolicy"):
            router.handlers["s3", operation] = policies
        created = s3_events.S3Events(self.account)
        for operation in s3_events.REASONS:
            router.after_success["s3", operation] = created
        router.after_success["s3", "GetBucketNotificationConfiguration"] = created.show_configuration
        router.validators["s3", "*"] = moto_validators.s3_expected_owner
        router.validators["s3", "PutBucketNotificationConfiguration"] = moto_validators.s3_notification_names
        router.validators["sns", "Publish"] = moto_validators.sns_publish
        router.validators["sns", "PublishBatch"] = moto_validators.sns_publish_batch
        router.validators["events", "PutRule"] = moto_validators.events_put_rule
        router.validators["sqs", "ReceiveMessage"] = moto_validators.sqs_receive
        router.validators["sns", "GetTopicAttributes"] = self.mailbox.show_counts
        router.after_success["sns", "Publish"] = self.mailbox

    # Start and end -----------------------------------------------------------------------------------------------

    def __enter__(self) -> Cloud:
        if not _entered.acquire(blocking=False):
            raise RuntimeError(
                "Another Cloud is entered in this process; only one is possible, because moto and the clock are global."
            )
        self._stack.callback(_entered.release)
        with self._stack.pop_all() as stack:
            BackendDict.reset()
            reset_model_data()
            mock_random.seed(self._seed)
            stack.enter_context(boto_transport.environment(self.region))
            stack.enter_context(boto_transport.route_to(self.router))
            stack.enter_context(boto_transport.without_retry_delays())
            stack.enter_context(s3_events.moto_events_disabled())
            stack.enter_context(mailbox.moto_posts_disabled())
            warm_stores.cache_clear()  # a new account: no process is warm
            stack.callback(setattr, boto3, "DEFAULT_SESSION", boto3.DEFAULT_SESSION)
            boto3.DEFAULT_SESSION = self.session
            stack.enter_context(self.clock)
            stack.callback(self._close_backend)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def _close_backend(self) -> None:
        if self.bus.backend is not None:
            self.bus.backend.close()
            self.bus.backend = None

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve this cloud over HTTP on 127.0.0.1; yields the URL for AWS_ENDPOINT_URL."""
        with server.running(self.router) as url:
            self.router.url = url
            yield url

    def child_environment(self, url: str) -> dict[str, str]:
        """The environment variables with which a process reaches the served cloud."""
        return boto_transport.child_environment(self.region, url)

    # Time ------------------------------------------------------------------------------------------------------

    def turn(self, *, minutes: float = 0, hours: float = 0, seconds: float = 0, to: datetime | None = None) -> None:
        """Advance the clock; everything that becomes due on the way happens in order."""
        until = to or self.clock.now() + timedelta(minutes=minutes, hours=hours, seconds=seconds)
        self.settle()
        while (due := self._next_due()) is not None and due <= until:
            self.clock.move_to(due)
            self.settle()
        self.clock.move_to(until)
        self.settle()

    def settle(self) -> None:
        """Run everything that is due now, including what it causes, without advancing the clock."""
        while True:
            timer = self.clock.pop_due(self.clock.now())
            if timer is not None:
                with self.router.lock:
                    timer.action()
            elif self.bus.deliver_due() == 0:
                return

    def _next_due(self) -> datetime | None:
        waiting = self.bus.next_due() if self.bus.backend is not None else None
        return min((due for due in (self.clock.next_due(), waiting) if due is not None), default=None)

    # The installation ------------------------------------------------------------------------------------------

    def install(self, stage: str = "local") -> dict[str, str]:
        """Create the bucket, table, topics and subscribers of a stage; returns its environment variables."""
        self.mailbox.queue_name = installation.queue_name(stage)
        self.mailbox.incidents_queue_name = installation.incidents_queue_name(stage)
        with calling_as("aws"):
            return installation.install(stage, self.account, self._client)

    # Functions -------------------------------------------------------------------------------------------------

    def run_functions(self, app: Any, stage: str = "local", timeouts: Mapping[str, int] | None = None) -> None:
        """Run the functions of a Chalice app in this process, on the events and schedules that the app declares."""
        self.permissions.policy_of = project_policy
        self._run(functions_of(app, stage, self.region, self.account.account_id, timeouts), InProcess(app))

    def run_artifact(
        self,
        zip_bytes: bytes,
        environment: Mapping[str, str],
        app_or_functions: Any,
        stage: str = "local",
        timeouts: Mapping[str, int] | None = None,
    ) -> Artifact:
        """Run the functions of a deployment package, each in its own process, against this cloud over HTTP.

        Patterns and schedules come from the Chalice app or from a list of functions; the code comes from the zip. The
        processes have real time, so use `Cloud(real_time=True)`.
        """
        functions = app_or_functions
        if not isinstance(functions, list):
            functions = functions_of(app_or_functions, stage, self.region, self.account.account_id, timeouts)
        url = self._stack.enter_context(self.serve())
        artifact = Artifact(zip_bytes, {**self.child_environment(url), **environment})
        self.permissions.policy_of = project_policy
        self._run(functions, artifact)
        return artifact

    def run_deployed(self) -> Deployed:
        """Run all functions that `chalice deploy` deployed to this cloud (see `serve`), from their package."""
        url = self._stack.enter_context(self.serve())
        deployed = Deployed(self.account, self.child_environment(url))
        self.permissions.policy_of = role_policies(function_roles(self.account), self.account)
        self._run(deployed.functions, deployed)
        return deployed

    def run_deployed_in_process(self, app: Any) -> None:
        """Run the deployed functions in this process, which has simulated time: with their rules, timeouts and roles.

        The code is that of `app`, not that of the deployed package.
        """
        self.permissions.policy_of = role_policies(function_roles(self.account), self.account)
        self._run(deployed_functions(self.account), InProcess(app))

    def _run(self, functions: list[Any], backend: Backend) -> None:
        self._close_backend()
        self.bus.functions, self.bus.backend = functions, backend
        for function in functions:
            if function.rate is not None:
                self._schedule(function)

    def _schedule(self, function: Any) -> None:
        """Invoke the function at every multiple of its rate, while it is installed."""
        rate = function.rate.total_seconds()
        due = datetime.fromtimestamp((self.clock.now().timestamp() // rate + 1) * rate, tz=START.tzinfo)

        def fire() -> None:
            if not any(function is installed for installed in self.bus.functions):
                return
            if self.schedules_enabled:
                self.bus.queue(function, self.scheduled_event(function.full_name))
            self._schedule(function)

        self.clock.at(due, fire)

    def scheduled_event(self, rule: str = "vedette-local-rule") -> dict[str, Any]:
        """A Scheduled Event as EventBridge sends it now (aws-behaviour: scheduled-event)."""
        arn = f"arn:aws:events:{self.region}:{self.account.account_id}:rule/{rule}-event"
        return self.account.event("aws.events", "Scheduled Event", [arn], {})

    def invoke(self, name: str, event: Any) -> Any:
        """Invoke one function now; returns its result, raises FunctionError."""
        function = next(function for function in self.bus.functions if name in {function.name, function.full_name})
        if self.bus.backend is None:
            raise RuntimeError("No functions are installed: call run_functions first.")
        return self.bus.backend.invoke(function, event, self.ids.uuid())

    def _kill(self, function: str | None) -> None:
        if function is not None and self.bus.backend is not None:
            self.bus.backend.kill(function)

    def _client(self, service: str) -> Any:
        return boto_transport.client(service, self.region)

    # Calls by AWS itself --------------------------------------------------------------------------

    def read(self, uri: str) -> bytes:
        """Read an object as AWS itself: not recorded, without faults."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        with calling_as("aws"):
            body: bytes = self._client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def read_below(self, uri: str) -> dict[str, bytes]:
        """Read the objects whose URI begins with `uri` as AWS itself; none where there is no such bucket."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        client = self._client("s3")
        with calling_as("aws"):
            try:
                pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                keys = [found["Key"] for page in pages for found in page.get("Contents", ())] if bucket else []
            except client.exceptions.NoSuchBucket:
                keys = []
        return {f"s3://{bucket}/{key}": self.read(f"s3://{bucket}/{key}") for key in keys}

    def write(self, uri: str, body: bytes) -> None:
        """Write an object as AWS itself; its bucket sends an event."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        with calling_as("aws"):
            self._client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def _deliver_capture(self, uri: str, body: bytes) -> None:
        """Write a captured file; a failure is silent (aws-behaviour: capture-stops-silently)."""
        try:
            self.write(uri, body)
        except self._client("s3").exceptions.ClientError:
            self.undelivered_captures.append(uri)

    def _in_alarm(self, names: list[str]) -> list[str]:
        """The alarms in state ALARM, as SageMaker sees them while it shifts traffic."""
        if not names:
            return []
        with calling_as("aws"):
            alarms = self._client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        return [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]

    def _may_read_alarms(self, role: str, names: list[str]) -> bool:
        """Whether a model's role may read alarms (aws-behaviour: alarm-permission)."""
        policy = role_policy(role, self.account)
        prefix = f"arn:aws:cloudwatch:{self.region}:{self.account.account_id}:alarm:"
        needs = [Need("cloudwatch:DescribeAlarms", prefix + name) for name in names]
        return policy is not None and all(decide(policy, need).allowed for need in needs)

    @property
    def capture_delay(self) -> timedelta:
        """The delay between the minute of a capture file and its delivery."""
        return self.runtime.capture.delay

    @capture_delay.setter
    def capture_delay(self, delay: timedelta) -> None:
        self.runtime.capture.delay = delay

    def copy_bucket(self, bucket: str, directory: str | os.PathLike[str]) -> int:
        """Copy a bucket into a directory; returns the number of files."""
        from pathlib import Path

        root = Path(directory)
        with calling_as("aws"):
            client = self._client("s3")
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        for key in keys:
            target = root / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(f"s3://{bucket}/{key}"))
        return len(keys)

    def put_event(self, source: str, detail_type: str, detail: Mapping[str, Any]) -> None:
        """Send a custom event through PutEvents."""
        entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
        with calling_as("aws"):
            self._client("events").put_events(Entries=[entry])
