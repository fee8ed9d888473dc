"""Objects: bytes and records in, bytes and records out. Every call names the expected owner of the bucket.

| answer of S3                              | here                                                |
|-------------------------------------------|-----------------------------------------------------|
| 404 on read                               | None                                                |
| 412 on a read with IfMatch                | Overwritten: a newer object's event will come       |
| 412 on a write with If-None-Match         | False: somebody wrote it first, and that one stays  |
| 409 on it: another write is on its way    | tried again, since that one may fail; then NotReady |
| 403 and everything else                   | rises (a 403 is never taken for "not there")        |
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from botocore.exceptions import ClientError

from chalicelib import records
from chalicelib.aws.clients import client
from chalicelib.errors import NotReady, UnreadableFile
from chalicelib.settings import settings

CHUNK_BYTES = 1 << 19  # as much as is read at once (capture.lines.BLOCK_BYTES)
CONFLICTS = 4  # "On a 409 failure, retry the upload" (aws-behaviour: conditional-write)
R = TypeVar("R", bound=records.Record)


@dataclass(frozen=True)
class Listed:
    """One object of a listing."""

    key: str
    etag: str
    size: int
    modified: datetime  # to the second


class Overwritten(Exception):
    """The object changed between the event and the read."""


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def get(key: str, bucket: str = "") -> bytes | None:
    """The whole content of a small object of ours."""
    chunks = get_chunks(bucket or settings().bucket, key)
    return None if chunks is None else b"".join(chunks)


def get_uri(uri: str) -> bytes | None:
    """The whole content of a small object anywhere, given as s3://bucket/key.

    Raises
    ------
    UnreadableFile
        When the function may not read it: a person named it, and no retry mends that.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        return get(key, bucket)
    except ClientError as error:
        if _code(error) not in {"AccessDenied", "403"}:
            raise
        raise UnreadableFile(f"{uri}: Vedette may not read it (docs/security.md says what it may read)") from error


def get_chunks(bucket: str, key: str, etag: str = "") -> Iterator[bytes] | None:
    """The content of an object in chunks of a megabyte; None when it is gone.

    Raises
    ------
    Overwritten
        When its ETag is no longer `etag`.
    """
    request = {"Bucket": bucket, "Key": key, **_owner(bucket)}
    if etag:
        request["IfMatch"] = etag
    try:
        body = client("s3").get_object(**request)["Body"]
    except ClientError as error:
        if _code(error) in {"NoSuchKey", "404"}:
            return None
        if _code(error) in {"PreconditionFailed", "412"}:
            raise Overwritten(key) from error
        raise
    chunks: Iterator[bytes] = body.iter_chunks(CHUNK_BYTES)
    return chunks


def put(key: str, content: bytes, content_type: str = "application/json") -> None:
    """Write an object of ours, over an older one."""
    bucket = settings().bucket
    client("s3").put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type, **_owner(bucket))


def put_once(key: str, content: bytes, content_type: str = "application/json") -> bool:
    """Write an object of ours unless it exists; False when somebody was first.

    Raises
    ------
    NotReady
        When S3 goes on answering that another write of the key is on its way.
    """
    bucket = settings().bucket
    for number in range(CONFLICTS):
        try:
            client("s3").put_object(
                Bucket=bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*", **_owner(bucket)
            )
            return True
        except ClientError as error:
            if _code(error) in {"PreconditionFailed", "412"}:
                return False
            if _code(error) not in {"ConditionalRequestConflict", "409"}:
                raise
            time.sleep(0.05 * 2**number)
    raise NotReady(f"s3://{bucket}/{key} is being written by others.")


def get_record(kind: type[R], key: str) -> R | None:
    """Read a record of ours; None when there is none."""
    content = get(key)
    return None if content is None else records.read(kind, content, f"s3://{settings().bucket}/{key}")


def exists(key: str) -> bool:
    """Whether there is such an object of ours; a twelfth of the price of a listing."""
    bucket = settings().bucket
    try:
        client("s3").head_object(Bucket=bucket, Key=key, **_owner(bucket))
    except ClientError as error:
        if _code(error) in {"NoSuchKey", "404"}:
            return False
        raise
    return True


def delete(key: str) -> None:
    """Delete an object of ours; in a versioned bucket its versions stay."""
    bucket = settings().bucket
    client("s3").delete_object(Bucket=bucket, Key=key, **_owner(bucket))


def list_objects(prefix: str, bucket: str = "", *, after: str = "", until: str = "") -> Iterator[Listed]:
    """Every object under a prefix, in the order of the keys; those behind `after` and before `until`, where given."""
    bucket = bucket or settings().bucket
    request = {"Bucket": bucket, "Prefix": prefix, **({"StartAfter": after} if after else {}), **_owner(bucket)}
    for page in client("s3").get_paginator("list_objects_v2").paginate(**request):
        for found in page.get("Contents", ()):
            if until and found["Key"] >= until:
                return
            yield Listed(found["Key"], found["ETag"].strip('"'), found["Size"], found["LastModified"])


def first_key(prefix: str) -> str:
    """The first key under a prefix; "" when there is none."""
    bucket = settings().bucket
    answer = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1, **_owner(bucket))
    return str(answer["Contents"][0]["Key"]) if answer.get("Contents") else ""


def list_folders(prefix: str, bucket: str = "", after: str = "") -> list[str]:
    """The names one level under a prefix, without the slash; with `after`, those that come later in the alphabet."""
    bucket = bucket or settings().bucket
    begin = {"StartAfter": prefix + after} if after else {}
    pages = (
        client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket, Prefix=prefix, Delimiter="/", **begin, **_owner(bucket))
    )
    return [found["Prefix"][len(prefix) :].rstrip("/") for page in pages for found in page.get("CommonPrefixes", ())]


def sends_events(bucket: str) -> bool | None:
    """Whether a bucket sends its events to EventBridge; None when its owner does not let us look."""
    try:
        answer = client("s3").get_bucket_notification_configuration(Bucket=bucket, **_owner(bucket))
    except ClientError as error:
        if _code(error) in {"AccessDenied", "403"}:
            return None
        raise
    return "EventBridgeConfiguration" in answer


def _owner(bucket: str) -> dict[str, str]:
    """Our own bucket must belong to our account; other capture buckets are named by a person in the fleet."""
    return {"ExpectedBucketOwner": settings().account} if bucket == settings().bucket else {}
