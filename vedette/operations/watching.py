"""Watch an endpoint that Vedette did not create, or own records: read them where they lie, change nothing in SageMaker.

| endpoint                                    | result                                                              |
|---------------------------------------------|---------------------------------------------------------------------|
| DestinationS3Uri                            | the source in the fleet entry, unchanged                            |
| a bucket without EventBridge, or in another | the source is polled by the sweep; the change its owner must make   |
| region, or a location that no stage names   | is shown, as JSON and as Terraform                                  |
| a KMS key, of the capture or of the bucket  | the statement that its policy needs                                 |
| capture off, no such endpoint               | an error                                                            |
| a serverless or asynchronous endpoint       | an error, which names own records as the way out                    |
| own records, in capture form                | the place in the fleet entry, and what lies there; no call to       |
|                                             | SageMaker                                                           |
| ... in another form                         | an error, with an example of the form                               |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from chalicelib import locations
from chalicelib.alerts.wording import counted, duration
from chalicelib.aws import sagemaker
from chalicelib.aws.clients import client
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import AccessDenied, VedetteError
from chalicelib.records import Delivery, Fleet, FleetEntry
from chalicelib.registry.plan import deleted_config_sentence
from chalicelib.services import capture_backlog
from chalicelib.settings import settings
from chalicelib.stores.parts import listed_between
from chalicelib.window import DAY
from vedette.operations import aws, baselines, fleet, monitoring_schedules

READERS = ("on_data_captured", "sweep")  # the functions that read capture objects
CLOSED = {"AccessDenied", "403"}
MINUTE = timedelta(minutes=1)
MAX_LISTED = 5_000  # records of a day, in five requests
OWN_RECORDS = "docs/own-records.md"


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


class ObservedEndpoint(ObservedSource, frozen=True, kw_only=True):
    """An endpoint's current capture settings, and the changes needed so that Vedette can read its captures."""

    endpoint: str
    status: str
    config: str
    source: str
    percentage: int
    modes: tuple[str, ...]

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the fleet entry that follow from the endpoint."""
        own = self.source.rstrip("/") == locations.capture_uri(settings().bucket)
        return {"capture_uri": "" if own else self.source, "capture_percentage": self.percentage}

    @property
    def sentence(self) -> str:
        """What is read."""
        captured = f"{self.percentage} % of its requests ({', '.join(self.modes) or 'no mode'})"
        return f"{self.endpoint} captures {captured} to {self.source}"


class ObservedRecords(ObservedSource, frozen=True, kw_only=True):
    """What lies where others write records, and the changes needed so that Vedette can read it."""

    endpoint: str
    source: str
    variants: tuple[str, ...]
    objects: int  # of the last day
    hours: int  # in which they were begun
    newest: datetime | None  # when the newest of them was begun
    more: bool  # MAX_LISTED objects were listed, and there are more
    now: datetime

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the fleet entry that follow from the records."""
        return {"records": self.source, "capture_uri": "", "capture_percentage": 100}

    @property
    def sentence(self) -> str:
        """What is read."""
        read = f"Vedette reads the records of {self.endpoint} at {key_form(self.source, self.endpoint)}"
        return f"{read}: {self._found}"

    @property
    def _found(self) -> str:
        if not self.variants:
            return "no object yet"
        if self.newest is None:
            return f"no object in the last day (variants: {', '.join(self.variants)})"
        age = "" if self.more else f", newest {duration(self.now - self.newest)} ago"
        many = f"more than {self.objects} objects" if self.more else counted(self.objects, "object")
        return f"{many} in {counted(self.hours, 'hour')} of the last day{age}"


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
    remarks = [*_stopped_remarks(shown), *(_schedule_remarks(endpoint) if with_schedules else ())]
    kms_key = str(shown.get("KmsKeyId") or capture.get("KmsKeyId") or "")
    place = _inspect_source(endpoint, source, kms_key, remarks)
    return ObservedEndpoint(
        endpoint=endpoint,
        status=str(described["EndpointStatus"]),
        config=name,
        source=source,
        percentage=int(shown.get("CurrentSamplingPercentage", capture.get("InitialSamplingPercentage", 0))),
        modes=tuple(str(option["CaptureMode"]) for option in capture.get("CaptureOptions", ())),
        **msgspec.structs.asdict(place),
    )


def _inspect_source(endpoint: str, source: str, kms_key: str = "", remarks: Sequence[str] = ()) -> ObservedSource:
    """How the stage can read a place; `kms_key` encrypts what lies there, unless the bucket has a key of its own.

    Raises
    ------
    VedetteError
        If Vedette stores its own data there, or there is no such bucket.
    """
    own = settings().bucket == locations.split_s3_uri(source)[0]
    if own and f"{locations.split_s3_uri(source)[1].rstrip('/')}/".startswith(locations.OWN_PREFIXES):
        raise VedetteError(f"{source} of {endpoint} is where Vedette stores its own data; it cannot be read.")
    bucket = _bucket(source)
    kms_key = kms_key or bucket.kms_key
    matched = capture_backlog.delivery(source, endpoint, bucket_sends_events=True) == Delivery.EVENTS
    sends_events = bucket.sends_events and bucket.region == settings().region
    return ObservedSource(
        kms_key=kms_key,
        delivery="closed" if not matched else "events" if sends_events else "polled",
        changes=tuple(_changes(endpoint, source, bucket, kms_key)),
        remarks=(*remarks, *_region_remarks(bucket)),
    )


def _check_captures_are_possible(endpoint: str, config: dict[str, Any]) -> None:
    """Data capture exists only for real-time endpoints (aws-behaviour: capture-realtime-only)."""
    kind = "an asynchronous" if config.get("AsyncInferenceConfig") else ""
    if any(variant.get("ServerlessConfig") for variant in config.get("ProductionVariants", ())):
        kind = "a serverless"
    if kind:
        raise VedetteError(
            f"{endpoint} is {kind} endpoint; SageMaker captures only real-time endpoints. Write its records yourself"
            f" ({OWN_RECORDS}), then run: vedette watch {endpoint} --records s3://BUCKET/PREFIX"
        )


# --- own records ------------------------------------------------------------------------------------------------------


def inspect_records(name: str, place: str) -> ObservedRecords:
    """Look at what lies where others write the records of a name; nothing is written, and SageMaker is not called.

    A place that ends with the name itself is accepted too, if the variants lie directly below it.

    Raises
    ------
    VedetteError
        If the place is none, or what lies there has not the names of captured objects.
    """
    fleet.check_entry(FleetEntry(endpoint=name, records=place), name)
    place, now = place.rstrip("/"), datetime.now(UTC)
    variants: list[str] = []
    found: list[datetime] = []
    remarks = []
    try:
        place, variants = _records_at(name, place)
        found = list(islice(_begun_in_last_day(name, place, variants, now), MAX_LISTED + 1))
    except AccessDenied:
        remarks.append(f"You may not list {place}, so what lies there is not known.")
    begun = found[:MAX_LISTED]
    return ObservedRecords(
        endpoint=name,
        source=place,
        variants=tuple(variants),
        objects=len(begun),
        hours=len({one.replace(minute=0) for one in begun}),
        newest=max(begun, default=None),
        more=len(found) > MAX_LISTED,
        now=now,
        **msgspec.structs.asdict(_inspect_source(name, place, remarks=remarks)),
    )


def key_form(place: str, name: str) -> str:
    """The form of the names of a name's records.

    Examples
    --------
    >>> key_form("s3://lake/records", "churn")
    's3://lake/records/churn/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl'
    """
    return f"{place}/{name}/{{variant}}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl"


def _records_at(name: str, place: str) -> tuple[str, list[str]]:
    """The place below which name, variant and hour follow, and the variants there.

    It is the place that was named or, if that ends with the name, the one above it.

    Raises
    ------
    VedetteError
        If objects of the name lie there, and none is named like a captured object.
    """
    above, _, last = place.rpartition("/")
    strangers = []
    for candidate in (place, above) if last == name and above != "s3:/" else (place,):
        first_keys = _first_keys(name, candidate)
        variants = [variant for variant, key in first_keys if locations.capture_key(key) is not None]
        if variants:
            return candidate, variants
        strangers += [key for _, key in first_keys]
    if strangers:
        bucket, _ = locations.split_s3_uri(place)
        raise VedetteError(
            f"s3://{bucket}/{strangers[0]} is not named like a captured object. Vedette reads {key_form(place, name)},"
            f" for example {place}/{name}/AllTraffic/2026/11/22/09/34-30-683-5512.jsonl; times are in UTC."
        )
    return place, []


def _first_keys(name: str, place: str) -> list[tuple[str, str]]:
    """The folders of a name at a place, and the first key in each; also a key that lies in none."""
    bucket, (root, *_) = Bucket(locations.split_s3_uri(place)[0]), locations.capture_roots(place, name)
    found = [(variant, bucket.first_key(f"{root}{variant}/")) for variant in bucket.list_folders(root)]
    key = bucket.first_key(root)
    return found or ([("", key)] if key else [])


def _begun_in_last_day(name: str, place: str, variants: Sequence[str], now: datetime) -> Iterator[datetime]:
    """When each object of the last day was begun."""
    bucket, (root, *_) = Bucket(locations.split_s3_uri(place)[0]), locations.capture_roots(place, name)
    for variant in variants:
        for listed in listed_between(bucket, f"{root}{variant}/", now - DAY, now + MINUTE):
            capture = locations.capture_key(listed.key)
            if capture is not None:
                yield capture.begun


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


def _bucket(source: str) -> _Bucket:
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
        changes.append(_bucket_policy_change(bucket, source))
    if kms_key:
        changes.append(_key_policy_change(kms_key, bucket.region))
    return changes


def _stage_change(endpoint: str, source: str) -> list[Change]:
    """The change of VEDETTE_CAPTURE_SOURCES, from which the stage's rule and roles are derived."""
    if capture_backlog.delivery(source, endpoint, bucket_sends_events=True) == Delivery.EVENTS:
        return []
    bucket, root = locations.split_s3_uri(source)[0], locations.capture_roots(source, endpoint)[0]
    prefix = root.removesuffix(f"{endpoint}/") or root
    known = [f"{at}/{below}" for at, below in settings().capture_sources]
    value = ",".join([*known, f"{bucket}/{prefix}"])
    return [
        Change(
            title="Let the stage read the place",
            why="its functions read only the places that VEDETTE_CAPTURE_SOURCES names",
            place=f"stage {settings().stage}, environment_variables in .chalice/config.json",
            form={"VEDETTE_CAPTURE_SOURCES": value},
            command=f"vedette setup --stage {settings().stage} "
            + " ".join(f"--capture-source {place}" for place in value.split(","))
            + f", then vedette install --stage {settings().stage}",
        )
    ]


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


def _bucket_policy_change(bucket: _Bucket, source: str) -> Change:
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


def _key_policy_change(kms_key: str, region: str) -> Change:
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


def _stopped_remarks(shown: dict[str, Any]) -> list[str]:
    return ["SageMaker says that its capture is Stopped now."] if shown.get("CaptureStatus") == "Stopped" else []


def _region_remarks(bucket: _Bucket) -> list[str]:
    if bucket.region == settings().region:
        return []
    return [f"The bucket lies in {bucket.region}, whose events do not reach {settings().region}."]


def _schedule_remarks(endpoint: str) -> list[str]:
    schedules = (monitoring_schedules.read(summary) for summary in aws.monitoring_schedules(endpoint))
    return [
        f"Model Monitor's schedule {schedule.name} compares it with {schedule.constraints_uri}: --baseline takes that"
        " one too."
        for schedule in schedules
        if schedule is not None and schedule.constraints_uri
    ]


# --- the fleet and the baseline ---------------------------------------------------------------------------------------


def inspect(name: str, records: str = "") -> ObservedEndpoint | ObservedRecords:
    """Look at what is to be watched: records, if a place of theirs is named here or by the fleet; else an endpoint.

    Raises
    ------
    VedetteError
        If it cannot be watched, with the reason.
    """
    stored = aws.get_fleet()[0].entry(name)
    place = records or (stored.records if stored else "")
    return inspect_records(name, place) if place else inspect_endpoint(name)


def watched(
    stored: Fleet, found: ObservedEndpoint | ObservedRecords, fields: Mapping[str, Any]
) -> tuple[FleetEntry, ...]:
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


def entry_of(
    found: ObservedEndpoint | ObservedRecords, before: FleetEntry | None, fields: Mapping[str, Any]
) -> FleetEntry:
    """The entry of what is read as it was found, with these fields."""
    after = msgspec.structs.replace(before or FleetEntry(endpoint=found.endpoint), **found.fields, **fields)
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
