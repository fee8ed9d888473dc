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


def column_features(outputs: Sequence[str], inputs: Sequence[str], features: Sequence[str]) -> list[str | None] | None:
    """The feature of each column of both sides, None for an extra one; None when the rows cannot be aligned.

    A column is the feature of its name; else of its name with its side, where the baseline's rows had the name on both
    sides; else of its plain name, where the baseline's rows had it on one side: then an output only repeats an input,
    unless it is the first feature, which is an output. The remaining columns take the remaining features by position,
    as Model Monitor maps every column, if their numbers are equal and no name contradicts it: where some names match,
    an input with an unknown name is an extra column, and where the numbers differ, an output is the feature at its own
    position. An output may have another name than in the data set (`score`, `label`). Where the rows of a side have no
    names, what lies beside them with a name is an extra column.

    Examples
    --------
    >>> column_features(["id", "score"], ["id"], ["output.id", "score", "input.id"])
    ['output.id', 'score', 'input.id']
    >>> column_features(["score"], ["id"], ["output.id", "score", "input.id"])
    ['score', 'input.id']
    >>> column_features([""], ["", "", "model_version"], ["label", "age", "income"])
    ['label', 'age', 'income', None]
    >>> column_features([""], ["age", "income", "note"], ["label", "age", "income"])
    ['label', 'age', 'income', None]
    >>> column_features([""], ["age"], ["label", "age", "income"])
    ['label', 'age']
    """
    own = [*outputs, *inputs]
    by_side = [f"{'output' if at < len(outputs) else 'input'}.{name}" for at, name in enumerate(own)]
    named = [at for at, name in enumerate(own) if name]
    order = sorted(named, key=lambda at: at < len(outputs) and own[at] != features[0]) if features else []
    found: list[str | None] = [None] * len(own)
    free = dict.fromkeys(features)
    for names in (feature_names(outputs, inputs), by_side, own):
        for at in order:
            if found[at] is None and names[at] in free:
                found[at] = names[at]
                del free[names[at]]
    others = [at for at, feature in enumerate(found) if feature is None]
    by_position = [at for at in others if not own[at] or "" not in (outputs if at < len(outputs) else inputs)]
    if len(by_position) == len(free) < len(others):
        others = by_position
    matched = len(others) < len(found)
    if matched:
        others = [at for at in others if at < len(outputs) or not own[at]]
    if len(free) == len(others):
        for at, feature in zip(others, free, strict=True):
            found[at] = feature
        return found
    if not matched:
        return None
    for at in others:  # a baseline begins with the outputs
        if at < len(outputs) and features[at : at + 1] and features[at] in free:
            found[at] = features[at]
    return found


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
