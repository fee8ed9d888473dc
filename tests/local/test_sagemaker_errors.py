"""SageMaker's refusals, in its own words."""

import pytest

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"


def test_creating_what_exists_is_refused_in_the_words_of_aws(account, refused):
    account.endpoint("Site")
    sagemaker = account.client("sagemaker")
    with refused() as model:
        account.model("Site-model")
    with refused() as config:
        account.config("Site-config", "Site-model")
    with refused() as endpoint:
        sagemaker.create_endpoint(EndpointName="Site", EndpointConfigName="Site-config")
    assert {model.code, config.code, endpoint.code} == {"ValidationException"}
    assert model.message == f'Cannot create already existing model "{ARN}:model/site-model".'
    assert (
        config.message == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/site-config".'
    )
    assert endpoint.message == f'Cannot create already existing endpoint "{ARN}:endpoint/site".'


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "message"),
    [
        (
            "describe_endpoint",
            {"EndpointName": "x"},
            "ValidationException",
            f'Could not find endpoint "{ARN}:endpoint/x".',
        ),
        (
            "describe_endpoint_config",
            {"EndpointConfigName": "x"},
            "ValidationException",
            f'Could not find endpoint configuration "{ARN}:endpoint-config/x".',
        ),
        ("describe_model", {"ModelName": "x"}, "ValidationException", f'Could not find model "{ARN}:model/x".'),
        (
            "create_endpoint",
            {"EndpointName": "x", "EndpointConfigName": "y"},
            "ValidationException",
            f'Could not find endpoint configuration "{ARN}:endpoint-config/y".',
        ),
        (
            "describe_model_package_group",
            {"ModelPackageGroupName": "x"},
            "ValidationException",
            f"ModelPackageGroup {ARN}:model-package-group/x does not exist.",
        ),
        (
            "describe_processing_job",
            {"ProcessingJobName": "x"},
            "ResourceNotFound",
            "Could not find requested job with name: x",
        ),
        (
            "describe_monitoring_schedule",
            {"MonitoringScheduleName": "x"},
            "ResourceNotFound",
            f"Monitoring Schedule {ARN}:monitoring-schedule/x not found",
        ),
    ],
)
def test_what_is_missing_is_said_as_aws_says_it(account, refused, operation, parameters, code, message):
    with refused() as answer:
        getattr(account.client("sagemaker"), operation)(**parameters)
    assert (answer.code, answer.message) == (code, message)


def test_a_name_that_breaks_its_pattern_is_refused_with_the_pattern(account, refused):
    with refused() as answer:
        account.client("sagemaker").describe_endpoint(EndpointName="a_b")
    assert answer.message == (
        "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


def test_all_that_is_wrong_is_said_at_once(account, refused):
    with refused() as answer:
        account.client("sagemaker").create_endpoint(EndpointName="x" * 64, EndpointConfigName="-")
    assert answer.message.startswith("3 validation errors detected: ")
    assert "Member must have length less than or equal to 63" in answer.message


def test_enumerations_and_ranges_are_checked(account, refused):
    account.model("m")
    with refused() as enumeration:
        account.client("sagemaker").list_endpoints(StatusEquals="Asleep")
    with refused() as bound:
        account.config("c", "m", **account.capturing(InitialSamplingPercentage=101))
    assert "Member must satisfy enum value set: [OutOfService, Creating," in enumeration.message
    assert "Member must have value less than or equal to 100" in bound.message


def test_media_types_with_parameters_cannot_be_listed_for_capture(account, refused):
    account.model("m")
    header = {"CsvContentTypes": ["text/csv; charset=utf-8"]}
    with refused() as answer:
        account.config("c", "m", **account.capturing(CaptureContentTypeHeader=header))
    assert "Member must satisfy regular expression pattern" in answer.message


def test_unicode_categories_in_patterns_are_understood(account, refused):
    sagemaker = account.client("sagemaker")
    arn = account.package(ModelPackageDescription="Modèle n° 1 — 模型 🚀")
    sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"größe": "ml.m5.large"})
    with refused() as answer:
        sagemaker.update_model_package(ModelPackageArn=arn, CustomerMetadataProperties={"a": '{"b": 1}'})
    assert "Member must satisfy regular expression pattern" in answer.message


def test_an_operation_that_the_stand_in_does_not_have_says_so(account, refused):
    with refused() as answer:
        account.client("sagemaker").list_trials()
    assert (answer.code, "ListTrials" in answer.message) == ("UnknownOperationException", True)


def test_an_endpoint_config_needs_its_model_and_unique_variants(account, refused):
    with refused() as missing:
        account.config("c", "no-model")
    account.model("m")
    variant = {"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    with refused() as twice:
        account.client("sagemaker").create_endpoint_config(
            EndpointConfigName="c", ProductionVariants=[variant, variant]
        )
    assert "Could not find model" in missing.message
    assert "unique" in twice.message


def test_tags_are_added_listed_and_deleted_by_arn(account, refused):
    sagemaker = account.client("sagemaker")
    arn = sagemaker.create_model_package_group(ModelPackageGroupName="g", Tags=[{"Key": "team", "Value": "a"}])[
        "ModelPackageGroupArn"
    ]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "b"}]
    with refused() as answer:
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": str(n), "Value": ""} for n in range(50)])
    assert "50" in answer.message
