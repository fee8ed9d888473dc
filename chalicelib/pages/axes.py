"""Axes with round numbers: where a scale begins and ends, and what is written at it.

The shape of a chart stretches to the width of the page, so its labels are text in SVGs of their own, which are placed
in percent and keep the reader's font size. A style attribute would need an exception in the pages' policy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

MAX_INTERVALS = 4  # of a vertical axis
MAX_LABELS = 6  # of a horizontal axis
MAX_LABEL_CHARS = 36  # of all labels of a horizontal axis
_FACTORS = (1, 2, 5, 10)
_LEAST_STEP = 1e-300  # a power of ten below it would be rounded to 0


class Tick(NamedTuple):
    """A label and its place on an axis, from 0 to 1."""

    at: float
    label: str


class Scale(NamedTuple):
    """A vertical axis: round numbers at both ends and between them, evenly spaced, the lowest first."""

    values: tuple[float, ...]

    def share(self, value: float) -> float:
        """The place of a value on the axis: 0 at its lower end, 1 at its upper end."""
        low, high = self.values[0], self.values[-1]
        return (value - low) / (high - low)


def round_step(least: float, factors: Sequence[float] = _FACTORS) -> float:
    """The smallest round number that is at least `least`, which is above 0.

    Examples
    --------
    >>> [round_step(least) for least in (0.03, 1.0, 7.0, 120.0)]
    [0.05, 1.0, 10.0, 200.0]
    """
    power = 10.0 ** math.floor(math.log10(max(least, _LEAST_STEP)))
    step = next(factor * power for factor in factors if factor * power >= least * (1 - 1e-9))
    return rounded(step, step)


def rounded(value: float, step: float) -> float:
    """A multiple of a step, without what adding up left behind it."""
    return round(value, 12 - math.floor(math.log10(step)))


def scale(values: Iterable[float]) -> Scale:
    """The vertical axis of some values: from 0, unless all of them lie in the upper half of it.

    Examples
    --------
    >>> scale([0.03, 0.26]).values, scale([0.985, 1.0]).values, scale([0.0]).values
    ((0.0, 0.1, 0.2, 0.3), (0.985, 0.99, 0.995, 1.0), (0.0, 0.5, 1.0))
    """
    known = list(values)
    low, high = min(known, default=0.0), max(known, default=0.0)
    if low >= 0 and (low == high or low < high / 2):
        low = 0.0
    if low == high:  # all of them 0, or the same number below it
        high = low + 1
    step = round_step((high - low) / MAX_INTERVALS)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(tuple(rounded(number * step, step) for number in range(first, max(last, first + 1) + 1)))


def edge_ticks(edges: Sequence[float], bars: int, first: int, label: Callable[[float], str]) -> tuple[Tick, ...]:
    """The labels of evenly spaced edges, of which `edges[first]` is the left end of `bars` bars: only round numbers.

    Examples
    --------
    >>> [tick.label for tick in edge_ticks([10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0], 6, 0, "{:.0f}".format)]
    ['10', '20', '30', '40']
    """
    width = edges[1] - edges[0]
    step = round_step(width)
    while True:
        found = [
            Tick((position - first) / bars, label(edge))
            for position, edge in enumerate(edges)
            if 0 <= position - first <= bars and _is_multiple(edge, step)
        ]
        if len(found) <= MAX_LABELS and sum(len(tick.label) for tick in found) <= MAX_LABEL_CHARS:
            return tuple(found)
        step = round_step(step * 1.01)


def _is_multiple(value: float, step: float) -> bool:
    return abs(value / step - round(value / step)) < 1e-6


def bar_ticks(labels: Sequence[str]) -> tuple[Tick, ...]:
    """The labels of bars, each below the middle of its own; every second or third where all are too long.

    Examples
    --------
    >>> bar_ticks(["0", "1"])
    (Tick(at=0.25, label='0'), Tick(at=0.75, label='1'))
    """
    longest = max(map(len, labels))
    every = math.ceil(len(labels) * (longest + 1) / (1.5 * MAX_LABEL_CHARS))
    return tuple(Tick((i + 0.5) / len(labels), label) for i, label in enumerate(labels) if i % every == 0)


def horizontal_labels(ticks: Iterable[Tick]) -> Markup:
    """The labels below a chart.

    Examples
    --------
    >>> horizontal_labels([Tick(0.25, "< 1")])
    Markup('<text x="25%">&lt; 1</text>')
    """
    return Markup("".join(f'<text x="{100 * at:.4g}%">{escape(label)}</text>' for at, label in ticks))  # noqa: S704


def vertical_labels(of: Scale, label: Callable[[float], str]) -> Markup:
    """The labels beside a chart."""
    places = ((100 - 100 * of.share(value), escape(label(value))) for value in of.values)
    return Markup("".join(f'<text x="100%" y="{at:.4g}%">{text}</text>' for at, text in places))  # noqa: S704
