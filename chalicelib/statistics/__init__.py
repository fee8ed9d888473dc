"""Statistics of columns of text cells; each statistic is a frozen value with a zero and a plus.

    cells of a column -> ColumnStatistics = types + moments + distribution + categories + lengths
    columns of equal layout -> Table;  a Table <-> statistics.json in Model Monitor's schema

Stored is what adds up (counts, sums, sketches); what does not (mean, deviation, quantiles) is derived. "Not enough
data" is None, never 0.0.

| module                           | statistic of a column                                                     |
|----------------------------------|---------------------------------------------------------------------------|
| `lexical`                        | how many cells are Integral, Fractional, Boolean, String, missing         |
| `moments`                        | count, sum, mean, standard deviation and extremes of its numbers          |
| `distribution`                   | where its numbers lie: quantiles, buckets; exact while few, else a sketch |
| `categories`                     | how often each of its cells occurs; how many are distinct                 |
| `lengths`                        | how long its texts are, in characters and in words                        |
| `column`, `table`, `csv_columns` | all of these; of all columns of rows; of all columns of CSV at once       |
| `equal_cells`                    | which cells of a long column are equal                                    |
| `feature_names`                  | the names of columns, the same everywhere                                 |
| `private_features`               | which columns keep no values                                              |
| `distances`                      | how far the current data of a column are from its baseline                |
| `day_variation`                  | how much the days of a column differ from each other                      |
| `files`                          | statistics.json in Model Monitor's schema                                 |

Nothing here imports boto3, pandas or pyarrow; the modules that need numpy or datasketches import them.
"""

from typing import Literal

# Here, so that constraints and capture options are read without numpy.
Method = Literal["Simple", "Robust"]  # of comparing two distributions
NUMERIC_TYPES = ("Integral", "Fractional")  # inferred types whose distributions are compared as numbers
PART_K = 200  # k of a KLL sketch: rank error 1.3 %; about 2.6 kB at 1,000 values
BASELINE_K = 2048  # Model Monitor's own: exact up to 2,048 values
