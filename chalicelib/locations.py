"""Every S3 key and every AWS resource name, as pure functions.

Two different things never get the same name (the functions are injective), and the same thing always gets the same
name: SageMaker's Create calls have no client token, so a deterministic name is what makes them idempotent.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.window import Window

HOUR = timedelta(hours=1)
ROLLUP_LENGTH = timedelta(minutes=5)
EXECUTION_DETAIL_TYPE = "Vedette Monitoring Execution"
ALERT_DETAIL_TYPE = "Vedette Alert"
TRANSFORM_DETAIL_TYPE = "SageMaker Transform Job State Change"
TRANSFORM_VARIANT = "transform"  # the variant under which the executions of all jobs of a fleet entry are kept
CAPTURE_PREFIX = "data-capture"
CAPTURE_SUFFIX = ".jsonl"
GROUND_TRUTH_PREFIX = "ground-truth"
OWN_PREFIXES = ("parts/", "rollups/", "baselines/", "monitoring/", "config/", "alerts/", "predictions/", "labels/")

# {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl, read from the right because the prefix is free.
_CAPTURE_KEY = re.compile(
    r"(?:(?P<prefix>.*)/)?(?P<endpoint>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/(?P<variant>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})"
    r"/(?P<hour>\d{4}/\d\d/\d\d/\d\d)/(?P<name>(?P<minute>[0-5]\d)-[0-5]\d-\d{3}-[^/]+\.jsonl)",
    re.DOTALL,
)

# The part of `job_output`: the digests of the job and of the place of the output.
_JOB_PART = re.compile(
    rf"parts/[^/]+/{TRANSFORM_VARIANT}/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-000-[0-9a-f]{{12}}-[0-9a-f]{{16}}\.jsonl\.json"
)

# Earlier versions of Vedette kept a second part, {name}.jsonl.{sequencer}.json, for an object that was overwritten.
PART_SUFFIX = ".jsonl.json"
CONSTRAINTS_FILE, STATISTICS_FILE, VERSION_FILE = "constraints.json", "statistics.json", "version.json"
REFERENCE_FILE = "reference.json"
EXECUTION_FILE, VIOLATIONS_FILE, REPORT_FILE = "execution.json", "constraint_violations.json", "report.html"
JOINED_FILE = "joined.json"  # of model quality: predictions and labels by hour, in a form that adds up
QUALITY = "quality"


@dataclass(frozen=True)
class CaptureKey:
    """What the key of a capture object says: whose it is, and the minute in which the file was begun (UTC)."""

    prefix: str
    endpoint: str
    variant: str
    begun: datetime
    name: str


def capture_key(key: str) -> CaptureKey | None:
    """Read the key of a capture object; None when it is not one.

    The file name's first fields are minute, second and millisecond of its beginning (aws-behaviour: capture-key).

    Examples
    --------
    >>> key = capture_key("data-capture/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl")
    >>> key.endpoint, key.variant, key.begun.isoformat()
    ('site', 'AllTraffic', '2026-11-22T09:34:00+00:00')
    >>> capture_key("parts/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl.json") is None
    True
    """
    match = _CAPTURE_KEY.fullmatch(key)
    if match is None:
        return None
    try:
        begun = datetime.strptime(f"{match['hour']}/{match['minute']}", "%Y/%m/%d/%H/%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return CaptureKey(match["prefix"] or "", match["endpoint"], match["variant"], begun, match["name"])


def capture_pattern(buckets: Iterable[str]) -> dict[str, Any]:
    """The EventBridge pattern of new capture objects: a bucket by its name, and the end of the key.

    EventBridge limits the size of a pattern (aws-behaviour: event-pattern-size), so prefixes are left to the function.
    What Vedette itself writes ends in .json or .html and never matches.

    Examples
    --------
    >>> capture_pattern(["b", "lake", "lake"])["detail"]
    {'bucket': {'name': ['b', 'lake']}, 'object': {'key': [{'suffix': '.jsonl'}]}}
    """
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": list(dict.fromkeys(buckets))},
            "object": {"key": [{"suffix": CAPTURE_SUFFIX}]},
        },
    }


def data_captured_pattern(buckets: Iterable[str]) -> dict[str, Any]:
    """The EventBridge pattern of new data to evaluate: capture objects, and batch transform jobs that have ended.

    Examples
    --------
    >>> data_captured_pattern(["b"])["$or"][1]["detail-type"]
    ['SageMaker Transform Job State Change']
    """
    ended = {
        "source": ["aws.sagemaker"],
        "detail-type": [TRANSFORM_DETAIL_TYPE],
        "detail": {"TransformJobStatus": ["Completed", "Failed", "Stopped"]},
    }
    return {"$or": [capture_pattern(buckets), ended]}


def ground_truth_pattern(places: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The EventBridge pattern of new label objects, given the bucket and prefix of every place.

    A label object may have any name, so that prefixes stand here (aws-behaviour: event-pattern-suffix). A prefix
    matches in each of the buckets; the function skips what is in no place.

    Examples
    --------
    >>> ground_truth_pattern([("b", "ground-truth/"), ("lake", "labels/")])["detail"]
    {'bucket': {'name': ['b', 'lake']}, 'object': {'key': [{'prefix': 'ground-truth/'}, {'prefix': 'labels/'}]}}
    """
    buckets, prefixes = zip(*places, strict=True)
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": list(dict.fromkeys(buckets))},
            "object": {"key": [{"prefix": prefix} for prefix in dict.fromkeys(prefixes)]},
        },
    }


def capture_uri(bucket: str) -> str:
    """The default DestinationS3Uri of a stage, without a trailing slash (one would double it in every key)."""
    return f"s3://{bucket}/{CAPTURE_PREFIX}"


def ground_truth_uri(bucket: str, endpoint: str) -> str:
    """Where the labels of an endpoint lie unless its fleet entry names other places."""
    return f"s3://{bucket}/{GROUND_TRUTH_PREFIX}/{endpoint}"


def lies_in(uri: str, bucket: str, key: str) -> bool:
    """Whether an object lies in an s3:// place: in that folder, or it is that object.

    Examples
    --------
    >>> [lies_in("s3://lake/labels/", "lake", key) for key in ("labels/a.csv", "labels", "labels2/a.csv")]
    [True, True, False]
    """
    at, prefix = split_s3_uri(uri)
    folder = prefix.rstrip("/")
    return bucket == at and (key == folder or key.startswith(f"{folder}/".lstrip("/")))


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and prefix of an s3:// place, the prefix as it stands there."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    return bucket, prefix


def capture_roots(uri: str, endpoint: str) -> tuple[str, ...]:
    """Where in the bucket of a DestinationS3Uri an endpoint's captures lie: the folder of its variants.

    SageMaker appends /{endpoint}/{variant}/..., so a destination that ends with a slash may give an empty folder name
    (aws-behaviour: capture-double-slash): both forms are looked at then.

    Examples
    --------
    >>> capture_roots("s3://lake/captures", "site"), capture_roots("s3://lake", "site")
    (('captures/site/',), ('site/',))
    >>> capture_roots("s3://lake/captures/", "site")
    ('captures/site/', 'captures//site/')
    """
    prefix = split_s3_uri(uri)[1]
    plain = prefix.rstrip("/")
    doubled = (f"{plain}//{endpoint}/",) if plain and plain != prefix else ()
    return (f"{plain}/{endpoint}/".lstrip("/"), *doubled)


def captures_to(uri: str, bucket: str, capture: CaptureKey) -> bool:
    """Whether a capture object lies where a DestinationS3Uri says.

    Examples
    --------
    >>> key = capture_key("lake//site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl")
    >>> captures_to("s3://b/lake/", "b", key), captures_to("s3://b/lak", "b", key), captures_to("s3://b", "b", key)
    (True, False, False)
    """
    at, prefix = split_s3_uri(uri)
    return bucket == at and capture.prefix.rstrip("/") == prefix.rstrip("/")


def part(capture: CaptureKey) -> str:
    """The part of one capture object."""
    return f"{parts_of_hour(capture.endpoint, capture.variant, capture.begun)}{capture.name}.json"


def job_output(endpoint: str, job: str, started: datetime, output_uri: str) -> CaptureKey:
    """The capture key that stands for an output object of a transform job: by it its part is named.

    The parts of a job are those of the second in which it began, with its digest: they are listed alone.

    Examples
    --------
    >>> key = job_output("nightly", "nightly-7", datetime(2026, 11, 22, 2, 0, 7, tzinfo=UTC), "s3://b/out/a.csv.out")
    >>> part(key)
    'parts/nightly/transform/2026/11/22/02/00-07-000-3a2d5ab7d95c-55d4d4028d5abb6e.jsonl.json'
    >>> part(key).startswith(parts_of_job("nightly", "nightly-7", datetime(2026, 11, 22, 2, 0, 7, tzinfo=UTC)))
    True
    """
    name = f"{started:%M-%S}-000-{_digest(job, 12)}-{_digest(output_uri, 16)}{CAPTURE_SUFFIX}"
    return CaptureKey("", endpoint, TRANSFORM_VARIANT, started.replace(second=0, microsecond=0), name)


def parts_of_job(endpoint: str, job: str, started: datetime) -> str:
    """The prefix of the parts of the outputs of a transform job."""
    return f"{parts_of_hour(endpoint, TRANSFORM_VARIANT, started)}{started:%M-%S}-000-{_digest(job, 12)}-"


def is_part_of_job(key: str) -> bool:
    """Whether a part is that of an output of a transform job; an endpoint may have a variant of the same name.

    Examples
    --------
    >>> is_part_of_job("parts/nightly/transform/2026/11/22/02/00-07-000-3a2d5ab7d95c-55d4d4028d5abb6e.jsonl.json")
    True
    >>> is_part_of_job("parts/site/transform/2026/11/22/02/00-07-000-0d0f1a52-8a55-4d3c-9c0e-5a3d6b7c8d9e.jsonl.json")
    False
    """
    return _JOB_PART.fullmatch(key) is not None


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def parts_of_hour(endpoint: str, variant: str, hour: datetime) -> str:
    """The prefix of the parts of one hour."""
    return f"parts/{endpoint}/{variant}/{hour:%Y/%m/%d/%H}/"


def parts_of_endpoint(endpoint: str) -> str:
    """The prefix of all parts of an endpoint; its common prefixes are the variants."""
    return f"parts/{endpoint}/"


def listing_range(root: str, start: datetime, end: datetime) -> tuple[str, str, str]:
    """What to list below root/yyyy/mm/dd/hh/MM...: a prefix, the key to begin after, and the key to end before.

    Examples
    --------
    >>> nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    >>> listing_range("parts/site/v/", nine, nine + HOUR)
    ('parts/site/v/2026/11/22/09/', 'parts/site/v/2026/11/22/09/00', 'parts/site/v/2026/11/22/10/00')
    """
    after, until = f"{root}{start:%Y/%m/%d/%H/%M}", f"{root}{end:%Y/%m/%d/%H/%M}"
    last = f"{root}{max(start, end - timedelta(minutes=1)):%Y/%m/%d/%H/%M}"
    shared = next((n for n, (one, other) in enumerate(zip(after, last, strict=True)) if one != other), len(after))
    return after[: after.rfind("/", 0, shared) + 1], after, until


def part_begun(key: str) -> datetime:
    """The minute in which the capture object behind a part was begun."""
    *_, year, month, day, hour, name = key.split("/")
    return datetime(int(year), int(month), int(day), int(hour), int(name[:2]), tzinfo=UTC)


def predictions_of_endpoint(endpoint: str, form: str) -> str:
    """The prefix of an endpoint's predictions in one form (`QualitySettings.form`), by variant."""
    return f"predictions/{endpoint}/{form}/"


def predictions(form: str, capture: CaptureKey) -> str:
    """The predictions of one capture object."""
    root = predictions_of_endpoint(capture.endpoint, form)
    return f"{root}{capture.variant}/{capture.begun:%Y/%m/%d/%H}/{capture.name}.json"


def labels_of_endpoint(endpoint: str, form: str) -> str:
    """The prefix of an endpoint's labels in one form."""
    return f"labels/{endpoint}/{form}/"


def labels(endpoint: str, form: str, uri: str, etag: str, last_modified: datetime) -> str:
    """The labels of one version of a label object, by the time at which it was written.

    Examples
    --------
    >>> labels("fraud", "1f0c7d4e", "s3://lake/labels/a.csv", "5e8f", datetime(2026, 11, 22, 9, 35, 7, tzinfo=UTC))
    'labels/fraud/1f0c7d4e/2026/11/22/09/35-07-58f892a268b5bdd2.json'
    """
    digest = hashlib.sha256(f"{uri}\n{etag}".encode()).hexdigest()[:16]
    return f"{labels_of_endpoint(endpoint, form)}{last_modified:%Y/%m/%d/%H/%M-%S}-{digest}.json"


def label_day(endpoint: str, form: str, day: datetime, digest: str) -> str:
    """The index of the label parts that were written on a day; the digest stands for their keys."""
    return f"{labels_of_endpoint(endpoint, form)}days/{day:%Y-%m-%d}-{digest}.json"


def predicted_ids(endpoint: str, form: str, variant: str, day: datetime, digest: str) -> str:
    """The ids of the predictions of a day; the digest stands for the keys of their parts."""
    return f"{labels_of_endpoint(endpoint, form)}ids/{variant}/{day:%Y-%m-%d}-{digest}.json"


def joined(endpoint: str, form: str, variant: str, day: datetime, digest: str) -> str:
    """Predictions of a day, joined to labels; the digest stands for the keys of their parts."""
    return f"{labels_of_endpoint(endpoint, form)}joined/{variant}/{day:%Y-%m-%d}-{digest}.json"


def five_minute_slot(time: datetime) -> datetime:
    """The beginning of the five minutes in which a time lies."""
    return time.replace(
        minute=time.minute - time.minute % (ROLLUP_LENGTH // timedelta(minutes=1)), second=0, microsecond=0
    )


def rollups_of_endpoint(endpoint: str) -> str:
    """The prefix of all roll-ups of an endpoint, by variant."""
    return f"rollups/{endpoint}/"


def rollup(endpoint: str, variant: str, start: datetime) -> str:
    """The roll-up of the parts of five minutes.

    Examples
    --------
    >>> rollup("site", "AllTraffic", datetime(2026, 11, 22, 9, 35, tzinfo=UTC))
    'rollups/site/AllTraffic/2026/11/22/09/35.json'
    """
    return f"{rollups_of_endpoint(endpoint)}{variant}/{start:%Y/%m/%d/%H/%M}.json"


def baselines_of_endpoint(endpoint: str) -> str:
    """The prefix of everything that is known of an endpoint's baselines; its common prefixes are the versions."""
    return f"baselines/{endpoint}/"


def baseline(endpoint: str, version: str) -> str:
    """The folder of one baseline: statistics.json, constraints.json, and version.json, which says who and why."""
    return f"{baselines_of_endpoint(endpoint)}{version}/"


def quality_baselines(endpoint: str) -> str:
    """In whose folder the baselines of model quality lie; no endpoint has a dot in its name.

    Examples
    --------
    >>> baseline(quality_baselines("fraud"), "v1")
    'baselines/fraud.quality/v1/'
    """
    return f"{endpoint}.{QUALITY}"


def baseline_in_force(endpoint: str) -> str:
    """The file that names the baseline in force."""
    return f"baselines/{endpoint}/current.json"


def baseline_files(baseline: str, statistics: str = "") -> tuple[str, str]:
    """The constraints and the statistics of a baseline, given as a folder or as its constraints.json.

    Examples
    --------
    >>> baseline_files("s3://b/churn/")
    ('s3://b/churn/constraints.json', 's3://b/churn/statistics.json')
    >>> baseline_files("s3://b/churn/rules.json", "s3://b/stats.json")
    ('s3://b/churn/rules.json', 's3://b/stats.json')
    """
    constraints = baseline if baseline.endswith(".json") else f"{baseline.rstrip('/')}/{CONSTRAINTS_FILE}"
    return constraints, statistics or f"{constraints.rpartition('/')[0]}/{STATISTICS_FILE}"


def executions_of_window(endpoint: str, variant: str, window: Window, *, of_quality: bool = False) -> str:
    """The prefix of every execution of one window, for any model version and revision.

    A day of model quality would have the name of a window of drift, so those have a folder of their own.
    """
    root = executions_of_quality(endpoint, variant) if of_quality else executions_of_variant(endpoint, variant)
    return f"{root}{window.name}/"


def executions_of_quality(endpoint: str, variant: str) -> str:
    """The prefix of the executions that evaluated the quality of a variant's model."""
    return f"{executions_of_variant(endpoint, variant)}{QUALITY}/"


def executions_of_endpoint(endpoint: str) -> str:
    """The prefix of every execution of an endpoint; its common prefixes are the variants."""
    return f"monitoring/{endpoint}/"


def executions_of_variant(endpoint: str, variant: str) -> str:
    """The prefix of every execution of a variant; its common prefixes are the windows, and `objects`."""
    return f"{executions_of_endpoint(endpoint)}{variant}/"


def execution(
    endpoint: str, variant: str, window: Window, package_version: str, revision: int, *, of_quality: bool = False
) -> str:
    """The folder of one execution: execution.json, Model Monitor's two files, and the page."""
    root = executions_of_window(endpoint, variant, window, of_quality=of_quality)
    return f"{root}{package_version}/{revision:04d}/"


def executions_of_open_window(endpoint: str, variant: str, window: Window) -> str:
    """The prefix of the executions that evaluated one window while it was open."""
    return f"{executions_of_open_windows(endpoint, variant)}{window.name}/"


def executions_of_open_windows(endpoint: str, variant: str) -> str:
    """The prefix of the executions that evaluated windows while they were open."""
    return f"{executions_of_variant(endpoint, variant)}open/"


def execution_of_open_window(endpoint: str, variant: str, window: Window, revision: int) -> str:
    """The folder of one execution of an open window."""
    return f"{executions_of_open_window(endpoint, variant, window)}{revision:04d}/"


def execution_of_object(capture: CaptureKey) -> str:
    """The folder of the execution that evaluated one capture object alone."""
    root = executions_of_objects(capture.endpoint, capture.variant)
    return f"{root}{capture.begun:%Y/%m/%d/%H}/{capture.name}/"


def execution_name(endpoint: str, variant: str, folder: str) -> str:
    """How commands name the execution of an open window, or of one capture object; "" for any other folder.

    Examples
    --------
    >>> execution_name("site", "v", "monitoring/site/v/objects/2026/11/22/09/34-30-683-5512.jsonl/")
    'objects/2026/11/22/09/34-30-683-5512'
    >>> execution_name("site", "v", "monitoring/site/v/open/2026-11-22T09-00Z_60m/0002/")
    'open/2026-11-22T09-00Z_60m/0002'
    >>> execution_name("site", "v", "monitoring/site/v/2026-11-22T09-00Z_60m/2/0001/")
    ''
    """
    root = executions_of_variant(endpoint, variant)
    name = folder.removeprefix(root).rstrip("/") if folder.startswith(root) else ""
    return name.removesuffix(CAPTURE_SUFFIX) if is_execution_name(name) else ""


def is_execution_name(text: str) -> bool:
    """Whether a text has the form of `execution_name`."""
    return text.startswith(("objects/", "open/"))


def folder_of_execution(endpoint: str, variant: str, name: str) -> str:
    """The folder of the execution with an `execution_name`."""
    suffix = CAPTURE_SUFFIX if name.startswith("objects/") else ""
    return f"{executions_of_variant(endpoint, variant)}{name.removesuffix(CAPTURE_SUFFIX)}{suffix}/"


def alerts_of_execution(folder: str) -> str:
    """The prefix of the alerts about an execution, as they were sent."""
    return f"{folder}alert-"


def alert(folder: str, alert_id: str) -> str:
    """One alert about an execution, as it was sent."""
    return f"{alerts_of_execution(folder)}{alert_id}.json"


def reference_days(endpoint: str, variant: str) -> str:
    """What the days of a variant look like, and how much they differ."""
    return f"{executions_of_variant(endpoint, variant)}{REFERENCE_FILE}"


def executions_of_objects(endpoint: str, variant: str) -> str:
    """The prefix of the executions that evaluated one capture object alone, by its hour."""
    return f"{executions_of_variant(endpoint, variant)}objects/"


def endpoint_partition(endpoint: str) -> str:
    """The DynamoDB partition of an endpoint."""
    return f"endpoint#{endpoint}"


def fleet() -> str:
    """The applied fleet."""
    return "config/fleet.json"


def table(stage: str) -> str:
    """The stage's DynamoDB table."""
    return f"vedette-{stage}"


def sagemaker_name(text: str, digest_of: str, limit: int = 63) -> str:
    """A SageMaker name made of `text` and a hash of `digest_of`: valid, at most `limit` characters, injective.

    Names are 1-63 characters of [a-zA-Z0-9-], without a leading or trailing hyphen (botocore's model).

    Examples
    --------
    >>> sagemaker_name("my_group.v1", "arn:1")
    'my-group-v1-a1dcce0a0f1b'
    >>> len(sagemaker_name("g" * 80, "arn:1"))
    63
    """
    digest = hashlib.sha256(digest_of.encode()).hexdigest()[:12]
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", text)[: limit - 13].strip("-")
    return f"{stem}-{digest}" if stem else digest


def model_name(package_arn: str, rendered: str) -> str:
    """The model made of a package: `rendered` is the canonical JSON of everything else in the model."""
    return sagemaker_name("vedette-" + _group_and_version(package_arn), package_arn + "\n" + rendered)


def endpoint_config_name(package_arn: str, rendered: str) -> str:
    """The endpoint config that serves a package: `rendered` is the canonical JSON of the whole config."""
    return sagemaker_name("vedette-" + _group_and_version(package_arn), "config\n" + package_arn + "\n" + rendered)


def alarm_name(endpoint: str, what: str) -> str:
    """The CloudWatch alarm of an endpoint that may roll an update back."""
    return f"vedette-{endpoint}-{what}"


def _group_and_version(package_arn: str) -> str:
    return "-".join(package_arn.partition(":model-package/")[2].split("/"))
