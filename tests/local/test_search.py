"""SageMaker Search finds what the account holds by the fields, lists and tags of each record."""

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def search(account):
    account.endpoint("site")
    account.client("sagemaker").create_model_package_group(
        ModelPackageGroupName="group", Tags=[{"Key": "team", "Value": "search"}]
    )

    def names(resource: str, *filters: dict, **more) -> list[str]:
        expression = {"Filters": list(filters), **({"Operator": more.pop("operator")} if "operator" in more else {})}
        found = account.client("sagemaker").search(
            Resource=resource, **({"SearchExpression": expression} if filters else {}), **more
        )
        assert found["TotalHits"]["Value"] >= len(found["Results"])
        records = [one[resource] for one in found["Results"]]
        return sorted((one.get("Model") or one)[f"{resource}Name"] for one in records)

    return names


def where(name: str, value: str = "", operator: str = "Equals") -> dict:
    return {"Name": name, "Operator": operator, **({"Value": value} if value else {})}


def test_records_are_found_by_their_fields(search):
    assert search("Endpoint") == ["site"]
    assert search("Endpoint", where("EndpointStatus", "InService")) == ["site"]
    assert search("Endpoint", where("EndpointStatus", "Failed")) == []
    assert search("Endpoint", where("ProductionVariants.CurrentWeight", "0.5", "GreaterThan")) == ["site"]
    assert search("Endpoint", where("CreationTime", "2020-01-01T00:00:00Z", "LessThan")) == []
    assert search("Endpoint", where("FailureReason", operator="Exists")) == []
    assert search("Model", where("ModelName", "model", "Contains")) == ["site-model"]
    assert search("ModelPackageGroup", where("Tags.team", "search")) == ["group"]
    assert search("ModelPackageGroup", where("Tags.team", "other")) == []


def test_filters_are_joined_by_and_or_by_or(search):
    both = (where("EndpointName", "site"), where("EndpointStatus", "Failed"))
    assert search("Endpoint", *both) == []
    assert search("Endpoint", *both, operator="Or") == ["site"]


def test_what_the_simulator_does_not_search_is_refused(search):
    with pytest.raises(ClientError, match="does not search TrainingJob"):
        search("TrainingJob")
    with pytest.raises(ClientError, match="A value is required"):
        search("Endpoint", where("EndpointName"))
