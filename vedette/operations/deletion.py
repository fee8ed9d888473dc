"""Delete an endpoint and its resources, by exact names, in the order that SageMaker requires.

    fleet entry -> schedules (stop, wait for executions, delete) -> job definitions -> endpoint
    -> endpoint configs -> models -> alarms -> the pin

| what                                           | is deleted                                                          |
|------------------------------------------------|---------------------------------------------------------------------|
| config, model, alarm tagged with this endpoint | always, unless another endpoint or config uses it                   |
| the endpoint, tagged with its own name         | always, with the schedules and job definitions that watch it        |
| the endpoint, not tagged                       | only with `everything`: then its config and models too, if unshared |
| anything whose name only resembles the name    | never                                                               |

The list is stored in the table before anything is deleted. After a crash, the same call continues, even if the
endpoint, from which the names were read, no longer exists. The order: aws-behaviour: schedule-deletion.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import NotReady
from chalicelib.locations import endpoint_partition
from chalicelib.records import Record
from chalicelib.registry.resource_specs import TAG
from vedette.operations import aws, fleet, managed_resources

LOOK_SECONDS = 20.0
MAX_WAIT_SECONDS = 3 * 3600.0  # an execution of Model Monitor may take an hour, and its merge job another
SCHEDULE, ENDPOINT, CONFIG, MODEL, ALARM = "monitoring schedule", "endpoint", "endpoint config", "model", "alarm"
DEFINITION = " job definition"

Wait = Callable[[float], None]
Report = Callable[[str], None]
_SORT_KEY = "deletion"  # in the partition of the endpoint


class Item(msgspec.Struct, frozen=True):
    """One resource to delete, by its exact name."""

    kind: str
    name: str
    why: str


class Kept(msgspec.Struct, frozen=True):
    """One resource that is kept, and the reason."""

    kind: str
    name: str
    why: str


class Deletion(Record, frozen=True, kw_only=True):
    """A requested deletion, stored until it is complete."""

    endpoint: str
    items: tuple[Item, ...]
    kept: tuple[Kept, ...] = ()
    by: str
    at: datetime
    in_fleet: bool = False
    resumed: bool = False


def prepared(endpoint: str, *, everything: bool = False) -> Deletion:
    """The deletion to execute, in order; nothing is changed. An unfinished deletion is continued.

    A name of the fleet that is not that of an endpoint leaves the fleet; SageMaker has nothing of it.
    """
    entry = stage_stores().fleet.entry(endpoint)
    if entry is not None and not entry.is_endpoint:
        return Deletion(endpoint=endpoint, items=(), by=aws.who(), at=datetime.now(UTC), in_fleet=True)
    described = sagemaker.describe_endpoint(endpoint)
    begun = _begun(endpoint, described)
    own = described is not None and aws.tags_of(described["EndpointArn"]).get(TAG) == endpoint
    wanted: list[Item] = list(begun.items) if begun else []
    kept: list[Kept] = []
    served: list[Item] = []
    if described is not None and (own or everything):
        wanted += _watching(endpoint)
        wanted.append(Item(ENDPOINT, endpoint, "created by Vedette" if own else "named by you"))
        served = _made_of(described["EndpointConfigName"])
        if everything:
            wanted += served
    elif described is not None and ENDPOINT not in {item.kind for item in wanted}:
        kept.append(Kept(ENDPOINT, endpoint, "Vedette did not create it; --delete-endpoint deletes it anyway"))
    wanted += [
        Item(found.kind, found.name, "created by Vedette")
        for found in managed_resources.managed_resources()
        if found.endpoint == endpoint
    ]
    named = {(item.kind, item.name) for item in wanted}
    kept += [Kept(i.kind, i.name, "Vedette did not create it") for i in served if (i.kind, i.name) not in named]
    items, shared = _unshared(endpoint, wanted)
    stored, _ = aws.get_fleet()
    return Deletion(
        endpoint=endpoint,
        items=tuple(sorted(items, key=lambda item: _rank(item.kind))),
        kept=(*kept, *shared),
        by=begun.by if begun else aws.who(),
        at=begun.at if begun else datetime.now(UTC),
        in_fleet=stored.entry(endpoint) is not None,
        resumed=begun is not None,
    )


def _stored(endpoint: str) -> tuple[Deletion | None, int]:
    return stage_stores().deployments.table.get(Deletion, endpoint_partition(endpoint), _SORT_KEY)


def _begun(endpoint: str, described: dict[str, Any] | None) -> Deletion | None:
    """The stored deletion, unless the endpoint was created again since."""
    found, _ = _stored(endpoint)
    if found is not None and described is not None and described["CreationTime"] > found.at:
        return None
    return found


def _watching(endpoint: str) -> list[Item]:
    """The Model Monitor schedules and job definitions of exactly this endpoint."""
    schedules = aws.monitoring_schedules(endpoint)
    named = {
        (str(found.get("MonitoringType", "DataQuality")), str(found["MonitoringJobDefinitionName"]))
        for found in schedules
        if found.get("MonitoringJobDefinitionName")
    }
    definitions = sorted(named | set(aws.job_definitions(endpoint)))
    return [Item(SCHEDULE, str(found["MonitoringScheduleName"]), "watches the endpoint") for found in schedules] + [
        Item(f"{kind}{DEFINITION}", name, "describes what watches the endpoint") for kind, name in definitions
    ]


def _made_of(config_name: str) -> list[Item]:
    """The served config and its models, no matter who created them."""
    config = sagemaker.describe_endpoint_config(config_name)
    if config is None:
        return []
    return [Item(CONFIG, config_name, "served by the endpoint")] + [
        Item(MODEL, name, "served by the endpoint") for name in managed_resources.models_of(config)
    ]


def _unshared(endpoint: str, wanted: list[Item]) -> tuple[list[Item], list[Kept]]:
    """The resources without duplicates, and without those that are used elsewhere or still needed."""
    once = list({(item.kind, item.name): item for item in reversed(wanted)}.values())
    goes = any(item.kind == ENDPOINT for item in once)
    users = {
        name: [user for user in found if not (goes and user == endpoint)]
        for name, found in managed_resources.configs_in_use().items()
    }
    kept = [
        Kept(item.kind, item.name, f"the endpoint {users[item.name][0]} is on it")
        for item in once
        if item.kind == CONFIG and users.get(item.name)
    ]
    staying = {thing.name for thing in kept}
    leaving = {item.name for item in once if item.kind == CONFIG} - staying
    named_by = managed_resources.models_in_use(leaving) if any(item.kind == MODEL for item in once) else {}
    kept += [
        Kept(item.kind, item.name, f"the config {named_by[item.name]} names it")
        for item in once
        if item.kind == MODEL and item.name in named_by
    ]
    stays = {(thing.kind, thing.name) for thing in kept}
    return [item for item in once if (item.kind, item.name) not in stays], kept


def _rank(kind: str) -> int:
    order = (SCHEDULE, DEFINITION, ENDPOINT, CONFIG, MODEL, ALARM)
    return order.index(DEFINITION if kind.endswith(DEFINITION) else kind)


# --- doing it ---------------------------------------------------------------------------------------------------------


def delete(deletion: Deletion, wait: Wait, report: Report = lambda line: None) -> None:
    """Execute a prepared deletion; after a crash, a second call continues.

    Raises
    ------
    NotReady
        If something is not complete after three hours; a later call continues.
    """
    table, pk = stage_stores().deployments.table, endpoint_partition(deletion.endpoint)
    stored, etag = aws.get_fleet()
    if stored.entry(deletion.endpoint) is not None:
        fleet.apply(fleet.without(stored, deletion.endpoint), etag=etag, by=deletion.by)
        report(f"removed {deletion.endpoint} from the fleet.")
        for sentence in fleet.pending_of(fleet.leaving(stored.entries, fleet.without(stored, deletion.endpoint))):
            report(sentence)
    table.put(deletion, pk, _SORT_KEY, _stored(deletion.endpoint)[1])
    for item in deletion.items:
        if item.kind == SCHEDULE:
            _delete_schedule(item.name, wait, report)
        elif item.kind == ENDPOINT:
            _delete_endpoint(item.name, wait, report)
        else:
            gone = not aws.delete(item.kind, item.name)
            report(f"{item.kind} {item.name}: {'already deleted' if gone else 'deleted'}.")
    stage_stores().deployments.delete_pin(deletion.endpoint)
    table.delete(pk, _SORT_KEY)


def _delete_schedule(name: str, wait: Wait, report: Report) -> None:
    """Stop a schedule, wait for its executions, and delete it; SageMaker rejects other orders."""

    def settled() -> bool:
        found = aws.describe_monitoring_schedule(name)
        return found is None or found["MonitoringScheduleStatus"] != "Pending"

    _until(settled, wait, f"the monitoring schedule {name} is pending")
    if aws.stop_monitoring_schedule(name):
        report(f"{SCHEDULE} {name}: stopped; waiting for its executions.")
        _until(settled, wait, f"the monitoring schedule {name} is stopping")
        _until(lambda: aws.running_executions(name) == 0, wait, f"an execution of the schedule {name} runs")
        _until(lambda: _accepted(lambda: aws.delete(SCHEDULE, name)), wait, f"the schedule {name} cannot go yet")
    _until(lambda: aws.describe_monitoring_schedule(name) is None, wait, f"the schedule {name} is being deleted")
    report(f"{SCHEDULE} {name}: deleted.")


def _delete_endpoint(name: str, wait: Wait, report: Report) -> None:
    def gone_or_going() -> bool:
        found = sagemaker.describe_endpoint(name)
        if found is None or found["EndpointStatus"] == "Deleting":
            return True
        return _accepted(lambda: aws.delete(ENDPOINT, name))

    _until(gone_or_going, wait, f"the endpoint {name} is busy")
    _until(lambda: sagemaker.describe_endpoint(name) is None, wait, f"the endpoint {name} is being deleted")
    report(f"{ENDPOINT} {name}: deleted.")


def _accepted(delete: Callable[[], object]) -> bool:
    """Whether SageMaker accepted a deletion; False while the resource is busy."""
    try:
        delete()
    except ClientError as error:
        if sagemaker.says(error, sagemaker.IN_PROGRESS, "in status pending", "in progress"):
            return False
        raise
    return True


def _until(done: Callable[[], bool], wait: Wait, why: str) -> None:
    waited = 0.0
    while not done():
        if waited >= MAX_WAIT_SECONDS:
            raise NotReady(f"After {MAX_WAIT_SECONDS / 3600:.0f} h {why}; run the same command again to continue.")
        wait(LOOK_SECONDS)
        waited += LOOK_SECONDS
