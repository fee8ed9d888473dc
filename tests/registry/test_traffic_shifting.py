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


@pytest.mark.parametrize("days", [0, 1, 13])
def test_there_is_no_latency_alarm_before_two_weeks_are_known(days):
    assert len(alarms("site", "AllTraffic", [250_000.0] * days)) == 1


def test_the_latency_alarm_lies_above_the_worst_day():
    latency = alarms("site", "AllTraffic", [*[200_000.0] * 13, 300_000.0])[1]
    assert (latency["Threshold"], latency["ExtendedStatistic"]) == (600_000.0, "p99")
