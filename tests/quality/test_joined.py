"""Labels that come in any order, repeated, corrected and late give the same bytes in the end."""

import random
import tracemalloc
from datetime import timedelta

import numpy as np
import pytest

from chalicelib import records
from chalicelib.quality.arrays import Values
from chalicelib.quality.joined import Joined, join
from chalicelib.quality.label_parts import LabelPart
from chalicelib.quality.metrics import Problem, metrics
from chalicelib.quality.predictions import PredictionPart
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.state import QualityState
from chalicelib.window import Window
from tests.quality.objects import NOON, NUMBERS, SCORED, captured, label, labels_of, predictions_of
from tests.quality.tables import BINARY, BinaryRows, sklearn_binary


def joined(predictions, *labels, settings=SCORED) -> Joined:
    return join([predictions_of(predictions, settings)], labels, settings)


def counts(found: Joined):
    return QualityState.total(found.states).confusion.counts


def test_a_label_is_joined_by_inference_id_else_by_event_id():
    predictions = [captured("0.9", inference_id="i", event_id="e1"), captured("0.1", event_id="e2")]
    found = joined(predictions, labels_of([label("i", "1"), label("e2", "1")]))
    assert counts(found) == {"1": {"0": 1, "1": 1}}
    assert found.unknown_ids == 0
    assert joined(predictions, labels_of([label("e1", "1")])).unknown_ids == 1


def test_rows_are_joined_one_by_one():
    predictions = [captured("0.9\n0.1\n0.8\n", event_id="e", rows=3)]
    found = joined(predictions, labels_of([label("e", "1\n1\n0\n")]))
    assert counts(found) == {"0": {"1": 1}, "1": {"0": 1, "1": 1}}


@pytest.mark.parametrize("data", ["1", "1\n0\n", "1\n0\n1\n0\n"])
def test_labels_of_another_number_of_rows_are_joined_to_none_and_counted(data):
    found = joined([captured("0.9\n0.1\n0.8\n", event_id="e", rows=3)], labels_of([label("e", data)]))
    assert counts(found) == {}
    assert (found.mismatched_rows, found.unknown_ids) == (len(data.split()), 0)


def test_the_latest_label_counts_and_corrections_are_counted():
    predictions = [captured("0.9", event_id=name) for name in "abc"]
    first = labels_of([b"a,0\n", b"b,1\n", b"c,0\n", b"c,1\n"], key="one", hours=1)
    second = labels_of([b"a,1\n", b"b,1\n"], key="two", hours=2)
    for parts in ([first, second], [second, first]):
        found = joined(predictions, *parts)
        assert counts(found) == {"1": {"1": 3}}
        assert (found.labels, found.corrected, found.repeated_labels) == (6, 2, 3)


def test_of_two_objects_of_one_moment_the_later_key_counts():
    parts = [labels_of([b"a,0\n"], key="x"), labels_of([b"a,1\n"], key="y")]
    for order in (parts, parts[::-1]):
        assert counts(joined([captured("0.9", event_id="a")], *order)) == {"1": {"1": 1}}


def test_of_two_predictions_with_one_id_the_earlier_counts():
    early, late = captured("0.9", event_id="a"), captured("0.1", event_id="a", time=NOON + timedelta(hours=3))
    one = join([predictions_of([late], key="x"), predictions_of([early], key="y")], [labels_of([b"a,1\n"])], SCORED)
    assert one == join([predictions_of([early, late])], [labels_of([b"a,1\n"])], SCORED)
    assert (counts(one), one.repeated_predictions) == ({"1": {"1": 1}}, 1)


def test_predictions_without_labels_stay_and_nothing_is_something():
    found = joined([captured("0.9", event_id="a")])
    assert QualityState.total(found.states).unlabelled == {"1": 1}
    nothing = join([], [labels_of([b"a,1\n"])], SCORED)
    assert (nothing.blocks, nothing.unknown_ids) == ((), 1)
    assert join([], [], NUMBERS).blocks == ()


def test_blocks_are_hours_of_prediction():
    predictions = [
        captured("0.9", event_id=f"{hour}", time=NOON + timedelta(hours=hour, minutes=5)) for hour in (0, 0.5, 3)
    ]
    found = joined(predictions)
    assert [block.start for block in found.blocks] == [NOON, NOON + timedelta(hours=3)]
    assert [state.predictions for state in found.states] == [2, 1]
    assert len(found.within(Window(NOON, timedelta(hours=3)))) == 1


def test_what_was_left_out_is_said():
    predictions = [captured("0.9", event_id="a"), captured("x", event_id="b"), captured("0.9", event_id="a")]
    found = joined(predictions, labels_of([b"a,0\n", b"z,1\n", b"a,1\n", b"oops\n"]))
    assert found.notes() == (
        "requests without an inference id: 3 of 3; their labels must name the event id",
        "captured rows left out: 1 (the score is no probability)",
        "predictions with the id of an earlier one, which counts: 1",
        "labels rejected: 1 (neither a label record nor id,label)",
        "labels whose id no captured request has: 1 of 3",
        "predictions whose label was corrected: 1; the latest label counts",
    )


def a_day(size, seed):
    """Requests over a day, and their labels: some twice, some corrected, some of unknown ids."""
    source = np.random.default_rng(seed)
    truth = source.integers(0, 2, size)
    scores = np.round(np.clip(source.normal(0.3 + 0.4 * truth, 0.2), 0, 1), 3)
    lines = [
        captured(str(score), inference_id=f"id{n}", time=NOON + timedelta(seconds=int(n * 86_000 / size)))
        for n, score in enumerate(scores)
    ]
    events = [(n, int(truth[n])) for n in range(size)]
    events += [(n, int(truth[n])) for n in range(0, size, 7)]
    wrong = [(n, 1 - int(truth[n])) for n in range(0, size, 11)]
    return lines, truth, scores, wrong, events


def test_labels_split_over_files_in_any_order_give_the_same_bytes():
    lines, truth, scores, wrong, events = a_day(600, 12)
    results = set()
    for seed in range(6):
        shuffle = random.Random(seed)
        final = [f"id{n},{value}\n".encode() for n, value in events] + [b"nobody,1\n"] * 5
        shuffle.shuffle(final)
        early = [f"id{n},{value}\n".encode() for n, value in wrong]
        shuffle.shuffle(early)
        pieces = [final[place::20] for place in range(20)]
        parts = [labels_of(early, key="early", hours=1)]
        parts += [labels_of(piece, key=f"late{n}", hours=30 * 24 + n % 3) for n, piece in enumerate(pieces)]
        shuffle.shuffle(parts)
        halves = [predictions_of(lines[place::4], key=f"c{place}") for place in range(4)]
        shuffle.shuffle(halves)
        results.add(records.write(join(halves, parts, SCORED)))
    assert len(results) == 1
    found = records.read(Joined, results.pop(), "x")
    assert (found.corrected, found.unknown_ids, found.mismatched_rows) == (len(wrong), 5, 0)
    rows = BinaryRows(truth, (scores >= 0.5).astype(int), scores)
    total = metrics(QualityState.total(found.states), BINARY)
    assert total == pytest.approx(sklearn_binary(rows), abs=1e-12)


def test_numbers_are_joined_too():
    predictions = [captured(f"{n}.5", event_id=f"e{n}") for n in range(50)]
    found = joined(predictions, labels_of([f"e{n},{n}\n".encode() for n in range(40)], NUMBERS), settings=NUMBERS)
    state = QualityState.total(found.states)
    assert (state.labelled, state.unlabelled) == (40, {"": 10})
    assert metrics(state, Problem(type=ProblemType.REGRESSION))["mae"] == 0.5


def test_classes_of_labels_that_no_prediction_has_are_kept():
    settings = QualitySettings(problem_type=ProblemType.MULTICLASS, prediction="0")
    predictions = [captured("cat", event_id="a"), captured("dog", event_id="b")]
    labels = [labels_of([b"a,bird\n"], settings, "x"), labels_of([b"b,dog\n"], settings, "y")]
    assert counts(joined(predictions, *labels, settings=settings)) == {"bird": {"cat": 1}, "dog": {"dog": 1}}


MILLION = 1_000_000


def million_predictions(ids, truth):
    source = np.random.default_rng(14)
    scores = 1 / (1 + np.exp(-source.normal(2 * truth - 1, 1.5)))
    for hour, rows in enumerate(np.array_split(np.arange(MILLION), 24)):
        order = rows[np.argsort(ids[rows])]
        yield PredictionPart(
            key=f"{hour:02}",
            requests=len(rows),
            without_inference_id=0,
            skipped={},
            ids=ids[order].tobytes(),
            rows=np.zeros(len(rows), "<u4").tobytes(),
            request_rows=np.ones(len(rows), "<u4").tobytes(),
            times=np.full(len(rows), hour * 3600, "<u4").tobytes(),
            values=Values(classes=("0", "1"), content=(scores[order] >= 0.5).astype("u1").tobytes()),
            scores=scores[order].tobytes(),
        )


def million_labels(ids, truth):
    source = np.random.default_rng(15)
    for place, rows in enumerate(np.array_split(source.permutation(MILLION), 1000)):
        order = rows[np.argsort(ids[rows])]
        yield LabelPart(
            key=f"{place}",
            last_modified=NOON + timedelta(hours=place),
            rejected={},
            ids=ids[order].tobytes(),
            rows=np.zeros(len(rows), "<u4").tobytes(),
            request_rows=np.ones(len(rows), "<u4").tobytes(),
            values=Values(classes=("0", "1"), content=truth[order].astype("u1").tobytes()),
        )


def test_a_million_predictions_and_their_labels_in_a_thousand_files_are_joined_in_bounded_memory():
    source = np.random.default_rng(13)
    ids = source.permutation(MILLION).astype("<u8") * np.uint64(0x9E3779B97F4A7C15)
    truth = source.integers(0, 2, MILLION)
    predictions = list(million_predictions(ids, truth))
    tracemalloc.start()
    try:
        found = join(predictions, million_labels(ids, truth), SCORED)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300e6
    state = QualityState.total(found.states)
    assert (state.labelled, state.predictions, len(found.blocks)) == (MILLION, MILLION, 24)
    assert (found.labels, found.unknown_ids, found.repeated_labels) == (MILLION, 0, 0)
    assert state.confusion.labelled("1") == int(truth.sum())
