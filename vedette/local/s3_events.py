"""The `Object Created` events that S3 sends to EventBridge, one for each write.

Format (aws-behaviour: object-event): the raw key (not URL-encoded), the etag without quotes, an increasing sequencer,
and version-id only in a versioned bucket. moto's own events differ in each of these, so they are disabled while a Cloud
is entered.
"""

from __future__ import annotations

import itertools
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote
from xml.etree import ElementTree

from moto.s3.models import s3_backends

from vedette.local.account import SimulatedAccount
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation

REASONS = {"PutObject": "PutObject", "CopyObject": "CopyObject", "CompleteMultipartUpload": "CompleteMultipartUpload"}


class S3Events:
    """Sends an event after a write, if the bucket has EventBridge notifications."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self._sequence = itertools.count(0x0064_08CA_D695_98B0)

    def __call__(self, request: Request, operation: Operation, response: Response) -> None:
        bucket = self._bucket(operation)
        if self._is_on(bucket):
            self._account.put_event(self._event(operation.name, bucket, unquote(operation.path_parameters["Key"])))

    def show_configuration(self, request: Request, operation: Operation, response: Response) -> None:
        """Add EventBridge to the response of GetBucketNotificationConfiguration, which moto 5.2.5 omits."""
        if self._is_on(self._bucket(operation)):
            root = ElementTree.fromstring(response.body)  # noqa: S314 - moto's own answer
            namespace = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
            ElementTree.SubElement(root, f"{namespace}EventBridgeConfiguration")
            response.body = ElementTree.tostring(root)

    def _bucket(self, operation: Operation) -> Any:
        return s3_backends[self._account.account_id]["aws"].buckets.get(unquote(operation.path_parameters["Bucket"]))

    @staticmethod
    def _is_on(bucket: Any) -> bool:
        configuration = bucket.notification_configuration if bucket is not None else None
        return configuration is not None and configuration.event_bridge is not None

    def _event(self, operation: str, bucket: Any, key: str) -> dict[str, Any]:
        stored = bucket.keys[key]
        described: dict[str, Any] = {"key": key, "size": stored.size, "etag": stored.etag.strip('"')}
        if bucket.versioning_status == "Enabled":
            described["version-id"] = stored.version_id
        described["sequencer"] = f"{next(self._sequence):018X}"
        detail = {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": described,
            "request-id": self._account.ids.hexadecimal(16).upper(),
            "requester": self._account.account_id,
            "source-ip-address": "127.0.0.1",
            "reason": REASONS[operation],
        }
        return self._account.event("aws.s3", "Object Created", [f"arn:aws:s3:::{bucket.name}"], detail)


def moto_events_disabled() -> AbstractContextManager[Any]:
    """Disable moto's own S3 events."""
    return patch("moto.s3.notifications._send_event_bridge_message", lambda *args, **kwargs: None)
