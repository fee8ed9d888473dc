"""How much the days of one feature differ from each other: distances of whole days, left out one by one.

    days of one feature -> DayCounts (days x points) -> leave_one_out: one distance a day

A day is a block: its rows hang together (sessions, the weather, a campaign), so that the distance of a day from the
other days is what a day without a change looks like, however many rows it has.

References
----------
Kuensch (1989), The Jackknife and the Bootstrap for General Stationary Observations (blocks of observations).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from chalicelib.statistics.distances import CHANCE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chalicelib.statistics.distribution import Distribution

_POINTS_A_DAY = 128  # values of a day at which all days are compared: ranks are then exact to 0.8 %


class DayCounts(NamedTuple):
    """The days of one feature, in a form in which days add up and their distance is a maximum.

    `counts` has the shape (days, points). Numbers: how many of a day's values are at most each point. Categories: how
    many of its cells are each category.
    """

    counts: NDArray[np.float64]
    totals: NDArray[np.float64]  # shape (days,)


def numeric_days(days: Sequence[Distribution]) -> DayCounts:
    """The days of a feature of numbers."""
    items = [day.items() for day in days]
    points = np.unique(np.concatenate([_spread(values) for values, _ in items] or [np.zeros(0)]))
    reached = [
        np.concatenate([[0], np.cumsum(weights)])[np.searchsorted(values, points, side="right")]
        for values, weights in items
    ]
    return _day_counts(reached, len(points), [int(weights.sum()) for _, weights in items])


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """At most _POINTS_A_DAY of ascending values, evenly spread over their ranks."""
    if len(values) <= _POINTS_A_DAY:
        return values
    return values[np.linspace(0, len(values) - 1, _POINTS_A_DAY).astype(np.intp)]


def categorical_days(days: Sequence[Mapping[str, int]]) -> DayCounts:
    """The days of a feature of categories."""
    names = sorted({name for day in days for name in day})
    counts = [[day.get(name, 0) for name in names] for day in days]
    return _day_counts(counts, len(names), [sum(day.values()) for day in days])


def _day_counts(counts: Sequence[Sequence[int] | NDArray[np.int64]], points: int, totals: Sequence[int]) -> DayCounts:
    shaped = np.array(counts, dtype=np.float64).reshape(len(totals), points)
    return DayCounts(shaped, np.array(totals, dtype=np.float64))


def leave_one_out(days: DayCounts, groups: Sequence[int]) -> NDArray[np.float64]:
    """The distance of each day from the sum of the other days of its group; shape (days,).

    With F_i the share of day i up to (or in) each point, n_i its values, and G_i that of the other days of the group,
    which have m_i values: D_i = max |F_i - G_i| - 1.8 sqrt((n_i + m_i) / (n_i m_i)), at least 0, which is the Robust
    distance of `distances`. NaN for the only day of a group, and for a day without values.

    Examples
    --------
    >>> days = categorical_days([{"a": 9_000, "b": 1_000}, {"a": 9_000, "b": 1_000}, {"a": 5_000, "b": 5_000}])
    >>> leave_one_out(days, [0, 0, 0]).round(2).tolist(), leave_one_out(days, [0, 0, 1]).round(2).tolist()
    ([0.18, 0.18, 0.38], [0.0, 0.0, nan])
    """
    counts, totals = days
    member = np.array(groups)[:, None] == np.unique(groups)[None, :]  # shape (days, groups)
    others = (member @ (member.T @ counts)) - counts
    return _distances(counts, totals, others, member @ (member.T @ totals) - totals)


def from_groups(days: DayCounts, groups: Sequence[int], group: int) -> NDArray[np.float64]:
    """The Robust distance of each day from the sum of the days of one group, itself left out; shape (days,).

    Examples
    --------
    >>> days = categorical_days([{"a": 900}, {"a": 900}, {"b": 900}])
    >>> from_groups(days, [0, 0, 1], 1).round(2).tolist()
    [0.92, 0.92, nan]
    """
    counts, totals = days
    member = (np.array(groups) == group).astype(float)
    others = (member @ counts)[None, :] - member[:, None] * counts
    return _distances(counts, totals, others, member @ totals - member * totals)


def between(days: DayCounts, first: Sequence[bool]) -> float:
    """The Robust distance of the sum of some days from the sum of the others; NaN when either has no values.

    Examples
    --------
    >>> round(between(categorical_days([{"a": 900}, {"a": 900}, {"b": 900}]), [True, True, False]), 2)
    0.93
    """
    one = np.array(first, dtype=float)
    sums, totals = np.stack([one, 1 - one]) @ days.counts, np.stack([one, 1 - one]) @ days.totals
    return float(_distances(sums[:1], totals[:1], sums[1:], totals[1:])[0])


def _distances(
    counts: NDArray[np.float64], n: NDArray[np.float64], others: NDArray[np.float64], m: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not counts.shape[1]:
        return np.full(len(counts), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(counts / n[:, None] - others / m[:, None]).max(axis=1)
        return np.where((n > 0) & (m > 0), np.maximum(0.0, gap - CHANCE * np.sqrt((n + m) / (n * m))), np.nan)
