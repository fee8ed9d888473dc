"""Tags of anything that has an ARN."""

from __future__ import annotations

from vedette.local.account import SimulatedAccount
from vedette.local.sagemaker.core import MOST_TAGS, Parameters, Record, refusal


class Tagging:
    """AddTags, ListTags, DeleteTags."""

    def __init__(self, account: SimulatedAccount):
        self._account = account

    def AddTags(self, asked: Parameters) -> Record:
        tags = self._tags(asked["ResourceArn"])
        added = {tag["Key"]: tag["Value"] for tag in asked["Tags"]}
        if len({**tags, **added}) > MOST_TAGS:
            raise refusal(f"The number of tags of {asked['ResourceArn']} must not exceed {MOST_TAGS}.")
        tags.update(added)
        return {"Tags": _listed(tags)}

    def ListTags(self, asked: Parameters) -> Record:
        return {"Tags": _listed(self._tags(asked["ResourceArn"]))}

    def DeleteTags(self, asked: Parameters) -> Record:
        tags = self._tags(asked["ResourceArn"])
        for key in asked["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _tags(self, arn: str) -> dict[str, str]:
        if arn not in self._account.tags:
            raise refusal(f"Could not find the resource {arn}.")
        return self._account.tags[arn]


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
