"""Numbers as SVG, and as the rows of the table behind each chart.

The shapes have no text: they stretch to the width of the page, and `axes` writes beside them. Colours are classes of
style.css. Only numbers come from the data.

| data                                                 | chart                                                         |
|------------------------------------------------------|---------------------------------------------------------------|
| numbers, at most FEW_VALUES different ones           | a bar for each value                                          |
| other numbers                                        | buckets on edges that baseline and current share              |
| ... far outside of nearly all of them                | in the first or last bucket, which are open ("below", "from") |
| categories                                           | a bar for each of the most frequent; the others as one        |
| a distance or share over windows                     | a line, its threshold, a dot for every violation, and a band  |
|                                                      | where the reference days lie themselves                       |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from chalicelib.pages.axes import Scale, Tick, bar_ticks, edge_ticks, round_step, rounded, scale
from chalicelib.statistics.distribution import Distribution

MAX_DISTINCT_BARS = 12
BUCKETS = 16  # about; the edges are round numbers
TAIL_SHARE = 0.002  # of the numbers, that may be outside of the outer edges, on each side
MAX_CATEGORIES = 10
WIDTH, HEIGHT = 320, 80


class Compared(NamedTuple):
    """One bar of a chart: its label, and its share in the baseline and in the current data; None when unknown."""

    label: str
    baseline: float | None
    current: float | None


class Histogram(NamedTuple):
    """The bars of numbers, and the labels below them."""

    bars: tuple[Compared, ...] = ()
    ticks: tuple[Tick, ...] = ()


class Point(NamedTuple):
    """One window of a line."""

    value: float | None
    violated: bool = False
    range: tuple[float, float] | None = None  # where chance may have moved it from


# --- the data of a chart ----------------------------------------------------------------------------------------------


def compared_numbers(
    baseline: Distribution | None, current: Distribution | None, *, integral: bool = False
) -> Histogram:
    """The bars of two distributions on common edges; none when neither has a number.

    `integral`: the numbers are whole, so each bucket is as wide as a whole number.

    Examples
    --------
    >>> import numpy as np
    >>> before, now = Distribution.of(np.array([0.0, 1.0])), Distribution.of(np.array([1.0]))
    >>> compared_numbers(before, now).bars
    (Compared(label='0', baseline=0.5, current=0.0), Compared(label='1', baseline=0.5, current=1.0))
    """
    known = [one for one in (baseline, current) if one is not None and (one.sketch or one.values)]
    if not known:
        return Histogram()
    if not any(one.sketch for one in known):
        values = sorted({value for one in known for value in one.values})
        if len(values) <= MAX_DISTINCT_BARS:
            labels = [number(value) for value in values]
            bars = _bars(labels, _of_values(baseline, values), _of_values(current, values))
            return Histogram(tuple(bars), bar_ticks(labels))
    edges = _edges(known, integral=integral)
    bars = _bars(_labels(edges, integral=integral), _between(baseline, edges), _between(current, edges))
    first = 0 if bars[0].baseline or bars[0].current else 1  # empty open ends are not shown
    last = len(bars) if bars[-1].baseline or bars[-1].current else len(bars) - 1
    ticks = edge_ticks(edges, last - first, first - 1, number)
    return Histogram(tuple(bars[first:last]), ticks)


def _of_values(distribution: Distribution | None, values: Sequence[float]) -> list[float]:
    if distribution is None or not distribution.values:
        return []
    weights = dict(zip(distribution.values, distribution.weights, strict=True))
    total = sum(weights.values())
    return [weights.get(value, 0) / total for value in values]


def _between(distribution: Distribution | None, edges: Sequence[float]) -> list[float]:
    return distribution.shares(edges) if distribution is not None else []


def _bars(labels: list[str], baseline: list[float], current: list[float]) -> list[Compared]:
    return [
        Compared(label, baseline[i] if baseline else None, current[i] if current else None)
        for i, label in enumerate(labels)
    ]


def _edges(known: Sequence[Distribution], *, integral: bool) -> list[float]:
    """Round, evenly spaced numbers, with nearly all of the data between them."""
    spans = [one.quantiles((TAIL_SHARE, 1 - TAIL_SHARE)) for one in known]
    low, high = min(low for low, _ in spans), max(high for _, high in spans)
    width = high / BUCKETS - low / BUCKETS  # never infinite
    if width <= abs(high) * 1e-12:  # nearly a single value: scale the width to it
        width = abs(high) / BUCKETS or 1.0
    step = round_step(max(width, 1.0)) if integral else round_step(width, (1, 2, 2.5, 5, 10))
    first = math.floor(low / step)
    return [rounded(first * step + i * step, step) for i in range(BUCKETS + 2) if (first + i) * step <= high + step]


def _labels(edges: Sequence[float], *, integral: bool) -> list[str]:
    texts = [number(edge) for edge in edges]
    if integral:
        lasts = [number(edge - 1) for edge in edges[1:]]
        between = [low if low == last else f"{low} to {last}" for low, last in zip(texts, lasts, strict=False)]
    else:
        between = [f"{lower} to {upper}" for lower, upper in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"{texts[-1]} and more"]


def compared_categories(
    baseline: Mapping[str, int] | None, current: Mapping[str, int] | None
) -> tuple[list[tuple[str, Compared]], Compared | None]:
    """The bars of the most frequent categories, and one bar of all others, if there are more.

    `baseline` and `current` map categories to numbers of cells. Each bar comes with its category, as spelled in the
    data; its label is `new`, `gone` or empty.

    Examples
    --------
    >>> bars, others = compared_categories({"a": 1, "b": 1}, {"a": 3, "c": 1})
    >>> [(cell, bar.label, bar.current) for cell, bar in bars], others
    ([('a', '', 0.75), ('b', 'gone', 0.0), ('c', 'new', 0.25)], None)
    """
    n, m = sum((baseline or {}).values()), sum((current or {}).values())
    if not n and not m:
        return [], None

    def share(counts: Mapping[str, int] | None, total: int, cell: str) -> float | None:
        return counts.get(cell, 0) / total if counts and total else None

    def label(cell: str) -> str:
        if not n or not m or not baseline or not current:
            return ""
        return "new" if cell not in baseline else "gone" if cell not in current else ""

    found = [
        (cell, Compared(label(cell), share(baseline, n, cell), share(current, m, cell)))
        for cell in {**(baseline or {}), **(current or {})}
    ]
    found.sort(key=lambda one: -max(one[1].baseline or 0, one[1].current or 0))
    if len(found) <= MAX_CATEGORIES + 1:
        return found, None
    rest = [bar for _, bar in found[MAX_CATEGORIES:]]
    others = Compared(
        f"{len(rest)} others",
        sum(bar.baseline or 0 for bar in rest) if n else None,
        sum(bar.current or 0 for bar in rest) if m else None,
    )
    return found[:MAX_CATEGORIES], others


# --- shapes -----------------------------------------------------------------------------------------------------------


def share_scale(bars: Sequence[Compared]) -> Scale:
    """The vertical axis of the bars' shares."""
    return scale([0.0, *(share for bar in bars for share in bar[1:] if share)])


def overlaid_histogram(bars: Sequence[Compared], axis: Scale) -> Markup:
    """The baseline as wide bars, the current data as narrow bars in front of them."""
    wide = WIDTH / max(len(bars), 1)
    baseline: list[str] = []
    current: list[str] = []
    for i, bar in enumerate(bars):
        for shapes, share, inset in ((baseline, bar.baseline, 0.06), (current, bar.current, 0.24)):
            if share:
                height = max(1.0, axis.share(share) * HEIGHT)
                left, width = (i + inset) * wide, (1 - 2 * inset) * wide
                shapes.append(f"M{left:.4g} {HEIGHT}v-{height:.3g}h{width:.3g}v{height:.3g}z")
    return Markup(  # noqa: S704 - numbers
        f'{grid(axis)}<path class="b" d="{"".join(baseline)}"/><path class="c" d="{"".join(current)}"/>'
    )


def grid(axis: Scale) -> str:
    """A line at every number of the vertical axis but the lowest, where the chart has its own."""
    lines = "".join(f"M0 {HEIGHT - axis.share(value) * HEIGHT:.3g}H{WIDTH}" for value in axis.values[1:])
    return f'<path class="g" d="{lines}"/>'


def horizontal_bar(bar: Compared, longest: float) -> Markup:
    """One horizontal bar, the current share in front of the baseline's; a share of `longest` fills the width."""
    shapes = [
        f'<path class="{name}" d="M0 {top}h{share / longest * WIDTH:.4g}v{10 - 2 * top}H0z"/>'
        for name, share, top in (("b", bar.baseline, 0), ("c", bar.current, 3))
        if share
    ]
    return Markup("".join(shapes))  # noqa: S704 - numbers


def stacked_bar(shares: Sequence[tuple[str, float]]) -> Markup:
    """The shares of a whole, side by side, as pairs of CSS class and share."""
    shapes, left = [], 0.0
    for name, share in shares:
        if share:
            shapes.append(f'<path class="{name}" d="M{left:.4g} 0h{share * WIDTH:.4g}v8H{left:.4g}z"/>')
            left += share * WIDTH
    return Markup("".join(shapes))  # noqa: S704 - numbers and our own classes


def line_scale(points: Sequence[Point], threshold: float | None, band: tuple[float, float] | None) -> Scale:
    """The vertical axis of a line with its threshold and its band."""
    known = [value for point in points if point.value is not None for value in (point.value, *(point.range or ()))]
    return scale([*known, *(() if threshold is None else (threshold,)), *(band or ())])


def line_chart(
    points: Sequence[Point],
    threshold: float | None,
    deployments: Sequence[int],
    axis: Scale,
    band: tuple[float, float] | None = None,
) -> Markup:
    """A value over windows, its threshold, the deployments, as positions of windows, and the range of the band."""
    across = WIDTH / len(points)

    def x(i: float) -> str:
        return f"{(i + 0.5) * across:.4g}"

    def y(value: float) -> str:
        return f"{HEIGHT - axis.share(value) * HEIGHT:.3g}"

    path, pen = [], "M"
    for i, point in enumerate(points):
        if point.value is None:
            pen = "M"
        else:
            path.append(f"{pen}{x(i)} {y(point.value)}" + ("h0" if pen == "M" else ""))
            pen = "L"
    dots = "".join(f"M{x(i)} {y(p.value)}h0" for i, p in enumerate(points) if p.violated and p.value is not None)
    marks = "".join(f"M{x(i - 0.5)} 0V{HEIGHT}" for i in deployments)
    ranges = "".join(
        f"M{x(i - 0.5)} {y(one.range[0])}V{y(one.range[1])}H{x(i + 0.5)}V{y(one.range[0])}z"
        for i, one in enumerate(points)
        if one.range is not None and one.value is not None
    )
    shapes = [
        ("r", ranges),
        ("r", f"M0 {y(band[0])}V{y(band[1])}H{WIDTH}V{y(band[0])}z" if band is not None else ""),
        ("v", marks),
        ("t", f"M0 {y(threshold)}H{WIDTH}" if threshold is not None else ""),
        ("l", "".join(path)),
        ("x", dots),
    ]
    drawn = "".join(f'<path class="{name}" d="{shape}"/>' for name, shape in shapes if shape)
    return Markup(grid(axis) + drawn)  # noqa: S704 - numbers


def number(value: float) -> str:
    """A number, rounded to five digits.

    Examples
    --------
    >>> [number(value) for value in (0.0, -2.0, 1234567.0, 0.1 + 0.2, 1e-7, 20250101.0)]
    ['0', '-2', '1,234,567', '0.3', '1e-07', '20,250,101']
    """
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:.5g}"


def percent(share: float | None) -> str:
    """A share in percent; 0 % and 100 % only when it is exactly that.

    Examples
    --------
    >>> [percent(share) for share in (None, 0.0, 1.0, 0.5, 0.99999, 0.00001)]
    ['', '0 %', '100 %', '50 %', '> 99.9 %', '< 0.1 %']
    """
    if share is None:
        return ""
    if 0.999 < share < 1:
        return "> 99.9 %"
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.3g} %"


def exact_percent(share: float) -> str:
    """A share in percent, rounded to five digits: of a threshold, or on an axis.

    Examples
    --------
    >>> [exact_percent(share) for share in (0.0, 0.9995, 1.0)]
    ['0 %', '99.95 %', '100 %']
    """
    return f"{100 * share:.5g} %"
