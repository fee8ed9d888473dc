"""Features whose values no check can evaluate, though their type and completeness may be: an OK does not cover them.

| feature                                         | why                                                                |
|-------------------------------------------------|--------------------------------------------------------------------|
| texts that are no categories, without a domain  | only their lengths are stored, so there is nothing to compare      |
| no values in the baseline: its type is Unknown  | there is no type, no domain and no distribution                    |

Private features have notes of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import FeatureConstraints
from chalicelib.constraints.measurement import Measurement
from chalicelib.statistics.column import ColumnStatistics

_FORM = {check_types.DATA_TYPE: "type", check_types.COMPLETENESS: "completeness"}
_TYPES = ("Integral", "Fractional", "String")


def reason_unevaluated(
    feature: FeatureConstraints,
    baseline: ColumnStatistics | None,
    current: ColumnStatistics | None,
    measurements: Iterable[Measurement],
) -> str:
    """Why no check evaluated the values of a feature; "" if one did, or if the cause is another.

    Examples
    --------
    >>> answer = FeatureConstraints({"name": "answer", "inferred_type": "String"})
    >>> texts = ColumnStatistics.of([f"a long answer, number {i}" for i in range(200)])
    >>> reason_unevaluated(answer, texts, texts, ())
    'free text'
    """
    columns = [column for column in (baseline, current) if column is not None]
    if current is None or not current.types.present or any(column.private for column in columns):
        return ""
    if any(one.evaluated and one.check not in _FORM for one in measurements):
        return ""
    if feature.inferred_type not in _TYPES:
        return "no values in the baseline"
    is_text = feature.inferred_type == "String" and any(column.categories.counts is None for column in columns)
    return "free text" if is_text else ""


def unevaluated_features(
    features: Iterable[FeatureConstraints],
    baseline: Mapping[str, ColumnStatistics],
    current: Mapping[str, ColumnStatistics],
    measurements: Iterable[Measurement],
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """The names of such features, by the reason and by what was evaluated: `type`, `completeness`."""
    by_feature: dict[str, list[Measurement]] = {}
    for one in measurements:
        by_feature.setdefault(one.feature, []).append(one)
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for feature in features:
        name, of_feature = feature.name, by_feature.get(feature.name, [])
        if reason := reason_unevaluated(feature, baseline.get(name), current.get(name), of_feature):
            ran = {one.check for one in of_feature if one.evaluated}
            words = tuple(word for check, word in _FORM.items() if check in ran)
            found.setdefault((reason, words), []).append(name)
    return found
