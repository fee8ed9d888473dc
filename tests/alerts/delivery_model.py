"""The few calls that telling makes, answered in memory at a fraction of a millisecond, held or struck on request.

What is exhausted here is the order of the calls and a crash at each of them; tests/proof does the same, sampled, with
the whole AWS simulator behind it.
"""

import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from chalicelib import records
from chalicelib.locations import EXECUTION_FILE, REPORT_FILE
from chalicelib.records import AlertState, Execution, Fleet, FleetEntry
from chalicelib.settings import settings

ENVIRONMENT = {
    "VEDETTE_STAGE": "dev",
    "VEDETTE_BUCKET": "vedette-dev",
    "VEDETTE_TABLE": "vedette-dev",
    "VEDETTE_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:vedette-dev",
}


STORED = datetime(2026, 3, 2, 12, tzinfo=UTC)  # when every object was stored


class Died(BaseException):
    """The process of a function is gone."""


@dataclass(frozen=True)
class Touch:
    """A call, and the item that it reads or writes."""

    name: str
    item: tuple[str, str] | None = None

    def commutes_with(self, other: "Touch") -> bool:
        """Whether either order of two calls leaves the same: on different items, or both reading."""
        return self.item != other.item or (self.name, other.name) == ("get_item", "get_item")


@dataclass(eq=False)
class Aws:
    """DynamoDB, S3 and SNS, as far as telling needs them."""

    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)  # alert ids
    events: list[dict[str, Any]] = field(default_factory=list)  # the details on the bus
    calls: list[str] = field(default_factory=list)
    before: Callable[[Touch], None] = lambda call: None
    after: Callable[[Touch], None] = lambda call: None

    def client(self, service: str, config: object = None) -> "Client":
        return Client(self)

    def book(self, endpoint: str = "preferred-site", variant: str = "AllTraffic") -> AlertState:
        item = self.items[f"endpoint#{endpoint}", f"alerts#{variant}"]
        return records.read(AlertState, item["record"]["S"].encode(), "book")

    def call(self, touch: Touch, work: Callable[[], Any]) -> Any:
        self.before(touch)
        self.calls.append(touch.name)
        answer = work()
        self.after(touch)
        return answer

    # What is asked of it -----------------------------------------------------------------------------------------

    def get_item(self, **asked: Any) -> dict[str, Any]:
        found = self.items.get((asked["Key"]["pk"]["S"], asked["Key"]["sk"]["S"]))
        return {"Item": found} if found else {}

    def put_item(self, **asked: Any) -> dict[str, Any]:
        item = asked["Item"]
        key = item["pk"]["S"], item["sk"]["S"]
        stored = self.items.get(key)
        values = asked.get("ExpressionAttributeValues")
        if (stored["revision"] if stored else None) != (values[":expected"] if values else None):
            refused = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}, "Item": stored or {}}
            raise ClientError(refused, "PutItem")
        self.items[key] = item
        return {}

    def get_object(self, **asked: Any) -> dict[str, Any]:
        content = self.objects.get(asked["Key"])
        if content is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": ""}}, "GetObject")
        body = StreamingBody(io.BytesIO(content), len(content))
        return {"Body": body, "ETag": '"e"', "LastModified": STORED, "ContentLength": len(content)}

    def put_object(self, **asked: Any) -> dict[str, Any]:
        self.objects[asked["Key"]] = asked["Body"]
        return {}

    def list_objects_v2(self, **asked: Any) -> dict[str, Any]:
        prefix, after = asked["Prefix"], asked.get("StartAfter", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        return {
            "Contents": [
                {"Key": key, "ETag": '"e"', "Size": len(self.objects[key]), "LastModified": STORED} for key in keys
            ]
        }

    def get_topic_attributes(self, **asked: Any) -> dict[str, Any]:
        return {"Attributes": {"SubscriptionsConfirmed": "1"}}

    def put_events(self, **asked: Any) -> dict[str, Any]:
        self.events += [json.loads(entry["Detail"]) for entry in asked["Entries"]]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in asked["Entries"]]}

    def publish(self, **asked: Any) -> dict[str, Any]:
        self.published.append(asked["MessageAttributes"]["alert_id"]["StringValue"])
        return {}

    def query(self, **asked: Any) -> dict[str, Any]:
        values = {name: value["S"] for name, value in asked["ExpressionAttributeValues"].items()}

        def matches(sk: str) -> bool:
            return values[":a"] <= sk <= values[":b"] if ":b" in values else sk.startswith(values[":a"])

        return {"Items": [item for key, item in self.items.items() if key[0] == values[":pk"] and matches(key[1])]}


@dataclass
class Client:
    """A client whose every call goes through the gate; each listing has one page."""

    aws: Aws
    meta = SimpleNamespace(events=SimpleNamespace(register=lambda *hook: None))

    def get_paginator(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(paginate=lambda **request: [getattr(self, name)(**request)])

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda **request: self.aws.call(_touch(name, request), lambda: getattr(self.aws, name)(**request))


def _touch(name: str, request: dict[str, Any]) -> Touch:
    key = request.get("Key", request.get("Item"))
    return Touch(name, (key["pk"]["S"], key["sk"]["S"]) if name in {"get_item", "put_item"} else None)


@contextmanager
def ledger(*executions: Execution, **entry: object) -> Iterator[Aws]:
    """An account with one endpoint in its fleet and these executions stored."""
    aws = Aws()
    fleet = Fleet(entries=(FleetEntry(**{"endpoint": "preferred-site", "mode": "alert", **entry}),))
    aws.objects["config/fleet.json"] = records.write(fleet)
    for execution in executions:
        aws.objects[execution.folder + EXECUTION_FILE] = records.write(execution)
        aws.objects[execution.folder + REPORT_FILE] = b"<html></html>"  # a page is there, so none is rendered
    saved, session = dict(os.environ), boto3.DEFAULT_SESSION
    os.environ.update(ENVIRONMENT)
    settings.cache_clear()
    boto3.DEFAULT_SESSION = aws
    try:
        yield aws
    finally:
        boto3.DEFAULT_SESSION = session
        os.environ.clear()
        os.environ.update(saved)
        settings.cache_clear()


@dataclass(frozen=True)
class Step:
    """Who made a call, and the calls that waited."""

    chosen: int
    waiting: dict[int, Touch]

    def still_asleep(self, asleep: frozenset[int]) -> frozenset[int]:
        """Of those who sleep, the ones whose call commutes with the call that was made."""
        made = self.waiting[self.chosen]
        others = (number for number in asleep - {self.chosen} if number in self.waiting)
        return frozenset(number for number in others if self.waiting[number].commutes_with(made))


@dataclass(frozen=True)
class Prefix:
    """How a run begins: who makes the first calls, and who sleeps then, because its call was tried before these."""

    chosen: tuple[int, ...] = ()
    asleep: frozenset[int] = frozenset()


def interleaved(
    aws: Aws, jobs: tuple[Callable[[], None], Callable[[], None]], prefix: Prefix
) -> tuple[list[Step], dict[int, BaseException]]:
    """Run two jobs whose first calls have a prescribed order: the steps, and what was raised.

    Where only one that sleeps could go on, an earlier run has come to the same: the steps end there.
    """
    changed = threading.Condition()
    waiting: dict[int, Touch] = {}
    ended: set[int] = set()
    raised: dict[int, BaseException] = {}
    mine = threading.local()
    going: list[int | None] = [None]

    def gate(call: Touch) -> None:
        with changed:
            waiting[mine.number] = call
            going[0] = None if going[0] == mine.number else going[0]
            changed.notify_all()
            changed.wait_for(lambda: going[0] == mine.number)
            del waiting[mine.number]

    def run(number: int) -> None:
        mine.number = number
        try:
            jobs[number]()
        except BaseException as error:  # noqa: BLE001 - handed to the caller of the two jobs
            raised[number] = error
        finally:
            with changed:
                ended.add(number)
                going[0] = None if going[0] == number else going[0]
                changed.notify_all()

    aws.before = gate
    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    prescribed = iter(prefix.chosen)
    steps: list[Step] = []
    asleep: frozenset[int] | None = None  # known once the prefix has ended
    redundant = False
    while True:
        with changed:
            changed.wait_for(lambda: going[0] is None and len(waiting.keys() | ended) == 2)
            if not waiting:
                break
            chosen = next(prescribed, None)
            if chosen is None:
                asleep = prefix.asleep if asleep is None else asleep
                awake = waiting.keys() - asleep
                redundant = redundant or not awake
                chosen = min(awake or waiting)
            step = Step(chosen, dict(waiting))
            if not redundant:
                steps.append(step)
            asleep = asleep and step.still_asleep(asleep)
            going[0] = chosen
            changed.notify_all()
    for thread in threads:
        thread.join()
    aws.before = lambda call: None
    return steps, raised


def every_schedule(run: Callable[[Prefix], list[Step]]) -> int:
    """Run every order of the calls of two jobs that can leave something else, depth first; how many runs it took.

    Of orders that differ only in neighbours which commute, one is run. Those who sleep spare the others (sleep sets:
    P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996,
    https://link.springer.com/book/10.1007/3-540-60761-7).
    """
    prefixes = [Prefix()]
    runs = 0
    while prefixes:
        prefix = prefixes.pop()
        steps = run(prefix)
        runs += 1
        asleep = prefix.asleep
        for number in range(len(prefix.chosen), len(steps)):
            step = steps[number]
            before = tuple(one.chosen for one in steps[:number])
            for other in step.waiting.keys() - asleep - {step.chosen}:
                tried = Step(other, step.waiting).still_asleep(asleep | {step.chosen})
                prefixes.append(Prefix((*before, other), tried))
            asleep = step.still_asleep(asleep)
    return runs
