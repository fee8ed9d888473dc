"""Records of one DynamoDB table: JSON under (pk, sk), written on condition.

A record is one JSON string: DynamoDB has no floats, and `records` is the only schema. A long one is compressed, since
an item holds 400 KB at most; an alert state, the longest, is bounded by `alerts.state`. Earlier versions kept what was
too long in S3 and named its key in the item: such a record is still read. Every read that a decision depends on is
consistent (aws-behaviour: conditional-item, item-size).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from chalicelib import records
from chalicelib.aws.clients import client
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import NotReady, UnreadableFile

COMPRESS_FROM_BYTES = 50_000
CHANGE_ATTEMPTS = 4
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
    """One table, and the bucket in which earlier versions kept long records."""

    name: str
    bucket: Bucket

    def get(self, kind: type[R], pk: str, sk: str) -> tuple[R | None, int]:
        """A record and its revision; (None, 0) when there is none.

        Raises
        ------
        UnreadableFile
            When it is not such a record, or its body is gone.
        """
        answer = client("dynamodb").get_item(
            TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        )
        if "Item" not in answer:
            return None, 0
        item = self._stored(answer["Item"])
        return item.read(kind), item.revision

    def put(self, record: records.Record, pk: str, sk: str, expected_revision: int) -> bool:
        """Write a record if its stored revision is still the expected one; False when another writer was first.

        botocore may repeat a write when the reply was lost, so a refused condition is checked once: what is stored
        under the token of this very call was our own first attempt. Equal content is not enough: two may write the
        same.
        """
        item: dict[str, Any] = {
            "pk": {"S": pk},
            "sk": {"S": sk},
            "revision": {"N": str(expected_revision + 1)},
            "writer": {"S": uuid.uuid4().hex},
            **_encoded(records.write(record)),
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if expected_revision:
            condition = {
                "ConditionExpression": "revision = :expected",
                "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
            }
        try:
            client("dynamodb").put_item(
                TableName=self.name, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            stored: dict[str, Any] = error.response.get("Item", {})
            return bool(stored.get("writer") == item["writer"])
        return True

    def change(self, default: R, pk: str, sk: str, change: Callable[[R], R], attempts: int = CHANGE_ATTEMPTS) -> R:
        """Change a record in one conditional write, again when another writer was first; the record as it is then.

        Parameters
        ----------
        default
            What is changed where nothing is stored.
        change
            Pure: it may run more than once. Nothing is written where it changes nothing.

        Raises
        ------
        NotReady
            When others go on changing it.
        """
        for _ in range(attempts):
            stored, revision = self.get(type(default), pk, sk)
            known = stored or default
            changed = change(known)
            if changed == known or self.put(changed, pk, sk, revision):
                return changed
        raise NotReady(f"{pk} {sk} is being changed by others.")

    def delete(self, pk: str, sk: str, expected_revision: int = 0) -> None:
        """Delete a record, if its stored revision is still the expected one; 0: whatever it is. Again does nothing."""
        condition: dict[str, Any] = {}
        if expected_revision:
            condition = {
                "ConditionExpression": "revision = :expected",
                "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
            }
        try:
            client("dynamodb").delete_item(TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

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
            yield from map(self._stored, page["Items"])

    def _stored(self, item: dict[str, Any]) -> StoredItem:
        """The content of an item.

        Raises
        ------
        UnreadableFile
            When it names a body in S3 that is gone.
        """
        place = f"table {self.name}, {item['pk']['S']} {item['sk']['S']}"
        if "record" in item:
            content = item["record"]["S"].encode()
        else:
            packed = item["packed"]["B"] if "packed" in item else self.bucket.get(item["body"]["S"])
            if packed is None:
                raise UnreadableFile(f"{place}: its body {item['body']['S']} is gone")
            content = zlib.decompress(packed)
        return StoredItem(item["sk"]["S"], content, int(item["revision"]["N"]), place)


def _encoded(content: bytes) -> dict[str, Any]:
    """A record as an attribute of its item: as text, or compressed."""
    if len(content) < COMPRESS_FROM_BYTES:
        return {"record": {"S": content.decode()}}
    return {"packed": {"B": zlib.compress(content)}}
