"""What the days of an endpoint look like, learned from days that are drawn."""

from datetime import date, timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from chalicelib import records
from chalicelib.constraints.reference_days import (
    FULL_DAYS,
    MAX_VARIATION,
    MINIMUM_DAYS,
    Day,
    DayType,
    FeatureReference,
    Reference,
    learned,
    needed_since,
    recent_days,
)
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.lexical import TypeCounts

MONDAY = date(2026, 3, 2)
TODAY = MONDAY + timedelta(days=28)
TYPES = {"x": "Fractional", "y": "Fractional", "colour": "String"}


def numbers(mean: float, seed: int, rows: int = 1_000) -> ColumnStatistics:
    values = np.random.default_rng(seed).normal(mean, 1, rows)
    return ColumnStatistics(types=TypeCounts(fractional=rows), distribution=Distribution.of(values))


def colours(red: float, rows: int = 1_000) -> ColumnStatistics:
    return ColumnStatistics.of_counts({"red": round(red * rows), "blue": rows - round(red * rows)}, 0)


def drawn(
    count: int, mean=lambda day: 0.0, version=lambda day: "1", first: date = MONDAY, rows: int = 1_000
) -> list[Day]:
    days = [first + timedelta(days=number) for number in range(count)]
    return [
        Day(
            day,
            version(day),
            {
                "x": numbers(mean(day), day.toordinal(), rows),
                "y": numbers(0.0, day.toordinal() + 1, rows),
                "colour": colours(0.5, rows),
            },
        )
        for day in days
    ]


def lived(days: list[Day]) -> Reference:
    """What is known after each of the days was evaluated."""
    reference = Reference()
    for number, day in enumerate(days):
        reference = learned(reference, days[:number], TYPES, day.date)
    return reference


def weekend_effect(day: date) -> float:
    return 0.8 if day.weekday() >= 5 else 0.0


def after(days: list[Day]) -> date:
    return days[-1].date + timedelta(days=1)


@pytest.mark.parametrize(
    ("count", "missing", "known", "complete"),
    [
        (0, 14, False, False),
        (13, 1, False, False),
        (14, 0, True, False),
        (27, 0, True, False),
        (28, 0, True, True),
        (40, 0, True, True),
    ],
)
def test_days_are_taken_in_until_there_are_enough(count, missing, known, complete):
    days = drawn(count)
    found = learned(Reference(), days, TYPES, TODAY).features["x"]
    assert (found.missing_days, found.variation is not None, found.is_complete(TODAY)) == (missing, known, complete)
    assert len(found.days) == min(count, FULL_DAYS)


def test_a_complete_reference_stays_as_it_is():
    days = drawn(28)
    before = learned(Reference(), days, TYPES, after(days))
    moved = drawn(20, mean=lambda day: 5.0, first=after(days))
    assert needed_since(before, TYPES, after(moved)) is None
    assert learned(before, moved, TYPES, after(moved)) == before


def test_a_day_with_few_values_or_free_text_is_no_reference_day():
    few = drawn(28, rows=99)
    assert learned(Reference(), few, TYPES, after(few)).features["x"].days == ()
    texts = [
        day._replace(columns={"colour": ColumnStatistics.of([f"text {i}" for i in range(200)])}) for day in drawn(28)
    ]
    found = learned(Reference(), texts, TYPES, after(texts)).features
    assert (found["colour"].days, found["x"].days) == ((), ())


@pytest.mark.parametrize(
    ("effect", "weekend"),
    [
        (lambda day: 0.0, ()),
        (weekend_effect, (5, 6)),
        (lambda day: 0.8 * (day.weekday() in (4, 5)), (4, 5)),
        (lambda day: 0.8 * (day.weekday() == 6), (6,)),
    ],
)
def test_the_weekend_is_found_from_the_days(effect, weekend):
    days = drawn(28, mean=effect)
    reference = learned(Reference(), days, TYPES, after(days))
    assert reference.weekend == weekend
    assert set(reference.features["x"].columns) == (
        {DayType.WORKING, DayType.WEEKEND} if weekend else {DayType.WORKING}
    )
    assert reference.features["x"].variation < 0.1


def test_a_person_can_set_the_weekend():
    days = drawn(28, mean=weekend_effect)
    reference = learned(Reference(), days, TYPES, after(days), weekend=())
    assert reference.weekend == ()
    assert reference.features["x"].variation > 0.2  # all days together: they differ


def test_a_holiday_among_the_reference_days_counts_as_a_weekend_day():
    holiday = date(2026, 3, 11)
    days = drawn(28, mean=lambda day: 0.8 if day == holiday else weekend_effect(day))
    reference = learned(Reference(), days, TYPES, after(days))
    assert reference.features["x"].columns[DayType.WEEKEND].types.present == 9_000
    assert reference.features["x"].variation < 0.1


def test_days_that_differ_widen_the_threshold_of_their_feature():
    effects = np.random.default_rng(1).normal(0, 0.6, 60)
    days = drawn(28, mean=lambda day: effects[day.toordinal() % 60])
    features = learned(Reference(), days, TYPES, after(days)).features
    assert 0.15 < features["x"].variation < MAX_VARIATION
    assert features["x"].variation > 2 * features["y"].variation
    assert not features["x"].varies_too_much


def test_the_range_of_the_days_own_distances_lies_within_their_threshold():
    days = drawn(28, mean=lambda day: 0.3 * (day.day % 3))
    found = learned(Reference(), days, TYPES, after(days)).features["x"]
    smallest, largest = found.day_distances
    assert 0 <= smallest < largest
    assert smallest < found.variation
    assert largest > 0.05
    assert records.read(Reference, records.write(Reference(features={"x": found})), "x").features["x"] == found
    assert learned(Reference(), days[:13], TYPES, days[13].date).features["x"].day_distances is None


def test_days_that_have_nothing_in_common_evaluate_nothing():
    days = drawn(28, mean=lambda day: 5.0 * (day.toordinal() % 4))
    assert learned(Reference(), days, TYPES, after(days)).features["x"].variation > MAX_VARIATION


def test_a_reference_that_drifts_within_itself_is_unstable():
    days = drawn(28, mean=lambda day: 0.0 if day < MONDAY + timedelta(days=14) else 1.0)
    features = learned(Reference(), days, TYPES, after(days)).features
    assert features["x"].halves > 0.3
    assert features["y"].halves < 0.05


def test_an_output_has_the_days_of_its_own_version():
    deployed = MONDAY + timedelta(days=20)
    days = drawn(28, version=lambda day: "2" if day >= deployed else "1")
    before = learned(Reference(), days[:20], TYPES, deployed, outputs={"x"}, version="1")
    assert (len(before.features["x"].days), before.features["x"].version) == (20, "1")
    assert needed_since(before, TYPES, after(days), outputs={"x"}, version="2") <= deployed
    found = learned(before, days, TYPES, after(days), outputs={"x"}, version="2").features
    assert (found["x"].days, found["x"].version) == (tuple(day.date for day in days[20:]), "2")
    assert found["y"].is_complete(after(days))


def test_a_late_revision_of_an_earlier_day_takes_no_day_away():
    days = drawn(20)
    before = learned(Reference(), days, TYPES, after(days))
    assert learned(before, days[:14], TYPES, days[14].date) == before


def test_a_feature_of_another_kind_begins_anew():
    days = drawn(28)
    before = learned(Reference(), days, {"x": "String", "y": "Fractional"}, after(days))
    assert before.features["x"].days == ()  # numbers are no categories
    assert needed_since(before, {"x": "Fractional", "y": "Fractional"}, after(days)) is not None
    found = learned(before, days, {"x": "Fractional", "y": "Fractional"}, after(days)).features
    assert (found["x"].is_complete(after(days)), found["y"]) == (True, before.features["y"])


def test_accepted_features_begin_anew():
    days = drawn(28)
    reference = learned(Reference(), days, TYPES, after(days)).restarted(date(2026, 3, 20), ["x"])
    found = learned(reference, days, TYPES, after(days)).features
    assert (found["x"].days[0], len(found["x"].days), found["y"].is_complete(after(days))) == (
        date(2026, 3, 20),
        10,
        True,
    )


def test_a_feature_that_cannot_be_compared_on_a_day_keeps_its_days():
    days = drawn(28)
    reference = learned(Reference(), days, {"x": "Fractional"}, after(days))
    found = learned(reference, days, {"y": "Fractional"}, after(days)).features
    assert (found["x"], found["y"].is_complete(after(days))) == (reference.features["x"], True)


def test_a_fault_that_begins_while_the_days_are_learned_is_no_reference():
    days = drawn(40, mean=lambda day: 1.5 if day >= MONDAY + timedelta(days=16) else 0.0)
    features = lived(days).features
    assert features["x"].days == tuple(day.date for day in days[:16])
    assert features["x"].variation < 0.1
    assert len(features["y"].days) == FULL_DAYS


def test_learning_ends_after_eight_weeks():
    days = drawn(80, mean=lambda day: 1.5 if day >= MONDAY + timedelta(days=16) else 0.0)
    reference = lived(days)
    assert reference.features["x"].days == tuple(day.date for day in days[:16])
    assert needed_since(reference, TYPES, after(days)) is None


def test_sparse_days_do_not_read_the_whole_history():
    sparse = [day for day in drawn(300) if day.date.weekday() == 0]
    reference = lived(sparse)
    assert reference.features["x"].variation is None
    assert (after(sparse) - needed_since(reference, TYPES, after(sparse))).days == 56


def test_days_that_were_learned_elsewhere_stay():
    days = drawn(20)
    taken = learned(Reference(), days[:16], TYPES, after(days)).taken_over()
    assert needed_since(taken, TYPES, after(days)) is None
    assert learned(taken, days, TYPES, after(days)) == taken
    few = learned(Reference(), days[:5], TYPES, after(days)).taken_over()
    assert few.features == {}  # they are learned from what is stored here


def test_recent_days_are_of_the_type_and_not_the_last_two():
    known = [MONDAY + timedelta(days=number) for number in range(28)]
    friday = MONDAY + timedelta(days=25)
    recent = recent_days(Reference(weekend=(5, 6)), DayType.WORKING, friday, [day for day in known if day < friday])
    assert [(friday - day).days for day in recent] == [3, 4, 7, 8, 9, 10]


def test_a_reference_is_stored_within_its_bound():
    days = drawn(28, mean=weekend_effect, rows=20_000)
    reference = learned(Reference(), days, TYPES, after(days))
    content = records.write(reference)
    assert records.read(Reference, content, "x") == reference
    assert len(content) / len(TYPES) < 40_000  # bytes a feature
    one = FeatureReference(since=MONDAY, days=tuple(day.date for day in days))
    assert replace(one, days=one.days[:MINIMUM_DAYS]).missing_days == 0
