"""Windows on the AWS simulator: closed and open, of drift, mixed, without captures, evaluated twice at once."""

import contextlib
import json

import boto3
import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib import records
from chalicelib.aws import sagemaker
from chalicelib.aws.clients import client
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import NotReady
from chalicelib.records import Execution
from chalicelib.services import aggregation, monitoring
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.table import Table
from tests.runs import run_of
from tests.services.conftest import ENTRY
from vedette.demo import user_actions
from vedette.local.errors import Crash

ENDPOINT = "preferred-site"


@pytest.fixture
def watched(world):
    """An endpoint that is served and verified, with a baseline of numbers from 0 to 99."""
    world.deployed()
    rows = [["0.0", str(i % 100), str((i * 7) % 100)] for i in range(2000)]
    table = Table.of(rows, ("label", "a", "b"), k=BASELINE_K)
    user_actions.put_baseline_in_force(ENDPOINT, "numbers", suggested_constraints(table), table)
    world.cloud.mailbox.mails.clear()
    return world


def verdicts(world, *, checks: str = "", under: str = "2") -> list[Execution]:
    keys = [key for key in world.keys(f"monitoring/{ENDPOINT}/AllTraffic/{under}") if key.endswith("execution.json")]
    found = [stage_stores().bucket.get_record(Execution, key) for key in keys]
    return [one for one in found if not checks or one.checks_run == checks]


def spread(world, count: int, shift: int = 0) -> None:
    user_actions.predict(ENDPOINT, [(str(shift + i % 100), str(shift + (i * 7) % 100)) for i in range(count)])


def new_mails(world) -> list[str]:
    return [mail.subject for mail in world.cloud.mailbox.mails if mail.attributes["kind"] != "deployment"]


# --- hours and days ---------------------------------------------------------------------------------------------------


def test_hours_are_evaluated_on_hard_checks_and_days_on_drift(watched):
    spread(watched, 150)
    watched.cloud.turn(hours=1, minutes=10)
    (hour,) = [one for one in verdicts(watched) if one.rows]
    assert (hour.checks_run, hour.verdict, {m.kind for m in hour.measurements}) == ("hard", "OK", {"hard"})
    assert verdicts(watched, checks="drift") == []
    watched.pass_hours(15)
    (day,) = verdicts(watched, checks="drift")
    assert (f"{day.window_start:%H:%M}", day.rows, {m.kind for m in day.measurements}) == ("00:00", 150, {"drift"})
    files = {key.rpartition("/")[2] for key in watched.keys(day.folder)}
    assert {"execution.json", "statistics.json", "constraint_violations.json"} <= files


def test_drift_of_two_days_is_one_alert_and_hours_in_between_do_not_end_it(watched):
    for hours in (8, 8, 12, 12):
        spread(watched, 150, shift=60)
        watched.pass_hours(hours)
    assert [day.verdict for day in verdicts(watched, checks="drift")][:2] == ["Violations", "Violations"]
    drifted = [subject for subject in new_mails(watched) if "drift" in subject]
    assert len(drifted) == 1
    assert not [subject for subject in new_mails(watched) if "recovered" in subject]


def test_drift_windows_as_short_as_the_others_are_one_verdict_of_both(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), drift_window_minutes=60))
    spread(watched, 150)
    watched.cloud.turn(hours=1, minutes=10)
    (hour,) = [one for one in verdicts(watched) if one.rows]
    assert (hour.checks_run, {m.kind for m in hour.measurements}) == ("all", {"hard", "drift"})


# --- the open hour ----------------------------------------------------------------------------------------------------


def test_what_many_small_objects_violate_together_is_reported_before_the_hour_has_closed(watched):
    for _ in range(4):  # 12 rows an object: too few to evaluate by themselves
        user_actions.predict(ENDPOINT, [("12", "34.50")] * 12)
        watched.cloud.turn(minutes=4)
    watched.cloud.turn(minutes=10)
    assert f"{watched.cloud.clock.now():%H}" == "09"
    assert [subject for subject in new_mails(watched) if "b is not Integral" in subject]
    opened = verdicts(watched, under="open/")
    assert [one.window_closed for one in opened] == [False] * len(opened)
    assert {one.revision for one in opened} == set(range(1, len(opened) + 1))


def test_an_open_hour_says_each_violation_once(watched):
    for _ in range(3):
        user_actions.predict(ENDPOINT, [("12", "34.50")] * 15)
        watched.cloud.turn(minutes=10)
    assert len(verdicts(watched, under="open/")) == 1


# --- nothing captured -------------------------------------------------------------------------------------------------


def test_requests_without_captures_are_a_capture_that_stopped_and_reported_within_the_hour(watched):
    watched.cloud.runtime.capture.record = lambda *arguments: None  # the endpoint answers, and nothing is written
    watched.pass_hours(1)
    spread(watched, 40)
    watched.pass_hours(1)
    assert [one.verdict for one in verdicts(watched)][-1] == "CaptureStopped"
    assert any("requests arrived and 100 % should be captured" in note for note in verdicts(watched)[-1].notes)
    assert [m.attributes["kind"] for m in watched.cloud.mailbox.mails] == ["capture stopped"]


def capture_mails(world) -> list[str]:
    return [mail.subject for mail in world.cloud.mailbox.mails if mail.attributes["kind"] == "capture stopped"]


def broken_capture(world, monkeypatch) -> None:
    """Capture is turned off behind Vedette's back, and requests go on."""
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert", package_group=""))
    world.cloud.runtime.capture.record = lambda *arguments: None
    real = sagemaker.describe_endpoint
    off = {"DataCaptureConfig": {"EnableCapture": False}}
    monkeypatch.setattr(sagemaker, "describe_endpoint", lambda name: {**real(name), **off})


def test_a_broken_capture_is_reported_once_by_the_sweep_that_sees_why(watched, monkeypatch):
    watched.cloud.turn(hours=1)
    broken_capture(watched, monkeypatch)
    for _ in range(3):
        spread(watched, 40)
        watched.cloud.turn(hours=1)
    assert [one.verdict for one in verdicts(watched)][-2:] == ["CaptureStopped"] * 2
    assert ["capture of the endpoint is off" in subject for subject in capture_mails(watched)] == [True]


def test_a_broken_capture_is_reported_once_by_the_verdict_that_came_first(watched, monkeypatch):
    watched.pass_hours(1)
    watched.cloud.bus.drop(lambda event, function: function == "sweep")
    broken_capture(watched, monkeypatch)
    spread(watched, 40)
    watched.cloud.turn(hours=1, minutes=6)
    watched.cloud.bus.drop(lambda event, function: False)
    spread(watched, 40)
    watched.pass_hours(2)
    assert ["nothing is captured" in subject for subject in capture_mails(watched)] == [True]


def test_captures_that_stop_for_another_reason_afterwards_are_reported(watched, monkeypatch):
    watched.cloud.turn(hours=1)
    with monkeypatch.context() as while_it_lasts:
        broken_capture(watched, while_it_lasts)
        spread(watched, 40)
        watched.cloud.turn(hours=1, minutes=10)
    spread(watched, 40)
    watched.cloud.turn(hours=2)
    assert len(capture_mails(watched)) == 2


def test_objects_that_wait_to_be_summarized_are_no_silence(watched):
    watched.pass_hours(1)
    watched.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    spread(watched, 40)
    watched.cloud.schedules_enabled = False
    watched.cloud.turn(hours=1, minutes=6)
    watched.cloud.invoke("run_monitoring", watched.cloud.scheduled_event("run_monitoring"))
    watched.cloud.settle()
    assert [one.verdict for one in verdicts(watched) if one.window_start.hour == 10] == []


def test_a_volume_that_a_person_set_is_violated_by_an_empty_hour(watched):
    document = {**stage_stores().baselines.get_in_force(ENDPOINT).content.constraints.document}
    document["volume_constraints"] = {"minimum_rows_per_hour": 10}
    user_actions.put_baseline_in_force(ENDPOINT, "volume", Constraints(document), None)
    watched.pass_hours(2)
    assert [one.verdict for one in verdicts(watched)][-1] == "Violations"
    assert [m.check for m in verdicts(watched)[-1].measurements] == ["vedette_volume_check"]
    assert json.loads(stage_stores().bucket.get(verdicts(watched)[-1].folder + "constraint_violations.json")) == {
        "violations": []
    }


# --- two versions -----------------------------------------------------------------------------------------------------


def test_a_window_in_which_two_versions_served_says_mixed_and_is_evaluated_for_hard_checks_alone(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), drift_window_minutes=60))
    watched.pass_hours(1)
    spread(watched, 150)
    watched.register()
    watched.cloud.turn(minutes=20)
    spread(watched, 150)
    watched.pass_hours(1)
    (hour,) = [one for one in verdicts(watched) if one.rows]
    assert (hour.package_version, {m.kind for m in hour.measurements}) == ("mixed", {"hard"})
    assert "mixed: versions 1 and 2 served in this window, so only the hard checks ran" in hour.notes
    spread(watched, 150)
    watched.pass_hours(1)
    assert [one.package_version for one in verdicts(watched) if one.rows][-1] == "2"


# --- once, whole, and in time -----------------------------------------------------------------------------------------


def when_the_hour_has_closed(world) -> None:
    """Six minutes after ten, with nobody having looked since nine."""
    world.cloud.schedules_enabled = False
    now = world.cloud.clock.now()
    world.cloud.turn(minutes=66 - now.minute)


def test_who_comes_second_writes_no_file(watched, monkeypatch):
    """Both have listed and evaluated; the record decides, and the other one's statistics never stand beside it."""
    spread(watched, 60)
    real = client("s3").put_object
    stored = []

    def put_object(**request):
        """Let another invocation store its verdict at the last moment."""
        if request["Key"].endswith("/execution.json") and not stored:
            stored.append(replace(records.read(Execution, request["Body"], "x"), notes=("the first",)))
            real(**{**request, "Body": records.write(stored[0])})
            real(Bucket=request["Bucket"], Key=f"{stored[0].folder}statistics.json", Body=b"the first")
        return real(**request)

    when_the_hour_has_closed(watched)
    monkeypatch.setattr(client("s3"), "put_object", put_object)
    watched.cloud.invoke("run_monitoring", watched.cloud.scheduled_event("run_monitoring"))
    watched.cloud.settle()
    (execution,) = [one for one in verdicts(watched) if one.rows]
    assert execution.notes == ("the first",)
    assert stage_stores().bucket.get(execution.folder + "statistics.json") == b"the first"


@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_crash_between_the_record_and_its_files_is_repaired_and_reported(watched, k):
    user_actions.predict(ENDPOINT, [("12", "34.50")] * 10)  # too few to evaluate by itself
    watched.cloud.turn(minutes=2)
    user_actions.predict(ENDPOINT, [("12", "34.50")] * 12)
    when_the_hour_has_closed(watched)
    watched.cloud.faults.add("crash_before", service="s3", operation="PutObject", k=k, function="run_monitoring")
    for _ in range(2):
        with contextlib.suppress(Crash):
            watched.cloud.invoke("run_monitoring", watched.cloud.scheduled_event("run_monitoring"))
        watched.cloud.turn(minutes=1)
    executions = [one for one in verdicts(watched) if one.rows]
    assert [one.verdict for one in executions] == ["Violations"]
    assert stage_stores().bucket.get(executions[0].folder + "constraint_violations.json") is not None
    assert stage_stores().bucket.get(executions[0].folder + "statistics.json") is not None
    assert len([subject for subject in new_mails(watched) if "b is not Integral" in subject]) == 1
    watched.cloud.bus.failed.clear()


@pytest.mark.parametrize("operation", ["PutObject", "PutEvents"])
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
def test_an_object_whose_announcement_was_lost_is_announced_again(watched, when, operation):
    """The part notes that it was evaluated and that it owes an event; Lambda's repetition, or the sweep, sees that."""
    watched.cloud.faults.add(when, service="s3" if operation == "PutObject" else "events", operation=operation,
                             k=1, function="on_data_captured")  # fmt: skip
    user_actions.predict(ENDPOINT, [("12", "34.50")] * 40)
    watched.cloud.turn(minutes=20)
    (part,) = [one for one in stage_stores().parts.read(watched.keys(f"parts/{ENDPOINT}/")) if one.summary.rows]
    assert (part.evaluated, part.violated) == (True, True)
    assert len([subject for subject in new_mails(watched) if "b is not Integral" in subject]) == 1
    watched.cloud.bus.failed.clear()


def test_a_run_that_has_no_time_left_says_how_many_windows_it_left(watched):
    spread(watched, 60)
    when_the_hour_has_closed(watched)
    late = monitoring.evaluate_due_windows(run_of(ENDPOINT, Deadline.in_seconds(Deadline.WINDOW - 1)))
    assert (late.executions, late.remaining) == ((), 1)
    in_time = monitoring.evaluate_due_windows(run_of(ENDPOINT))
    assert [execution.verdict for execution in in_time.executions] == ["OK"]


def test_a_sum_stops_before_the_invocation_is_killed(watched):
    spread(watched, 60)
    watched.cloud.turn(minutes=10)
    keys = tuple(watched.keys(f"parts/{ENDPOINT}/"))
    with pytest.raises(NotReady, match="take longer to add up than a run has"):
        aggregation.window_sum(run_of(ENDPOINT, Deadline.in_seconds(0)), "AllTraffic", keys)


# --- writing once -----------------------------------------------------------------------------------------------------


def conflicts(monkeypatch, times: int) -> list[str]:
    """Let S3 answer 409 so many times."""
    seen: list[str] = []
    real = client("s3").put_object

    def put_object(**request):
        if request.get("IfNoneMatch") and len(seen) < times:
            seen.append(request["Key"])
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")
        return real(**request)

    monkeypatch.setattr(client("s3"), "put_object", put_object)
    monkeypatch.setattr("chalicelib.aws.s3.time.sleep", lambda seconds: None)
    return seen


def test_a_write_that_met_another_one_is_tried_again(world, monkeypatch):
    conflicts(monkeypatch, 2)
    assert stage_stores().bucket.put_once("monitoring/x", b"mine")
    assert not stage_stores().bucket.put_once("monitoring/x", b"later")
    assert stage_stores().bucket.get("monitoring/x") == b"mine"


def test_a_write_that_meets_others_for_ever_is_not_taken_for_theirs(world, monkeypatch):
    conflicts(monkeypatch, 99)
    with pytest.raises(NotReady, match="is being written by others"):
        stage_stores().bucket.put_once("monitoring/x", b"mine")
    assert boto3.client("s3").list_objects_v2(Bucket=world.bucket, Prefix="monitoring/x")["KeyCount"] == 0


# --- private features -------------------------------------------------------------------------------------------------


def stored_beside_captures(world) -> bytes:
    """Everything that lies in the bucket, except what SageMaker captured and the model itself."""
    keys = [key for key in world.keys("") if not key.startswith(("data-capture/", "models/"))]
    return b"".join(stage_stores().bucket.get(key) or b"" for key in keys)


def test_no_value_of_a_private_feature_is_stored_and_what_is_not_evaluated_is_noted(watched):
    """The rows have no names: the baseline names their columns."""
    user_actions.apply_fleet(replace(ENTRY, private=("a",)))
    user_actions.predict(ENDPOINT, [("987654", "31")] * 150)
    watched.pass_hours(16)
    stored = stored_beside_captures(watched)
    assert b"987654" not in stored
    assert b"31" in stored
    (hour,) = [one for one in verdicts(watched, checks="hard") if one.rows]
    (day,) = verdicts(watched, checks="drift")
    assert hour.notes == ("private: domains and bounds not evaluated for a",)
    learning = "learning: 0 of 14 days of 2 of 2 features are known, so only gross drift alerts"
    assert day.notes == ("private: drift not evaluated for a", learning)
    assert {one.feature for one in day.measurements} == {"label", "b"}
    assert {one.check for one in hour.measurements if one.feature == "a"} == {"data_type_check", "completeness_check"}


def test_without_a_baseline_no_column_without_a_name_is_stored_that_may_be_private(watched):
    stage_stores().baselines.remove_from_force(ENDPOINT)
    user_actions.apply_fleet(replace(ENTRY, private=("a",)))
    user_actions.predict(ENDPOINT, [("987654", "31")] * 50)
    watched.pass_hours(2)
    assert b"987654" not in stored_beside_captures(watched)
