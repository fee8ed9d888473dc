"""`vedette register`: register a model as the next version of its model package group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from vedette.cli import stage
from vedette.cli.stage import CommandIO


@stage.command("register", changes=True)
@click.argument("group")
@click.option("--image", help="The container image of the model.")
@click.option(
    "--algorithm",
    help="The name of a SageMaker built-in algorithm. This needs the SageMaker SDK (vedette[sagemaker]; or version 2).",
)
@click.option("--algorithm-version", help="The version of the algorithm's image, if there are several.")
@click.option("--model-data", required=True, metavar="S3_URI", help="The trained model: a model.tar.gz in S3.")
@click.option("--content-type", multiple=True, help="A content type of the model. [default: text/csv]")
@click.option("--instance-type", multiple=True, help="A supported instance type; list the preferred type first.")
@click.option("--baseline", metavar="DIR|S3_URI", help="A folder with statistics.json and constraints.json.")
@click.option("--sample-payload", type=click.Path(dir_okay=False, path_type=Path), help="A file with a sample request.")
@click.option("--approve", is_flag=True, help="Register the version as Approved instead of PendingManualApproval.")
def register_command(io: CommandIO, group: str, **params: Any) -> None:
    """Register a model as the next version of GROUP.

    The group is created if it does not exist. The baseline belongs to the version: it takes effect when the version is
    deployed. A version is deployed only after it is approved.

    \b
    Examples:
      vedette register site --algorithm knn --model-data s3://my-bucket/knn/model.tar.gz --baseline baseline/
      vedette register site --image 1234.dkr.ecr.eu-west-1.amazonaws.com/m:1 --model-data s3://b/model.tar.gz --approve
    """  # noqa: D301
    from chalicelib.registry.versions import version_of
    from chalicelib.settings import settings
    from vedette.operations import images, packages

    image, algorithm = params["image"], params["algorithm"]
    if (image is None) == (algorithm is None):
        raise click.UsageError("Give either --image or --algorithm.")
    registration = packages.prepare(
        group,
        image or images.image_of(algorithm, settings().region, params["algorithm_version"]),
        params["model_data"],
        content_types=params["content_type"] or ("text/csv",),
        instance_types=params["instance_type"],
        baseline=params["baseline"],
        sample_payload=params["sample_payload"],
        status="Approved" if params["approve"] else "PendingManualApproval",
    )
    data: dict[str, Any] = {
        "request": registration.request,
        "uploads": [f"s3://{settings().bucket}/{key}" for key in registration.uploads],
        "new_group": registration.new_group,
    }
    io.say(f"{'New group' if registration.new_group else 'Group'} {group}, image")
    io.say(f"  {registration.request['InferenceSpecification']['Containers'][0]['Image']}")
    io.say(*(f"  upload {uri}" for uri in data["uploads"]))
    if io.confirm("Register this version?"):
        arn = packages.register(registration)
        data["package_arn"] = arn
        io.say(f"Registered version {version_of(arn)} of {group}, {registration.request['ModelApprovalStatus']}:", arn)
    io.emit(data)
