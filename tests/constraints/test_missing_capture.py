"""A window without captured data: no traffic, chance, or a capture that has stopped."""

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Evaluation
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.missing_capture import evaluate_missing_capture, with_volume_check

NO_DATA = Evaluation(verdict="NoData", rows=0, notes=("3 requests arrived",))
AT_LEAST_100 = {"minimum_rows_per_hour": 100}


@pytest.mark.parametrize(
    ("requests", "percentage", "verdict", "notes"),
    [
        (0, 100, "NoData", ()),
        (
            1,
            100,
            "CaptureStopped",
            ("1 requests arrived and 100 % should be captured, but nothing was captured",),
        ),
        (65, 10, "NoData", ("65 requests arrived; that none was captured at 10 % may be chance",)),
        (
            66,
            10,
            "CaptureStopped",
            ("66 requests arrived and 10 % should be captured, but nothing was captured",),
        ),
    ],
)
def test_capture_has_stopped_when_sampling_cannot_explain_the_silence(requests, percentage, verdict, notes):
    assert evaluate_missing_capture(requests, percentage) == Evaluation(verdict=verdict, rows=0, notes=notes)


def volume(**rule) -> Constraints:
    return Constraints({"features": [], "volume_constraints": rule})


def test_an_empty_window_violates_a_minimum_volume_and_keeps_its_notes():
    measured = Measurement(
        feature="rows",
        check="vedette_volume_check",
        kind="hard",
        expected="at least 100.0 rows an hour",
        observed="0 rows an hour",
        value=0.0,
        threshold=100.0,
        violated=True,
        severity="warning",
        description="There were 0 rows an hour.",
    )
    assert with_volume_check(NO_DATA, volume(**AT_LEAST_100), 1.0) == Evaluation(
        verdict="Violations", rows=0, measurements=(measured,), notes=NO_DATA.notes
    )


@pytest.mark.parametrize(
    ("verdict", "rule"),
    [("NoData", {}), ("NoData", {"maximum_rows_per_hour": 5}), ("CaptureStopped", AT_LEAST_100)],
)
def test_without_a_minimum_volume_and_after_a_stop_the_evaluation_stays_as_it_is(verdict, rule):
    evaluation = Evaluation(verdict=verdict, rows=0)
    assert with_volume_check(evaluation, volume(**rule), 1.0) == evaluation
