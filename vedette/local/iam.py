"""Evaluation of IAM policies: actions, resources, and the conditions that Vedette's policies use.

A deny overrides every allow; anything that no statement allows is denied (aws-behaviour: policy-evaluation).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from vedette.installation.policies import listed

Policy = Mapping[str, Any]
Values = Sequence[str]


@dataclass(frozen=True)
class Need:
    """A permission that a call needs: an action on a resource, and the condition keys of the request."""

    action: str
    resource: str
    context: tuple[tuple[str, tuple[str, ...]], ...] = field(default=())

    def values(self, key: str) -> Values | None:
        """The values of a condition key; None if the request does not have it."""
        return next((values for name, values in self.context if name.lower() == key.lower()), None)


@dataclass(frozen=True)
class Decision:
    """Whether a call is allowed, and the Sids of the statements that decide it."""

    allowed: bool
    by: tuple[str, ...] = ()


def decide(policy: Policy, need: Need) -> Decision:
    """Whether a policy grants a permission.

    Examples
    --------
    >>> policy = {"Statement": [{"Sid": "A", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]}
    >>> decide(policy, Need("s3:GetObject", "arn:aws:s3:::b/k")), decide(policy, Need("s3:PutObject", "arn:aws:s3:::b/k"))
    (Decision(allowed=True, by=('A',)), Decision(allowed=False, by=()))
    """  # noqa: E501 - an example on two lines would need a third
    matching = [statement for statement in policy["Statement"] if _matches(statement, need)]
    denied = [str(statement.get("Sid", "")) for statement in matching if statement["Effect"] == "Deny"]
    if denied:
        return Decision(False, tuple(denied))
    return Decision(bool(matching), tuple(str(statement.get("Sid", "")) for statement in matching))


def _matches(statement: Mapping[str, Any], need: Need) -> bool:
    return (
        any(_like(pattern.lower(), need.action.lower()) for pattern in listed(statement["Action"]))
        and any(_like(pattern, need.resource) for pattern in listed(statement["Resource"]))
        and all(
            _holds(operator, need.values(key), [str(one) for one in listed(wanted)])
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def _holds(operator: str, found: Values | None, wanted: list[str]) -> bool:
    """Whether one condition holds. A missing key fails it, except with Null and ForAllValues."""
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    quantifier, _, plain = operator.rpartition(":")
    compare = _COMPARISONS.get(plain)
    if compare is None:
        raise ValueError(f"The AWS simulator does not support condition {operator}.")
    if quantifier == "ForAllValues":
        return all(any(compare(one, other) for other in wanted) for one in found or ())
    return any(compare(one, other) for one in found or () for other in wanted)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression of an IAM pattern, in which only * and ? are special."""
    pieces = {"*": ".*", "?": "."}
    return re.compile("".join(pieces.get(character, re.escape(character)) for character in pattern), re.DOTALL)


def _like(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, wanted: found == wanted,
    "StringLike": lambda found, wanted: _like(wanted, found),
    "ArnLike": lambda found, wanted: _like(wanted, found),
    "ArnEquals": lambda found, wanted: _like(wanted, found),
    "Bool": lambda found, wanted: found.lower() == wanted.lower(),
}
