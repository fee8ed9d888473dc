"""A suggested baseline holds on the data from which it comes: as a data set, a statistics.json, and captures."""

import json
import random

import pytest

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.statistics import BASELINE_K, PART_K
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table
from tests.capture.captures import line, side
from tests.constraints.tables import summary

KINDS = {
    "integers": lambda draw: str(draw.randint(0, 10**6)),
    "negative": lambda draw: str(draw.randint(-50, 50)),
    "fractions": lambda draw: repr(draw.gauss(0, 100)),
    "integers and fractions": lambda draw: draw.choice([str(draw.randint(-9, 9)), f"{draw.uniform(-9, 9):.2f}"]),
    "amounts": lambda draw: repr(draw.randint(0, 40) / 2).removesuffix(".0"),  # 10 beside 10.5
    "postcodes": lambda draw: draw.choice([f"{draw.randint(0, 99999):05}", f"K{draw.randint(1, 9)}A"]),
    "numbers and texts": lambda draw: draw.choice(["1", "2.5", "n/a", "unknown"]),
    "one text among numbers": lambda draw: "n/a" if draw.random() < 0.01 else repr(draw.random()),
    "booleans": lambda draw: draw.choice(["true", "false"]),
    "booleans of Python": lambda draw: draw.choice(["True", "False"]),
    "booleans and numbers": lambda draw: draw.choice(["true", "false", "0", "1"]),
    "dates": lambda draw: f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
    "few categories": lambda draw: draw.choice(["red", "green", "blue"]),
    "many categories": lambda draw: f"user-{draw.randint(0, 10**5)}",
    "NaN": lambda draw: draw.choice(["NaN", "nan", repr(draw.random())]),
    "exponents": lambda draw: draw.choice(["1e5", "3", "-2E-3", "1e200", "-1e200"]),
    "one value": lambda draw: "7",
    "sentences": lambda draw: " ".join(draw.choices(["it", "came", "late", "again", "1"], k=draw.randint(1, 12))),
}


def data_set(seed: int) -> tuple[list[list[str | None]], tuple[str, ...]]:
    """Rows of columns of many kinds, some with missing cells; the first column, the output, has none."""
    draw = random.Random(seed)
    kinds = draw.choices(list(KINDS), k=draw.randint(3, 6))
    missing = [0.0, *(draw.choice([0.0, 0.0, 0.1, 0.7, 1.0]) for _ in kinds[1:])]
    rows = [
        [None if draw.random() < share else KINDS[kind](draw) for kind, share in zip(kinds, missing, strict=True)]
        for _ in range(draw.choice([1, 7, 30, 150, 400]))
    ]
    return rows, tuple(f"{kind} {at}" for at, kind in enumerate(kinds))


def as_captures(rows: list[list[str | None]]) -> CaptureSummary:
    """The rows as the text that an endpoint captures."""
    content = b"".join(line(side(",".join(cell or "" for cell in inputs)), side(output)) for output, *inputs in rows)
    return CaptureSummary.total([summarize([content], options=CaptureOptions(sketch_k=PART_K))])


def violations(summary, table: Table) -> list[str]:
    """What violates the baseline that the table suggests, with its constraints and statistics as they are in files."""
    baseline = Baseline(
        constraints=read_constraints(write_constraints(suggested_constraints(table)), "constraints.json"),
        statistics=read_statistics(write_statistics(table), "statistics.json"),
    )
    found = evaluate(summary, baseline, minimum_rows=1, minimum_drift_rows=1)
    assert found.measurements
    return [f"{one.feature}: {one.check}: {one.observed}" for one in found.violations]


@pytest.mark.parametrize("seed", range(200))
def test_a_suggested_baseline_holds_on_its_own_data(seed):
    rows, names = data_set(seed)
    table = Table.of(rows, names, k=BASELINE_K)
    from_file = read_statistics(write_statistics(table), "statistics.json")
    captured = as_captures(rows)
    assert captured.rows == len(rows)
    assert violations(summary(table), table) == []
    assert violations(summary(table), from_file) == []
    assert violations(captured, table) == []
    assert violations(captured, from_file) == []
    (own,) = captured.tables  # --from-captures
    assert violations(captured, own) == []
    private = without_private_values(table, names[1:])
    assert violations(summary(private), private) == []


def test_captures_in_json_hold_the_baseline_that_they_suggest():
    rows = [{"amount": 10 if i % 3 else 10.5, "zip": 12345 if i % 2 else "K1A", "new": i % 5 > 0} for i in range(300)]
    content = b"".join(line(side(json.dumps(row), "JSON"), side(json.dumps({"score": i}), "JSON"))
                       for i, row in enumerate(rows))  # fmt: skip
    captured = CaptureSummary.total([summarize([content], options=CaptureOptions(sketch_k=BASELINE_K))])
    (table,) = captured.tables
    assert violations(captured, table) == []
    assert violations(captured, read_statistics(write_statistics(table), "x")) == []
    thresholds = {one.name: one.overrides for one in suggested_constraints(table).features}
    assert thresholds == {
        "score": {},
        "amount": {"datatype_check_threshold": 100 / 300},
        "zip": {"datatype_check_threshold": 0.5},
        "new": {},
    }


def test_one_cell_fewer_of_the_type_is_a_violation():
    half = Table.of([["10"], ["10.5"]] * 50, ("amount",), k=BASELINE_K)
    worse = Table.of([["10"]] * 51 + [["10.5"]] * 49, ("amount",))
    assert violations(summary(worse), half) == ["amount: data_type_check: 49.0% Fractional"]
