"""The stage's DynamoDB table: records as JSON under (pk, sk), written on condition.

| pk                  | sk                      | record                                   |
|---------------------|-------------------------|------------------------------------------|
| endpoint#{endpoint} | deployment              | Deployment: the latest attempt           |
| endpoint#{endpoint} | history#{time}#{config} | Deployment: settled, never expires       |
| endpoint#{endpoint} | mark#{package}#{config} | Mark                                     |
| endpoint#{endpoint} | pin                     | Pin                                      |
| endpoint#{endpoint} | alerts#{variant}        | AlertBook                                |
| stage               | pause                   | a person stopped all mutations           |

A record is one JSON string: DynamoDB has no floats, and what stands in `records` is the only schema. A long one is
compressed, since an item holds 400 KB at most. Every read that a decision hangs on is consistent.
"""

import uuid
import zlib
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from chalicelib import records
from chalicelib.aws.clients import client
from chalicelib.settings import settings

PACK_FROM = 50_000
R = TypeVar("R", bound=records.Record)


def endpoint_key(endpoint: str) -> str:
    """The partition of an endpoint."""
    return f"endpoint#{endpoint}"


def get_item(kind: type[R], pk: str, sk: str) -> tuple[R | None, int]:
    """Read a record and its revision; (None, 0) when there is none."""
    answer = client("dynamodb").get_item(
        TableName=settings().table, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
    )
    item = answer.get("Item")
    if item is None:
        return None, 0
    return _record(kind, item), int(item["revision"]["N"])


def put_item(record: records.Record, pk: str, sk: str, expected_revision: int) -> bool:
    """Write a record if its stored revision is still the expected one; False when somebody was first.

    botocore may send a write again when the reply was lost, so a refused condition is checked once: what is stored
    under the token of this very call was our own first try. Equal content is not enough: two may write the same.
    """
    content = records.write(record).decode()
    item: dict[str, Any] = {"pk": {"S": pk}, "sk": {"S": sk}, "revision": {"N": str(expected_revision + 1)}}
    item["writer"] = {"S": uuid.uuid4().hex}
    item |= (
        {"record": {"S": content}} if len(content) < PACK_FROM else {"packed": {"B": zlib.compress(content.encode())}}
    )
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if expected_revision:
        condition = {
            "ConditionExpression": "revision = :expected",
            "ExpressionAttributeValues": {":expected": {"N": str(expected_revision)}},
        }
    try:
        client("dynamodb").put_item(
            TableName=settings().table, Item=item, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        stored: dict[str, Any] = error.response.get("Item", {})
        return bool(stored.get("writer") == item["writer"])
    return True


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
    return {item["sk"]["S"]: _record(kind, item) for page in pages for item in page["Items"]}


def _record(kind: type[R], item: dict[str, Any]) -> R:
    place = f"table {settings().table}, {item['pk']['S']} {item['sk']['S']}"
    content = item["record"]["S"].encode() if "record" in item else zlib.decompress(item["packed"]["B"])
    return records.read(kind, content, place)
