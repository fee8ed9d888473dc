"""Numbers as SVG, and as the rows of the table behind each chart.

The SVG has no text: labels are HTML beside it, so that they follow the reader's font size while the shape stretches to
the width of the page. Colours are classes of style.css. Only numbers come from the data.

| data                                                 | chart                                                         |
|------------------------------------------------------|---------------------------------------------------------------|
| numbers, at most FEW_VALUES different ones           | a bar for each value                                          |
| other numbers                                        | buckets on edges that baseline and current share              |
| ... far outside of nearly all of them                | in the first or last bucket, which are open ("below", "from") |
| categories                                           | a bar for each of the most frequent; the others as one        |
| a distance or share over windows                     | a line, its threshold, a dot for every violation              |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

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


class Point(NamedTuple):
    """One window of a line."""

    value: float | None
    violated: bool = False


# --- the data of a chart ----------------------------------------------------------------------------------------------


def compared_numbers(baseline: Distribution | None, current: Distribution | None) -> list[Compared]:
    """The bars of two distributions on common edges; empty when neither has a number.

    Examples
    --------
    >>> import numpy as np
    >>> before, now = Distribution.of(np.array([0.0, 1.0])), Distribution.of(np.array([1.0]))
    >>> compared_numbers(before, now)
    [Compared(label='0', baseline=0.5, current=0.0), Compared(label='1', baseline=0.5, current=1.0)]
    """
    known = [one for one in (baseline, current) if one is not None and (one.sketch or one.values)]
    if not known:
        return []
    if not any(one.sketch for one in known):
        values = sorted({value for one in known for value in one.values})
        if len(values) <= MAX_DISTINCT_BARS:
            return _bars([number(value) for value in values], _of_values(baseline, values), _of_values(current, values))
    edges = _edges(known)
    labels = _labels(edges)
    return _trimmed(_bars(labels, _between(baseline, edges), _between(current, edges)))


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


def _edges(known: Sequence[Distribution]) -> list[float]:
    """Round, evenly spaced numbers, with nearly all of the data between them."""
    spans = [(one.quantile(TAIL_SHARE), one.quantile(1 - TAIL_SHARE)) for one in known]
    low = min(low for low, _ in spans if low is not None)
    high = max(high for _, high in spans if high is not None)
    width = (high - low) / BUCKETS
    if width <= abs(high) * 1e-12:  # nearly a single value: scale the width to it
        width = abs(high) / BUCKETS or 1.0
    power = 10.0 ** math.floor(math.log10(width))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= width * (1 - 1e-9))
    first = math.floor(low / step)
    return [
        round(first * step + i * step, 12 - math.floor(math.log10(step)))
        for i in range(BUCKETS + 2)
        if (first + i) * step <= high + step
    ]


def _labels(edges: Sequence[float]) -> list[str]:
    texts = [number(edge) for edge in edges]
    between = [f"{lower} to {upper}" for lower, upper in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"{texts[-1]} and more"]


def _trimmed(bars: list[Compared]) -> list[Compared]:
    """The bars without empty open ends."""
    first = 0 if bars[0].baseline or bars[0].current else 1
    last = len(bars) if bars[-1].baseline or bars[-1].current else -1
    return bars[first:last]


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


def overlaid_histogram(bars: Sequence[Compared]) -> Markup:
    """The baseline as wide bars, the current data as narrow bars in front of them."""
    tallest = max((share for bar in bars for share in bar[1:] if share), default=0.0) or 1.0
    wide = WIDTH / max(len(bars), 1)
    baseline: list[str] = []
    current: list[str] = []
    for i, bar in enumerate(bars):
        for shapes, share, inset in ((baseline, bar.baseline, 0.06), (current, bar.current, 0.24)):
            if share:
                height = max(1.0, share / tallest * HEIGHT)
                left, width = (i + inset) * wide, (1 - 2 * inset) * wide
                shapes.append(f"M{left:.4g} {HEIGHT}v-{height:.3g}h{width:.3g}v{height:.3g}z")
    return Markup(f'<path class="b" d="{"".join(baseline)}"/><path class="c" d="{"".join(current)}"/>')  # noqa: S704 - numbers


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


def line_chart(points: Sequence[Point], threshold: float | None, deployments: Sequence[int]) -> Markup:
    """A value over windows, its threshold, and the deployments, as positions of windows."""
    known = [point.value for point in points if point.value is not None]
    tallest = max([*known, threshold or 0.0]) * 1.1 or 1.0
    across = WIDTH / len(points)

    def x(i: float) -> str:
        return f"{(i + 0.5) * across:.4g}"

    def y(value: float) -> str:
        return f"{HEIGHT - value / tallest * HEIGHT:.3g}"

    path, pen = [], "M"
    for i, point in enumerate(points):
        if point.value is None:
            pen = "M"
        else:
            path.append(f"{pen}{x(i)} {y(point.value)}" + ("h0" if pen == "M" else ""))
            pen = "L"
    dots = "".join(f"M{x(i)} {y(p.value)}h0" for i, p in enumerate(points) if p.violated and p.value is not None)
    marks = "".join(f"M{x(i - 0.5)} 0V{HEIGHT}" for i in deployments)
    limit = f'<path class="t" d="M0 {y(threshold)}H{WIDTH}"/>' if threshold is not None else ""
    return Markup(  # noqa: S704 - numbers
        f'<path class="v" d="{marks}"/>{limit}<path class="l" d="{"".join(path)}"/><path class="x" d="{dots}"/>'
    )


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
