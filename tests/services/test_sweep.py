"""The sweep: what it remembers, how far it looks back, what it costs, and what happens to objects that change."""

from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import endpoint_partition, part_begun
from chalicelib.parts import Part
from chalicelib.records import SweepCheckpoint
from chalicelib.services.sweep import sweep
from chalicelib.stores.parts import PartStore
from tests.capture.captures import line, side
from tests.runs import DeadlineAfter, run_of
from vedette.installation.functions import NAMES
from vedette.local.errors import AwsError

ENDPOINT = "preferred-site"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLENTY = 300_000


def key(world, ago: timedelta, name: str = "x", variant: str = "AllTraffic") -> str:
    begun = world.cloud.clock.now() - ago
    return f"data-capture/{ENDPOINT}/{variant}/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"


def rows(number: int, b: str = "34") -> bytes:
    return line(side(f"12,{b}"), side("1.0")) * number


def put(world, where: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket=world.bucket, Key=where, Body=content)


def put_unseen(world, where: str, content: bytes) -> None:
    """An object whose event is lost."""
    world.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    put(world, where, content)
    world.cloud.settle()


def parts(world) -> list[str]:
    return [found for found in world.keys(f"parts/{ENDPOINT}/") if "/blue/" in found or "/AllTraffic/" in found]


def swept(world, deadline: Deadline | None = None) -> dict:
    return sweep(run_of(ENDPOINT, deadline)).summary()


def memory() -> SweepCheckpoint:
    return stage_stores().deployments.table.get(SweepCheckpoint, endpoint_partition(ENDPOINT), "sweep")[0]


def refuse(where: str):
    def gate(call):
        if call.operation == "GetObject" and call.parameters.get("Key") == where:
            raise AwsError("InternalFailure", "We encountered an internal error.", 500)

    return gate


@pytest.fixture
def watched(world):
    """An endpoint that is only looked at, so that nothing but the captures of a test is there."""
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert", package_group=""))
    world.cloud.schedules_enabled = False
    return world


# --- how far it looks back --------------------------------------------------------------------------------------------


def test_two_days_are_looked_through_once_a_day_and_two_hours_otherwise(watched):
    put_unseen(watched, key(watched, 20 * HOUR), rows(5))
    assert swept(watched)["summarized"] == 1
    put_unseen(watched, key(watched, 19 * HOUR, "late"), rows(5))
    put_unseen(watched, key(watched, HOUR, "new"), rows(5))
    assert swept(watched)["summarized"] == 1
    watched.cloud.turn(hours=4)
    assert swept(watched)["summarized"] == 0
    watched.cloud.turn(hours=20)
    put_unseen(watched, key(watched, 47 * HOUR, "later"), rows(5))
    assert swept(watched)["summarized"] == 2
    assert len(parts(watched)) == 4


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(watched):
    swept(watched)  # the long look back of the day is over
    for minute in range(5):
        put_unseen(watched, key(watched, 90 * MINUTE - minute * MINUTE), rows(5))
    assert swept(watched, DeadlineAfter(2))["summarized"] == 2
    assert memory().backlog_from == part_begun(parts(watched)[-1]) + MINUTE
    watched.cloud.turn(hours=6)  # the two hours alone would not reach them any more
    assert swept(watched)["summarized"] == 3
    assert (memory().backlog_from, len(parts(watched))) == (None, 5)


def test_a_days_look_that_was_cut_short_is_taken_up_again(watched):
    for hour in range(4, 8):
        put_unseen(watched, key(watched, hour * HOUR), rows(5))
    assert swept(watched, DeadlineAfter(1))["summarized"] == 1
    assert memory().looked_back_at is None
    assert swept(watched)["summarized"] == 3
    assert memory().looked_back_at is not None


def test_one_object_that_cannot_be_read_keeps_no_other_waiting(watched):
    swept(watched)
    names = ["a", "b", "c"]
    for name in names:
        put_unseen(watched, key(watched, HOUR, name), rows(5))
    watched.cloud.faults.gate = refuse(key(watched, HOUR, "b"))
    with pytest.raises(Exception, match="GetObject"):
        swept(watched)
    assert [found.rpartition("-")[2] for found in parts(watched)] == ["a.jsonl.json", "c.jsonl.json"]
    assert memory().backlog_from is not None
    watched.cloud.faults.clear()
    assert swept(watched)["summarized"] == 1


def test_any_number_of_objects_that_aws_fails_on_keeps_no_other_waiting(watched):
    swept(watched)
    bad = [key(watched, HOUR, f"bad{n:02}") for n in range(12)]
    for where in bad:
        put_unseen(watched, where, rows(5))
    put_unseen(watched, key(watched, HOUR - MINUTE, "good"), rows(5))

    def gate(call):
        if call.operation == "GetObject" and call.parameters.get("Key") in bad:
            raise AwsError("InternalFailure", "We encountered an internal error.", 500)

    watched.cloud.faults.gate = gate
    with pytest.raises(Exception, match="GetObject"):
        swept(watched)
    assert [found.rpartition("-")[2] for found in parts(watched)] == ["good.jsonl.json"]
    assert memory().backlog_from == watched.cloud.clock.now().replace(second=0) - HOUR
    watched.cloud.faults.clear()
    assert swept(watched)["summarized"] == 12


# --- objects that change ----------------------------------------------------------------------------------------------


def part_of(found: str) -> Part:
    return stage_stores().bucket.get_record(Part, found)


def test_an_overwritten_object_keeps_its_first_part_and_is_counted(watched, capsys):
    where = key(watched, 10 * MINUTE)
    for number in (5, 7):
        put(watched, where, rows(number))
        watched.cloud.settle()
    assert [part_of(found).summary.rows for found in parts(watched)] == [5]
    assert '"OverwrittenObjects"' in capsys.readouterr().out
    assert swept(watched)["summarized"] == 0


def test_the_second_part_that_an_older_version_kept_of_an_object_is_not_counted(watched):
    where = key(watched, 10 * MINUTE)
    put(watched, where, rows(5))
    watched.cloud.settle()
    (first,) = parts(watched)
    stage_stores().bucket.put(f"{first.removesuffix('.json')}.0a.json", stage_stores().bucket.get(first))
    now = watched.cloud.clock.now()
    assert stage_stores().parts.keys(ENDPOINT, "AllTraffic", now - HOUR, now) == (first,)


def test_windows_that_there_was_no_time_for_leave_the_sweep_unfinished_and_its_long_look_to_the_next(watched):
    watched.baseline()
    watched.cloud.schedules_enabled = False
    put(watched, key(watched, 10 * MINUTE), rows(25))
    watched.cloud.turn(minutes=125)
    assert sweep(run_of(ENDPOINT, Deadline.in_seconds(Deadline.WINDOW - 1))).unfinished
    assert memory().looked_back_at is None
    assert not sweep(run_of(ENDPOINT)).unfinished
    assert memory().looked_back_at is not None


def test_what_one_object_violated_is_reported_by_the_sweep_when_its_event_is_lost(watched):
    watched.baseline()
    swept(watched)
    watched.cloud.bus.drop(lambda event, function: function == "on_monitoring_execution")
    put(watched, key(watched, 10 * MINUTE), rows(25, b="34.5"))
    watched.cloud.settle()
    assert len(parts(watched)) == 1
    assert watched.data_mails == []
    assert swept(watched)["unclosed"] == 1
    assert ["b is not Integral" in mail.subject for mail in watched.data_mails] == [True]
    put(watched, key(watched, 9 * MINUTE, "again"), rows(25, b="34.5"))
    watched.cloud.settle()
    assert [swept(watched)["unclosed"] for _ in range(2)] == [0, 0]


def test_the_verdict_of_an_object_is_stored_before_its_part(watched, monkeypatch):
    """A function that dies between the two is made up for by the sweep, which finds an object without a part."""
    watched.baseline()
    put_unseen(watched, key(watched, 10 * MINUTE), rows(25, b="34.5"))
    with monkeypatch.context() as dying:
        dying.setattr(PartStore, "put", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            swept(watched)
    assert [found.rpartition("/")[2] for found in watched.keys(f"monitoring/{ENDPOINT}/")].count("execution.json") == 1
    assert parts(watched) == []
    watched.cloud.bus.drop(lambda event, function: False)
    assert swept(watched)["summarized"] == 1
    watched.cloud.settle()
    assert ["b is not Integral" in mail.subject for mail in watched.data_mails] == [True]


def test_an_object_that_is_gone_is_no_error_and_one_that_was_deleted_stays_counted(watched):
    where = key(watched, 10 * MINUTE)
    put(watched, where, rows(5))
    watched.cloud.settle()
    s3 = boto3.client("s3")
    s3.delete_object(Bucket=watched.bucket, Key=where)
    assert len(parts(watched)) == 1
    held = []
    watched.cloud.bus.drop(lambda event, function: function == "on_data_captured" and not held.append(event))
    put(watched, key(watched, 9 * MINUTE, "y"), rows(5))
    watched.cloud.settle()
    s3.delete_object(Bucket=watched.bucket, Key=key(watched, 9 * MINUTE, "y"))
    watched.cloud.bus.drop(lambda event, function: False)
    assert watched.cloud.invoke("on_data_captured", held[0])["skipped"] == "object gone"


# --- what it costs ----------------------------------------------------------------------------------------------------


def listings(world, function: str) -> int:
    return sum(call.operation == "ListObjectsV2" and call.function == function for call in world.cloud.recorder.calls)


def test_an_hour_of_an_endpoint_costs_at_most_fifteen_listings_of_the_sweep(world):
    """Steady traffic, one variant, mode deploy: what 1,000 endpoints cost is a thousand times this."""
    world.deployed()
    for _ in range(3):  # the day's long look is over, and windows have closed
        world.send(good=20)
        world.pass_hours(1)
    world.cloud.recorder.clear()
    for _ in range(4):
        world.send(good=20)
        world.cloud.turn(minutes=15)
    counted = {function: listings(world, function) for function in ("sweep", "run_monitoring", "on_data_captured")}
    assert counted["on_data_captured"] == 0
    assert counted["sweep"] <= 13, counted
    assert counted["run_monitoring"] <= 16, counted  # twelve looks at the open hour, and what its close costs


@pytest.mark.parametrize("mode", ["deploy", "alert"])
def test_a_quiet_hour_of_an_endpoint_costs_at_most_twelve_listings_and_no_call_of_sagemaker_to_evaluate(world, mode):
    world.deployed()
    world.apply(replace(world.fleet.entry(ENDPOINT), mode=mode))
    world.send(good=20)
    world.cloud.turn(hours=5)
    world.cloud.recorder.clear()
    world.cloud.turn(hours=1)
    counted = {function: listings(world, function) for function in (*NAMES, None)}
    assert sum(counted.values()) <= 12, counted
    evaluated = [call for call in world.cloud.recorder.calls if call.function == "run_monitoring"]
    assert [call.operation for call in evaluated if call.service == "sagemaker"] == []
    assert [call.operation for call in evaluated].count("GetMetricStatistics") == 1, "the closed hour was evaluated"


def test_windows_whose_captures_were_caught_up_with_late_are_evaluated(watched):
    """What a closed or slow source brings days after is evaluated with the windows that it belongs to."""
    watched.baseline()
    swept(watched)
    for minute in range(3):
        put_unseen(watched, key(watched, 100 * MINUTE - minute * MINUTE), rows(30))
    swept(watched, DeadlineAfter(1))
    watched.cloud.turn(hours=7)
    answer = swept(watched)
    assert answer["summarized"] == 2
    assert "OK" in answer["evaluated"]["verdicts"]
    assert swept(watched)["evaluated"] == {"verdicts": [], "alerts": 0}
