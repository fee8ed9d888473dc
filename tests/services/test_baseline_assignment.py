"""The baselines that a model package names come into force with its version: of captured data, and of model quality."""

import json

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import BaselineInForce, Deployment
from chalicelib.services.baseline_assignment import assign_baseline
from tests.runs import run_of_entry
from tests.services.conftest import ENDPOINT, ENTRY

QUALITY = QualitySettings(problem_type=ProblemType.BINARY, score="0")
LABELLED = replace(ENTRY, quality=QUALITY)


def metrics_source(world, name: str, threshold: float = 0.8, content: bytes | None = None) -> dict:
    """A constraints.json of model quality in S3, as a package names it."""
    limit = {"threshold": threshold, "comparison_operator": "LessThanThreshold"}
    document = {"version": 0.0, "binary_classification_constraints": {"recall": limit}}
    key = f"models/{name}/constraints.json"
    body = json.dumps(document).encode() if content is None else content
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=body)
    return {"Constraints": {"ContentType": "application/json", "S3Uri": f"s3://{world.bucket}/{key}"}}


def deployed(world, number: int, entry=LABELLED, **package) -> str:
    """Register a version and assign the baselines as when it is verified; the sentence of the notification."""
    arn = world.register_with(**package)
    run = run_of_entry(entry)
    served = Deployment(
        endpoint=ENDPOINT,
        package_arn=arn,
        package_version=str(number),
        config="c",
        previous_config="",
        previous_package_arn="",
        requested_at=run.now,
        state="requested",
    )
    return assign_baseline(run, served)


def threshold_in_force() -> float | None:
    found = stage_stores().quality_baselines.get_in_force(ENDPOINT)
    return found.content.constraints.thresholds["recall"].threshold if found else None


@pytest.fixture
def registry(world):
    world.apply(replace(ENTRY, mode="observe"))
    return world


def test_the_drift_check_baseline_of_model_quality_comes_before_the_models_own_metrics(registry):
    checked = {"DriftCheckBaselines": {"ModelQuality": metrics_source(registry, "checked", 0.7)}}
    measured = {"ModelMetrics": {"ModelQuality": metrics_source(registry, "measured", 0.9)}}
    of_data = stage_stores().baselines.in_force(ENDPOINT)
    assert "of model quality package-1, brought by version 1" in deployed(registry, 1, **checked, **measured)
    assert threshold_in_force() == 0.7
    assert "of model quality package-2, brought by version 2" in deployed(registry, 2, **measured)
    assert threshold_in_force() == 0.9
    assert stage_stores().baselines.in_force(ENDPOINT) == of_data, "the baseline of captured data is another one"


def test_metrics_without_constraints_are_no_baseline(registry):
    statistics = {"Statistics": metrics_source(registry, "only")["Constraints"]}
    said = deployed(registry, 1, ModelMetrics={"ModelQuality": statistics})
    assert said.endswith("of model quality none: the labels are not evaluated")
    assert threshold_in_force() is None


def test_without_a_quality_table_a_baseline_of_model_quality_is_not_read(registry):
    said = deployed(registry, 1, ENTRY, DriftCheckBaselines={"ModelQuality": metrics_source(registry, "checked")})
    assert "model quality" not in said
    assert threshold_in_force() is None


def test_a_version_without_a_baseline_ends_that_of_another_version_and_not_that_of_a_person(registry):
    deployed(registry, 1, DriftCheckBaselines={"ModelQuality": metrics_source(registry, "checked")})
    said = deployed(registry, 2)
    assert said.endswith("of model quality none: the previous one belongs to version 1")
    assert threshold_in_force() is None
    by_ann = BaselineInForce(version="v1", by="ann", at=run_of_entry(LABELLED).now)
    limit = metrics_source(registry, "ann", 0.6)["Constraints"]["S3Uri"].split("/", 3)[3]
    stage_stores().quality_baselines.put(ENDPOINT, by_ann, stage_stores().bucket.get(limit), None)
    assert deployed(registry, 3).endswith("of model quality v1, put in force by ann")
    assert threshold_in_force() == 0.6


def test_the_baseline_of_the_fleet_is_used_where_the_package_names_none(registry):
    uri = metrics_source(registry, "fleet", 0.5)["Constraints"]["S3Uri"]
    entry = replace(ENTRY, quality=replace(QUALITY, baseline=uri))
    assert deployed(registry, 1, entry).endswith("of model quality package-1, brought by the fleet")
    assert threshold_in_force() == 0.5
    named = {"DriftCheckBaselines": {"ModelQuality": metrics_source(registry, "checked", 0.7)}}
    assert deployed(registry, 2, entry, **named).endswith("package-2, brought by version 2")
    assert threshold_in_force() == 0.7


@pytest.mark.parametrize("content", [b'{"version": 0.0, "features": []}', b"{", b""])
def test_a_file_that_is_no_baseline_of_model_quality_leaves_no_baseline_of_another_version(registry, content):
    deployed(registry, 1, DriftCheckBaselines={"ModelQuality": metrics_source(registry, "good")})
    bad = metrics_source(registry, "bad", content=content)
    said = deployed(registry, 2, DriftCheckBaselines={"ModelQuality": bad})
    assert f"of model quality none: {bad['Constraints']['S3Uri']}: " in said
    assert threshold_in_force() is None


def test_a_file_that_cannot_be_read_leaves_the_baseline_that_a_person_put_in_force_and_says_so(registry):
    before = stage_stores().baselines.in_force(ENDPOINT)
    missing = {"Constraints": {"ContentType": "application/json", "S3Uri": f"s3://{registry.bucket}/models/none.json"}}
    said = deployed(registry, 1, ENTRY, DriftCheckBaselines={"ModelDataQuality": missing})
    assert stage_stores().baselines.in_force(ENDPOINT) == before
    why = f"that of version 1 cannot be used: s3://{registry.bucket}/models/none.json: missing"
    assert said == f"{before.version}, put in force by demo; {why}"


def test_the_copy_of_the_fleets_baseline_stays_when_its_file_cannot_be_read_any_more(registry):
    uri = metrics_source(registry, "fleet", 0.5)["Constraints"]["S3Uri"]
    entry = replace(ENTRY, quality=replace(QUALITY, baseline=uri))
    deployed(registry, 1, entry)
    boto3.client("s3").delete_object(Bucket=registry.bucket, Key=uri.split("/", 3)[3])
    said = deployed(registry, 2, entry)
    assert said.endswith(f"package-1, put in force by the fleet; that of the fleet cannot be used: {uri}: missing")
    assert threshold_in_force() == 0.5


def test_a_deployed_version_brings_its_baseline_of_model_quality_and_the_mail_says_so(world):
    world.apply(LABELLED)
    boto3.client("sagemaker").create_model_package_group(ModelPackageGroupName=ENDPOINT)
    world.register_with(ModelMetrics={"ModelQuality": metrics_source(world, "measured", 0.9)})
    world.cloud.turn(minutes=10)
    assert "of model quality package-1, brought by version 1" in world.deployment_words
    assert threshold_in_force() == 0.9
