"""The fleet: read from fleet.toml, validated, compared with the stored fleet, and stored with author and commit.

    [endpoints.preferred-site]
    mode = "deploy"
    package_group = "preferred-site"
    capture_percentage = 50
    golden_payload = { body = "60,70" }

| invalid input                                | error                                                                |
|----------------------------------------------|----------------------------------------------------------------------|
| not TOML; the same endpoint twice            | `fleet.toml: not TOML: Cannot declare ...`                           |
| an unknown key                               | `fleet.toml: endpoints.site.modus: no such key; did you mean mode?`  |
| a value of another type or outside its range | `fleet.toml: endpoints.site.capture_percentage: 150 is not 0 to 100` |
| two endpoints with one gate of a group       | `fleet.toml: a and b would both deploy each version of the group g`  |
| a name that SageMaker rejects                | `fleet.toml: endpoints.a_b: not a name ...`                          |
| two names that differ in case alone          | `fleet.toml: site and Site are the same endpoint ...`                |
| a source under what Vedette itself writes    | `fleet.toml: endpoints.site.capture_uri: ...`                        |
| own records, and what only an endpoint has   | `fleet.toml: endpoints.site.golden_payload: site is a name for ...`  |
| windows that do not fill a day               | `fleet.toml: endpoints.site.window_minutes: 50 does not divide ...`  |
| a content type that SageMaker does not match | `fleet.toml: endpoints.site.capture_csv_content_types: ...`          |
| settings of model quality that contradict    | `fleet.toml: endpoints.site.quality: ...`                            |
| transform jobs, with what endpoints have     | `fleet.toml: endpoints.nightly.package_group: ...`                   |

`as_toml` writes the same file.
"""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.alerts.wording import counted
from chalicelib.aws import sagemaker
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import (
    JOB_THRESHOLDS,
    Delivery,
    DepartedEndpoint,
    Fleet,
    FleetEntry,
    GoldenPayload,
    Mode,
    Thresholds,
)
from chalicelib.registry.plan import Served, unsupported_kind, unsupported_sentence
from chalicelib.services import capture_backlog
from chalicelib.settings import DEPLOYMENTS, is_runbook_url, settings
from vedette.operations import aws

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
DAY = 1440  # minutes
WITH_ARTICLE = {"endpoint": "an endpoint", "records": "records", "jobs": "jobs"}  # by `FleetEntry.noun`
RANGES = {
    "capture_percentage": (0, 100),
    "instance_count": (1, 10_000),
    "window_minutes": (15, DAY),
    "drift_window_minutes": (15, DAY),
    "updates_per_hour": (1, 60),
    "alerts_per_hour": (1, 60),
    "repeat_interval_hours": (0, 720),
}
RETIRED_KEYS = {  # accepted in an old fleet.toml, without effect
    "monthly_ceiling_usd": "`vedette capture on --percentage` captures fewer requests instead"
}
CONTENT_TYPE_LISTS = ("capture_csv_content_types", "capture_json_content_types")
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureContentTypeHeader.html
CONTENT_TYPE = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9.])*")
MAX_CONTENT_TYPES, MAX_CONTENT_TYPE_CHARS = 10, 256
MAX_ALERT_WINDOWS = 30  # windows that an alert may wait for
WINDOWS = ("window_minutes", "drift_window_minutes")
WITHIN: dict[str, type[msgspec.Struct]] = {
    "golden_payload": GoldenPayload,
    "thresholds": Thresholds,
    "quality": QualitySettings,
}
ENDPOINT_FIELDS = (  # of what SageMaker deploys, invokes and captures
    *("package_group", "model_life_cycle_stage", "shared_gate", "golden_payload", "model_monitor_metrics"),
    *("capture_uri", "capture_percentage", *CONTENT_TYPE_LISTS, "capture_modes"),
    *("instance_type", "instance_count", "traffic_shifting", "updates_per_hour", "recreate_failed"),
)
CAPTURED_FIELDS = ("quality", "test_marker")  # of captured requests, which transform jobs have not
S3_PLACE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?")
S3_KEY = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^?#]+")
MAX_LABEL_LIMIT_HOURS = 24 * 80  # predictions and labels expire after 90 days unless `--part-days` says otherwise
FORMS = {
    "package_group": (NAME, "1 to 63 letters, digits and hyphens"),
    "model_monitor_metrics": (NAME, "the name of a monitoring schedule"),
    "transform_jobs": (re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{0,62}"), "how the name of a transform job can begin"),
    "instance_type": (re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+"), "a SageMaker instance type like ml.m5.large"),
    "capture_uri": (S3_PLACE, "a place like s3://bucket/prefix"),
    "records": (S3_PLACE, "a place like s3://bucket/prefix"),
    "baseline": (S3_KEY, "a folder like s3://bucket/baseline/"),
    "baseline_statistics": (S3_KEY, "a file like s3://bucket/statistics.json"),
}


class Change(msgspec.Struct, frozen=True):
    """One change of a fleet: a field of an endpoint, or the whole entry (field "")."""

    endpoint: str
    field: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if not self.field:
            return f"{self.endpoint}: {'added' if self.before is None else f'removed; {self._stays}'}"
        return f"{self.endpoint}: {self.field}: {_word(self.before)} -> {_word(self.after)}"

    @property
    def _stays(self) -> str:
        """What an entry leaves behind that leaves the fleet."""
        noun = msgspec.convert({**self.before, "endpoint": self.endpoint}, FleetEntry).noun
        return "the endpoint itself stays" if noun == "endpoint" else f"the {noun} stay"


def _word(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# --- reading ----------------------------------------------------------------------------------------------------------


def parse(content: bytes, place: str) -> tuple[FleetEntry, ...]:
    r"""Read a fleet.toml.

    Raises
    ------
    UnreadableFile
        With the place and the cause of the first error.

    Examples
    --------
    >>> parse(b'[endpoints.site]\nmode = "alert"', "fleet.toml")[0].mode
    <Mode.ALERT: 'alert'>
    >>> parse(b'[endpoints.site]\nmood = "alert"', "fleet.toml")
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: fleet.toml: endpoints.site.mood: no such key; did you mean mode?
    """
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{place}: not TOML: {error}") from error
    for key in document.keys() - {"endpoints"}:
        raise UnreadableFile(f"{place}: {key}: no such key; a fleet has [endpoints.NAME] tables")
    endpoints = document.get("endpoints", {})
    if not isinstance(endpoints, dict) or not all(isinstance(entry, dict) for entry in endpoints.values()):
        raise UnreadableFile(f"{place}: endpoints: needs a table for each endpoint, like [endpoints.NAME]")
    entries = tuple(
        entry(name, _without_retired_keys(fields), f"{place}: endpoints.{name}") for name, fields in endpoints.items()
    )
    check(entries, place)
    return entries


def retired_keys(content: bytes) -> list[str]:
    r"""One sentence for each key of a valid fleet.toml that no longer has an effect.

    Examples
    --------
    >>> retired_keys(b'[endpoints.site]\nmonthly_ceiling_usd = 20')[0][:60]
    'endpoints.site.monthly_ceiling_usd no longer has an effect: '
    """
    endpoints: dict[str, dict[str, Any]] = tomllib.loads(content.decode()).get("endpoints", {})
    return [
        f"endpoints.{name}.{key} no longer has an effect: {RETIRED_KEYS[key]}."
        for name, fields in endpoints.items()
        for key in fields
        if key in RETIRED_KEYS
    ]


def _without_retired_keys(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in RETIRED_KEYS}


def entry(endpoint: str, fields: Mapping[str, Any], place: str) -> FleetEntry:
    """One validated entry of the fleet."""
    _check_keys(FleetEntry, fields, place, hidden={"endpoint"})
    for name, kind in WITHIN.items():
        if isinstance(fields.get(name), dict):
            _check_keys(kind, fields[name], f"{place}.{name}")
    if fields.get("transform_jobs"):
        fields = {"thresholds": msgspec.to_builtins(JOB_THRESHOLDS), **fields}
    try:
        found = msgspec.convert({**fields, "endpoint": endpoint}, FleetEntry)
    except msgspec.ValidationError as error:
        cause, _, path = str(error).partition(" - at `$")
        raise UnreadableFile(f"{place}{path.rstrip('`')}: {cause}") from error
    check_entry(found, place)
    return found


def _check_keys(kind: type[msgspec.Struct], fields: Mapping[str, Any], place: str, hidden: Iterable[str] = ()) -> None:
    known = [field.name for field in msgspec.structs.fields(kind) if field.name not in set(hidden)]
    for name in fields:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"the keys are {', '.join(known)}"
            raise UnreadableFile(f"{place}.{name}: no such key; {hint}")


def check_entry(found: FleetEntry, place: str) -> None:
    """Raise UnreadableFile with place and cause if an entry is invalid."""
    if not NAME.fullmatch(found.endpoint):
        raise UnreadableFile(f"{place}: not a SageMaker name: 1 to 63 letters, digits and hyphens")
    fields = msgspec.structs.asdict(found)
    for name, (low, high) in RANGES.items():
        if fields.get(name) is not None and not low <= fields[name] <= high:
            raise UnreadableFile(f"{place}.{name}: {fields[name]} is not {low} to {high}")
    _check_thresholds(found.thresholds, f"{place}.thresholds")
    _check_capture(found, place)
    for name, (form, words) in FORMS.items():
        if fields.get(name) and not form.fullmatch(fields[name]):
            raise UnreadableFile(f"{place}.{name}: {fields[name]!r} is not {words}")
    if found.runbook_url and not is_runbook_url(found.runbook_url):
        raise UnreadableFile(f"{place}.runbook_url: {found.runbook_url!r} is not an https URL")
    for name in WINDOWS:
        if DAY % fields[name]:
            raise UnreadableFile(
                f"{place}.{name}: {fields[name]} does not divide a day; 15, 30, 60, 120, 240, 480, 720, 1440 do"
            )
    if found.team == DEPLOYMENTS:
        raise UnreadableFile(f"{place}.team: {DEPLOYMENTS} is not a team, but the topic of messages about deployments")
    if found.quality is not None:
        _check_quality(found.quality, found.private, f"{place}.quality")
    if found.baseline_statistics and not found.baseline:
        raise UnreadableFile(f"{place}.baseline_statistics: there is no baseline that they belong to")
    if not found.is_endpoint:
        _check_endpoint_fields(found, place)
    if found.mode == "deploy" and not found.package_group:
        raise UnreadableFile(f"{place}.package_group: missing; mode deploy needs the group whose versions are deployed")


def _check_endpoint_fields(found: FleetEntry, place: str) -> None:
    """Raise UnreadableFile for what a name for records or transform jobs, which is no endpoint, cannot have."""
    what = f"{found.endpoint} is a name for {'records' if found.records else 'transform jobs'}, not an endpoint"
    if found.records and found.transform_jobs:
        raise UnreadableFile(f"{place}: records and transform_jobs name two sources; keep one of them")
    if found.mode == Mode.DEPLOY:
        raise UnreadableFile(f"{place}.mode: {what}, so nothing can be deployed to it; observe and alert are possible")
    usual = FleetEntry(endpoint=found.endpoint)
    for name in (*ENDPOINT_FIELDS, *(CAPTURED_FIELDS if found.transform_jobs else ())):
        if getattr(found, name) != getattr(usual, name):
            raise UnreadableFile(f"{place}.{name}: {what}; leave it out")


def _check_thresholds(found: Thresholds, place: str) -> None:
    """Raise UnreadableFile unless M of N windows has 1 <= M <= N."""
    for kind, violated, of in (
        ("hard", found.hard_violated, found.hard_of),
        ("drift", found.drift_violated, found.drift_of),
    ):
        if not 1 <= violated <= of <= MAX_ALERT_WINDOWS:
            raise UnreadableFile(f"{place}: {violated} of {of} {kind} windows; M of N is 1 to {MAX_ALERT_WINDOWS}")
    if not 1 <= found.recovery_clean <= MAX_ALERT_WINDOWS:
        raise UnreadableFile(f"{place}.recovery_clean: {found.recovery_clean} is not 1 to {MAX_ALERT_WINDOWS}")


def _check_quality(found: QualitySettings, private: Sequence[str], place: str) -> None:
    """Raise UnreadableFile for places of labels that are none, and for predictions that must not be stored."""
    for uri in found.ground_truth:
        if not S3_KEY.fullmatch(uri):
            raise UnreadableFile(f"{place}.ground_truth: {uri!r} is not a place like s3://bucket/prefix")
    if found.label_limit_hours > MAX_LABEL_LIMIT_HOURS:
        raise UnreadableFile(f"{place}.label_limit_hours: {found.label_limit_hours} is above {MAX_LABEL_LIMIT_HOURS}")
    for name in ("prediction", "score"):
        column = getattr(found, name)
        if column and {column, f"output.{column}", f"_c{column}"} & set(private):
            raise UnreadableFile(
                f"{place}.{name}: {column} is private, and model quality stores each prediction until its label comes"
            )


def _check_capture(found: FleetEntry, place: str) -> None:
    """Raise UnreadableFile for content types and modes that SageMaker refuses, or that contradict each other."""
    seen: dict[str, str] = {}
    for name in CONTENT_TYPE_LISTS:
        types = getattr(found, name) or ()
        if len(types) > MAX_CONTENT_TYPES:
            raise UnreadableFile(f"{place}.{name}: {len(types)} content types; SageMaker takes {MAX_CONTENT_TYPES}")
        for one in types:
            if len(one) > MAX_CONTENT_TYPE_CHARS or not CONTENT_TYPE.fullmatch(one):
                raise UnreadableFile(
                    f"{place}.{name}: {one!r} is not a content type like text/csv, without parameters and without"
                    " characters other than letters, digits, hyphens and dots"
                )
            if one in seen:
                where = "twice there" if seen[one] == name else f"in {seen[one]} too"
                raise UnreadableFile(f"{place}.{name}: {one} is {where}")
            seen[one] = name
    modes = found.capture_modes
    if modes is not None and (not modes or len(set(modes)) < len(modes)):
        word = "names no side; capture_percentage = 0 turns capture off" if not modes else "names a side twice"
        raise UnreadableFile(f"{place}.capture_modes: it {word}")


def check(entries: Iterable[FleetEntry], place: str) -> None:
    """Raise UnreadableFile if entries contradict each other."""
    endpoints: dict[str, str] = {}
    groups: dict[tuple[str, frozenset[str]], FleetEntry] = {}
    prefixes: dict[str, str] = {}
    for found in entries:
        other_name = prefixes.setdefault(found.transform_jobs, found.endpoint) if found.transform_jobs else ""
        if other_name not in {"", found.endpoint}:
            raise UnreadableFile(
                f"{place}: {other_name} and {found.endpoint} name the same transform_jobs, {found.transform_jobs}"
            )
        known = endpoints.get(found.endpoint.lower())
        endpoints[found.endpoint.lower()] = found.endpoint
        if known == found.endpoint:
            raise UnreadableFile(f"{place}: the endpoint {found.endpoint} is there twice")
        if known is not None:
            raise UnreadableFile(
                f"{place}: {known} and {found.endpoint} are the same endpoint in SageMaker, which ignores"
                " case; their captures would be mixed"
            )
        if found.mode != Mode.DEPLOY:
            continue
        group = found.package_group, frozenset(found.gate)
        other = groups.setdefault(group, found)
        if other is not found and not (other.shared_gate and found.shared_gate):
            stages = f"in stage {' or '.join(found.gate)}" if found.gate else "that is approved"
            raise UnreadableFile(
                f"{place}: {other.endpoint} and {found.endpoint} would both deploy each version of the group"
                f" {found.package_group} {stages}; give them different stages (model_life_cycle_stage), or set"
                " shared_gate = true on both"
            )


def check_sources(entries: Iterable[FleetEntry], place: str) -> list[str]:
    """Raise UnreadableFile for sources that this stage never reads; returns warnings about sources without events.

    All other sources are distinguishable: the key of a capture contains its endpoint, whatever the prefix.
    """
    unnamed: dict[str, list[str]] = {}
    entries = tuple(entries)
    for found in entries:
        source = found.source or locations.capture_uri(settings().bucket)
        bucket, _ = locations.split_s3_uri(source)
        root = locations.capture_roots(source, found.endpoint)[0]
        if bucket == settings().bucket and root.startswith(locations.OWN_PREFIXES):
            raise UnreadableFile(
                f"{place}: endpoints.{found.endpoint}.{'records' if found.records else 'capture_uri'}: {found.source}"
                " is where Vedette stores its own data, which is never read as captures"
            )
        if capture_backlog.delivery(source, found.endpoint, bucket_sends_events=True) == Delivery.POLLED:
            unnamed.setdefault(found.source, []).append(found.endpoint)
    captures = [
        f"{some(endpoints)} {'captures' if len(endpoints) == 1 else 'capture'} to {place}, which"
        f" VEDETTE_CAPTURE_SOURCES does not name; `vedette watch {endpoints[0]}` shows what is to be done."
        for place, endpoints in unnamed.items()
    ]
    return [*captures, *(sentence for found in entries for sentence in _check_labels(found, place))]


def _check_labels(found: FleetEntry, place: str) -> list[str]:
    """The same for the places of an entry's labels."""
    places = {uri: locations.split_s3_uri(uri) for uri in (found.quality.ground_truth if found.quality else ())}
    for uri, (bucket, prefix) in places.items():
        if bucket == settings().bucket and f"{prefix}/".startswith(locations.OWN_PREFIXES):
            raise UnreadableFile(
                f"{place}: endpoints.{found.endpoint}.quality.ground_truth: {uri} is where Vedette stores its own data,"
                " which is never read as labels"
            )
    return [
        f"{found.endpoint} has labels in {uri}, which VEDETTE_GROUND_TRUTH_SOURCES does not name; `vedette setup"
        f" --ground-truth-source {bucket}/{prefix.rstrip('/')}/` adds it."
        for uri, (bucket, prefix) in places.items()
        if not settings().names_ground_truth(bucket, f"{prefix.rstrip('/')}/")
    ]


def newly_predicted(before: Iterable[FleetEntry], after: Iterable[FleetEntry]) -> list[str]:
    """One sentence for each entry whose earlier captures have no predictions that labels could be joined to."""
    forms = {found.endpoint: found.quality.form for found in before if found.quality}
    return [
        f"{found.endpoint}: predictions are stored from now on; `vedette backfill {found.endpoint} --from 14d` stores"
        " those of earlier captures."
        for found in after
        if found.quality and found.quality.form != forms.get(found.endpoint)
    ]


def some(names: Sequence[str], limit: int = 3) -> str:
    """A few names, and the number of the others.

    Examples
    --------
    >>> some(["a"]), some(["a", "b"]), some(["a", "b", "c", "d", "e"])
    ('a', 'a and b', 'a, b, c and 2 more')
    """
    shown = [*names[:limit], *([f"{len(names) - limit} more"] if len(names) > limit else [])]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def missing(entries: Iterable[FleetEntry]) -> list[str]:
    """One sentence for each endpoint, team or baseline that these entries name and that does not exist."""
    entries = list(entries)
    named = any(found.is_endpoint for found in entries)
    existing = {found["EndpointName"].lower() for found in aws.list_endpoints()} if named else set()
    return [sentence for found in entries for sentence in missing_of(found, exists=found.endpoint.lower() in existing)]


def missing_of(found: FleetEntry, *, exists: bool) -> list[str]:
    """The same for one entry; in mode deploy, an endpoint that does not exist yet is created."""
    sentences = []
    if found.is_endpoint and not exists and found.mode != Mode.DEPLOY:
        sentences.append(f"{found.endpoint}: there is no such endpoint")
    if settings().lacks_topic_of(found.team):
        sentences.append(
            f"{found.endpoint}: the team {found.team} has no topic; `vedette setup --team {found.team}=ARN` adds it"
        )
    place, _ = locations.baseline_files(found.baseline)
    if found.baseline and not aws.object_exists(place):
        sentences.append(f"{found.endpoint}: the baseline does not exist: there is no {place}")
    return sentences


def refuse_other_kinds(before: Iterable[FleetEntry], after: Iterable[FleetEntry]) -> None:
    """Raise VedetteError for a name that changes to or from jobs: their verdicts have no variants and no hours."""
    nouns = {found.endpoint: found.noun for found in after}
    for known in before:
        noun = nouns.get(known.endpoint, known.noun)
        if noun != known.noun and "jobs" in (noun, known.noun):
            raise VedetteError(
                f"{known.endpoint} is a name for {WITH_ARTICLE[known.noun]}, and its alerts and verdicts are of that:"
                f" choose another name for {WITH_ARTICLE[noun]}."
            )


def undeployable(before: Iterable[FleetEntry], after: Iterable[FleetEntry]) -> list[str]:
    """One sentence for each entry that is new in mode deploy, and whose endpoint Vedette does not deploy to."""
    deployed = {found.endpoint for found in before if found.mode == Mode.DEPLOY}
    kinds = {
        found.endpoint: unsupported_kind_of(found.endpoint)
        for found in after
        if found.mode == Mode.DEPLOY and found.endpoint not in deployed
    }
    return [f"{endpoint}: {unsupported_sentence(kind)}" for endpoint, kind in kinds.items() if kind]


def unsupported_kind_of(endpoint: str) -> str:
    """The kind of an endpoint that exists, if Vedette does not deploy to it; else ""."""
    served = Served.of(sagemaker.describe_served(endpoint))
    return "" if served is None or served.deleted else unsupported_kind(served)


# --- writing ----------------------------------------------------------------------------------------------------------


def as_toml(entries: Iterable[FleetEntry]) -> str:
    """A fleet.toml with these entries; default values are left out.

    Examples
    --------
    >>> print(as_toml([FleetEntry(endpoint="site", mode="alert", critical_features=("a",))]), end="")
    [endpoints.site]
    mode = "alert"
    critical_features = ["a"]
    """
    return "\n".join(_tables(found) for found in entries)


def _tables(found: FleetEntry) -> str:
    plain = msgspec.structs.replace(found, quality=None)
    own = "".join([f"[endpoints.{found.endpoint}]\n", *(f"{name} = {_toml(value)}\n" for name, value in _set(plain))])
    if found.quality is None:
        return own
    from chalicelib.quality.suggestion import settings_table  # it needs numpy

    return f"{own}\n{settings_table(found.quality, found.endpoint)}\n"


def with_tables(content: bytes, tables: str) -> bytes:
    r"""A fleet.toml with more tables at its end; what it holds, comments too, stays as it is.

    Examples
    --------
    >>> with_tables(b"[endpoints.site] # ours", "[endpoints.churn]\n")
    b'[endpoints.site] # ours\n\n[endpoints.churn]\n'
    """
    if not tables:
        return content
    return content.rstrip(b"\n") + (b"\n\n" if content.strip() else b"") + tables.encode()


def _set(found: FleetEntry) -> Iterable[tuple[str, Any]]:
    """The fields of an entry that differ from the default."""
    usual = fields_of(FleetEntry(endpoint=found.endpoint))
    return ((name, value) for name, value in fields_of(found).items() if usual.get(name) != value)


def _toml(value: Any) -> str:
    """A value in TOML. Its basic strings are JSON strings, except that DEL is escaped too."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(item)}' for name, item in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return _word(value).replace("\x7f", "\\u007f")


# --- changing ---------------------------------------------------------------------------------------------------------


def managed(fleet: Fleet, group: str, endpoint: str, fields: Mapping[str, Any]) -> tuple[FleetEntry, ...]:
    """The entries with one added or changed; fields that are not given are kept.

    Raises
    ------
    UnreadableFile
        If the endpoint belongs to another group, or another endpoint of the group has the same gate.
    """
    before = fleet.entry(endpoint)
    if before is not None and before.package_group not in {"", group}:
        raise UnreadableFile(f"{endpoint}: it serves the group {before.package_group}; it cannot serve {group} too")
    kept = fields_of(before) if before is not None else {}
    after = entry(endpoint, {**kept, "package_group": group, **fields}, endpoint)
    others = tuple(found for found in fleet.entries if found.endpoint != endpoint)
    check((*others, after), "the fleet")
    return tuple(after if found.endpoint == endpoint else found for found in fleet.entries) + (
        () if before is not None else (after,)
    )


def changed(fleet: Fleet, endpoint: str, **fields: Any) -> tuple[FleetEntry, ...]:
    """The entries with some fields of one endpoint changed."""
    return tuple(
        msgspec.structs.replace(found, **fields) if found.endpoint == endpoint else found for found in fleet.entries
    )


def newly_alerting(before: Sequence[FleetEntry], after: Sequence[FleetEntry]) -> list[FleetEntry]:
    """The entries that notify from now on, and did not before."""
    notified = {entry.endpoint for entry in before if entry.mode != Mode.OBSERVE}
    return [entry for entry in after if entry.mode != Mode.OBSERVE and entry.endpoint not in notified]


def without(fleet: Fleet, endpoint: str) -> tuple[FleetEntry, ...]:
    """The entries of all other endpoints."""
    return tuple(found for found in fleet.entries if found.endpoint != endpoint)


def fields_of(found: FleetEntry) -> dict[str, Any]:
    """The fields of an entry, without its name."""
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return {name: value for name, value in plain.items() if name != "endpoint" and value is not None}


def differences(before: Iterable[FleetEntry], after: Iterable[FleetEntry]) -> list[Change]:
    """The differences between two fleets, by endpoint and field."""
    old, new = ({found.endpoint: fields_of(found) for found in entries} for entries in (before, after))
    found: list[Change] = []
    for endpoint in dict.fromkeys((*old, *new)):
        if endpoint not in new:
            found.append(Change(endpoint, "", old[endpoint], None))
            continue
        if endpoint not in old:
            found.append(Change(endpoint, "", None, new[endpoint]))
        was = old.get(endpoint, fields_of(FleetEntry(endpoint=endpoint)))
        names = dict.fromkeys((*was, *new[endpoint]))
        found += [
            Change(endpoint, name, was.get(name), new[endpoint].get(name))
            for name in names
            if was.get(name) != new[endpoint].get(name)
        ]
    return found


def leaving(before: Iterable[FleetEntry], after: Iterable[FleetEntry]) -> list[FleetEntry]:
    """The entries that leave the fleet."""
    staying = {entry.endpoint for entry in after}
    return [entry for entry in before if entry.endpoint not in staying]


def pending_of(entries: Iterable[FleetEntry]) -> list[str]:
    """One sentence for each endpoint of which notifications are still pending."""
    counted_by_endpoint = {
        entry.endpoint: sum(len(state.outbox) for state in stage_stores().alert_states.of_endpoint(entry.endpoint))
        for entry in entries
    }
    return [
        f"{endpoint}: {counted(number, 'notification')} not sent yet; the sweep tries for a day, and drops the rest"
        for endpoint, number in counted_by_endpoint.items()
        if number
    ]


def apply(entries: Iterable[FleetEntry], *, etag: str, by: str, commit: str = "") -> Fleet:
    """Store a fleet, if the stored one still has this ETag; what is pending of an endpoint that leaves is still sent.

    Raises
    ------
    NotReady
        If another fleet was applied in the meantime.
    """
    fleet = Fleet(entries=tuple(entries), applied_by=by, applied_at=datetime.now(UTC), commit=commit)
    for entry in leaving(aws.get_fleet()[0].entries, fleet.entries):
        stage_stores().alert_states.put_departed(DepartedEndpoint(entry=entry, at=datetime.now(UTC)))
    aws.put_fleet(fleet, etag)
    return fleet


def commit_of(file: Path) -> str:
    """The git commit of a file, with "-changed" if the file differs from it; "" outside of git."""
    git = shutil.which("git")
    if git is None:
        return ""

    def ask(*arguments: str) -> str | None:
        done = subprocess.run(  # noqa: S603 - git, with our own arguments and a path of the caller's
            [git, "-C", str(file.resolve().parent), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() if done.returncode == 0 else None

    head = ask("rev-parse", "HEAD")
    if not head:
        return ""
    return head + ("-changed" if ask("status", "--porcelain", "--", str(file.resolve())) else "")


def read_payload(text: str) -> str:
    """A golden request: the text itself, or the content of a file after an @.

    Raises
    ------
    VedetteError
        If the file is empty.
    """
    body = Path(text[1:]).read_text().rstrip("\n") if text.startswith("@") else text
    if not body:
        raise VedetteError("The golden request is empty.")
    return body
