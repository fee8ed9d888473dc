"""Days of predictions are evaluated when their labels are ripe: once, and once more at the limit."""

import json
import math
from datetime import timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.joined import Joined
from chalicelib.quality.metrics import Problem, metrics
from chalicelib.quality.state import QualityState
from chalicelib.records import Deployment, DeploymentState, FleetEntry, QualityCheckpoint
from chalicelib.services import quality_monitoring
from chalicelib.window import Window
from tests.quality.tables import sklearn_binary
from tests.runs import run_of_entry
from tests.services.quality_days import BAD, DAY, SETTINGS, capture_day, label_day, put_baseline, rows_of
from vedette.local.errors import Crash

ENDPOINT = "fraud"
ENTRY = FleetEntry(endpoint=ENDPOINT, mode="alert", quality=SETTINGS)


class Stage:
    """An endpoint whose predictions and labels are stored directly, and a clock that jumps from look to look."""

    def __init__(self, world) -> None:
        self.world, self.cloud = world, world.cloud
        world.apply(ENTRY)
        world.cloud.schedules_enabled = False
        self.start = (world.cloud.clock.now() + DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        self.days = {}

    def captured(self, number: int, separation: float = 3.0, **options):
        """Predictions of a day, from `start` on."""
        self.days[number] = rows_of(self.start + number * DAY, separation)
        capture_day(ENDPOINT, self.days[number], **options)
        return self.days[number]

    def labelled(self, number: int, hours: float = 6, chosen=None, name: str = "a") -> None:
        """Labels of a day, written so many hours after it."""
        at = self.start + (number + 1) * DAY + timedelta(hours=hours)
        label_day(ENDPOINT, self.days[number], at, chosen, name)

    def at(self, days: float, minutes: int = 20):
        """Let the time be so many days and twenty minutes after the start, and make the looks that are due."""
        self.cloud.turn(to=self.start + timedelta(days=days, minutes=minutes))
        done = quality_monitoring.evaluate_due_days(run_of_entry(ENTRY))
        self.cloud.settle()
        return done

    def stored(self, number: int):
        window = Window(self.start + number * DAY, DAY)
        return stage_stores().executions.latest_of_window(ENDPOINT, "AllTraffic", window, of_quality=True)

    def file(self, number: int, name: str) -> bytes:
        return stage_stores().executions.get_file(self.stored(number), name)

    @property
    def mails(self):
        return [mail for mail in self.cloud.mailbox.mails if mail.attributes["kind"] != "endpoint gone"]


@pytest.fixture
def stage(world):
    made = Stage(world)
    put_baseline(ENDPOINT, made.start)
    return made


def test_a_day_is_evaluated_once_its_labels_are_ripe_and_once_more_at_the_limit(stage):
    day = stage.captured(0)
    half = np.arange(len(day.ids)) % 2 == 0
    stage.labelled(0, 6, half)
    assert stage.at(1.5).executions == ()
    [first] = stage.at(2).executions
    assert (first.labels.labelled, first.labels.predictions, first.labels.is_final) == (1200, 2400, False)
    assert stage.at(2.1).executions == ()
    stage.labelled(0, 40, ~half, "b")
    assert stage.at(3).executions == ()
    [final] = stage.at(4).executions
    assert (final.revision, final.labels.labelled, final.labels.is_final) == (2, 2400, True)
    assert (final.labels.labelled_at_delay, final.verdict) == (1200, stage.stored(0).verdict)
    assert stage.at(30).executions == ()


def test_the_files_have_the_metrics_of_scikit_learn_and_what_the_rule_of_the_file_says(stage):
    day = stage.captured(0)
    stage.labelled(0)
    stage.at(2)
    document = json.loads(stage.file(0, "statistics.json"))["binary_classification_metrics"]
    for name, value in sklearn_binary(day).items():
        assert document[name]["value"] == pytest.approx(value, abs=1e-12), name
    constraints = json.loads(_baseline_constraints())["binary_classification_constraints"]
    violated = {one["metric_name"] for one in json.loads(stage.file(0, "constraint_violations.json"))["violations"]}
    below = {
        name
        for name, limit in constraints.items()
        if (limit["comparison_operator"] == "LessThanThreshold") == (document[name]["value"] < limit["threshold"])
        and document[name]["value"] != limit["threshold"]
    }
    assert violated == {quality_name(name) for name in below}
    joined = stage_stores().bucket.get_record(Joined, stage.stored(0).folder + "joined.json")
    assert metrics(QualityState.total(joined.states), Problem.of(SETTINGS)) == {
        name: one["value"] for name, one in document.items() if "value" in one
    }
    assert b"Confusion matrix" in stage.file(0, "report.html")


def quality_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _baseline_constraints() -> bytes:
    return stage_stores().bucket.get(locations.baseline("fraud.quality", "v1") + "constraints.json")


def test_a_worse_model_is_one_alert_with_its_page_and_a_better_one_ends_it(stage):
    for number in range(8):
        stage.captured(number, BAD if 2 <= number < 5 else 3.0)
        stage.labelled(number)
    for number in range(8):
        stage.at(number + 2)
    alerts = [mail for mail in stage.mails if mail.attributes["kind"] in {"violations", "recovered"}]
    kinds = [mail.attributes["kind"] for mail in alerts]
    assert kinds[0] == "violations"
    assert set(kinds[1:]) == {"recovered"}, "metrics may recover on different days"
    text = " ".join(alerts[0].text.split())
    assert "expected at least" in text
    assert "vedette show violations fraud --variant AllTraffic --window quality/" in text
    assert "Check that the labels are right" in text
    page = stage.file(3, "report.html").decode()
    assert alerts[0].subject.split(": ", 1)[1].split(", and")[0][:40] in page
    assert "ROC" in page


def test_labels_that_stop_are_an_alert_of_their_own(stage):
    for number in range(6):
        stage.captured(number)
        if number < 3:
            stage.labelled(number)
        stage.at(number + 2)
    assert [stage.stored(number).verdict for number in range(3, 5)] == ["LabelsStopped"] * 2
    assert [mail.attributes["kind"] for mail in stage.mails if "label" in mail.attributes["kind"]] == ["labels stopped"]


def test_labels_of_frauds_alone_give_no_verdict_until_the_limit(stage):
    day = stage.captured(0)
    random = np.random.default_rng(1)
    known = np.where(day.labels == 1, random.uniform(size=len(day.ids)) < 0.9, random.uniform(size=len(day.ids)) < 0.02)
    stage.labelled(0, 6, known)
    [first] = stage.at(2).executions
    assert (first.verdict, first.measurements) == ("SelectiveLabels", ())
    assert b"Which predictions have a label" in stage.file(0, "report.html")
    stage.labelled(0, 60, ~known, "b")
    [final] = stage.at(4).executions
    assert final.verdict in {"OK", "Violations"}
    assert final.rows == len(day.ids)


def test_labels_that_were_written_in_time_and_read_late_make_a_new_revision(stage):
    day = stage.captured(0)
    half = np.arange(len(day.ids)) % 2 == 0
    stage.labelled(0, 6, half)
    stage.at(2)
    stage.labelled(0, 8, ~half, "b")
    at = stage.start + DAY + timedelta(hours=8)
    run_of_entry(ENTRY).quality_parts.record_late_labels(ENDPOINT, at)
    [again] = stage.at(2.5).executions
    assert (again.revision, again.labels.labelled, again.labels.is_final) == (2, 2400, False)
    assert not run_of_entry(ENTRY).quality_parts.late(ENDPOINT).is_pending
    assert stage.at(2.6).executions == ()


def test_a_day_on_which_two_versions_answered_is_evaluated_at_both_looks_with_a_note(stage):
    package = f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{ENDPOINT}/"
    replaced_at = stage.start + timedelta(hours=12)
    deployment = Deployment(
        endpoint=ENDPOINT,
        package_arn=f"{package}2",
        package_version="2",
        config="second",
        previous_config="first",
        previous_package_arn=f"{package}1",
        requested_at=replaced_at,
        settled_at=replaced_at + timedelta(minutes=5),
        state=DeploymentState.VERIFIED,
        begun=True,
    )
    stage_stores().deployments.put_history(deployment)
    day = stage.captured(0)
    half = np.arange(len(day.ids)) % 2 == 0
    stage.labelled(0, 6, half)
    [first] = stage.at(2).executions
    stage.labelled(0, 40, ~half, "b")
    [final] = stage.at(4).executions
    note = "mixed: versions 1 and 2 answered on this day, and the metrics are of all of them"
    for one in (first, final):
        assert (one.package_version, one.verdict in {"OK", "Violations"}) == ("mixed", True)
        assert note in one.notes
        assert "/mixed/" in one.folder
    assert note[1:].encode() in stage.file(0, "report.html"), "a sentence begins with a capital"


def test_a_day_writes_its_coverage_and_metrics_unless_cloudwatch_refuses_them_as_too_old(stage, capsys):
    stage.captured(0)
    stage.labelled(0)
    for days, written in ((2, True), (20, False)):
        stage.at(days)
        out = capsys.readouterr().out
        lines = [json.loads(line) for line in out.splitlines() if "_aws" in line and '"Endpoint"' in line]
        assert [line["LabelledShare"] for line in lines if "LabelledShare" in line] == [[1.0]] * written
        assert ("recall" in {line.get("Metric") for line in lines}) is written
        assert not [line for line in lines if "Rows" in line]


def test_a_label_that_was_written_after_a_look_is_not_in_it_however_late_the_look_is_made(stage):
    day = stage.captured(0)
    half = np.arange(len(day.ids)) % 2 == 0
    stage.labelled(0, 6, half)
    stage.labelled(0, 30, ~half, "b")
    first, final = stage.at(20).executions
    assert (first.labels.labelled, final.labels.labelled) == (1200, 2400)


def test_an_endpoint_without_a_baseline_of_quality_says_so_once_and_is_evaluated_when_it_has_one(world):
    stage = Stage(world)
    stage.captured(0)
    stage.labelled(0)
    for days in (2, 2.01, 2.02):
        assert stage.at(days).reason == "no baseline"
    said = [mail for mail in stage.mails if "no baseline of model quality" in mail.text.replace("\n", " ")]
    assert len(said) == 1
    put_baseline(ENDPOINT, stage.start)
    assert len(stage.at(2.03).executions) == 1


def test_looks_without_time_are_left_to_the_next_run(stage):
    for number in range(3):
        stage.captured(number)
        stage.labelled(number)
    stage.cloud.turn(to=stage.start + timedelta(days=4, minutes=20))
    done = quality_monitoring.evaluate_due_days(run_of_entry(ENTRY, TimeForLooks(6)))
    assert (len(done.executions), done.remaining, done.unfinished) == (2, 2, True)
    assert len(stage.at(4).executions) == 2


class TimeForLooks(Deadline):
    """A deadline that leaves time for so many looks."""

    def __init__(self, number: int) -> None:
        super().__init__(math.inf)
        object.__setattr__(self, "number", number)

    def has_left(self, reserve: float) -> bool:
        if reserve == Deadline.QUALITY_DAY:
            object.__setattr__(self, "number", self.number - 1)
        return self.number >= 0


def test_a_run_with_nothing_due_reads_two_items_and_no_object(stage):
    stage.captured(0)
    stage.labelled(0)
    stage.at(2)
    stage.cloud.recorder.clear()
    stage.at(2.2)
    calls = [call.operation for call in stage.cloud.recorder.calls]
    assert calls == ["GetItem", "GetItem"]


@pytest.mark.parametrize("lost", ["the checkpoint", "nothing"])
def test_looks_that_are_made_again_change_nothing(stage, lost):
    stage.captured(0)
    stage.labelled(0)
    stage.at(5)
    before = {key: stage_stores().bucket.get(key) for key in stage.world.keys(f"monitoring/{ENDPOINT}")}
    if lost == "the checkpoint":
        _, revision = stage_stores().checkpoints.quality(ENDPOINT)
        stage_stores().checkpoints.put_quality(
            QualityCheckpoint(endpoint=ENDPOINT, evaluated_until=stage.start), revision
        )
    assert stage.at(5.1).executions == ()
    assert {key: stage_stores().bucket.get(key) for key in stage.world.keys(f"monitoring/{ENDPOINT}")} == before


@pytest.mark.parametrize("kind", ["crash_before", "crash_after"])
def test_a_crash_at_every_call_leaves_the_files_of_a_run_without_one(stage, kind):
    calm = replace(ENTRY, endpoint="calm")
    stage.world.apply(ENTRY, calm)
    put_baseline("calm", stage.start)
    for number in range(2):
        stage.captured(number, BAD, hours=2)
        stage.labelled(number)
        capture_day("calm", stage.days[number], hours=2)
        label_day("calm", stage.days[number], stage.start + (number + 1) * DAY + timedelta(hours=6))
    stage.cloud.turn(to=stage.start + timedelta(days=3, minutes=20))
    quality_monitoring.evaluate_due_days(run_of_entry(calm))
    for call in range(1, 500):
        stage.cloud.faults.add(kind, k=call)
        try:
            quality_monitoring.evaluate_due_days(run_of_entry(ENTRY))
        except Crash:
            continue
        finally:
            stage.cloud.faults.clear()
        break
    assert call > 20
    assert _files(stage, ENDPOINT) == _files(stage, "calm") != {}
    assert [stage.stored(number).verdict for number in range(2)] == ["Violations"] * 2


def _files(stage, endpoint: str) -> dict[str, bytes]:
    """The files that name neither an endpoint nor the time of the evaluation."""
    names = ("joined.json", "statistics.json", "constraint_violations.json")
    keys = [key for key in stage.world.keys(f"monitoring/{endpoint}/") if key.endswith(names)]
    return {key.split("/", 2)[2]: stage_stores().bucket.get(key) for key in keys}
