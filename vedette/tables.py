"""Plain tables as statistics: DataFrames, CSV with a header, and Parquet, one file or many with the same columns.

| input                                             | becomes                                                   |
|---------------------------------------------------|-----------------------------------------------------------|
| a pandas DataFrame; one that has `to_pandas()`    | its columns; its index is left out                        |
| the DataFrame of `vedette.captured`               | without the columns about the request                     |
| NaN, NaT, None, pd.NA                             | a missing cell                                            |
| whole numbers that pandas made floats, because a  | whole numbers                                             |
| cell is missing                                   |                                                           |
| a cell that is a list or another object           | `column a holds list`                                     |
| .csv, .parquet                                    | see `data_sets`                                           |
| files with other columns than the first one       | `b.csv: other columns than a.csv`                         |
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from chalicelib.errors import UnreadableFile
from chalicelib.statistics.table import Table
from vedette.data_sets import CELLS_AT_ONCE, cell_value, data_set_statistics, json_table, total
from vedette.input_sources import is_table

if TYPE_CHECKING:
    import pandas as pd

    from vedette.input_sources import Source

PLACE = "DataFrame"  # in messages
_REQUEST_COLUMNS = ("event_id", "inference_time", "inference_id", "ground_truth")  # of `vedette.captured`
_SCALARS = (str, int, float, bool)


def as_frame(data: Any) -> pd.DataFrame | None:
    """The data as a pandas DataFrame; None if it is not one, and cannot become one."""
    frames = getattr(sys.modules.get("pandas"), "DataFrame", None)  # who has a DataFrame has imported pandas
    if frames is not None and isinstance(data, frames):
        found: pd.DataFrame = data
        return found
    return as_frame(data.to_pandas()) if hasattr(data, "to_pandas") else None


def frame_statistics(frame: pd.DataFrame) -> Table:
    """The statistics of a DataFrame.

    Raises
    ------
    UnreadableFile
        If it has no rows, two columns of the same name, or cells that are not scalars.

    Examples
    --------
    >>> import pandas as pd
    >>> table = frame_statistics(pd.DataFrame({"a": [1, None, 3], "b": ["x", "y", None]}))
    >>> [(column.types.inferred_type, column.types.missing) for column in table.columns]
    [('Integral', 1), ('String', 1)]
    """
    if "refused" in frame.attrs:  # `vedette.captured` made it
        frame = frame[[name for name in frame.columns if name not in _REQUEST_COLUMNS]]
    names = tuple(str(name) for name in frame.columns)
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UnreadableFile(f"{PLACE}: two columns named {name!r}")
    readers = [_reader(frame.iloc[:, position], name) for position, name in enumerate(names)]
    size = max(1, CELLS_AT_ONCE // max(1, len(names)))
    starts = range(0, len(frame), size)
    return total(
        (
            json_table(
                {name: read(start, start + size) for name, read in zip(names, readers, strict=True)},
                min(size, len(frame) - start),
            )
            for start in starts
        ),
        PLACE,
    )


def _reader(column: pd.Series, name: str) -> Callable[[int, int], list[Any]]:
    """Reads the cells of a column from one row to another, as JSON values."""
    missing = column.isna()
    present = column[~missing]
    whole = column.dtype.kind == "f" and missing.any() and bool((present % 1 == 0).all())

    def cells(start: int, end: int) -> list[Any]:
        part = zip(column.iloc[start:end].tolist(), missing.iloc[start:end].tolist(), strict=True)
        values = [None if absent else _scalar(cell, name) for cell, absent in part]
        return [int(value) if whole and value is not None else value for value in values]

    return cells


def _scalar(cell: Any, name: str) -> Any:
    value = cell.item() if isinstance(cell, np.generic) else cell
    if not isinstance(value, _SCALARS) and (isinstance(value, (bytes, dict)) or hasattr(value, "__len__")):
        raise UnreadableFile(f"{PLACE}: column {name!r} holds {type(value).__name__}")
    return cell_value(value)


def are_tables(found: Sequence[Source]) -> bool:
    """Whether files are plain tables; False if they are captures.

    Raises
    ------
    UnreadableFile
        If some are tables and some are captures.
    """
    tables = [source.name for source in found if is_table(source.name)]
    if tables and len(tables) < len(found):
        raise UnreadableFile(f"{tables[0]}: a table among captures; name either tables or captures")
    return bool(tables)


def table_statistics(found: Sequence[Source], advance: Callable[[int], None], *, header: bool = True) -> Table:
    """The sum of the statistics of some files; without a header, the columns of a CSV are named `_c0`, `_c1`, ...

    Raises
    ------
    UnreadableFile
        If a file cannot be read, or has other columns than the first one.
    """

    def tables() -> Iterator[Table]:
        first: Table | None = None
        for source in found:
            table = data_set_statistics(source, advance, header=header)
            if first is not None and set(table.names) != set(first.names):
                raise UnreadableFile(f"{source.name}: other columns than {found[0].name}")
            first = first or table
            yield table

    return total(tables(), found[0].name)


def without_names(table: Table) -> Table:
    """The table with its columns known by position, which a baseline then names.

    Examples
    --------
    >>> without_names(Table.of([["1", "2"]], ("_c0", "_c1"))).names
    ('', '')
    """
    return msgspec.structs.replace(table, names=("",) * len(table.names))
