"""What doctor says of the endpoints of the fleet."""

import pytest
from msgspec.structs import replace

from chalicelib.endpoint_run import stage_stores
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import FleetEntry, Mode
from tests.installation.conftest import cloned
from tests.installation.test_doctor import MAIL, findings
from vedette.demo import user_actions
from vedette.operations import stages

ENTRY = FleetEntry(endpoint="two", mode=Mode.DEPLOY, package_group="group")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    with cloned(tmp_path_factory.mktemp("clone")) as made:
        made.done("setup", "--stage", "dev", *MAIL, "--yes")
        yield made


def apply(clone, *entries: FleetEntry) -> None:
    with stages.entered(clone.project.stage("dev")["environment_variables"], None, None):
        user_actions.apply_fleet(*entries)
        assert stage_stores().fleet.get().entries == entries


def test_a_kind_that_vedette_does_not_deploy_to_is_a_fault_that_names_it_and_the_way_out(clone):
    sagemaker = clone.client("sagemaker")
    sagemaker.create_model(
        ModelName="m",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/theirs",
        PrimaryContainer={"Image": user_actions.IMAGES["knn"]},
    )
    one = {"ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    variants = [{"VariantName": name, **one} for name in ("blue", "green")]
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="two", EndpointConfigName="c")
    apply(clone, ENTRY, replace(ENTRY, endpoint="later", package_group="another"))
    found = findings(clone)
    assert found["Vedette can deploy to later"]["outcome"] == "ok"
    fault = found["Vedette can deploy to two"]
    assert fault["outcome"] == "fault"
    assert fault["found"].startswith("the endpoint is a multi-variant endpoint (2 variants)")
    assert "--mode alert" in str(fault)
    apply(clone, replace(ENTRY, mode=Mode.ALERT))
    assert "Vedette can deploy to two" not in findings(clone)


def test_a_place_of_labels_that_the_stage_does_not_read_is_a_fault(clone):
    def labelled(*places: str) -> FleetEntry:
        settings = QualitySettings(problem_type=ProblemType.REGRESSION, ground_truth=places)
        return replace(ENTRY, mode=Mode.ALERT, quality=settings)

    apply(clone, labelled())
    assert "the stage reads the labels of two" not in findings(clone)  # the stage's own place
    apply(clone, labelled("s3://lake/labels"))
    fault = findings(clone)["the stage reads the labels of two"]
    assert fault["outcome"] == "fault"
    assert fault["found"] == "VEDETTE_GROUND_TRUTH_SOURCES does not name s3://lake/labels"
    assert "--ground-truth-source lake/labels/" in str(fault)


def test_a_place_of_own_records_that_the_stage_does_not_read_is_a_fault(clone):
    apply(clone, FleetEntry(endpoint="scores", records="s3://lake/records"))
    fault = findings(clone)["the stage reads the captures of scores"]
    assert (fault["outcome"], fault["found"]) == ("fault", "VEDETTE_CAPTURE_SOURCES does not name s3://lake/records")
    assert "--capture-source lake/records/" in str(fault)
