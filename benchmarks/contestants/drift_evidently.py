"""Evidently's data drift preset as it is by default: each day against the reference, a test for each column.

The preset draws some hundred charts a day, which takes seconds. Its tests are therefore called themselves, as the
preset calls them; on the first day the preset runs too, and must give the same figures.
"""

from __future__ import annotations

import evidently
import kit_of_drift
import pandas as pd
from evidently import Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from evidently.presets import DataDriftPreset


def scores(reference: pd.DataFrame, days: pd.DataFrame) -> kit_of_drift.Scores:
    """Distance / threshold of each column and day: from 1 on Evidently calls the column drifted."""
    names = [name for name in reference.columns if name != "day"]
    known = {name: reference[name].dropna() for name in names}
    judged: kit_of_drift.Scores = {name: [] for name in names}
    for number, (_, day) in enumerate(days.groupby("day")):
        for name in names:
            cells = day[name].dropna()
            judged[name].append(_score(known[name], cells) if len(cells) else 0.0)  # the preset would raise
        if number == 0:
            _confirm({name: found[0] for name, found in judged.items()}, reference, day)
    return judged


def _score(known: pd.Series, cells: pd.Series) -> float:
    kind = ColumnType.Numerical if pd.api.types.is_numeric_dtype(known) else ColumnType.Categorical
    test = get_stattest(known, cells, kind, None)
    found = test(known, cells, kind, None)
    score = found.drift_score / found.actual_threshold
    if (score >= 1) != found.drifted:
        raise SystemExit(f"Evidently's {test.display_name} is no distance with a threshold.")
    return float(score)


def _confirm(found: dict[str, float], reference: pd.DataFrame, day: pd.DataFrame) -> None:
    report = Report([DataDriftPreset(columns=list(found))]).run(day.reset_index(drop=True), reference)
    _, *metrics = report.dict()["metrics"]
    preset = {one["config"]["column"]: one["value"] / one["config"]["threshold"] for one in metrics}
    wrong = [name for name in found if abs(found[name] - preset[name]) > 1e-9]
    if wrong:
        raise SystemExit(f"Evidently's preset gives other figures for {', '.join(wrong)}.")


if __name__ == "__main__":
    kit_of_drift.contest(scores, evidently)
