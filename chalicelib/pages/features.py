"""The card of each feature, the worst first.

| what is known                                    | shown                                                             |
|--------------------------------------------------|-------------------------------------------------------------------|
| statistics of the baseline and of the rows       | the numbers of both, and both distributions, overlaid             |
| one of them                                      | those of that one                                                 |
| neither                                          | only the checks                                                   |
| a statistics.json that was read again            | types as far as the data type check measured them                 |
| executions of earlier windows                    | the value of each check, window by window                         |
| none                                             | the value of this window                                          |
| a private feature                                | types, missing cells, and that it is private                      |
| values that no check evaluated, as of free text  | that they were not                                                |
| names, categories, constraints                   | one harmless line each, capped; escaped by the template           |
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chalicelib.alerts import wording
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import FeatureConstraints
from chalicelib.constraints.evaluation import Baseline
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.severity_order import State, order_of, state_of
from chalicelib.constraints.unevaluated import reason_unevaluated
from chalicelib.pages import charts, figures, numbers
from chalicelib.pages.charts import percent
from chalicelib.pages.figures import Categories, Chart
from chalicelib.pages.history import History, Since
from chalicelib.pages.labels import MAX_FULL_NAME_CHARS, finding
from chalicelib.pages.numbers import Row
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

TYPES = (("integral", "Integral"), ("fractional", "Fractional"), ("boolean", "Boolean"), ("string", "String"))
MAX_CONSTRAINT_CHARS = 1000


Finding = tuple[Measurement, str, Since | None]  # a violation, its sentence, and since when


@dataclass(frozen=True)
class Feature:
    """One card of the page."""

    name: str
    state: State
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]
    types: tuple[tuple[str, str, str], ...] = ()  # class, word, share
    types_shape: Markup | str = ""
    expected_type: str = ""
    numbers: tuple[Row, ...] = ()
    histogram: Chart | None = None
    categories: Categories | None = None
    lines: tuple[Chart, ...] = ()
    means: str = ""  # of both columns, in words
    values_note: str = ""  # why no values are shown
    reason: str = ""  # why no check evaluated the values
    private: bool = False
    constraint: str = ""
    brief: str = ""  # the summary of a card without violations
    checks: str = ""  # for the filter: `0critical 2passed`, the checks by their numbers

    def detail(self, violation: Measurement) -> str:
        """The numbers behind a violation: both means of drift, or the first unknown categories; "" for others."""
        if violation.check in check_types.DRIFTS:
            return self.means
        if violation.check == check_types.CATEGORICAL_VALUES and self.categories is not None:
            return self.categories.unknown_in_words
        return ""


@dataclass(frozen=True)
class Cards:
    """The data of every card."""

    rows: int
    baseline: Baseline | None
    current: Table | None
    histories: Mapping[str, History]  # of hard and of drift checks
    checks: Mapping[str, int]  # the number of each check
    counted: bool = True  # the types of `current` were counted, not read from a statistics.json

    def of(self, measurements: Sequence[Measurement]) -> list[Feature]:
        """Every feature that was measured or is constrained, the worst first."""
        by_name: dict[str, list[Measurement]] = {}
        for measurement in measurements:
            by_name.setdefault(measurement.feature, []).append(measurement)
        constraints = {one.name: one for one in self.baseline.constraints.features} if self.baseline else {}
        for name in constraints:
            by_name.setdefault(name, [])
        before, after = _columns(self.baseline.statistics if self.baseline else None), _columns(self.current)
        ranked = sorted(
            by_name.items(), key=lambda item: min(map(order_of, item[1]), default=(len(State), 0.0, "", ""))
        )
        return [
            self._card(name, sorted(found, key=order_of), constraints.get(name), before.get(name), after.get(name))
            for name, found in ranked
        ]

    def _card(
        self,
        name: str,
        ranked: Sequence[Measurement],
        constraint: FeatureConstraints | None,
        before: ColumnStatistics | None,
        after: ColumnStatistics | None,
    ) -> Feature:
        types = list(_types(after, ranked, counted=self.counted)) if after is not None else []
        is_numeric = figures.is_numeric(before, after)
        means = numbers.mean_sentence(before, after)
        reason = reason_unevaluated(constraint, before, after, ranked) if constraint is not None else ""
        return Feature(
            name=sanitize_name(name),
            state=state_of(ranked[0]) if ranked else State.NOT_EVALUATED,
            findings=tuple(
                (one, finding(one, self.rows, MAX_FULL_NAME_CHARS), self.histories[one.kind].since(one.fingerprint))
                for one in ranked
                if one.violated
            ),
            measurements=tuple(ranked),
            types=tuple((key, word, percent(share)) for key, word, share in types),
            types_shape=charts.stacked_bar([(key, share) for key, _, share in types]),
            expected_type=constraint.inferred_type if constraint else "",
            numbers=numbers.compared_rows(before, after),
            histogram=figures.histogram(before, after) if is_numeric else None,
            categories=None
            if is_numeric
            else figures.categories(before, after, constraint.domains if constraint else None),
            lines=tuple(figures.lines(ranked, self.histories)),
            means=means,
            values_note=_values_note(before, after),
            reason=reason,
            private=_is_private(before, after),
            constraint=_document(constraint),
            brief=_brief(ranked, means) + (f"; values not evaluated: {reason}" if reason else ""),
            checks=" ".join(f"{self.checks[one.check]}{state_of(one)}" for one in ranked),
        )


def _columns(table: Table | None) -> dict[str, ColumnStatistics]:
    return dict(zip(table.feature_names, table.columns, strict=True)) if table else {}


def _brief(ranked: Sequence[Measurement], means: str) -> str:
    """The drift and the means of a feature without violations; else how many checks it passed."""
    waiting = max((one.rows_needed for one in ranked), default=0)
    if waiting:
        return f"{waiting:,} more rows needed to evaluate everything"
    drift = next((one for one in ranked if one.check in check_types.DRIFTS and one.value is not None), None)
    if drift is not None and drift.threshold is not None:
        distance = f"distance {drift.value:.3f}, threshold {drift.threshold:.3g}"
        return f"{distance}; {means[:1].lower()}{means[1:]}" if means else distance
    return f"{wording.counted(len(ranked), 'check')} passed" if ranked else "not evaluated"


def _types(
    column: ColumnStatistics, found: Sequence[Measurement], *, counted: bool
) -> Iterator[tuple[str, str, float]]:
    """CSS class, word and share of all cells, for every type that occurs."""
    counts = column.types
    rows = counts.present + counts.missing
    if not rows:
        return
    checked = next((one for one in found if one.check == check_types.DATA_TYPE and one.value is not None), None)
    if counted:
        for key, word in TYPES:
            if count := getattr(counts, key):
                yield key, word, count / rows
    elif checked is not None and checked.value is not None:  # a statistics.json has only this share
        key = next((key for key, word in TYPES if word == checked.expected), "other")
        if checked.value:
            yield key, checked.expected, checked.value * counts.present / rows
        if checked.value < 1:
            yield "other", "another type", (1 - checked.value) * counts.present / rows
    if counts.missing:
        yield "missing", "missing", counts.missing / rows


def _is_private(*columns: ColumnStatistics | None) -> bool:
    return any(column is not None and column.private for column in columns)


def _values_note(before: ColumnStatistics | None, after: ColumnStatistics | None) -> str:
    """A note about a column whose values were not stored: private, free text, or too many."""
    if _is_private(before, after):
        return "Private: only counts of types and missing cells are stored. Drift, domain and bounds are not evaluated."
    if after is None or after.categories.counts is not None or figures.is_numeric(before, after):
        return ""
    if not after.categories.distinct:
        return "The values are free text or too many, so none was stored."
    return f"About {after.categories.distinct:,} distinct values: free text or too many, so none was stored."


def _document(constraint: FeatureConstraints | None) -> str:
    if constraint is None:
        return ""
    return sanitize(json.dumps(constraint.document, ensure_ascii=False), MAX_CONSTRAINT_CHARS)
