"""The charts of a card, each with its axes and the table behind it, from which the page's script reads the values.

| figure        | of                                                                                                   |
|---------------|------------------------------------------------------------------------------------------------------|
| histogram     | numbers, baseline and current overlaid                                                               |
| categories    | the most frequent categories with their cells, and the unknown ones by name                          |
| line          | the value of a check, window by window: of every violation, and of every kind of drift               |

Slow and sudden drift of a day have one distance, so they share one line. The band in it is the range of the distances
of the reference days from each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape
from msgspec import UNSET

from chalicelib.alerts.sanitize import sanitize
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Measurement
from chalicelib.pages import axes, charts
from chalicelib.pages.charts import Compared, Point, exact_percent, number, percent
from chalicelib.pages.history import History
from chalicelib.pages.labels import check_name
from chalicelib.statistics import NUMERIC_TYPES
from chalicelib.statistics.column import ColumnStatistics

MAX_CATEGORY_CHARS = 64
REGRESSION_METRICS = frozenset({"mae", "mse", "rmse", "r2"})  # the others of model quality are shares
MAX_UNKNOWN_CATEGORIES = 20  # named
BLANK = "(blank)"

_TITLES = {
    check_types.DATA_TYPE: "Share of the expected type",
    check_types.COMPLETENESS: "Share of values present",
    check_types.CATEGORICAL_VALUES: "Share of known values",
    check_types.NON_NEGATIVE: "Share of negative values",
    check_types.RANGE: "Share out of range",
    check_types.VOLUME: "Rows per hour",
    check_types.DRIFT: "Distance from the baseline",
    check_types.SLOW_DRIFT: "Distance from its reference days",
}
_SHARES = frozenset(
    {
        check_types.DATA_TYPE,
        check_types.COMPLETENESS,
        check_types.CATEGORICAL_VALUES,
        check_types.NON_NEGATIVE,
        check_types.RANGE,
    }
)


@dataclass(frozen=True)
class Chart:
    """A chart with axes, and its numbers as a table: a row for each bar, or for each window.

    A page of 500 features has 30,000 such rows, so `body` is joined here, where the template would loop.
    """

    title: str
    note: str  # beside the title
    summary: str  # the chart in words, for screen readers
    shape: Markup
    vertical: Markup  # the labels of the axes
    horizontal: Markup
    header: tuple[str, ...]
    body: Markup  # of the table
    is_line: bool = False
    is_square: bool = False
    banded: bool = False  # the band of the reference days is drawn


@dataclass(frozen=True)
class CategoryRow:
    """A category, or all others as one."""

    name: str
    label: str  # new, gone, or nothing
    baseline: str
    current: str
    cells: str  # currently
    shape: Markup


@dataclass(frozen=True)
class Categories:
    """The most frequent categories, and those that the baseline does not know."""

    rows: tuple[CategoryRow, ...]
    unknown: tuple[tuple[str, str], ...] = ()  # name and cells, the most frequent first
    more_unknown: str = ""  # how many are not named, with their cells

    @property
    def unknown_in_words(self) -> str:
        """The first unknown categories with their cells; "" without any."""
        named = ", ".join(f"{name} ({cells} cells)" for name, cells in self.unknown[:3])
        more = " and others" if len(self.unknown) > 3 else ""
        return f"Unknown: {named}{more}" if named else ""


def histogram(before: ColumnStatistics | None, after: ColumnStatistics | None) -> Chart | None:
    """The distributions of a numeric column; None when there are no numbers."""
    columns = [column for column in (before, after) if column is not None]
    integral = all(column.types.inferred_type == "Integral" and not column.types.fractional for column in columns)
    bars, ticks = charts.compared_numbers(
        before.distribution if before else None, after.distribution if after else None, integral=integral
    )
    if not bars:
        return None
    axis = charts.share_scale(bars)
    return Chart(
        title="Distribution",
        note="share of the numbers",
        summary=_peaks(bars),
        shape=charts.overlaid_histogram(bars, axis),
        vertical=axes.vertical_labels(axis, exact_percent),
        horizontal=axes.horizontal_labels(ticks),
        header=("Value", "Baseline", "Current"),
        body=table_body((bar.label, percent(bar.baseline), percent(bar.current)) for bar in bars),
    )


def table_body(rows: Iterable[tuple[str, ...]]) -> Markup:
    """The rows of a table; the first cell is the row's header, as HTML finds without a `scope`."""
    return Markup("\n".join(f"<tr><th>{'<td>'.join(map(escape, row))}" for row in rows))  # noqa: S704 - escaped


def _peaks(bars: Sequence[Compared]) -> str:
    """The most frequent bar of each distribution."""
    parts = []
    for word, position in (("baseline", 1), ("current", 2)):
        known = [bar for bar in bars if bar[position] is not None]
        if known:
            peak = max(known, key=lambda bar: bar[position] or 0)
            parts.append(f"{word}: most often {peak.label}, {percent(peak[position])}")  # type: ignore[arg-type]
    return "; ".join(parts)


def is_numeric(before: ColumnStatistics | None, after: ColumnStatistics | None) -> bool:
    """Whether the baseline's column is numeric; the current one when the baseline has no values."""
    known = before if before is not None and before.types.present else after
    return known is not None and known.types.inferred_type in NUMERIC_TYPES


def categories(
    before: ColumnStatistics | None, after: ColumnStatistics | None, domain: Collection[str] | None
) -> Categories | None:
    """The categories of a column; None when they are not stored.

    Unknown ones are those outside of the domain of the constraints; without one, those that the baseline has not.
    """
    known, counts = (column.categories.counts if column else None for column in (before, after))
    bars, others = charts.compared_categories(known, counts)
    if not bars:
        return None
    shares = [bar for _, bar in bars] + ([others] if others else [])
    longest = max((share for bar in shares for share in bar[1:] if share is not None), default=0.0) or 1.0
    rows = [_category(_name(cell), bar, (counts or {}).get(cell, 0), longest) for cell, bar in bars]
    if others is not None:
        named = sum((counts or {}).get(cell, 0) for cell, _ in bars)
        rows.append(_category(others.label, others._replace(label=""), sum((counts or {}).values()) - named, longest))
    expected = domain if domain is not None else known
    return Categories(tuple(rows), *_unknown(counts or {}, expected)) if expected else Categories(tuple(rows))


def _category(name: str, bar: Compared, cells: int, longest: float) -> CategoryRow:
    shape = charts.horizontal_bar(bar, longest)
    current = percent(bar.current)
    return CategoryRow(name, bar.label, percent(bar.baseline), current, f"{cells:,}" if current else "", shape)


def _name(cell: str) -> str:
    return sanitize(cell, MAX_CATEGORY_CHARS) or BLANK


def _unknown(counts: Mapping[str, int], expected: Collection[str]) -> tuple[tuple[tuple[str, str], ...], str]:
    expected = frozenset(expected)
    found = sorted((item for item in counts.items() if item[0] not in expected), key=lambda item: -item[1])
    named, rest = found[:MAX_UNKNOWN_CATEGORIES], found[MAX_UNKNOWN_CATEGORIES:]
    more = f"and {len(rest):,} more in {sum(cells for _, cells in rest):,} cells" if rest else ""
    return tuple((_name(cell), f"{cells:,}") for cell, cells in named), more


# --- lines ------------------------------------------------------------------------------------------------------------


def lines(ranked: Sequence[Measurement], histories: Mapping[str, History]) -> Iterator[Chart]:
    """A line for every violation, and for drift; of a single window there is none."""
    by_check = {one.check: one for one in ranked}
    for one in ranked:
        if one.check == check_types.SUDDEN_DRIFT and check_types.SLOW_DRIFT in by_check:
            continue  # the same distance
        if one.value is not None and (one.violated or one.kind == "drift"):
            line = _line(one, histories[one.kind])
            if line is not None:
                yield line


def _range(measured: Measurement) -> tuple[float, float] | None:
    """How far chance may have moved a metric of model quality."""
    if measured.margin is UNSET or measured.value is None:
        return None
    low, high = measured.value - measured.margin, measured.value + measured.margin
    return (low, high) if measured.feature in REGRESSION_METRICS else (max(low, 0.0), min(high, 1.0))


def _line(one: Measurement, history: History) -> Chart | None:
    measured = history.measurements(one.fingerprint)
    points = [Point(m.value, m.is_proven, _range(m)) if m is not None else Point(None) for m in measured]
    if sum(point.value is not None for point in points) < 2:
        return None
    band = None if one.reference_distances is UNSET else one.reference_distances
    text = exact_percent if one.check in _SHARES else number
    axis = charts.line_scale(points, one.threshold, band)
    title, check = _TITLES.get(one.check, ""), check_name(one.check)
    notes = [check] if title else []
    notes += [f"threshold {text(one.threshold)}"] if one.threshold is not None else []
    summary = f"{sum(p.violated for p in points)} of {len(points)} windows violated; now {text(one.value or 0.0)}"
    if band is not None:
        notes.append(f"reference days {band[0]:.2f} to {band[1]:.2f}")
        summary += f"; the reference days among themselves {band[0]:.2f} to {band[1]:.2f}"
    if any(point.range is not None for point in points):
        notes.append("shaded: what chance may explain")
    times = [f"{execution.window_start:%m-%d %H:%M}" for execution in history.executions]
    return Chart(
        title=title or check,
        note=", ".join(notes),
        summary=summary,
        shape=charts.line_chart(points, one.threshold, history.deployments, axis, band),
        vertical=axes.vertical_labels(axis, text),
        horizontal=axes.horizontal_labels((axes.Tick(0, times[0]), axes.Tick(1, times[-1]))),
        header=("Window, UTC", "Value"),
        body=table_body(
            (at, ("" if point.value is None else text(point.value)) + (" violated" if point.violated else ""))
            for at, point in zip(times, points, strict=True)
        ),
        is_line=True,
        banded=band is not None,
    )
