"""What an account can settle for free: the assumptions about AWS that need no endpoint, each tried once.

Each check makes the calls that its assumptions speak of, and takes away what it made. It returns what AWS answered, or
raises `Refuted`. `docs/aws-behaviour.md` lists the assumptions.

| outcome     | means                                                                    |
|-------------|--------------------------------------------------------------------------|
| confirmed   | AWS did what the assumption says; the evidence is its answer             |
| refuted     | AWS did something else: the assumption, and what relies on it, is wrong  |
| not settled | the check could not be made, with the reason (a permission, an image)    |
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import VedetteError
from chalicelib.settings import Settings
from vedette.operations import aws, images

NAME = "vedette-check"  # of everything that a check makes
MIXED_CASE_NAME = "Vedette-Check"
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")
PATTERN_CHARACTERS, TEMPLATE_BYTES, SNS_BYTES, ITEM_BYTES = 2_048, 51_200, 262_144, 409_600


class Outcome(StrEnum):
    """What became of an assumption."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_SETTLED = "not settled"


class Refuted(VedetteError):
    """AWS did something else than an assumption says; the text is what it did."""


@dataclass(frozen=True)
class Settled:
    """One assumption, and what the account says about it."""

    slug: str
    outcome: Outcome
    evidence: str


@dataclass(frozen=True)
class Check:
    """One try, and the assumptions that it settles."""

    slugs: tuple[str, ...]
    settle: Callable[[Settings], str]


def run(checks: tuple[Check, ...], settings: Settings) -> Iterator[Settled]:
    """The result of each check, for each of its assumptions."""
    for check in checks:
        outcome, evidence = _outcome(check, settings)
        for slug in check.slugs:
            yield Settled(slug, outcome, evidence)


def _outcome(check: Check, settings: Settings) -> tuple[Outcome, str]:
    try:
        return Outcome.CONFIRMED, check.settle(settings)
    except Refuted as error:
        return Outcome.REFUTED, str(error)
    except ClientError as error:
        answered = f"{aws.code(error)}: {aws.message(error)}"
        return (Outcome.NOT_SETTLED if aws.code(error) in DENIED else Outcome.REFUTED), answered
    except (VedetteError, BotoCoreError) as error:
        return Outcome.NOT_SETTLED, " ".join(str(error).split())


def refused(call: Callable[..., Any], *codes: str, saying: str = "", **request: Any) -> str:
    """What AWS answers to a call that it must refuse with one of these codes, and a text that contains `saying`.

    Raises
    ------
    Refuted
        When it takes the call, or refuses it in another way.
    """
    try:
        call(**request)
    except ClientError as error:
        answered = f"{aws.code(error)}: {aws.message(error)}"
        if aws.code(error) in DENIED:
            raise
        if (codes and aws.code(error) not in codes) or saying.lower() not in aws.message(error).lower():
            raise Refuted(answered) from error
        return answered
    raise Refuted(f"{call.__name__} succeeded")


def _refute(what: str) -> NoReturn:
    raise Refuted(what)


# --- SageMaker --------------------------------------------------------------------------------------------------------


def _missing_endpoint(_: Settings) -> str:
    describe = boto3.client("sagemaker").describe_endpoint
    return refused(describe, "ValidationException", saying="could not find", EndpointName=f"{NAME}-missing")


def _missing_endpoint_invoked(_: Settings) -> str:
    invoke = boto3.client("sagemaker-runtime").invoke_endpoint
    return refused(invoke, "ValidationError", saying="not found", EndpointName=f"{NAME}-missing", Body=b"1")


@contextmanager
def _group() -> Iterator[Any]:
    """A package group, which is deleted again with its versions."""
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=NAME)
    try:
        yield sagemaker
    finally:
        for one in sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"]:
            sagemaker.delete_model_package(ModelPackageName=one["ModelPackageArn"])
        sagemaker.delete_model_package_group(ModelPackageGroupName=NAME)


def _groups(_: Settings) -> str:
    describe = boto3.client("sagemaker").describe_model_package_group
    missing = refused(describe, saying="does not exist", ModelPackageGroupName=f"{NAME}-missing")
    with _group() as sagemaker:
        twice = refused(sagemaker.create_model_package_group, saying="already exists", ModelPackageGroupName=NAME)
    return f"{missing}; {twice}"


def _version(sagemaker: Any, settings: Settings, status: str) -> str:
    container = {"Image": images.image_of("knn", settings.region), "ModelDataUrl": _model_data(settings)}
    formats = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    created = sagemaker.create_model_package(
        ModelPackageGroupName=NAME,
        ModelApprovalStatus=status,
        InferenceSpecification={"Containers": [container], **formats},
        CustomerMetadataProperties={"a": "1"},
    )
    return str(created["ModelPackageArn"])


def _model_data(settings: Settings) -> str:
    """An archive that no container ever opens."""
    key = f"{NAME}/model.tar.gz"
    boto3.client("s3").put_object(Bucket=settings.bucket, Key=key, Body=b"")
    return f"s3://{settings.bucket}/{key}"


def _described_version(settings: Settings) -> str:
    with _group() as sagemaker:
        arn = _version(sagemaker, settings, "Approved")
        described = sagemaker.describe_model_package(ModelPackageName=arn)
    named = sorted({"ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion"} & described.keys())
    if "ModelPackageName" in named:
        _refute(f"a version has a ModelPackageName: {described['ModelPackageName']}")
    return f"DescribeModelPackage of a version has {', '.join(named)}"


def _metadata(settings: Settings) -> str:
    with _group() as sagemaker:
        arn = _version(sagemaker, settings, "Approved")
        sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"b": "2"})
        described = sagemaker.describe_model_package(ModelPackageName=arn)
    found = described.get("CustomerMetadataProperties"), described["ModelApprovalStatus"]
    if found != ({"a": "1", "b": "2"}, "Approved"):
        _refute(f"after {{'b': '2'}} the metadata is {found[0]}, the status {found[1]}")
    return f"the metadata is {found[0]}, the status still {found[1]}"


def _life_cycle(settings: Settings) -> str:
    stage = {"Stage": "Staging", "StageStatus": "Approved"}
    with _group() as sagemaker:
        arn = _version(sagemaker, settings, "Approved")
        sagemaker.update_model_package(ModelPackageArn=arn, ModelLifeCycle=stage)
        found = sagemaker.describe_model_package(ModelPackageName=arn).get("ModelLifeCycle")
    return f"ModelLifeCycle is {found}" if found == stage else _refute(f"ModelLifeCycle is {found}")


def _group_with_versions(settings: Settings) -> str:
    with _group() as sagemaker:
        _version(sagemaker, settings, "Approved")
        return refused(sagemaker.delete_model_package_group, ModelPackageGroupName=NAME)


def _unapproved(settings: Settings) -> str:
    with _group() as sagemaker:
        arn = _version(sagemaker, settings, "PendingManualApproval")
        try:
            return refused(sagemaker.create_model, **_model(settings, arn, NAME))
        finally:
            with suppress(ClientError):
                sagemaker.delete_model(ModelName=NAME)


def _model(settings: Settings, package: str, name: str) -> dict[str, Any]:
    return {
        "ModelName": name,
        "ExecutionRoleArn": settings.role_arn,
        "PrimaryContainer": {"ModelPackageName": package},
    }


@contextmanager
def _approved_model(settings: Settings) -> Iterator[tuple[Any, str]]:
    """A model of an approved version, which is deleted again; the version's ARN."""
    with _group() as sagemaker:
        arn = _version(sagemaker, settings, "Approved")
        sagemaker.create_model(**_model(settings, arn, MIXED_CASE_NAME))
        try:
            yield sagemaker, arn
        finally:
            sagemaker.delete_model(ModelName=MIXED_CASE_NAME)


def _model_twice(settings: Settings) -> str:
    with _approved_model(settings) as (sagemaker, arn):
        request = _model(settings, arn, MIXED_CASE_NAME)
        return refused(sagemaker.create_model, "ValidationException", saying="already existing", **request)


def _lower_case(settings: Settings) -> str:
    with _approved_model(settings) as (sagemaker, _):
        arn = str(sagemaker.describe_model(ModelName=MIXED_CASE_NAME)["ModelArn"])
    return arn if arn.endswith(f"/{NAME}") else _refute(arn)


def _deleted_package(settings: Settings) -> str:
    with _approved_model(settings) as (sagemaker, arn):
        sagemaker.delete_model_package(ModelPackageName=arn)
        sagemaker.describe_model(ModelName=MIXED_CASE_NAME)
        return f"the model stays; a new one: {refused(sagemaker.create_model, **_model(settings, arn, NAME))}"


# --- other services ---------------------------------------------------------------------------------------------------


def _pattern(characters: int) -> str:
    """An event pattern that matches nothing."""
    empty = json.dumps({"source": [NAME + "."]})
    return empty.replace(".", "." * (characters - len(empty) + 1))


def _long_pattern(_: Settings) -> str:
    events = boto3.client("events")
    rule = {"Name": NAME, "State": "DISABLED"}
    try:
        events.put_rule(EventPattern=_pattern(PATTERN_CHARACTERS), **rule)
        return refused(events.put_rule, EventPattern=_pattern(PATTERN_CHARACTERS + 1), **rule)
    finally:
        with suppress(ClientError):
            events.delete_rule(Name=NAME)


def _refused_entry(settings: Settings) -> str:
    sources = (f"{settings.event_source}.check", "aws.check")
    entries = [{"Source": source, "DetailType": NAME, "Detail": "{}"} for source in sources]
    answer = boto3.client("events").put_events(Entries=entries)
    taken, refusal = answer["Entries"]
    found = f"status {answer['ResponseMetadata']['HTTPStatusCode']}, FailedEntryCount {answer['FailedEntryCount']}"
    if answer["FailedEntryCount"] != 1 or refusal.get("ErrorCode") != "NotAuthorizedForSourceException":
        _refute(f"{found}, {refusal}")
    return f"{found}, {refusal['ErrorCode']} beside an entry that was taken ({'EventId' in taken})"


def _conditional_objects(settings: Settings) -> str:
    s3 = boto3.client("s3")
    place = {"Bucket": settings.bucket, "Key": f"{NAME}/conditional"}
    try:
        s3.put_object(**place, Body=b"1", IfNoneMatch="*")
        second = refused(s3.put_object, "PreconditionFailed", **place, Body=b"2", IfNoneMatch="*")
    finally:
        s3.delete_object(**place)
    etag = '"d41d8cd98f00b204e9800998ecf8427e"'
    gone = refused(s3.put_object, "NoSuchKey", **place, Body=b"3", IfMatch=etag)
    return f"second If-None-Match: {second}; If-Match where nothing is: {gone}"


def _listing(settings: Settings) -> str:
    s3 = boto3.client("s3")
    keys = [f"{NAME}/listing/{name}" for name in ("B", "a", "é", "z")]
    try:
        for key in keys:
            s3.put_object(Bucket=settings.bucket, Key=key, Body=b"")
        request = {"Bucket": settings.bucket, "Prefix": f"{NAME}/listing/", "StartAfter": keys[0]}
        found = [one["Key"] for one in s3.list_objects_v2(**request)["Contents"]]
    finally:
        for key in keys:
            s3.delete_object(Bucket=settings.bucket, Key=key)
    expected = sorted(keys[1:], key=str.encode)
    return "seen at once, in the order of the bytes" if found == expected else _refute(f"listed: {found}")


def _conditional_items(settings: Settings) -> str:
    table = boto3.client("dynamodb")
    item = {"pk": {"S": NAME}, "sk": {"S": NAME}}
    request: dict[str, Any] = {"TableName": settings.table, "Item": item}
    request["ConditionExpression"] = "attribute_not_exists(pk)"
    try:
        table.put_item(**request)
        return refused(table.put_item, "ConditionalCheckFailedException", **request)
    finally:
        table.delete_item(TableName=settings.table, Key=item)


def _large_item(settings: Settings) -> str:
    item = {"pk": {"S": NAME}, "sk": {"S": NAME}, "body": {"S": "x" * ITEM_BYTES}}
    put = boto3.client("dynamodb").put_item
    return refused(put, "ValidationException", TableName=settings.table, Item=item)


def _sns_subject(settings: Settings) -> str:
    publish = boto3.client("sns").publish
    request = {"TopicArn": settings.topic_arn, "Message": "check"}
    return refused(publish, "InvalidParameter", saying="subject", **request, Subject="x" * 101)


def _sns_size(settings: Settings) -> str:
    publish = boto3.client("sns").publish
    request = {"TopicArn": settings.topic_arn, "Message": "x" * (SNS_BYTES + 1)}
    return refused(publish, "InvalidParameter", saying="too long", **request)


def _template_size(_: Settings) -> str:
    body = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
    validate = boto3.client("cloudformation").validate_template
    return refused(validate, "ValidationError", TemplateBody=body.ljust(TEMPLATE_BYTES + 1))


def _concurrency(_: Settings) -> str:
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]
    return f"limit {limit['ConcurrentExecutions']}, unreserved {limit['UnreservedConcurrentExecutions']}"


CHECKS = (
    Check(("missing-resource",), _missing_endpoint),
    Check(("invoke-missing",), _missing_endpoint_invoked),
    Check(("missing-group",), _groups),
    Check(("version-name",), _described_version),
    Check(("metadata-merge",), _metadata),
    Check(("life-cycle-stage",), _life_cycle),
    Check(("group-with-versions",), _group_with_versions),
    Check(("unapproved-version",), _unapproved),
    Check(("create-twice", "pass-role"), _model_twice),
    Check(("arn-lower-case",), _lower_case),
    Check(("deleted-package",), _deleted_package),
    Check(("event-pattern-size", "event-pattern-refusal"), _long_pattern),
    Check(("aws-source-refused", "partial-put-events"), _refused_entry),
    Check(("first-writer", "conditional-write"), _conditional_objects),
    Check(("strong-reads",), _listing),
    Check(("conditional-item",), _conditional_items),
    Check(("item-size",), _large_item),
    Check(("sns-subject",), _sns_subject),
    Check(("sns-size",), _sns_size),
    Check(("template-size",), _template_size),
    Check(("unreserved-minimum",), _concurrency),
)
