"""What was not evaluated, and why: an OK does not cover it.

| feature                                     | reason                                            | checks       |
|---------------------------------------------|---------------------------------------------------|--------------|
| constrained, and measured by no check       | no row had the column, or its checks are disabled | all          |
| private                                     | private: only counts are stored                   | values       |
| free text; without values in the baseline   | see `constraints.unevaluated`                     | values       |
| with too few rows                           | how many more rows are needed                     | those checks |
| with a check that found no value to compare | what the check observed                           | those checks |

Reasons that concern no single feature, such as a baseline without statistics, are notes of the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.wording import counted
from chalicelib.pages.features import Feature
from chalicelib.pages.labels import check_name

MAX_REASONS = 12
MAX_FEATURES = 10  # named, of each reason
VALUES = "domain, bounds and drift"


class NotEvaluated(NamedTuple):
    """The features that share a reason."""

    reason: str
    checks: str
    features: tuple[tuple[int, str], ...]  # number of the card, and name; the first ones
    more: int  # features that are not named


def not_evaluated(features: Sequence[Feature]) -> tuple[tuple[NotEvaluated, ...], int]:
    """The reasons, that of most features first, and how many reasons are not listed."""
    found: dict[str, dict[int, str]] = {}
    checks: dict[str, dict[str, None]] = {}
    for number, feature in enumerate(features):
        for reason, check in _reasons(feature):
            found.setdefault(reason, {})[number] = feature.name
            checks.setdefault(reason, {})[check] = None
    ranked = sorted(found.items(), key=lambda item: -len(item[1]))
    listed = tuple(
        NotEvaluated(
            reason,
            ", ".join(checks[reason]),
            tuple(named.items())[:MAX_FEATURES],
            max(0, len(named) - MAX_FEATURES),
        )
        for reason, named in ranked[:MAX_REASONS]
    )
    return listed, len(ranked) - len(listed)


def _reasons(feature: Feature) -> Iterator[tuple[str, str]]:
    """Reason and check of everything that was not evaluated of a feature."""
    if not feature.measurements:
        yield "no row had the column, or its checks are disabled", "all"
        return
    if feature.private:
        yield "private: only counts of types and missing cells are stored", VALUES
    if feature.reason:
        yield feature.reason, VALUES
    for one in feature.measurements:
        if one.evaluated or one.violated:
            continue
        if one.rows_needed:
            reason = f"too few values: {counted(one.rows_needed, 'more row')} needed"
        else:
            reason = sanitize(one.observed, 100) or "nothing to compare"
        yield reason, check_name(one.check)
