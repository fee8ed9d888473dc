"""Any of the three functions that deploy does the whole work alone, under its own policy: the other events are lost."""

import json

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from chalicelib.events import Scheduled
from chalicelib.records import AlertState
from chalicelib.settings import settings
from tests.operations.installed_stage import SITE, TRAINING, installed
from tests.runs import store_in_s3
from vedette.demo import user_actions
from vedette.installation.check_functions import synthetic_events

DEPLOYING = ("on_model_package_state_change", "on_endpoint_state_change", "sweep")
CONSTRAINTS = {"version": 0.0, "features": [{"name": "a", "inferred_type": "Integral", "completeness": 1.0}]}


@pytest.fixture
def stage(monkeypatch):
    with installed(monkeypatch) as made:
        made.cloud.bus.drop(lambda event, function: True)
        yield made


def event_for(function: str, package: str) -> dict:
    """An event by which this function learns of the endpoint."""
    event = synthetic_events(settings())[function]
    if function == "sweep":
        return Scheduled.for_endpoints([SITE], event, settings())
    names = {"ModelPackageGroupName": SITE, "ModelPackageArn": package, "ModelApprovalStatus": "Approved"}
    names |= {
        "EndpointName": SITE,
        "EndpointArn": event["detail"].get("EndpointArn", "").replace("vedette-doctor", SITE),
    }
    return {**event, "detail": {**event["detail"], **{k: v for k, v in names.items() if k in event["detail"]}}}


def work(stage, function: str, package: str) -> str:
    """Let the function run until nothing changes any more; the version that is served."""
    for _ in range(8):
        stage.cloud.invoke(function, event_for(function, package))
        stage.cloud.turn(minutes=7)
    return stage.served()


def with_baseline(stage, name: str) -> dict:
    """The DriftCheckBaselines of a package, with files as Model Monitor names them."""
    s3, bucket = boto3.client("s3"), stage.bucket
    s3.put_object(Bucket=bucket, Key=f"training/{name}/constraints.json", Body=json.dumps(CONSTRAINTS).encode())
    source = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/training/{name}/constraints.json"}
    return {"DriftCheckBaselines": {"ModelDataQuality": {"Constraints": source}}}


def register(stage, kind: str, **more) -> str:
    return user_actions.register(SITE, kind, TRAINING, stage.bucket, "Approved", **more)


@pytest.mark.parametrize("function", DEPLOYING)
def test_one_function_alone_deploys_updates_and_mends(stage, function):
    user_actions.apply_fleet(stage.entry(traffic_shifting="canary", instance_count=2, recreate_failed=True))
    stage.cloud.sagemaker.endpoints.fail_next_create(SITE, "no capacity")
    work(stage, function, register(stage, "knn"))
    second = register(stage, "linear-learner", **with_baseline(stage, "two"))
    assert work(stage, function, second) == "2"
    deleted = [call for call in stage.cloud.recorder.calls if call.operation == "DeleteEndpoint"]
    assert {call.function for call in deleted} == {function}
    third = register(stage, "knn")
    assert work(stage, function, third) == "3"
    kept = boto3.client("s3").list_objects_v2(Bucket=stage.bucket, Prefix=f"baselines/{SITE}/")["Contents"]
    assert f"baselines/{SITE}/current.json" not in {found["Key"] for found in kept}  # it belonged to version 2
    user_actions.set_approval(third, "Rejected")
    assert work(stage, function, third) == "2"


@pytest.mark.parametrize("function", DEPLOYING)
def test_one_function_alone_forgets_a_failure_and_finds_out_who_interfered(stage, function):
    first = register(stage, "knn")
    assert work(stage, function, first) == "1"  # without any baseline
    stage.cloud.sagemaker.endpoints.fail_next_update(SITE, "unhealthy")
    second = register(stage, "linear-learner")
    assert work(stage, function, second) == "1"
    user_actions.set_approval(second, "Rejected")
    work(stage, function, second)
    dropped = [call for call in stage.cloud.recorder.calls if call.operation == "DeleteItem"]
    assert {call.function for call in dropped} == {function}
    stage.by_hand("theirs")
    boto3.client("sagemaker").update_endpoint(EndpointName=SITE, EndpointConfigName="theirs-config")
    stage.cloud.turn(minutes=10)
    work(stage, function, first)
    asked = [call for call in stage.cloud.recorder.calls if call.operation == "LookupEvents"]
    assert {call.function for call in asked} == {function}


@pytest.mark.parametrize("function", DEPLOYING)
def test_one_function_alone_updates_an_endpoint_whose_volumes_have_a_customers_key(stage, function):
    user_actions.apply_fleet(stage.entry())
    sagemaker, role = boto3.client("sagemaker"), settings().role_arn
    container = {"Image": user_actions.IMAGES["knn"], "ModelDataUrl": stage.model_data()}
    sagemaker.create_model(ModelName="theirs", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "one", "ModelName": "theirs", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=[variant], KmsKeyId=key)
    sagemaker.create_endpoint(EndpointName=SITE, EndpointConfigName="theirs")
    stage.cloud.turn(minutes=10)
    stage.done("adopt", SITE, "--yes")
    assert work(stage, function, register(stage, "linear-learner")) == "1"
    assert stage.config()["KmsKeyId"] == key


@pytest.mark.parametrize("function", DEPLOYING)
def test_an_alert_state_that_an_earlier_version_kept_in_s3_is_read(stage, function):
    store_in_s3(AlertState(endpoint=SITE, variant=""))
    stage.cloud.sagemaker.endpoints.fail_next_create(SITE, "no capacity")
    work(stage, function, register(stage, "knn"))
    state, revision = stage_stores().alert_states.get(SITE, "")
    assert revision > 1
    assert state.sent_ids
    assert stage.cloud.mailbox.mails
