"""Which label parts concern a day of predictions: exactly those that share an id with it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.quality.arrays import Values
from chalicelib.quality.label_days import LabelDay, PredictedIds
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.predictions import PredictionPart
from tests.quality.objects import NOON

IDS = st.lists(st.integers(0, 40), max_size=12)


def column(ids) -> bytes:
    return np.array(ids, dtype="<u8").tobytes()


def label_part(key: str, ids) -> LabelPart:
    empty = Values()
    return LabelPart(
        key=key, last_modified=NOON, rejected={}, ids=column(sorted(ids)), rows=b"", request_rows=b"", values=empty
    )


def prediction_part(ids) -> PredictionPart:
    return PredictionPart(
        key="k",
        requests=0,
        without_inference_id=0,
        skipped={},
        ids=column(sorted(ids)),
        rows=b"",
        request_rows=b"",
        times=b"",
        values=Values(),
    )


@given(st.lists(IDS, max_size=5), st.lists(IDS, max_size=3))
def test_the_parts_that_concern_a_day_are_those_that_share_an_id_with_it(labels, predictions):
    keys = tuple(f"part{number}" for number in range(len(labels)))
    day = LabelDay.of(keys, (label_part(key, ids) for key, ids in zip(keys, labels, strict=True)))
    predicted = PredictedIds.of(map(prediction_part, predictions))
    wanted = {one for ids in predictions for one in ids}
    expected = tuple(key for key, ids in zip(keys, labels, strict=True) if wanted & set(ids))
    assert day.concerning(predicted) == expected


@given(st.lists(IDS, max_size=4).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_ids_of_a_day_do_not_depend_on_the_order_of_its_parts(orders):
    one, other = ([prediction_part(ids) for ids in order] for order in orders)
    assert PredictedIds.of(one) == PredictedIds.of(other)
