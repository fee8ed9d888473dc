"""The checks on the cells of one column: their values, their sentences, and what makes each severe."""

import pytest

from chalicelib.constraints.column_checks import column_checks
from chalicelib.constraints.constraints import FeatureConstraints, Monitoring
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
