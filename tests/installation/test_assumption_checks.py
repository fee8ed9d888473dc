"""The AWS simulator satisfies each assumption that `make aws-check` settles in an account."""

import sys
from datetime import UTC, datetime
from types import ModuleType

import boto3
import pytest

from tests.installation.conftest import cloned
from vedette.installation import assumption_checks
from vedette.installation.assumption_checks import CHECKS, Check, Outcome
from vedette.installation.check_report import Run, report
from vedette.local.assumptions import ASSUMPTIONS
from vedette.operations import stages

IMAGE = "174872318107.dkr.ecr.us-west-2.amazonaws.com/knn:1"


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A stage that is set up, and entered."""
    with cloned(tmp_path_factory.mktemp("clone")) as made:
        made.done("setup", "--stage", "dev", "--email", "oncall@example.com", "--yes")
        with stages.entered(made.project.stage("dev")["environment_variables"], None, None) as settings:
            yield settings


@pytest.fixture
def sdk(monkeypatch):
    """A SageMaker SDK with the image of one algorithm."""
    for name in ("sagemaker", "sagemaker.core", "sagemaker.core.image_uris"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["sagemaker.core.image_uris"].retrieve = lambda algorithm, region, version: IMAGE


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.slugs[0])
def test_the_simulator_confirms_each_assumption(check, stage, sdk):
    found = list(assumption_checks.run((check,), stage))
    assert [(one.slug, one.outcome) for one in found] == [(slug, Outcome.CONFIRMED) for slug in check.slugs], found


def test_a_check_leaves_nothing_behind(stage, sdk):
    sagemaker = boto3.client("sagemaker")
    list(assumption_checks.run(CHECKS, stage))
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    assert [
        r["Name"] for r in boto3.client("events").list_rules()["Rules"] if r["Name"] == assumption_checks.NAME
    ] == []


def test_each_check_names_assumptions_of_the_page():
    slugs = [slug for check in CHECKS for slug in check.slugs]
    assert len(slugs) == len(set(slugs))
    assert set(slugs) <= {one.slug for one in ASSUMPTIONS}


def test_what_aws_takes_although_an_assumption_says_that_it_refuses_is_refuted(stage):
    listed = boto3.client("s3").list_buckets
    (found,) = assumption_checks.run((Check(("x",), lambda _: assumption_checks.refused(listed)),), stage)
    assert (found.outcome, found.evidence) == (Outcome.REFUTED, "list_buckets succeeded")


def test_another_refusal_than_the_assumed_one_is_refuted(stage):
    def missing(_):
        get = boto3.client("s3").get_object
        return assumption_checks.refused(get, "AccessDenied", Bucket=stage.bucket, Key="no")

    (found,) = assumption_checks.run((Check(("x",), missing),), stage)
    assert (found.outcome, found.evidence[:9]) == (Outcome.REFUTED, "NoSuchKey")


def test_without_an_sdk_the_assumptions_about_versions_are_not_settled(stage):
    (check,) = (one for one in CHECKS if one.slugs == ("version-name",))
    (found,) = assumption_checks.run((check,), stage)
    assert found.outcome == Outcome.NOT_SETTLED
    assert "SageMaker SDK" in found.evidence


def test_the_report_names_each_assumption_once_and_hides_the_account(stage, sdk):
    settled = list(assumption_checks.run(CHECKS, stage))
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    run = Run("dev", stage.account, stage.region, moment, moment, ["it worked"], "", {"s3": 3}, "0.10 USD")
    text = report(run, settled)
    assert all(text.count(f"`{one.slug}`") == 1 for one in settled)
    others = text.rpartition("\n\n")[2]
    assert all(one.slug in others for one in ASSUMPTIONS if one.slug not in {s.slug for s in settled})
    assert stage.account not in text
    assert f"0 {Outcome.REFUTED}" in text
