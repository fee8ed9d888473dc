"""The schema of a constraints.json: a malformed rule is an error, since otherwise it would silently never apply.

Only the keys that Vedette evaluates are validated; unknown keys are kept as they are (aws-behaviour: constraints-file).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]
Distance = Annotated[float, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=0)]
Switch = Literal["Enabled", "Disabled"]


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


def validation_error(document: dict[str, Any]) -> str:
    """What is wrong with a constraints.json, with its path in the document; "" when it is valid.

    Examples
    --------
    >>> validation_error({"features": [{"name": "a", "inferred_type": "Whole"}]})
    "features[0].inferred_type (feature 'a'): invalid enum value 'Whole'"
    >>> validation_error({"features": [{"name": "a", "inferred_type": "Integral", "completeness": 7}]})
    "features[0].completeness (feature 'a'): expected `float` <= 1.0"
    >>> validation_error({"features": []})
    ''
    """
    try:
        msgspec.convert(document, _Document)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        path = where.rstrip("`").lstrip(".") or "the document"
        return f"{path}{_named(document, path)}: {what[0].lower()}{what[1:]}"
    return ""


def _named(document: dict[str, Any], path: str) -> str:
    """The name of the feature in a path, if there is one."""
    if not path.startswith("features["):
        return ""
    feature = document["features"][int(path[len("features[") : path.index("]")])]
    name = feature.get("name") if isinstance(feature, dict) else None
    return f" (feature {name!r})" if isinstance(name, str) else ""
