"""NannyML's univariate drift as it is by default: a chunk a day, thresholds of mean + 3 sd over the reference."""

from __future__ import annotations

import kit_of_drift
import nannyml
import pandas as pd


def scores(reference: pd.DataFrame, days: pd.DataFrame) -> kit_of_drift.Scores:
    """(value - mean) / (threshold - mean) of each column and day: above 1 is NannyML's alert."""
    names = [name for name in reference.columns if name != "day"]
    calculator = nannyml.UnivariateDriftCalculator(names, timestamp_column_name="day", chunk_period="D")
    results = calculator.fit(reference).calculate(days)
    method = calculator.continuous_method_names[0]
    if calculator.categorical_method_names != calculator.continuous_method_names:
        raise SystemExit("NannyML's methods for numbers and texts differ: this program knows one for both.")
    known = results.filter(period="reference").to_df()
    found = results.filter(period="analysis").to_df()
    judged: kit_of_drift.Scores = {}
    for name in names:
        one = found[name][method]
        mean = known[name][method]["value"].mean()
        score = (one["value"] - mean) / (one["upper_threshold"] - mean)
        if not ((score > 1) == one["alert"]).all():
            raise SystemExit(f"NannyML alerts of {name} otherwise than this program computes.")
        judged[name] = score.tolist()
    return judged


if __name__ == "__main__":
    kit_of_drift.contest(scores, nannyml)
