"""The steps of a message: a sentence each, with a command or a place."""

import pytest

from chalicelib.alerts.cause import Cause, CauseKind
from chalicelib.alerts.next_steps import AlertContext, Step, from_texts, next_steps, to_texts
from chalicelib.records import AlertItem
from tests.alerts.factories import HISTORY, HOUR, NOON, drift, execution, violation

HERE = AlertContext(bucket="vedette-dev", deploys=True, history=HISTORY)
RESULTS = "s3://vedette-dev/monitoring/preferred-site/AllTraffic/2026-03-02T12-00Z_60m/2/0001/"
WINDOW = "--variant AllTraffic --window 2026-03-02T12:00"
CLIENT = Step("If a client sends wrong data, tell its owner; the findings above say what is wrong.")
MUTE_ONE = Step("Mute this alert:", "vedette alerts mute 614728c245da --until 12h --reason WHY")
MUTE_ALL = Step(
    "Mute every alert of preferred-site:", "vedette alerts mute --endpoint preferred-site --until 12h --reason WHY"
)
SHOW = Step("See all findings:", f"vedette show violations preferred-site {WINDOW}")
BACK = Step(
    "If the model is at fault, go back to the previous version:", "vedette rollback preferred-site --reason WHY"
)
TEST = Step(
    "Before you change a threshold, test it on the last weeks:",
    f"vedette replay preferred-site {WINDOW} --from 14d",
)
ACCEPT = Step(
    "If this is the new normal, accept it as the baseline:",
    f"vedette constraints accept preferred-site {WINDOW} --feature b --reason WHY",
)


def item(state: str = "new") -> AlertItem:
    return AlertItem(
        subject="b", check="data_type_check", state=state, severity="critical", expected="", observed="",
        description="", fingerprint="614728c245da",
    )  # fmt: skip


def test_a_violation_can_be_seen_rolled_back_tested_accepted_and_muted():
    steps = next_steps("violations", [item()], execution(violation()), HERE)
    assert steps == [SHOW, CLIENT, BACK, TEST, ACCEPT, MUTE_ONE]


@pytest.mark.parametrize(
    ("made", "where"),
    [
        (execution(violation(), package_version="unversioned"), HERE),
        (execution(violation()), AlertContext(bucket="vedette-dev", history=HISTORY)),
        (execution(violation()), AlertContext(bucket="vedette-dev", deploys=True, history=HISTORY[1:])),
    ],
    ids=["no version", "not deployed by Vedette", "the first deployment"],
)
def test_what_cannot_be_rolled_back_is_not(made, where):
    assert next_steps("violations", [item()], made, where) == [SHOW, CLIENT, TEST, ACCEPT, MUTE_ONE]


@pytest.mark.parametrize(
    ("folder", "window"),
    [
        ("objects/2026/03/02/12/34-00-000-5512.jsonl/", "objects/2026/03/02/12/34-00-000-5512"),
        ("open/2026-03-02T12-00Z_60m/0002/", "open/2026-03-02T12-00Z_60m/0002"),
    ],
)
def test_data_that_is_still_arriving_is_named_and_cannot_be_accepted_yet(folder, window):
    made = execution(violation(), window_closed=False, folder=f"monitoring/preferred-site/AllTraffic/{folder}")
    commands = [step.command for step in next_steps("violations", [item()], made, HERE)]
    assert commands[0] == f"vedette show violations preferred-site --variant AllTraffic --window {window}"
    assert not [command for command in commands if "accept" in command]
    text = " ".join(step.text for step in next_steps("violations", [item()], made, HERE))
    assert "some minutes after 2026-03-02 13:05 UTC" in text


def test_a_small_window_is_not_offered_as_the_new_normal():
    steps = next_steps("violations", [item()], execution(violation(), rows=99), HERE)
    assert not [step for step in steps if "accept" in step.command]
    assert "at least 100 rows (vedette constraints accept); this one has 99 rows." in " ".join(s.text for s in steps)


def test_a_violation_of_the_data_or_from_before_the_deployment_offers_no_rollback():
    for kind in (CauseKind.DATA, CauseKind.NOT_THE_VERSION):
        assert BACK not in next_steps("violations", [item()], execution(violation()), HERE, cause=Cause(kind, "x"))
    for kind in (CauseKind.DEPLOYMENT, CauseKind.UNKNOWN):
        assert BACK in next_steps("violations", [item()], execution(violation()), HERE, cause=Cause(kind, "x"))


@pytest.mark.parametrize(
    ("changes", "window"),
    [
        ({"window_start": NOON - 12 * HOUR, "window_end": NOON + 12 * HOUR}, "2026-03-02"),
        ({"window_end": NOON + 4 * HOUR, "checks_run": "drift"}, "2026-03-02T12-00Z_240m"),
        ({"window_end": NOON + 4 * HOUR}, "2026-03-02T12:00"),
    ],
)
def test_a_closed_window_has_a_name_of_its_own(changes, window):
    (show, *_) = next_steps("violations", [item()], execution(drift(), **changes), HERE)
    assert show.command.endswith(f" --window {window}")


def test_only_a_single_open_finding_is_muted_by_its_fingerprint():
    def mute(*states: str) -> Step:
        return next_steps("violations", [item(state) for state in states], execution(), HERE)[-1]

    assert mute("continuing") == mute("new", "recovered", "recovered") == MUTE_ONE
    assert mute("new", "continuing") == mute("recovered") == MUTE_ALL


def test_a_recovery_needs_no_action_unless_something_else_continues():
    recovered = [item("recovered")]
    assert next_steps("recovered", recovered, execution(), HERE) == [
        Step("No action is needed. The results are at", RESULTS)
    ]
    accept = ACCEPT._replace(command=ACCEPT.command.replace(" --feature b", ""))
    assert next_steps("recovered", recovered, execution(violation()), HERE, continuing=1) == [
        SHOW, CLIENT, BACK, TEST, accept, MUTE_ALL,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (
            "no data",
            [
                Step("If the endpoint should have traffic, check that it is called (CloudWatch metric Invocations)."),
                Step("If it is called, check that it captures:", "vedette capture status preferred-site"),
                MUTE_ONE,
            ],
        ),
        (
            "capture stopped",
            [
                Step("Check that capture is on, and where it writes:", "vedette capture status preferred-site"),
                Step(
                    "If it is on, check that the endpoint's role still has s3:PutObject on the capture bucket and may"
                    " use its KMS key."
                ),
                MUTE_ONE,
            ],
        ),
        ("monitor failed", [Step("Read the reason above, and the results at", RESULTS), MUTE_ONE]),
    ],
)
def test_missing_data_has_steps_of_its_own(kind, steps):
    assert next_steps(kind, [item()], execution(), HERE) == steps


def test_an_execution_that_never_had_a_job_has_no_results_to_read():
    made = execution(source="model monitor", folder="")
    assert next_steps("monitor failed", [item()], made, HERE) == [Step("Read the reason above."), MUTE_ONE]


def test_a_violation_of_a_schedule_is_in_its_report_and_its_own_constraints():
    made = execution(source="model monitor", folder="s3://b/reports/1")
    assert next_steps("violations", [item()], made, HERE) == [
        Step("See all findings:", "s3://b/reports/1/constraint_violations.json"),
        CLIENT,
        Step("If this is the new normal, edit the constraints of the schedule."),
        MUTE_ONE,
    ]


@pytest.mark.parametrize(
    ("command", "stage", "staged"),
    [
        ("vedette alerts list site", "prod", "vedette alerts list site --stage prod"),
        ("vedette alerts list site", "", "vedette alerts list site"),
        ("vedette alerts list --stage dev", "prod", "vedette alerts list --stage dev"),
        ("s3://b/reports/1", "prod", "s3://b/reports/1"),
        ("", "prod", ""),
    ],
)
def test_the_stage_is_added_to_a_command_of_vedette_that_names_none(command, stage, staged):
    assert Step("See:", command).for_stage(stage) == Step("See:", staged)


def test_steps_are_read_from_a_message_as_they_were_written():
    steps = [Step("See:", "vedette alerts list"), Step("Wait.")]
    assert to_texts(steps) == ("See:\nvedette alerts list", "Wait.")
    assert from_texts(to_texts(steps)) == steps
    assert from_texts(["See:\none\ntwo"]) == [Step("See:", "one\ntwo")]
