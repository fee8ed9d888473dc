"""Messages about an endpoint: its deployments, its conditions, a test."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.alerts import incidents
from chalicelib.alerts.endpoint_notifications import (
    TEST_VALIDITY,
    expect_test,
    has_condition,
    is_known_test,
    notify_deployed,
    notify_deployment_failed,
    notify_older_version_approved,
    notify_once,
    notify_test,
    sync_conditions,
)
from chalicelib.alerts.message import message_id
from chalicelib.alerts.next_steps import Step
from chalicelib.alerts.state import fingerprint_id
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.errors import VedetteError
from chalicelib.records import (
    AlertItem,
    AlertMessage,
    AlertState,
    Deployment,
    FailedVersion,
    FingerprintState,
    FleetEntry,
    GoldenPayload,
    Incident,
)
from tests.alerts.factories import NOON

EMPTY = AlertState(endpoint="site", variant="")
ENTRY = FleetEntry(endpoint="site", golden_payload=GoldenPayload(body="1,2"))
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site/"
SECOND = Deployment(
    endpoint="site",
    package_arn=f"{ARN}2",
    package_version="2",
    config="config-2",
    previous_config="config-1",
    previous_package_arn=f"{ARN}1",
    requested_at=NOON,
    state="verified",
    approver="ann",
)
FAILURE = FailedVersion(endpoint="site", package_arn=f"{ARN}2", config="config-2", reason="no memory", at=NOON)
NOT_RETRIED = (
    "It is not retried automatically. When the cause is fixed, approve the version again (set it to Rejected, then"
    " to Approved), or run:\n"
    "vedette retry site"
)


def notification(
    occasion: str, headline: str, facts: dict[str, str], severity: str = "information", **more
) -> AlertMessage:
    """The message about one occasion."""
    items = tuple(
        AlertItem(
            subject=name,
            check="deployment",
            state="new",
            severity=severity,
            expected="",
            observed=value,
            description="",
        )
        for name, value in facts.items()
    )
    values = {"kind": "deployment", "package_version": "2"} | more
    return AlertMessage(
        alert_id=message_id("site", "deployment", occasion),
        severity=severity,
        endpoint="site",
        variant="",
        headline=headline,
        items=items,
        **values,
    )


def opened(fingerprint: Fingerprint) -> Incident:
    """What a message says of the incident that it opens."""
    return Incident(fingerprint=fingerprint_id("site", "", fingerprint), since=NOON, action="trigger")


def only(state: AlertState) -> AlertMessage:
    (pending,) = state.outbox
    assert pending.alert_id == pending.message.alert_id
    return pending.message


# --- deployments ------------------------------------------------------------------------------------------------------


def test_a_deployment_says_what_was_replaced_who_approved_it_and_how_it_was_verified():
    done = replace(SECOND, changes=("type is ml.m5.large", "2 instances"), remarks=("no canary", "no alarm"))
    assert only(notify_deployed(EMPTY, ENTRY, done, "v1")) == notification(
        "verified config-2 2026-03-02T12:00:00+00:00",
        "version 2 is deployed and verified",
        {
            "deployed": "version 2, in place of version 1",
            "approved by": "ann",
            "verified": "InService on config-2; the golden request was answered",
            "baseline": "v1",
            "changed": "type is ml.m5.large; 2 instances",
            "remark": "no canary; no alarm",
        },
        what_to_do=("No action is needed. To go back:\nvedette rollback site --reason WHY",),
    )


def test_a_first_deployment_says_what_is_not_there():
    done = replace(SECOND, previous_package_arn="", approver="")
    facts = {
        item.subject: item.observed
        for item in only(notify_deployed(EMPTY, FleetEntry(endpoint="site"), done, "")).items
    }
    assert facts == {
        "deployed": "version 2, in place of nothing",
        "approved by": "not recorded in the registry",
        "verified": "InService on config-2; the fleet entry has no golden request",
        "baseline": "",
    }


def test_a_failed_deployment_says_why_what_serves_and_that_it_is_not_retried():
    assert only(notify_deployment_failed(EMPTY, SECOND, "no memory", FAILURE, "version 1 is served")) == notification(
        "failed config-2 2026-03-02T12:00:00+00:00",
        "version 2 could not be deployed; version 1 is served",
        {"reason": "no memory"},
        "critical",
        what_to_do=("Fix the cause that is named above.", NOT_RETRIED),
        since=NOON,
        incidents=(opened(incidents.FAILED_DEPLOYMENT),),
    )


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"previous_package_arn": ""}, "version 2 could not be deployed; the endpoint is Failed"),
        ({"previous_package_arn": f"{ARN}2"}, "the new config of version 2 failed; the endpoint is Failed"),
    ],
)
def test_a_failed_deployment_says_what_serves_as_it_was_told(changes, headline):
    failed = replace(SECOND, **changes)
    assert only(notify_deployment_failed(EMPTY, failed, "why", FAILURE, "the endpoint is Failed")).headline == headline


def test_a_deployment_without_capacity_says_when_it_is_retried():
    failure = replace(FAILURE, tries=2, retry_at=NOON + timedelta(minutes=30))
    message = only(notify_deployment_failed(EMPTY, SECOND, "no capacity", failure, "version 1 is served"))
    assert message.what_to_do == (
        "Fix the cause that is named above.",
        "It is retried after 2026-03-02 12:30 UTC (attempt 2 of 3).",
    )


def test_an_older_version_that_is_approved_changes_nothing_and_can_be_pinned():
    assert only(notify_older_version_approved(EMPTY, "1", "2", "nothing is served", "1 at noon")) == notification(
        "older 1 at noon",
        "version 1 was approved, which changes nothing: version 2 is newer and approved; nothing is served",
        {},
        what_to_do=("To serve version 1:\nvedette pin site --version 1 --reason WHY",),
    )


def test_long_texts_are_cut_and_every_occasion_has_an_id_of_its_own():
    state = notify_once(EMPTY, "one", "h" * 500, "warning", "v" * 500, {"reason": "r" * 2000}, [Step("Wait.")])
    assert only(state) == notification(
        "one",
        "h" * 399 + "…",
        {"reason": "r" * 1023 + "…"},
        "warning",
        package_version="v" * 99 + "…",
        what_to_do=("Wait.",),
    )
    other = replace(EMPTY, endpoint="other")
    ids = {only(notify_once(of, occasion, "h", "warning", "", {}, [])).alert_id for of, occasion in (
        (EMPTY, "one"), (EMPTY, "two"), (other, "one"),
    )}  # fmt: skip
    assert len(ids) == 3


# --- conditions and tests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "kind", "steps"),
    [
        ("deployment", "deployment", ()),
        (
            "monitoring",
            "monitor failed",
            (
                "See the stored versions of the baseline, and use one that can be read:\n"
                "vedette constraints versions site",
            ),
        ),
        (
            "capture",
            "capture stopped",
            ("Check that capture is on, and where it writes:\nvedette capture status site",),
        ),
    ],
)
def test_a_condition_that_begins_is_one_message_and_fires_from_now_on(family, kind, steps):
    state = sync_conditions(EMPTY, family, {"stop": "site is Failed"}, NOON)
    assert state.fingerprints == {
        Fingerprint(family, "stop"): FingerprintState(
            state="firing", severity="warning", since=NOON, last_seen=NOON, headline="site is Failed"
        )
    }
    assert only(state) == notification(
        f"{family}|stop since 2026-03-02T12:00:00+00:00",
        "site is Failed",
        {},
        "warning",
        kind=kind,
        package_version="",
        what_to_do=steps,
        since=NOON,
        incidents=(opened(Fingerprint(family, "stop")),),
    )


def test_a_condition_lasts_until_its_family_no_longer_has_it():
    on = sync_conditions(EMPTY, "capture", {"stop": "capture is off"}, NOON)
    assert [has_condition(on, family) for family in ("capture", "monitoring")] == [True, False]
    assert not has_condition(sync_conditions(on, "capture", {}, NOON), "capture")


def announced(*nonces: str, limit: int = 10) -> AlertState:
    state = EMPTY
    for nonce in nonces:
        state = expect_test(state, nonce, limit, NOON)
    return state


def test_a_test_says_its_mark_and_that_nothing_is_wrong():
    nonce = "0123456789abcdef"
    assert only(notify_test(announced(nonce), nonce, 10, NOON)) == AlertMessage(
        alert_id=message_id("site", "test", nonce),
        kind="test",
        severity="information",
        endpoint="site",
        variant="",
        headline="this is a test, mark 01234567; nothing is wrong",
        items=(),
        what_to_do=("No action is needed: you receive the alerts of site.",),
    )


def test_a_test_is_sent_once_for_each_announcement():
    state = notify_test(announced("a", "b"), "a", 10, NOON)
    assert notify_test(state, "a", 10, NOON) == state
    assert [test.nonce for test in state.expected_tests] == ["b"]
    assert len(notify_test(state, "b", 10, NOON).outbox) == 2


def test_a_test_that_nobody_announced_changes_nothing():
    for state in (EMPTY, announced("a")):
        assert not is_known_test(state, "forged", NOON)
        assert notify_test(state, "forged", 10, NOON) == state


def test_an_announcement_ends_and_leaves_nothing_behind():
    state = announced("a")
    late = NOON + TEST_VALIDITY
    assert is_known_test(state, "a", late - timedelta(seconds=1))
    assert not is_known_test(state, "a", late)
    assert notify_test(state, "a", 10, late) == state
    assert [test.nonce for test in expect_test(state, "b", 10, late).expected_tests] == ["b"]


def test_tests_count_towards_the_hourly_limit():
    state = announced("a", "b", limit=2)
    with pytest.raises(VedetteError, match=r"^The hourly limit of site is 2 messages"):
        expect_test(state, "c", 2, NOON)
    state = notify_test(notify_test(state, "a", 2, NOON), "b", 2, NOON)
    with pytest.raises(VedetteError):
        expect_test(state, "c", 2, NOON)
    assert expect_test(state, "c", 2, NOON + timedelta(hours=1)).expected_tests
    lowered = notify_test(announced("a"), "a", 0, NOON)  # the fleet changed in between
    assert (lowered.outbox, lowered.suppressed.count) == ((), 1)
