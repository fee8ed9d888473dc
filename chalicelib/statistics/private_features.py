"""Private features: of these columns a table keeps counts of types and missing cells alone.

Which columns are private follows from the names that a person gives, and never from the values:

| a private name                        | is that of                                                        |
|---------------------------------------|-------------------------------------------------------------------|
| the name in the payload               | this column, among the outputs and among the inputs               |
| `output.x`, `input.x`                 | the output, the input with the name x                             |
| `x`, where the payload has `x.y`,     | every column within x                                             |
| `x[]` or `x[].y`                      |                                                                   |
| `_c3`                                 | the column at this position, outputs first                        |
| a feature of the baseline             | the column that takes this feature by position, as in evaluations |
| a feature of a baseline that may be   | also the input at this position                                   |
| one of the inputs alone               |                                                                   |
| none of these, and all inputs have    | an absent key: no column                                          |
| names                                 |                                                                   |
| none of these, and the columns are as | no column                                                         |
| many as the features of the baseline  |                                                                   |
| none of these otherwise               | every column without a name                                       |

So the values of a column without a name are kept only when it is known that it is none of the private ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

import msgspec

from chalicelib.statistics.table import Table


def without_private_values(table: Table, private: Collection[str], features: Sequence[str] = ()) -> Table:
    """The table with only counts of types and missing cells for its private columns.

    Parameters
    ----------
    private
        The names of the private features.
    features
        The features of the baseline, in order: outputs first, then inputs. Empty when there is no baseline.

    Examples
    --------
    >>> table = Table.of([["1", "a"]], ("x", "y"))
    >>> [column.private for column in without_private_values(table, ("y",)).columns]
    [False, True]
    """
    positions = private_positions(table, private, features) if private else frozenset()
    if not positions:
        return table
    columns = tuple(
        column.without_values() if position in positions else column for position, column in enumerate(table.columns)
    )
    return msgspec.structs.replace(table, columns=columns)


def private_positions(table: Table, private: Collection[str], features: Sequence[str] = ()) -> frozenset[int]:
    """The positions of the private columns; for the parameters see `without_private_values`.

    Examples
    --------
    >>> unnamed = Table.of([["1", "2", "3"]], ("", "", ""), outputs=1)
    >>> sorted(private_positions(unnamed, ["_c2"])), sorted(private_positions(unnamed, ["b"], ["y", "a", "b"]))
    ([2], [2])
    >>> sorted(private_positions(unnamed, ["b"]))
    [0, 1, 2]
    """
    wanted = set(private)
    own = [_names_of(table, position) for position in range(len(table.names))]
    found = {
        position for position, names in enumerate(own) if not wanted.isdisjoint([*names, *_enclosing(table, position)])
    }
    taken = {name for names in own for name in names}
    aligned = (table.features(features) if features else None) or [None] * len(own)
    found |= {position for position, feature in enumerate(aligned) if feature in wanted}
    inputs = table.names[table.outputs :]
    if len(features) == len(inputs) and not any(inputs):
        found |= {table.outputs + position for position, name in enumerate(features) if name in wanted}
    if inputs and all(inputs):  # the order of keys says nothing, but a baseline lists the outputs first
        free = {at: name for at, name in enumerate(features[: table.outputs]) if aligned[at] is None}
        found |= {at for at, name in free.items() if name in wanted and name not in aligned and name not in taken}
    elif not wanted <= taken.union(aligned):
        found |= {at for at, name in enumerate(table.names) if not name and aligned[at] is None}
    return frozenset(found)


def unknown_names(tables: Sequence[Table], private: Collection[str], features: Sequence[str] = ()) -> list[str]:
    """The private names that are those of no column of any table, and of no feature of the baseline.

    Examples
    --------
    >>> unknown_names([Table.of([["1"]], ("x",))], ["x", "y"])
    ['y']
    """
    known = set(features)
    for table in tables:
        for position in range(len(table.names)):
            known |= {*_names_of(table, position), *_enclosing(table, position)}
    return [name for name in dict.fromkeys(private) if name not in known]


def _names_of(table: Table, position: int) -> set[str]:
    """The names under which a column is known without a baseline."""
    name, side = table.names[position], "output" if position < table.outputs else "input"
    return {f"_c{position}"} | ({name, f"{side}.{name}"} if name else set())


def _enclosing(table: Table, position: int) -> Iterator[str]:
    """The names of what holds the column: `a` and `a.b` of `a.b.c`; `a` of `a[].b` and `a#count`."""
    path = table.names[position].replace("[]", "").partition("#")[0]
    yield from accumulate(path.split("."), "{}.{}".format)
