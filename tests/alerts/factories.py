"""Measurements and executions to tell of."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from chalicelib.alerts import email_text, sns_payload
from chalicelib.alerts.message import messages
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import never_muted, transition
from chalicelib.constraints.measurement import Measurement
from chalicelib.records import AlertMessage, AlertState, Deployment, Execution, Thresholds

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def deployment(version: str = "2", hours: float = -2, state: str = "verified", **changes) -> Deployment:
    """A deployment that was settled so many hours after noon; it took ten minutes."""
    settled = NOON + timedelta(hours=hours)
    made = Deployment(
        endpoint="preferred-site",
        package_arn=f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/preferred-site/{version}",
        package_version=version,
        config=f"c{version}",
        previous_config="c",
        previous_package_arn="",
        requested_at=settled - timedelta(minutes=10),
        settled_at=settled,
        state=state,
        begun=True,
    )
    return replace(made, **changes)


HISTORY = (deployment("1", -48), deployment("2", -2))
WHERE = AlertContext(bucket="vedette-dev", deploys=True, history=HISTORY)
PLACE = sns_payload.Installation("dev", "vedette-dev", "eu-west-1", "123456789012")
SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)


def violation(feature: str = "b", **changes) -> Measurement:
    found = Measurement(
        feature=feature,
        check="data_type_check",
        kind="hard",
        expected="Integral",
        observed="50.0% Integral",
        value=0.5,
        threshold=1.0,
        violated=True,
        severity="critical",
        description=SENTENCE,
    )
    return replace(found, **changes)


def clean(feature: str = "b", **changes) -> Measurement:
    return violation(feature, violated=False, observed="100.0% Integral", value=1.0, description="", **changes)


def drift(feature: str = "b", violated: bool = True, **changes) -> Measurement:
    values = {"check": "baseline_drift_check", "kind": "drift", "severity": "warning", "value": 0.31, "threshold": 0.1}
    return violation(feature, violated=violated, **(values | changes))


def execution(*measurements: Measurement, hour: int = 0, **changes) -> Execution:
    violated = any(m.violated for m in measurements)
    made = Execution(
        endpoint="preferred-site",
        variant="AllTraffic",
        window_start=NOON + hour * HOUR,
        window_end=NOON + (hour + 1) * HOUR,
        window_closed=True,
        package_version="2",
        revision=1,
        baseline="v1",
        verdict="Violations" if violated else "OK",
        requests=480,
        rows=480,
        rejected={"line is not JSON": 3},
        measurements=measurements,
        parts=(),
        folder="monitoring/preferred-site/AllTraffic/2026-03-02T12-00Z_60m/2/0001/",
        evaluated_at=NOON,
    )
    return replace(made, **changes)


def book(**changes) -> AlertState:
    return AlertState(endpoint="preferred-site", variant="AllTraffic", **changes)


def said(made: Execution, before: AlertState | None = None, where: AlertContext = WHERE, muted=never_muted):
    """What a verdict gives a reason to say."""
    moved = transition(before or book(), made, Thresholds(), muted)
    return messages(moved, made, where)


def sent(message: AlertMessage, team: str = "") -> AlertMessage:
    """The message as it goes out."""
    return sns_payload.with_routing(message, team, PLACE)


def shown(made: Execution, **more) -> tuple[str, str]:
    """Subject and text of the one mail that a verdict gives."""
    (message,) = said(made, **more)
    return email_text.subject(sent(message)), email_text.text(sent(message))


def eventful(**changes) -> AlertMessage:
    """The message about `b`, which begins, `a`, which continues, and `r`, which recovered."""
    known = book()
    for hour, found in enumerate(((violation("a"), violation("r")), (violation("a"), clean("r")))):
        known = transition(known, execution(*found, hour=hour), Thresholds()).after
    (message,) = said(execution(violation(), violation("a"), clean("r"), hour=2), known)
    return replace(message, **changes)
