"""Registering a model: what the version holds, what lies in the bucket, and what is refused."""

import io
import sys
import tarfile
import types

import boto3
import pytest

from chalicelib.aws import s3
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import VedetteError
from chalicelib.settings import settings
from tests.operations.installed_stage import SITE, TRAINING
from vedette.demo import user_actions
from vedette.operations import images


@pytest.fixture
def baseline(stage, tmp_path):
    (tmp_path / "train.csv").write_bytes(b"label,a,b\n" + TRAINING)
    stage.done("baseline", tmp_path / "train.csv", "-o", tmp_path / "baseline")
    return tmp_path / "baseline"


def register(stage, *more, data=None):
    return ("register", SITE, "--image", user_actions.IMAGES["knn"], "--model-data", data or stage.model_data(), *more)


def package(arn):
    return boto3.client("sagemaker").describe_model_package(ModelPackageName=arn)


def test_a_version_is_pending_and_holds_everything_that_deploying_and_watching_it_needs(stage, baseline, tmp_path):
    (tmp_path / "row.csv").write_text("60,70\n")
    arguments = register(
        stage, "--baseline", baseline, "--sample-payload", tmp_path / "row.csv", "--instance-type", "ml.c5.large"
    )
    found = package(stage.answer(*arguments, "--yes")["package_arn"])
    assert (found["ModelApprovalStatus"], found["ModelPackageVersion"]) == ("PendingManualApproval", 1)
    specification = found["InferenceSpecification"]
    assert specification["SupportedRealtimeInferenceInstanceTypes"] == ["ml.c5.large"]
    assert specification["SupportedContentTypes"] == ["text/csv"]
    settings.cache_clear()
    for name, source in found["DriftCheckBaselines"]["ModelDataQuality"].items():
        assert s3.get_uri(source["S3Uri"]) == (baseline / f"{name.lower()}.json").read_bytes()
    packed = s3.get_uri(found["SamplePayloadUrl"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert [tar.extractfile(member).read() for member in tar] == [b"60,70\n"]


def test_an_approved_version_is_deployed_and_its_baseline_is_in_force_afterwards(stage, baseline):
    stage.done(*register(stage, "--baseline", baseline, "--approve", "--yes"))
    stage.cloud.turn(minutes=25)
    from chalicelib.endpoint_run import stage_stores

    settings.cache_clear()
    assert (stage.served(), stage_stores().baselines.get_in_force(SITE).version) == ("1", "package-1")


def test_the_same_baseline_twice_is_one_object_and_the_group_is_made_once(stage, baseline):
    for _ in range(2):
        stage.done(*register(stage, "--baseline", baseline, "--yes"))
    keys = [found.key for found in stage_stores().bucket.list_objects(f"baselines/{SITE}/registered-")]
    assert len(keys) == 2
    assert len(stage.cloud.sagemaker.registry.groups) == 1


def test_a_baseline_in_another_place_of_s3_is_copied_into_the_stages_bucket(stage, baseline):
    boto3.client("s3").create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    content = (baseline / "constraints.json").read_bytes()
    boto3.client("s3").put_object(Bucket="lake", Key="base/constraints.json", Body=content)
    found = stage.answer(*register(stage, "--baseline", "s3://lake/base", "--dry-run"))
    quality = found["request"]["DriftCheckBaselines"]["ModelDataQuality"]
    assert list(quality) == ["Constraints"]
    assert quality["Constraints"]["S3Uri"].startswith(f"s3://{stage.bucket}/baselines/{SITE}/registered-")


def test_a_dry_run_shows_the_request_and_registers_nothing(stage, baseline):
    data = stage.model_data()
    before = len(stage.changes())
    found = stage.answer(*register(stage, "--baseline", baseline, "--dry-run", data=data))
    assert (found["new_group"], len(found["uploads"]), stage.changes()[before:]) == (True, 2, [])


def test_what_cannot_be_registered_is_one_sentence(stage, tmp_path):
    bucket = stage.bucket
    assert stage.refused(*register(stage, data="model.tar.gz")).startswith("--model-data must be an S3 URI")
    assert stage.refused(*register(stage, data=f"s3://{bucket}/no-such")) == f"s3://{bucket}/no-such: no such object"
    assert "constraints.json: no such file" in stage.refused(*register(stage, "--baseline", tmp_path))
    (tmp_path / "constraints.json").write_text("{")
    assert "constraints.json: " in stage.refused(*register(stage, "--baseline", tmp_path))
    assert "no such file" in stage.refused(*register(stage, "--sample-payload", tmp_path / "x"))
    assert stage.refused("register", "a_b", "--image", "i", "--model-data", "s3://b/k").startswith(
        "'a_b' is not a SageMaker name"
    )
    assert stage.refused("register", SITE, "--model-data", "s3://b/k") == "Give either --image or --algorithm."


def test_an_algorithm_needs_the_sdk_and_says_so(stage, monkeypatch):
    monkeypatch.setitem(sys.modules, "sagemaker", None)
    sentence = stage.refused("register", SITE, "--algorithm", "knn", "--model-data", "s3://b/k")
    assert (
        sentence
        == "--algorithm needs the SageMaker SDK (pip install 'vedette[sagemaker]'); or name the image with --image."
    )


def retrieve(framework, region, version=None):
    if framework != "knn":
        raise FileNotFoundError(f"image_uri_config/{framework}.json")
    if region == "nowhere-1":
        raise ValueError("Unsupported region:\n nowhere-1.")
    sys.stdout.write("where I looked for my settings\n")
    return f"1.dkr.ecr.{region}.amazonaws.com/knn:{version or 1}"


@pytest.mark.parametrize("module", ["sagemaker.core.image_uris", "sagemaker.image_uris"])
def test_the_image_of_an_algorithm_is_the_sdks_whichever_version_is_installed(monkeypatch, capsys, module):
    for name in ("sagemaker", "sagemaker.core", "sagemaker.core.image_uris", "sagemaker.image_uris"):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(__path__=[]) if module.startswith(name) else None)
    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(retrieve=retrieve))
    assert images.image_of("knn", "eu-west-1") == "1.dkr.ecr.eu-west-1.amazonaws.com/knn:1"
    assert capsys.readouterr() == ("", "")
    with pytest.raises(VedetteError, match="The SageMaker SDK does not know an image of knn: Unsupported region: now"):
        images.image_of("knn", "nowhere-1")
    with pytest.raises(VedetteError, match="The SageMaker SDK does not know the algorithm nothing"):
        images.image_of("nothing", "eu-west-1")
