"""What the contestants that judge drift share: the year that they read, and the daily findings that they write."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from types import ModuleType

import pandas as pd

Scores = dict[str, list[float]]  # of each column, a figure a day: above 1 it is a finding by the contestant's own rule


def contest(work: Callable[[pd.DataFrame, pd.DataFrame], Scores], library: ModuleType) -> None:
    """Judge the days of the Parquet file named on the command line, after as many reference days as it says."""
    year = pd.read_parquet(sys.argv[1])
    first = year["day"].min() + pd.Timedelta(days=int(sys.argv[2]))
    began = time.perf_counter()
    scores = work(year[year["day"] < first].reset_index(drop=True), year[year["day"] >= first].reset_index(drop=True))
    seconds = time.perf_counter() - began
    version = f"{library.__name__} {library.__version__}"
    print(json.dumps({"version": version, "seconds": seconds, "scores": scores}))
