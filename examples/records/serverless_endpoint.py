r"""Calls a serverless endpoint, and records each request; SageMaker captures only real-time endpoints.

Use `Endpoint` where your program calls `invoke_endpoint` today:

    endpoint = Endpoint("churn", CaptureWriter("s3://my-bucket/records", "churn"))
    scores = endpoint.invoke(b"31,2\n")

https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
"""

from __future__ import annotations

from typing import Any

import boto3
from capture_writer import CaptureWriter


class Endpoint:
    """A serverless endpoint whose requests are recorded."""

    def __init__(self, name: str, writer: CaptureWriter, runtime: Any = None) -> None:
        self._name, self._writer = name, writer
        self._runtime = runtime or boto3.client("sagemaker-runtime")

    def invoke(
        self, body: bytes, *, content_type: str = "text/csv", accept: str = "text/csv", inference_id: str = ""
    ) -> bytes:
        """Answer of the model; raises what `invoke_endpoint` raises, and then nothing is recorded."""
        answer = self._runtime.invoke_endpoint(
            EndpointName=self._name, Body=body, ContentType=content_type, Accept=accept
        )
        response: bytes = answer["Body"].read()
        answered = answer.get("ContentType") or accept
        self._writer.record(
            body, response, request_type=content_type, response_type=answered, inference_id=inference_id
        )
        return response
