"""Which label parts may hold labels of a day of predictions.

A label says only an id, so any object that was written since the day began may name one of its predictions.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from chalicelib.endpoint_run import EndpointRun
from chalicelib.window import Window


def label_keys_of_day(
    run: EndpointRun, variant: str, day: Window, predictions: Collection[str], until: datetime
) -> tuple[str, ...]:
    """The keys of the label parts to which the predictions of a day are joined, in order.

    Parameters
    ----------
    predictions
        The keys of the prediction parts of that day and variant.
    until
        Label objects that were written at or after this are left out; to the minute. With a moment of
        `ripeness.looks` in place of the time of the run, a repeated evaluation has the same labels.
    """
    return run.quality_parts.label_keys(run.endpoint, day.start, until) if predictions else ()
