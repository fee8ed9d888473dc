"""Stored parts evaluated again: the alerts that were sent, and what other constraints would have sent."""

import json
from itertools import groupby

import pytest

from chalicelib import locations
from chalicelib.capture.summary import CaptureSummary
from chalicelib.endpoint_run import stage_stores
from chalicelib.locations import HOUR, ROLLUP_LENGTH
from chalicelib.parts import RollUp
from chalicelib.services import aggregation
from chalicelib.statistics.table import Table
from tests.operations.evaluated_windows import baseline, send, watched
from tests.operations.installed_stage import SITE
from tests.runs import pass_hours
from vedette.operations import replay


@pytest.fixture
def lived(stage):
    """Six hours: two of them bad, four good, and everything that was reported."""
    watched(stage)
    stage.cloud.mailbox.mails.clear()
    for bad in (20, 20, 0, 0, 0, 0):
        send(stage, good=20, bad=bad)
        pass_hours(stage.cloud, 1)
    return stage


def reported(stage) -> list[str]:
    return [mail.subject for mail in stage.cloud.mailbox.mails if "not Integral" in mail.subject]


def test_the_constraints_in_force_give_the_alerts_that_were_reported(lived):
    answer = lived.answer("replay", SITE, "--from", "1d")
    (side,) = answer["replayed"]
    (week,) = side["weeks"]
    assert [f"[{a['severity']}] {SITE}: {a['headline']}" for a in week["alerts"]] == reported(lived)
    assert len(reported(lived)) == 1
    assert (week["begins"], week["violations"], week["violated_windows"], week["recovered"]) == ("2026-03-02", 2, 2, 1)
    assert week["rows"] == 160
    assert lived.run("replay", SITE).exit_code == 1


def test_other_constraints_are_proven_quiet_before_they_are_in_force(lived, tmp_path):
    lived.done("constraints", "show", SITE, "-o", tmp_path / "constraints.json")
    document = json.loads((tmp_path / "constraints.json").read_bytes())
    document["features"][2]["monitoringConfigOverrides"] = {"datatype_check_threshold": 0.4}
    (tmp_path / "constraints.json").write_text(json.dumps(document))
    shown = lived.done("replay", SITE, "--from", "1d", "--constraints", tmp_path / "constraints.json")
    assert "would have raised no alerts" in shown
    old, new = lived.answer("replay", SITE, "--constraints", tmp_path / "constraints.json")["replayed"]
    assert (old["version"], old["alerts"], new["alerts"]) == ("v1", 1, 0)
    assert [week["violations"] for week in new["weeks"]] == [0]


def test_nothing_is_written_and_each_part_is_read_once(lived):
    lived.cloud.recorder.clear()
    lived.run("replay", SITE, "--constraints", "v1")
    assert lived.changes() == []
    read = [call.parameters["Key"] for call in lived.cloud.recorder.of("GetObject")]
    parts = [key for key in read if key.startswith("parts/")]
    assert len(parts) == len(set(parts)) == lived.answer("replay", SITE)["parts"] > 0


def test_the_parts_of_jobs_that_had_the_name_before_are_left_out(lived):
    bucket, now = stage_stores().bucket, lived.cloud.clock.now()
    before = lived.answer("replay", SITE)["parts"]
    captured = next(one.key for one in bucket.list_objects(f"parts/{SITE}/AllTraffic/"))
    bucket.put(
        locations.part(locations.job_output(SITE, "night-1", now - 2 * HOUR, "s3://b/a.out")), bucket.get(captured)
    )
    assert lived.answer("replay", SITE)["parts"] == before
    bucket.put(captured.replace("/AllTraffic/", "/transform/"), bucket.get(captured))  # a variant of that name
    assert lived.answer("replay", SITE)["parts"] == before + 1


def test_roll_ups_stand_for_their_parts(lived, monkeypatch):
    entry = stage_stores().fleet.get().entry(SITE)
    now = lived.cloud.clock.now()
    wanted = replay.ReplayRange.of(entry, now.replace(hour=0, minute=0), now, ())
    against = [found for _, found in replay.compared(SITE, None)]
    keys = replay.keys_of(wanted)
    by_part = replay.replayed(wanted, keys, against)
    by_slot = groupby(keys["AllTraffic"], lambda key: locations.five_minute_slot(locations.part_begun(key)))
    for begin, found in by_slot:
        these = tuple(found)
        summary = CaptureSummary.total(part.summary for part in stage_stores().parts.read(these))
        end = begin + ROLLUP_LENGTH
        named = {"endpoint": SITE, "variant": "AllTraffic", "start": begin, "end": end, "parts": these}
        stage_stores().parts.put_rollup(RollUp(summary=summary, **named))
    for key in keys["AllTraffic"]:
        stage_stores().bucket.delete(key)
    monkeypatch.setattr(aggregation, "ROLLUP_MIN_PARTS", 1)
    by_roll_up = replay.replayed(wanted, keys, against)
    assert [week.violations for week in by_roll_up[0].weeks.values()] == [2]
    assert [week.rows for week in by_roll_up[0].weeks.values()] == [week.rows for week in by_part[0].weeks.values()]
    assert len(by_roll_up[0].alerts) == len(by_part[0].alerts) == 1


def test_drift_is_evaluated_by_the_day_as_in_production(stage):
    watched(stage)
    statistics = Table.of([["0", str(n), str(n)] for n in range(200)], ("label", "a", "b"))
    baseline("v2", statistics)
    send(stage, good=150)
    stage.cloud.turn(minutes=5)
    stage.cloud.schedules_enabled = False  # nothing but the parts is needed
    stage.cloud.turn(hours=26)
    (side,) = stage.answer("replay", SITE, "--from", "2d")["replayed"]
    (week,) = side["weeks"]
    assert (week["rows"], week["violations"]) == (150, 2)  # a and b have drifted; one day of three does not alert
    assert side["alerts"] == 0


def test_what_cannot_be_replayed_is_one_sentence(stage):
    assert "has no baseline" in stage.refused("replay", SITE)
    baseline()
    assert "`vedette backfill preferred-site --from 14d`" in stage.refused("replay", SITE)
    assert "is not in the fleet" in stage.refused("replay", "cars")
    assert "it has v1." in stage.refused("replay", SITE, "--constraints", "v7")
    assert "no such file" in stage.refused("replay", SITE, "--constraints", "/no/such/constraints.json")
    assert stage.run("replay", SITE, "--from", "soon").exit_code == 2
