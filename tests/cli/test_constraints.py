"""Constraints as code: edits, acceptance and the way back, each a version with who, when and why."""

import json
from functools import partial

import pytest
from click.testing import CliRunner

from chalicelib.aws.s3 import Bucket
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import NotReady
from tests.operations.evaluated_windows import baseline, evaluated, send, watched
from tests.operations.installed_stage import SITE
from vedette.cli import constraints as cli
from vedette.cli import main
from vedette.operations import baselines, constraints

SET = ("constraints", "set", SITE, "b", "--type", "Fractional", "--reason", "cents since May")


@pytest.fixture
def site(stage):
    return watched(stage)


def test_an_edit_is_a_version_in_force_with_who_and_why(site):
    shown = site.done(*SET, "--yes")
    assert "b: inferred_type: Integral -> Fractional" in shown
    assert f"To go back, run: vedette constraints use {SITE} v1" in shown
    named = stage_stores().baselines.in_force(SITE)
    assert (named.version, named.by, named.reason) == ("v2", "user/moto", "cents since May")
    assert named.at == site.cloud.clock.now()
    assert stage_stores().baselines.get_in_force(SITE).content.constraints.features[2].inferred_type == "Fractional"
    first, second = site.answer("constraints", "versions", SITE)
    assert (first["version"], first["in_force"], first["reason"]) == ("v2", True, "cents since May")
    assert (second["version"], second["in_force"], second["by"]) == ("v1", False, "demo")


def test_an_edit_keeps_unknown_keys_and_the_version_before_byte_by_byte(site):
    before = stage_stores().bucket.get(f"baselines/{SITE}/v1/constraints.json")
    site.done(*SET, "--yes")
    assert stage_stores().bucket.get(f"baselines/{SITE}/v1/constraints.json") == before
    after = json.loads(stage_stores().bucket.get(f"baselines/{SITE}/v2/constraints.json"))
    assert [feature["note"] for feature in after["features"]] == ["kept"] * 3


def test_a_dry_run_and_a_no_change_nothing(site):
    site.cloud.recorder.clear()
    assert "Fractional" in site.done(*SET, "--dry-run")
    assert "Not confirmed" in site.refused(*SET, typed="n\n")
    assert "do not change" in site.done("constraints", "set", SITE, "b", "--type", "Integral", "--reason", "x", "--yes")
    assert site.changes() == []


def test_the_edited_rule_is_what_the_next_window_is_evaluated_by(site):
    site.done(*SET, "--yes")
    site.done("constraints", "set", SITE, "--all", "--threshold", "datatype_check_threshold=0.4", "--reason", "x", "-y")
    send(site, good=20, bad=20)
    site.cloud.turn(minutes=70)
    (found,) = site.answer("show", "violations", SITE)
    assert (found["verdict"], found["baseline"]) == ("OK", "v3")


def test_a_window_is_accepted_as_the_new_normal_and_evaluates_the_next_one(stage):
    evaluated(stage, good=60, bad=60)
    shown = stage.done("constraints", "accept", SITE, "--window", "latest", "--reason", "cents", "--yes")
    assert "b: accepts data_type_check" in shown
    assert "a:" not in shown
    assert "b: inferred_type: Integral -> Fractional" in shown
    # Half of its values have no cents: with Fractional alone, the accepted window itself would be a violation.
    assert "b: monitoringConfigOverrides.datatype_check_threshold: none -> 0.36" in shown
    assert "the verdict of the window is Violations" in shown
    in_force = stage_stores().baselines.get_in_force(SITE)
    version, found = in_force.version, in_force.content
    assert (version, found.statistics) == ("v2", None)  # no drift was accepted
    stage.cloud.turn(minutes=50)
    send(stage, good=20, bad=20)
    stage.cloud.turn(minutes=70)
    (latest,) = stage.answer("show", "violations", SITE)
    assert (latest["baseline"], latest["violations"]) == ("v2", [])


def test_all_of_a_window_is_accepted_only_when_it_is_asked_for(stage):
    evaluated(stage, good=120, bad=0)
    refusal = stage.refused("constraints", "accept", SITE, "--reason", "x", "--yes")
    assert refusal.startswith("Nothing that can be accepted is violated in this window")
    assert "Give either" in stage.run("constraints", "accept", SITE, "--all", "--feature", "b", "--reason", "x").output
    stage.done("constraints", "accept", SITE, "--feature", "b", "--reason", "x", "--yes")
    assert stage_stores().baselines.get_in_force(SITE).content.statistics.rows == 120
    stage.done("constraints", "accept", SITE, "--all", "--reason", "x", "--yes")
    assert stage_stores().baselines.in_force(SITE).version == "v3"


def test_a_single_object_is_refused_with_the_time_when_its_window_can_be_accepted(stage):
    send(watched(stage), good=20, bad=20)
    stage.cloud.turn(minutes=5)
    (key,) = [
        one.key
        for one in stage_stores().bucket.list_objects(f"monitoring/{SITE}/AllTraffic/objects/")
        if one.key.endswith("execution.json")
    ]
    name = key.partition("AllTraffic/")[2].removesuffix("/execution.json")
    refusal = stage.refused("constraints", "accept", SITE, "--window", name, "--reason", "x", "--yes")
    assert refusal.startswith("These are 40 rows of the window from 2026-03-02 10:00 to 11:00 UTC")
    assert "after 2026-03-02 11:05 UTC), with --window 2026-03-02T10:00." in refusal
    assert "named objects/2026/x." in stage.refused("show", "violations", SITE, "--window", "objects/2026/x")


def test_a_version_is_put_in_force_again_and_a_folder_becomes_a_version(site, tmp_path):
    site.done(*SET, "--yes")
    shown = site.done("constraints", "use", SITE, "v1", "--reason", "too loose", "--yes")
    assert "b: inferred_type: Fractional -> Integral" in shown
    assert stage_stores().baselines.in_force(SITE).version == "v1"
    assert "already the current version" in site.done("constraints", "use", SITE, "v1", "--reason", "x", "--yes")
    (tmp_path / "data.csv").write_text("label,a,b\n" + "1,2,3\n" * 200)
    site.done("baseline", tmp_path / "data.csv", "-o", tmp_path / "made")
    site.done("constraints", "use", SITE, "--from", tmp_path / "made", "--reason", "from the training data", "--yes")
    in_force = stage_stores().baselines.get_in_force(SITE)
    version, found = in_force.version, in_force.content
    assert (version, found.statistics.rows) == ("v3", 200)
    file = tmp_path / "made" / "constraints.json"
    site.done("constraints", "set", SITE, "a", "--completeness", 0.5, "--reason", "gaps", "--yes")
    assert "a: completeness: 0.5 -> 1.0" in site.done("constraints", "diff", SITE, file)
    site.done("constraints", "use", SITE, "--from", file, "--reason", "by hand", "--yes")
    in_force = stage_stores().baselines.get_in_force(SITE)
    assert in_force.content.statistics.rows == 200  # a constraints.json alone keeps the statistics


def test_the_first_baseline_of_an_endpoint_is_put_in_force_by_use(stage, tmp_path):
    assert "has no baseline" in stage.refused("constraints", "show", SITE)
    assert f"{SITE} has no baseline." in stage.done("constraints", "versions", SITE)
    (tmp_path / "data.csv").write_text("label,a,b\n1,2,3\n")
    stage.done("baseline", tmp_path / "data.csv", "-o", tmp_path / "made")
    stage.done("constraints", "use", SITE, "--from", tmp_path / "made", "--reason", "first", "--yes")
    assert stage_stores().baselines.in_force(SITE).version == "v1"


def test_constraints_are_shown_in_eighty_columns_and_written_to_a_file(site, tmp_path, monkeypatch):
    site.done("constraints", "set", SITE, "a", "--value", "x" * 100, "--add-value", "y", "--reason", "known", "--yes")
    monkeypatch.setenv("COLUMNS", "80")
    shown = site.done("constraints", "show", SITE, "-o", tmp_path / "constraints.json")
    assert "Current version v2 by user/moto" in shown
    assert "2 known values" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert (
        json.loads((tmp_path / "constraints.json").read_bytes())
        == site.answer("constraints", "show", SITE)["constraints"]
    )
    assert (
        json.loads(site.done("constraints", "show", SITE, "--version", "v1", "-o", "-"))["features"][0]["note"]
        == "kept"
    )


def test_what_cannot_be_is_one_sentence(site, tmp_path):
    assert "it has v1." in site.refused("constraints", "show", SITE, "--version", "v9")
    assert "it has v1." in site.refused("constraints", "use", SITE, "v9", "--reason", "x", "--yes")
    assert "no such file" in site.refused("constraints", "diff", SITE, "../v1x")
    assert "did you mean b?" in site.refused("constraints", "set", SITE, "bb", "--completeness", 1, "--reason", "x")
    assert "No results" in site.refused("constraints", "accept", SITE, "--reason", "x", "--yes")
    assert "no such file" in site.refused("constraints", "use", SITE, "--from", tmp_path, "--reason", "x", "--yes")
    assert "not KEY=VALUE" in site.refused(
        "constraints", "set", SITE, "b", "--threshold", "comparison_threshold", "--reason", "x"
    )
    for words in (("set", SITE), ("set", SITE, "b"), ("set", SITE, "--all", "--type", "String"), ("use", SITE)):
        assert site.run("constraints", *words, "--reason", "x").exit_code == 2


def test_two_people_who_edit_at_once_do_not_undo_each_other(site):
    before = baselines.in_force(SITE)
    site.done(*SET, "--yes")
    with pytest.raises(
        NotReady, match=r"Someone else changed the baseline in force .* Your version is stored as v3, but is not"
    ):
        baselines.keep(SITE, before.constraints, None, "late", before.etag)
    assert stage_stores().baselines.in_force(SITE).version == "v2"
    assert [one.version for one in baselines.versions(SITE)] == ["v3", "v2", "v1"]
    with pytest.raises(NotReady, match="Someone else changed the baseline in force"):
        baselines.use(SITE, "v1", "late", before.etag)


def test_of_two_who_make_the_same_version_one_is_warned(site, monkeypatch):
    before = baselines.in_force(SITE)
    monkeypatch.setattr(
        Bucket, "list_folders", lambda self, prefix: ["v1"]
    )  # both have looked before either has written
    baselines.keep(SITE, before.constraints, None, "first", before.etag)
    with pytest.raises(NotReady, match="Someone else created v2 of preferred-site"):
        baselines.keep(SITE, before.constraints, None, "second", before.etag)
    assert stage_stores().bucket.get(f"baselines/{SITE}/v2/version.json").count(b"first") == 1


def test_what_can_be_cleared_is_what_an_edit_knows():
    assert cli.CLEARABLE == constraints.CLEARABLE  # the command lists it without importing what an edit needs


def test_nothing_is_changed_while_the_stage_is_paused(site):
    site.done("pause", "--reason", "freeze", "--yes")
    assert "is paused" in site.refused(*SET, "--yes")
    baseline("v9")
    assert site.done("constraints", "show", SITE)


def test_two_files_are_compared_without_a_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEDETTE_STAGE", raising=False)
    for name, kind in (("old", "Integral"), ("new", "Fractional")):
        (tmp_path / name).mkdir()
        feature = {"name": "b", "inferred_type": kind, "completeness": 1.0}
        (tmp_path / name / "constraints.json").write_text(json.dumps({"version": 0.0, "features": [feature]}))
    run = partial(CliRunner().invoke, main, catch_exceptions=False)
    for words in (["old/", "new/"], ["old/constraints.json", "new/constraints.json"]):
        found = run(["constraints", "diff", *words])
        assert (found.exit_code, found.output.splitlines()[1:]) == (0, ["  b: inferred_type: Integral -> Fractional"])
    assert "only two files need none" in run(["constraints", "diff", "site", "v1"]).output
    assert "Name two files" in run(["constraints", "diff", "site"]).output
