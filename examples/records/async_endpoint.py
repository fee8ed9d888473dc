"""AWS Lambda function that records the requests of an asynchronous endpoint; SageMaker captures only real-time ones.

Subscribe it to the SuccessTopic of the endpoint's AsyncInferenceConfig. The message names the objects of the request
and of the response; the function reads both, and writes one record:
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html

| environment variable | value                                                                                     |
|----------------------|-------------------------------------------------------------------------------------------|
| RECORDS              | the S3 place of the records, as in `vedette watch NAME --records PLACE`                   |
| NAME                 | the name that Vedette watches; by default that of the endpoint                            |

Its role needs s3:GetObject on both places, and s3:PutObject on the records. An event may come twice, also after a
success, and comes again after a failure: the same object is written again then, and counts once.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import Any

import boto3
from capture_writer import MAX_LINE_BYTES, CaptureWriter


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """Record the requests that SNS reports; an error rises, so that Lambda tries again."""
    messages = [json.loads(record["Sns"]["Message"]) for record in event["Records"]]
    completed = [message for message in messages if message.get("invocationStatus") == "Completed"]
    return {"recorded": sum(_record(message) for message in completed)}


def _record(message: dict[str, Any]) -> bool:
    asked, answered = message["requestParameters"], message["responseParameters"]
    s3 = boto3.client("s3")
    request, request_type = _read(s3, asked["inputLocation"])
    response, response_type = _read(s3, answered["outputLocation"])
    name = os.environ.get("NAME") or asked["endpointName"]
    writer = CaptureWriter(os.environ["RECORDS"], name, is_background=False, s3=s3)
    recorded = writer.record(
        request,
        response,
        request_type=asked.get("contentType") or request_type,
        response_type=answered.get("contentType") or response_type,
        inference_id=message["inferenceId"],
        event_id=message["inferenceId"],
        at=datetime.fromisoformat(message["eventTime"]),
    )
    writer.flush()
    return recorded


def _read(s3: Any, uri: str) -> tuple[bytes, str]:
    """The content of an object, and its content type; of one that is too large to record, only its beginning."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    found = s3.get_object(Bucket=bucket, Key=key)
    return found["Body"].read(MAX_LINE_BYTES + 1), found.get("ContentType", "")
