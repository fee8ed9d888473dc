"""Runs in the environment of sagemaker-core: opens files in S3 by the SDK's own classes, and prints what they hold.

    python sagemaker_files.py BUCKET KEY...

Each file is also saved again beside itself, under `saved/`, by the SDK. The last constraints get one feature switched
off by `Constraints.set_monitoring`, which writes an override in the SDK's own spelling.
"""

import copy
import json
import sys

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.model_monitor import Constraints, ConstraintViolations, Statistics

CLASSES = {
    "statistics.json": Statistics,
    "constraints.json": Constraints,
    "constraint_violations.json": ConstraintViolations,
}


def main(bucket: str, keys: list[str]) -> None:
    session = Session(boto_session=boto3.Session(), default_bucket=bucket)
    opened = {}
    for key in keys:
        file = CLASSES[key.rpartition("/")[2]].from_s3_uri(f"s3://{bucket}/{key}", sagemaker_session=session)
        opened[key] = copy.deepcopy(file.body_dict)
        if isinstance(file, Constraints):
            texts = [feature["name"] for feature in file.body_dict["features"] if "string_constraints" in feature]
            for name in texts[:1]:
                file.set_monitoring(False, name)
        file.save(f"s3://{bucket}/saved/{key}")
    json.dump(opened, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
