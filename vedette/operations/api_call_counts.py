"""Calls to AWS by situation, written by `python -m vedette.local.api_call_counter`."""

COUNTED = "2026-11-22"
COUNTS: dict[str, dict[str, int]] = {
    "look": {
        "dynamodb:GetItem": 1,
        "s3:GetObject": 1,
        "s3:ListObjectsV2": 2,
    },
    "object": {
        "s3:GetObject": 6,
        "s3:PutObject": 1,
    },
    "look: first object": {
        "dynamodb:GetItem": 1,
        "dynamodb:Query": 1,
        "s3:GetObject": 4,
    },
    "look: next object": {
        "s3:GetObject": 1,
    },
    "window": {
        "dynamodb:GetItem": 5,
        "dynamodb:Query": 2,
        "events:PutEvents": 1,
        "s3:GetObject": 5,
        "s3:ListObjectsV2": 4,
        "s3:PutObject": 4,
        "sagemaker:DescribeEndpoint": 1,
        "sagemaker:DescribeEndpointConfig": 1,
        "sagemaker:DescribeModel": 1,
    },
    "verdict": {
        "dynamodb:GetItem": 1,
        "dynamodb:PutItem": 1,
        "dynamodb:Query": 2,
        "s3:GetObject": 2,
    },
    "sweep": {
        "dynamodb:GetItem": 4,
        "dynamodb:PutItem": 1,
        "dynamodb:Query": 1,
        "s3:GetObject": 2,
        "s3:ListObjectsV2": 3,
        "sagemaker:DescribeEndpoint": 1,
        "sagemaker:ListMonitoringExecutions": 1,
    },
    "violating object": {
        "events:PutEvents": 1,
        "s3:GetObject": 7,
        "s3:PutObject": 4,
        "sagemaker:DescribeEndpoint": 1,
        "sagemaker:DescribeEndpointConfig": 1,
        "sagemaker:DescribeModel": 1,
    },
    "alert": {
        "dynamodb:GetItem": 2,
        "dynamodb:PutItem": 2,
        "dynamodb:Query": 2,
        "s3:GetObject": 3,
        "sns:GetTopicAttributes": 1,
        "sns:Publish": 1,
    },
    "drift window": {
        "dynamodb:GetItem": 2,
        "dynamodb:Query": 1,
        "events:PutEvents": 1,
        "s3:GetObject": 4,
        "s3:ListObjectsV2": 2,
        "s3:PutObject": 4,
    },
    "fan-out": {
        "lambda:Invoke": 1,
    },
    "unsampled object": {
        "s3:GetObject": 2,
    },
}
