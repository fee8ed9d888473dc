"""on_model_package_state_change: a version in the registry was created, approved, rejected or edited."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.events import Event, ModelPackageStateChanged
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.services import reconciliation
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Reconcile the endpoints of the version's group with what the registry shows now."""
    changed = ModelPackageStateChanged.from_eventbridge(event, settings())
    runs = EndpointRun.of_group(changed.package_group, Deadline.of(context), stage_stores())
    if not runs:
        detail = f"the group {changed.package_group} is in no fleet entry"
        return Skipped(SkipReason.NOT_IN_FLEET, detail).summary()
    done = reconciliation.reconcile_each(runs, changed if changed.is_new_approval else None)
    return {"endpoints": [one.summary() for one in done]}
