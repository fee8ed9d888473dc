"""An alert is stored beside its execution and heads its page; nothing of that stops it."""

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.alerts import story
from chalicelib.endpoint_run import stage_stores
from tests.alerts.factories import execution, violation
from tests.runs import alert_on
from vedette.local.errors import AwsError

ENDPOINT = "preferred-site"


@pytest.fixture
def watched(world):
    """An endpoint in mode alert; no functions run by themselves."""
    world.cloud.schedules_enabled = False
    world.apply(replace(world.fleet.entry(ENDPOINT), mode="alert", runbook_url="https://wiki.example.com/site"))
    return world


def stored(folder: str):
    return stage_stores().executions.alerts(folder)


def page_of(folder: str) -> str:
    return (stage_stores().bucket.get(folder + "report.html") or b"").decode()


def test_an_alert_is_stored_as_it_was_sent_and_its_execution_gets_a_page(watched):
    made = execution(violation(), window_closed=False, folder=f"monitoring/{ENDPOINT}/AllTraffic/open/x/0001/")
    assert stage_stores().executions.put(made)
    assert page_of(made.folder) == ""
    (sent,) = alert_on(made)
    (alert,) = stored(made.folder)
    assert (alert.alert_id, alert.runbook_url) == (sent, "https://wiki.example.com/site")
    assert watched.cloud.mailbox.messages[-1]["alert_id"] == sent
    assert f"<h1>{story.headline(alert)}</h1>" in page_of(made.folder)
    assert story.since(alert) in page_of(made.folder)


def test_head_and_steps_of_a_page_that_is_there_are_replaced_and_the_rest_stays(watched):
    made = execution(violation())
    assert stage_stores().executions.put(made)
    rest = b"<p>monitoring wrote this</p>"
    old = b"<!--story-->\n<h1>stale</h1>\n<!--/story--><!--steps--><code>stale</code><!--/steps-->"
    stage_stores().executions.put_file(made, "report.html", b"<x>" + old + rest, "text/html")
    alert_on(made)
    (alert,) = stored(made.folder)
    page = page_of(made.folder)
    assert page.startswith("<x><!--story-->")
    assert page.endswith(rest.decode())
    assert f"<h1>{story.headline(alert)}</h1>" in page
    assert f"<code>vedette alerts mute {alert.items[0].fingerprint} " in page
    assert "stale" not in page


def test_a_page_of_an_earlier_version_stays_as_it_is(watched):
    made = execution(violation())
    assert stage_stores().executions.put(made)
    stage_stores().executions.put_file(made, "report.html", b"<h1>old</h1>", "text/html")
    alert_on(made)
    assert page_of(made.folder) == "<h1>old</h1>"


def test_an_alert_whose_page_cannot_be_written_is_sent_nevertheless(watched):
    made = execution(violation())
    assert stage_stores().executions.put(made)

    def refuse(request, operation):
        raise AwsError("AccessDenied", "x", 403)

    allowed = watched.cloud.router.validators.get(("s3", "PutObject"))
    watched.cloud.router.validators["s3", "PutObject"] = refuse
    assert len(alert_on(made)) == 1
    if allowed is None:
        del watched.cloud.router.validators["s3", "PutObject"]
    else:
        watched.cloud.router.validators["s3", "PutObject"] = allowed
    assert stored(made.folder) == []


def test_a_repeated_event_writes_nothing_again(watched):
    made = execution(violation())
    assert stage_stores().executions.put(made)
    alert_on(made)
    (before,) = [one for one in stage_stores().bucket.list_objects(made.folder) if "alert-" in one.key]
    assert alert_on(made) == []
    assert [one.key for one in stage_stores().bucket.list_objects(made.folder) if "alert-" in one.key] == [before.key]


def test_an_alert_of_model_monitor_is_not_stored_beside_its_report(watched):
    boto3.client("s3").create_bucket(Bucket="theirs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    made = execution(violation(), source="model monitor", folder="s3://theirs/reports/1", variant="schedule s")
    assert len(alert_on(made)) == 1
    assert boto3.client("s3").list_objects_v2(Bucket="theirs")["KeyCount"] == 0
