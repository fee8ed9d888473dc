"""The model registry: package groups and their versions, with the update semantics that AWS documents.

UpdateModelPackage changes only the fields in the request (moto resets the others). Each creation and update sends an
event with the names of the updated fields, including the creation of an approved version
(aws-behaviour: package-event, package-created-event).
"""

from __future__ import annotations

from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.sagemaker.core import Listing, Parameters, Record, milliseconds, present, refusal

UPDATABLE = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
# In UpdatedModelPackageFields one name is spelled differently (aws-behaviour: package-event).
EVENT_SPELLING = {"SourceUri": "sourceUri"}
ANNOUNCED = (
    "ModelPackageGroupName",
    "ModelPackageName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "ModelLifeCycle",
    "UpdatedModelPackageFields",
    "LastModifiedTime",
)
GROUPS = Listing(
    "ModelPackageGroupSummaryList",
    "ModelPackageGroupName",
    (
        "ModelPackageGroupName",
        "ModelPackageGroupArn",
        "ModelPackageGroupDescription",
        "CreationTime",
        "ModelPackageGroupStatus",
    ),
    default_order="Ascending",
)
PACKAGES = Listing(
    "ModelPackageSummaryList",
    "ListedName",
    (
        "ModelPackageName",
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageDescription",
        "CreationTime",
        "ModelPackageStatus",
        "ModelApprovalStatus",
        "ModelLifeCycle",
        "ModelPackageRegistrationType",
    ),
    default_order="Ascending",
)


class Registry:
    """Groups and packages."""

    def __init__(self, account: SimulatedAccount):
        self._account = account
        self.groups: dict[str, Record] = {}  # by ARN
        self.packages: dict[str, Record] = {}  # by ARN
        self._versions: dict[str, int] = {}

    # Groups ----------------------------------------------------------------------------------------------------

    def CreateModelPackageGroup(self, arguments: Parameters) -> Record:
        arn = self._group_arn(arguments["ModelPackageGroupName"])
        if arn in self.groups:
            raise refusal(f"Model Package Group already exists: {arn}")
        self.groups[arn] = {
            **{name: value for name, value in arguments.items() if name != "Tags"},
            "ModelPackageGroupArn": arn,
            "CreationTime": self._account.now(),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }
        self._account.tag(arn, arguments.get("Tags"))
        return {"ModelPackageGroupArn": arn}

    def DescribeModelPackageGroup(self, arguments: Parameters) -> Record:
        return self._group(arguments["ModelPackageGroupName"])

    def ListModelPackageGroups(self, arguments: Parameters) -> Record:
        return GROUPS.page(self.groups.values(), arguments)

    def DeleteModelPackageGroup(self, arguments: Parameters) -> Record:
        group = self._group(arguments["ModelPackageGroupName"])
        arn = group["ModelPackageGroupArn"]
        if any(self._group_arn(p.get("ModelPackageGroupName", "")) == arn for p in self.packages.values()):
            name = group["ModelPackageGroupName"]
            raise refusal(f"Model Package Group {name} cannot be deleted because it still contains Model Packages.")
        del self.groups[arn]
        self._account.forget(arn)
        return {}

    def _group_arn(self, name: str) -> str:
        return name if name.startswith("arn:") else self._account.arn("model-package-group", name)

    def _group(self, name: str) -> Record:
        arn = self._group_arn(name)
        if arn not in self.groups:
            raise refusal(f"ModelPackageGroup {arn} does not exist.")
        return self.groups[arn]

    # Packages --------------------------------------------------------------------------------------------------

    def CreateModelPackage(self, arguments: Parameters) -> Record:
        group_name, name = arguments.get("ModelPackageGroupName"), arguments.get("ModelPackageName")
        if group_name and name:
            raise refusal(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. "
                "Cannot determine which one to use."
            )
        if not group_name and not name:
            raise refusal("Missing ARN.")
        if group_name and arguments.get("Tags"):
            # "In this case, you cannot supply a tag argument" (CreateModelPackage, Tags); the live text was not seen.
            raise refusal("Tags cannot be given for a version of a model package group; it has the tags of its group.")
        package = self._version(group_name) if group_name else self._unversioned(str(name))
        now = self._account.now()
        package = {
            "ModelApprovalStatus": "PendingManualApproval",
            "CertifyForMarketplace": False,
            **{key: value for key, value in arguments.items() if key not in {"Tags", "ClientToken"}},
            **package,
            "CreationTime": now,
            "CreatedBy": {},
            "LastModifiedTime": now,
            "LastModifiedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }
        if not group_name:
            del package["ModelApprovalStatus"]  # "only for versioned model packages"
        arn = package["ModelPackageArn"]
        self.packages[arn] = package
        self._account.tag(arn, arguments.get("Tags"))
        self._announce(package, None)
        return {"ModelPackageArn": arn}

    def _version(self, group_name: str) -> Record:
        group = self._group(group_name)
        name, arn = group["ModelPackageGroupName"], group["ModelPackageGroupArn"]
        version = self._versions.get(arn, 0) + 1
        self._versions[arn] = version
        return {
            "ModelPackageGroupName": name,
            "ListedName": f"{name}/{version}",  # aws-behaviour: version-name
            "ModelPackageVersion": version,
            "ModelPackageArn": self._account.arn("model-package", f"{name}/{version}"),
        }

    def _unversioned(self, name: str) -> Record:
        arn = self._account.arn("model-package", name)
        if arn in self.packages:
            raise refusal(f"Model Package already exists: {arn}")
        return {"ModelPackageName": name, "ListedName": name, "ModelPackageArn": arn}

    def DescribeModelPackage(self, arguments: Parameters) -> Record:
        return self.package(arguments["ModelPackageName"])

    def ListModelPackages(self, arguments: Parameters) -> Record:
        group, kind = arguments.get("ModelPackageGroupName"), arguments.get("ModelPackageType", "Unversioned")
        arn = self._group(group)["ModelPackageGroupArn"] if group else None
        wanted = arguments.get("ModelApprovalStatus")
        chosen = [
            package
            for package in self.packages.values()
            if self._listed(package, arn, kind) and wanted in {None, package.get("ModelApprovalStatus")}
        ]
        return PACKAGES.page(chosen, arguments)

    def _listed(self, package: Record, group_arn: str | None, kind: str) -> bool:
        own_group = package.get("ModelPackageGroupName")
        if group_arn is not None:
            return own_group is not None and self._group_arn(own_group) == group_arn
        return kind == "Both" or (own_group is not None) == (kind == "Versioned")

    def UpdateModelPackage(self, arguments: Parameters) -> Record:
        package = self.package(arguments["ModelPackageArn"])
        updated = {name: arguments[name] for name in UPDATABLE if name in arguments}
        properties = dict(package.get("CustomerMetadataProperties", {}))
        if {"CustomerMetadataProperties", "CustomerMetadataPropertiesToRemove"} & arguments.keys():
            properties.update(arguments.get("CustomerMetadataProperties", {}))
            for name in arguments.get("CustomerMetadataPropertiesToRemove", ()):
                properties.pop(name, None)
            updated["CustomerMetadataProperties"] = properties
        if "AdditionalInferenceSpecificationsToAdd" in arguments:
            known = package.get("AdditionalInferenceSpecifications", [])
            updated["AdditionalInferenceSpecifications"] = known + arguments["AdditionalInferenceSpecificationsToAdd"]
        package.update(updated, LastModifiedTime=self._account.now())
        self._announce(package, [EVENT_SPELLING.get(name, name) for name in updated])
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def DeleteModelPackage(self, arguments: Parameters) -> Record:
        arn = self.package(arguments["ModelPackageName"])["ModelPackageArn"]
        del self.packages[arn]
        self._account.forget(arn)
        return {}

    def package(self, name: str) -> Record:
        """A package by its name or ARN.

        Raises
        ------
        AwsError
            If it does not exist.
        """
        arn = name if name.startswith("arn:") else self._account.arn("model-package", name)
        if arn not in self.packages:
            raise refusal(f"ModelPackage {arn} does not exist.")
        return self.packages[arn]

    def _announce(self, package: Record, updated_fields: list[str] | None) -> None:
        detail: dict[str, Any] = {
            **{name: package[name] for name in ANNOUNCED if name in package},
            "CreationTime": milliseconds(package["CreationTime"]),
            "LastModifiedTime": milliseconds(package["LastModifiedTime"]),
            **present(UpdatedModelPackageFields=updated_fields),
        }
        self._account.announce("SageMaker Model Package State Change", package["ModelPackageArn"], detail)
