"""Tags of any resource with an ARN."""

from __future__ import annotations

from vedette.local.account import SimulatedAccount
from vedette.local.sagemaker.core import MAX_TAGS, Parameters, Record, refusal


class Tagging:
    """AddTags, ListTags, DeleteTags."""

    def __init__(self, account: SimulatedAccount):
        self._account = account

    def AddTags(self, arguments: Parameters) -> Record:
        tags = self._tags(arguments["ResourceArn"])
        added = {tag["Key"]: tag["Value"] for tag in arguments["Tags"]}
        if len({**tags, **added}) > MAX_TAGS:
            raise refusal(f"The number of tags of {arguments['ResourceArn']} must not exceed {MAX_TAGS}.")
        tags.update(added)
        return {"Tags": _listed(tags)}

    def ListTags(self, arguments: Parameters) -> Record:
        return {"Tags": _listed(self._tags(arguments["ResourceArn"]))}

    def DeleteTags(self, arguments: Parameters) -> Record:
        tags = self._tags(arguments["ResourceArn"])
        for key in arguments["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _tags(self, arn: str) -> dict[str, str]:
        if arn not in self._account.tags:
            raise refusal(f"Could not find the resource {arn}.")
        return self._account.tags[arn]


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
