"""Which objects a completed batch transform job read and wrote.

| output object of the job                     | found by                                                       |
|----------------------------------------------|----------------------------------------------------------------|
| the job captures                             | the manifests of its hours whose prefix is where the job wrote |
| it captures nothing, or no manifest is there | the names of its inputs: below its prefix, or in its manifest  |
| no input is there any more                   | what was written to its place while it ran                     |
| of an input that came later, or is empty     | only if the job wrote it                                       |
| S3 or KMS refuses a place or an object       | SourceAccessDenied: the job waits for its owner                |
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib import locations
from chalicelib.aws.s3 import Bucket, OpenObject
from chalicelib.capture.transform_job import OUTPUT_SUFFIX, TransformJob, manifest_places
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, SourceAccessDenied
from chalicelib.observability import logger

WRITE_GRACE = timedelta(minutes=5)  # between the clocks of S3 and of the job


class JobInput(NamedTuple):
    """One input object, and the place of its output."""

    uri: str
    output_uri: str
    size: int | None = None  # bytes; None where a manifest names it
    came_later: bool = False  # it was written after the job began, which may not have read it

    @property
    def may_have_no_output(self) -> bool:
        """Whether a completed job need not have written an output for it."""
        return self.came_later or self.size == 0


class JobOutput(NamedTuple):
    """One output object, and its input; None when no input has this output."""

    uri: str
    input: JobInput | None


def outputs_of(run: EndpointRun, job: TransformJob) -> tuple[JobOutput, ...]:
    """The output objects of a completed job, each with its input, in the order of their keys.

    They are those that its capture manifests name, else those of its inputs; where there are none any more, what was
    written to its place while it ran.

    Raises
    ------
    SourceAccessDenied
        When a place may not be listed.
    """
    with job_access(run, job):
        inputs = {one.output_uri: one for one in _inputs(run, job)}
        named = _captured_outputs(run, job) or {
            uri for uri, one in inputs.items() if not one.may_have_no_output or _was_written(run, job, uri)
        }
        if not named and not inputs:
            named = _written_while_it_ran(run, job)
    return tuple(JobOutput(uri, inputs.get(uri)) for uri in sorted(named))


def written_by(job: TransformJob, modified: datetime) -> bool:
    """Whether an object at the place of an output was written while the job ran."""
    return job.started.replace(microsecond=0) <= modified <= job.ended + WRITE_GRACE


def opened(run: EndpointRun, uri: str) -> OpenObject | None:
    """An object of a job, by its place; None when it is gone."""
    bucket, key = _place(run, uri)
    return bucket.open(key)


@contextmanager
def job_access(run: EndpointRun, job: TransformJob) -> Iterator[None]:
    """Turn a denied access to the job's objects into SourceAccessDenied, which says what their owner can do."""
    try:
        yield
    except AccessDenied as error:
        logger.error("an object of a transform job may not be read", endpoint=run.endpoint, job=job.name)
        raise SourceAccessDenied(
            f"Vedette may not read what the transform job {job.name} read and wrote; `vedette watch {run.endpoint}"
            f" --transform-jobs {run.entry.transform_jobs}` shows what the owner of its places must do. It is tried"
            " again until two days after its end"
        ) from error


def _place(run: EndpointRun, uri: str) -> tuple[Bucket, str]:
    name, key = locations.split_s3_uri(uri)
    return run.stores.bucket_of(name), key


def _inputs(run: EndpointRun, job: TransformJob) -> list[JobInput]:
    bucket, prefix = _place(run, job.input_uri)
    if job.lists_inputs:
        manifest = manifest_places(bucket.get(prefix) or b"")
        return [JobInput(one, job.output_of(one, manifest.prefix)) for one in manifest.places] if manifest else []
    listed = [one for one in bucket.list_objects(prefix) if not one.key.endswith("/")]
    return [
        JobInput(bucket.uri(one.key), job.output_of(bucket.uri(one.key)), one.size, one.modified > job.started)
        for one in listed
    ]


def _captured_outputs(run: EndpointRun, job: TransformJob) -> set[str]:
    """The outputs that the manifests of a job name, of the hours in which it was created and ran; none without one.

    Another job may capture to the same place: the prefix of a manifest of this job is where this job wrote.
    """
    named: set[str] = set()
    if not job.capture_uri:
        return named
    for hour in sorted({f"{moment:%Y/%m/%d/%H}" for moment in (job.created, job.started, job.ended)}):
        bucket, prefix = _place(run, f"{job.capture_uri}/output/{hour}/")
        for listed in bucket.list_objects(prefix):
            found = manifest_places(bucket.get(listed.key) or b"")
            if found is not None and found.prefix.rstrip("/") == job.output_uri:
                named.update(found.places)
    return named


def _written_while_it_ran(run: EndpointRun, job: TransformJob) -> set[str]:
    bucket, prefix = _place(run, f"{job.output_uri}/")
    listed = (one for one in bucket.list_objects(prefix) if one.key.endswith(OUTPUT_SUFFIX))
    return {bucket.uri(one.key) for one in listed if written_by(job, one.modified)}


def _was_written(run: EndpointRun, job: TransformJob, uri: str) -> bool:
    """Whether there is an output of this job; that of an earlier one may lie at its place."""
    bucket, key = _place(run, uri)
    first = next(bucket.list_objects(key), None)  # of the keys that begin so, it is the first
    return first is not None and first.key == key and written_by(job, first.modified)
