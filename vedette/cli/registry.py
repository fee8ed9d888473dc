"""`vedette register`: a model as the next version of its group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vedette.cli import stage
from vedette.cli.stage import CommandIO


@stage.command("register", changes=True)
@click.argument("group")
@click.option("--image", help="Container image of the model.")
@click.option("--algorithm", help="One of SageMaker's own algorithms, by name; needs the extra vedette[sagemaker].")
@click.option("--algorithm-version", help="Version of the algorithm's image, where it has several.")
@click.option("--model-data", required=True, metavar="S3_URI", help="The trained model, a model.tar.gz in S3.")
@click.option("--content-type", multiple=True, help="What the model takes and returns. [default: text/csv]")
@click.option("--instance-type", multiple=True, help="Instance types that the version supports, the best first.")
@click.option("--baseline", metavar="DIR|S3_URI", help="Folder of statistics.json and constraints.json.")
@click.option("--sample-payload", type=click.Path(dir_okay=False, path_type=Path), help="A request as a file.")
@click.option("--approve", is_flag=True, help="Register it as Approved, not as PendingManualApproval.")
def register_command(io: CommandIO, group: str, **given: Any) -> None:
    """Register a model as the next version of GROUP.

    The group is made if it is new. The baseline comes with the version: when the version is deployed, its baseline is
    put in force. Nothing is deployed before the version is approved.

    \b
    Examples:
      vedette register site --algorithm knn --model-data s3://my-bucket/knn/model.tar.gz --baseline baseline/
      vedette register site --image 1234.dkr.ecr.eu-west-1.amazonaws.com/m:1 --model-data s3://b/model.tar.gz --approve
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from chalicelib.settings import settings
    from vedette.operations import packages

    image, algorithm = given["image"], given["algorithm"]
    if (image is None) == (algorithm is None):
        raise click.UsageError("Give either --image or --algorithm.")
    registration = packages.prepare(
        group,
        image or packages.image_of(algorithm, settings().region, given["algorithm_version"]),
        given["model_data"],
        content_types=given["content_type"] or ("text/csv",),
        instance_types=given["instance_type"],
        baseline=given["baseline"],
        sample_payload=given["sample_payload"],
        status="Approved" if given["approve"] else "PendingManualApproval",
    )
    data: dict[str, Any] = {
        "request": registration.request,
        "uploads": [f"s3://{settings().bucket}/{key}" for key in registration.uploads],
        "new_group": registration.new_group,
    }
    io.say(f"{'A new group' if registration.new_group else 'Group'} {group}, image")
    io.say(f"  {registration.request['InferenceSpecification']['Containers'][0]['Image']}")
    io.say(*(f"  upload {uri}" for uri in data["uploads"]))
    if io.confirm("Register this version?"):
        arn = packages.register(registration)
        data["package_arn"] = arn
        io.say(f"Registered version {version_of(arn)} of {group}, {registration.request['ModelApprovalStatus']}:", arn)
    io.emit(data)
