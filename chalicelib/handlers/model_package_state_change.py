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
from chalicelib.handlers import deployment_notices
from chalicelib.handlers.reconciliation import look, reconcile
from chalicelib.records import FleetEntry, Mark
from chalicelib.registry.versions import version_of
from chalicelib.settings import settings


def handle(event: Event) -> dict[str, Any]:
    """Reconcile the endpoint of the group."""
    changed = ModelPackageStateChanged.from_eventbridge(event, settings())
    entry = store.fleet().entry_of_group(changed.package_group)
    if entry is None:
        return {"left alone": f"the group {changed.package_group} is in no fleet entry"}
    if changed.approval_status == "Approved" and changed.approval_changed:
        _clear_marks(entry, changed.package_arn)
    answer = reconcile(entry)
    if changed.approval_status == "Approved" and changed.approval_changed:
        _say_if_older(entry, changed)
    return answer


def _say_if_older(entry: FleetEntry, changed: ModelPackageStateChanged) -> None:
    """Approving an older version changes nothing; say what is served, and how to pin."""
    wanted = look(entry).wanted.version
    approved = version_of(changed.package_arn)
    if entry.mode == "deploy" and wanted and wanted.arn != changed.package_arn and int(approved) < wanted.version:
        occasion = f"{changed.package_arn} {changed.modified_at}"
        deployment_notices.older_approved(entry.endpoint, changed.package_arn, wanted.arn, occasion)


def _clear_marks(entry: FleetEntry, package_arn: str) -> None:
    """A newer approval clears a mark; the registry's own time decides, since a late event may be about an older one."""
    marks = table.query(Mark, endpoint_key(entry.endpoint), f"mark#{package_arn}#")
    if not marks:
        return
    package = sagemaker.describe_model_package(package_arn)
    for sk, mark in marks.items():
        if package is not None and package.get("LastModifiedTime", mark.at) > mark.at:
            table.delete_item(endpoint_key(entry.endpoint), sk)
