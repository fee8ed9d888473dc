"""`vedette alerts`, as a person calls it: what fires, mutes, a test through the real path, a preview, exit codes."""

import json
import os

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from chalicelib import records
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import AlertMessage
from tests.alerts.factories import PLACE, drift, execution, said, violation
from tests.cli.watched_endpoint import rows, write_constraints
from tests.operations.installed_stage import SITE
from tests.runs import alert_on
from vedette.cli import main
from vedette.demo import user_actions

B = "614728c245da"  # the fingerprint of data_type_check of b


@pytest.fixture
def alerting(stage):
    """A fleet of one endpoint in mode alert, of a team; no schedule runs."""
    stage.cloud.schedules_enabled = False
    user_actions.apply_fleet(replace(stage.entry(), mode="alert", team="search"))
    return stage


@pytest.fixture
def firing(alerting):
    alert_on(execution(violation(), drift("a")))
    return alerting


def test_the_list_shows_what_fires_and_what_is_about_to_and_exits_with_1_when_anything_fires(firing):
    found = firing.run("alerts", "list")
    assert found.exit_code == 1
    assert "b: data_type_check" in found.output
    data = firing.answer("alerts", "list")
    assert [(a["subject"], a["state"]["state"]) for a in data["alerts"]] == [("b", "firing"), ("a", "pending")]
    assert data["alerts"][0]["fingerprint"] == B
    assert (data["mutes"], data["undelivered"]) == ([], [])


def test_one_message_of_several_alerts_is_told_once(alerting):
    alert_on(execution(violation("b"), violation("a")))
    data = alerting.answer("alerts", "list")
    assert len({one["headline"] for one in data["alerts"]}) == 1
    assert " ".join(alerting.run("alerts", "list").output.split()).count("is not Integral in") == 1


def test_nothing_that_fires_is_exit_code_0(alerting):
    assert "No alert is firing or pending." in alerting.done("alerts", "list")
    assert "No alert is firing or pending." in alerting.done("alerts", "list", SITE)


def test_one_alert_is_shown_with_its_windows_and_its_mutes(firing):
    firing.done("alerts", "mute", B, "--until", "3h", "--reason", "being fixed", "--yes")
    shown = firing.done("alerts", "show", B)
    assert "b: data_type_check on preferred-site, AllTraffic" in shown
    assert "windows     violated" in shown
    assert "by user/moto: being fixed" in shown
    assert firing.refused("alerts", "show", "ffff").startswith("There is no alert with the fingerprint ffff")


@pytest.mark.parametrize("words", [(B,), ("--endpoint", SITE)], ids=["fingerprint", "endpoint"])
def test_the_list_and_the_status_agree_that_an_alert_is_muted_at_once(firing, words):
    firing.done("alerts", "mute", *words, "--until", "3h", "--reason", "being fixed", "--yes")
    (endpoint,) = json.loads(firing.run("status", SITE, "--json").stdout)["endpoints"]
    assert [one["muted"] for one in endpoint["alerts"]] == [True]
    assert "muted" in firing.run("alerts", "list").output


def test_a_mute_of_a_fingerprint_holds_with_the_next_verdict_and_its_end_tells_once(firing):
    said_ = firing.done("alerts", "mute", B, "--until", "90m", "--reason", "being fixed", "--yes")
    assert f"Mute fingerprint {B} from" in said_
    mails = len(firing.cloud.mailbox.mails)
    firing.cloud.turn(hours=1)
    alert_on(execution(violation(), hour=1))
    assert len(firing.cloud.mailbox.mails) == mails
    firing.cloud.turn(hours=1)
    alert_on(execution(violation(), hour=2))
    alert_on(execution(violation(), hour=3))
    assert len(firing.cloud.mailbox.mails) == mails + 1


def test_a_maintenance_window_of_a_team_begins_and_ends_by_itself(alerting):
    alerting.done("alerts", "mute", "--team", "search", "--from", "1h", "--until", "3h", "--reason", "move", "--yes")
    alert_on(execution(violation("before"), window_closed=False, folder="monitoring/1/"))
    alerting.cloud.turn(minutes=70)
    alert_on(execution(violation("within"), window_closed=False, folder="monitoring/2/"))
    alerting.cloud.turn(hours=2)
    alert_on(execution(violation("after"), window_closed=False, folder="monitoring/3/"))
    assert [mail.subject.split(": ")[1].split()[0] for mail in alerting.cloud.mailbox.mails] == ["before", "after"]


@pytest.mark.parametrize("name", ["id", SITE])
def test_a_mute_is_ended_by_its_id_or_by_what_it_is_of(alerting, name):
    made = alerting.answer("alerts", "mute", "--endpoint", SITE, "--until", "1d", "--reason", "move", "--yes")
    ended = alerting.answer("alerts", "unmute", made["mute"]["mute_id"] if name == "id" else name, "--yes")
    assert [mute["reason"] for mute in ended["mutes"]] == ["move"]
    assert alerting.answer("alerts", "list")["mutes"] == []
    assert alerting.refused("alerts", "unmute", SITE, "--yes").startswith("There is no mute preferred-site")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name exactly one of a fingerprint, --endpoint NAME and --team NAME."),
        ((B, "--endpoint", SITE), "Name exactly one of a fingerprint, --endpoint NAME and --team NAME."),
        (("--endpoint", "other"), "other is not in the fleet of stage local."),
        (("--team", "sales"), "No endpoint of stage local belongs to a team sales."),
        (("ffff",), "There is no alert with the fingerprint ffff; `vedette alerts list` shows all alerts."),
        (("--endpoint", SITE, "--from", "5h"), "The mute would end before it begins."),
        (("--endpoint", SITE, "--reason", " "), "Give a reason with --reason."),
    ],
)
def test_a_mute_that_cannot_be_is_refused_in_one_sentence(alerting, words, sentence):
    given = ("alerts", "mute", "--until", "3h", "--reason", "move", *words, "--yes")
    assert alerting.refused(*given) == sentence


def test_a_mute_asks_first_and_a_dry_run_writes_nothing(alerting):
    words = ("alerts", "mute", "--endpoint", SITE, "--until", "3h", "--reason", "move")
    assert "nothing was changed" in alerting.done(*words, "--dry-run")
    assert "Not confirmed" in alerting.refused(*words, typed="n\n")
    assert alerting.answer("alerts", "list")["mutes"] == []


def test_a_test_goes_through_bus_function_book_and_topic_and_comes_back(alerting):
    found = alerting.answer("alerts", "test", SITE, "--yes")
    mail = alerting.cloud.mailbox.last
    assert mail.subject == f"[test] preferred-site: this is a test, mark {found['mark']}; nothing is wrong"
    assert mail.attributes["alert_id"] == found["alert_id"]
    assert (mail.attributes["kind"], mail.attributes["team"]) == ("test", "search")
    assert alerting.answer("alerts", "list")["alerts"] == []


def test_no_more_tests_are_sent_than_alerts_in_an_hour(alerting):
    user_actions.apply_fleet(replace(alerting.entry(), mode="alert", alerts_per_hour=1))
    alerting.done("alerts", "test", SITE, "--yes")
    sentence = alerting.refused("alerts", "test", SITE, "--yes")
    assert sentence.startswith("The hourly limit of preferred-site is 1 message (alerts_per_hour)")
    alerting.cloud.turn(hours=1)
    alerting.done("alerts", "test", SITE, "--yes")


def test_a_test_works_in_mode_observe_too_and_is_reported_in_words(alerting):
    user_actions.apply_fleet(replace(alerting.entry(), mode="observe"))
    accepted = "SNS accepted it. Check that a message arrives whose subject begins with [test]"
    assert accepted in alerting.done("alerts", "test", SITE, "--yes")


def test_a_test_that_nobody_can_receive_says_why_and_the_list_shows_it(alerting):
    alerting.cloud.mailbox.unconfirmed |= {"operator@example.com"}
    for queue in alerting.cloud.session.client("sns").list_subscriptions()["Subscriptions"]:
        alerting.cloud.mailbox.unconfirmed.add(queue["Endpoint"])
    sentence = alerting.refused("alerts", "test", SITE, "--yes")
    assert sentence.startswith("The test alert reached Vedette, but SNS did not accept it: the topic arn:aws:sns:")
    assert sentence.endswith("has no confirmed subscription.")
    assert "Undelivered after 1 try: alert" in alerting.done("alerts", "list")
    (pending,) = alerting.answer("alerts", "list")["undelivered"]
    assert pending["outbox_message"]["refused"].endswith("has no confirmed subscription")


def test_a_test_that_does_not_arrive_says_how_far_it_came(alerting):
    alerting.cloud.bus.drop(lambda event, function: True)
    sentence = alerting.refused("alerts", "test", SITE, "--wait", "10s", "--yes")
    assert sentence.startswith("After 10 s the test did not reach on_monitoring_execution")
    assert alerting.refused("alerts", "test", "other", "--yes") == "other is not in the fleet of stage local."


def test_a_preview_shows_the_mail_of_a_stored_verdict_and_of_every_form_of_an_alert(alerting, tmp_path):
    made = execution(violation(), drift("a"))
    alert_on(made)
    sent = alerting.cloud.mailbox.last
    (message,) = (json.dumps(found) for found in alerting.cloud.mailbox.messages)
    alert = records.read(AlertMessage, message.encode(), "queue")
    from chalicelib.alerts.sns_payload import chat_notification

    forms = {
        "execution.json": records.write(made),
        "alert.json": message.encode(),
        "envelope.json": json.dumps({"Type": "Notification", "Message": message}).encode(),
        "chat.json": json.dumps(chat_notification(alert)).encode(),
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
        shown = alerting.done("alerts", "preview", tmp_path / name)
        if name != "execution.json":  # which knows nothing of earlier windows, and so shows the drift as well
            assert shown == f"Subject: {sent.subject}\n\n{sent.text}\n"
        assert "b is not Integral in 50.0% of 480 rows" in shown
    stage_stores().bucket.put("monitoring/x/execution.json", forms["execution.json"])
    assert "a: baseline_drift_check" in alerting.done(
        "alerts", "preview", f"s3://{alerting.bucket}/monitoring/x/execution.json"
    )


def test_a_preview_of_a_verdict_that_says_nothing_says_so(alerting, tmp_path):
    file = tmp_path / "execution.json"
    file.write_bytes(records.write(execution()))
    assert "This verdict sends no message." in alerting.done("alerts", "preview", file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not json", "x.json: not JSON: "),
        (b"[1]", "x.json: neither an execution.json, a constraint_violations.json nor an alert"),
        (b'{"a": 1}', "x.json: neither an execution.json, a constraint_violations.json nor an alert"),
        (b'{"alert_id": 1}', "x.json: not a AlertMessage: "),
        (b'{"verdict": "OK"}', "x.json: not a Execution: "),
    ],
)
def test_a_preview_of_something_else_is_one_sentence(alerting, tmp_path, monkeypatch, content, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.json").write_bytes(content)
    assert alerting.refused("alerts", "preview", "x.json").startswith(sentence)
    assert alerting.refused("alerts", "preview", "y.json") == "y.json: no such file or object"


@pytest.fixture
def no_stage(monkeypatch, tmp_path):
    """A machine without a stage, and without AWS."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("VEDETTE_", "AWS_"))]:
        monkeypatch.delenv(name)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def test_a_preview_of_a_file_of_violations_needs_no_stage(no_stage, tmp_path):
    sentence = "Data completeness requirement is not met. Expected: 100.0%. Observed: Only 97.5%."
    violation = {"feature_name": "b", "constraint_check_type": "completeness_check", "description": sentence}
    (tmp_path / "constraint_violations.json").write_text(json.dumps({"violations": [violation]}))
    found = no_stage("alerts", "preview", "constraint_violations.json", "--endpoint", "churn")
    assert found.exit_code == 0, found.output
    assert found.output.startswith("Subject: [warning] churn: b")
    assert sentence in " ".join(found.output.split())
    (tmp_path / "none.json").write_text('{"violations": []}')
    assert no_stage("alerts", "preview", "none.json").output == "This verdict sends no message.\n"


def test_a_preview_of_captures_and_of_a_verdict_needs_no_stage(no_stage, tmp_path):
    write_constraints(tmp_path)
    (tmp_path / "captures.jsonl").write_bytes(rows(20) + rows(20, b="2.50"))
    shown = no_stage("alerts", "preview", "captures.jsonl", "--baseline", tmp_path, "--endpoint", "churn")
    assert shown.output.startswith("Subject: [critical] churn: b is not Integral in 50.0% of 40 rows\n")
    (tmp_path / "execution.json").write_bytes(records.write(execution(violation())))
    shown = no_stage("alerts", "preview", "execution.json")
    assert "b is not Integral in 50.0% of 480 rows" in shown.output
    assert "--stage" not in shown.output


def test_the_schema_is_printed_without_any_stage(alerting):
    assert json.loads(alerting.done("alerts", "schema"))["$defs"]["AlertMessage"]["properties"]["alert_id"]


def test_muting_and_testing_go_on_while_the_stage_is_paused(alerting):
    alerting.done("pause", "--reason", "freeze", "--yes")
    alerting.done("alerts", "mute", "--endpoint", SITE, "--until", "3h", "--reason", "move", "--yes")
    assert [mute["endpoint"] for mute in alerting.answer("alerts", "list")["mutes"]] == [SITE]
    before = len(alerting.cloud.mailbox.mails)
    alerting.done("alerts", "test", SITE, "--yes")
    assert len(alerting.cloud.mailbox.mails) == before + 1
    alerting.done("alerts", "unmute", SITE, "--yes")
    assert alerting.answer("alerts", "list")["mutes"] == []


def test_every_command_of_a_message_is_a_command(alerting):
    """What a mail tells a person to type is understood: each command's help comes, with every option in it."""
    from vedette.operations.previews import addressed

    moved = replace(execution(violation(), drift("a")), package_version="2")
    message = addressed(said(moved)[0])
    commands = [step.partition("\n")[2].split() for step in message.what_to_do if "\nvedette " in step]
    assert len(commands) == 5
    for _, *words in commands:
        group = [word for word in words[:2] if not word.startswith("-") and word not in {SITE, B}]
        shown = alerting.run(*group, "--help")
        assert shown.exit_code == 0, words
        for option in (word for word in words if word.startswith("--")):
            assert option in shown.output, (words, option)
    assert stage_stores().fleet.get().entry(SITE) is not None
    assert PLACE.stage
