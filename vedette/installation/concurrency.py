"""Whether the account can spare the concurrency that Vedette reserves: all of it, or nothing is reserved.

New accounts often have a limit of ten concurrent executions, and Lambda keeps 100 unreserved (aws-behaviour:
unreserved-minimum). There the functions run without reservations.
"""

from __future__ import annotations

from dataclasses import dataclass

from vedette.installation import account
from vedette.installation.functions import FUNCTIONS, full_name

MINIMUM_UNRESERVED = 100
QUOTA = "L-B99A9384"  # Service Quotas, Lambda: "Concurrent executions"


@dataclass(frozen=True)
class Shortage:
    """An account that cannot spare the concurrency."""

    limit: int
    unreserved: int
    missing: int  # what Vedette would still reserve

    @property
    def found(self) -> str:
        """What the account has, and what would be needed."""
        return (
            f"the account's limit is {self.limit} concurrent executions, {self.unreserved} of them unreserved; Vedette"
            f" would reserve {self.missing}, and Lambda keeps {MINIMUM_UNRESERVED} unreserved"
        )

    @property
    def remedy(self) -> str:
        """How to raise the limit."""
        wanted = self.limit + self.missing + MINIMUM_UNRESERVED - self.unreserved
        return (
            f"ask for a Lambda quota 'Concurrent executions' ({QUOTA}) of {wanted} or more in Service Quotas, then"
            " vedette doctor --fix"
        )

    @property
    def sentence(self) -> str:
        """What it means, as one paragraph."""
        return (
            "The functions run without reserved concurrency: they share the account's with all other functions, so a"
            f" burst of either delays the other. Reason: {self.found}. To change it, {self.remedy}."
        )


def shortage(stage: str) -> Shortage | None:
    """Why the functions of a stage cannot have their reserved concurrency; None if they have it or can have it."""
    missing = 0
    for function in FUNCTIONS:
        reserved = account.reserved_concurrency(full_name(stage, function.name)) or 0
        missing += max(0, function.reserved_concurrency - reserved)
    limit, unreserved = account.concurrency()
    if not missing or unreserved - missing >= MINIMUM_UNRESERVED:
        return None
    return Shortage(limit, unreserved, missing)
