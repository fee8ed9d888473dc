"""Every S3 key and every AWS resource name, as pure functions.

Two different things never get the same name (the functions are injective), and the same thing always gets the same
name: SageMaker's Create calls have no client token, so a deterministic name is what makes them idempotent.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
ROLL_UP = timedelta(minutes=5)
EXECUTION_DETAIL_TYPE = "Vedette Monitoring Execution"
CAPTURE_PREFIX = "data-capture"
OWN_PREFIXES = ("parts/", "rollups/", "baselines/", "monitoring/", "config/", "quarantine/")

# {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl, read from the right because the prefix is free.
_CAPTURE_KEY = re.compile(
    r"(?:(?P<prefix>.*)/)?(?P<endpoint>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/(?P<variant>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})"
    r"/(?P<hour>\d{4}/\d\d/\d\d/\d\d)/(?P<name>(?P<minute>[0-5]\d)-[0-5]\d-\d{3}-[^/]+\.jsonl)",
    re.DOTALL,
)


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

    Source: developer guide, "Capture data from real-time endpoint"; the file name's first fields are minute, second
    and millisecond of its beginning (aws-facts 2.1).

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


def capture_uri(bucket: str) -> str:
    """The default DestinationS3Uri of a stage, without a trailing slash (one would double it in every key)."""
    return f"s3://{bucket}/{CAPTURE_PREFIX}"


def part(capture: CaptureKey) -> str:
    """The part of one capture object."""
    return f"{parts_of_hour(capture.endpoint, capture.variant, capture.begun)}{capture.name}.json"


def parts_of_hour(endpoint: str, variant: str, hour: datetime) -> str:
    """The prefix of the parts of one hour."""
    return f"parts/{endpoint}/{variant}/{hour:%Y/%m/%d/%H}/"


def parts_of_endpoint(endpoint: str) -> str:
    """The prefix of all parts of an endpoint; its common prefixes are the variants."""
    return f"parts/{endpoint}/"


def part_begun(key: str) -> datetime:
    """The minute in which the capture object behind a part was begun."""
    *_, year, month, day, hour, name = key.split("/")
    return datetime(int(year), int(month), int(day), int(hour), int(name[:2]), tzinfo=UTC)


def slot(time: datetime) -> datetime:
    """The beginning of the five minutes in which a time lies."""
    return time.replace(minute=time.minute - time.minute % (ROLL_UP // timedelta(minutes=1)), second=0, microsecond=0)


def roll_up(endpoint: str, variant: str, start: datetime) -> str:
    """The roll-up of the parts of five minutes.

    Examples
    --------
    >>> key = roll_up("site", "AllTraffic", datetime(2026, 11, 22, 9, 35, tzinfo=UTC))
    >>> key, roll_up_start(key).minute
    ('rollups/site/AllTraffic/2026/11/22/09/35.json', 35)
    """
    return f"{roll_ups_of_hour(endpoint, variant, start)}{start:%M}.json"


def roll_ups_of_hour(endpoint: str, variant: str, hour: datetime) -> str:
    """The prefix of the roll-ups of one hour."""
    return f"rollups/{endpoint}/{variant}/{hour:%Y/%m/%d/%H}/"


def roll_up_start(key: str) -> datetime:
    """When the five minutes of a roll-up begin."""
    return part_begun(key)


def baseline(endpoint: str, version: str) -> str:
    """The folder of one baseline: statistics.json and constraints.json."""
    return f"baselines/{endpoint}/{version}/"


def baseline_in_force(endpoint: str) -> str:
    """The file that names the baseline in force."""
    return f"baselines/{endpoint}/current.json"


def executions_of_window(endpoint: str, variant: str, start: datetime, length: timedelta) -> str:
    """The prefix of every execution of one window, for any model version and revision."""
    minutes = int(length.total_seconds() // 60)
    return f"monitoring/{endpoint}/{variant}/{start:%Y-%m-%dT%H-%MZ}_{minutes}m/"


def execution(
    endpoint: str, variant: str, start: datetime, length: timedelta, package_version: str, revision: int
) -> str:
    """The folder of one execution: statistics.json, constraint_violations.json, execution.json."""
    return f"{executions_of_window(endpoint, variant, start, length)}{package_version}/{revision:04d}/"


def execution_of_object(capture: CaptureKey) -> str:
    """The folder of the execution that judged one capture object alone."""
    return f"monitoring/{capture.endpoint}/{capture.variant}/objects/{capture.begun:%Y/%m/%d/%H}/{capture.name}/"


def fleet() -> str:
    """The applied fleet."""
    return "config/fleet.json"


def table(stage: str) -> str:
    """The stage's DynamoDB table."""
    return f"vedette-{stage}"


def shortened(text: str, digest_of: str, limit: int = 63) -> str:
    """A SageMaker name made of `text` and a hash of `digest_of`: valid, at most `limit` characters, injective.

    Names are 1-63 characters of [a-zA-Z0-9-], without a leading or trailing hyphen (botocore's model).

    Examples
    --------
    >>> shortened("my_group.v1", "arn:1")
    'my-group-v1-a1dcce0a0f1b'
    >>> len(shortened("g" * 80, "arn:1"))
    63
    """
    digest = hashlib.sha256(digest_of.encode()).hexdigest()[:12]
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", text)[: limit - 13].strip("-")
    return f"{stem}-{digest}" if stem else digest


def model_name(package_arn: str, rendered: str) -> str:
    """The model made of a package: `rendered` is the canonical JSON of everything else in the model."""
    return shortened("vedette-" + _group_and_version(package_arn), package_arn + "\n" + rendered)


def endpoint_config_name(package_arn: str, rendered: str) -> str:
    """The endpoint config that serves a package: `rendered` is the canonical JSON of the whole config."""
    return shortened("vedette-" + _group_and_version(package_arn), "config\n" + package_arn + "\n" + rendered)


def alarm_name(endpoint: str, what: str) -> str:
    """The CloudWatch alarm of an endpoint that may roll an update back."""
    return f"vedette-{endpoint}-{what}"


def _group_and_version(package_arn: str) -> str:
    return "-".join(package_arn.partition(":model-package/")[2].split("/"))
