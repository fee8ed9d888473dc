"""An endpoint changed its status: what was waiting for it goes on.

| input                        | handled                                 | left alone, with which message |
|------------------------------|-----------------------------------------|--------------------------------|
| an endpoint in the fleet     | reconcile with what SageMaker shows now |                                |
| an endpoint not in the fleet |                                         | "... is not in the fleet"      |
| foreign or malformed         |                                         | by `events`                    |
"""

from typing import Any

from chalicelib.aws import store
from chalicelib.events import EndpointStateChanged, Event
from chalicelib.handlers.reconciliation import reconcile
from chalicelib.settings import settings


def handle(event: Event) -> dict[str, Any]:
    """Reconcile the endpoint."""
    changed = EndpointStateChanged.from_eventbridge(event, settings())
    entry = store.fleet().entry(changed.endpoint)
    if entry is None:
        return {"left alone": f"{changed.endpoint} is not in the fleet"}
    return reconcile(entry)
