"""Days of captured data on the AWS simulator: learned, compared, stored, and what is alerted."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.reference_days import DayType
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Execution
from chalicelib.services import monitoring, window_evaluation
from chalicelib.statistics import BASELINE_K
from chalicelib.window import DAY, Window
from tests.runs import alert_on, run_of
from tests.services.captured_days import capture_day, table_of
from tests.services.conftest import ENTRY
from vedette.demo import user_actions

ENDPOINT, VARIANT = "preferred-site", "AllTraffic"
SUDDEN, OF_FILE = "vedette_sudden_drift_check", "baseline_drift_check"


class Days:
    """The days of an endpoint that is served since the first of them, with a baseline of training data."""

    def __init__(self, world) -> None:
        world.deployed()
        world.cloud.mailbox.mails.clear()
        self.world = world
        self.first = world.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        training = replace(table_of(self.first, 0.0, BASELINE_K), names=("label", "a", "b"))
        user_actions.put_baseline_in_force(ENDPOINT, "training", suggested_constraints(training), training)

    def window(self, number: int) -> Window:
        return Window(self.first + (number + 1) * DAY, DAY)

    def evaluated(self, number: int, shift: float = 0.0, entry=ENTRY) -> Execution:
        """Capture and evaluate one day."""
        capture_day(ENDPOINT, self.window(number).start, shift)
        self.world.apply(entry)
        run, window = run_of(), self.window(number)
        keys = run.stores.parts.keys(ENDPOINT, VARIANT, window.start, window.end)
        context = monitoring.evaluation_context(run)
        made = window_evaluation.evaluate_window(context, VARIANT, window, keys, Checks.DRIFT, variant_exists=True)
        assert made is not None
        return made

    def of(self, check: str, execution: Execution) -> dict[str, bool]:
        return {one.feature: one.alertable for one in execution.measurements if one.check == check}

    @property
    def reference(self):
        return stage_stores().reference_days.get(ENDPOINT, VARIANT)

    @property
    def mails(self) -> list[str]:
        return [mail.subject for mail in self.world.cloud.mailbox.mails if mail.attributes["kind"] != "deployment"]


@pytest.fixture
def days(world):
    return Days(world)


def test_days_are_learned_and_then_a_jump_alerts_at_the_end_of_its_second_day(days):
    for number in range(14):
        made = days.evaluated(number)
        assert days.of(SUDDEN, made) == {}
        assert f"learning: {number} of 14 days" in " ".join(made.notes)
    quiet = days.evaluated(14)
    assert days.of(SUDDEN, quiet) == {"label": False, "a": False, "b": False}
    assert not [note for note in quiet.notes if "learning" in note]
    first, second = days.evaluated(15, shift=1.5), days.evaluated(16, shift=1.5)
    assert [days.of(SUDDEN, one)["a"] for one in (first, second)] == [True, True]
    assert not any(days.of(OF_FILE, first).values())  # the file keeps its rule, and alerts nobody
    assert [one.violated for one in first.measurements if (one.check, one.feature) == (OF_FILE, "a")] == [True]
    for made in (quiet, first, second):
        alert_on(made)
    (mail,) = days.mails
    assert mail.startswith(f"[warning] {ENDPOINT}: a has drifted suddenly: distance 0.")


def test_gross_drift_alerts_while_the_days_are_learned(days):
    assert days.of(OF_FILE, days.evaluated(0))["a"] is False
    assert days.of(OF_FILE, days.evaluated(1, shift=3.0))["a"] is True


def test_a_complete_reference_is_stored_once_and_not_learned_again(days):
    for number in range(29):
        days.evaluated(number)
    stored = days.reference
    assert {len(one.days) for one in stored.features.values()} == {28}
    days.world.cloud.recorder.clear()
    made = days.evaluated(29)
    assert days.reference == stored
    read = [call.parameters["Key"] for call in days.world.cloud.recorder.of("GetObject")]
    assert not [key for key in read if key.endswith("statistics.json") and key.startswith("monitoring/")]
    assert set(days.of(SUDDEN, made)) == {"label", "a", "b"}


def test_an_outside_day_reads_the_days_before_it_once(days):
    for number in range(29):
        days.evaluated(number)
    days.world.cloud.recorder.clear()
    days.evaluated(29, shift=1.5)
    read = [call.parameters["Key"] for call in days.world.cloud.recorder.of("GetObject")]
    recent = [key for key in read if key.endswith("statistics.json") and key.startswith("monitoring/")]
    assert len(recent) == len(set(recent)) == 6


def test_a_weekend_that_a_person_sets_restarts_the_types(days):
    for number in range(15):
        days.evaluated(number)
    assert days.reference.weekend == ()
    days.evaluated(15, entry=replace(ENTRY, weekend=("friday", "saturday")))
    assert days.reference.weekend == (4, 5)
    assert set(days.reference.features["a"].columns) == set(DayType)


def test_an_hour_is_no_day(days):
    capture_day(ENDPOINT, days.window(0).start)
    run, window = run_of(), Window(days.window(0).start + 12 * timedelta(hours=1), timedelta(hours=1))
    keys = run.stores.parts.keys(ENDPOINT, VARIANT, window.start, window.end)
    context = monitoring.evaluation_context(run)
    made = window_evaluation.evaluate_window(context, VARIANT, window, keys, Checks.ALL, variant_exists=True)
    assert set(days.of(OF_FILE, made)) == {"label", "a", "b"}
    assert days.reference is None


def test_damaged_statistics_of_a_day_are_left_out(days):
    first = days.evaluated(0)
    stage_stores().bucket.put(first.folder + "statistics.json", b"{}")
    days.evaluated(1)
    days.evaluated(2)
    assert {len(one.days) for one in days.reference.features.values()} == {1}


@pytest.mark.parametrize("content", [b"{", b'{"schema_version": 99}'])
def test_reference_days_that_cannot_be_read_stop_no_verdict(days, content):
    days.evaluated(0)
    key = locations.reference_days(ENDPOINT, VARIANT)
    stage_stores().bucket.put(key, content)
    made = days.evaluated(1, shift=1.5)
    assert days.of(OF_FILE, made)["a"]  # by the rule of the file
    assert [note for note in made.notes if note.startswith("the reference days cannot be read")]
    assert stage_stores().bucket.get(key) == content


def test_a_day_of_two_versions_is_no_reference_day(days):
    first = days.evaluated(0)
    moved = first.folder.replace(f"/{first.package_version}/", "/mixed/")
    content = stage_stores().bucket.get(first.folder + "statistics.json")
    stage_stores().bucket.put(moved + "statistics.json", content)
    stage_stores().bucket.delete(first.folder + "statistics.json")
    days.evaluated(1)
    days.evaluated(2)
    assert {len(one.days) for one in days.reference.features.values()} == {1}


def test_a_late_revision_changes_no_reference_day(days):
    for number in range(4):
        days.evaluated(number)
    before = days.reference
    window = days.window(1)
    capture_day(ENDPOINT, window.start.replace(minute=1), 0.0)
    run = run_of()
    keys = run.stores.parts.keys(ENDPOINT, VARIANT, window.start, window.end)
    assert len(keys) == 2
    context = monitoring.evaluation_context(run)
    made = window_evaluation.evaluate_window(context, VARIANT, window, keys, Checks.DRIFT, variant_exists=True)
    assert (made.revision, days.reference) == (2, before)
