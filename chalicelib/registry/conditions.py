"""What waits for a person at an endpoint, for as long as it lasts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ConditionCode(StrEnum):
    """Why a deployment cannot go on by itself."""

    INSTANCE_TYPE = "instance type"
    NO_ROLE = "no role"
    SLOW = "slow"
    STATUS = "status"
    FOREIGN_CONFIG = "config"
    UNSUPPORTED_KIND = "kind"
    NOTHING_WANTED = "nothing wanted"
    IMAGE_REGISTRY = "image registry"
    ALARM = "alarm"
    TOO_MANY_UPDATES = "too many updates"
    VOID_PIN = "pin"
    DELETED = "deleted"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Condition:
    """One condition: its sentence, and what distinguishes it from another one of the same code.

    Examples
    --------
    >>> Condition(ConditionCode.FOREIGN_CONFIG, "bob put the endpoint on the config c7 ...", "c7").key
    'config c7'
    """

    code: ConditionCode
    sentence: str
    about: str = ""

    @property
    def key(self) -> str:
        """The name under which a person is notified once of this condition."""
        return f"{self.code} {self.about}".strip()
