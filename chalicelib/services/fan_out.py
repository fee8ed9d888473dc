"""One scheduled event for the whole fleet becomes one for each endpoint: the function invokes itself."""

from __future__ import annotations

import time
from typing import Any

from chalicelib.aws import messages
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import Stores
from chalicelib.events import Event, Scheduled
from chalicelib.settings import settings

# SageMaker throttles, at rates that it does not document (https://github.com/aws/sagemaker-python-sdk/pull/1204): so a
# fleet is started slowly, and faster only where the invocation would end before its last endpoint.
ENDPOINTS_PER_SECOND = 5


def start_each_endpoint(stores: Stores, event: Event, function_name: str, deadline: Deadline) -> dict[str, Any]:
    """Invoke the function once for each endpoint of the fleet: ENDPOINTS_PER_SECOND, or as many as needed."""
    entries = stores.fleet.get().entries
    available = deadline.seconds_left - Deadline.FAN_OUT
    pause = min(1.0, available * ENDPOINTS_PER_SECOND / max(1, len(entries)))
    for number, entry in enumerate(entries):
        if number and number % ENDPOINTS_PER_SECOND == 0:
            time.sleep(max(0.0, pause))
        messages.invoke_function(function_name, Scheduled.for_endpoint(entry.endpoint, event, settings()))
    return {"endpoints": len(entries)}
