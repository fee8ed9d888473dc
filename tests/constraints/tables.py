"""Tables, summaries and baselines to evaluate."""

from types import SimpleNamespace

from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, Evaluation
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.table import Table, sum_of_tables


def summary(*tables: Table, refused: int = 0) -> SimpleNamespace:
    rows = sum(table.rows for table in tables)
    return SimpleNamespace(
        rows=rows, lines=rows + refused, rejected_lines=refused, unread=(), tables=sum_of_tables(tables)
    )


def column(cells, name: str = "x") -> Table:
    return Table.of([[cell] for cell in cells], (name,), k=BASELINE_K)


def baseline_of(table: Table, **changes) -> Baseline:
    constraints = suggested_constraints(table)
    features = [{**feature, **changes} for feature in constraints.document["features"]]
    return Baseline(constraints=Constraints({**constraints.document, "features": features}), statistics=table)


def checked(evaluation: Evaluation, check: str) -> Measurement:
    return next(measurement for measurement in evaluation.measurements if measurement.check == check)
