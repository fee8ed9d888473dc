"""Whoever writes a record that somebody else changed or deleted meanwhile is told so in one sentence."""

import boto3
import pytest

from chalicelib import locations
from chalicelib.errors import NotReady
from chalicelib.settings import settings
from vedette.installation import state
from vedette.installation.project import Project
from vedette.operations import aws

pytestmark = pytest.mark.usefixtures("stage")


def change(key: str) -> None:
    boto3.client("s3").put_object(Bucket=settings().bucket, Key=key, Body=b'{"theirs": 1}')


def delete(key: str) -> None:
    boto3.client("s3").delete_object(Bucket=settings().bucket, Key=key)


@pytest.mark.parametrize("meanwhile", [change, delete])
def test_a_fleet_that_was_changed_or_deleted_meanwhile_is_not_overwritten(meanwhile):
    fleet, etag = aws.get_fleet()
    meanwhile(locations.fleet())
    with pytest.raises(NotReady, match="Someone else changed the fleet at the same time"):
        aws.put_fleet(fleet, etag)


@pytest.mark.parametrize("meanwhile", [change, delete])
def test_the_state_of_another_deployment_is_not_overwritten(tmp_path, meanwhile):
    project, bucket = Project(tmp_path), settings().bucket
    project.deployed("dev").parent.mkdir(parents=True)
    project.deployed("dev").write_text("{}")
    state.put_deployed(project, "dev", bucket, "")
    etag = state.fetch_deployed(project, "dev", bucket)
    project.deployed("dev").write_text('{"resources": []}')
    meanwhile(state.DEPLOYED)
    with pytest.raises(NotReady, match="Another deployment of stage dev ran at the same time"):
        state.put_deployed(project, "dev", bucket, etag)
