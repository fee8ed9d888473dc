"""The sentences and small words that mails and pages share."""

from datetime import timedelta

import pytest

from chalicelib.alerts import wording
from chalicelib.alerts.wording import finding_sentence
from tests.alerts.factories import NOON, violation

LONG = "x" * 100
CUT = "x" * 59 + "…"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"check": "extra_column_check", "observed": "4", "expected": "3"}, "the columns differ from the"
         " baseline: 4, expected 3"),
        ({"check": "vedette_non_negative_check", "value": None}, "b violates vedette_non_negative_check"),
        ({"check": "vedette_range_check", "value": None}, "b violates vedette_range_check"),
        ({"check": LONG}, f"b violates {CUT}"),
        ({"feature": LONG, "expected": LONG}, f"{CUT} is not {CUT} in 50.0% of 1,200 rows"),
        ({"check": "categorical_values_check", "observed": LONG}, f"b has values that the baseline does not have"
         f" ({CUT})"),
        ({"check": "no_data"}, "nothing was captured in the last window"),
        ({"check": "capture_stopped"}, "the endpoint has traffic, but nothing is captured"),
        ({"check": "monitor_failed", "observed": "no memory"}, "the evaluation failed: no memory"),
    ],
)  # fmt: skip
def test_a_violation_as_a_sentence(changes, sentence):
    assert finding_sentence(violation(**changes), 1_200) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "b is as expected again (Integral)"),
        ({"expected": ""}, "b is as expected again"),
        ({"feature": LONG, "expected": LONG}, f"{CUT} is as expected again ({CUT})"),
        ({"feature": ""}, "(a feature without a name) is as expected again (Integral)"),
        ({"check": "no_data"}, "data is captured again"),
        ({"check": "capture_stopped"}, "data is captured again"),
        ({"check": "monitor_failed"}, "the evaluation works again"),
    ],
)
def test_a_recovery_as_a_sentence(changes, sentence):
    assert finding_sentence(violation(**changes), 1_200, recovered=True) == sentence


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        ("version 2 is deployed", [], "Version 2 is deployed"),
        ("site is Failed", ["other", "site"], "site is Failed"),
        ("site is Failed", ["", "other"], "Site is Failed"),
        (f"{CUT} is missing", [LONG], f"{CUT} is missing"),
        (f"{'x' * 58}… is missing", [LONG], f"X{'x' * 57}… is missing"),
        ("", [], ""),
    ],
)
def test_a_sentence_begins_with_a_capital_unless_it_begins_with_a_name(text, names, shown):
    assert wording.capitalized(text, names) == shown


def test_numbers_have_their_nouns_and_thousands():
    assert [wording.counted(n, "row") for n in (0, 1, 2, 1_200)] == ["0 rows", "1 row", "2 rows", "1,200 rows"]
    assert [wording.and_more(n) for n in (0, 1, 1_200)] == ["", ", and 1 more", ", and 1,200 more"]


def test_a_period_names_its_second_day_only_when_it_is_another():
    assert wording.minute(NOON) == "2026-03-02 12:00"
    assert wording.period(NOON, NOON + timedelta(minutes=90)) == "2026-03-02 12:00 to 13:30 UTC"
    assert wording.period(NOON, NOON + timedelta(days=1)) == "2026-03-02 12:00 to 2026-03-03 12:00 UTC"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (-1, "0 minutes"),
        (0, "0 minutes"),
        (0.9, "0 minutes"),
        (1, "1 minute"),
        (59, "59 minutes"),
        (60, "1 hour"),
        (61, "61 minutes"),
        (119, "119 minutes"),
        (120, "2 hours"),
        (1_439, "23 hours"),
        (1_440, "1 day"),
        (1_441, "24 hours"),
        (2_879, "47 hours"),
        (2_880, "2 days"),
        (4_400, "3 days"),
    ],
)
def test_a_duration_has_the_largest_unit_that_is_exact_or_has_two(minutes, words):
    assert wording.duration(timedelta(minutes=minutes)) == words
