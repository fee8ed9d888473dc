"""Edit and compare constraints, and suggest them from a window, as pure functions; other keys are kept.

| edit                     | key in constraints.json                                                            |
|--------------------------|------------------------------------------------------------------------------------|
| type, completeness       | `inferred_type`, `completeness` of the feature                                     |
| non-negative             | `num_constraints.is_non_negative`                                                  |
| known values             | `string_constraints.domains`                                                       |
| minimum, maximum         | `num_constraints.minimum`, `.maximum` (Vedette's own check)                        |
| rows an hour             | `volume_constraints.minimum_rows_per_hour`, `.maximum_…` (Vedette's own check)     |
| thresholds of a feature  | its `monitoringConfigOverrides`, or whichever spelling applies already               |
| thresholds of all        | `monitoring_config`                                                                |

Distances and methods are in `distribution_constraints` within the last two, as in Model Monitor's files.
"""

from __future__ import annotations

import copy
import difflib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.constraints.validation import MONITORING_KEYS, validation_error
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

CLEARABLE = ("completeness", "non-negative", "values", "range", "thresholds", "volume")
_OVERRIDES = ("monitoringConfigOverrides", "monitoring_config_overrides")
_DISTRIBUTION = "distribution_constraints"
_WITHIN = (
    ("num_constraints", "is_non_negative", "non-negative"),
    ("num_constraints", "minimum", "range"),
    ("num_constraints", "maximum", "range"),
    ("string_constraints", "domains", "values"),
)
EVERY_CHECK = check_types.ACCEPTABLE  # of one feature
_SUGGESTED = ("inferred_type", "completeness")  # what a suggestion contains for a feature, and
_SUGGESTED_WITHIN = (("num_constraints", "is_non_negative"), ("string_constraints", "domains"))
MAX_VALUES_SHOWN = 5  # values of a domain that a difference shows


@dataclass(frozen=True)
class Edit:
    """An edit; None and empty values change nothing."""

    inferred_type: str | None = None
    completeness: float | None = None
    is_non_negative: bool | None = None
    values: tuple[str, ...] = ()  # replace the previous values
    more_values: tuple[str, ...] = ()
    fewer_values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    minimum_rows: float | None = None  # per hour, for all features
    maximum_rows: float | None = None
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    clear: frozenset[str] = frozenset()  # of CLEARABLE


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One different rule; `feature` is "" for all features, `before` or `after` is None if the rule is missing."""

    feature: str
    rule: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        name = f"{sanitize_name(self.feature, 60)}: " if self.feature else ""
        if not self.rule:
            return f"{name}{'added' if self.before is None else 'removed'}"
        if self.rule.endswith("domains") and isinstance(self.before, list) and isinstance(self.after, list):
            more = [value for value in self.after if value not in self.before]
            fewer = [value for value in self.before if value not in self.after]
            parts = [f"{word} {_few(values)}" for word, values in (("more", more), ("fewer", fewer)) if values]
            return f"{name}{self.rule}: {'; '.join(parts) or 'another order'}"
        return f"{name}{self.rule}: {_word(self.before)} -> {_word(self.after)}"


# --- comparing --------------------------------------------------------------------------------------------------------


def differences(before: Constraints, after: Constraints) -> list[Difference]:
    """The differences between two constraints: those for all features first, then feature by feature.

    Examples
    --------
    >>> one = Constraints({"features": [{"name": "a", "inferred_type": "Integral", "completeness": 1.0}]})
    >>> two = Constraints({"features": [{"name": "a", "inferred_type": "Integral", "completeness": 0.5}]})
    >>> [str(found) for found in differences(one, two)]
    ['a: completeness: 1.0 -> 0.5']
    """
    old, new = ({f.name: f.document for f in one.features} for one in (before, after))
    was, now = ({key: rule for key, rule in one.document.items() if key != "features"} for one in (before, after))
    found = list(_between("", was, now))
    common = [name for name in old if name in new]
    if common != [name for name in new if name in old]:
        found.append(Difference(feature="", rule="order of the features", before=list(old), after=list(new)))
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            found.append(Difference(feature=name, rule="", before=old[name]))
        elif name not in old:
            found.append(Difference(feature=name, rule="", after=new[name]))
        else:
            found += _between(name, old[name], new[name])
    return found


def _between(
    feature: str, before: Mapping[str, Any], after: Mapping[str, Any], place: str = ""
) -> Iterator[Difference]:
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        if isinstance(was, dict | None) and isinstance(now, dict | None):
            yield from _between(feature, was or {}, now or {}, f"{place}{key}.")
        else:
            yield Difference(feature=feature, rule=f"{place}{key}", before=was, after=now)


def _word(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return _few(value)
    return sanitize(value if isinstance(value, str) else msgspec.json.encode(value).decode(), 60)


def _few(values: Sequence[Any]) -> str:
    shown = ", ".join(sanitize(value, 40) for value in values[:MAX_VALUES_SHOWN])
    return shown + (f" and {len(values) - MAX_VALUES_SHOWN} more" if len(values) > MAX_VALUES_SHOWN else "")


# --- editing ----------------------------------------------------------------------------------------------------------


def misplaced(edit: Edit, *, for_all: bool) -> list[str]:
    """The fields of an edit that do not apply: rows per hour need --all; types, values and ranges need a feature.

    Examples
    --------
    >>> misplaced(Edit(completeness=1.0, maximum_rows=9), for_all=True), misplaced(Edit(maximum_rows=9), for_all=False)
    (['completeness'], ['maximum_rows'])
    """
    present = [f.name for f in fields(Edit) if getattr(edit, f.name) not in (None, (), {}, frozenset())]
    of_all = {"minimum_rows", "maximum_rows"}
    places = [name for name in present if name not in {"thresholds", "clear"} and (name in of_all) != for_all]
    return places + [f"clear {name}" for name in sorted(edit.clear) if (name == "volume") != for_all]


def edited(constraints: Constraints, feature: str | None, edit: Edit) -> Constraints:
    """The constraints with an edit of one feature, or without a feature, of the settings for all features.

    Raises
    ------
    VedetteError
        If the feature does not exist, or the rule is invalid.

    Examples
    --------
    >>> before = Constraints({"features": [{"name": "a", "inferred_type": "Integral", "kept": 1}]})
    >>> edited(before, "a", Edit(completeness=0.9)).document["features"]
    [{'name': 'a', 'inferred_type': 'Integral', 'kept': 1, 'completeness': 0.9}]
    """
    elsewhere = misplaced(edit, for_all=feature is None)
    if elsewhere:
        whose = "one feature" if feature is None else "all features"
        raise VedetteError(f"{', '.join(elsewhere)}: applies only to {whose}.")
    document = copy.deepcopy(constraints.document)
    if feature is None:
        _edit_all(document, edit)
    else:
        _edit_feature(_feature(document, feature), edit)
    return _checked(document)


def _edit_all(document: dict[str, Any], edit: Edit) -> None:
    rows = {"minimum_rows_per_hour": edit.minimum_rows, "maximum_rows_per_hour": edit.maximum_rows}
    if "volume" in edit.clear:
        document.pop("volume_constraints", None)
    _put(document, "volume_constraints", rows)
    if edit.thresholds:
        _set_thresholds(_part(document, "monitoring_config"), edit.thresholds)


def _feature(document: dict[str, Any], name: str) -> dict[str, Any]:
    names = [str(found["name"]) for found in document["features"]]
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"there are {_few(names)}."
        raise VedetteError(f"There is no feature {name} in these constraints; {hint}")
    found: dict[str, Any] = document["features"][names.index(name)]
    return found


def _edit_feature(feature: dict[str, Any], edit: Edit) -> None:
    _clear(feature, edit.clear)
    if edit.inferred_type is not None:
        feature["inferred_type"] = edit.inferred_type
    if edit.completeness is not None:
        feature["completeness"] = edit.completeness
    numbers = {"is_non_negative": edit.is_non_negative, "minimum": edit.minimum, "maximum": edit.maximum}
    _put(feature, "num_constraints", numbers)
    if edit.values or edit.more_values or edit.fewer_values:
        strings = _part(feature, "string_constraints")
        values = list(edit.values or strings.get("domains") or ())
        unknown = [value for value in edit.fewer_values if value not in values]
        if unknown:
            raise VedetteError(f"{feature['name']} has no known value {_few(unknown)} to remove.")
        values += [value for value in edit.more_values if value not in values]
        strings["domains"] = [value for value in values if value not in edit.fewer_values]
    if edit.thresholds:
        _set_thresholds(_overrides(feature), edit.thresholds)


def _put(document: dict[str, Any], part: str, rules: Mapping[str, Any]) -> None:
    present = {name: value for name, value in rules.items() if value is not None}
    if present:
        _part(document, part).update(present)


def _clear(feature: dict[str, Any], clear: frozenset[str]) -> None:
    if "completeness" in clear:
        feature.pop("completeness", None)
    for part, key, word in _WITHIN:
        if word in clear and isinstance(feature.get(part), dict):
            feature[part].pop(key, None)
    if "thresholds" in clear:
        for place in _places(feature):
            for key in _OVERRIDES:
                place.pop(key, None)


def _places(feature: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys that may hold overrides, in the order of precedence of `FeatureConstraints.overrides`."""
    within = [feature.get("string_constraints"), feature.get("num_constraints")]
    return [feature, *(place for place in within if isinstance(place, dict))]


def _overrides(feature: dict[str, Any]) -> dict[str, Any]:
    for place in _places(feature):
        for key in _OVERRIDES:
            if isinstance(place.get(key), dict):
                found: dict[str, Any] = place[key]
                return found
    return _part(feature, _OVERRIDES[0])


def _set_thresholds(config: dict[str, Any], thresholds: Mapping[str, Any]) -> None:
    for name, value in thresholds.items():
        if name not in MONITORING_KEYS:
            close = difflib.get_close_matches(name, MONITORING_KEYS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(MONITORING_KEYS)}."
            raise VedetteError(f"There is no threshold {name}; {hint}")
        if MONITORING_KEYS[name]:
            config.pop(name, None)
            _part(config, _DISTRIBUTION)[name] = value
        else:
            config[name] = value


def _part(document: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(document.get(key), dict):
        document[key] = {}
    part: dict[str, Any] = document[key]
    return part


def _checked(document: dict[str, Any]) -> Constraints:
    fault = validation_error(document)
    if fault:
        raise UnreadableFile(f"the edited constraints are invalid: {fault}")
    return Constraints(document)


# --- the new normal ---------------------------------------------------------------------------------------------------


def accepted(current: Constraints, window: Table, chosen: Mapping[str, Collection[str]] | None = None) -> Constraints:
    """The constraints with the rules that a window suggests.

    Parameters
    ----------
    chosen
        Feature -> the checks whose rules change; EVERY_CHECK for all rules of the feature. None: every rule of every
        feature. Thresholds, the order of the features and unknown keys are kept.

    Raises
    ------
    VedetteError
        If a feature is not in both.

    Examples
    --------
    >>> before = Constraints({"features": [{"name": "a", "inferred_type": "Integral", "completeness": 1.0}]})
    >>> after = accepted(before, Table.of([["1.5"], [None]], ("a",)), {"a": ["data_type_check"]})
    >>> after.document["features"]
    [{'name': 'a', 'inferred_type': 'Fractional', 'completeness': 1.0}]
    """
    suggested = suggested_constraints(window)
    new = {str(feature["name"]): feature for feature in suggested.document["features"]}
    columns = dict(zip(window.feature_names, window.columns, strict=True))
    document = copy.deepcopy(current.document)
    known = [str(feature["name"]) for feature in document["features"]]
    if chosen is None:
        if set(known) != set(new):
            raise VedetteError(
                "The features of the window and of the current constraints differ:"
                f" {_few(sorted(set(known) ^ set(new)))}; accept some with --feature, or use another baseline with"
                " `vedette constraints use`."
            )
        chosen = dict.fromkeys(known, EVERY_CHECK)
    for name, checks in chosen.items():
        feature = _feature(document, name)
        if name not in new:
            raise VedetteError(f"The window has no feature {name}; it has {_few(list(new))}.")
        if EVERY_CHECK.issubset(checks):
            _as_suggested(feature, new[name])
        else:
            _with_checks(feature, new[name], columns[name], checks)
    return _checked(document)


def _with_checks(
    feature: dict[str, Any], suggested: Mapping[str, Any], column: ColumnStatistics, checks: Collection[str]
) -> None:
    """Change the rules of some checks alone. Drift has none: its reference are the statistics."""
    for check, key in ((check_types.DATA_TYPE, "inferred_type"), (check_types.COMPLETENESS, "completeness")):
        if check in checks and key in suggested:
            feature[key] = suggested[key]
    if check_types.NON_NEGATIVE in checks:
        _part(feature, "num_constraints")["is_non_negative"] = False
    if check_types.CATEGORICAL_VALUES in checks:
        _more_values(feature, suggested.get("string_constraints", {}).get("domains"))
    if check_types.RANGE in checks:
        _wider(_part(feature, "num_constraints"), column)


def _more_values(feature: dict[str, Any], values: Sequence[Any] | None) -> None:
    """Add the values of a window; with more than a suggestion lists, every value is allowed."""
    strings = _part(feature, "string_constraints")
    if values is None:
        strings.pop("domains", None)
    else:
        strings["domains"] = list(dict.fromkeys([*(strings.get("domains") or ()), *values]))


def _wider(numbers: dict[str, Any], column: ColumnStatistics) -> None:
    for key, value, wider in (("minimum", column.moments.minimum, min), ("maximum", column.moments.maximum, max)):
        if value is not None and isinstance(numbers.get(key), int | float):
            numbers[key] = wider(numbers[key], value)


def with_room(constraints: Constraints, violations: Iterable[Measurement], rows: int) -> Constraints:
    """The constraints with a type threshold that allows the accepted data.

    A feature with values of several types (34 and 34.50) gets its own `datatype_check_threshold`: the share of its
    inferred type minus three standard errors, t = p - 3 sqrt(p (1 - p) / n), to a hundredth below.

    Examples
    --------
    >>> from chalicelib.constraints.evaluation import Measurement
    >>> seen = Measurement(feature="a", check="data_type_check", kind="hard", expected="", observed="", value=0.9,
    ...                    threshold=1.0, violated=True)
    >>> one = Constraints({"features": [{"name": "a", "inferred_type": "Fractional"}]})
    >>> with_room(one, [seen], 900).features[0].overrides
    {'datatype_check_threshold': 0.87}
    """
    for seen in violations:
        if seen.check == "data_type_check" and seen.value is not None:
            room = seen.value - 3 * math.sqrt(seen.value * (1 - seen.value) / rows)
            share = max(0, math.floor(100 * round(room, 9))) / 100
            constraints = edited(constraints, seen.feature, Edit(thresholds={"datatype_check_threshold": share}))
    return constraints


def _as_suggested(feature: dict[str, Any], suggested: Mapping[str, Any]) -> None:
    for key in _SUGGESTED:
        if key in suggested:
            feature[key] = suggested[key]
    for part, key in _SUGGESTED_WITHIN:
        if key in suggested.get(part, {}):
            _part(feature, part)[key] = suggested[part][key]
        elif isinstance(feature.get(part), dict):
            feature[part].pop(key, None)


def accepted_statistics(current: bytes | None, window: bytes, features: Sequence[str] = ()) -> bytes:
    """The statistics for `accepted`: the window's, or the current ones with some features from the window."""
    if not features or current is None:
        return window
    before, new = json.loads(current), json.loads(window)  # Model Monitor's files may contain NaN
    chosen = {feature["name"]: feature for feature in new["features"] if feature["name"] in features}
    before["features"] = [chosen.pop(feature["name"], feature) for feature in before["features"]] + [*chosen.values()]
    return json.dumps(before, indent=2, ensure_ascii=False).encode()
