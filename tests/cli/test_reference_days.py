"""Reference days on one's own machine: a baseline from captures of many days, and the captures of one day."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from chalicelib import records
from chalicelib.constraints.reference_days import Reference
from vedette.cli import main

FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)


def day_of_captures(folder, number: int, mean: float = 0.0, rows: int = 300) -> None:
    at = FIRST + timedelta(days=number)
    values = np.random.default_rng(number).normal(mean, 1, rows)
    lines = [
        json.dumps(
            {
                "captureData": {
                    "endpointInput": {"data": f"{value:.4f}", "encoding": "CSV", "observedContentType": "text/csv"},
                    "endpointOutput": {"data": "0.5", "encoding": "CSV", "observedContentType": "text/csv"},
                },
                "eventMetadata": {
                    "eventId": str(i),
                    "inferenceTime": f"{at + timedelta(hours=-11 + 22 * i / rows):%Y-%m-%dT%H:%M:%SZ}",
                },
                "eventVersion": "0",
            }
        )
        for i, value in enumerate(values)
    ]
    (folder / f"{number:02d}.jsonl").write_text("\n".join(lines))


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "past").mkdir()
    (tmp_path / "today").mkdir()
    return tmp_path


def baseline(folder, days: int, mean=lambda number: 0.0):
    for number in range(days):
        day_of_captures(folder / "past", number, mean(number))
    made = run("baseline", "--from-captures", folder / "past", "-o", folder / "baseline")
    assert made.exit_code == 0, made.output
    return made.output


@pytest.mark.parametrize(("days", "known"), [(13, False), (14, True), (30, True)])
def test_captures_of_fourteen_days_or_more_give_reference_days(folder, days, known):
    output = baseline(folder, days)
    file = folder / "baseline" / "reference.json"
    assert (file.exists(), "reference days" in output) == (known, known)
    if known:
        reference = records.read(Reference, file.read_bytes(), "reference.json")
        assert {len(one.days) for one in reference.features.values()} == {min(days, 28)}
        assert f"{min(days, 28)} reference days; all days are alike" in output


def test_an_unstable_feature_is_named_before_the_baseline_is_used(folder):
    output = baseline(folder, 28, mean=lambda number: float(number >= 14))
    assert "unstable: the second half of the reference days has drifted from the first: _c1 (0." in output


@pytest.mark.parametrize(("mean", "code"), [(0.0, 0), (1.5, 1)])
def test_captures_of_one_day_are_compared_with_the_reference_days(folder, mean, code):
    baseline(folder, 28, mean=lambda number: 0.2 * (number % 2))
    day_of_captures(folder / "today", 28, mean)
    found = run("evaluate", folder / "today", "--baseline", folder / "baseline", "--all")
    assert found.exit_code == code, found.output
    assert "vedette_sudden_drift_check" in found.output
    assert "no day-to-day variation" not in found.output


def test_without_reference_days_the_rule_of_the_file_decides_and_that_is_said(folder):
    baseline(folder, 5)
    day_of_captures(folder / "today", 28, 1.0)
    found = run("evaluate", folder / "today", "--baseline", folder / "baseline")
    assert found.exit_code == 1
    assert "no day-to-day variation is known (the baseline has no reference days)" in found.output.replace("\n", " ")


def test_captures_of_several_days_are_judged_by_the_rule_of_the_file(folder):
    baseline(folder, 14)
    for number in (28, 29):
        day_of_captures(folder / "today", number)
    found = run("evaluate", folder / "today", "--baseline", folder / "baseline")
    assert "(the captures are not of one day, or not of half of it)" in found.output.replace("\n", " ")


def test_damaged_reference_days_are_refused_with_their_place(folder):
    baseline(folder, 14)
    (folder / "baseline" / "reference.json").write_text("{")
    day_of_captures(folder / "today", 28)
    found = run("evaluate", folder / "today", "--baseline", folder / "baseline")
    assert (found.exit_code, "reference.json: not a Reference" in found.output) == (2, True)
