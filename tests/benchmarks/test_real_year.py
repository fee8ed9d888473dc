"""The judge of drift methods, on years small enough to know the answer."""

from collections.abc import Sequence
from datetime import date, timedelta

from benchmarks.drift_rules import (
    DATASET,
    HORIZON,
    DayFindings,
    Scores,
    by_alert_state,
    by_day,
    by_method,
    by_share,
    either,
)
from benchmarks.flights import COLUMNS, FAULTS, REFERENCE_DAYS, Day, days_under
from benchmarks.real_year import Found, a_week, factor_as_quiet_as, first_days, found, row
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.statistics.table import Table

NAMES = (*COLUMNS, *(fault.name for fault in FAULTS))
WIND = next(fault for fault in FAULTS if fault.column == "wind_speed")
TOLD = Fingerprint(check_types.DRIFT, "wind_speed")
SINCE = REFERENCE_DAYS + 10


def scores(days: int = 40, **loud: Sequence[int]) -> Scores:
    """Scores of quiet days, save for columns that are loud on some of them; the faulty wind is loud on all."""
    return [
        {name: 2.0 if name == WIND.name or number in loud.get(name, ()) else 0.5 for name in NAMES}
        for number in range(days)
    ]


def sudden(days: Sequence[DayFindings]) -> list[int]:
    return [number for number, day in enumerate(days) if day.sudden]


def test_by_day_tells_every_day_and_the_alert_state_tells_the_second_of_two_once() -> None:
    some = scores(temp=[3, 4, 5])
    assert sudden(list(by_day(some)(None, 0))) == [3, 4, 5]
    assert sudden(list(by_alert_state(some, 1)(None, 0))) == [4]
    assert sudden(list(by_alert_state(some, 2)(None, 0))) == []


def test_a_fault_is_found_on_the_first_day_on_which_it_is_told() -> None:
    for watch, days in ((by_day(scores()), 1), (by_alert_state(scores(), 1), 2)):
        quiet = list(watch(None, 0))
        assert found(watch, quiet, WIND, SINCE) == Found(days, check_types.DRIFT, sudden=True)


def test_a_fault_in_a_column_that_a_person_was_told_of_is_not_found() -> None:
    watch = by_alert_state(scores(wind_speed=range(5, 40)), 1)
    assert found(watch, list(watch(None, 0)), WIND, SINCE) is None


def test_a_row_says_where_an_alert_was_open_before_the_fault() -> None:
    days = 60 - REFERENCE_DAYS
    loud, quiet = (by_alert_state(scores(days, wind_speed=some), 1) for some in (range(days), ()))
    one = row("loud", loud, quiet, dates=3)
    assert one.open_before[WIND.name] == 2  # the first date is the day after the reference
    assert (one.told, one.from_july) == ({TOLD: 1}, 0)
    assert one.open == (days - 1) / days
    assert [row("quiet", quiet, quiet, dates=3).soon(fault) for fault in (WIND.name, "distance in km")] == [3, 0]


def test_one_faulty_column_is_not_half_of_them() -> None:
    watch = by_share(scores(**{name: [7] for name in COLUMNS[:6]}))
    quiet = list(watch(None, 0))
    assert quiet[7].sudden == {DATASET}
    assert found(watch, quiet, WIND, SINCE) is None


def test_either_tells_what_one_of_them_tells() -> None:
    together = either(by_day(scores(temp=[3])), by_day(scores(visib=[3, 8])))(None, 0)
    assert sudden(list(together)) == [3, 8]


def test_thresholds_are_raised_until_a_rule_is_quiet_enough() -> None:
    some = scores(temp=[3, 4], visib=[20, 21])
    loud = a_week([day.sudden for day in by_alert_state(some, 1)(None, 0)])
    assert factor_as_quiet_as(loud, some) == 1
    assert 2 <= factor_as_quiet_as(0, some) < 2 * 1.05


def test_faults_begin_after_the_reference_and_leave_the_days_in_which_they_may_be_found() -> None:
    begins = first_days(365, 20)
    assert begins[0] == REFERENCE_DAYS
    assert begins[-1] == 365 - HORIZON
    assert begins == sorted(set(begins))


def test_a_method_sees_the_faulty_column_from_the_day_on_and_nothing_of_the_days_after_the_horizon() -> None:
    table = Table.of([["2" if name == WIND.name else "1" for name in NAMES]], NAMES, outputs=1)
    days = [Day(date(2013, 1, 1) + timedelta(number), table, (table,)) for number in range(60)]
    winds = [day.table.columns[COLUMNS.index("wind_speed")].moments.mean for day in days_under(days, WIND, SINCE)]
    assert winds == [1.0] * SINCE + [2.0] * (60 - SINCE)

    def method(seen: Sequence[Day], reference: int):
        for day in seen[reference:]:
            assert day.table.names == COLUMNS
            mean = day.table.columns[COLUMNS.index("wind_speed")].moments.mean
            yield DayFindings(slow=frozenset([TOLD] if mean == 2 else []))

    watch = by_method(method, days)
    quiet = list(watch(None, 0))
    assert found(watch, quiet, WIND, SINCE) == Found(1, check_types.DRIFT, sudden=False)
    assert len(list(watch(WIND, SINCE))) == SINCE + HORIZON - REFERENCE_DAYS
