"""Every S3 key and every AWS resource name, as pure functions.

Two different things never get the same name (the functions are injective), and the same thing always gets the same
name: SageMaker's Create calls have no client token, so a deterministic name is what makes them idempotent.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from chalicelib.window import Window

HOUR = timedelta(hours=1)
ROLL_UP = timedelta(minutes=5)
EXECUTION_DETAIL_TYPE = "Vedette Monitoring Execution"
CAPTURE_PREFIX = "data-capture"
OWN_PREFIXES = ("parts/", "rollups/", "baselines/", "monitoring/", "config/", "quarantine/", "alerts/")

# {prefix}/{endpoint}/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl, read from the right because the prefix is free.
_CAPTURE_KEY = re.compile(
    r"(?:(?P<prefix>.*)/)?(?P<endpoint>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/(?P<variant>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})"
    r"/(?P<hour>\d{4}/\d\d/\d\d/\d\d)/(?P<name>(?P<minute>[0-5]\d)-[0-5]\d-\d{3}-[^/]+\.jsonl)",
    re.DOTALL,
)

_PART_KEY = re.compile(r"(.*\.jsonl)(?:\.([0-9a-f]+))?\.json", re.DOTALL)


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


def capture_uri(bucket: str) -> str:
    """The default DestinationS3Uri of a stage, without a trailing slash (one would double it in every key)."""
    return f"s3://{bucket}/{CAPTURE_PREFIX}"


def place(uri: str) -> tuple[str, str]:
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
    prefix = place(uri)[1]
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
    at, prefix = place(uri)
    return bucket == at and capture.prefix.rstrip("/") == prefix.rstrip("/")


def overwritten(capture: CaptureKey, sequencer: str) -> CaptureKey:
    """A later version of a capture object, as an object of its own: what was summed and judged before stays as it is.

    Examples
    --------
    >>> first = capture_key("data-capture/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl")
    >>> later = part(overwritten(first, "0A"))
    >>> later, newest([part(first), later]) == [later]
    ('parts/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl.0a.json', True)
    """
    return replace(capture, name=f"{capture.name}.{sequencer.lower()}")


def version_of(capture: CaptureKey, part_key: str) -> CaptureKey:
    """The version of a capture object that a part is of.

    Examples
    --------
    >>> first = capture_key("data-capture/site/AllTraffic/2026/11/22/09/34-30-683-55126149.jsonl")
    >>> later = overwritten(first, "0a")
    >>> version_of(first, part(first)) == first, version_of(first, part(later)) == later
    (True, True)
    """
    _, sequencer = _stem(part_key)
    return overwritten(capture, sequencer) if sequencer else capture


def sequencer_after(sequencer: str) -> str:
    """A sequencer for a version whose event was lost: after the one that is known, before any that S3 gives later.

    Examples
    --------
    >>> found = sequencer_after("0055AED6DCD90281E5")
    >>> is_later(found, "0055AED6DCD90281E5"), is_later("0055AED6DCD90281E6", found)
    (True, True)
    >>> is_later("0055AED6DCD90281E5", sequencer_after(""))
    True
    """
    return f"{sequencer or '0' * 17}1"


def is_later(sequencer: str, than: str) -> bool:
    """Whether one S3 event of a key came after another; never when the sequencer of either is unknown.

    "First right pad the shorter value with zeros, and then do a lexicographic comparison" (aws-behaviour:
    sequencer).

    Examples
    --------
    >>> is_later("0055AED6DCD9028170", "0055AED6DCD90281E5"), is_later("0B", "0A00"), is_later("", "0A")
    (False, True, False)
    """
    length = max(len(sequencer), len(than))
    return bool(sequencer and than) and sequencer.lower().ljust(length, "0") > than.lower().ljust(length, "0")


def newest(parts: Iterable[str]) -> list[str]:
    """Of the parts of each capture object that of its latest version, in the order of the keys."""
    found: dict[str, tuple[str, str]] = {}
    for key in parts:
        stem, sequencer = _stem(key)
        if stem not in found or is_later(sequencer, found[stem][0] or "0"):
            found[stem] = (sequencer, key)
    return sorted(key for _, key in found.values())


def part(capture: CaptureKey) -> str:
    """The part of one capture object."""
    return f"{parts_of_hour(capture.endpoint, capture.variant, capture.begun)}{capture.name}.json"


def parts_of_hour(endpoint: str, variant: str, hour: datetime) -> str:
    """The prefix of the parts of one hour."""
    return f"parts/{endpoint}/{variant}/{hour:%Y/%m/%d/%H}/"


def parts_of_endpoint(endpoint: str) -> str:
    """The prefix of all parts of an endpoint; its common prefixes are the variants."""
    return f"parts/{endpoint}/"


def first_part(key: str) -> str:
    """The key of the part that was made first of the same capture object."""
    return f"{_stem(key)[0]}.json"


def _stem(key: str) -> tuple[str, str]:
    match = _PART_KEY.fullmatch(key)
    return (match[1], match[2] or "") if match else (key, "")


def between(root: str, start: datetime, end: datetime) -> tuple[str, str, str]:
    """What to list below root/yyyy/mm/dd/hh/MM...: a prefix, the key to begin after, and the key to end before.

    Examples
    --------
    >>> nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    >>> between("parts/site/v/", nine, nine + HOUR)
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


def slot(time: datetime) -> datetime:
    """The beginning of the five minutes in which a time lies."""
    return time.replace(minute=time.minute - time.minute % (ROLL_UP // timedelta(minutes=1)), second=0, microsecond=0)


def roll_up(endpoint: str, variant: str, start: datetime) -> str:
    """The roll-up of the parts of five minutes.

    Examples
    --------
    >>> roll_up("site", "AllTraffic", datetime(2026, 11, 22, 9, 35, tzinfo=UTC))
    'rollups/site/AllTraffic/2026/11/22/09/35.json'
    """
    return f"rollups/{endpoint}/{variant}/{start:%Y/%m/%d/%H/%M}.json"


def baselines_of_endpoint(endpoint: str) -> str:
    """The prefix of everything that is known of an endpoint's baselines; its common prefixes are the versions."""
    return f"baselines/{endpoint}/"


def baseline(endpoint: str, version: str) -> str:
    """The folder of one baseline: statistics.json, constraints.json, and version.json, which says who and why."""
    return f"{baselines_of_endpoint(endpoint)}{version}/"


def baseline_in_force(endpoint: str) -> str:
    """The file that names the baseline in force."""
    return f"baselines/{endpoint}/current.json"


def executions_of_window(endpoint: str, variant: str, window: Window) -> str:
    """The prefix of every execution of one window, for any model version and revision."""
    return f"{executions_of_variant(endpoint, variant)}{window.name}/"


def executions_of_endpoint(endpoint: str) -> str:
    """The prefix of every execution of an endpoint; its common prefixes are the variants."""
    return f"monitoring/{endpoint}/"


def executions_of_variant(endpoint: str, variant: str) -> str:
    """The prefix of every execution of a variant; its common prefixes are the windows, and `objects`."""
    return f"{executions_of_endpoint(endpoint)}{variant}/"


def execution(endpoint: str, variant: str, window: Window, package_version: str, revision: int) -> str:
    """The folder of one execution: statistics.json, constraint_violations.json, execution.json."""
    return f"{executions_of_window(endpoint, variant, window)}{package_version}/{revision:04d}/"


def executions_of_open_window(endpoint: str, variant: str, window: Window) -> str:
    """The prefix of the executions that evaluated a window while it was open."""
    return f"{executions_of_variant(endpoint, variant)}open/{window.name}/"


def execution_of_open_window(endpoint: str, variant: str, window: Window, revision: int) -> str:
    """The folder of one execution of an open window."""
    return f"{executions_of_open_window(endpoint, variant, window)}{revision:04d}/"


def execution_of_object(capture: CaptureKey) -> str:
    """The folder of the execution that judged one capture object alone."""
    root = executions_of_objects(capture.endpoint, capture.variant)
    return f"{root}{capture.begun:%Y/%m/%d/%H}/{capture.name}/"


def executions_of_objects(endpoint: str, variant: str) -> str:
    """The prefix of the executions that judged one capture object alone, by its hour."""
    return f"{executions_of_variant(endpoint, variant)}objects/"


def long_record(pk: str, sk: str, writer: str) -> str:
    """The body of a record that is too long for an item of the table.

    Examples
    --------
    >>> long_record("endpoint#site", "alerts#schedule s", "0f")
    'alerts/endpoint%23site/alerts%23schedule%20s/0f'
    """
    return f"alerts/{quote(pk, safe='')}/{quote(sk, safe='')}/{writer}"


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
