"""Which settings labelled captures suggest."""

import pytest

from chalicelib.errors import UnreadableFile
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.quality.suggestion import LabelledRow, suggested_settings


def rows(names, *cells_and_labels):
    return [LabelledRow(tuple(names), list(cells), label) for *cells, label in cells_and_labels]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rows([""], ("0.9", "1"), ("0.2", "0"), ("0.8", "1")), {"score": "0"}),
        (rows(["", ""], ("1", "0.9", "1"), ("0", "0.2", "0")), {"prediction": "0", "score": "1"}),
        (rows(["score", "label"], ("0.9", "1", "1"), ("0.2", "0", "0")), {"prediction": "label", "score": "score"}),
        (rows(["noise", "p"], ("0.5", "0.9", "1"), ("0.5", "0.2", "0")), {"score": "p"}),
        (rows(["p"], ("0.9", "yes"), ("0.2", "no")), {"score": "p", "classes": ("no", "yes")}),
        (rows([""], ("1", "1"), ("0", "1")), {"prediction": "0"}),
    ],
)
def test_binary(found, expected):
    assert suggested_settings(found) == QualitySettings(problem_type=ProblemType.BINARY, **expected)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rows(["", ""], ("a", "x", "a"), ("b", "x", "c"), ("b", "x", "b")), {"prediction": "0"}),
        (
            rows(
                ["y", "p.0", "p.1", "p.2"],
                ("?", "0.5", "0.2", "0.3", "a"),
                ("?", "0", "1", "0", "b"),
                ("?", "0", "0", "1", "c"),
            ),
            {"score": "p", "classes": ("a", "b", "c")},
        ),
        (
            rows(["", "", ""], ("0.5", "0.2", "0.3", "7"), ("0", "1", "0", "8"), ("0", "0.25", "0.75", "9")),
            {"score": "0", "classes": ("7", "8", "9")},
        ),
    ],
)
def test_multiclass(found, expected):
    assert suggested_settings(found) == QualitySettings(problem_type=ProblemType.MULTICLASS, **expected)


def test_regression_takes_the_closest_output():
    found = rows(
        ["lower", "price", "unit"], ("1", "2.4", "EUR", "2.5"), ("3", "4.4", "EUR", "4.5"), ("5", "6.1", "EUR", "6")
    )
    assert suggested_settings(found) == QualitySettings(problem_type=ProblemType.REGRESSION, prediction="price")


def test_the_problem_type_of_a_baseline_wins_over_that_of_the_labels():
    found = rows([""], ("0.9", "1"), ("0.2", "0"))
    assert suggested_settings(found, ProblemType.REGRESSION).problem_type == ProblemType.REGRESSION
    assert suggested_settings(found, label="truth").label == "truth"


@pytest.mark.parametrize(
    "found",
    [
        rows([""], ("x", "1"), ("y", "0")),
        rows([""], ("x", "a"), ("y", "b"), ("z", "c")),
        rows([""], ("x", "1.5"), ("y", "2.5"), ("z", "3.5")),
        rows([], ("1",), ("0",)),
    ],
)
def test_outputs_that_are_no_predictions_suggest_nothing(found):
    with pytest.raises(UnreadableFile, match="no output looks like the prediction of a"):
        suggested_settings(found)
