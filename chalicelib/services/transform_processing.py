"""The output objects of a batch transform job become parts, each beside its input object.

| output object of the job                             | outcome                                              |
|------------------------------------------------------|------------------------------------------------------|
| written by the job, its input as the job read it     | one part, written once                               |
| the same again                                       | the part stays                                       |
| named by the manifest of what the job captured       | the same: where there is a manifest, it alone counts |
| its input is gone, or was overwritten since          | a part without rows: INPUT_GONE                      |
| it is gone, or was overwritten by a later job        | a part without rows: OUTPUT_GONE                     |
| inputs and outputs differ in number                  | a part without rows: UNPAIRED, with their number     |
| every reader fails on it                             | a part without rows: UNEXPECTED                      |
| not read in WHOLE_JOB_OBJECT seconds                 | a part without rows: OBJECT_TOO_LARGE                |
| S3 or KMS refuses a place or an object               | SourceAccessDenied: the job waits for its owner      |
| too little time is left                              | the rest is left to the next run                     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from chalicelib import locations
from chalicelib.aws.s3 import Bucket, OpenObject
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import CaptureSummary
from chalicelib.capture.transform_job import OUTPUT_SUFFIX, TransformJob, manifest_places
from chalicelib.capture.transform_reader import ROW_COUNTS, line_count, summarize_transform, unread_object
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import AccessDenied, SourceAccessDenied
from chalicelib.guarded_reading import read_pair_guarded
from chalicelib.observability import count, logger
from chalicelib.parts import Part
from chalicelib.services import capture_processing

WRITE_GRACE = timedelta(minutes=5)  # between the clocks of S3 and of the job
# Of an output of which no row was read: each counts once.
OBJECT_REASONS = (RejectionReason.INPUT_GONE, RejectionReason.OUTPUT_GONE, RejectionReason.OBJECT_TOO_LARGE)


class _NotInTime(Exception):
    """The object would take longer than the run has."""


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
            uri for uri, one in inputs.items() if not one.may_have_no_output or _exists(run, uri)
        }
        if not named and not inputs:
            named = _written_while_it_ran(run, job)
    return tuple(JobOutput(uri, inputs.get(uri)) for uri in sorted(named))


def create_parts(run: EndpointRun, job: TransformJob, outputs: Iterable[JobOutput]) -> int:
    """Create the parts of output objects that have none; how many are left to the next run.

    Raises
    ------
    SourceAccessDenied
        When an object may not be read.
    """
    known = set(run.stores.parts.keys_of_job(run.endpoint, job.name, job.started))
    keys = {output: locations.job_output(run.endpoint, job.name, job.started, output.uri) for output in outputs}
    waiting = [output for output, capture in keys.items() if locations.part(capture) not in known]
    for position, output in enumerate(waiting):
        had_whole_time = run.deadline.has_left(Deadline.WHOLE_JOB_OBJECT)
        if not run.deadline.has_left(Deadline.JOB_OBJECT):
            return len(waiting) - position
        try:
            with job_access(run, job):
                read = _summarized(run, job, output)
        except _NotInTime:
            if not had_whole_time:
                return len(waiting) - position
            read = _Summarized(unread_object(RejectionReason.OBJECT_TOO_LARGE))
        _store(run, output, keys[output], read)
    return 0


def _store(run: EndpointRun, output: JobOutput, capture: locations.CaptureKey, read: _Summarized) -> None:
    bucket, key = locations.split_s3_uri(output.uri)
    part = Part(
        endpoint=run.endpoint,
        variant=capture.variant,
        bucket=bucket,
        key=key,
        etag=read.output.etag if read.output else "",
        size=read.output.size if read.output else 0,
        begun=capture.begun,
        summary=read.summary,
    )
    if run.stores.parts.put(capture, part):
        count("CapturedObjects")
        count("CapturedRows", part.summary.rows)
        count("CapturedRejectedLines", part.summary.rejected_lines)


# --- which objects ----------------------------------------------------------------------------------------------------


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
    ran = job.started.replace(microsecond=0), job.ended + WRITE_GRACE
    listed = (one for one in bucket.list_objects(prefix) if one.key.endswith(OUTPUT_SUFFIX))
    return {bucket.uri(one.key) for one in listed if ran[0] <= one.modified <= ran[1]}


def _exists(run: EndpointRun, uri: str) -> bool:
    bucket, key = _place(run, uri)
    return bucket.exists(key)


# --- what they hold ---------------------------------------------------------------------------------------------------


class _Opened(NamedTuple):
    """An output and its input, as the job left them."""

    output: OpenObject
    input: OpenObject | None  # None: it is binary, and is not read


class _Summarized(NamedTuple):
    """What an output object holds, and the object, if it was there."""

    summary: CaptureSummary
    output: OpenObject | None = None


def _summarized(run: EndpointRun, job: TransformJob, output: JobOutput) -> _Summarized:
    """Summarize an output object with the first readers that do not fail, and the first way of pairing that fits."""
    options = capture_processing.capture_options(run, None)
    for readers in capture_processing.READERS:
        for row_count in ROW_COUNTS:
            opened = _opened_pair(run, job, output)
            if isinstance(opened, RejectionReason):
                return _Summarized(unread_object(opened))
            read = partial(
                summarize_transform,
                form=job.form,
                row_count=row_count,
                options=options,
                readers=readers,
                input_size=(output.input.size or 0) if output.input else 0,
            )
            found = read_pair_guarded(
                _in_time(run, opened.output.chunks),
                _in_time(run, opened.input.chunks if opened.input else ()),
                partial(_read, read),
                "a reader failed",
                endpoint=run.endpoint,
                key=output.uri,
            )
            if found is None:
                break  # the next readers
            if found.summary is not None:
                return _Summarized(found.summary, opened.output)
        else:
            return _unpaired(run, job, output, options)
    return _Summarized(unread_object(RejectionReason.UNEXPECTED))


def _unpaired(run: EndpointRun, job: TransformJob, output: JobOutput, options: CaptureOptions) -> _Summarized:
    """All lines of the output are rejected, since nothing says which of them answers which input."""
    opened = _opened_pair(run, job, output)
    if isinstance(opened, RejectionReason):
        return _Summarized(unread_object(opened))
    lines = line_count(_in_time(run, opened.output.chunks), options)
    return _Summarized(unread_object(RejectionReason.UNPAIRED, lines), opened.output)


class _Read(NamedTuple):
    """What was read; no summary when the counts of the rows differ."""

    summary: CaptureSummary | None


def _read(
    read: Callable[[Iterable[bytes], Iterable[bytes]], CaptureSummary | None],
    output: Iterable[bytes],
    input_: Iterable[bytes],
) -> _Read:
    return _Read(read(output, input_))


def _opened_pair(run: EndpointRun, job: TransformJob, output: JobOutput) -> _Opened | RejectionReason:
    """An output and its input, or why they cannot be had as the job left them."""
    if output.input is None:
        return RejectionReason.INPUT_GONE
    written = _opened(run, output.uri)
    if written is None or written.last_modified > job.ended + WRITE_GRACE:
        return RejectionReason.OUTPUT_GONE
    if job.form.has_binary_inputs:
        return _Opened(written, None)
    given = _opened(run, output.input.uri)
    if given is None or given.last_modified > job.started:
        return RejectionReason.INPUT_GONE
    return _Opened(written, given)


def _opened(run: EndpointRun, uri: str) -> OpenObject | None:
    bucket, key = _place(run, uri)
    return bucket.open(key)


def _in_time(run: EndpointRun, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if not run.deadline.has_left(Deadline.WINDOW):
            raise _NotInTime
        yield chunk


@contextmanager
def job_access(run: EndpointRun, job: TransformJob) -> Iterator[None]:
    """Turn a denied access to the job's objects into SourceAccessDenied, which says what their owner can do."""
    try:
        yield
    except AccessDenied as error:
        logger.error("an object of a transform job may not be read", endpoint=run.endpoint, job=job.name)
        raise SourceAccessDenied(
            f"Vedette may not read what the transform job {job.name} read and wrote; `vedette watch {run.endpoint}"
            f" --transform-jobs {run.entry.transform_jobs}` shows what the owner of its places must do"
        ) from error
