"""`vedette status` shows captured objects that cannot be read: how many, the first one, why, and when it is tried."""

from datetime import timedelta

from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.events import DataCaptured
from chalicelib.locations import capture_key
from chalicelib.records import UnreadableReason
from chalicelib.services import unreadable_objects
from tests.operations.installed_stage import SITE
from tests.runs import run_of


def test_status_shows_captured_objects_that_cannot_be_read(stage):
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "observe", "--force", "--yes")
    assert stage.answer("status", SITE)["endpoints"][0]["unreadable"] == []
    run = run_of(SITE)
    keys = [f"data-capture/{SITE}/AllTraffic/2026/03/02/09/0{n}-00-000-\x1b[31mx.jsonl" for n in range(2)]
    for key, reason in zip(keys, (UnreadableReason.DENIED, UnreadableReason.GONE), strict=True):
        unreadable_objects.remember(run, DataCaptured("lake", key, "", 0, capture_key(key)), reason)
    stage_stores().unreadable_objects.change(SITE, lambda known: replace(known, more=3), attempts=1)

    shown = stage.run("status", SITE)
    assert shown.exit_code == 1
    retried = run.now + timedelta(minutes=15)
    place = f"s3://lake/data-capture/{SITE}/AllTraffic/2026/03/02/09/0"
    words = " ".join(shown.output.split())
    assert (
        f"{SITE}: {place}0-00-000- [31mx.jsonl cannot be read (S3 or KMS refuses it)"
        f" and is tried again after {retried:%Y-%m-%d %H:%M} UTC"
    ) in words
    assert (
        f"{place}1-00-000- [31mx.jsonl cannot be read (it was deleted before it was read) and is not tried again"
        in words
    )
    assert "3 captured objects more cannot be read" in words
    assert "\x1b[31mx" not in shown.output
    assert f"{place}1" not in stage.run("status").output

    found = stage.run("status", SITE, "--json")
    assert '"unreadable_more": 3' in found.output
