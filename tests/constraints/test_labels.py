"""Labels of a baseline against captured scores: which pairs they are, and that only these are set aside for drift."""

import json
import random

import pytest

from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_constraints, write_violations
from chalicelib.constraints.labels import labels_against_scores
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from tests.constraints.tables import summary

DRAW = random.Random(11)
SCORES = [repr(DRAW.random()) for _ in range(400)]
NOTE = "drift not evaluated for y: the baseline has labels, the captured data scores"


@pytest.mark.parametrize(
    "labels",
    [["0", "1"], ["0", "0", "1"], ["0.0", "1.0"], ["-1", "1"], ["1", "2", "3"], ["True", "False"], ["true", "false"],
     ["stays", "leaves"], ["1", "1"], [str(digit) for digit in range(10)]],
)  # fmt: skip
@pytest.mark.parametrize(
    "scores",
    [
        SCORES,
        [f"{float(score):.2f}" for score in SCORES],
        ["1.00", "0.00"] * 150 + SCORES[:100],  # a sure model, rounded
        [repr(8 * float(score) - 4) for score in SCORES],  # logits
    ],
)
def test_labels_against_scores(labels, scores):
    assert labels_against_scores(ColumnStatistics.of(labels * 50), ColumnStatistics.of(scores))


@pytest.mark.parametrize(
    ("baseline", "current"),
    [
        (["0", "1"], ["1"] * 400),  # labels
        (["0", "1"], ["0", "1", "2", "3"] * 100),
        (["0", "1"], ["0.5"] * 400),  # a constant score is news
        (["0", "1"], ["0.25", "0.75"] * 200),
        (["0", "1"], ["0", "1"] * 300 + SCORES[:20]),  # a few strays
        (["0", "1"], ["yes", "no"] * 200),
        (["0", "1"], [None] * 400),
        (["0.5", "1.5"], SCORES),  # scores of a few leaves
        ([str(i) for i in range(21)], SCORES),  # a count, not a class
        (SCORES, SCORES),
        (SCORES, ["0", "1"] * 200),
        ([f"user {i}" for i in range(200)], SCORES),
        ([None], SCORES),
    ],
)
def test_anything_else_is_compared(baseline, current):
    assert not labels_against_scores(ColumnStatistics.of(baseline * 10), ColumnStatistics.of(current))


def test_private_columns_are_no_labels():
    labels, scores = ColumnStatistics.of(["0", "1"]), ColumnStatistics.of(SCORES)
    assert not labels_against_scores(labels.without_values(), scores)
    assert not labels_against_scores(labels, scores.without_values())


@pytest.fixture
def baseline():
    """1,000 x 3: a label, a flag and a number."""
    rows = [["01"[i % 7 == 0], "01"[i % 2], str(i % 50)] for i in range(1000)]
    table = Table.of(rows, ("y", "flag", "n"), k=BASELINE_K)
    return Baseline(constraints=suggested_constraints(table), statistics=table)


def captured(output, flag="01", outputs=1):
    rows = [[output[i], flag[i % len(flag)], str(i % 50)] for i in range(400)]
    return summary(Table.of(rows, ("", "", ""), outputs))


def drift(evaluation) -> dict[str, bool]:
    return {one.feature: one.violated for one in evaluation.measurements if one.check == "baseline_drift_check"}


def test_only_the_pair_is_set_aside_and_noted(baseline):
    found = evaluate(captured(SCORES), baseline)
    assert drift(found) == {"flag": False, "n": False}
    assert NOTE in found.notes
    assert [one.check for one in found.violations] == ["data_type_check"]  # as Model Monitor
    drifted = evaluate(captured(SCORES, flag="1"), baseline)
    assert drift(drifted) == {"flag": True, "n": False}


def test_labels_against_labels_are_judged(baseline):
    found = evaluate(captured(["1"] * 400), baseline)
    assert drift(found)["y"]
    assert NOTE not in found.notes


def test_an_input_that_becomes_continuous_is_judged(baseline):
    found = evaluate(captured(["0"] * 400, flag=SCORES), baseline)
    assert drift(found)["flag"]


def test_the_note_is_that_of_evaluations_of_drift(baseline):
    assert NOTE not in evaluate(captured(SCORES), baseline, checks=Checks.HARD).notes
    assert NOTE in evaluate(captured(SCORES), baseline, checks=Checks.DRIFT).notes
    features = baseline.constraints.document["features"]
    off = {"distribution_constraints": {"perform_comparison": "Disabled"}}
    features = [{**features[0], "monitoringConfigOverrides": off}, *features[1:]]
    constraints = Constraints({**baseline.constraints.document, "features": features})
    found = evaluate(captured(SCORES), Baseline(constraints=constraints, statistics=baseline.statistics))
    assert NOTE not in found.notes


def test_the_churn_run_has_the_violations_of_model_monitor(conformance):
    folder = next(conformance.glob("pairs/P04_*"))
    churn = Baseline(
        constraints=read_constraints((folder / "constraints.json").read_bytes(), "p04"),
        statistics=read_statistics((folder / "statistics_recovered.json").read_bytes(), "p04"),
    )
    found = evaluate(CaptureSummary.total([summarize([(folder / "capture.jsonl").read_bytes()])]), churn)
    shown = json.loads((folder / "violations_shown.json").read_text())
    written = json.loads(write_violations(found.violations))["violations"]
    assert (len(written), found.rows) == (shown["count"], shown["rows"]) == (61, 1412)
    assert not any(drift(found).values())
    assert len(drift(found)) == 28  # of the 29 with statistics
    by_feature = {one["feature_name"]: (one["constraint_check_type"], one["description"]) for one in written}
    assert len(shown["shown"]) == 10
    for name, check, description in shown["shown"]:
        assert by_feature[name] == (check, description)
    assert "drift not evaluated for Churn: the baseline has labels, the captured data scores" in found.notes
