"""Every command that a mail prints works when the mail arrives, and answers about what the mail is about."""

import html
import json
import re

import boto3
from click.testing import CliRunner
from msgspec.structs import replace

from chalicelib.constraints.constraints import Constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import AlertMessage, read
from chalicelib.settings import settings
from tests.cli.checked_mails import Checked, one_line
from tests.operations.evaluated_windows import baseline, send, watched
from tests.operations.installed_stage import SITE
from tests.runs import pass_hours
from vedette.cli import main
from vedette.demo import story, user_actions
from vedette.local import Cloud


def last_alert(cloud: Cloud) -> AlertMessage:
    return read(AlertMessage, json.dumps(cloud.mailbox.messages[-1]).encode(), "queue")


def test_the_mail_about_one_captured_object_names_this_object(stage, checked):
    watched(stage)
    send(stage, good=20, bad=20)
    stage.cloud.turn(minutes=4)
    assert checked.of("b is not Integral") == ["show violations", "replay", "alerts mute"]
    (mail,) = [mail for mail in stage.cloud.mailbox.mails if "not Integral" in mail.subject]
    assert "--window objects/2026/03/02/10/" in mail.text
    assert "accept it once its window is evaluated, some minutes after 2026-03-02 11:05 UTC" in one_line(mail.text)


def test_the_mail_about_an_open_window_names_this_window(stage, checked):
    watched(stage)
    for _ in range(4):  # too few rows each, to say anything of one object
        send(stage, good=8, bad=4)
        stage.cloud.turn(minutes=5)
    assert checked.of("b is not Integral") == ["show violations", "replay", "alerts mute"]
    (mail,) = [mail for mail in stage.cloud.mailbox.mails if "not Integral" in mail.subject]
    assert "--window open/2026-03-02T10-00Z_60m/0001" in mail.text


def test_the_mail_about_a_closed_window_offers_to_accept_what_it_found(stage, checked):
    watched(stage)
    user_actions.apply_fleet(stage.entry(thresholds=replace(stage.entry().thresholds, hard_violated=2, hard_of=2)))
    for _ in range(2):
        for _ in range(6):
            send(stage, good=20, bad=10)
        pass_hours(stage.cloud, 1)
    checked.check()
    assert checked.of("b is not Integral") == ["show violations", "replay", "constraints accept", "alerts mute"]


def test_the_mail_about_a_small_window_says_how_many_rows_are_needed(stage, checked):
    watched(stage)
    user_actions.apply_fleet(stage.entry(thresholds=replace(stage.entry().thresholds, hard_violated=2, hard_of=2)))
    for _ in range(2):
        send(stage, good=20, bad=20)
        pass_hours(stage.cloud, 1)
    checked.check()
    assert "constraints accept" not in checked.of("b is not Integral")
    assert "a window with at least 100 rows" in one_line(stage.cloud.mailbox.last.text)
    refusal = stage.refused("constraints", "accept", SITE, "--reason", "x", "--yes")
    assert refusal.startswith("The window has 40 rows, and a baseline needs 100: 60 more.")


def test_a_second_version_may_be_rolled_back_and_a_first_one_not(stage, checked):
    stage.deployed()
    assert checked.of("version 1 is deployed") == []
    stage.deployed("linear-learner")
    assert checked.of("version 2 is deployed") == ["rollback"]
    baseline()
    stage.cloud.turn(minutes=60 - stage.cloud.clock.now().minute)
    send(stage, good=20, bad=20)
    stage.cloud.turn(minutes=4)
    assert "rollback" in checked.of("label is not Fractional")  # as a linear learner answers


def test_a_mail_about_a_missing_baseline_says_how_to_make_one(stage, checked, tmp_path):
    stage.deployed()
    assert checked.of("the endpoint has no baseline") == ["constraints versions"]
    send(stage, good=40)
    stage.cloud.turn(minutes=5)
    assert stage.run("baseline", "--from-captures", SITE, "-o", tmp_path / "made").exit_code == 0
    stage.done("constraints", "use", SITE, "--from", tmp_path / "made", "--reason", "first", "--yes")


def test_a_recovery_and_a_failed_deployment_have_commands_that_work(stage, checked):
    watched(stage)
    for bad in (20, 0, 0):
        send(stage, good=20, bad=bad)
        pass_hours(stage.cloud, 1)
    checked.check()
    assert checked.of("[recovered]") == []
    assert "b is as expected again (Integral) after " in stage.cloud.mailbox.last.text
    stage.cloud.sagemaker.fail_next_update(SITE, "The container did not answer.")
    stage.register("linear-learner")
    stage.cloud.turn(minutes=30)
    assert checked.of("version 2 could not be deployed") == ["retry"]


def test_no_data_and_stopped_capture_have_commands_that_work(stage, checked):
    watched(stage)
    send(stage, good=40)
    pass_hours(stage.cloud, 40)
    checked.check()
    assert checked.of("nothing was captured") == ["capture status", "alerts mute"]


def test_missing_columns_offer_nothing_to_accept(stage, checked):
    watched(stage)
    features = [{"name": name, "inferred_type": "Fractional", "completeness": 1.0} for name in ("l", "a", "b", "c")]
    user_actions.put_baseline_in_force(SITE, "v2", Constraints({"version": 0.0, "features": features}), None)
    for _ in range(6):
        send(stage, good=20)
    pass_hours(stage.cloud, 1)
    checked.check()
    assert checked.ran
    assert all("constraints accept" not in kinds for kinds in checked.ran.values())


def test_a_deleted_endpoint_and_a_test_have_commands_that_work(stage, checked):
    watched(stage)
    stage.done("alerts", "test", SITE, "--yes")
    checked.check()
    assert checked.of("this is a test") == []
    boto3.client("sagemaker").delete_endpoint(EndpointName=SITE)
    stage.cloud.turn(minutes=5)
    assert checked.of("the endpoint was deleted") == ["delete"]


def test_mail_page_terminal_and_json_tell_one_story(stage, checked, tmp_path):
    watched(stage)
    for _ in range(3):
        send(stage, good=120)
        pass_hours(stage.cloud, 1)
    send(stage, good=20, bad=20)
    stage.cloud.turn(minutes=4)
    alert = last_alert(stage.cloud)
    told = "Version 1 had passed 3 windows before: the data changed, not the model."
    assert alert.cause.endswith(told[1:])
    text = one_line(stage.cloud.mailbox.last.text)
    page = tmp_path / "page.html"
    name = re.search(r"--window (\S+)", text)[1]
    assert alert.links["report"].endswith("report.html")
    assert stage_stores().bucket.get(alert.folder + "report.html") is not None
    stage.done("report", SITE, "--window", name, "-o", page)
    steps = [html.escape(step.partition("\n")[2], quote=False) for step in alert.what_to_do]
    assert all(command in page.read_text() for command in steps)
    shown = one_line(stage.run("show", "violations", SITE, "--window", name).output)
    listed = one_line(stage.run("alerts", "list", SITE).output)
    (answer,) = stage.answer("show", "violations", SITE, "--window", name)
    since = f"Critical since {alert.since:%Y-%m-%d %H:%M} UTC."
    for place in (text, page.read_text(), shown):
        assert f"{alert.headline}." in place
        assert since in place
        assert alert.cause in place
    assert f"{alert.headline}. {alert.cause}" in listed
    assert answer["alerts"][0]["alert_id"] == alert.alert_id
    pass_hours(stage.cloud, 1)  # the closed window continues the alert, and tells the same
    stage.done("report", SITE, "-o", page)
    assert since.removesuffix(".") in page.read_text()
    assert alert.cause in page.read_text()
    assert f"vedette alerts mute {alert.items[0].fingerprint} " in page.read_text()
    later = one_line(stage.run("show", "violations", SITE).output)
    assert f"{alert.headline}. {since} {alert.cause}" in later


def test_the_commands_of_the_demo_work(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    checks: list[Checked] = []
    turn = Cloud.turn

    def turned(cloud, **span):
        turn(cloud, **span)
        if not checks:
            checks.append(Checked(cloud))
        checks[0].check()

    slow = {story.a_day, story.model_monitor}
    monkeypatch.setattr(story, "CHAPTERS", tuple(c for c in story.CHAPTERS if c not in slow))
    monkeypatch.setattr(Cloud, "turn", turned)
    result = CliRunner().invoke(main, ["demo"])
    settings.cache_clear()
    assert result.exit_code == 0, result.output[-3000:]
    assert len(checks[0].ran) >= 6
    assert any("rollback" in kinds for kinds in checks[0].ran.values())
