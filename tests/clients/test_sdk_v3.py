"""The loop of register, deploy, update, capture, baseline, schedule, violations and deletion with SDK version 3."""

import pytest

from tests.clients.sites import downloads
from tests.clients.studio import Studio
from vedette.local import Cloud


@pytest.fixture(scope="module")
def looped(programs_of, tmp_path_factory):
    """What the program found, and the cloud as it left it."""
    with Cloud(region="us-west-2") as cloud, cloud.serve() as url:
        studio = Studio(cloud, url, tmp_path_factory.mktemp("studio"), [], downloads())
        try:
            yield studio.result_of(programs_of("sagemaker") / "python", "loop_v3.py"), cloud
        finally:
            studio.close()


def test_the_endpoint_answers_before_and_after_its_update(looped):
    assert looped[0]["answers"] == ["2.0\n", "2\n"]


def test_a_baseline_is_suggested_and_its_edited_constraints_are_violated(looped):
    assert looped[0]["suggested"] == ["Integral", "Fractional", "Fractional"]
    (violation,) = looped[0]["violations"]
    assert (violation["feature_name"], violation["constraint_check_type"]) == ("b", "data_type_check")
    assert violation["description"].endswith("Observed: Only 50.0% of data is Integral.")
    assert looped[0]["statistics"]["dataset"] == {"item_count": 24}


def test_the_schedule_and_the_endpoint_are_gone(looped):
    assert looped[1].sagemaker.monitoring.schedules == {}
    assert looped[1].sagemaker.endpoints.endpoints == {}
