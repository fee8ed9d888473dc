"""CloudTrail: who did it."""

import json

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client


def who_updated(endpoint: str, config_name: str) -> str:
    """The ARN of whoever put an endpoint on a config; "" when the trail does not tell, or we may not read it.

    Events arrive in the trail minutes later, and LookupEvents allows two requests a second (aws-behaviour:
    cloudtrail-delay, cloudtrail-lookup), so this is asked only about a config that is not ours.
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
        told = json.loads(event.get("CloudTrailEvent", "{}"))
        asked = told.get("requestParameters") or {}
        if (asked.get("endpointName"), asked.get("endpointConfigName")) == (endpoint, config_name):
            return str((told.get("userIdentity") or {}).get("arn", ""))
    return ""
