"""Constraints edited, compared and suggested again, as values."""

import json

import pytest

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.table import Table
from vedette.operations.constraints import EVERY_CHECK, Edit, accepted, accepted_statistics, differences, edited

BEFORE = Constraints(
    {
        "version": 0.0,
        "features": [
            {"name": "price", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"own": 1}},
            {"name": "colour", "inferred_type": "String", "string_constraints": {"domains": ["blue", "red"]}},
        ],
        "monitoring_config": {"emit_metrics": "Enabled", "datatype_check_threshold": 1.0},
        "ours": {"ticket": 7},
    }
)


def said(before, after):
    return [str(found) for found in differences(before, after)]


def test_an_edit_changes_what_it_names_and_keeps_every_other_key():
    after = edited(BEFORE, "price", Edit(inferred_type="Fractional", completeness=0.9, is_non_negative=True))
    assert said(BEFORE, after) == [
        "price: inferred_type: Integral -> Fractional",
        "price: completeness: 1.0 -> 0.9",
        "price: num_constraints.is_non_negative: none -> true",
    ]
    assert after.document["ours"] == {"ticket": 7}
    assert after.features[0].document["num_constraints"]["own"] == 1
    assert BEFORE.features[0].inferred_type == "Integral"
    assert read_constraints(write_constraints(after), "x") == after


def test_known_values_are_replaced_added_and_taken_away():
    assert edited(BEFORE, "colour", Edit(values=("green",))).features[1].domains == ("green",)
    changed = edited(BEFORE, "colour", Edit(more_values=("green", "red"), fewer_values=("blue",)))
    assert changed.features[1].domains == ("red", "green")
    assert said(BEFORE, changed) == ["colour: string_constraints.domains: more green; fewer blue"]
    assert edited(BEFORE, "colour", Edit(clear=frozenset({"values"}))).features[1].domains is None
    with pytest.raises(VedetteError, match="colour has no known value pink"):
        edited(BEFORE, "colour", Edit(fewer_values=("pink",)))


def test_a_feature_without_a_domain_gets_one():
    assert edited(BEFORE, "price", Edit(more_values=("1",))).features[0].domains == ("1",)


@pytest.mark.parametrize("spelling", ["monitoringConfigOverrides", "monitoring_config_overrides"])
@pytest.mark.parametrize("place", [None, "string_constraints", "num_constraints"])
def test_a_threshold_decides_wherever_overrides_stand_already(spelling, place):
    override = {spelling: {"comparison_threshold": 0.3, "datatype_check_threshold": 0.5}}
    feature = {"name": "x", "inferred_type": "Integral", **({place: override} if place else override)}
    before = Constraints({"features": [feature]})
    after = edited(before, "x", Edit(thresholds={"comparison_threshold": 0.7, "comparison_method": "Simple"}))
    monitoring = after.monitoring(after.features[0])
    assert (monitoring.comparison_threshold, monitoring.comparison_method) == (0.7, "Simple")
    assert monitoring.datatype_check_threshold == 0.5
    assert after.features[0].overrides["distribution_constraints"]["comparison_threshold"] == 0.7
    assert json.dumps(after.document).count("onitoring") == 1
    cleared = edited(after, "x", Edit(clear=frozenset({"thresholds"})))
    assert cleared.features[0].overrides == {}


def test_thresholds_of_all_features_stand_in_the_monitoring_config():
    after = edited(BEFORE, None, Edit(thresholds={"comparison_threshold": 0.2, "domain_content_threshold": 0.9}))
    assert after.monitoring().comparison_threshold == 0.2
    assert after.monitoring_config == {
        "emit_metrics": "Enabled",
        "datatype_check_threshold": 1.0,
        "domain_content_threshold": 0.9,
        "distribution_constraints": {"comparison_threshold": 0.2},
    }


def test_ranges_and_rows_an_hour_are_rules_that_are_evaluated():
    after = edited(BEFORE, "price", Edit(minimum=0, maximum=99.5))
    assert after.features[0].bounds == (0, 99.5)
    after = edited(after, None, Edit(minimum_rows=10, maximum_rows=1000))
    assert after.volume == (10, 1000)
    cleared = edited(edited(after, None, Edit(clear=frozenset({"volume"}))), "price", Edit(clear=frozenset({"range"})))
    assert (cleared.features[0].bounds, cleared.volume) == ((None, None), (None, None))
    assert cleared.features[0].document["num_constraints"] == {"own": 1}


@pytest.mark.parametrize(
    ("feature", "edit", "sentence"),
    [
        (None, Edit(completeness=1), "completeness: applies only to one feature."),
        ("price", Edit(minimum_rows=1), "minimum_rows: applies only to all features."),
        ("price", Edit(clear=frozenset({"volume"})), "clear volume: applies only to all features."),
        ("prise", Edit(completeness=1), "There is no feature prise in these constraints; did you mean price?"),
        ("price", Edit(thresholds={"comparison_treshold": 1}), "did you mean comparison_threshold?"),
        ("price", Edit(thresholds={"nothing": 1}), "There is no threshold nothing; there are perform_comparison"),
        ("price", Edit(thresholds={"comparison_method": "Loose"}), "invalid enum value 'Loose'"),
        ("price", Edit(thresholds={"datatype_check_threshold": 7}), "<= 1.0"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(feature, edit, sentence):
    with pytest.raises((VedetteError, UnreadableFile)) as refused:
        edited(BEFORE, feature, edit)
    assert sentence in str(refused.value)


def test_features_that_come_go_or_change_places_are_differences():
    price, colour = BEFORE.document["features"]
    size = {"name": "size", "inferred_type": "Integral"}
    assert said(BEFORE, Constraints({**BEFORE.document, "features": [price, size]})) == [
        "colour: removed",
        "size: added",
    ]
    (swapped,) = differences(BEFORE, Constraints({**BEFORE.document, "features": [colour, price]}))
    assert (swapped.rule, swapped.before) == ("order of the features", ["price", "colour"])
    assert differences(BEFORE, BEFORE) == []


def test_a_difference_shows_hostile_names_harmlessly():
    (found,) = said(Constraints({"features": []}), Constraints({"features": [{"name": "a\x1b[31m\nb"}]}))
    assert found == "a [31m b: added"


# --- the new normal ---------------------------------------------------------------------------------------------------

WINDOW = Table.of([["1.5", "green"], ["-2", None]] * 20, ("price", "colour"))


def test_a_window_is_the_new_normal_with_the_thresholds_of_before():
    after = accepted(BEFORE, WINDOW)
    price, colour = after.features
    assert (price.inferred_type, price.completeness, price.is_non_negative) == ("Fractional", 1.0, False)
    assert (colour.domains, colour.completeness) == (("green",), 0.5)
    assert price.document["num_constraints"]["own"] == 1
    assert after.monitoring_config == BEFORE.monitoring_config
    assert after.document["ours"] == {"ticket": 7}


def test_some_features_of_a_window_are_accepted_and_the_others_stay():
    after = accepted(BEFORE, WINDOW, {"price": EVERY_CHECK})
    assert after.features[1] == BEFORE.features[1]
    old = write_statistics(Table.of([["7", "red"]], ("price", "colour")))
    both = read_statistics(accepted_statistics(old, write_statistics(WINDOW), ["price"]), "x")
    assert (both.columns[0].moments.minimum, both.columns[1].categories.counts) == (-2.0, {"red": 1})
    assert accepted_statistics(old, write_statistics(WINDOW)) == write_statistics(WINDOW)


def test_statistics_of_model_monitor_with_nan_stay_readable():
    old = b'{"features": [{"name": "a", "inferred_type": "Fractional", "numerical_statistics": {"mean": NaN}}]}'
    new = write_statistics(Table.of([["1"]], ("b",)))
    assert read_statistics(accepted_statistics(old, new, ["b"]), "x").feature_names == ("a", "b")


def test_a_window_with_other_features_is_not_taken_by_mistake():
    with pytest.raises(VedetteError, match="of the current constraints differ: colour, size"):
        accepted(BEFORE, Table.of([["1", "2"]], ("price", "size")))
    with pytest.raises(VedetteError, match="The window has no feature colour"):
        accepted(BEFORE, Table.of([["1"]], ("price",)), {"colour": EVERY_CHECK})


@pytest.mark.parametrize(
    ("check", "feature", "changed"),
    [
        ("data_type_check", "price", {"inferred_type": "Fractional"}),
        ("completeness_check", "colour", {"completeness": 0.5}),
        ("vedette_non_negative_check", "price", {"num_constraints": {"is_non_negative": False}}),
        ("categorical_values_check", "colour", {"string_constraints": {"domains": ["red", "green"]}}),
        ("vedette_range_check", "price", {"num_constraints": {"minimum": -2.0, "maximum": 9}}),
        ("baseline_drift_check", "price", {}),
    ],
)
def test_only_the_rule_of_an_accepted_check_changes(check, feature, changed):
    strict = {
        "features": [
            {"name": "price", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"maximum": 9}},
            {"name": "colour", "inferred_type": "String", "completeness": 1.0},
        ]
    }
    if check == "vedette_range_check":
        strict["features"][0]["num_constraints"]["minimum"] = 0
    if check == "categorical_values_check":
        strict["features"][1]["string_constraints"] = {"domains": ["red"]}
    after = accepted(Constraints(strict), WINDOW, {feature: [check]})
    for one, before in zip(after.document["features"], strict["features"], strict=True):
        expected = {**before, **changed} if one["name"] == feature else before
        if "num_constraints" in changed and one["name"] == feature:
            expected["num_constraints"] = {**before["num_constraints"], **changed["num_constraints"]}
        assert one == expected


def test_what_a_window_suggests_for_itself_is_what_it_accepts():
    suggested = suggested_constraints(WINDOW)
    assert differences(suggested, accepted(suggested, WINDOW)) == []
