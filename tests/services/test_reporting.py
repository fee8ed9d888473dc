"""The page beside a verdict: where there is something to see, bounded in what it reads, never worth a verdict."""

from datetime import timedelta

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.pages.history import WINDOWS
from chalicelib.records import Execution
from chalicelib.records import write as encoded
from chalicelib.services.reporting import with_history, write_report
from tests.pages.samples import execution as evaluated
from tests.pages.samples import sample
from tests.runs import run_of
from tests.services.conftest import ENDPOINT

HOUR = timedelta(hours=1)


@pytest.fixture
def watched(world):
    """An endpoint whose last two hours were evaluated; the second is half wrong."""
    world.deployed()
    world.cloud.turn(minutes=61 - world.cloud.clock.now().minute)
    for bad in (0, 20):
        world.send(good=20, bad=bad)
        world.pass_hours(1)
    world.cloud.turn(minutes=10)
    return world


def executions(world) -> list[Execution]:
    keys = [key for key in world.keys(f"monitoring/{ENDPOINT}/AllTraffic/2") if key.endswith("/0001/execution.json")]
    return [stage_stores().bucket.get_record(Execution, key) for key in keys]


def has_page(execution: Execution) -> bool:
    return stage_stores().bucket.exists(execution.folder + "report.html")


def test_the_first_window_and_one_with_findings_have_a_page(watched):
    assert [execution.verdict for execution in executions(watched)[1:]] == ["OK", "Violations"]
    for execution in executions(watched):
        found = boto3.client("s3").get_object(Bucket=watched.bucket, Key=execution.folder + "report.html")
        assert found["ContentType"] == "text/html; charset=utf-8"
        assert execution.verdict in found["Body"].read().decode()
    last = executions(watched)[-1]
    page = stage_stores().bucket.get(last.folder + "report.html").decode()
    assert "b is not Integral in 50.0% of 40 rows." in page
    assert "version 1 had passed 1 window before: the data changed, not the model." in page
    assert "version 1, verified" in page


def test_a_window_without_findings_as_the_one_before_has_no_page(watched):
    """After the violation: one clean window, the one that recovers, and then nothing to see."""
    for _ in range(4):
        watched.send(good=40)
        watched.pass_hours(1)
    watched.cloud.turn(minutes=10)
    assert [(one.verdict, has_page(one)) for one in executions(watched)[3:]] == [
        ("OK", True),
        ("OK", True),
        ("OK", False),
        ("OK", False),
    ]
    watched.pass_hours(3)
    assert [(one.verdict, has_page(one)) for one in executions(watched)[-3:]] == [
        ("NoData", True),
        ("NoData", True),
        ("NoData", False),
    ]
    silent = executions(watched)[6]
    changes = {
        "package_version": "2",
        "baseline": "other",
        "notes": ("a note",),
        "revision": 2,
    }
    for name, value in changes.items():
        assert write_report(run_of(), replace(silent, **{name: value}), None, None), name


def test_what_a_page_reads_is_bounded_however_long_the_history_is(watched):
    last = executions(watched)[-1]
    old = evaluated(ENDPOINT, 0, sample(2).monitored.execution, "1")
    for hours in range(1, 60):
        start = last.window_start - 10 * HOUR - hours * HOUR
        folder = f"monitoring/{ENDPOINT}/AllTraffic/{start:%Y-%m-%dT%H-%MZ}_60m/1/0001/"
        stage_stores().bucket.put(folder + "execution.json", encoded(old))
    calls = watched.cloud.recorder.calls
    run = run_of()
    before = len(calls)
    with_history(run, last)
    made = [call.operation for call in calls[before:]]
    assert made.count("GetObject") <= WINDOWS
    assert made.count("ListObjectsV2") <= 4  # two of windows, and the alerts of two executions
    assert len(made) <= WINDOWS + 8


def test_a_page_that_cannot_be_made_costs_no_verdict(watched, capsys):
    last = executions(watched)[-1]
    start = last.window_start - HOUR
    stage_stores().bucket.put(
        f"monitoring/{ENDPOINT}/AllTraffic/{start:%Y-%m-%dT%H-%MZ}_60m/9/0009/execution.json", b"not a record"
    )
    assert write_report(run_of(), last, None, None) is False
    watched.cloud.mailbox.mails.clear()
    watched.send(good=40)
    watched.cloud.turn(hours=1, minutes=10)
    latest = executions(watched)[-1]
    assert latest.window_start > last.window_start
    assert latest.verdict == "OK"
    assert stage_stores().bucket.get(latest.folder + "constraint_violations.json") is not None
    assert stage_stores().bucket.get(latest.folder + "report.html") is None
    lines = capsys.readouterr().out
    assert '"ReportsFailed"' in lines
    assert "not a record" not in lines
