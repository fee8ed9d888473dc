"""Commands on a stage from any folder: the installation is found by its stack."""

from contextlib import chdir

import pytest

from chalicelib.settings import settings
from vedette.operations import installations, stages

PLACE = ("--stage", "dev", "--region", "eu-west-1")


@pytest.fixture
def elsewhere(clone, tmp_path_factory):
    """A stage that is set up, and a person in another folder."""
    clone.done(
        *("setup", "--stage", "dev", "--email", "you@example.com", "--yes", "--image-account", "123456789012"),
        *("--runbook-url", "https://wiki.example.com/ml", "--team-runbook", "search=https://wiki.example.com/search"),
    )
    settings.cache_clear()
    with chdir(tmp_path_factory.mktemp("elsewhere")):
        yield clone


def test_a_stage_is_found_by_its_stack_and_what_setup_stored_with_it(elsewhere):
    assert elsewhere.answer("alerts", "list", *PLACE)["alerts"] == []
    found = installations.variables_of_stack("dev", None, "eu-west-1")
    assert found == elsewhere.project.stage("dev")["environment_variables"]
    assert found["VEDETTE_TEAM_RUNBOOKS"] == "search=https://wiki.example.com/search"


def test_without_the_stored_entry_the_outputs_are_enough(elsewhere):
    bucket = elsewhere.project.stage("dev")["environment_variables"]["VEDETTE_BUCKET"]
    elsewhere.client("s3").delete_object(Bucket=bucket, Key=installations.STAGE_CONFIGURATION)
    found = installations.variables_of_stack("dev", None, "eu-west-1")
    assert found is not None
    assert set(found) == {*stages.NEEDED, "VEDETTE_STAGE", "VEDETTE_ROLE_ARN"}
    assert elsewhere.answer("alerts", "list", *PLACE)["alerts"] == []


def test_a_stage_that_is_nowhere_names_the_stack_the_account_and_the_region(elsewhere):
    refusal = elsewhere.refused("alerts", "list", "--stage", "prod", "--region", "eu-west-1")
    assert "There is no stack vedette-prod in account 123456789012, region eu-west-1:" in refusal
    assert "no .chalice/config.json" in refusal


def test_a_runbook_that_is_no_https_url_is_refused(elsewhere):
    with chdir(elsewhere.project.root):
        for option in (
            ("--runbook-url", "http://wiki"),
            ("--team-runbook", "search"),
            ("--runbook-url", "https://a b"),
        ):
            refusal = elsewhere.refused("setup", "--stage", "dev", *option, "--yes")
            assert "is not an https URL of a runbook" in refusal


def test_the_times_of_digests_are_stored_and_what_is_no_time_is_refused(elsewhere):
    with chdir(elsewhere.project.root):
        for option in (("--digest", "7"), ("--team-digest", "search"), ("--digest", "24:00")):
            assert "is neither a time like 07:00" in elsewhere.refused("setup", "--stage", "dev", *option, "--yes")
        times = ("--digest", "07:00", "--team-digest", "search=06:30", "--team-digest", "ads=off")
        elsewhere.done("setup", "--stage", "dev", *times, "--yes")
    found = stages.from_environment(elsewhere.project.stage("dev")["environment_variables"])
    assert [found.digest_of(team) for team in ("search", "ads", "")] == ["06:30", "", "07:00"]


def test_setup_without_the_option_keeps_the_runbook(elsewhere):
    with chdir(elsewhere.project.root):
        elsewhere.done("setup", "--stage", "dev", "--log-days", "30", "--yes")
    entry = elsewhere.project.stage("dev")["environment_variables"]
    assert entry["VEDETTE_RUNBOOK_URL"] == "https://wiki.example.com/ml"
    found = stages.from_environment(entry)
    assert (found.runbook_of("search"), found.runbook_of("")) == (
        "https://wiki.example.com/search",
        "https://wiki.example.com/ml",
    )
