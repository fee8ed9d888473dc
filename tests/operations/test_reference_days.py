"""Reference days from history, the quiet start, and accepted features: as a user runs the commands."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.constraints.measurement import Checks
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.records import FleetEntry
from chalicelib.services import monitoring, window_evaluation
from chalicelib.statistics import BASELINE_K
from chalicelib.window import Window
from tests.operations.installed_stage import SITE
from tests.runs import run_of
from tests.services.captured_days import capture_day, table_of
from vedette.demo import user_actions
from vedette.operations import reference_days

DAY = timedelta(days=1)
VARIANT = "AllTraffic"


@pytest.fixture
def history(stage):
    """An endpoint with six weeks of captures, a jump of one feature on the last three days, and a baseline."""
    stage.by_hand(SITE, capture=True)
    user_actions.apply_fleet(FleetEntry(endpoint=SITE, mode="alert"))
    today = stage.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(42, 0, -1):
        capture_day(SITE, today - back * DAY, shift=1.5 if back <= 3 else 0.0)
    training = replace(table_of(today, 0.0, BASELINE_K), names=("label", "a", "b"))
    user_actions.put_baseline_in_force(SITE, "v1", suggested_constraints(training), training)
    return stage


def reference():
    return stage_stores().reference_days.get(SITE, VARIANT)


def test_a_replay_compares_each_day_with_the_days_before_it(history):
    (side,) = history.answer("replay", SITE, "--from", "14d")["replayed"]
    alerts = [alert for week in side["weeks"] for alert in week["alerts"]]
    assert [(one["severity"], one["headline"].partition(":")[0]) for one in alerts] == [
        ("warning", "a has drifted suddenly")
    ]
    assert reference() is None  # a replay writes nothing


def test_alerting_begins_with_what_would_have_been_sent(history, tmp_path):
    user_actions.apply_fleet(FleetEntry(endpoint=SITE))
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(f'[endpoints.{SITE}]\nmode = "alert"\nweekend = ["friday", "saturday"]\n')
    shown = history.done("apply", "-f", fleet, "--yes")
    assert f"{SITE}: the last 14 days would have sent 1 alert, 0.5 a week." in shown
    assert "[warning] a has drifted suddenly" in shown
    assert f"{SITE}, variant {VARIANT}: 28 reference days; working days and weekend days differ." in shown
    assert "Warning" not in shown
    assert reference().weekend == (4, 5)
    again = history.done("apply", "-f", fleet, "--yes")
    assert "would have sent" not in again


def test_more_than_an_alert_in_two_weeks_is_warned_of(history, tmp_path):
    today = history.cloud.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    stage_stores().bucket.delete(_part(today - 10 * DAY))
    stage_stores().bucket.delete(_part(today - 9 * DAY))
    for back in (10, 9):
        capture_day(SITE, today - back * DAY, shift=3.0)
    user_actions.apply_fleet(FleetEntry(endpoint=SITE))
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(f'[endpoints.{SITE}]\nmode = "alert"\n')
    assert "Warning: more than 0.5 alerts a week." in history.done("apply", "-f", fleet, "--yes")


def _part(day) -> str:
    (key,) = stage_stores().parts.keys(SITE, VARIANT, day, day + DAY)
    return key


def test_an_accepted_feature_begins_its_days_anew(history):
    now = history.cloud.clock.now()
    (learned,) = reference_days.learn(run_of(SITE).entry, now)
    assert (learned.sentence, learned.variant) == ("28 reference days; all days are alike", VARIANT)
    before = reference()
    yesterday = now.replace(hour=0, minute=0, second=0, microsecond=0) - DAY
    run = run_of(SITE)
    keys = run.stores.parts.keys(SITE, VARIANT, yesterday, yesterday + DAY)
    context = monitoring.evaluation_context(run)
    assert window_evaluation.evaluate_window(
        context, VARIANT, Window(yesterday, DAY), keys, Checks.DRIFT, variant_exists=True
    )
    command = ("constraints", "accept", SITE, "--window", f"{yesterday:%Y-%m-%d}", "--feature", "a", "--reason", "new")
    history.done(*command, "--yes")
    after = reference()
    assert (after.features["a"].days, after.features["a"].since) == ((), (yesterday - 13 * DAY).date())
    assert after.features["b"] == before.features["b"]
