"""The schema of a constraints.json: a malformed rule is an error, since otherwise it would silently never apply.

Only the keys that Vedette evaluates are validated; unknown keys are kept as they are (aws-behaviour: constraints-file).
An unknown key is an error where Vedette knows the object and the key is nearly one of its keys, as a typing error is.

| input                                                    | handled                                            |
|----------------------------------------------------------|----------------------------------------------------|
| a value that is not of the key's type, or out of bounds  | error                                              |
| comparison_treshold, comparisonThreshold, Completeness   | error: did you mean comparison_threshold?          |
| domains beside string_constraints instead of within      | error: it belongs in string_constraints            |
| a minimum above its maximum, NaN                         | error                                              |
| min_domain_mass, and any other key unlike the known ones | kept                                               |
| any key of an object that Vedette does not interpret     | kept                                               |
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Distance = Annotated[float, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]
Switch = Literal["Enabled", "Disabled"]
# Of difflib. Real keys that are new to a reader come close: comparison_threshold was there years before
# categorical_comparison_threshold, which is 0.77 like it.
_TYPING_ERROR = 0.8
_SHORT = 3  # letters of the shortest abbreviation


class _Distribution(Struct):
    perform_comparison: Switch | None = None
    comparison_threshold: Distance | None = None
    comparison_method: Literal["Simple", "Robust"] | None = None
    categorical_comparison_threshold: Distance | None = None
    categorical_drift_method: Literal["LInfinity", "ChiSquared"] | None = None


class _Monitoring(_Distribution):
    evaluate_constraints: Switch | None = None
    emit_metrics: Switch | None = None
    datatype_check_threshold: Share | None = None
    domain_content_threshold: Share | None = None
    distribution_constraints: _Distribution | None = None


# The keys that configure how strict the checks are, and whether each belongs in `distribution_constraints`.
MONITORING_KEYS = {
    **{name: False for name in _Monitoring.__struct_fields__ if name != "distribution_constraints"},
    **dict.fromkeys(_Distribution.__struct_fields__, True),
}


_OLD_KEYS = ("enable_comparisons", "min_domain_mass")  # of Model Monitor's files of 2019


class _Overridden(Struct):
    monitoringConfigOverrides: _Monitoring | None = None  # noqa: N815 - the documentation's spelling
    monitoring_config_overrides: _Monitoring | None = None


class _Numbers(_Overridden):
    is_non_negative: bool | None = None
    minimum: float | None = None  # an extension of Vedette, as volume_constraints below
    maximum: float | None = None


class _Strings(_Overridden):
    domains: list[str] | None = None


class _Feature(_Overridden, kw_only=True):
    name: str
    inferred_type: Literal["Integral", "Fractional", "String", "Unknown"]
    completeness: Share | None = None
    num_constraints: _Numbers | None = None
    string_constraints: _Strings | None = None


class _Volume(Struct):
    minimum_rows_per_hour: Rate | None = None
    maximum_rows_per_hour: Rate | None = None


class _Document(Struct):
    features: list[_Feature]
    monitoring_config: _Monitoring | None = None
    volume_constraints: _Volume | None = None


# Where the keys of rules belong; anywhere else they would be ignored.
_HOMES = {
    **dict.fromkeys(("is_non_negative", "minimum", "maximum"), "num_constraints"),
    "domains": "string_constraints",
    **dict.fromkeys(_Volume.__struct_fields__, "volume_constraints"),
    **dict.fromkeys(
        (*MONITORING_KEYS, "distribution_constraints"), "monitoring_config, or in a feature's monitoringConfigOverrides"
    ),
}


def validation_error(document: dict[str, Any]) -> str:
    """What is wrong with a constraints.json, with its path in the document; "" when it is valid.

    Examples
    --------
    >>> validation_error({"features": [{"name": "a", "inferred_type": "Whole"}]})
    "features[0].inferred_type (feature 'a'): invalid enum value 'Whole'"
    >>> validation_error({"features": [{"name": "a", "inferred_type": "Integral", "completeness": 7}]})
    "features[0].completeness (feature 'a'): expected `float` <= 1.0"
    >>> validation_error({"features": [], "monitoring_config": {"comparison_treshold": 0.5}})
    "monitoring_config: unknown key 'comparison_treshold'; did you mean 'comparison_threshold'?"
    >>> validation_error({"features": []})
    ''
    """
    error = schema_error(document)
    if error:
        return error
    for path, found, known in _objects(document):
        error_here = _unknown_key(found, known) or _bounds_error(found)
        if error_here:
            return f"{path or 'the document'}{_named(document, path)}: {error_here}"
    return ""


def schema_error(document: dict[str, Any]) -> str:
    """What has the wrong type or lies out of bounds; rules that would never apply are no error."""
    try:
        msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        # From the right: a value that the sentence quotes may hold the same words.
        what, at, where = str(error).rpartition(" - at `$")
        what, path = (what, where.rstrip("`").lstrip(".")) if at else (where, "")
        return f"{path or 'the document'}{_named(document, path)}: {what[0].lower()}{what[1:]}"
    return ""


def _objects(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Every object that Vedette interprets, with its path and its known keys."""
    yield "", document, ("version", *_Document.__struct_fields__)
    yield from _monitoring_objects("monitoring_config", document)
    yield from _part("", "volume_constraints", document, _Volume.__struct_fields__)
    for at, feature in enumerate(document["features"]):
        path = f"features[{at}]"
        yield path, feature, _Feature.__struct_fields__
        places = [(path, feature)]
        for key, known in (("num_constraints", _Numbers), ("string_constraints", _Strings)):
            for part, found, names in _part(path, key, feature, known.__struct_fields__):
                yield part, found, names
                places.append((part, found))
        for place, found in places:
            for key in _Overridden.__struct_fields__:
                yield from _monitoring_objects(key, found, place)


def _monitoring_objects(
    key: str, holder: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """A monitoring configuration and what it holds; Vedette reads the keys of either in both."""
    for place, found, known in _part(path, key, holder, (*_Monitoring.__struct_fields__, *_OLD_KEYS)):
        yield place, found, known
        yield from _part(place, "distribution_constraints", found, known)


def _part(
    path: str, key: str, holder: Mapping[str, Any], known: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    found = holder.get(key)
    if isinstance(found, dict):
        yield f"{path}.{key}".lstrip("."), found, known


def _unknown_key(found: Mapping[str, Any], known: tuple[str, ...]) -> str:
    plain = {_plain(name): name for name in known}
    for key in found:
        if key in known:
            continue
        if key in _HOMES:
            return f"unknown key {key!r}; it belongs in {_HOMES[key]}"
        close = difflib.get_close_matches(_plain(key), plain, 1, _TYPING_ERROR)
        close += [name for name in plain if len(key) >= _SHORT and name.startswith(_plain(key))]  # min, max
        if close:
            return f"unknown key {key!r}; did you mean {plain[close[0]]!r}?"
    return ""


def _plain(key: str) -> str:
    """A key without what spellings differ in: comparisonThreshold, comparison-threshold."""
    return key.lower().replace("_", "").replace("-", "").strip()


def _bounds_error(found: Mapping[str, Any]) -> str:
    for low, high in (("minimum", "maximum"), ("minimum_rows_per_hour", "maximum_rows_per_hour")):
        bounds = {key: found[key] for key in (low, high) if isinstance(found.get(key), (int, float))}
        for key, value in bounds.items():
            if math.isnan(value):
                return f"{key} is NaN"
        if len(bounds) == 2 and bounds[low] > bounds[high]:
            return f"{low} {bounds[low]} is above {high} {bounds[high]}"
    return ""


def _named(document: dict[str, Any], path: str) -> str:
    """The name of the feature in a path, if there is one."""
    if not path.startswith("features["):
        return ""
    feature = document["features"][int(path[len("features[") : path.index("]")])]
    name = feature.get("name") if isinstance(feature, dict) else None
    return f" (feature {name!r})" if isinstance(name, str) else ""
