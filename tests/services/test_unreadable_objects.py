"""Captured objects that cannot be read: no function fails on them, and none stands before the next one."""

from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.s3 import Bucket
from chalicelib.capture.block_reader import VectorizedBlockReader
from chalicelib.capture.record_reader import RecordReader
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import AccessDenied
from chalicelib.events import DataCaptured
from chalicelib.locations import capture_key
from chalicelib.outcomes import SkipReason
from chalicelib.records import SweepCheckpoint, UnreadableObjects, UnreadableReason
from chalicelib.services import unreadable_objects
from chalicelib.services.capture_processing import create_part, process
from chalicelib.services.sweep import sweep
from chalicelib.window import open_window
from tests.capture.captures import line, side
from tests.runs import run_of
from vedette.local.errors import AwsError

ENDPOINT = "preferred-site"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECRET = "card 4111"


@pytest.fixture
def watched(world):
    """An endpoint that is only looked at, so that nothing but the captures of a test is there."""
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert", package_group=""))
    world.cloud.schedules_enabled = False
    return world


def key(world, ago: timedelta, name: str = "x") -> str:
    begun = world.cloud.clock.now() - ago
    return f"data-capture/{ENDPOINT}/AllTraffic/{begun:%Y/%m/%d/%H/%M}-00-000-{name}.jsonl"


def rows(number: int, b: str = "34") -> bytes:
    return line(side(f"12,{b}"), side("1.0")) * number


def put(world, where: str, content: bytes) -> list[dict]:
    """Put an object; what on_data_captured answered to its event."""
    before = len(world.cloud.bus.deliveries)
    boto3.client("s3").put_object(Bucket=world.bucket, Key=where, Body=content)
    world.cloud.settle()
    return [one.answer for one in world.cloud.bus.deliveries[before:] if one.function == "on_data_captured"]


def put_unseen(world, where: str, content: bytes) -> None:
    """An object whose event is lost."""
    world.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    put(world, where, content)
    world.cloud.bus.drop(lambda event, function: False)


def refuse(world, *keys: str, code: str = "AccessDenied") -> None:
    """From now on S3 refuses to give these objects, and gives the others."""

    def gate(call):
        if call.operation == "GetObject" and call.parameters.get("Key") in keys:
            raise AwsError(code, "Refused.", 403)

    world.cloud.faults.gate = gate


def break_readers(monkeypatch, *readers: type) -> None:
    def fail(*arguments):
        raise RuntimeError(f"cannot read {SECRET}")

    for reader in readers:
        monkeypatch.setattr(reader, "read", fail)


def swept(world) -> dict:
    return sweep(run_of(ENDPOINT)).summary()


def remembered() -> UnreadableObjects:
    return stage_stores().unreadable_objects.get(ENDPOINT)[0]


def checkpoint() -> SweepCheckpoint:
    return stage_stores().checkpoints.get(ENDPOINT)[0]


def captured(world, where: str) -> DataCaptured:
    return DataCaptured(world.bucket, where, "", 0, capture_key(where))


def parts(world) -> list[str]:
    return [found.rpartition("-")[2].removesuffix(".jsonl.json") for found in world.keys(f"parts/{ENDPOINT}/")]


def mails(world) -> list[str]:
    return [" ".join(mail.text.split()) for mail in world.cloud.mailbox.mails if "cannot be read" in mail.subject]


def assert_forgotten_after(watched, hours: int) -> None:
    """Nothing more is sent, and the object is remembered until so many hours have passed."""
    watched.cloud.turn(hours=hours - 1)
    swept(watched)
    assert remembered().count == 1
    watched.cloud.turn(hours=1)
    swept(watched)
    assert remembered().count == 0
    assert len(mails(watched)) == 1


# --- no content makes a function fail ---------------------------------------------------------------------------------


def test_what_the_vectorized_reader_fails_on_is_read_by_the_exact_reader(watched, monkeypatch):
    break_readers(monkeypatch, VectorizedBlockReader)
    assert put(watched, key(watched, MINUTE), rows(5)) == [
        {"endpoint": ENDPOINT, "rows": 5, "rejected": {}, "violated": False}
    ]
    assert remembered().count == 0


def test_what_every_reader_fails_on_is_remembered_and_the_function_does_not_fail(watched, monkeypatch, caplog, capsys):
    break_readers(monkeypatch, VectorizedBlockReader, RecordReader)
    where = key(watched, MINUTE)
    (answer,) = put(watched, where, rows(5))
    assert answer == {"skipped": "object unreadable", "detail": f"s3://{watched.bucket}/{where}: unexpected content"}
    (one,) = remembered().objects
    assert (one.key, one.reason, one.attempts) == (where, UnreadableReason.UNEXPECTED_CONTENT, 1)
    assert one.retry_at - one.first_seen == 15 * MINUTE
    logged = [str(vars(record)) for record in caplog.records]
    assert any("RuntimeError" in record for record in logged)
    assert not any(SECRET in record for record in logged)
    assert '"UnreadableObjects"' in capsys.readouterr().out


def test_a_statistic_that_cannot_be_computed_is_treated_alike(watched, monkeypatch):
    monkeypatch.setattr("chalicelib.capture.batch_accumulator.BatchAccumulator.tables", lambda self: 1 / 0)
    (answer,) = put(watched, key(watched, MINUTE), rows(5))
    assert answer["skipped"] == "object unreadable"


def test_an_object_whose_bytes_stop_arriving_is_no_unreadable_one(watched, monkeypatch):
    def chunks(*arguments):
        yield rows(5)
        raise ConnectionResetError

    put_unseen(watched, key(watched, MINUTE), rows(5))
    run = run_of(ENDPOINT)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Bucket, "get_chunks", lambda self, where: chunks() if "data-capture" in where else None)
        with pytest.raises(ConnectionResetError):
            process(run, captured(watched, key(watched, MINUTE)))
    assert remembered().count == 0


def test_a_package_that_is_not_whole_is_a_failure_of_the_function(watched, monkeypatch):
    def tables(self):
        raise ImportError("a compiled part is missing")

    put_unseen(watched, key(watched, MINUTE), rows(5))
    monkeypatch.setattr("chalicelib.capture.batch_accumulator.BatchAccumulator.tables", tables)
    with pytest.raises(ImportError):
        process(run_of(ENDPOINT), captured(watched, key(watched, MINUTE)))
    assert remembered().count == 0


def test_a_backfill_passes_over_what_cannot_be_read(watched, monkeypatch):
    where = key(watched, DAY)
    put_unseen(watched, where, rows(5))
    break_readers(monkeypatch, VectorizedBlockReader, RecordReader)
    assert create_part(run_of(ENDPOINT), captured(watched, where)).reason == SkipReason.OBJECT_UNREADABLE
    assert remembered().count == 0


# --- denied -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidObjectState", "KMS.DisabledException"])
def test_an_object_that_is_refused_by_itself_is_remembered_by_the_function(watched, code):
    put(watched, key(watched, 5 * MINUTE, "good"), rows(5))
    where = key(watched, MINUTE)
    refuse(watched, where, code=code)
    (answer,) = put(watched, where, rows(5))
    assert answer["skipped"] == "object denied"
    assert [(one.key, one.reason) for one in remembered().objects] == [(where, UnreadableReason.DENIED)]


def test_a_source_that_gives_no_object_is_refused_as_before(watched):
    wheres = [key(watched, n * MINUTE) for n in (1, 2)]
    for where in wheres:
        put_unseen(watched, where, rows(5))
    refuse(watched, *wheres)
    with pytest.raises(AccessDenied):
        process(run_of(ENDPOINT), captured(watched, wheres[0]))
    assert "Vedette may not read" in swept(watched)["summarized"]
    assert remembered().count == 0
    assert checkpoint().backlog_from is not None
    watched.cloud.faults.clear()
    assert swept(watched)["summarized"] == 2


def test_a_dozen_refused_objects_stand_before_nothing(watched):
    bad = [key(watched, HOUR, f"bad{n:02}") for n in range(12)]
    for where in bad:
        put_unseen(watched, where, rows(5))
    put_unseen(watched, key(watched, HOUR - MINUTE, "good"), rows(5))
    refuse(watched, *bad)
    answer = swept(watched)
    assert (answer["summarized"], answer["unreadable"], parts(watched)) == (1, 12, ["good"])
    assert checkpoint().backlog_from is None
    assert checkpoint().looked_back_at is not None
    put_unseen(watched, key(watched, MINUTE, "next"), rows(5))
    assert swept(watched)["summarized"] == 1


def test_a_remembered_object_is_tried_again_ever_later_and_nothing_looks_back_to_it(watched):
    put(watched, key(watched, 5 * MINUTE, "good"), rows(5))
    bad = key(watched, MINUTE, "bad")
    put_unseen(watched, bad, rows(5))
    refuse(watched, bad)

    def tries() -> int:
        watched.cloud.recorder.clear()
        swept(watched)
        calls = watched.cloud.recorder.calls
        return sum(call.operation == "GetObject" and call.parameters.get("Key") == bad for call in calls)

    found = []
    for _ in range(13):  # three hours
        found.append(tries())
        watched.cloud.turn(minutes=15)
    assert found == [1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]
    (one,) = remembered().objects
    assert (one.attempts, one.retry_at - one.first_seen) == (4, (15 + 30 + 60 + 120) * MINUTE)


def test_one_that_is_read_at_last_is_forgotten_and_its_old_window_is_evaluated(watched):
    watched.baseline()
    put(watched, key(watched, 5 * MINUTE, "good"), rows(30))
    bad = key(watched, 4 * MINUTE, "bad")
    put_unseen(watched, bad, rows(30, b="34.5"))
    refuse(watched, bad)
    swept(watched)
    watched.cloud.turn(hours=8)
    swept(watched)
    watched.cloud.faults.clear()
    watched.cloud.turn(hours=1)
    assert swept(watched)["summarized"] == 1
    assert remembered().count == 0
    assert sorted(parts(watched)) == ["bad", "good"]
    watched.cloud.settle()
    assert any("b is not Integral" in mail.subject for mail in watched.cloud.mailbox.mails)
    hour = open_window(60, capture_key(bad).begun)
    assert stage_stores().executions.latest_of_window(ENDPOINT, "AllTraffic", hour).rows == 60


def test_one_that_cannot_be_read_for_a_week_is_given_up(watched):
    put(watched, key(watched, 5 * MINUTE, "good"), rows(5))
    bad = key(watched, MINUTE, "bad")
    put_unseen(watched, bad, rows(5))
    refuse(watched, bad)
    swept(watched)
    assert_forgotten_after(watched, hours=24 * 7)


# --- gone -------------------------------------------------------------------------------------------------------------


def test_an_object_that_was_deleted_before_it_was_read_is_reported_and_then_forgotten(watched):
    where = key(watched, MINUTE)
    assert process(run_of(ENDPOINT), captured(watched, where)).reason == SkipReason.OBJECT_GONE
    swept(watched)
    (mail,) = mails(watched)
    assert "1 captured object cannot be read, so it is in no verdict" in mail
    assert "it was deleted before it was read; check what deletes captures so early; not tried again" in mail
    assert_forgotten_after(watched, hours=24)


# --- who is notified --------------------------------------------------------------------------------------------------


def test_an_alert_names_the_first_objects_once_while_there_are_any(watched):
    put(watched, key(watched, 9 * MINUTE, "good"), rows(5))
    bad = [key(watched, 8 * MINUTE, f"bad{n}") for n in range(5)]
    for where in bad[:4]:
        put_unseen(watched, where, rows(5))
    refuse(watched, *bad)
    swept(watched)
    put_unseen(watched, bad[4], rows(5))
    swept(watched)
    (mail,) = watched.data_mails
    assert mail.subject == ("[warning] preferred-site: 4 captured objects cannot be read, so they are in no verdict")
    assert mail.attributes["kind"] == "monitor failed"
    text = "".join(mail.text.split())
    for where in bad[:3]:
        assert f"s3://{watched.bucket}/{where}:S3orKMSrefusesit;checkitsbucket'spolicy" in text
    assert bad[3] not in text
    assert "1thatarenotnamedhere" in text
    assert "vedette status preferred-site" in mail.text
    watched.cloud.faults.clear()
    watched.cloud.turn(hours=1)
    swept(watched)
    assert remembered().count == 0
    endpoint_state, _ = stage_stores().alert_states.get(ENDPOINT, "")
    assert not [one for one in endpoint_state.fingerprints if one.check == "captured objects"]


def test_nobody_is_notified_in_mode_observe(watched):
    watched.apply(replace(watched.fleet.entry(ENDPOINT), mode="observe"))
    process(run_of(ENDPOINT), captured(watched, key(watched, MINUTE)))
    assert swept(watched)["unreadable"] == 1
    assert watched.cloud.mailbox.mails == []


def test_an_object_that_cannot_be_read_shows_that_the_endpoint_captures(world, monkeypatch):
    break_readers(monkeypatch, VectorizedBlockReader, RecordReader)
    world.deployed()
    world.cloud.turn(hours=2)
    assert world.keys(f"parts/{ENDPOINT}/") == []
    assert len(mails(world)) == 1
    assert not [subject for subject in world.subjects if "golden request was captured" in subject]


# --- what is remembered -----------------------------------------------------------------------------------------------


def test_a_hundred_objects_are_remembered_and_the_others_counted(watched):
    run, known = run_of(ENDPOINT), UnreadableObjects(endpoint=ENDPOINT)
    for n in range(103):
        one = captured(watched, key(watched, MINUTE, f"{n:03}-" + "x" * 36))
        known = unreadable_objects.with_failure(known, one, UnreadableReason.DENIED, run.now)
    assert (len(known.objects), known.more, known.count) == (100, 3, 103)
    run.stores.unreadable_objects.change(ENDPOINT, lambda _: known, attempts=1)
    assert (unreadable_objects.begin_sweep(run).count, remembered().more) == (100, 0)


def test_two_that_write_at_once_lose_nothing(watched, monkeypatch):
    run, real = run_of(ENDPOINT), Table.put
    others = [captured(watched, key(watched, MINUTE, f"other{n}")) for n in range(3)]

    def put_after_another(self, objects, pk, sk, revision):
        if others:
            known, at = run.stores.unreadable_objects.get(ENDPOINT)
            other = unreadable_objects.with_failure(known, others.pop(), UnreadableReason.GONE, run.now)
            real(self, other, pk, sk, at)
        return real(self, objects, pk, sk, revision)

    monkeypatch.setattr(Table, "put", put_after_another)
    unreadable_objects.remember(run, captured(watched, key(watched, MINUTE, "mine")), UnreadableReason.DENIED)
    assert remembered().count == 4


def test_a_write_that_loses_for_ever_fails_no_function(watched, monkeypatch):
    real = Table.put
    monkeypatch.setattr(Table, "put", lambda *given: not isinstance(given[1], UnreadableObjects) and real(*given))
    break_readers(monkeypatch, VectorizedBlockReader, RecordReader)
    (answer,) = put(watched, key(watched, MINUTE), rows(5))
    assert answer["skipped"] == "object unreadable"


def test_a_remembered_object_of_a_source_that_was_left_is_forgotten(watched):
    put(watched, key(watched, 5 * MINUTE, "good"), rows(5))
    bad = key(watched, MINUTE, "bad")
    refuse(watched, bad)
    put(watched, bad, rows(5))
    assert remembered().count == 1
    watched.apply(replace(watched.fleet.entry(ENDPOINT), capture_uri=f"s3://{watched.bucket}/elsewhere"))
    watched.cloud.turn(minutes=20)
    swept(watched)
    assert remembered().count == 0
