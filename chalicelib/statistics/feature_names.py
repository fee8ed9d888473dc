"""The names of features, the same everywhere; apart from `table`, which needs numpy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence


def feature_names(outputs: Sequence[str], inputs: Sequence[str], reserved: Collection[str] = ()) -> tuple[str, ...]:
    """The names of the columns of both sides, all of them different.

    A column without a name has its position, as Model Monitor numbers columns. A name that both sides have, or that is
    reserved, is prefixed with its side. A name that one side has again (`a.b` and `a: {b}` are one name) is numbered.

    Examples
    --------
    >>> feature_names(["id", "score"], ["id", "", "b", "b"])
    ('output.id', 'score', 'input.id', '_c3', 'b', 'b#2')
    >>> feature_names([""], ["time"], reserved=["time"])
    ('_c0', 'input.time')
    """
    plain = [name or f"_c{position}" for position, name in enumerate((*outputs, *inputs))]
    prefixed = {*plain[: len(outputs)]} & {*plain[len(outputs) :]} | {*reserved}
    sides = ["output"] * len(outputs) + ["input"] * len(inputs)
    return _distinct(
        [f"{side}.{name}" if name in prefixed else name for side, name in zip(sides, plain, strict=True)], reserved
    )


def _distinct(names: list[str], reserved: Collection[str]) -> tuple[str, ...]:
    known, seen, numbers = {*names, *reserved}, {*reserved}, dict.fromkeys(names, 1)
    if len(known) == len(names) + len(seen):
        return tuple(names)
    result: list[str] = []
    for name in names:
        free = name
        while free in seen or (free != name and free in known):
            numbers[name] += 1
            free = f"{name}#{numbers[name]}"
        seen.add(free)
        result.append(free)
    return tuple(result)


def names_by_side(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a stored baseline, in which a name that occurs exactly twice is an output's and then an input's.

    Examples
    --------
    >>> names_by_side(["id", "score", "id", "amount"])
    ('output.id', 'score', 'input.id', 'amount')
    """
    counts = Counter(names)
    sides = {name: iter(("output", "input")) for name, count in counts.items() if count == 2}
    return tuple(f"{next(sides[name])}.{name}" if name in sides else name for name in names)
