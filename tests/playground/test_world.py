"""One account and its time: requests change it, a restart makes it again, and each kind of traffic is noticed."""

import json
import os
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.records import FleetEntry, Mode
from chalicelib.settings import settings
from vedette.data_sets import baseline_statistics
from vedette.demo import user_actions
from vedette.local import Cloud
from vedette.local.application import load_app
from vedette.local.clock import START
from vedette.local.http_messages import Request
from vedette.playground.account import ENDPOINT, Account
from vedette.playground.client import PREFIX
from vedette.playground.journal import Journal
from vedette.playground.world import World


def post(what: str, **arguments) -> Request:
    return Request("POST", "127.0.0.1", f"{PREFIX}{what}", "", {}, json.dumps(arguments).encode())


def get(path: str) -> Request:
    return Request("GET", "127.0.0.1", path, "", {}, b"")


def aws(service: str, method: str, path: str, body: bytes = b"") -> Request:
    """A signed request, as far as the simulator looks."""
    scope = f"AWS4-HMAC-SHA256 Credential=testing/20260302/eu-west-1/{service}/aws4_request, Signature=x"
    return Request(method, "127.0.0.1", path, "", {"authorization": scope}, body)


@contextmanager
def world(folder: Path):
    """A world with a stage and a watched endpoint, made without Chalice."""
    saved = dict(os.environ)
    journal = Journal(folder, START)
    with closing(journal), Cloud(start=journal.began) as cloud:
        stage = cloud.install()
        cloud.run_functions(load_app(stage))
        account = Account(cloud, "http://127.0.0.1:8477", folder, stage)
        user_actions.deploy_by_hand(ENDPOINT, "knn", account.data.training_csv, account.bucket)
        cloud.turn(minutes=6)
        statistics = baseline_statistics([account.data.sent_csv], "rows")
        user_actions.apply_fleet(FleetEntry(endpoint=ENDPOINT, mode=Mode.ALERT))
        user_actions.put_baseline_in_force(ENDPOINT, "v1", suggested_constraints(statistics), statistics)
        yield World(account, journal)
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()


@pytest.fixture
def played(tmp_path):
    with world(tmp_path) as found:
        yield found


def done(found: World, what: str, **arguments) -> dict:
    response = found.handle(post(what, **arguments))
    assert response.status == 200, response.body
    return json.loads(response.body)


def subjects(found: World) -> list[str]:
    return [mail.subject for mail in found.account.cloud.mailbox.mails]


def turned(found: World, hours: float) -> None:
    for _ in range(int(2 * hours)):
        done(found, "turn", seconds=1800)


def test_bad_rows_raise_an_alert_and_the_answer_has_its_mail(played):
    assert done(played, "send", traffic="bad", rows=50, endpoint=ENDPOINT)["requests"] == 3
    (mail,) = done(played, "turn", seconds=600)["mails"]
    assert mail["subject"] == "[critical] preferred-site: b is not Integral in 50.0% of 50 rows"
    assert (mail["number"], mail["receiver"]) == (1, "operator@example.com")
    report = played.handle(get("/")).body.decode().partition('href="/_vedette/reports/')[2].partition('"')[0]
    page = played.handle(get(f"{PREFIX}reports/{report}"))
    assert page.status == 200
    assert b"b is not Integral" in page.body


def test_good_rows_raise_none(played):
    done(played, "send", traffic="good", rows=400, endpoint=ENDPOINT)
    turned(played, 2)
    assert subjects(played) == []


def test_rows_that_are_not_captured_are_noticed_after_the_hour(played):
    done(played, "send", traffic="good", rows=40, endpoint=ENDPOINT)
    turned(played, 1)
    done(played, "send", traffic="silent", rows=200, endpoint=ENDPOINT)
    done(played, "send", traffic="good", rows=20, endpoint=ENDPOINT)
    captured = len(played.account.cloud.read_below(f"s3://{played.account.bucket}/data-capture/"))
    turned(played, 0.5)
    assert len(played.account.cloud.read_below(f"s3://{played.account.bucket}/data-capture/")) == captured + 1
    turned(played, 1)
    done(played, "send", traffic="silent", rows=200, endpoint=ENDPOINT)
    turned(played, 2)
    assert any("capture" in subject for subject in subjects(played)), subjects(played)


def test_late_rows_arrive_after_three_hours_in_the_folder_of_their_hour(played):
    done(played, "send", traffic="late", rows=20, endpoint=ENDPOINT)
    folder = f"s3://{played.account.bucket}/data-capture/{ENDPOINT}/AllTraffic/2026/03/02/09/"
    turned(played, 3)
    assert played.account.cloud.read_below(folder) == {}
    turned(played, 0.5)
    assert len(played.account.cloud.read_below(folder)) == 1


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("turn", seconds=-1), 400),
        (post("turn", seconds=3601), 400),
        (post("turn", seconds="1"), 400),
        (post("turn"), 400),
        (post("send", traffic="worse", rows=1, endpoint=ENDPOINT), 400),
        (post("send", traffic="bad", rows=0, endpoint=ENDPOINT), 400),
        (post("send", traffic="bad", rows=1, endpoint="none"), 400),
        (post("elsewhere"), 404),
        (Request("POST", "", f"{PREFIX}turn", "", {}, b"{"), 400),
        (Request("POST", "", f"{PREFIX}turn", "", {}, b"[]"), 400),
        (Request("DELETE", "", f"{PREFIX}mails", "", {}, b""), 405),
        (get(f"{PREFIX}mails/1"), 404),
        (get(f"{PREFIX}mails/0"), 404),
        (get(f"{PREFIX}reports/config/fleet.json"), 404),
        (get(f"{PREFIX}reports/monitoring/none.html"), 404),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(played, request_, status):
    response = played.handle(request_)
    assert response.status == status
    assert response.body.decode().count("\n") == 1


def test_time_passes_by_itself_and_turns_only_ahead(played):
    before = played.account.cloud.clock.now()
    played.turn(timedelta(hours=1))
    played.pass_time()
    assert played.account.cloud.clock.now() >= before + timedelta(hours=1)


def test_a_restart_makes_the_same_account_again(tmp_path):
    with world(tmp_path) as first:
        bucket = first.account.bucket
        assert first.handle(aws("s3", "PUT", f"/{bucket}/mine", b"mine")).status == 200
        assert first.handle(aws("s3", "GET", f"/{bucket}/mine")).body == b"mine"
        done(first, "send", traffic="bad", rows=40, endpoint=ENDPOINT)
        done(first, "turn", seconds=3600)
        assert first.handle(post("turn", seconds=-1)).status == 400
        done(first, "send", traffic="late", rows=20, endpoint=ENDPOINT)
        first.close()
        before = contents(first)
    with world(tmp_path) as second:
        assert [entry.request.method for entry in second.journal.entries].count("GET") == 0
        assert second.restore() == []
        assert contents(second) == before
        turned(second, 4)
        assert len(second.account.cloud.mailbox.mails) >= len(before["mails"])


def contents(found: World) -> dict:
    """What the account has, but not what functions draw at random: the samples of sketches, the ids of writers."""
    cloud = found.account.cloud
    objects = cloud.read_below(f"s3://{found.account.bucket}/")
    items = boto3.client("dynamodb").scan(TableName=found.account.stage["VEDETTE_TABLE"])["Items"]
    return {
        "now": cloud.clock.now(),
        "names": set(objects),
        "captured": {uri: content for uri, content in objects.items() if "/data-capture/" in uri},
        "records": [{name: value for name, value in item.items() if name != "writer"} for item in items],
        "mails": list(cloud.mailbox.mails),
    }


def test_a_restart_names_the_requests_that_had_another_result(tmp_path):
    with world(tmp_path) as first:
        assert first.handle(aws("s3", "PUT", f"/{first.account.bucket}/mine", b"mine")).status == 200
        first.close()
    with world(tmp_path) as second:
        entry = second.journal.entries[0]
        bucket = boto3.resource("s3").Bucket(second.account.bucket)
        bucket.object_versions.delete()
        bucket.delete()
        assert second.restore() == [entry]
