"""Model quality of an installed stage, as a person works with it: a baseline, its days, what is shown and accepted."""

from datetime import timedelta

import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.constraints import suggested_constraints
from chalicelib.quality.files import quality_statistics, write_constraints, write_statistics
from chalicelib.quality.settings import ProblemType
from chalicelib.quality.state import QualityState
from chalicelib.records import FleetEntry
from chalicelib.services import quality_monitoring
from tests.runs import run_of
from tests.services.quality_days import BAD, BINARY, DAY, GOOD, SETTINGS, capture_day, label_day, rows_of
from vedette.demo import user_actions

ENDPOINT = "fraud"
WINDOW = ("--variant", "AllTraffic", "--window")


@pytest.fixture
def folder(tmp_path):
    """A baseline as `vedette baseline --quality` writes it."""

    def written(name: str, first: int = 0):
        from datetime import UTC, datetime

        start = datetime(2025, 11, 1, tzinfo=UTC)
        state = QualityState.total(rows_of(start + number * DAY).state() for number in range(first, first + 7))
        place = tmp_path / name
        place.mkdir()
        values = quality_statistics(state, BINARY).values
        constraints = write_constraints(suggested_constraints(values, ProblemType.BINARY))
        (place / "constraints.json").write_bytes(constraints)
        (place / "statistics.json").write_bytes(write_statistics(state, BINARY))
        return place

    return written


@pytest.fixture
def watched(stage):
    stage.cloud.schedules_enabled = False
    user_actions.apply_fleet(FleetEntry(endpoint=ENDPOINT, mode="alert", quality=SETTINGS))
    return stage


def evaluate_days(stage, days: int, separation=lambda number: GOOD):
    """Let days pass with predictions and labels, and evaluate them; the day of the first one."""
    start = (stage.cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(days):
        day = rows_of(start + number * DAY, separation(number))
        capture_day(ENDPOINT, day, hours=8)
        label_day(ENDPOINT, day, start + (number + 1) * DAY + timedelta(hours=3))
    stage.cloud.turn(to=start + (days + 1) * DAY + timedelta(minutes=20))
    quality_monitoring.evaluate_due_days(run_of(ENDPOINT))
    stage.cloud.settle()
    return start


def test_a_worse_day_is_shown_replayed_and_accepted(watched, folder):
    place = folder("baseline")
    said = watched.done("constraints", "use", ENDPOINT, "--from", place, "--reason", "first", "--yes")
    assert "Stored as v1, which is now the current version of model quality." in said
    assert stage_stores().baselines.in_force(ENDPOINT) is None, "that is the baseline of captured data"
    start = evaluate_days(watched, 3, lambda number: BAD if number else GOOD)
    name = f"quality/{start + 2 * DAY:%Y-%m-%d}"
    result = watched.run("show", "violations", ENDPOINT, *WINDOW, name)
    assert result.exit_code == 1
    assert "2,400 of 2,400 predictions have a label" in result.output
    assert "recall" in result.output
    assert "auc" in watched.done("show", "statistics", ENDPOINT, *WINDOW, "quality/latest")
    replayed = watched.run("replay", ENDPOINT, *WINDOW, name, "--from", "10d")
    assert (replayed.exit_code, "3 days of model quality" in replayed.output) == (1, True), replayed.output
    assert "would have raised 1 alert" in replayed.output
    page = watched.run("report", ENDPOINT, *WINDOW, name, "-o", place / "page.html")
    assert page.exit_code == 0, page.output
    assert b"Confusion matrix" in (place / "page.html").read_bytes()
    accepted = watched.done("constraints", "accept", ENDPOINT, *WINDOW, name, "--reason", "new fraud", "--yes")
    assert "recall: LessThanThreshold" in accepted
    assert "Stored as v2" in accepted
    again = watched.run("replay", ENDPOINT, "--quality", "--from", "10d")
    assert (again.exit_code, "would have raised no alerts" in again.output) == (0, True), again.output


def test_versions_of_model_quality_are_listed_shown_and_used_again(watched, folder):
    for number, name in enumerate(("one", "two")):
        watched.done("constraints", "use", ENDPOINT, "--from", folder(name, number * 7), "--reason", name, "--yes")
    assert [one["reason"] for one in watched.answer("constraints", "versions", ENDPOINT, "--quality")] == ["two", "one"]
    assert "Current version v2: a BinaryClassification" in watched.done("constraints", "show", ENDPOINT, "--quality")
    watched.done("constraints", "use", ENDPOINT, "v1", "--quality", "--reason", "back", "--yes")
    assert stage_stores().quality_baselines.in_force(ENDPOINT).version == "v1"
    assert "no baseline version v1" in watched.refused("constraints", "use", ENDPOINT, "v1", "--reason", "x", "--yes")


def test_a_day_that_was_not_evaluated_is_said(watched):
    assert "was not evaluated on 2026-01-02" in watched.refused(
        "show", "violations", ENDPOINT, "--variant", "AllTraffic", "--window", "quality/2026-01-02"
    )


def test_the_fleet_puts_a_baseline_of_model_quality_in_force(stage, folder, tmp_path):
    place = folder("baseline")
    for file in place.iterdir():
        stage_stores().bucket.put(f"mine/{file.name}", file.read_bytes())
    toml = tmp_path / "fleet.toml"
    toml.write_text(
        f'[endpoints.{ENDPOINT}]\nmode = "alert"\n\n[endpoints.{ENDPOINT}.quality]\n'
        f'problem_type = "BinaryClassification"\nscore = "0"\nbaseline = "s3://{stage.bucket}/mine/"\n'
    )
    stage.done("apply", "-f", toml, "--yes", "--force")
    named = stage_stores().quality_baselines.in_force(ENDPOINT)
    assert (named.version, named.fleet_baseline) == ("v1", f"s3://{stage.bucket}/mine/")
    stage.done("apply", "-f", toml, "--yes", "--force")
    assert stage_stores().quality_baselines.in_force(ENDPOINT) == named
