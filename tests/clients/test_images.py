"""`vedette register --algorithm` takes images from the SageMaker SDK that the user has, whichever version it is."""

import os
import subprocess
import tomllib

import pytest

from tests.clients.conftest import ENVIRONMENTS, ROOT

PROGRAM = """
from chalicelib.errors import VedetteError
from vedette.operations.images import image_of
for asked in ("knn eu-west-1", "linear-learner us-west-2", "nothing eu-west-1", "knn x"):
    try:
        print(image_of(*asked.split()))
    except VedetteError as error:
        print(str(error)[:75])
"""


@pytest.mark.parametrize("environment", ["sagemaker_v2", "sagemaker"])
def test_both_versions_of_the_sdk_give_the_same_images_and_errors(programs_of, environment):
    done = subprocess.run(
        [programs_of(environment) / "python", "-c", PROGRAM],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == [
        "438346466558.dkr.ecr.eu-west-1.amazonaws.com/knn:1",
        "174872318107.dkr.ecr.us-west-2.amazonaws.com/linear-learner:1",
        "The SageMaker SDK does not know the algorithm nothing.",
        "The SageMaker SDK does not know an image of knn: Unsupported region: x. You",
    ], done.stderr
    assert done.stderr == ""


def test_the_extra_installs_the_version_that_is_tested():
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["sagemaker"]
    assert extra == (ENVIRONMENTS / "sagemaker.in").read_text().split()
