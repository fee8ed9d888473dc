"""From captured data to a mail on the AWS simulator: parts, verdicts, alert state, and lost events."""

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.constraints.files import read_violations
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import Execution
from chalicelib.statistics.files import read_statistics

ENDPOINT = "preferred-site"
SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)
BAD = "[critical] preferred-site: b is not Integral in 50.0% of 40 rows"


@pytest.fixture
def watched(world):
    """An endpoint that is served, verified and has a baseline; the deployment mail is out of the way."""
    world.deployed()
    world.cloud.mailbox.mails.clear()
    return world


def latest(world) -> Execution:
    keys = [key for key in world.keys(f"monitoring/{ENDPOINT}/AllTraffic/2") if key.endswith("execution.json")]
    return stage_stores().bucket.get_record(Execution, keys[-1])


def test_a_bad_request_becomes_a_mail_within_minutes_and_the_closed_window_adds_none(watched):
    watched.send(good=20, bad=20)
    watched.cloud.turn(minutes=4)
    assert watched.subjects == [BAD]
    assert SENTENCE in " ".join(watched.cloud.mailbox.last.text.split())
    watched.pass_hours(2)
    assert watched.subjects[:1] == [BAD]
    assert [subject for subject in watched.subjects if "not Integral" in subject] == [BAD]


def test_the_window_leaves_model_monitors_own_files(watched):
    watched.send(good=20, bad=20)
    watched.cloud.turn(hours=1, minutes=10)
    executions = [key for key in watched.keys(f"monitoring/{ENDPOINT}/AllTraffic/2") if key.endswith("execution.json")]
    execution = stage_stores().bucket.get_record(Execution, executions[0])
    assert (execution.verdict, execution.rows, execution.package_version) == ("Violations", 40, "1")
    (violation,) = read_violations(stage_stores().bucket.get(execution.folder + "constraint_violations.json"), "x")
    assert (violation.subject, violation.constraint_check_type) == ("b", "data_type_check")
    assert violation.description == SENTENCE
    table = read_statistics(stage_stores().bucket.get(execution.folder + "statistics.json"), "x")
    assert table.feature_names == ("label", "a", "b")


def test_many_windows_of_the_same_violation_are_one_alert_and_good_traffic_recovers(watched):
    for _ in range(6):
        watched.send(good=20, bad=20)
        watched.pass_hours(1)
    assert watched.subjects == [BAD]
    for _ in range(3):
        watched.send(good=40)
        watched.pass_hours(1)
    assert watched.subjects == [BAD, "[recovered] preferred-site: b is as expected again (Integral) after 5 hours"]


def test_good_traffic_says_nothing(watched):
    for _ in range(3):
        watched.send(good=40)
        watched.pass_hours(1)
    assert watched.subjects == []
    assert latest(watched).verdict == "OK"


def test_repeated_and_reordered_events_are_one_alert(watched):
    watched.cloud.bus.duplicate(2)
    watched.cloud.bus.reorder(3)
    for _ in range(2):
        watched.send(good=20, bad=20)
        watched.pass_hours(1)
    assert watched.subjects == [BAD]


def test_lost_capture_events_are_made_up_for_by_the_sweep(watched):
    watched.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    watched.send(good=20, bad=20)
    watched.cloud.turn(hours=2)
    assert [subject for subject in watched.subjects if "not Integral" in subject] == [BAD]


def test_a_lost_verdict_is_reported_by_the_sweep(watched):
    watched.cloud.bus.drop(lambda event, function: function == "on_monitoring_execution")
    watched.send(good=20, bad=20)
    watched.pass_hours(2)
    assert [subject for subject in watched.subjects if "not Integral" in subject] == [BAD]


def test_an_observed_endpoint_is_evaluated_and_nobody_is_notified(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), mode="observe"))
    watched.send(good=20, bad=20)
    watched.cloud.turn(hours=1, minutes=10)
    assert latest(watched).verdict == "Violations"
    assert watched.subjects == []


def test_silence_after_traffic_is_a_verdict_of_each_hour_and_reported_once_after_a_day(watched):
    watched.send(good=40)
    watched.pass_hours(6)
    assert (latest(watched).verdict, watched.subjects) == ("NoData", [])  # nights are quiet
    watched.pass_hours(34)
    assert watched.subjects == ["[information] preferred-site: nothing was captured in the last window"]
    watched.send(good=40)
    watched.cloud.turn(hours=1)
    watched.send(good=40)
    watched.cloud.turn(hours=2)
    assert [subject.split("]")[0] for subject in watched.subjects] == ["[information", "[recovered"]


def test_an_endpoint_without_a_baseline_says_so_once(world):
    world.deployed()
    world.cloud.mailbox.mails.clear()
    boto3.client("s3").delete_object(Bucket=world.bucket, Key=f"baselines/{ENDPOINT}/current.json")
    world.send(good=40)
    world.pass_hours(3)
    assert world.subjects == [
        "[warning] preferred-site: the endpoint has no baseline, so its captured data is not evaluated"
    ]


def test_golden_requests_count_in_no_statistic(watched):
    watched.cloud.turn(minutes=5)
    summaries = [found.summary for found in stage_stores().parts.read(watched.keys(f"parts/{ENDPOINT}/"))]
    assert sum(summary.probes for summary in summaries) == 1
    assert sum(summary.rows for summary in summaries) == 0


def test_lines_that_cannot_be_read_are_counted_and_the_rest_counts(watched):
    broken = b'{"captureData":{"endpointInput":{"data":"1,2","encoding":"CSV"}}}\nnot json\n'
    key = f"data-capture/{ENDPOINT}/AllTraffic/2026/03/02/09/30-00-000-11111111-2222-3333-4444-555555555555.jsonl"
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body=broken)
    watched.cloud.settle()
    (part,) = [p for p in stage_stores().parts.read(watched.keys(f"parts/{ENDPOINT}/")) if p.key == key]
    assert part.summary.rows == 1
    assert part.summary.rejected_lines == 1
    assert part.summary.rejected_at[0].start == broken.index(b"not json")


@pytest.mark.parametrize(
    "key",
    [
        "data-capture/not-a-capture-object.jsonl",
        f"data-capture/{ENDPOINT}/AllTraffic/2026/13/40/09/30-00-000-x.jsonl",
        f"data-capture/merge/{ENDPOINT}/AllTraffic/2026/03/02/09/part-00000-x.c000.jsonl",
    ],
)
def test_other_objects_under_the_capture_prefix_are_refused_with_one_sentence(watched, key):
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body=b"x")
    watched.cloud.settle()
    answers = [d.answer for d in watched.cloud.bus.deliveries if d.function == "on_data_captured"]
    assert list(answers[-1]) == ["rejected"]
    assert watched.keys(f"parts/{ENDPOINT}/AllTraffic/2026/13") == []


def test_an_object_of_an_endpoint_outside_the_fleet_is_left_alone(watched):
    key = "data-capture/stranger/AllTraffic/2026/03/02/09/30-00-000-x.jsonl"
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=key, Body=b"{}\n")
    watched.cloud.settle()
    answers = [d.answer for d in watched.cloud.bus.deliveries if d.function == "on_data_captured"]
    assert answers[-1] == {"skipped": "not in the fleet", "detail": "stranger is not in the fleet"}


def test_a_window_is_evaluated_again_when_late_data_arrive_and_the_alert_state_does_not_move(watched):
    watched.send(good=40)
    watched.cloud.turn(hours=1, minutes=6)
    first = latest(watched)
    late = first.parts[0].replace("parts/", "data-capture/", 1).removesuffix(".json")
    output = b'"endpointOutput":{"data":"1.0","encoding":"CSV"}'
    line = b'{"captureData":{"endpointInput":{"data":"1,2.5","encoding":"CSV"},' + output + b"}}\n"
    boto3.client("s3").put_object(Bucket=watched.bucket, Key=late.replace("-000-", "-001-"), Body=line * 40)
    watched.cloud.turn(minutes=20)
    assert latest(watched).window_start >= first.window_start
    revisions = [k for k in watched.keys(first.folder.rsplit("/", 2)[0]) if k.endswith("execution.json")]
    assert len(revisions) == 2
