"""Objects of one bucket: bytes and records in, bytes and records out.

| answer of S3                          | here                                                         |
|---------------------------------------|--------------------------------------------------------------|
| 404 on read                           | None                                                         |
| 403 of S3 or KMS                      | AccessDenied; a 403 is never taken for "not there"           |
| an archived object, a disabled key    | the same                                                     |
| no such bucket                        | NoBucket, which is an AccessDenied                           |
| 412 on a write with If-None-Match     | False: another invocation wrote it first, and that one stays |
| 409 on it: another write is under way | tried again, since that one may fail; then NotReady          |
| everything else                       | propagates                                                   |

What S3 promises: aws-behaviour: first-writer, conditional-write, strong-reads, missing-object.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from botocore.exceptions import ClientError

from chalicelib import locations, records
from chalicelib.aws.clients import client
from chalicelib.errors import AccessDenied, NoBucket, NotReady

CHUNK_BYTES = 1 << 19  # as much as is read at once (capture.lines.BLOCK_BYTES)
WRITE_CONFLICT_ATTEMPTS = 4  # "On a 409 failure, retry the upload" (aws-behaviour: conditional-write)
MISSING_CODES = frozenset({"NoSuchKey", "404"})
NO_BUCKET_CODE = "NoSuchBucket"
# An archived object, and one whose key is gone or disabled, are refused like one without permission: a person has to
# act (aws-behaviour: refused-object).
DENIED_CODES = frozenset(
    {
        *("AccessDenied", "403", "AccessDeniedException", "InvalidObjectState", "KMS.AccessDeniedException"),
        *("KMS.DisabledException", "KMS.KMSInvalidStateException", "KMS.NotFoundException"),
    }
)
CONFLICT_CODES = frozenset({"ConditionalRequestConflict", "409"})
EXISTS_CODES = frozenset({"PreconditionFailed", "412"})
R = TypeVar("R", bound=records.Record)


@dataclass(frozen=True)
class ListedObject:
    """One object of a listing."""

    key: str
    etag: str
    size: int  # bytes
    modified: datetime  # to the second


class OpenObject(NamedTuple):
    """One version of an object, whose content is not read yet."""

    etag: str
    last_modified: datetime  # to the second
    chunks: Iterator[bytes]  # of CHUNK_BYTES
    size: int  # bytes


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@dataclass(frozen=True)
class Bucket:
    """One bucket, by its name and, for a bucket of ours, the account that must own it.

    Every call names the expected owner, so that a bucket that changed hands is never read or written. A bucket that a
    person names in the fleet has no expected owner.
    """

    name: str
    owner: str = ""

    def get(self, key: str) -> bytes | None:
        """The whole content of a small object; None when it does not exist.

        Raises
        ------
        AccessDenied
            When it may not be read, or not be decrypted.
        """
        chunks = self.get_chunks(key)
        return None if chunks is None else b"".join(chunks)

    def get_chunks(self, key: str) -> Iterator[bytes] | None:
        """The content of an object in chunks of CHUNK_BYTES; None when it does not exist.

        Raises
        ------
        AccessDenied
            When it may not be read, or not be decrypted.
        """
        found = self.open(key)
        return None if found is None else found.chunks

    def open(self, key: str) -> OpenObject | None:
        """An object as it is now; None when it does not exist.

        Raises
        ------
        AccessDenied
            When it may not be read, or not be decrypted.
        """
        with self._denied(key):
            try:
                answer = client("s3").get_object(Key=key, **self._request)
            except ClientError as error:
                if _code(error) in MISSING_CODES:
                    return None
                raise
        modified = answer["LastModified"].replace(microsecond=0)
        return OpenObject(
            answer["ETag"].strip('"'), modified, answer["Body"].iter_chunks(CHUNK_BYTES), answer["ContentLength"]
        )

    def can_open(self, key: str) -> bool:
        """Whether an object is there, and may be read and decrypted now; its content is not read."""
        try:
            client("s3").get_object(Key=key, **self._request)["Body"].close()
        except ClientError as error:
            if _code(error) in {*MISSING_CODES, *DENIED_CODES, NO_BUCKET_CODE}:
                return False
            raise
        return True

    def get_record(self, kind: type[R], key: str) -> R | None:
        """A record; None when there is none.

        Raises
        ------
        UnreadableFile
            When the object is not such a record.
        """
        content = self.get(key)
        return None if content is None else records.read(kind, content, self.uri(key))

    def put(self, key: str, content: bytes, content_type: str = "application/json") -> None:
        """Write an object, over an older one."""
        client("s3").put_object(Key=key, Body=content, ContentType=content_type, **self._request)

    def put_once(self, key: str, content: bytes, content_type: str = "application/json") -> bool:
        """Write an object unless it exists; False when another invocation was first.

        Raises
        ------
        NotReady
            When S3 goes on answering that another write of the key is under way.
        """
        for attempt in range(WRITE_CONFLICT_ATTEMPTS):
            try:
                client("s3").put_object(
                    Key=key, Body=content, ContentType=content_type, IfNoneMatch="*", **self._request
                )
                return True
            except ClientError as error:
                if _code(error) in EXISTS_CODES:
                    return False
                if _code(error) not in CONFLICT_CODES:
                    raise
                time.sleep(0.05 * 2**attempt)
        raise NotReady(f"{self.uri(key)} is being written by others.")

    def exists(self, key: str) -> bool:
        """Whether there is such an object; a twelfth of the price of a listing."""
        try:
            client("s3").head_object(Key=key, **self._request)
        except ClientError as error:
            if _code(error) in MISSING_CODES:
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        """Delete an object; a versioned bucket keeps its versions."""
        client("s3").delete_object(Key=key, **self._request)

    def list_objects(self, prefix: str, *, after: str = "", until: str = "") -> Iterator[ListedObject]:
        """The objects under a prefix in the order of their keys; those behind `after` and before `until`, where given.

        Raises
        ------
        AccessDenied
            When the bucket may not be listed.
        """
        begin = {"StartAfter": after} if after else {}
        with self._denied(prefix):
            for page in client("s3").get_paginator("list_objects_v2").paginate(Prefix=prefix, **begin, **self._request):
                for found in page.get("Contents", ()):
                    if until and found["Key"] >= until:
                        return
                    yield ListedObject(found["Key"], found["ETag"].strip('"'), found["Size"], found["LastModified"])

    def first_key(self, prefix: str) -> str:
        """The first key under a prefix; "" when there is none.

        Raises
        ------
        AccessDenied
            When the bucket may not be listed.
        """
        with self._denied(prefix):
            answer = client("s3").list_objects_v2(Prefix=prefix, MaxKeys=1, **self._request)
        return str(answer["Contents"][0]["Key"]) if answer.get("Contents") else ""

    def list_folders(self, prefix: str, after: str = "") -> list[str]:
        """The names one level under a prefix, without the slash; with `after`, those later in the alphabet.

        Raises
        ------
        AccessDenied
            When the bucket may not be listed.
        """
        begin = {"StartAfter": prefix + after} if after else {}
        with self._denied(prefix):
            pages = (
                client("s3")
                .get_paginator("list_objects_v2")
                .paginate(Prefix=prefix, Delimiter="/", **begin, **self._request)
            )
            return [
                found["Prefix"][len(prefix) :].rstrip("/") for page in pages for found in page.get("CommonPrefixes", ())
            ]

    def sends_events(self) -> bool | None:
        """Whether the bucket sends its events to EventBridge; None when its owner does not allow to look."""
        try:
            answer = client("s3").get_bucket_notification_configuration(**self._request)
        except ClientError as error:
            if _code(error) in DENIED_CODES:
                return None
            raise
        return "EventBridgeConfiguration" in answer

    def uri(self, key: str) -> str:
        """The s3:// place of a key."""
        return f"s3://{self.name}/{key}"

    @property
    def _request(self) -> dict[str, str]:
        return {"Bucket": self.name, **({"ExpectedBucketOwner": self.owner} if self.owner else {})}

    @contextmanager
    def _denied(self, key: str) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            if _code(error) in DENIED_CODES:
                raise AccessDenied(f"{self.uri(key)}: access is denied") from error
            if _code(error) == NO_BUCKET_CODE:
                raise NoBucket(f"{self.uri(key)}: there is no such bucket") from error
            raise


def can_open_uri(uri: str) -> bool:
    """Whether an object anywhere, given as s3://bucket/key, is there and may be read now."""
    bucket, key = locations.split_s3_uri(uri)
    return Bucket(bucket).can_open(key)


def get_uri(uri: str) -> bytes | None:
    """The whole content of a small object anywhere, given as s3://bucket/key; None when there is none, or no bucket.

    Raises
    ------
    AccessDenied
        When it may not be read, or not be decrypted.
    """
    bucket, key = locations.split_s3_uri(uri)
    try:
        return Bucket(bucket).get(key)
    except NoBucket:
        return None
