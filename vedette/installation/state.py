"""The state between two deployments, stored in the stage's bucket, so that any machine can deploy.

| object                       | content                                                                       |
|------------------------------|-------------------------------------------------------------------------------|
| config/chalice/stage.json    | the stage's entry in .chalice/config.json, its policies, its merge template   |
| config/chalice/deployed.json | .chalice/deployed/{stage}.json                                                |

Without the second, Chalice would still update its functions, but no longer know what to delete
(https://github.com/aws/chalice/issues/1075). Of two deployments at the same time, the second to write gets an error.
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.aws.clients import client
from chalicelib.errors import NotReady
from vedette.installation.functions import NAMES
from vedette.installation.project import Project, write
from vedette.operations.aws import CHANGED_MEANWHILE, NOT_THERE, code
from vedette.operations.installations import STAGE_CONFIGURATION

STAGE, DEPLOYED = STAGE_CONFIGURATION, "config/chalice/deployed.json"


def put_configuration(project: Project, stage: str, bucket: str) -> None:
    """Store the configuration of a stage."""
    folder = project.folder(stage)
    files = [*(f"policy-{name}.json" for name in NAMES), "merge-template.json"]
    written = {name: json.loads((folder / name).read_bytes()) for name in files}
    content = {"entry": project.stage(stage), "files": written}
    _put(bucket, STAGE, json.dumps(content, indent=2).encode())


def fetch_configuration(project: Project, stage: str, bucket: str) -> bool:
    """Write the stored configuration of a stage to the project; False if there is none."""
    content, _ = _get(bucket, STAGE)
    if content is None:
        return False
    stored: dict[str, Any] = json.loads(content)
    project.write_stage(stage, stored["entry"])
    for name, document in stored["files"].items():
        write(project.folder(stage) / name, document)
    return True


def fetch_deployed(project: Project, stage: str, bucket: str) -> str:
    """Write Chalice's stored state to the project; returns its ETag, or "" if there is none."""
    content, etag = _get(bucket, DEPLOYED)
    file = project.deployed(stage)
    if content is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return etag


def put_deployed(project: Project, stage: str, bucket: str, etag: str) -> None:
    """Store Chalice's state, if the stored one still has this ETag.

    Raises
    ------
    NotReady
        If another deployment ran at the same time.
    """
    condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
    try:
        _put(bucket, DEPLOYED, project.deployed(stage).read_bytes(), **condition)
    except ClientError as error:
        if code(error) in CHANGED_MEANWHILE:
            raise NotReady(f"Another deployment of stage {stage} ran at the same time; deploy again.") from error
        raise


def delete_deployed(bucket: str) -> None:
    """Delete Chalice's stored state."""
    client("s3").delete_object(Bucket=bucket, Key=DEPLOYED)


def _get(bucket: str, key: str) -> tuple[bytes | None, str]:
    try:
        answer = client("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if code(error) in NOT_THERE:
            return None, ""
        raise
    return answer["Body"].read(), str(answer["ETag"])


def _put(bucket: str, key: str, body: bytes, **condition: str) -> None:
    client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)
