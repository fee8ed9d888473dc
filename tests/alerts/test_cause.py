"""What a violation began with: by the deployments, and by the windows before."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.alerts.cause import Cause, CauseKind, cause_of, has_version_before, served_since
from chalicelib.constraints.measurement import Fingerprint
from tests.alerts.factories import HOUR, NOON, clean, deployment, execution, violation

B = Fingerprint("data_type_check", "b")
CAPTURE = Fingerprint("capture_stopped", "capture")


def passed(*hours: int, version: str = "2", **changes):
    """Windows, so many hours from noon, that passed."""
    return [execution(clean(), hour=hour, package_version=version, **changes) for hour in hours]


def cause(history=(), before=(), since=NOON, fingerprint=B, **changes) -> Cause:
    return cause_of(fingerprint, since, execution(violation(), **changes), history, before)


def test_a_version_that_had_passed_windows_is_not_blamed_and_the_windows_are_counted():
    found = cause([deployment("2", -3.4)], passed(-3, -2, -1))
    assert found == Cause(
        CauseKind.DATA,
        "Began 3 hours after version 2 was deployed; version 2 had passed 3 windows before:"
        " the data changed, not the model.",
    )
    old = cause([deployment("2", -30)], passed(-1))
    assert old.sentence == "Version 2 had passed 1 window before: the data changed, not the model."


def test_what_begins_within_a_day_of_a_deployment_says_how_long_after_and_what_passed_before():
    history = [deployment("1", -48), deployment("2", -1.4)]
    assert cause(history, passed(-3, -2, version="1")) == Cause(
        CauseKind.DEPLOYMENT, "Began 84 minutes after version 2 was deployed; version 1 had passed 2 windows before."
    )
    assert cause(history).sentence == "Began 84 minutes after version 2 was deployed."
    assert cause([deployment("2", -24)]) == Cause()
    assert cause([deployment("2", -23.9)]).kind == CauseKind.DEPLOYMENT


def test_a_violation_that_began_before_the_served_version_was_deployed_is_not_blamed_on_it():
    history = [deployment("2", -30), deployment("3", 5)]
    changes = {"hour": 6, "package_version": "3"}
    assert cause(history, passed(-1), **changes) == Cause(
        CauseKind.NOT_THE_VERSION, "Began 5 hours before version 3 was deployed, so version 3 is not the cause."
    )


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (deployment("2", 0.5), "Began in the window in which version 2 was deployed"),
        (deployment("2", 0.5, state="rolled back"), "Began in the window in which the deployment of version 2 failed"),
        (deployment("2", 3), "Began while version 2 was being deployed"),
        (deployment("2", 0.5, state="requested", settled_at=None), "Began while version 2 was being deployed"),
    ],
)
def test_what_begins_during_a_deployment_says_so(attempt, sentence):
    attempt = attempt if attempt.settled_at != NOON + 3 * HOUR else deployment("2", 3, requested_at=NOON)
    found = cause([deployment("1", -48), attempt], passed(-1, version="1"), package_version="mixed")
    assert found == Cause(CauseKind.DEPLOYMENT, f"{sentence}; version 1 had passed 1 window before.")


def test_one_object_after_a_deployment_within_the_same_hour_began_after_it():
    history = [deployment("1", -48), deployment("2", 0.25)]
    begun = NOON + timedelta(minutes=29)
    changes = {"window_start": begun, "window_end": begun + timedelta(minutes=1), "window_closed": False}
    found = cause(history, passed(-1, version="1"), since=begun, **changes)
    assert found.sentence == "Began 14 minutes after version 2 was deployed; version 1 had passed 1 window before."
    # The closed window continues the alert: its page tells the same.
    assert cause(history, passed(-1, version="1"), since=begun) == found


def test_where_vedette_deployed_nothing_the_windows_say_which_version_passed():
    assert (
        cause((), passed(-2, -1)).sentence == "Version 2 had passed 2 windows before: the data changed, not the model."
    )
    assert cause((), passed(-2, -1, version="1")) == Cause(
        CauseKind.DEPLOYMENT, "Began with version 2; version 1 had passed 2 windows before."
    )
    assert cause((), passed(-1, version="unversioned"), package_version="unversioned") == Cause()
    adopted = [deployment("2", -2, adopted=True)]
    assert cause(adopted).sentence == ""


def test_another_actor_who_changed_the_endpoint_is_not_explained_by_our_history():
    assert cause([deployment("2", -3)], package_version="7") == Cause()


def test_only_windows_that_evaluated_the_check_count_and_a_violation_ends_the_row():
    history = [deployment("2", -48)]
    unevaluated = execution(clean(evaluated=False), hour=-2)
    other = execution(clean("a"), hour=-3)
    violated = execution(violation(), hour=-5)
    before = [*passed(-1, -4, -6), unevaluated, other, violated]
    assert "had passed 2 windows" in cause(history, before).sentence


def test_missing_data_after_a_deployment_says_when_and_blames_no_data():
    found = cause([deployment("2", -2)], passed(-1), fingerprint=CAPTURE, verdict="CaptureStopped")
    assert found == Cause(CauseKind.DEPLOYMENT, "Began 2 hours after version 2 was deployed.")


@given(st.lists(st.integers(-30, 30), max_size=4), st.integers(-30, 5), st.permutations(range(-6, 0)))
def test_the_order_of_what_is_known_does_not_matter(settled, since, hours):
    history = [deployment(str(n), hour + 0.5) for n, hour in enumerate(sorted(set(settled)), start=1)]
    at = NOON + since * HOUR
    found = cause(history, passed(*hours), since=at, hour=6)
    assert found == cause(history[::-1], passed(*sorted(hours)), since=at, hour=6)
    assert bool(found.sentence) == (found.kind != CauseKind.UNKNOWN)


def test_going_back_needs_another_version_that_was_verified_before():
    history = [deployment("1", -48), deployment("2", -2), deployment("3", -1, state="failed")]
    assert has_version_before(history, "2")
    assert not has_version_before(history, "1")
    assert not has_version_before(history[1:2], "2")
    assert not has_version_before((), "2")
    assert served_since(history, "2", NOON) == NOON - 2 * HOUR
