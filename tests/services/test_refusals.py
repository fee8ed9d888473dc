"""What is not ours, or not whole, is refused with one log line and never retried."""

from functools import partial

import pytest
from msgspec.structs import replace

from chalicelib.alerts.endpoint_notifications import expect_test
from chalicelib.endpoint_run import EndpointRun, stage_stores
from chalicelib.records import ExecutionEvent, as_dict
from chalicelib.services import alerting
from chalicelib.settings import settings
from tests.alerts.factories import execution, violation
from tests.services.conftest import ENTRY

ARN = "arn:aws:sagemaker:{region}:{account}:{what}"


def envelope(source: str, detail_type: str, detail: dict, account="123456789012", region="eu-west-1") -> dict:
    return {
        "version": "0",
        "id": "1",
        "source": source,
        "detail-type": detail_type,
        "account": account,
        "region": region,
        "time": "2026-03-02T09:00:00Z",
        "resources": [],
        "detail": detail,
    }


def package(account="123456789012", region="eu-west-1", **changes) -> dict:
    arn = ARN.format(region=region, account=account, what="model-package/preferred-site/1")
    detail = {"ModelPackageArn": arn, "ModelPackageGroupName": "preferred-site", "ModelApprovalStatus": "Approved"}
    return envelope("aws.sagemaker", "SageMaker Model Package State Change", {**detail, **changes}, account, region)


def captured(key: str, bucket: str | None = None) -> dict:
    detail = {"bucket": {"name": bucket or settings().bucket}, "object": {"key": key, "etag": "e", "size": 1}}
    return envelope("aws.s3", "Object Created", detail)


def transform_job(account="123456789012", **changes) -> dict:
    arn = ARN.format(region="eu-west-1", account=account, what="transform-job/nightly-1")
    detail = {"TransformJobName": "nightly-1", "TransformJobArn": arn, "TransformJobStatus": "Completed"}
    return envelope("aws.sagemaker", "SageMaker Transform Job State Change", {**detail, **changes}, account)


CASES = {
    "a transform job of another account": ("on_data_captured", lambda: transform_job(account="9" * 12)),
    "a transform job with an ARN of another account inside": (
        "on_data_captured",
        lambda: transform_job(TransformJobArn=ARN.format(region="eu-west-1", account="9" * 12, what="transform-job/x")),
    ),
    "a transform job without a name": ("on_data_captured", lambda: transform_job(TransformJobName=None)),
    "a transform job of another source": ("on_data_captured", lambda: {**transform_job(), "source": "com.example"}),
    "another account": ("on_model_package_state_change", lambda: package(account="999999999999")),
    "another region": ("on_model_package_state_change", lambda: package(region="us-east-1")),
    "another source": (
        "on_model_package_state_change",
        lambda: {**package(), "source": "com.example"},
    ),
    "another type": ("on_model_package_state_change", lambda: {**package(), "detail-type": "Order Placed"}),
    "an ARN of another account inside": (
        "on_model_package_state_change",
        lambda: package(ModelPackageArn=ARN.format(region="eu-west-1", account="9" * 12, what="model-package/x/1")),
    ),
    "no ARN": ("on_model_package_state_change", lambda: package(ModelPackageArn=None)),
    "no group": ("on_model_package_state_change", lambda: package(ModelPackageGroupName=None)),
    "no endpoint": (
        "on_endpoint_state_change",
        lambda: envelope("aws.sagemaker", "SageMaker Endpoint State Change", {}),
    ),
    "detail that is no object": ("on_endpoint_state_change", lambda: {**package(), "detail": "text"}),
    "no object key": (
        "on_data_captured",
        lambda: envelope("aws.s3", "Object Created", {"bucket": {"name": "b"}, "object": {}}),
    ),
    "our own object": ("on_data_captured", lambda: captured("parts/x/y/2026/03/02/09/00-00-000-a.jsonl.json")),
    "our own object named like a capture": (
        "on_data_captured",
        lambda: captured("parts/x/y/2026/03/02/09/00-00-000-a.jsonl"),
    ),
    "an execution of another stage": (
        "on_monitoring_execution",
        lambda: envelope("vedette.prod", "Vedette Monitoring Execution", {}),
    ),
    "an execution without its fields": (
        "on_monitoring_execution",
        lambda: envelope("vedette.local", "Vedette Monitoring Execution", {"endpoint": "x"}),
    ),
    "a schedule of nobody": ("run_monitoring", lambda: envelope("com.example", "Scheduled Event", {})),
    "a fan-out without an endpoint": ("sweep", lambda: envelope("vedette.local", "Scheduled Event", {})),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_it_is_refused_with_one_sentence_and_nothing_is_done(world, case, capsys):
    function, event = CASES[case]
    before = len(world.cloud.recorder.calls)
    answer = world.cloud.invoke(function, event())
    assert list(answer) == ["rejected"]
    assert len(answer["rejected"]) < 300
    assert len(world.cloud.recorder.calls) == before


def test_the_real_samples_of_the_documentation_are_read(world, conformance):
    import json

    from chalicelib.events import DataCaptured, EndpointStateChanged
    from chalicelib.settings import Settings

    def settings_for(event: dict) -> Settings:
        sources = (("example-bucket", "p/"),)
        return Settings("local", "b", "t", "arn", "", event["region"], event["account"], sources)

    event = json.loads((conformance / "events/SageMaker_Endpoint_State_Change.json").read_text())
    assert EndpointStateChanged.from_eventbridge(event, settings_for(event)).endpoint == "MyEndpoint"
    event = json.loads((conformance / "events/s3EventBridgeNotificationObjectCreatedEvent.json").read_text())
    event["detail"]["object"]["key"] = "p/site/AllTraffic/2026/11/22/09/34-30-683-a+b%20c.jsonl"
    read = DataCaptured.from_eventbridge(event, settings_for(event))
    assert (read.bucket, read.capture.name) == ("example-bucket", "34-30-683-a+b%20c.jsonl")


@pytest.mark.parametrize(
    ("bucket", "key"),
    [
        (None, "training/site/AllTraffic/2026/03/02/09/00-00-000-a.jsonl"),
        (None, "data-captured/site/AllTraffic/2026/03/02/09/00-00-000-a.jsonl"),
        ("lake", "data-capture/site/AllTraffic/2026/03/02/09/00-00-000-a.jsonl"),
        (None, "train.jsonl"),
    ],
)
def test_a_file_of_another_place_is_skipped_without_a_call_and_is_no_error(world, bucket, key):
    """The rule matches every .jsonl of a bucket, so that its pattern stays short."""
    before = len(world.cloud.recorder.calls)
    answer = world.cloud.invoke("on_data_captured", captured(key, bucket))
    assert answer["skipped"] == "not a capture"
    assert answer["detail"].endswith("is in no place that VEDETTE_CAPTURE_SOURCES names")
    assert len(world.cloud.recorder.calls) == before


def test_a_transform_job_of_nobody_is_skipped_without_a_call_and_is_no_error(world):
    world.cloud.recorder.clear()
    assert world.cloud.invoke("on_data_captured", transform_job())["skipped"] == "not in the fleet"
    assert [call.operation for call in world.cloud.recorder.calls if call.service == "sagemaker"] == []


def test_a_model_package_event_is_read_with_its_source_as_a_list_and_its_keys_in_lower_camel_case(world):
    event = package()
    event["source"] = ["aws.sagemaker"]
    event["detail"] = {key[0].lower() + key[1:]: value for key, value in event["detail"].items()}
    (answer,) = world.cloud.invoke("on_model_package_state_change", event)["endpoints"]
    assert "steps" in answer


# --- test alerts: only those that an operator announced in the table -------------------------------------------------


def announced(world, nonce: str) -> None:
    """What `vedette alerts test` writes before it puts the event."""
    entry = world.fleet.entry("preferred-site")
    decide = partial(expect_test, nonce=nonce, limit=entry.alerts_per_hour, now=world.cloud.clock.now())
    alerting.update(EndpointRun.without_deadline(entry), alerting.ENDPOINT, decide)


def asked_for_test(world, nonce: str) -> dict:
    now = world.cloud.clock.now()
    event = ExecutionEvent(
        endpoint="preferred-site",
        variant="",
        verdict="OK",
        window_start=now,
        window_end=now,
        window_closed=False,
        folder="",
        test=nonce,
    )
    return envelope("vedette.local", "Vedette Monitoring Execution", as_dict(event))


def test_an_event_that_claims_to_be_a_test_makes_vedette_mail_nothing(world, capsys, caplog):
    answer = world.cloud.invoke("on_monitoring_execution", asked_for_test(world, "forged"))
    assert answer == {"rejected": "A test alert of preferred-site was not announced by `vedette alerts test`."}
    assert world.subjects == []
    assert [record.kind for record in caplog.records] == ["UnexpectedTest"]
    assert '"RejectedEvents":[1.0]' in capsys.readouterr().out


def test_an_announced_test_is_sent_once_and_a_repeated_delivery_is_no_error(world):
    announced(world, "known")
    event = asked_for_test(world, "known")
    assert len(world.cloud.invoke("on_monitoring_execution", event)["alerts"]) == 1
    assert world.cloud.invoke("on_monitoring_execution", event)["alerts"] == []
    assert [mail.attributes["kind"] for mail in world.cloud.mailbox.mails] == ["test"]
    assert "rejected" in world.cloud.invoke("on_monitoring_execution", asked_for_test(world, "another"))


def test_an_announcement_that_is_too_old_is_refused(world):
    announced(world, "known")
    event = asked_for_test(world, "known")
    world.cloud.turn(minutes=16)
    assert "rejected" in world.cloud.invoke("on_monitoring_execution", event)
    assert world.subjects == []


def test_a_verdict_of_one_endpoint_is_not_announced_as_that_of_another(world):
    world.apply(ENTRY, replace(ENTRY, endpoint="other", package_group="other", mode="alert"))
    stored = execution(violation())
    stage_stores().executions.put(stored)
    event = asked_for_test(world, "")
    event["detail"] |= {"endpoint": "other", "folder": stored.folder}
    answer = world.cloud.invoke("on_monitoring_execution", event)
    assert answer["rejected"].endswith("is an execution of preferred-site, not of other.")
    assert world.subjects == []


@pytest.mark.parametrize(
    ("modified", "sent", "happened"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:01Z", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T09:00:05Z", "2026-03-02T09:00:01Z", "2026-03-02T09:00:01+00:00"),
        (1772442000000, None, "2026-03-02T09:00:00+00:00"),
        (1772442000.5, "soon", "2026-03-02T09:00:00.500000+00:00"),
        (None, "1772442000000", "2026-03-02T09:00:00+00:00"),
        ("2026-03-02T10:00:00+01:00", "2026-03-02T09:30:00", "2026-03-02T10:00:00+01:00"),
        (None, None, None),
        ("nan", "inf", None),
        ([1], {}, None),
    ],
)
def test_the_time_of_a_change_is_the_earlier_that_its_event_says_in_whatever_form(world, modified, sent, happened):
    from chalicelib.events import ModelPackageStateChanged
    from chalicelib.settings import settings

    event = package()
    event["time"], event["detail"]["LastModifiedTime"] = sent, modified
    event["detail"]["UpdatedModelPackageFields"] = ["ModelApprovalStatus"]
    event["detail"]["ModelApprovalStatus"] = "Approved"
    read = ModelPackageStateChanged.from_eventbridge(event, settings())
    assert read.happened_at == read.approved_at
    assert (read.happened_at.isoformat() if read.happened_at else None) == happened


@pytest.mark.parametrize(
    ("fields", "status", "is_new", "is_dated"),
    [
        (["ModelApprovalStatus", "ModelCard"], "Approved", True, True),
        (["CustomerMetadataProperties"], "Approved", False, False),
        (["ModelApprovalStatus"], "Rejected", False, False),
        (None, "Approved", True, False),
    ],
)
def test_an_approval_is_dated_only_by_an_event_that_names_it(world, fields, status, is_new, is_dated):
    from chalicelib.events import ModelPackageStateChanged
    from chalicelib.settings import settings

    event = package()
    event["detail"] |= {"UpdatedModelPackageFields": fields, "ModelApprovalStatus": status}
    event["detail"]["LastModifiedTime"] = 1772442000000
    read = ModelPackageStateChanged.from_eventbridge(event, settings())
    assert (read.is_new_approval, read.approved_at is not None) == (is_new, is_dated)
