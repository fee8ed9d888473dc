"""on_ground_truth: a label object was created in S3."""

from typing import Any

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun, warm_stores
from chalicelib.events import Event, GroundTruthUploaded
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.settings import settings


def handle(event: Event, context: Any) -> dict[str, Any]:
    """Make the label part of the object for each endpoint that has its labels there."""
    stage = settings()
    uploaded = GroundTruthUploaded.from_eventbridge(event, stage)
    if isinstance(uploaded, Skipped):
        return uploaded.summary()
    runs = EndpointRun.of_labels(uploaded.bucket, uploaded.key, Deadline.of(context), warm_stores(stage))
    if not runs:
        detail = f"no endpoint of the fleet has its labels in s3://{uploaded.bucket}/{uploaded.key}"
        return Skipped(SkipReason.NOT_IN_FLEET, detail).summary()
    from chalicelib.services import label_processing  # it needs numpy

    return {"endpoints": [one.summary() for one in label_processing.process_each(runs, uploaded)]}
