"""The requests for models and configs, field by field, and their names."""

from datetime import date

import pytest
from msgspec.structs import replace

from chalicelib.records import FleetEntry
from chalicelib.registry.resource_specs import (
    CODE_VARIABLES,
    canonical_json,
    capture_config,
    changes,
    disallowed_image,
    model_changes,
    new_endpoint_config,
    new_model,
    next_endpoint_config,
    next_model,
    package_of,
    supported_instance_types,
    tags_for,
)

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:model-package/site/{}"
ROLE = "arn:aws:iam::123456789012:role/models"
ENTRY = FleetEntry(endpoint="site", instance_count=2)
TAGS = [{"Key": "vedette:endpoint", "Value": "site"}]
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/data-capture",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}

OF_A_PERSON = {
    "CaptureOptions": [{"CaptureMode": "Input"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv", "text/x-csv"]},
}


def test_equal_content_is_equal_text_whatever_its_order_and_numbers():
    assert canonical_json({"b": [1.0, 0.5], "a": {"d": None, "c": ("x",)}}) == '{"a":{"c":["x"]},"b":[1,0.5]}'
    assert canonical_json({"a": date(2026, 3, 2)}) == '{"a":"2026-03-02"}'


def test_the_first_model_and_config_are_these_and_keep_their_names():
    """Another name for the same wish would change every endpoint once: the names must outlast a release."""
    assert new_model(ARN.format(1), ROLE, TAGS) == {
        "ModelName": "vedette-site-1-593a00de184b",
        "ExecutionRoleArn": ROLE,
        "Containers": [{"ModelPackageName": ARN.format(1)}],
        "Tags": TAGS,
    }
    assert new_endpoint_config(ARN.format(1), "m", ENTRY, "ml.c5.large", "s3://bucket/data-capture", TAGS) == {
        "EndpointConfigName": "vedette-site-1-046b3f031974",
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": "m",
                "InstanceType": "ml.c5.large",
                "InitialInstanceCount": 2,
                "InitialVariantWeight": 1.0,
            }
        ],
        "DataCaptureConfig": CAPTURE,
        "Tags": TAGS,
    }


@pytest.mark.parametrize(
    "containers",
    [
        {"PrimaryContainer": {"Image": "old", "Mode": "SingleModel", "Environment": {"A": "1"}}},
        {"Containers": [{"ModelPackageName": ARN.format(1), "ModelDataUrl": "s3://old", "Environment": {"A": "1"}}]},
    ],
)
def test_the_next_model_keeps_what_does_not_belong_to_the_package(containers):
    served = {"ModelName": "old", "ModelArn": "arn", "ExecutionRoleArn": ROLE, **containers}
    assert next_model(served, ARN.format(2), TAGS) == {
        "ModelName": "vedette-site-2-d0d857219872",
        "ExecutionRoleArn": ROLE,
        "Containers": [{"Environment": {"A": "1"}, "ModelPackageName": ARN.format(2)}],
        "Tags": TAGS,
    }


def test_variables_that_name_the_code_or_the_model_of_the_old_package_do_not_pass_on():
    stays = {
        "SAGEMAKER_REGION": "eu-west-1",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "HF_TASK": "fill-mask",
        "MINE": "1",
    }
    environment = dict.fromkeys(CODE_VARIABLES, "old") | stays
    served = {"PrimaryContainer": {"Image": "old", "Environment": environment}}
    assert {"SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY", "HF_MODEL_ID"} <= CODE_VARIABLES
    (container,) = next_model(served, ARN.format(2), TAGS)["Containers"]
    assert container == {"Environment": stays, "ModelPackageName": ARN.format(2)}
    only_code = {"PrimaryContainer": {"Environment": {"SAGEMAKER_PROGRAM": "old.py"}}}
    assert next_model(only_code, ARN.format(2), TAGS)["Containers"] == [{"ModelPackageName": ARN.format(2)}]


def test_what_changes_of_the_model_is_named_with_what_the_packages_bring():
    served = {
        "ModelArn": "arn",
        "ExecutionRoleArn": ROLE,
        "VpcConfig": {"Subnets": ["subnet-1"]},
        "PrimaryContainer": {
            "Image": "old",
            "ModelDataUrl": "s3://old",
            "Environment": {"SAGEMAKER_PROGRAM": "old.py", "A": "1"},
        },
    }
    brought = {"Image": "new", "ModelDataUrl": "s3://new", "Environment": {"SAGEMAKER_PROGRAM": "new.py"}}
    package = {"InferenceSpecification": {"Containers": [brought]}}
    planned = next_model(served, ARN.format(2), TAGS)
    assert model_changes(served, None, planned, package) == (
        "Environment.SAGEMAKER_PROGRAM: old.py -> new.py",
        "Image: old -> new",
        "ModelDataUrl: s3://old -> s3://new",
        f"ModelPackageName: absent -> {ARN.format(2)}",
    )
    other_role = {**planned, "ExecutionRoleArn": "other", "VpcConfig": {"Subnets": ["subnet-2"]}}
    assert model_changes(planned, package, other_role, package) == (
        f"ExecutionRoleArn: {ROLE} -> other",
        "VpcConfig.Subnets[0]: subnet-1 -> subnet-2",
    )


def test_the_next_model_of_one_without_a_container_has_the_package_alone():
    assert next_model({}, ARN.format(2), TAGS)["Containers"] == [{"ModelPackageName": ARN.format(2)}]


@pytest.mark.parametrize(
    ("served", "capture"),
    [
        ({}, CAPTURE),
        ({"DataCaptureConfig": {"KmsKeyId": "k", "EnableCapture": False}}, {"KmsKeyId": "k", **CAPTURE}),
        ({"DataCaptureConfig": {"New": [1], **CAPTURE, **OF_A_PERSON}}, {"New": [1], **CAPTURE, **OF_A_PERSON}),
    ],
)
def test_the_next_config_changes_the_model_and_the_capture_alone(served, capture):
    served = {
        "EndpointConfigName": "old",
        "KmsKeyId": "k",
        "ProductionVariants": [{"A": 1, "ModelName": "m"}],
        **served,
    }
    made = next_endpoint_config(served, ARN.format(2), "n", ENTRY, "s3://bucket/data-capture", TAGS)
    assert made.pop("EndpointConfigName").startswith("vedette-site-2-")
    assert made == {
        "KmsKeyId": "k",
        "ProductionVariants": [{"A": 1, "ModelName": "n"}],
        "DataCaptureConfig": capture,
        "Tags": TAGS,
    }


@pytest.mark.parametrize(
    ("percentage", "uri", "expected"),
    [
        (0, "", {"EnableCapture": False, "InitialSamplingPercentage": 0}),
        (1, "", {"EnableCapture": True, "InitialSamplingPercentage": 1}),
        (100, "s3://own/X/", {"DestinationS3Uri": "s3://own/X"}),
    ],
)
def test_the_fleet_says_how_much_is_captured_and_where(percentage, uri, expected):
    entry = replace(ENTRY, capture_percentage=percentage, capture_uri=uri)
    assert capture_config(entry, "s3://bucket/data-capture/") == {**CAPTURE, **expected}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"capture_csv_content_types": ("text/x-csv",)},
            {"CaptureContentTypeHeader": {"CsvContentTypes": ["text/x-csv"]}},
        ),
        (
            {"capture_json_content_types": ("application/jsonlines",)},
            {
                "CaptureContentTypeHeader": {
                    "CsvContentTypes": ["text/csv", "text/x-csv"],
                    "JsonContentTypes": ["application/jsonlines"],
                }
            },
        ),
        ({"capture_csv_content_types": ()}, {"CaptureContentTypeHeader": None}),
        ({"capture_modes": ("Output",)}, {"CaptureOptions": [{"CaptureMode": "Output"}]}),
    ],
)
def test_what_the_fleet_says_of_the_captured_types_and_sides_goes_before_what_is_served(fields, expected):
    made = capture_config(replace(ENTRY, **fields), "s3://bucket/data-capture", {**CAPTURE, **OF_A_PERSON})
    assert made == {name: value for name, value in {**CAPTURE, **OF_A_PERSON, **expected}.items() if value}


@pytest.mark.parametrize(
    ("model", "arn"),
    [
        (None, ""),
        ({}, ""),
        ({"PrimaryContainer": {"Image": "i"}}, ""),
        ({"PrimaryContainer": {"ModelPackageName": "arn/1"}}, "arn/1"),
        ({"Containers": [{"Image": "i"}, {"ModelPackageName": "arn/2"}]}, "arn/2"),
    ],
)
def test_the_package_of_a_model(model, arn):
    assert package_of(model) == arn


@pytest.mark.parametrize("package", [None, {}, {"InferenceSpecification": None}, {"InferenceSpecification": {}}])
def test_a_package_that_says_nothing_names_no_instance_type_and_no_image(package):
    assert supported_instance_types(package) == ()
    assert disallowed_image(package, ["123456789012"]) == ""


@pytest.mark.parametrize(
    ("image", "refused"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:1", False),
        ("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/x", False),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x", False),
        ("123456789012.dkr.ecr.eu-west-1.on.aws/x", False),
        ("666666666666.dkr.ecr.eu-west-1.amazonaws.com/x", True),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.org/x", True),
        ("docker.io/123456789012.dkr.ecr.eu-west-1.amazonaws.com/x", True),
    ],
)
def test_an_image_is_allowed_by_the_account_of_its_registry(image, refused):
    package = {"InferenceSpecification": {"Containers": [{"Image": image}]}}
    assert disallowed_image(package, ["123456789012", "210987654321"]) == (image if refused else "")


@pytest.mark.parametrize(("others", "refused"), [([], ""), ([{"Image": "docker.io/x"}], "docker.io/x")])
def test_a_container_without_an_image_is_allowed_and_hides_no_other(others, refused):
    package = {"InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://b/m"}, *others]}}
    assert disallowed_image(package, ["123456789012"]) == refused


def test_tags_are_kept_in_order_except_those_of_aws_and_the_own_one_is_right():
    kept = {"z": "1", "aws:stack": "x", "a": "2", "vedette:endpoint": "other"}
    expected = {"a": "2", "vedette:endpoint": "site", "z": "1"}
    assert tags_for("site", kept) == [{"Key": key, "Value": value} for key, value in expected.items()]
    assert tags_for("site") == TAGS


def test_changes_name_every_path_with_its_value_before_and_after():
    before = {"EndpointConfigName": "a", "Same": 1, "Gone": {"A": "x"}, "Tags": [1], "List": [{"B": 1}], "Empty": {}}
    after = {"EndpointConfigName": "b", "Same": 1.0, "New": "y", "Tags": [2], "List": [{"B": 2}, []], "Empty": []}
    assert changes(before, after) == (
        "Empty: {} -> []",
        "Gone.A: x -> absent",
        "List[0].B: 1 -> 2",
        "List[1]: absent -> []",
        "New: absent -> y",
    )
