"""States that SageMaker has and that are rare: a new model that is not visible yet, a served package that is gone."""

from datetime import timedelta

import boto3

from tests.operations.installed_stage import SITE


def test_what_is_not_visible_yet_is_tried_again_and_is_no_failed_version(stage):
    stage.cloud.sagemaker.hosting.visible_after = timedelta(seconds=40)
    stage.deployed("linear-learner", "knn")
    assert stage.served() == "2"
    assert stage.answer("failed-versions", SITE) == []
    errors = [call.error for call in stage.cloud.recorder.calls if call.operation == "CreateEndpointConfig"]
    assert "ValidationException" in errors
    assert [name for name in stage.made() if name.startswith("model ")] != []
    assert stage.cloud.bus.failed == []


def test_an_endpoint_goes_on_when_its_package_was_deleted(stage):
    stage.deployed("linear-learner", "knn")
    package = stage.register("linear-learner", status="PendingManualApproval")
    served = package.rpartition("/")[0] + "/2"
    sagemaker = boto3.client("sagemaker")
    stage.done("pause", "--reason", "the registry is cleaned up", "--yes")
    sagemaker.delete_model_package(ModelPackageName=served)
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName=SITE, Body="60,70", ContentType="text/csv")
    assert answer["Body"].read()
    (variant,) = sagemaker.describe_endpoint(EndpointName=SITE)["ProductionVariants"]
    assert variant["DeployedImages"]
    stage.done("resume", "--yes")
    stage.cloud.turn(minutes=40)
    assert stage.cloud.bus.failed == []
    assert stage.served() == "1"  # the newest version that is still approved
