"""Records of one DynamoDB table: JSON under (pk, sk), written on condition.

A record is one JSON string: DynamoDB has no floats, and `records` is the only schema. A long one is compressed, since
an item holds 400 KB at most; one that is too long even so lies in S3, under a key of its own that the item names, and
the body that it replaces is deleted once the item is written. Every read that a decision depends on is consistent.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from chalicelib import locations, records
from chalicelib.aws.clients import client
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import UnreadableFile

COMPRESS_FROM_BYTES = 50_000
IN_S3_FROM_BYTES = 300_000  # compressed; the alert state of 10,000 long and random names has 457,000 bytes
READ_ATTEMPTS = 3  # a body in S3 may be replaced between the reading of its item and its own
R = TypeVar("R", bound=records.Record)


class StoredItem(NamedTuple):
    """The content of one item, still encoded."""

    sk: str
    content: bytes
    revision: int
    place: str  # for error messages

    def read(self, kind: type[R]) -> R:
        """Decode the record.

        Raises
        ------
        UnreadableFile
            When it is not such a record.
        """
        return records.read(kind, self.content, self.place)


@dataclass(frozen=True)
class Table:
    """One table, and the bucket for bodies that are too long for an item."""

    name: str
    bucket: Bucket

    def get(self, kind: type[R], pk: str, sk: str) -> tuple[R | None, int]:
        """A record and its revision; (None, 0) when there is none.

        Raises
        ------
        UnreadableFile
            When it is not such a record, or its body is gone.
        """
        for _ in range(READ_ATTEMPTS):
            answer = client("dynamodb").get_item(
                TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
            )
            if "Item" not in answer:
                return None, 0
            item = self._stored(answer["Item"])
            if item is not None:
                return item.read(kind), item.revision
        raise UnreadableFile(f"table {self.name}, {pk} {sk}: its body {answer['Item']['body']['S']} is gone")

    def put(self, record: records.Record, pk: str, sk: str, expected_revision: int) -> bool:
        """Write a record if its stored revision is still the expected one; False when another writer was first.

        botocore may repeat a write when the reply was lost, so a refused condition is checked once: what is stored
        under the token of this very call was our own first attempt. Equal content is not enough: two may write the
        same.
        """
        writer = uuid.uuid4().hex
        item: dict[str, Any] = {
            "pk": {"S": pk},
            "sk": {"S": sk},
            "revision": {"N": str(expected_revision + 1)},
            "writer": {"S": writer},
            **self._encoded(records.write(record), pk, sk, writer),
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if expected_revision:
            condition = {
                "ConditionExpression": "revision = :expected",
                "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
            }
        try:
            answer = client("dynamodb").put_item(
                TableName=self.name,
                Item=item,
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored: dict[str, Any] = error.response.get("Item", {})
            if stored.get("writer") == item["writer"]:
                return True
            self._delete_body(item)
            return False
        self._delete_body(answer.get("Attributes", {}))
        return True

    def delete(self, pk: str, sk: str) -> None:
        """Delete a record; deleting it again does nothing."""
        client("dynamodb").delete_item(TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def query(self, kind: type[R], pk: str, sk_prefix: str) -> dict[str, R]:
        """Every record of a partition whose sort key begins with a prefix, by sort key."""
        items = self._query(pk, "begins_with(sk, :a)", {":a": {"S": sk_prefix}})
        return {item.sk: item.read(kind) for item in items}

    def query_between(self, pk: str, first_sk: str, last_sk: str) -> list[StoredItem]:
        """The items of a partition whose sort keys lie between two, both included, in their order: one request."""
        return list(self._query(pk, "sk BETWEEN :a AND :b", {":a": {"S": first_sk}, ":b": {"S": last_sk}}))

    def _query(self, pk: str, condition: str, values: dict[str, Any]) -> Iterator[StoredItem]:
        pages = (
            client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.name,
                ConsistentRead=True,
                KeyConditionExpression=f"pk = :pk AND {condition}",
                ExpressionAttributeValues={":pk": {"S": pk}, **values},
            )
        )
        for page in pages:
            for item in page["Items"]:
                stored = self._stored(item) or self._read_again(pk, item["sk"]["S"])
                if stored is not None:
                    yield stored

    def _read_again(self, pk: str, sk: str) -> StoredItem | None:
        """An item whose body in S3 was replaced since it was read."""
        answer = client("dynamodb").get_item(
            TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        )
        return self._stored(answer["Item"]) if "Item" in answer else None

    def _encoded(self, content: bytes, pk: str, sk: str, writer: str) -> dict[str, Any]:
        """The record as attributes of its item: as text, compressed, or the key of its body in S3."""
        if len(content) < COMPRESS_FROM_BYTES:
            return {"record": {"S": content.decode()}}
        packed = zlib.compress(content)
        if len(packed) < IN_S3_FROM_BYTES:
            return {"packed": {"B": packed}}
        key = locations.long_record(pk, sk, writer)
        self.bucket.put(key, packed, "application/octet-stream")
        return {"body": {"S": key}}

    def _delete_body(self, item: dict[str, Any]) -> None:
        """Delete the S3 body of a replaced item; one that a crash leaves behind costs its storage alone."""
        if "body" in item:
            self.bucket.delete(item["body"]["S"])

    def _stored(self, item: dict[str, Any]) -> StoredItem | None:
        """The content of an item; None when its body in S3 was replaced since the item was read."""
        if "record" in item:
            content = item["record"]["S"].encode()
        else:
            packed = item["packed"]["B"] if "packed" in item else self.bucket.get(item["body"]["S"])
            if packed is None:
                return None
            content = zlib.decompress(packed)
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        return StoredItem(sk, content, int(item["revision"]["N"]), f"table {self.name}, {pk} {sk}")
