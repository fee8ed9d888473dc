"""Watch batch transform jobs by how their names begin: what the newest ones read and write, and who must allow it.

| jobs                                     | result                                                                    |
|------------------------------------------|---------------------------------------------------------------------------|
| some whose names begin so                | the newest that has ended, or else the newest, is described               |
| ... a place that no stage names          | the change of VEDETTE_CAPTURE_SOURCES                                     |
| ... a bucket of another account, a key   | what its owner must allow, as JSON and as Terraform                       |
| ... a manifest that you may not read     | the same of the manifest, and a remark                                    |
| ... a form that is read in part          | a remark                                                                  |
| none yet                                 | the entry is made; `vedette watch` shows the places once there is one     |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.alerts.sanitize import sanitize
from chalicelib.aws import sagemaker
from chalicelib.aws.s3 import Bucket
from chalicelib.capture.transform_job import JobStatus, TransformJob, manifest_places
from chalicelib.errors import AccessDenied, VedetteError
from chalicelib.records import Fleet, FleetEntry
from chalicelib.settings import settings
from vedette.operations import capture_sources, fleet
from vedette.operations.capture_sources import Change

LOOK_BACK = timedelta(days=90)
MAX_SHOWN = 5


class ObservedJobs(msgspec.Struct, frozen=True, kw_only=True):
    """The newest jobs whose names begin with a prefix, and what one of them read and wrote."""

    prefix: str
    jobs: tuple[str, ...]  # names and their statuses, the newest first
    described: str = ""  # the job whose places these are; "" without one
    model: str = ""
    input: str = ""
    output: str = ""
    capture: str = ""  # "" where it captures nothing
    content_type: str = ""
    split_type: str = ""
    joins_input: bool = False
    input_filter: str = "$"
    changes: tuple[Change, ...] = ()
    remarks: tuple[str, ...] = ()


def inspect_jobs(name: str, prefix: str) -> ObservedJobs:
    """Describe the newest of the jobs whose names begin so, to be watched under a name; nothing is written.

    Raises
    ------
    VedetteError
        If no job can have a name that begins so, or a bucket that the job names does not exist.
    """
    fleet.check_entry(FleetEntry(endpoint=name, transform_jobs=prefix), name)
    since = datetime.now(UTC) - LOOK_BACK
    named = (one for one in sagemaker.transform_jobs(prefix, since) if one["TransformJobName"].startswith(prefix))
    newest = list(islice(named, MAX_SHOWN))
    jobs = tuple(f"{one['TransformJobName']} ({one['TransformJobStatus']})" for one in newest)
    completed = [one for one in newest if one["TransformJobStatus"] == JobStatus.COMPLETED]
    chosen = next(iter([*completed, *newest]), None)
    described = sagemaker.describe_transform_job(chosen["TransformJobName"]) if chosen else None
    if described is None:
        return ObservedJobs(
            prefix=prefix, jobs=jobs, remarks=("No job of the last 90 days has a name that begins so.",)
        )
    job, newest_job = TransformJob.of(described), newest[0]
    inputs = _inputs(job)
    return ObservedJobs(
        prefix=prefix,
        jobs=jobs,
        described=job.name,
        model=job.model,
        input=job.input_uri,
        output=job.output_uri,
        capture=job.capture_uri,
        content_type=job.form.content_type,
        split_type=job.form.split_type,
        joins_input=job.form.joins_input,
        input_filter=job.form.input_filter,
        changes=tuple(_changes(job, described, inputs)),
        remarks=(*_failure(newest_job), *_unlisted(job, inputs), *_remarks(job, described)),
    )


def _failure(newest: Mapping[str, Any]) -> list[str]:
    if newest["TransformJobStatus"] != JobStatus.FAILED:
        return []
    return [f"{newest['TransformJobName']} failed: {sanitize(newest.get('FailureReason', 'no reason given'), 300)}"]


def _remarks(job: TransformJob, described: Mapping[str, Any]) -> list[str]:
    """What of the form of the jobs limits the evaluation."""
    form, remarks = job.form, []
    processing = described.get("DataProcessing") or {}
    if form.has_binary_inputs:
        remarks.append("The inputs are no text, so only the outputs are evaluated.")
    if processing.get("JoinSource") == "Input" and not form.joins_input:
        remarks.append(
            "OutputFilter selects columns of the joined record: what it keeps of the input counts as output."
        )
    if form.has_unknown_filter:
        remarks.append("InputFilter cannot be applied here: the inputs are evaluated as they lie.")
    assembled = described["TransformOutput"].get("AssembleWith", "None") == "Line"
    if form.split_type == "Line" and not assembled and "csv" not in form.accept:
        remarks.append("Set AssembleWith to Line: answers that stand on one line cannot be told apart.")
    return remarks


# --- what the owners must do ------------------------------------------------------------------------------------------


def _changes(job: TransformJob, described: Mapping[str, Any], inputs: Sequence[str]) -> Iterable[Change]:
    outputs = [f"{job.output_uri}/", *([f"{job.capture_uri}/"] if job.capture_uri else [])]
    places = list(dict.fromkeys([*inputs, *outputs]))
    unnamed = [place for place in places if not settings().names_place(*locations.split_s3_uri(place))]
    if unnamed:
        yield _stage_change(unnamed)
    keys = {str(described["TransformOutput"].get("KmsKeyId", "")), _capture_key(described)}
    for name in dict.fromkeys(locations.split_s3_uri(place)[0] for place in places):
        bucket = capture_sources.bucket_of(f"s3://{name}")
        if not bucket.ours:
            of_bucket = [place for place in places if locations.split_s3_uri(place)[0] == name]
            yield capture_sources.bucket_policy_change(bucket, of_bucket)
        keys.add(bucket.kms_key)
    for key in sorted(filter(None, keys)):
        yield capture_sources.key_policy_change(key, settings().region)


def _inputs(job: TransformJob) -> list[str]:
    """The folder of a job's inputs; with a manifest that of the manifest, and of what it names if you may read it."""
    places = [_folder(job.input_uri)]
    if job.lists_inputs:
        bucket, key = locations.split_s3_uri(job.input_uri)
        with suppress(AccessDenied):
            manifest = manifest_places(Bucket(bucket).get(key) or b"")
            places += [_folder(manifest.prefix)] if manifest else []
    return places


def _unlisted(job: TransformJob, inputs: Sequence[str]) -> list[str]:
    if not job.lists_inputs or len(inputs) > 1:
        return []
    return [
        f"{job.input_uri} could not be read as a manifest, so the places of the inputs that it names are not known."
    ]


def _folder(uri: str) -> str:
    """The folder of an object or of a prefix, with a slash at its end.

    Examples
    --------
    >>> [_folder(uri) for uri in ("s3://lake/in/a.csv", "s3://lake/in/", "s3://lake/in", "s3://lake")]
    ['s3://lake/in/', 's3://lake/in/', 's3://lake/', 's3://lake/']
    """
    bucket, key = locations.split_s3_uri(uri)
    return f"s3://{bucket}/{key[: key.rfind('/') + 1]}"


def _capture_key(described: Mapping[str, Any]) -> str:
    return str((described.get("DataCaptureConfig") or {}).get("KmsKeyId", ""))


def _stage_change(places: Iterable[str]) -> Change:
    known = [f"{at}/{below}" for at, below in settings().capture_sources]
    return capture_sources.sources_change([*known, *(place.removeprefix("s3://") for place in dict.fromkeys(places))])


# --- the fleet --------------------------------------------------------------------------------------------------------


def prefix_of(stored: Fleet, name: str) -> str:
    """How the names of the jobs begin that are watched under this name; "" if no jobs are."""
    entry = stored.entry(name)
    return entry.transform_jobs if entry else ""


def watched(stored: Fleet, name: str, prefix: str, fields: Mapping[str, Any]) -> tuple[FleetEntry, ...]:
    """The entries with this one added, or updated with these fields; other fields are kept.

    Raises
    ------
    VedetteError
        If the name is that of an endpoint or of records.
    """
    before = stored.entry(name)
    if before is not None and not before.transform_jobs:
        raise VedetteError(f"{name} is in the fleet already, and names no transform jobs: give these another name.")
    kept = fleet.fields_of(before) if before is not None else {}
    after = fleet.entry(name, {**kept, "transform_jobs": prefix, **fields}, name)
    others = tuple(one for one in stored.entries if one.endpoint != name)
    fleet.check((*others, after), "the fleet")
    return (*others, after) if before is None else tuple(after if one is before else one for one in stored.entries)
