"""The events have exactly the documented fields (shared/conformance/events, read and never copied)."""

import json


def documented(conformance, name):
    return json.loads((conformance / "events" / name).read_text())


def test_a_model_package_event_has_the_documented_fields(account, conformance):
    arn = account.package(
        status="PendingManualApproval",
        MetadataProperties={"GeneratedBy": "a person"},
        ModelMetrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/e.json"}}},
    )
    account.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", SourceUri="https://example.com"
    )
    created, updated = account.events("SageMaker Model Package State Change")
    sample = documented(conformance, "SageMaker_Model_Package_State_Change.json")
    assert created.keys() == sample.keys()
    assert created["detail"].keys() == sample["detail"].keys()
    assert updated["detail"]["UpdatedModelPackageFields"] == ["ModelApprovalStatus", "sourceUri"]
    assert isinstance(updated["detail"]["CreationTime"], int)
    assert updated["resources"] == [arn]
    assert (created["detail"]["ModelApprovalStatus"], updated["detail"]["ModelApprovalStatus"]) == (
        "PendingManualApproval",
        "Approved",
    )


def test_a_package_that_is_created_approved_is_announced(account):
    account.package(status="Approved")
    (event,) = account.events("SageMaker Model Package State Change")
    assert event["detail"]["ModelApprovalStatus"] == "Approved"


def test_an_endpoint_event_has_the_documented_fields_and_spellings(account, conformance):
    account.endpoint("MySite")
    events = account.events("SageMaker Endpoint State Change")
    sample = documented(conformance, "SageMaker_Endpoint_State_Change.json")
    assert [event["detail"]["EndpointStatus"] for event in events] == ["CREATING", "IN_SERVICE"]
    last = events[-1]
    assert last.keys() == sample.keys()
    assert last["detail"].keys() == sample["detail"].keys()
    assert last["detail"]["ProductionVariants"][0] == {"DesiredWeight": 1.0, "DesiredInstanceCount": 1.0}
    assert last["detail"]["EndpointName"] == "MySite"
    assert last["detail"]["EndpointArn"].endswith(":endpoint/mysite")
    assert last["detail"]["LastModifiedTime"] == 1772442300000.0
    assert last["time"] == "1772442300000"


def test_every_transition_of_an_endpoint_is_announced(account):
    account.endpoint()
    account.config("next", "site-model")
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    account.cloud.turn(minutes=6)
    account.client("sagemaker").delete_endpoint(EndpointName="site")
    account.cloud.sagemaker.force_status("site", "UpdateRollbackFailed")
    statuses = [event["detail"]["EndpointStatus"] for event in account.events("SageMaker Endpoint State Change")]
    assert statuses == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE", "DELETING", "UPDATE_ROLLBACK_FAILED"]


def test_an_update_announces_its_deployment(account):
    account.endpoint()
    account.config("next", "site-model", count=2)
    account.client("sagemaker").update_endpoint(EndpointName="site", EndpointConfigName="next")
    (event,) = account.events("SageMaker Endpoint Deployment State Change")
    pending = event["detail"]["PendingDeploymentSummary"]
    assert (event["detail"]["EndpointConfigName"], pending["EndpointConfigName"]) == ("site-config", "next")
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["StatusMessage"] == "Launching 2 instance(s)."
    assert isinstance(pending["StartTime"], int)


def test_an_object_created_event_has_the_recorded_shape(account, conformance):
    key = "data-capture/a b+c%20ü.jsonl"
    account.client("s3").put_object(Bucket=account.bucket, Key=key, Body=b"12345")
    event = account.events("Object Created")[-1]
    sample = documented(conformance, "s3EventBridgeNotificationObjectCreatedEvent.json")
    assert event.keys() == sample.keys()
    assert event["detail"].keys() == sample["detail"].keys()
    described = event["detail"]["object"]
    assert described.keys() - {"version-id"} == sample["detail"]["object"].keys()
    assert (described["key"], described["size"], '"' in described["etag"]) == (key, 5, False)


def test_each_write_is_announced_once_with_a_growing_sequencer(account):
    s3, count = account.client("s3"), len(account.events("Object Created"))
    s3.put_object(Bucket=account.bucket, Key="a", Body=b"1")
    s3.copy_object(Bucket=account.bucket, Key="b", CopySource={"Bucket": account.bucket, "Key": "a"})
    upload = s3.create_multipart_upload(Bucket=account.bucket, Key="c")["UploadId"]
    part = s3.upload_part(Bucket=account.bucket, Key="c", UploadId=upload, PartNumber=1, Body=b"1")
    s3.complete_multipart_upload(
        Bucket=account.bucket,
        Key="c",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    s3.get_object(Bucket=account.bucket, Key="c")
    events = account.events("Object Created")[count:]
    assert [event["detail"]["reason"] for event in events] == ["PutObject", "CopyObject", "CompleteMultipartUpload"]
    sequencers = [event["detail"]["object"]["sequencer"] for event in events]
    assert sequencers == sorted(set(sequencers))


def test_a_bucket_without_eventbridge_is_silent(account):
    s3 = account.client("s3")
    s3.create_bucket(Bucket="silent", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    before = len(account.cloud.bus.events)
    s3.put_object(Bucket="silent", Key="a", Body=b"1")
    assert len(account.cloud.bus.events) == before
