"""Bucket policies, stored outside moto: moto ignores conditions, so that "TLS only" would deny everything.

They are returned, but not evaluated: the AWS simulator has one account, whose calls count as encrypted.
"""

from __future__ import annotations

import json

from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation


class BucketPolicies:
    """PutBucketPolicy, GetBucketPolicy and DeleteBucketPolicy."""

    def __init__(self) -> None:
        self._policies: dict[str, bytes] = {}

    def __call__(self, request: Request, operation: Operation) -> Response:
        bucket = operation.path_parameters["Bucket"]
        if operation.name == "PutBucketPolicy":
            try:
                json.loads(request.body)
            except ValueError as error:
                message = "Policies must be valid JSON and the first byte must be '{'"
                raise AwsError("MalformedPolicy", message) from error
            self._policies[bucket] = request.body
            return Response(204)
        if operation.name == "DeleteBucketPolicy":
            self._policies.pop(bucket, None)
            return Response(204)
        if bucket not in self._policies:
            raise AwsError("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
        return Response(200, {"Content-Type": "application/json"}, self._policies[bucket])
