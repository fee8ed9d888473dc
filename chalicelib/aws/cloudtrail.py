"""CloudTrail: who did it."""

import json

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client


def who_updated(endpoint: str, config_name: str) -> str:
    """The ARN of the caller that put an endpoint on a config; "" when the trail has none, or we may not read it.

    Events arrive in the trail minutes later, and LookupEvents allows two requests a second (aws-behaviour:
    cloudtrail-delay, cloudtrail-lookup), so this is looked up only for a config that is not ours.
    """
    try:
        answer = client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "UpdateEndpoint"}], MaxResults=50
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in {"AccessDeniedException", "AccessDenied", "ThrottlingException"}:
            return ""
        raise
    for event in answer.get("Events", ()):
        record = json.loads(event.get("CloudTrailEvent", "{}"))
        request = record.get("requestParameters") or {}
        if (request.get("endpointName"), request.get("endpointConfigName")) == (endpoint, config_name):
            return str((record.get("userIdentity") or {}).get("arn", ""))
    return ""
