"""MEASURED: statistics of columns of text cells. Each one is a frozen value with a zero and a plus.

    cells of a column -> ColumnStatistics = types + moments + distribution + categories + lengths
    columns of equal layout -> Table;  a Table <-> statistics.json in Model Monitor's schema

What adds up is kept (counts, sums, sketches); what does not (mean, deviation, quantiles) is derived. "Not enough data"
is None, never 0.0. `lexical` says what a cell is; nothing here imports boto3, pandas or pyarrow, and the modules that
need numpy or datasketches import them.
"""

from typing import Literal

Method = Literal["Simple", "Robust"]  # of comparing two distributions; here, so that constraints are read without numpy
