"""An endpoint deleted with all that hangs on it, by exact names, in the only order that SageMaker takes.

    out of the fleet -> schedules stopped, their executions awaited, deleted -> job definitions -> endpoint
    -> endpoint configs -> models -> alarms -> the pin

| what                                           | is deleted                                                          |
|------------------------------------------------|---------------------------------------------------------------------|
| config, model, alarm tagged with this endpoint | always, unless another endpoint or config uses it                   |
| the endpoint, tagged with its own name         | always, with the schedules and job definitions that watch it        |
| the endpoint, not tagged                       | only with `everything`: then its config and models too, if unshared |
| anything whose name only resembles the name    | never                                                               |

The list is stored in the table before anything is deleted: after a crash the same call goes on where it ended, also
when the endpoint, from which the names were read, is gone by then. The order: aws-behaviour: schedule-deletion.
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
MOST_SECONDS = 3 * 3600.0  # an execution of Model Monitor may take an hour, and its merge job another
SCHEDULE, ENDPOINT, CONFIG, MODEL, ALARM = "monitoring schedule", "endpoint", "endpoint config", "model", "alarm"
DEFINITION = " job definition"

Wait = Callable[[float], None]
Told = Callable[[str], None]
_SORT_KEY = "deletion"  # in the partition of the endpoint


class Item(msgspec.Struct, frozen=True):
    """One thing to delete, by its exact name."""

    kind: str
    name: str
    why: str


class Kept(msgspec.Struct, frozen=True):
    """One thing that stays, and why."""

    kind: str
    name: str
    why: str


class Deletion(Record, frozen=True, kw_only=True):
    """A deletion that a person asked for, stored until it is done."""

    endpoint: str
    items: tuple[Item, ...]
    kept: tuple[Kept, ...] = ()
    by: str
    at: datetime
    in_fleet: bool = False
    resumed: bool = False


def prepared(endpoint: str, *, everything: bool = False) -> Deletion:
    """What would be deleted, in order; nothing is changed. One that was begun before is taken up."""
    described = sagemaker.describe_endpoint(endpoint)
    begun = _begun(endpoint, described)
    own = described is not None and aws.tags_of(described["EndpointArn"]).get(TAG) == endpoint
    wanted: list[Item] = list(begun.items) if begun else []
    kept: list[Kept] = []
    served: list[Item] = []
    if described is not None and (own or everything):
        wanted += _watching(endpoint)
        wanted.append(Item(ENDPOINT, endpoint, "made by Vedette" if own else "named by you"))
        served = _made_of(described["EndpointConfigName"])
        if everything:
            wanted += served
    elif described is not None and ENDPOINT not in {item.kind for item in wanted}:
        kept.append(Kept(ENDPOINT, endpoint, "Vedette did not make it; --delete-endpoint deletes it all the same"))
    wanted += [
        Item(found.kind, found.name, "made by Vedette")
        for found in managed_resources.made()
        if found.endpoint == endpoint
    ]
    named = {(item.kind, item.name) for item in wanted}
    kept += [Kept(i.kind, i.name, "Vedette did not make it") for i in served if (i.kind, i.name) not in named]
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
    """The stored deletion, unless the endpoint was made anew since."""
    found, _ = _stored(endpoint)
    if found is not None and described is not None and described["CreationTime"] > found.at:
        return None
    return found


def _watching(endpoint: str) -> list[Item]:
    """What of Model Monitor watches exactly this endpoint."""
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
    """The config that is served and its models, whoever made them."""
    config = sagemaker.describe_endpoint_config(config_name)
    if config is None:
        return []
    return [Item(CONFIG, config_name, "served by the endpoint")] + [
        Item(MODEL, name, "served by the endpoint") for name in managed_resources.models_of(config)
    ]


def _unshared(endpoint: str, wanted: list[Item]) -> tuple[list[Item], list[Kept]]:
    """Each thing once, without what somebody else uses or what the endpoint still needs."""
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


def delete(deletion: Deletion, wait: Wait, told: Told = lambda line: None) -> None:
    """Delete what was prepared; called again after a crash, it goes on.

    Raises
    ------
    NotReady
        When something is not done after three hours; the same call goes on later.
    """
    table, pk = stage_stores().deployments.table, endpoint_partition(deletion.endpoint)
    stored, etag = aws.get_fleet()
    if stored.entry(deletion.endpoint) is not None:
        fleet.apply(fleet.without(stored, deletion.endpoint), etag=etag, by=deletion.by)
        told(f"{deletion.endpoint} is out of the fleet.")
    table.put(deletion, pk, _SORT_KEY, _stored(deletion.endpoint)[1])
    for item in deletion.items:
        if item.kind == SCHEDULE:
            _delete_schedule(item.name, wait, told)
        elif item.kind == ENDPOINT:
            _delete_endpoint(item.name, wait, told)
        else:
            gone = not aws.delete(item.kind, item.name)
            told(f"{item.kind} {item.name}: {'was gone already' if gone else 'deleted'}.")
    stage_stores().deployments.delete_pin(deletion.endpoint)
    table.delete(pk, _SORT_KEY)


def _delete_schedule(name: str, wait: Wait, told: Told) -> None:
    """Stop it, await what runs, delete it, and await that: while it is Pending or something runs, SageMaker refuses."""

    def settled() -> bool:
        found = aws.describe_monitoring_schedule(name)
        return found is None or found["MonitoringScheduleStatus"] != "Pending"

    _until(settled, wait, f"the monitoring schedule {name} is pending")
    if aws.stop_monitoring_schedule(name):
        told(f"{SCHEDULE} {name}: stopped; awaiting its executions.")
        _until(settled, wait, f"the monitoring schedule {name} is stopping")
        _until(lambda: aws.running_executions(name) == 0, wait, f"an execution of the schedule {name} runs")
        _until(lambda: _accepted(lambda: aws.delete(SCHEDULE, name)), wait, f"the schedule {name} cannot go yet")
    _until(lambda: aws.describe_monitoring_schedule(name) is None, wait, f"the schedule {name} is being deleted")
    told(f"{SCHEDULE} {name}: deleted.")


def _delete_endpoint(name: str, wait: Wait, told: Told) -> None:
    def gone_or_going() -> bool:
        found = sagemaker.describe_endpoint(name)
        if found is None or found["EndpointStatus"] == "Deleting":
            return True
        return _accepted(lambda: aws.delete(ENDPOINT, name))

    _until(gone_or_going, wait, f"the endpoint {name} is busy")
    _until(lambda: sagemaker.describe_endpoint(name) is None, wait, f"the endpoint {name} is being deleted")
    told(f"{ENDPOINT} {name}: deleted.")


def _accepted(delete: Callable[[], object]) -> bool:
    """Whether SageMaker took a deletion; False while it is busy with the thing."""
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
        if waited >= MOST_SECONDS:
            raise NotReady(f"After {MOST_SECONDS / 3600:.0f} h {why}; the same command goes on from here.")
        wait(LOOK_SECONDS)
        waited += LOOK_SECONDS
