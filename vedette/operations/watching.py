"""Watch an endpoint that Vedette did not create: read its captures at their location, change nothing in SageMaker.

| endpoint                                    | result                                                              |
|---------------------------------------------|---------------------------------------------------------------------|
| DestinationS3Uri                            | the source in the fleet entry, unchanged                            |
| a bucket without EventBridge, or in another | the source is polled by the sweep; the change its owner must make   |
| region, or a location that no stage names   | is shown, as JSON and as Terraform                                  |
| a KMS key, of the capture or of the bucket  | the statement that its policy needs                                 |
| capture off, a serverless or asynchronous   | an error                                                            |
| endpoint, no such endpoint                  |                                                                     |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from chalicelib import locations
from chalicelib.aws import sagemaker
from chalicelib.aws.clients import client
from chalicelib.errors import VedetteError
from chalicelib.records import Delivery, Fleet, FleetEntry
from chalicelib.registry.plan import deleted_config_sentence
from chalicelib.services import capture_backlog
from chalicelib.settings import settings
from vedette.operations import aws, baselines, fleet, monitoring_schedules

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


class ObservedEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint's current capture settings, and the changes needed so that Vedette can read its captures."""

    endpoint: str
    status: str
    config: str
    source: str
    percentage: int
    modes: tuple[str, ...]
    kms_key: str
    delivery: str  # "events", "polled", or "closed": the stage has no access yet
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()


def inspect_endpoint(endpoint: str, *, with_schedules: bool = True) -> ObservedEndpoint:
    """Read an endpoint's capture settings, and the baselines of its monitoring schedules; nothing is written.

    Raises
    ------
    VedetteError
        If the endpoint cannot be watched, with the reason.
    """
    described = sagemaker.describe_endpoint(endpoint)
    if described is None:
        raise VedetteError(f"There is no endpoint {endpoint} in {settings().region}.")
    name = str(described["EndpointConfigName"])
    config = sagemaker.describe_endpoint_config(name)
    if config is None:
        raise VedetteError(f"{endpoint} cannot be watched: {deleted_config_sentence(endpoint, name)}.")
    _check_captures_are_possible(endpoint, config)
    capture = config.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture", False):
        raise VedetteError(
            f"{endpoint} captures nothing: data capture is off in its config {name}. Turn it on where the endpoint is"
            f" deployed (DataCaptureConfig), or with `vedette capture on {endpoint}`."
        )
    shown = described.get("DataCaptureConfig") or {}
    source = str(capture["DestinationS3Uri"])
    own = settings().bucket == locations.split_s3_uri(source)[0]
    if own and f"{locations.split_s3_uri(source)[1].rstrip('/')}/".startswith(locations.OWN_PREFIXES):
        raise VedetteError(f"{endpoint} captures to {source}, where Vedette stores its own data; it cannot be read.")
    bucket = bucket_of(source)
    kms_key = str(shown.get("KmsKeyId") or capture.get("KmsKeyId") or bucket.kms_key)
    matched = capture_backlog.delivery(source, endpoint, bucket_sends_events=True) == Delivery.EVENTS
    sends_events = bucket.sends_events and bucket.region == settings().region
    return ObservedEndpoint(
        endpoint=endpoint,
        status=str(described["EndpointStatus"]),
        config=name,
        source=source,
        percentage=int(shown.get("CurrentSamplingPercentage", capture.get("InitialSamplingPercentage", 0))),
        modes=tuple(str(option["CaptureMode"]) for option in capture.get("CaptureOptions", ())),
        kms_key=kms_key,
        delivery="closed" if not matched else "events" if sends_events else "polled",
        changes=tuple(_changes(endpoint, source, bucket, kms_key)),
        remarks=(*_remarks(shown, bucket), *(_schedule_remarks(endpoint) if with_schedules else ())),
    )


def _check_captures_are_possible(endpoint: str, config: dict[str, Any]) -> None:
    """Data capture exists only for real-time endpoints (aws-behaviour: capture-realtime-only)."""
    if config.get("AsyncInferenceConfig"):
        raise VedetteError(f"{endpoint} is an asynchronous endpoint; SageMaker captures only real-time endpoints.")
    if any(variant.get("ServerlessConfig") for variant in config.get("ProductionVariants", ())):
        raise VedetteError(f"{endpoint} is a serverless endpoint; SageMaker captures only real-time endpoints.")


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
        changes.append(bucket_policy_change(bucket, source))
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
    value = ",".join(places)
    return Change(
        title="Let the stage read the place",
        why="its functions read only the places that VEDETTE_CAPTURE_SOURCES names",
        place=f"stage {settings().stage}, environment_variables in .chalice/config.json",
        form={"VEDETTE_CAPTURE_SOURCES": value},
        command=f"vedette setup --stage {settings().stage} "
        + " ".join(f"--capture-source {place}" for place in value.split(","))
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


def bucket_policy_change(bucket: _Bucket, source: str) -> Change:
    """What the owner of a bucket must allow, so that the functions may read a place in it."""
    root = f"{locations.split_s3_uri(source)[1].strip('/')}/".lstrip("/")
    arn = f"arn:{settings().partition}:s3:::{bucket.name}"
    statements = [
        _statement("VedetteReadsCaptures", "s3:GetObject", f"{arn}/{root}*"),
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


def _statement(sid: str, action: str | list[str], resource: str) -> dict[str, Any]:
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


def _remarks(shown: dict[str, Any], bucket: _Bucket) -> list[str]:
    remarks = []
    if shown.get("CaptureStatus") == "Stopped":
        remarks.append("SageMaker says that its capture is Stopped now.")
    if bucket.region != settings().region:
        remarks.append(f"The bucket lies in {bucket.region}, whose events do not reach {settings().region}.")
    return remarks


def _schedule_remarks(endpoint: str) -> list[str]:
    schedules = (monitoring_schedules.read(summary) for summary in aws.monitoring_schedules(endpoint))
    return [
        f"Model Monitor's schedule {schedule.name} compares it with {schedule.constraints_uri}: --baseline takes that"
        " one too."
        for schedule in schedules
        if schedule is not None and schedule.constraints_uri
    ]


# --- the fleet and the baseline ---------------------------------------------------------------------------------------


def watched(stored: Fleet, found: ObservedEndpoint, fields: Mapping[str, Any]) -> tuple[FleetEntry, ...]:
    """The entries with this endpoint added or updated with these fields; other fields are kept.

    Raises
    ------
    VedetteError
        If Vedette deploys the endpoint: then the fleet decides where it captures.
    """
    before = stored.entry(found.endpoint)
    if before is not None and before.mode == "deploy":
        raise VedetteError(f"{found.endpoint} is deployed by Vedette, which watches it already (mode deploy).")
    after = entry_of(found, before, fields)
    others = tuple(one for one in stored.entries if one.endpoint != found.endpoint)
    fleet.check((*others, after), "the fleet")
    return (*others, after) if before is None else tuple(after if one is before else one for one in stored.entries)


def entry_of(found: ObservedEndpoint, before: FleetEntry | None, fields: Mapping[str, Any]) -> FleetEntry:
    """The entry of an endpoint that captures as it was found, with these fields."""
    source = "" if found.source.rstrip("/") == locations.capture_uri(settings().bucket) else found.source
    after = msgspec.structs.replace(
        before or FleetEntry(endpoint=found.endpoint), capture_uri=source, capture_percentage=found.percentage, **fields
    )
    fleet.check_entry(after, found.endpoint)
    return after


def baseline_at(place: str, statistics: str = "") -> baselines.Stored:
    """Read a baseline; a statistics.json in the same folder as a constraints.json is included."""
    folder = place.removesuffix("constraints.json")
    return baselines.read(folder if folder != place and folder else place, statistics)


def take_baseline(endpoint: str, baseline: baselines.Stored, place: str) -> str:
    """Store a baseline and make it current, unless the current one is the same; returns its version."""
    before = baselines.current(endpoint)
    if before is not None and baselines.same(before, baseline):
        return before.version
    etag = before.etag if before else ""
    return baselines.keep(endpoint, baseline.constraints, baseline.statistics, f"vedette watch: {place}", etag).version
