"""How the stage can read a place where captures or own records lie, and what its owners must change.

| place                                       | result                                                              |
|---------------------------------------------|---------------------------------------------------------------------|
| a bucket without EventBridge, or in another | the source is polled by the sweep; the change its owner must make   |
| region, or a place that no stage names      | is shown, as JSON and as Terraform                                  |
| a bucket of another account                 | the statements that its policy needs                                |
| a KMS key, of the capture or of the bucket  | the statement that its policy needs                                 |
| a bucket that does not exist, or what       | an error                                                            |
| Vedette itself writes                       |                                                                     |
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from chalicelib import locations
from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from chalicelib.records import Delivery
from chalicelib.services import capture_backlog
from chalicelib.settings import settings
from vedette.operations import aws

READERS = ("on_data_captured", "sweep")  # the functions that read capture objects
CLOSED = {"AccessDenied", "403"}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change that the owner of a resource must make; Vedette never makes it."""

    title: str
    why: str
    place: str  # the resource
    form: Any  # as JSON
    terraform: str = ""
    command: str = ""


class ObservedSource(msgspec.Struct, frozen=True, kw_only=True):
    """How Vedette can read a place, and the changes that this needs."""

    kms_key: str
    delivery: str  # "events", "polled", or "closed": the stage has no access yet
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()


def inspect_source(endpoint: str, source: str, kms_key: str = "") -> ObservedSource:
    """How the stage can read a place; `kms_key` encrypts what lies there, unless the bucket has a key of its own.

    Raises
    ------
    VedetteError
        If Vedette stores its own data there, or there is no such bucket.
    """
    own = settings().bucket == locations.split_s3_uri(source)[0]
    if own and f"{locations.split_s3_uri(source)[1].rstrip('/')}/".startswith(locations.OWN_PREFIXES):
        raise VedetteError(f"{source} of {endpoint} is where Vedette stores its own data; it cannot be read.")
    bucket = bucket_of(source)
    kms_key = kms_key or bucket.kms_key
    matched = capture_backlog.delivery(source, endpoint, bucket_sends_events=True) == Delivery.EVENTS
    sends_events = bucket.sends_events and bucket.region == settings().region
    return ObservedSource(
        kms_key=kms_key,
        delivery="closed" if not matched else "events" if sends_events else "polled",
        changes=tuple(_changes(endpoint, source, bucket, kms_key)),
        remarks=_remarks(bucket),
    )


def _remarks(bucket: _Bucket) -> tuple[str, ...]:
    if bucket.region == settings().region:
        return ()
    return (f"The bucket lies in {bucket.region}, whose events do not reach {settings().region}.",)


# --- the bucket -------------------------------------------------------------------------------------------------------


class _Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """The bucket of a source, as far as we have permission to read it."""

    name: str
    region: str
    ours: bool = True  # of this account
    notifications: dict[str, Any] | None = None  # None: no permission
    kms_key: str = ""

    @property
    def sends_events(self) -> bool:
        """Whether the bucket sends notifications to EventBridge."""
        return self.notifications is not None and "EventBridgeConfiguration" in self.notifications


def bucket_of(source: str) -> _Bucket:
    """The bucket of a place.

    Raises
    ------
    VedetteError
        If there is no such bucket.
    """
    name = locations.split_s3_uri(source)[0]
    s3 = client("s3")
    region, ours = settings().region, True
    try:
        region = str(s3.head_bucket(Bucket=name).get("BucketRegion") or region)
        ours = _or_none("head_bucket", Bucket=name, ExpectedBucketOwner=settings().account) is not None
    except ClientError as error:
        if aws.code(error) in {"404", "NoSuchBucket"}:
            raise VedetteError(f"{source}: there is no bucket {name}, so nothing is captured.") from error
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region, ours = headers.get("x-amz-bucket-region", region), aws.code(error) not in CLOSED
    return _Bucket(
        name=name,
        region=region,
        ours=ours,
        notifications=_or_none("get_bucket_notification_configuration", Bucket=name),
        kms_key=_default_key(_or_none("get_bucket_encryption", Bucket=name) or {}),
    )


def _or_none(operation: str, **request: str) -> dict[str, Any] | None:
    """The result of an S3 call; None without permission, or if the setting does not exist."""
    try:
        answer: dict[str, Any] = getattr(client("s3"), operation)(**request)
    except ClientError as error:
        if aws.code(error) in {*CLOSED, "ServerSideEncryptionConfigurationNotFoundError"}:
            return None
        raise
    answer.pop("ResponseMetadata", None)
    return answer


def _default_key(encryption: dict[str, Any]) -> str:
    rules = encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    return next((str(key) for rule in rules if (key := _key_of(rule))), "")


def _key_of(rule: dict[str, Any]) -> str:
    by_default = rule.get("ApplyServerSideEncryptionByDefault", {})
    return str(by_default.get("KMSMasterKeyID", "")) if "kms" in by_default.get("SSEAlgorithm", "") else ""


# --- what the owners must do ------------------------------------------------------------------------------------------


def _changes(endpoint: str, source: str, bucket: _Bucket, kms_key: str) -> list[Change]:
    changes = _stage_change(endpoint, source)
    if not bucket.sends_events and bucket.region == settings().region:
        changes.append(_notification_change(bucket))
    if not bucket.ours:
        changes.append(bucket_policy_change(bucket, [source]))
    if kms_key:
        changes.append(key_policy_change(kms_key, bucket.region))
    return changes


def _stage_change(endpoint: str, source: str) -> list[Change]:
    """The change of VEDETTE_CAPTURE_SOURCES, from which the stage's rule and roles are derived."""
    if capture_backlog.delivery(source, endpoint, bucket_sends_events=True) == Delivery.EVENTS:
        return []
    bucket, root = locations.split_s3_uri(source)[0], locations.capture_roots(source, endpoint)[0]
    prefix = root.removesuffix(f"{endpoint}/") or root
    known = [f"{at}/{below}" for at, below in settings().capture_sources]
    return [sources_change([*known, f"{bucket}/{prefix}"])]


def sources_change(places: Sequence[str]) -> Change:
    """The change of VEDETTE_CAPTURE_SOURCES to these places, each a bucket and a prefix."""
    return Change(
        title="Let the stage read the place",
        why="its functions read only the places that VEDETTE_CAPTURE_SOURCES names",
        place=f"stage {settings().stage}, environment_variables in .chalice/config.json",
        form={"VEDETTE_CAPTURE_SOURCES": ",".join(places)},
        command=f"vedette setup --stage {settings().stage} "
        + " ".join(f"--capture-source {place}" for place in places)
        + f", then vedette install --stage {settings().stage}",
    )


def _notification_change(bucket: _Bucket) -> Change:
    form = {**(bucket.notifications or {}), "EventBridgeConfiguration": {}}
    terraform = (
        f'resource "aws_s3_bucket_notification" "{_label(bucket.name)}" {{\n'
        f'  bucket      = "{bucket.name}"\n'
        "  eventbridge = true # a bucket has one such resource: where there is one already, add this line to it\n"
        "}\n"
    )
    unseen = "" if bucket.notifications is not None else "; what it notifies now could not be read, and must be kept"
    return Change(
        title="Let the bucket send its events to EventBridge",
        why=f"captures are then read within seconds; until then every 15 minutes{unseen}",
        place=f"s3://{bucket.name}",
        form=form,
        terraform=terraform,
        command=f"aws s3api put-bucket-notification-configuration --bucket {bucket.name}"
        f" --notification-configuration '{json.dumps(form)}'",
    )


def bucket_policy_change(bucket: _Bucket, sources: Sequence[str]) -> Change:
    """What the owner of a bucket must allow, so that the functions may read these places in it."""
    arn = f"arn:{settings().partition}:s3:::{bucket.name}"
    roots = (f"{locations.split_s3_uri(source)[1].strip('/')}/".lstrip("/") for source in sources)
    read = list(dict.fromkeys(f"{arn}/{root}*" for root in roots))
    statements = [
        _statement("VedetteReadsCaptures", "s3:GetObject", read if len(read) > 1 else read[0]),
        _statement("VedetteListsCaptures", ["s3:ListBucket", "s3:GetBucketNotification"], arn),
    ]
    return Change(
        title="Let Vedette read the bucket",
        why="it belongs to another account, or does not let us look",
        place=f"s3://{bucket.name}, bucket policy",
        form=statements,
        terraform="".join(_terraform(statement) for statement in statements),
    )


def key_policy_change(kms_key: str, region: str) -> Change:
    """What the owner of a key must allow, so that the functions may decrypt with it."""
    statement = {
        **_statement("VedetteDecryptsCaptures", "kms:Decrypt", "*"),
        "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
    }
    return Change(
        title="Let Vedette decrypt the captures",
        why="they are encrypted with this key",
        place=f"key {kms_key}, key policy",
        form=statement,
        terraform=_terraform(statement),
    )


def _statement(sid: str, action: str | list[str], resource: str | list[str]) -> dict[str, Any]:
    roles = [aws.function_role(f"vedette-{settings().stage}-{function}") for function in READERS]
    return {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": roles}, "Action": action, "Resource": resource}


def _terraform(statement: dict[str, Any]) -> str:
    """A statement as a policy document in Terraform, whose block can be copied to an existing document."""

    def listed(value: Any) -> str:
        return json.dumps(value if isinstance(value, list) else [value])

    lines = [
        f'data "aws_iam_policy_document" "{statement["Sid"]}" {{',
        "  statement {",
        f'    sid       = "{statement["Sid"]}"',
        f"    actions   = {listed(statement['Action'])}",
        f"    resources = {listed(statement['Resource'])}",
        "    principals {",
        '      type        = "AWS"',
        f"      identifiers = {listed(statement['Principal']['AWS'])}",
        "    }",
    ]
    for test, variables in statement.get("Condition", {}).items():
        for variable, value in variables.items():
            lines += [
                "    condition {",
                f'      test     = "{test}"',
                f'      variable = "{variable}"',
                f"      values   = {listed(value)}",
                "    }",
            ]
    return "\n".join([*lines, "  }", "}", ""])


def _label(bucket: str) -> str:
    return bucket.replace(".", "_")
