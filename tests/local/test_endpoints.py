"""Endpoints move only when the clock is turned, and take only what their status allows."""

import pytest


def test_an_endpoint_is_created_in_minutes_of_turned_clock(account):
    account.model("m")
    account.config("c", "m", **account.capturing())
    account.client("sagemaker").create_endpoint(EndpointName="site", EndpointConfigName="c")
    account.cloud.turn(minutes=4.9)
    creating = account.client("sagemaker").describe_endpoint(EndpointName="site")
    account.cloud.turn(minutes=0.1)
    serving = account.client("sagemaker").describe_endpoint(EndpointName="site")
    assert creating["EndpointStatus"] == "Creating"
    assert "ProductionVariants" not in creating
    assert serving["EndpointStatus"] == "InService"
    assert serving["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert "CaptureOptions" not in serving["DataCaptureConfig"]
    assert (serving["LastModifiedTime"] - serving["CreationTime"]).total_seconds() == 300


def test_an_update_shows_the_old_config_until_it_is_done(account):
    account.endpoint()
    sagemaker = account.client("sagemaker")
    account.config("next", "site-model", count=3)
    sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="next")
    during = sagemaker.describe_endpoint(EndpointName="site")
    account.cloud.turn(minutes=6)
    after = sagemaker.describe_endpoint(EndpointName="site")
    assert (during["EndpointStatus"], during["EndpointConfigName"]) == ("Updating", "site-config")
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == "next"
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "next")
    assert "PendingDeploymentSummary" not in after
    assert after["ProductionVariants"][0]["CurrentInstanceCount"] == 3


def test_a_busy_endpoint_is_neither_updated_nor_scaled_nor_deleted(account, refused):
    account.endpoint()
    sagemaker = account.client("sagemaker")
    account.config("next", "site-model")
    sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="next")
    weights = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    for call in (
        lambda: sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="site-config"),
        lambda: sagemaker.delete_endpoint(EndpointName="site"),
        lambda: sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="site", DesiredWeightsAndCapacities=weights
        ),
    ):
        with refused() as answer:
            call()
        arn = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/site"
        assert answer.message == f'Cannot update in-progress endpoint "{arn}".'


def test_a_failed_update_comes_back_in_service_on_the_old_config_with_a_reason(account):
    account.endpoint()
    account.config("next", "site-model")
    account.cloud.sagemaker.fail_next_update("site", "InsufficientInstanceCapacity: none left")
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    account.cloud.turn(minutes=6)
    after = account.client("sagemaker").describe_endpoint(EndpointName="site")
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", "site-config")
    assert after["FailureReason"] == "InsufficientInstanceCapacity: none left"
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    account.cloud.turn(minutes=6)
    assert "FailureReason" not in account.client("sagemaker").describe_endpoint(EndpointName="site")


def test_a_container_that_does_not_start_fails_the_creation_and_rolls_an_update_back(account):
    account.endpoint()
    sagemaker = account.client("sagemaker")
    image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/knn:1"
    container = {"Image": image, "ModelDataUrl": f"s3://{account.bucket}/missing.tar.gz"}
    role = account.environment["VEDETTE_ROLE_ARN"]
    sagemaker.create_model(ModelName="broken", ExecutionRoleArn=role, PrimaryContainer=container)
    account.config("broken", "broken")
    sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="broken")
    sagemaker.create_endpoint(EndpointName="second", EndpointConfigName="broken")
    account.cloud.turn(minutes=6)
    updated, created = (sagemaker.describe_endpoint(EndpointName=name) for name in ("site", "second"))
    assert (updated["EndpointStatus"], updated["EndpointConfigName"]) == ("InService", "site-config")
    assert created["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in updated["FailureReason"]


def test_a_failed_endpoint_takes_only_delete(account, refused):
    account.model("m")
    account.config("c", "m")
    account.cloud.sagemaker.fail_next_create("site", "no reason")
    sagemaker = account.client("sagemaker")
    sagemaker.create_endpoint(EndpointName="site", EndpointConfigName="c")
    account.cloud.turn(minutes=5)
    assert sagemaker.describe_endpoint(EndpointName="site")["FailureReason"] == "no reason"
    with refused():
        sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="c")
    sagemaker.delete_endpoint(EndpointName="site")
    assert account.status() == "Deleting"
    account.cloud.turn(minutes=1)
    assert sagemaker.list_endpoints()["Endpoints"] == []


@pytest.mark.parametrize(
    ("status", "updatable", "deletable"),
    [
        ("OutOfService", False, True),
        ("Creating", False, False),
        ("Updating", False, False),
        ("SystemUpdating", False, False),
        ("RollingBack", False, False),
        ("InService", True, True),
        ("Deleting", False, False),
        ("Failed", False, True),
        ("UpdateRollbackFailed", True, True),
    ],
)
def test_each_of_the_nine_statuses_allows_what_the_documentation_says(account, status, updatable, deletable):
    account.endpoint()
    account.config("next", "site-model")
    sagemaker = account.client("sagemaker")

    def allowed(call, **parameters):
        account.cloud.sagemaker.force_status("site", status)
        try:
            call(EndpointName="site", **parameters)
        except sagemaker.exceptions.ClientError:
            return False
        return True

    assert account.status() == "InService"
    assert allowed(sagemaker.update_endpoint, EndpointConfigName="next") is updatable
    assert allowed(sagemaker.delete_endpoint) is deletable


def test_variant_properties_are_retained_only_on_request(account):
    account.endpoint()
    sagemaker = account.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="site", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}]
    )
    account.cloud.turn(minutes=2)
    counts = []
    for name, retain in (("kept", True), ("overwritten", False)):
        account.config(name, "site-model", count=1)
        sagemaker.update_endpoint(EndpointName="site", EndpointConfigName=name, RetainAllVariantProperties=retain)
        account.cloud.turn(minutes=6)
        variant = sagemaker.describe_endpoint(EndpointName="site")["ProductionVariants"][0]
        counts.append(variant["CurrentInstanceCount"])
    assert counts == [4, 1]


def test_a_canary_needs_two_instances_and_at_most_half_of_them(account, refused):
    account.endpoint()
    account.config("next", "site-model", count=1)
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": 60,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    deployment = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    with refused() as answer:
        account.client("sagemaker").update_endpoint(
            EndpointName="site", EndpointConfigName="next", DeploymentConfig=deployment
        )
    assert "at most 50%" in answer.message


def test_every_field_of_a_config_is_kept(account):
    account.model("m")
    given = {
        "KmsKeyId": "alias/k",
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
        "EnableNetworkIsolation": True,
        **account.capturing(InitialSamplingPercentage=20),
    }
    account.config("c", "m", **given)
    described = account.client("sagemaker").describe_endpoint_config(EndpointConfigName="c")
    assert {name: described[name] for name in given} == given
    assert described["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


def test_a_config_in_use_may_be_deleted_and_the_endpoint_goes_on_but_cannot_be_updated(account, refused):
    account.endpoint()
    account.config("next", "site-model")
    sagemaker = account.client("sagemaker")
    config = sagemaker.describe_endpoint_config(EndpointConfigName="site-config")
    before = sagemaker.describe_endpoint(EndpointName="site")
    sagemaker.delete_endpoint_config(EndpointConfigName="site-config")
    after = sagemaker.describe_endpoint(EndpointName="site")
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    with refused() as answer:
        sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="next")
    assert 'Could not find endpoint configuration "arn:' in answer.message
    assert 'endpoint-config/site-config".' in answer.message
    sagemaker.create_endpoint_config(EndpointConfigName="site-config", ProductionVariants=config["ProductionVariants"])
    sagemaker.update_endpoint(EndpointName="site", EndpointConfigName="next")
