"""The checks on the cells of one column: their values, their sentences, and what makes each severe."""

import json

import pytest

from chalicelib.constraints.column_checks import column_checks
from chalicelib.constraints.constraints import FeatureConstraints, Monitoring
from chalicelib.constraints.files import write_violations
from chalicelib.constraints.measurement import Measurement
from chalicelib.statistics.column import ColumnStatistics


def checks(cells, document, critical=False, **monitoring) -> list[Measurement]:
    feature = FeatureConstraints({"name": "x", "inferred_type": "String", **document})
    return list(column_checks(feature, ColumnStatistics.of(cells), Monitoring(**monitoring), critical=critical))


def measured(check: str, kind: str = "hard", **values) -> Measurement:
    return Measurement(feature="x", check=check, kind=kind, **values)


# --- the type ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("critical", "severity"), [(False, "warning"), (True, "critical")])
def test_a_type_below_its_threshold_is_said(critical, severity):
    assert checks(
        ["7"] * 95 + ["x"] * 5, {"inferred_type": "Integral"}, critical, datatype_check_threshold=0.96875
    ) == [
        measured(
            "data_type_check",
            expected="Integral",
            observed="95.0% Integral",
            value=0.95,
            threshold=0.96875,
            violated=True,
            severity=severity,
            description="Data type match requirement is not met. Expected data type: Integral, "
            "Expected match: 96.875%. Observed: Only 95.0% of data is Integral.",
        )
    ]


def test_a_type_at_its_threshold_is_not_violated():
    (found,) = checks(["7", "x"] * 50, {"inferred_type": "Integral"}, datatype_check_threshold=0.5)
    assert (found.value, found.violated, found.description) == (0.5, False, "")


def test_a_share_that_would_read_like_its_threshold_gets_more_digits():
    (found,) = checks(["7"] * 9498 + ["x"] * 502, {"inferred_type": "Integral"}, datatype_check_threshold=0.95)
    assert found.observed == "94.98% Integral"


@pytest.mark.parametrize(
    ("expected", "cells", "severity"),
    [
        ("Integral", ["7"] * 90 + ["x"] * 5 + ["true"] * 3 + ["1.5"] * 2, "critical"),  # none of them is a whole number
        ("Integral", ["7"] * 91 + ["x"] * 5 + ["true"] * 3 + ["1.5"], "warning"),
        ("Integral", ["7"] * 199 + ["x"], "information"),
        ("Fractional", ["1.5"] * 80 + ["7"] * 11 + ["x"] * 5 + ["true"] * 4, "warning"),
        ("Fractional", ["1.5"] * 80 + ["7"] * 10 + ["x"] * 5 + ["true"] * 5, "critical"),
        ("Fractional", ["7"] * 100, "critical"),  # none has the expected form
        ("String", ["x"] * 10 + ["7"] * 90, "information"),  # a number is also a text
        ("String", ["7"] * 100, "critical"),
        ("Integral", ["7"] * 80 + ["x"] * 8 + [None] * 100, "warning"),  # missing cells count for completeness alone
    ],
)
def test_cells_that_can_be_read_as_the_expected_type_do_not_make_it_severe(expected, cells, severity):
    (found,) = checks(cells, {"inferred_type": expected})
    assert (found.violated, found.severity) == (True, severity)


@pytest.mark.parametrize(("cells", "expected"), [([None] * 5, "Integral"), (["7"] * 5, "Unknown")])
def test_without_values_and_without_a_known_type_nothing_is_evaluated(cells, expected):
    assert checks(cells, {"inferred_type": expected}, datatype_check_threshold=0.9) == [
        measured(
            "data_type_check",
            expected=expected,
            observed="no values",
            value=None,
            threshold=0.9,
            violated=False,
            evaluated=False,
        )
    ]


# --- completeness -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("completeness", "missing", "kind", "expected", "severity"),
    [
        (1.0, 25, "hard", "100.0% present", "warning"),
        (1.0, 50, "hard", "100.0% present", "critical"),
        (0.75, 50, "drift", "75.0% present", "information"),  # 24 % are proven missing, 25 % are as ever
        (0.75, 75, "drift", "75.0% present", "warning"),
        (0.75, 95, "drift", "75.0% present", "critical"),
    ],
)
def test_missing_cells_are_severe_by_what_is_proven_beyond_the_baseline(
    completeness, missing, kind, expected, severity
):
    share = (100 - missing) / 100
    assert checks(["a"] * (100 - missing) + [None] * missing, {"completeness": completeness})[1:] == [
        measured(
            "completeness_check",
            kind,
            expected=expected,
            observed=f"{share:.1%} present",
            value=share,
            threshold=completeness,
            violated=True,
            severity=severity,
            description=f"Data completeness requirement is not met. Expected: {completeness:.1%}. "
            f"Observed: Only {share:.1%}.",
        )
    ]


def test_one_missing_cell_in_a_critical_feature_is_critical():
    assert checks(["a"] * 999 + [None], {"completeness": 1.0}, critical=True)[1].severity == "critical"


def test_completeness_at_its_rule_is_not_violated_and_without_one_not_measured():
    (_, found) = checks(["a", None], {"completeness": 0.5})
    assert (found.violated, found.value, found.description) == (False, 0.5, "")
    for cells, document in ((["a", None], {}), ([], {"completeness": 1.0})):
        assert [one.check for one in checks(cells, document)] == ["data_type_check"]


def test_a_completeness_that_would_read_like_its_rule_gets_more_digits():
    assert checks(["a"] * 9498 + [None] * 502, {"completeness": 0.95})[1].observed == "94.98% present"


BLANKS = ["", " ", "\t", "\u3000\n", "\xa0"]


def completeness(cells, expected: float, baseline=None, **more) -> Measurement:
    feature = FeatureConstraints({"name": "x", "inferred_type": "String", "completeness": expected})
    before = None if baseline is None else ColumnStatistics.of(baseline)
    found = column_checks(feature, ColumnStatistics.of(cells), Monitoring(), before, critical=False, **more)
    return next(one for one in found if one.check == "completeness_check")


def test_blank_texts_count_as_missing_and_violate_nothing_of_model_monitors():
    found = completeness(["a"] * 1500 + BLANKS * 100, 1.0, ["a"] * 100)
    assert (found.violated, found.severity, found.kind) == (True, "critical", "hard")
    assert (found.observed, found.value, found.threshold) == ("75.0% present, 25.0% blank", 0.75, 1.0)
    assert found.description == ""
    assert json.loads(write_violations([found])) == {"violations": []}


def test_blank_and_missing_texts_are_added_and_the_file_says_the_missing_ones():
    found = completeness(["a"] * 500 + [""] * 250 + [None] * 250, 1.0)
    assert (found.observed, found.value) == ("50.0% present, 25.0% blank", 0.5)
    (entry,) = json.loads(write_violations([found]))["violations"]
    assert entry["description"] == ("Data completeness requirement is not met. Expected: 100.0%. Observed: Only 75.0%.")


@pytest.mark.parametrize(
    ("cells", "violated", "severity"),
    [
        (["a"] * 700 + [""] * 300, False, "information"),  # as in the baseline
        (["a"] * 900 + [""] * 100, False, "information"),
        (["a"] * 650 + [""] * 350, True, "information"),  # by chance
        (["a"] * 200 + [""] * 800, True, "critical"),
        ([""] * 1000, True, "critical"),
    ],
)
def test_texts_that_were_blank_in_the_baseline_may_be_again(cells, violated, severity):
    found = completeness(cells, 1.0, ["a"] * 70 + [" "] * 30)
    assert (found.violated, found.severity, found.kind) == (violated, severity, "drift")


def test_missing_cells_violate_the_files_rule_even_where_the_baseline_had_as_many_blank_ones():
    found = completeness(["a"] * 800 + [None] * 200, 1.0, ["a"] * 70 + [""] * 30)
    assert (found.violated, found.severity, found.observed) == (True, "critical", "80.0% present")
    assert found.description


def test_a_null_that_becomes_a_blank_is_missing_as_before():
    found = completeness(["a"] * 750 + [""] * 250, 0.75, ["a"] * 75 + [None] * 25)
    assert (found.violated, found.description) == (False, "")


@pytest.mark.parametrize("cells", [["0"] * 30, ["-"] * 30, ["\u200b"] * 30, ["false"] * 30, ["a b"] * 30])
def test_short_and_strange_texts_are_not_blank(cells):
    assert not completeness(cells, 1.0).violated


def test_blank_cells_of_a_private_column_are_counted():
    feature = FeatureConstraints({"name": "x", "inferred_type": "String", "completeness": 1.0})
    column = ColumnStatistics.of(["a", ""] * 500).without_values()
    found = list(column_checks(feature, column, Monitoring(), critical=False))
    assert [one.observed for one in found if one.violated] == ["50.0% present, 50.0% blank"]


# --- known values -----------------------------------------------------------------------------------------------------

COLOURS = {"string_constraints": {"domains": ["red", "blue", "red"]}}
WORDS = [f"w{i}" for i in range(121)]  # one more than are counted


@pytest.mark.parametrize(
    ("unknown", "critical", "severity"),
    [(10, False, "information"), (25, False, "warning"), (50, False, "critical"), (10, True, "critical")],
)
def test_unknown_values_are_said_with_the_share_of_the_known_ones(unknown, critical, severity):
    cells = ["red"] * (90 - unknown) + ["blue"] * 10 + ["pink"] * unknown + [None] * 100
    share = (100 - unknown) / 100
    assert checks(cells, COLOURS, critical, domain_content_threshold=0.95)[1:] == [
        measured(
            "categorical_values_check",
            expected="95.0% of 3 known values",
            observed=f"{share:.1%} known values",
            value=share,
            threshold=0.95,
            violated=True,
            severity=severity,
            description=f"Value: {share} does not meet the constraint requirement! ",
        )
    ]


def test_known_values_at_their_threshold_are_not_violated():
    (_, found) = checks(["red", "pink"] * 50, COLOURS, domain_content_threshold=0.5)
    assert (found.value, found.violated, found.evaluated, found.description) == (0.5, False, True, "")


def test_a_share_of_known_values_that_would_read_like_its_threshold_gets_more_digits():
    (_, found) = checks(["red"] * 9498 + ["pink"] * 502, COLOURS, domain_content_threshold=0.95)
    assert found.observed == "94.98% known values"


@pytest.mark.parametrize(
    ("threshold", "expected", "violated", "description"),
    [
        (1.0, "100.0% of 3 known values", True, "Value: 0.0 does not meet the constraint requirement! "),
        (0.9, "90.0% of 3 known values", False, ""),
    ],
)
def test_more_values_than_can_be_counted_violate_only_a_rule_that_all_be_known(
    threshold, expected, violated, description
):
    (_, found) = checks(WORDS, COLOURS, domain_content_threshold=threshold)
    distinct = ColumnStatistics.of(WORDS).categories.distinct
    assert found == measured(
        "categorical_values_check",
        expected=expected,
        observed=f"about {distinct} distinct values",
        value=None,
        threshold=threshold,
        violated=violated,
        evaluated=violated,
        severity="critical",
        description=description,
    )


@pytest.mark.parametrize(("cells", "document"), [(["pink"], {}), ([None], COLOURS)])
def test_without_a_domain_or_a_value_known_values_are_not_measured(cells, document):
    assert [one.check for one in checks(cells, document)] == ["data_type_check"]
