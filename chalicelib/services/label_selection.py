"""Which label parts are joined to a day of predictions: exactly those that hold a label of one of them.

A label says only an id, so every label object that was written since the day began may concern it. Each day of arrival
is indexed once (`quality.label_days`), and then costs one read.

| what                                      | S3 calls                                                            |
|-------------------------------------------|---------------------------------------------------------------------|
| a look at a day of predictions            | one LIST for each 1,000 label parts since then, one GET for each    |
|                                           | day of arrival, and one for the ids of the predictions              |
| the first look that needs a day of arrival| in addition one GET for each of its label parts, and one PUT        |
| the first look at a day of predictions    | in addition one GET for each prediction part, and one PUT           |
| the join that follows                     | one GET for each label part that concerns the day                   |

What is stored for this is named by the keys that it was made of, so that a part that comes late makes it again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from chalicelib import locations
from chalicelib.endpoint_run import EndpointRun
from chalicelib.window import Window, day_of


def label_keys_of_day(
    run: EndpointRun, variant: str, day: Window, predictions: tuple[str, ...], until: datetime
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
    written = run.quality_parts.label_keys(run.endpoint, day.start, until) if predictions else ()
    if not written:
        return ()
    predicted = run.quality_parts.predicted_ids(run.endpoint, variant, day.start, predictions)
    return tuple(
        key
        for arrival, keys in _by_day(written)
        for key in run.quality_parts.label_day(run.endpoint, arrival, keys).concerning(predicted)
    )


def _by_day(keys: tuple[str, ...]) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    for start, found in groupby(keys, lambda key: day_of(locations.part_begun(key)).start):
        yield start, tuple(found)
