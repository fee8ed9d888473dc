"""How traffic shifts: always within what UpdateEndpoint accepts."""

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.records import FleetEntry
from chalicelib.registry.traffic_shifting import alarms, deployment_config

MODEL = botocore.session.get_session().get_service_model("sagemaker").operation_model("UpdateEndpoint").input_shape


@given(st.sampled_from(["all at once", "canary", "linear"]), st.integers(1, 500))
def test_every_config_is_accepted_by_botocore_and_keeps_the_documented_limits(shifting, instances):
    config, remark = deployment_config(FleetEntry(endpoint="site", traffic_shifting=shifting), instances, ["alarm"])
    request = {"EndpointName": "site", "EndpointConfigName": "c", "DeploymentConfig": config}
    assert not ParamValidator().validate(request, MODEL).has_errors()
    policy = config["BlueGreenUpdatePolicy"]
    routing = policy["TrafficRoutingConfiguration"]
    assert bool(remark) == (instances == 1 and shifting != "all at once")
    if routing["Type"] == "CANARY":
        assert 1 <= routing["CanarySize"]["Value"] <= instances / 2
    if routing["Type"] == "LINEAR":
        assert 10 <= routing["LinearStepSize"]["Value"] <= 50
    steps = 100 // routing["LinearStepSize"]["Value"] if routing["Type"] == "LINEAR" else 1
    waits = routing["WaitIntervalInSeconds"] * steps + policy["TerminationWaitInSeconds"]
    assert 600 <= policy["MaximumExecutionTimeoutInSeconds"] <= 28800
    assert policy["MaximumExecutionTimeoutInSeconds"] > waits


ALL_AT_ONCE = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}


def canary(instances):
    size = {"Type": "INSTANCE_COUNT", "Value": instances}
    return {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}


@pytest.mark.parametrize(
    ("shifting", "instances", "routing", "remark"),
    [
        ("all at once", 1, ALL_AT_ONCE, ""),
        ("all at once", 2, ALL_AT_ONCE, ""),
        ("canary", 1, ALL_AT_ONCE, "a canary needs two instances and there is one: traffic shifts all at once"),
        ("canary", 2, canary(1), ""),
        ("canary", 20, canary(2), ""),
        ("canary", 21, canary(3), ""),
        ("canary", 110, canary(11), ""),
        ("linear", 1, ALL_AT_ONCE, "a linear shift needs two instances and there is one: traffic shifts all at once"),
        (
            "linear",
            2,
            {
                "Type": "LINEAR",
                "WaitIntervalInSeconds": 300,
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            },
            "",
        ),
    ],
)
@pytest.mark.parametrize("names", [[], ["one", "two"]])
def test_traffic_shifts_as_the_table_says(shifting, instances, routing, remark, names):
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
    expected = {"BlueGreenUpdatePolicy": policy}
    if names:
        expected["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": "one"}, {"AlarmName": "two"}]}
    entry = FleetEntry(endpoint="site", traffic_shifting=shifting)
    assert deployment_config(entry, instances, names) == (expected, remark)


@pytest.mark.parametrize("days", [0, 1, 13])
def test_there_is_no_latency_alarm_before_two_weeks_are_known(days):
    assert len(alarms("site", "AllTraffic", [250_000.0] * days)) == 1


def test_the_alarms_are_these_and_the_one_of_latency_lies_above_the_worst_day():
    common = {
        "AlarmDescription": "Made by Vedette: rolls an update of site back.",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": "site"}, {"Name": "VariantName", "Value": "blue"}],
        "Period": 60,
        "EvaluationPeriods": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Tags": [{"Key": "vedette:endpoint", "Value": "site"}],
    }
    errors = {"AlarmName": "vedette-site-5xx", "MetricName": "Invocation5XXErrors", "Threshold": 0.05}
    latency = {"AlarmName": "vedette-site-latency", "MetricName": "ModelLatency", "Threshold": 600_000.0}
    assert alarms("site", "blue", [*[200_000.0] * 13, 300_000.0]) == (
        {**common, **errors, "Statistic": "Average"},
        {**common, **latency, "ExtendedStatistic": "p99"},
    )
