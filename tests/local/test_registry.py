"""Groups and versions: counting up, updating without wiping, listing in pages, deleting in order."""


def test_versions_count_up_and_a_deleted_number_is_not_given_again(account):
    sagemaker = account.client("sagemaker")
    arns = [account.package(), account.package()]
    sagemaker.delete_model_package(ModelPackageName=arns[1])
    assert [arn.rpartition("/")[2] for arn in (*arns, account.package())] == ["1", "2", "3"]


def test_an_update_leaves_what_it_is_not_given_as_it_was(account):
    sagemaker = account.client("sagemaker")
    arn = account.package(status="PendingManualApproval", CustomerMetadataProperties={"a": "1", "b": "2"})
    before = sagemaker.describe_model_package(ModelPackageName=arn)
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.update_model_package(
        ModelPackageArn=arn, CustomerMetadataProperties={"c": "3"}, CustomerMetadataPropertiesToRemove=["a"]
    )
    after = sagemaker.describe_model_package(ModelPackageName=arn)
    assert after["ModelApprovalStatus"] == "Approved"
    assert after["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert after["InferenceSpecification"] == before["InferenceSpecification"]


def test_baselines_life_cycle_and_description_are_kept(account):
    source = {"ContentType": "application/json", "S3Uri": "s3://b/statistics.json"}
    given = {
        "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": source}},
        "ModelLifeCycle": {"Stage": "Production", "StageStatus": "Approved"},
        "ModelPackageDescription": "the second",
        "SourceUri": "https://example.com/run/1",
    }
    described = account.client("sagemaker").describe_model_package(ModelPackageName=account.package(**given))
    assert {name: described[name] for name in given} == given


def test_listing_filters_sorts_and_pages(account):
    sagemaker = account.client("sagemaker")
    for number in range(12):
        account.package(status="Approved" if number % 2 else "Rejected")
    pages = list(
        sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName="site",
            ModelApprovalStatus="Approved",
            SortBy="CreationTime",
            SortOrder="Descending",
            PaginationConfig={"PageSize": 4},
        )
    )
    versions = [item["ModelPackageVersion"] for page in pages for item in page["ModelPackageSummaryList"]]
    assert versions == [12, 10, 8, 6, 4, 2]
    assert len(pages) == 2


def test_a_listing_stops_at_ten_unless_it_is_paged(account):
    for _ in range(12):
        account.package()
    answer = account.client("sagemaker").list_model_packages(ModelPackageGroupName="site")
    assert (len(answer["ModelPackageSummaryList"]), "NextToken" in answer) == (10, True)


def test_without_a_group_only_unversioned_packages_are_listed(account):
    sagemaker = account.client("sagemaker")
    account.package()
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=account.specification())
    for kind, count in ((None, 1), ("Unversioned", 1), ("Versioned", 1), ("Both", 2)):
        answer = sagemaker.list_model_packages(**({"ModelPackageType": kind} if kind else {}))
        assert len(answer["ModelPackageSummaryList"]) == count


def test_a_group_with_versions_cannot_be_deleted(account, refused):
    sagemaker, arn = account.client("sagemaker"), account.package()
    with refused() as answer:
        sagemaker.delete_model_package_group(ModelPackageGroupName="site")
    assert "still contains" in answer.message
    sagemaker.delete_model_package(ModelPackageName=arn)
    sagemaker.delete_model_package_group(ModelPackageGroupName="site")
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_a_group_is_created_once(account, refused):
    account.package()
    with refused() as answer:
        account.client("sagemaker").create_model_package_group(ModelPackageGroupName="site")
    assert answer.message.startswith("Model Package Group already exists: arn:")


def test_a_version_takes_no_tags_and_has_no_name(account, refused):
    arn = account.package()
    assert "ModelPackageName" not in account.client("sagemaker").describe_model_package(ModelPackageName=arn)
    with refused() as answer:
        account.package(Tags=[{"Key": "a", "Value": "b"}])
    assert answer.code == "ValidationException"


def test_only_an_approved_version_becomes_a_model(account, refused):
    sagemaker, arn = account.client("sagemaker"), account.package(status="PendingManualApproval")
    given = {"ExecutionRoleArn": account.environment["VEDETTE_ROLE_ARN"], "Containers": [{"ModelPackageName": arn}]}
    with refused() as answer:
        sagemaker.create_model(ModelName="m", **given)
    assert "only Approved" in answer.message
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    sagemaker.create_model(ModelName="m", **given)
    assert sagemaker.describe_model(ModelName="m")["Containers"] == given["Containers"]
    given["Containers"] = [{"ModelPackageName": arn.replace("/1", "/9")}]
    with refused() as missing:
        sagemaker.create_model(ModelName="n", **given)
    assert missing.message.endswith("/9 does not exist.")
