"""500 hostile capture objects through the deployed function: none fails it, and none is left without a trace."""

import boto3

from chalicelib import locations
from chalicelib.endpoint_run import stage_stores
from tests.capture.hostile_files import hostile_file
from tests.services.conftest import ENDPOINT, world

__all__ = ["world"]
FILES = 500


def test_no_captured_byte_fails_a_function(world, proves):
    world.deployed()
    now = world.cloud.clock.now()
    folder = f"data-capture/{ENDPOINT}/AllTraffic/{now:%Y/%m/%d/%H}/{now:%M}"
    keys = [f"{folder}-{seed // 100:02}-{seed % 1000:03}-{seed:08}.jsonl" for seed in range(FILES)]
    for seed, key in enumerate(keys):
        boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=hostile_file(seed))
    world.cloud.settle()
    outcomes = [one.outcome for one in world.cloud.bus.deliveries if one.function == "on_data_captured"]
    assert len(outcomes) >= FILES
    assert set(outcomes) == {"ok"}
    world.cloud.turn(hours=1)
    assert world.cloud.bus.failed == []
    remembered = {one.key for one in stage_stores().unreadable_objects.get(ENDPOINT)[0].objects}
    parts = {key: stage_stores().parts.get(locations.capture_key(key)) for key in keys}
    assert [key for key, part in parts.items() if part is None and key not in remembered] == []
    summaries = [part.summary for part in parts.values() if part is not None]
    proves("hostile objects", FILES, "on_data_captured", f"{sum(one.rows for one in summaries)} rows read")
    assert sum(one.rows for one in summaries) > 1_000
    assert sum(one.rejected_lines for one in summaries) > 1_000
