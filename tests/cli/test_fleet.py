"""The fleet, changed by hand and from a file: shown, asked, stored with who and from which commit."""

import pytest

from chalicelib.errors import NotReady
from chalicelib.records import Fleet
from tests.operations.installed_stage import SITE
from vedette.demo import user_actions
from vedette.operations import aws

FLEET = """
[endpoints.preferred-site]
mode = "alert"
package_group = "preferred-site"

[endpoints.first-look]
mode = "observe"
"""


def test_a_file_is_shown_asked_about_and_stored_with_who_applied_it(stage, tmp_path):
    file = tmp_path / "fleet.toml"
    file.write_text(FLEET)
    shown = stage.done("apply", "-f", file, "--force", "--dry-run")
    assert 'preferred-site: mode: "deploy" -> "alert"' in shown
    assert "first-look: added" in shown
    assert "Not confirmed" in stage.refused("apply", "-f", file, "--force", typed="n\n")
    assert len(stage.answer("fleet", "show")["entries"]) == 1
    assert stage.answer("apply", "-f", file, "--force", "--yes")["applied"] is True
    found = stage.answer("fleet", "show")
    assert ([entry["mode"] for entry in found["entries"]], found["applied_by"]) == (["alert", "observe"], "user/moto")
    assert "The fleet does not change." in stage.done("apply", "-f", file, "--yes")
    assert "Applied by user/moto" in stage.done("fleet", "show")


def test_managing_writes_the_same_entry_and_any_key_can_be_set(stage):
    stage.done("manage", SITE, "--endpoint", SITE, "--mode", "alert", "--set", "updates_per_hour=2", "--force", "--yes")
    more = ("--golden-payload", "1,2", "--critical-feature", "a", "--force", "--yes")
    stage.done("manage", "cars", "--endpoint", "cars", *more)
    site, cars = stage.answer("fleet", "show")["entries"]
    assert (site["mode"], site["updates_per_hour"], site["golden_payload"]["body"]) == ("alert", 2, "60,70")
    assert (cars["mode"], cars["golden_payload"]["body"], cars["critical_features"]) == ("observe", "1,2", ["a"])


def test_what_cannot_be_managed_is_one_sentence(stage):
    assert stage.refused("manage", "cars", "--endpoint", SITE, "--yes").startswith(
        "preferred-site: it serves the group"
    )
    assert "did you mean mode?" in stage.refused("manage", SITE, "--endpoint", SITE, "--set", "moed=alert", "--yes")
    assert stage.refused("manage", SITE, "--endpoint", SITE, "--capture-percentage", 300, "--yes").endswith(
        "300 is not 0 to 100"
    )
    assert stage.refused("apply", "-f", "no-such.toml", "--yes") == "no-such.toml: no such file or directory"


def test_a_fleet_that_names_what_does_not_exist_is_refused_with_one_line_each(stage, tmp_path, monkeypatch):
    from chalicelib.settings import settings

    monkeypatch.setenv("VEDETTE_TOPICS", f"ranking={settings().topic_arn}")
    settings.cache_clear()
    file = tmp_path / "fleet.toml"
    place = f"s3://{stage.bucket}/no/such"
    file.write_text(
        '[endpoints.first-look]\nmode = "alert"\n'
        '[endpoints.second-look]\nteam = "search"\n'
        f'[endpoints.later]\nmode = "deploy"\npackage_group = "later"\nbaseline = "{place}"\nteam = "ranking"\n'
    )
    result = stage.run("apply", "-f", file, "--yes")
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines() == [
        "Error: The fleet names what does not exist; --force applies it:",
        "first-look: there is no such endpoint",
        "second-look: there is no such endpoint",
        "second-look: the team search has no topic; `vedette setup --team search=ARN` adds it",
        f"later: the baseline does not exist: there is no {place}/constraints.json",
    ]
    assert "first-look" not in stage.done("fleet", "show")
    stage.done("apply", "-f", file, "--yes", "--force")
    assert [entry["endpoint"] for entry in stage.answer("fleet", "show")["entries"]] == [
        "first-look",
        "second-look",
        "later",
    ]
    shown = stage.run("status")
    assert shown.exit_code == 1
    assert set(result.stderr.strip().splitlines()[1:]) <= set(shown.output.splitlines())


def test_what_exists_is_applied_and_another_entry_does_not_stand_in_the_way_of_manage(stage, tmp_path):
    stage.by_hand("first-look")
    file = tmp_path / "fleet.toml"
    file.write_text('[endpoints.first-look]\nmode = "alert"\n[endpoints.gone]\nmode = "alert"\n')
    stage.done("apply", "-f", file, "--yes", "--force")
    stage.done("manage", "g", "--endpoint", "first-look", "--mode", "observe", "--yes")
    file.write_text('[endpoints.first-look]\nmode = "alert"\n')
    stage.done("apply", "-f", file, "--yes")
    assert stage.run("status").exit_code == 0


def test_a_kind_that_vedette_does_not_deploy_to_is_refused_by_name_wherever_it_is_met(stage, monkeypatch, tmp_path):
    from chalicelib.aws import sagemaker

    stage.by_hand("many", capture=True)
    real = sagemaker.describe_model
    many = {"PrimaryContainer": {"Mode": "MultiModel", "Image": "i"}}
    monkeypatch.setattr(sagemaker, "describe_model", lambda name: {**real(name), **many})  # moto knows no such model
    kind = "a multi-model endpoint; Vedette watches such endpoints if they capture, but does not deploy to them"
    deploys = ("manage", "many", "--endpoint", "many", "--mode", "deploy", "--yes")
    assert stage.refused(*deploys) == f"many: the endpoint is {kind}"
    assert stage.refused(*deploys, "--force") == f"many: the endpoint is {kind}"
    stage.done("watch", "many", "--yes")
    fleet_with = (*aws.get_fleet()[0].entries[:1], stage.entry("many"))
    user_actions.apply_fleet(*fleet_with)  # as an earlier version accepted it
    assert f"the endpoint is {kind}" in stage.done("plan", "many")
    assert stage.refused("adopt", "many", "--yes") == f"many cannot be adopted: the endpoint is {kind}."


def test_two_people_who_change_the_fleet_at_once_do_not_undo_each_other(stage):
    from chalicelib.settings import settings

    settings.cache_clear()
    stored, etag = aws.get_fleet()
    stage.done("manage", "cars", "--endpoint", "cars", "--force", "--yes")
    with pytest.raises(NotReady, match="Someone else changed the fleet"):
        aws.put_fleet(Fleet(entries=()), etag)
    assert len(stage.answer("fleet", "show")["entries"]) == len(stored.entries) + 1


def test_without_a_stage_a_command_is_one_sentence(stage, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VEDETTE_STAGE")
    assert stage.refused("fleet", "show") == "Name a stage with --stage or VEDETTE_STAGE."
    assert "Stage nowhere is not known here" in stage.refused("fleet", "show", "--stage", "nowhere")
    monkeypatch.setenv("VEDETTE_STAGE", "local")
    assert stage.done("fleet", "show")
    assert "could not be found" in stage.refused("fleet", "show", "--stage", "local", "--profile", "no-such")
