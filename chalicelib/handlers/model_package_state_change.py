"""A version in the registry was created, approved, rejected or edited: the endpoint of its group is reconciled.

| input                                         | answer                                              |
|-----------------------------------------------|-----------------------------------------------------|
| a version of a group in the fleet             | reconcile with what the registry shows              |
| ... approved anew after it had failed         | its marks are cleared first                         |
| ... whose metadata alone were edited          | reconcile finds nothing to do                       |
| a group that is not in the fleet              | "... is in no fleet entry; `vedette apply` adds it" |
| a package without a group, foreign, malformed | MalformedEvent or ForeignEvent, by `events`         |
"""

from typing import Any

from chalicelib.aws import sagemaker, store, table
from chalicelib.aws.table import endpoint_key
from chalicelib.events import Event, ModelPackageStateChanged
from chalicelib.handlers.reconciliation import reconcile
from chalicelib.records import FleetEntry, Mark
from chalicelib.settings import settings


def handle(event: Event) -> dict[str, Any]:
    """Reconcile the endpoint of the group."""
    changed = ModelPackageStateChanged.from_eventbridge(event, settings())
    entry = store.fleet().entry_of_group(changed.package_group)
    if entry is None:
        return {"left alone": f"the group {changed.package_group} is in no fleet entry"}
    if changed.approval_status == "Approved" and changed.approval_changed:
        _clear_marks(entry, changed.package_arn)
    return reconcile(entry)


def _clear_marks(entry: FleetEntry, package_arn: str) -> None:
    """A newer approval clears a mark; the registry's own time decides, since a late event may be about an older one."""
    marks = table.query(Mark, endpoint_key(entry.endpoint), f"mark#{package_arn}#")
    if not marks:
        return
    package = sagemaker.describe_model_package(package_arn)
    for sk, mark in marks.items():
        if package is not None and package.get("LastModifiedTime", mark.at) > mark.at:
            table.delete_item(endpoint_key(entry.endpoint), sk)
