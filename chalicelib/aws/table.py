"""The stage's DynamoDB table: records as JSON under (pk, sk), written on condition.

| pk                  | sk                      | record                                   |
|---------------------|-------------------------|------------------------------------------|
| endpoint#{endpoint} | deployment              | Deployment: the latest attempt           |
| endpoint#{endpoint} | history#{time}#{config} | Deployment: settled, never expires       |
| endpoint#{endpoint} | mark#{package}#{config} | Mark                                     |
| endpoint#{endpoint} | pin                     | Pin                                      |
| endpoint#{endpoint} | sweep                   | Swept                                    |
| endpoint#{endpoint} | alerts#{variant}        | AlertState                                |
| mutes               | mute#{id}               | Mute: never expires, it has an end       |
| stage               | pause                   | a person stopped all mutations           |

A record is one JSON string: DynamoDB has no floats, and what stands in `records` is the only schema. A long one is
compressed, since an item holds 400 KB at most; one that is too long even so lies in S3, under a key of its own that the
item names, and the body before it is deleted when the item has been written. Every read that a decision hangs on is
consistent.
"""

import uuid
import zlib
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from chalicelib import locations, records
from chalicelib.aws import s3
from chalicelib.aws.clients import client
from chalicelib.errors import UnreadableFile
from chalicelib.settings import settings

PACK_FROM = 50_000
IN_S3_FROM = 300_000  # compressed; an alert book of 10,000 long and random names has 457,000 bytes
MUTES = "mutes"  # the partition of every mute
READS = 3  # a body in S3 may be replaced between the reading of its item and its own
R = TypeVar("R", bound=records.Record)


def endpoint_key(endpoint: str) -> str:
    """The partition of an endpoint."""
    return f"endpoint#{endpoint}"


def get_item(kind: type[R], pk: str, sk: str) -> tuple[R | None, int]:
    """Read a record and its revision; (None, 0) when there is none.

    Raises
    ------
    UnreadableFile
        When it is not such a record, or its body is gone.
    """
    for _ in range(READS):
        answer = client("dynamodb").get_item(
            TableName=settings().table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        )
        item = answer.get("Item")
        if item is None:
            return None, 0
        found = _record(kind, item)
        if found is not None:
            return found, int(item["revision"]["N"])
    raise UnreadableFile(f"table {settings().table}, {pk} {sk}: its body {item['body']['S']} is gone")


def put_item(record: records.Record, pk: str, sk: str, expected_revision: int) -> bool:
    """Write a record if its stored revision is still the expected one; False when somebody was first.

    botocore may send a write again when the reply was lost, so a refused condition is checked once: what is stored
    under the token of this very call was our own first try. Equal content is not enough: two may write the same.
    """
    content = records.write(record)
    item: dict[str, Any] = {"pk": {"S": pk}, "sk": {"S": sk}, "revision": {"N": str(expected_revision + 1)}}
    writer = uuid.uuid4().hex
    item["writer"] = {"S": writer}
    item |= _body(content, pk, sk, writer)
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if expected_revision:
        condition = {
            "ConditionExpression": "revision = :expected",
            "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
        }
    try:
        answer = client("dynamodb").put_item(
            TableName=settings().table,
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
        _delete_body(item)
        return False
    _delete_body(answer.get("Attributes", {}))
    return True


def _body(content: bytes, pk: str, sk: str, writer: str) -> dict[str, Any]:
    """Where the record stands: in the item, compressed in the item, or in S3."""
    if len(content) < PACK_FROM:
        return {"record": {"S": content.decode()}}
    packed = zlib.compress(content)
    if len(packed) < IN_S3_FROM:
        return {"packed": {"B": packed}}
    key = locations.long_record(pk, sk, writer)
    s3.put(key, packed, "application/octet-stream")
    return {"body": {"S": key}}


def _delete_body(item: dict[str, Any]) -> None:
    """Delete the body in S3 of an item that stands no more; one that a crash leaves behind costs its storage alone."""
    if "body" in item:
        s3.delete(item["body"]["S"])


def delete_item(pk: str, sk: str) -> None:
    """Delete a record; deleting it again does nothing."""
    client("dynamodb").delete_item(TableName=settings().table, Key={"pk": {"S": pk}, "sk": {"S": sk}})


def query(kind: type[R], pk: str, sk_prefix: str) -> dict[str, R]:
    """Every record of a partition whose sort key begins so, by sort key."""
    pages = (
        client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=settings().table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk_prefix}},
        )
    )
    found = {}
    for item in (item for page in pages for item in page["Items"]):
        sk = item["sk"]["S"]
        record = _record(kind, item) or get_item(kind, pk, sk)[0]
        if record is not None:
            found[sk] = record
    return found


def _record(kind: type[R], item: dict[str, Any]) -> R | None:
    """The record of an item; None when its body in S3 was replaced since the item was read."""
    place = f"table {settings().table}, {item['pk']['S']} {item['sk']['S']}"
    if "record" in item:
        return records.read(kind, item["record"]["S"].encode(), place)
    packed = item["packed"]["B"] if "packed" in item else s3.get(item["body"]["S"])
    return None if packed is None else records.read(kind, zlib.decompress(packed), place)
