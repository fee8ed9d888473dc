"""The output objects of a batch transform job become parts, each beside its input object.

| output object of the job                             | outcome                                              |
|------------------------------------------------------|------------------------------------------------------|
| written by the job, its input as the job read it     | one part, written once                               |
| the same again                                       | the part stays                                       |
| its input is gone, or was overwritten since          | a part without rows: INPUT_GONE                      |
| it was written before or after the job, or is gone   | a part without rows: OUTPUT_GONE                     |
| inputs and outputs differ in number                  | a part without rows: UNPAIRED, with their number     |
| every reader fails on it                             | a part without rows: UNEXPECTED                      |
| not read in WHOLE_JOB_OBJECT seconds                 | a part without rows: OBJECT_TOO_LARGE                |
| too little time is left                              | the rest is left to the next run                     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from chalicelib import locations
from chalicelib.aws.s3 import OpenObject
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.capture.summary import CaptureSummary
from chalicelib.capture.transform_job import TransformJob
from chalicelib.capture.transform_lines import ROW_COUNTS
from chalicelib.capture.transform_reader import line_count, summarize_transform, unread_object
from chalicelib.deadline import Deadline
from chalicelib.endpoint_run import EndpointRun
from chalicelib.guarded_reading import read_pair_guarded
from chalicelib.observability import count
from chalicelib.parts import Part
from chalicelib.services import capture_processing
from chalicelib.services.transform_objects import JobOutput, job_access, opened, written_by


class _NotInTime(Exception):
    """The object would take longer than the run has."""


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
            pair = _opened_pair(run, job, output)
            if isinstance(pair, RejectionReason):
                return _Summarized(unread_object(pair))
            read = partial(
                summarize_transform,
                form=job.form,
                row_count=row_count,
                options=options,
                readers=readers,
                input_size=(output.input.size or 0) if output.input else 0,
            )
            found = read_pair_guarded(
                _in_time(run, pair.output.chunks),
                _in_time(run, pair.input.chunks if pair.input else ()),
                partial(_read, read),
                "a reader failed",
                endpoint=run.endpoint,
                key=output.uri,
            )
            if found is None:
                break  # the next readers
            if found.summary is not None:
                return _Summarized(found.summary, pair.output)
        else:
            return _unpaired(run, job, output, options)
    return _Summarized(unread_object(RejectionReason.UNEXPECTED))


def _unpaired(run: EndpointRun, job: TransformJob, output: JobOutput, options: CaptureOptions) -> _Summarized:
    """All lines of the longer side are rejected, since nothing says which output answers which input."""
    pair = _opened_pair(run, job, output)
    if isinstance(pair, RejectionReason):
        return _Summarized(unread_object(pair))
    sides = filter(None, (pair.output, pair.input))
    lines = max(line_count(_in_time(run, side.chunks), options) for side in sides)
    return _Summarized(unread_object(RejectionReason.UNPAIRED, lines), pair.output)


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
    written = opened(run, output.uri)
    if written is None or not written_by(job, written.last_modified):
        return RejectionReason.OUTPUT_GONE
    if job.form.has_binary_inputs:
        return _Opened(written, None)
    given = opened(run, output.input.uri)
    if given is None or given.last_modified > job.started:
        return RejectionReason.INPUT_GONE
    return _Opened(written, given)


def _in_time(run: EndpointRun, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if not run.deadline.has_left(Deadline.WINDOW):
            raise _NotInTime
        yield chunk
