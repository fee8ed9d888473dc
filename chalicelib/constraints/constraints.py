"""constraints.json as a value that keeps every unknown key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.statistics import Method


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """How strict the checks of a feature are. The defaults are those of live files, not the documentation's 0.1.

    `datatype_check_threshold` and `domain_content_threshold` are the shares that must match: Model Monitor's own
    sentence for 1.0 is "Expected match: 100.0%" (aws-behaviour: constraint-defaults).
    """

    enabled: bool = True
    datatype_check_threshold: float = 1.0
    domain_content_threshold: float = 1.0
    perform_comparison: bool = True
    comparison_threshold: float = 0.1
    comparison_method: Method = "Robust"
    categorical_comparison_threshold: float = 0.1
    categorical_drift_method: str = "LInfinity"

    @classmethod
    def of(cls, *documents: Mapping[str, Any]) -> Monitoring:
        """From a `monitoring_config` and its overrides (the last one wins); malformed values keep the default.

        Examples
        --------
        >>> monitoring = Monitoring.of({"distribution_constraints": {"comparison_threshold": 0.2}})
        >>> monitoring.comparison_threshold, monitoring.categorical_comparison_threshold
        (0.2, 0.2)
        """
        flat: dict[str, Any] = {}
        for document in documents:
            inner = document.get("distribution_constraints")
            flat |= {**document, **(inner if isinstance(inner, Mapping) else {})}
        threshold = _share(flat, "comparison_threshold", 0.1)
        return cls(
            enabled=flat.get("evaluate_constraints") != "Disabled",
            datatype_check_threshold=_share(flat, "datatype_check_threshold", 1.0),
            domain_content_threshold=_share(flat, "domain_content_threshold", 1.0),
            perform_comparison=flat.get("perform_comparison") != "Disabled"
            and flat.get("enable_comparisons") is not False,
            comparison_threshold=threshold,
            comparison_method="Simple" if flat.get("comparison_method") == "Simple" else "Robust",
            categorical_comparison_threshold=_share(flat, "categorical_comparison_threshold", threshold),
            categorical_drift_method=str(flat.get("categorical_drift_method", "LInfinity")),
        )


class FeatureConstraints(msgspec.Struct, frozen=True):
    """One entry of `features`, unchanged."""

    document: dict[str, Any]

    @property
    def name(self) -> str:
        """The feature's name."""
        return str(self.document["name"])

    @property
    def inferred_type(self) -> str:
        """Integral, Fractional, String or Unknown."""
        return str(self.document.get("inferred_type", "Unknown"))

    @property
    def completeness(self) -> float | None:
        """The share of cells that must be present; None when the file has none."""
        return _number(self.document, "completeness")

    @property
    def is_non_negative(self) -> bool | None:
        """Suggested but never enforced by Model Monitor; enforced by vedette_non_negative_check."""
        value = self._part("num_constraints").get("is_non_negative")
        return value if isinstance(value, bool) else None

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The allowed minimum and maximum, if set; an extension of Vedette."""
        numbers = self._part("num_constraints")
        return _number(numbers, "minimum"), _number(numbers, "maximum")

    @property
    def domains(self) -> tuple[str, ...] | None:
        """The allowed categories; None when every category is."""
        value = self._part("string_constraints").get("domains")
        return tuple(map(str, value)) if isinstance(value, list) else None

    @property
    def overrides(self) -> dict[str, Any]:
        """The feature's own monitoring configuration, under either spelling and in any of its places.

        The documentation says `monitoringConfigOverrides` on the feature; the SDK writes `monitoring_config_overrides`
        inside `string_constraints` (aws-behaviour: constraint-overrides).
        """
        merged: dict[str, Any] = {}
        for part in (self._part("num_constraints"), self._part("string_constraints"), self.document):
            for key in ("monitoring_config_overrides", "monitoringConfigOverrides"):
                value = part.get(key)
                merged |= value if isinstance(value, dict) else {}
        return merged

    def _part(self, key: str) -> dict[str, Any]:
        value = self.document.get(key)
        return value if isinstance(value, dict) else {}


class Constraints(msgspec.Struct, frozen=True):
    """A whole constraints.json."""

    document: dict[str, Any]

    @property
    def features(self) -> tuple[FeatureConstraints, ...]:
        """The features in the order of the columns: outputs first, then inputs."""
        return tuple(FeatureConstraints(feature) for feature in self.document["features"])

    @property
    def types(self) -> dict[str, str]:
        """The inferred type of each feature, in the order of the columns."""
        return {feature.name: feature.inferred_type for feature in self.features}

    @property
    def monitoring_config(self) -> dict[str, Any]:
        """The monitoring configuration of all features, unchanged."""
        value = self.document.get("monitoring_config")
        return value if isinstance(value, dict) else {}

    @property
    def volume(self) -> tuple[float | None, float | None]:
        """The minimum and maximum rows an hour, if set; an extension of Vedette."""
        value = self.document.get("volume_constraints")
        rows = value if isinstance(value, dict) else {}
        return _number(rows, "minimum_rows_per_hour"), _number(rows, "maximum_rows_per_hour")

    def monitoring(self, feature: FeatureConstraints | None = None) -> Monitoring:
        """How strict the checks of one feature are, or of all."""
        return Monitoring.of(self.monitoring_config, feature.overrides if feature else {})

    def with_type(self, name: str, inferred_type: str) -> Constraints:
        """The same constraints with another type for one feature.

        Examples
        --------
        >>> one = Constraints({"features": [{"name": "b", "inferred_type": "Fractional"}]})
        >>> one.with_type("b", "Integral").features[0].inferred_type
        'Integral'
        """
        features = [
            {**feature, "inferred_type": inferred_type} if feature.get("name") == name else feature
            for feature in self.document["features"]
        ]
        return Constraints({**self.document, "features": features})


def _share(document: Mapping[str, Any], key: str, default: float) -> float:
    value = _number(document, key)
    return default if value is None else value


def _number(document: Mapping[str, Any], key: str) -> float | None:
    value = document.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
