"""One input object of a transform job -> its output object: split, batched, filtered, predicted, joined, assembled.

See aws-behaviour: transform-joined-csv, transform-joined-json, transform-filters, transform-inference-id.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from chalicelib.capture.json_path import JsonPath
from vedette.local.inference.predictors import BadRequest
from vedette.local.sagemaker.core import Record

Predict = Callable[[bytes, str, str], bytes]  # (body, content type, accept) -> body
MEGABYTE = 1 << 20


class FailedTransform(Exception):
    """A job, or one of its inputs, fails; the text is SageMaker's reason."""


def transformed(body: bytes, job: Record, predict: Predict, new_id: Callable[[], str]) -> bytes:
    """The output object of one input object.

    Raises
    ------
    FailedTransform
        If the model refuses a request, or its answer cannot be joined.
    """
    given, written = job["TransformInput"], job["TransformOutput"]
    if given.get("CompressionType") == "Gzip":
        body = gzip.decompress(body)
    accept, by_line = written.get("Accept", "*/*"), given.get("SplitType", "None") == "Line"
    processing = job.get("DataProcessing", {})
    path = JsonPath.of(processing.get("InputFilter", "$"))
    pieces = []
    for batch in _batches(body, job) if by_line else [[body]]:
        sent = [_selected(record, path, given.get("ContentType", "")) for record in batch]
        request = b"\n".join(sent) + (b"\n" if by_line else b"")
        try:
            answer = predict(request, given.get("ContentType", "application/octet-stream"), accept)
        except BadRequest as error:
            raise FailedTransform(
                f"Bad HTTP status received from algorithm: {error.status}. {error.message}"
            ) from error
        pieces += _records(answer, batch, job)
    if job.get("DataCaptureConfig", {}).get("GenerateInferenceId"):
        time = f"{job['TransformStartTime']:%Y-%m-%dT%H:%M:%SZ}"
        pieces = [_with_id(piece, new_id(), time) for piece in pieces]
    if written.get("AssembleWith", "None") == "Line":
        return b"".join(piece.rstrip(b"\n") + b"\n" for piece in pieces)
    return b"".join(pieces)


def _batches(body: bytes, job: Record) -> Iterator[list[bytes]]:
    """The lines of an input in requests of at most MaxPayloadInMB; one each with BatchStrategy SingleRecord."""
    limit = job.get("MaxPayloadInMB", 6) * MEGABYTE
    batch: list[bytes] = []
    size = 0
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        if len(line) > limit:
            raise FailedTransform("Record is larger than MaxPayloadInMB.")
        if batch and (job.get("BatchStrategy") == "SingleRecord" or size + len(line) > limit):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line) + 1
    if batch:
        yield batch


def _records(answer: bytes, batch: list[bytes], job: Record) -> list[bytes]:
    """The output records of one request: the answer whole, or each of its lines beside its input."""
    processing = job.get("DataProcessing", {})
    path = JsonPath.of(processing.get("OutputFilter", "$"))
    accept = job["TransformOutput"].get("Accept", "*/*")
    joins = processing.get("JoinSource") == "Input"
    identified = bool(job.get("DataCaptureConfig", {}).get("GenerateInferenceId"))
    if not joins and not identified and path is not None and path.selects_all:
        return [answer]
    lines = [answer] if accept == "application/json" and len(batch) == 1 else answer.splitlines()
    if not joins:
        return [_selected(line, path, accept) for line in lines]
    if len(lines) != len(batch):
        raise FailedTransform(f"The model answered {len(batch)} records with {len(lines)}, which cannot be joined.")
    joined = (_joined(record, line, accept) for record, line in zip(batch, lines, strict=True))
    return [_selected(one, path, accept) for one in joined]


def _joined(record: bytes, answer: bytes, accept: str) -> bytes:
    if accept == "text/csv":
        return record.rstrip(b"\r") + b"," + answer.strip()
    given, answered = json.loads(record), json.loads(answer)
    kept = given if isinstance(given, dict) else {"SageMakerInput": given}
    whole = {**kept, "SageMakerOutput": answered}
    return json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()


def _selected(record: bytes, path: JsonPath | None, kind: str) -> bytes:
    if path is None or path.selects_all:
        return record
    try:
        if kind != "text/csv":
            return json.dumps(path.select(json.loads(record)), separators=(",", ":")).encode()
        found: Any = path.select(next(csv.reader([record.decode()])))
    except (LookupError, TypeError, ValueError) as error:
        raise FailedTransform(f"The filter {path.text} does not fit a record.") from error
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(found if isinstance(found, list) else [found])
    return written.getvalue().encode()


def _with_id(record: bytes, identifier: str, time: str) -> bytes:
    """The record with the inference id and time, as the guide prints them."""
    text = record.decode().rstrip("\n")
    if text.lstrip()[:1] == "{":
        return json.dumps(
            {**json.loads(text), "SageMakerInferenceId": identifier, "SageMakerInferenceTime": time}
        ).encode()
    return f"{text}, {identifier},{time}".encode()
