"""What is a prediction, and why a captured row is none."""

import gzip
import json
import math
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import records
from chalicelib.quality.ids import IdHash
from chalicelib.quality.predictions import PredictionPart, prediction_part
from chalicelib.quality.settings import ProblemType, QualitySettings
from tests.quality.objects import IDS, NOON, NUMBERS, SCORED, captured, predictions_of


def found(part: PredictionPart):
    values = part.values
    named = [values.classes[code] for code in values.codes()] if values.classes else values.numbers().tolist()
    return named, np.frombuffer(part.scores).tolist()


def one(output, settings, encoding="CSV", rows=1):
    return predictions_of([captured(output, encoding=encoding, rows=rows)], settings)


@pytest.mark.parametrize(
    ("settings", "output", "encoding", "values", "scores"),
    [
        (SCORED, "0.7", "CSV", ["1"], [0.7]),
        (SCORED, "0.2", "CSV", ["0"], [0.2]),
        ({"score": "0", "threshold": 0.9}, "0.7", "CSV", ["0"], [0.7]),
        ({"score": "0", "threshold": 0.7}, "0.7", "CSV", ["1"], [0.7]),
        ({"prediction": "0", "score": "1"}, "1.0,0.7", "CSV", ["1"], [0.7]),
        ({"prediction": "0"}, "1", "CSV", ["1"], []),
        ({"prediction": "label", "score": "p"}, '{"p": 0.25, "label": 0}', "JSON", ["0"], [0.25]),
        ({"prediction": "label", "classes": ("no", "yes")}, '{"label": "yes"}', "JSON", ["yes"], []),
        ({"score": "p", "classes": ("no", "yes")}, '{"p": 0.5}', "JSON", ["yes"], [0.5]),
    ],
)
def test_predictions_of_binary_classifications(settings, output, encoding, values, scores):
    if isinstance(settings, dict):
        settings = QualitySettings(problem_type=ProblemType.BINARY, **settings)
    assert found(one(output, settings, encoding)) == (values, scores)


@pytest.mark.parametrize(
    ("settings", "output", "encoding", "values", "scores"),
    [
        ({"prediction": "0"}, "cat", "CSV", ["cat"], []),
        ({"score": "0", "classes": ("a", "b", "c")}, "0.2,0.5,0.3", "CSV", ["b"], [0.5]),
        ({"score": "p", "classes": ("a", "b")}, '{"p": [0.9, 0.1], "x": 1}', "JSON", ["a"], [0.9]),
        ({"prediction": "y", "score": "p", "classes": ("a", "b")}, '{"p": [0.9, 0.1], "y": "b"}', "JSON", ["b"], [0.9]),
    ],
)
def test_predictions_of_several_classes(settings, output, encoding, values, scores):
    settings = QualitySettings(problem_type=ProblemType.MULTICLASS, **settings)
    assert found(one(output, settings, encoding)) == (values, scores)


def test_the_prediction_of_a_regression_is_the_first_output_unless_it_is_named():
    assert found(one("1.5,9", NUMBERS)) == ([1.5], [])
    named = QualitySettings(problem_type=ProblemType.REGRESSION, prediction="1")
    assert found(one("1.5,9", named)) == ([9.0], [])


def test_each_row_of_a_request_is_a_prediction():
    part = one("0.7\n0.2\n0.9\n", SCORED, rows=3)
    order = np.frombuffer(part.rows, dtype="<u4").argsort()
    assert np.array(found(part)[0])[order].tolist() == ["1", "0", "1"]
    assert np.frombuffer(part.request_rows, dtype="<u4").tolist() == [3, 3, 3]
    assert len(set(np.frombuffer(part.ids, dtype="<u8"))) == 1


@pytest.mark.parametrize(
    ("settings", "output", "encoding", "reason"),
    [
        (SCORED, "x", "CSV", "the score is no probability"),
        (SCORED, "1.5", "CSV", "the score is no probability"),
        (SCORED, '{"p": 0.5}', "JSON", None),  # one output: its position is 0 whatever its name
        ({"score": "7"}, "0.5", "CSV", "the output has no such column"),
        ({"prediction": "0"}, "2", "CSV", "the prediction is none of the classes"),
        ({"prediction": "0"}, ",5", "CSV", "the prediction is no class"),
        ({"prediction": "0"}, "x" * 65, "CSV", "the prediction is no class"),
        (NUMBERS, "x", "CSV", "the prediction is no number"),
        (NUMBERS, "nan", "CSV", "the prediction is no number"),
    ],
)
def test_a_row_without_a_prediction_is_counted_by_its_reason(settings, output, encoding, reason):
    if isinstance(settings, dict):
        settings = QualitySettings(problem_type=ProblemType.BINARY, **settings)
    part = one(output, settings, encoding)
    assert part.skipped == ({reason: 1} if reason else {})
    assert part.count == (0 if reason else 1)


def test_a_bad_score_costs_only_the_score_where_the_prediction_has_a_column():
    settings = QualitySettings(problem_type=ProblemType.BINARY, prediction="0", score="1")
    part = predictions_of([captured("1,x"), captured("1,0.5", event_id="f")], settings)
    assert part.count == 2
    assert part.skipped == {"the score is no probability": 1}
    assert sum(map(math.isnan, np.frombuffer(part.scores))) == 1


def test_requests_without_an_id_probes_errors_and_bad_lines_are_no_predictions():
    probe = json.loads(captured("0.7"))
    probe["eventMetadata"]["customAttributes"] = ["vedette-probe"]
    error = captured('{"error": "oops"}', encoding="JSON")
    part = predictions_of([captured("0.7", event_id=""), json.dumps(probe).encode() + b"\n", error, b"{oops\n"])
    assert part.count == 0
    assert part.skipped == {"the line cannot be read": 1, "the request has no id": 1}


def test_the_inference_id_wins_over_the_event_id():
    part = predictions_of([captured("0.7", inference_id="a", event_id="e"), captured("0.7", event_id="a")])
    assert set(np.frombuffer(part.ids, dtype="<u8").tolist()) == {IDS.of("a")}
    assert (part.requests, part.without_inference_id) == (2, 1)


def test_only_hashes_of_ids_are_stored():
    part = predictions_of([captured("0.7", inference_id="customer-4711")])
    assert b"customer" not in records.write(part)
    other = prediction_part("capture", [captured("0.7", inference_id="customer-4711")], None, SCORED, IdHash(b"1" * 16))
    assert part.ids != other.ids
    with pytest.raises(ValueError, match="16 to 64 bytes"):
        IdHash(b"short")


def test_the_time_is_that_of_the_request_or_else_of_the_object():
    template = captured("0.7").replace(b"2026-11-01T12:00:00Z", b"{{time}}")
    later = NOON + timedelta(hours=5)
    assert np.frombuffer(predictions_of([template], begun=later).times, dtype="<u4") == int(later.timestamp())
    assert np.frombuffer(predictions_of([captured("0.7")], begun=later).times, dtype="<u4") == int(NOON.timestamp())
    assert np.frombuffer(predictions_of([template]).times, dtype="<u4") == 0


def test_a_part_in_gzip_is_the_same_and_survives_being_stored():
    lines = b"".join(captured(f"0.{n}", event_id=f"e{n}") for n in range(10))
    part = predictions_of([lines])
    assert prediction_part("capture", [gzip.compress(lines)], None, SCORED, IDS) == part
    assert records.read(PredictionPart, records.write(part), "x") == part


def test_more_than_a_hundred_classes_are_no_classes():
    settings = QualitySettings(problem_type=ProblemType.MULTICLASS, prediction="0")
    part = predictions_of([captured(f"c{n}", event_id=f"e{n}") for n in range(150)], settings)
    assert (part.count, part.skipped) == (100, {"too many classes": 50})


@given(st.lists(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(lambda text: captured(text))), max_size=5))
def test_no_byte_makes_it_fail(lines):
    for settings in (SCORED, NUMBERS):
        predictions_of(lines, settings)


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"problem_type": "BinaryClassification"}, "needs prediction, score or both"),
        ({"problem_type": "BinaryClassification", "score": "0", "classes": ("a",)}, "are two"),
        ({"problem_type": "BinaryClassification", "score": "0", "threshold": 2}, "between 0 and 1"),
        ({"problem_type": "MulticlassClassification", "score": "0"}, "needs classes"),
        ({"problem_type": "MulticlassClassification", "prediction": "0", "classes": ("a", "a")}, "must differ"),
        ({"problem_type": "Regression", "score": "0"}, "neither score nor classes"),
        ({"problem_type": "Regression", "label_delay_hours": 5, "label_limit_hours": 4}, "at most label_limit_hours"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings, cause):
    with pytest.raises(msgspec.ValidationError, match=cause):
        msgspec.convert(settings, QualitySettings)
