"""What an earlier version stored is opened by today's, added to today's, and worked on.

`v1/records.json` was recorded from a stage that ran commit 0b3fcd1 in the AWS simulator: objects by key, items by keys.
When SCHEMA_VERSION rises, a folder for the version before is recorded the same way, and stays.
"""

import json
import os
from pathlib import Path

import boto3
import msgspec
import pytest

from chalicelib import parts, records
from chalicelib.capture.summary import summarize
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import UnreadableFile
from chalicelib.parts import Part
from chalicelib.records import Record
from chalicelib.settings import settings
from vedette.local import Cloud
from vedette.local.application import load_app

RECORDED = json.loads((Path(__file__).parent / "v1" / "records.json").read_bytes())
RENAMED = {"AlertBook": "AlertState", "Mark": "FailedVersion"}  # recorded under an earlier class name
KINDS = sorted(kind for kind in RECORDED if kind != "capture")
RECORDS = [(kind, one) for kind in KINDS for one in RECORDED[kind]]


@pytest.mark.parametrize(("kind", "recorded"), RECORDS, ids=[f"{kind} {one['key']}" for kind, one in RECORDS])
def test_a_record_of_before_is_opened_and_nothing_in_it_is_lost(kind, recorded):
    module = parts if hasattr(parts, kind) else records
    opened = records.read(getattr(module, RENAMED.get(kind, kind)), recorded["body"].encode(), recorded["key"])
    again = json.loads(records.write(opened))
    before = json.loads(recorded["body"])
    assert before["schema_version"] == 1
    assert lost(before, again) == []


def lost(before, after, place: str = "") -> list[str]:
    """Where something of before is not as it was; what was added since, or was empty and is gone, does not count."""
    if isinstance(before, dict) and isinstance(after, dict):
        return [one for name in before for one in lost(before[name], after.get(name), f"{place}.{name}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            one
            for i, (old, new) in enumerate(zip(before, after, strict=True))
            for one in lost(old, new, f"{place}.{i}")
        ]
    return [] if before == after or (before == "" and after is None) else [place]


def test_a_part_of_before_is_added_to_todays():
    found = [records.read(Part, one["body"].encode(), one["key"]) for one in RECORDED["Part"]]
    bodies = {one["key"]: one["body"].encode() for one in RECORDED["capture"]}
    for part in found:
        today = summarize([bodies[part.key]])
        both = part.summary + today
        assert part.summary.rows == today.rows
        assert both.rows == 2 * today.rows
        assert both.probes == 2 * today.probes
    assert sum(part.summary.rows for part in found) > 0


def test_a_newer_record_is_refused_in_a_sentence():
    newer = json.loads(RECORDED["Fleet"][0]["body"]) | {"schema_version": records.SCHEMA_VERSION + 1}
    with pytest.raises(UnreadableFile, match="is newer than this Vedette"):
        records.read(records.Fleet, json.dumps(newer).encode(), "fleet.json")


def test_every_stored_record_says_its_schema_version():
    named = (vars(records) | vars(parts)).values()
    stored = [kind for kind in named if isinstance(kind, type) and issubclass(kind, Record)]
    assert len(stored) > 10
    assert all(kind.__struct_fields__[0] == "schema_version" for kind in stored)


def test_the_functions_of_today_go_on_with_a_stage_of_before():
    saved = dict(os.environ)
    with Cloud() as cloud:
        environment = cloud.install()
        os.environ.update(environment)
        for kind, one in [*RECORDS, *(("capture", one) for one in RECORDED["capture"])]:
            if kind in {"Deployment", "Mark", "AlertBook"}:
                pk, _, sk = one["key"].partition(" ")
                item = {"pk": {"S": pk}, "sk": {"S": sk}, "record": {"S": one["body"]}, "revision": {"N": "1"}}
                boto3.client("dynamodb").put_item(TableName=environment["VEDETTE_TABLE"], Item=item)
            elif kind != "ExecutionEvent":
                bucket = environment["VEDETTE_BUCKET"]
                boto3.client("s3").put_object(Bucket=bucket, Key=one["key"], Body=one["body"].encode())
        cloud.run_functions(load_app(environment))
        cloud.turn(hours=1)
        assert cloud.bus.failed == []
        assert stage_stores().fleet.get().entry("site") is not None
        ran = {delivery.function for delivery in cloud.bus.deliveries if delivery.outcome == "ok"}
        assert {"sweep", "run_monitoring"} <= ran
    os.environ.clear()
    os.environ.update(saved)
    settings.cache_clear()


def test_a_part_from_before_blank_texts_were_counted_is_added_to_one_that_counts_them():
    request = b'{"captureData": {"endpointInput": {"data": "{\\"x\\": \\" \\"}", "encoding": "JSON"}}}\n'
    today = summarize([request * 3])
    stored = json.loads(msgspec.json.encode(today))
    (column,) = stored["tables"][0]["columns"]
    assert column["types"].pop("blank") == 3
    before = msgspec.json.decode(json.dumps(stored), type=type(today))
    types = (before + today).tables[0].columns[0].types
    assert (types.string, types.blank) == (6, 3)
