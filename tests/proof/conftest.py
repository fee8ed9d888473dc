"""How far the proofs go, and the table of what was proven.

| VEDETTE_PROVE | faults                                  | schedules a pair | histories        | disturbed (alerts) |
|---------------|-----------------------------------------|------------------|------------------|--------------------|
| unset         | crashes that differ, in three scenarios | 12               | 15 of 15 events  | 12 (12)            |
| bounded       | the same                                | 60               | 15 of 15 events  | 60 (20)            |
| full          | every kind, every call, every scenario  | 200              | 160 of 30 events | 500 (200)          |
"""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Extent:
    """How much is run."""

    full: bool
    samples: int  # schedules of a pair
    most: int  # as many schedules, when that is all of them
    examples: int  # histories that the planner judges, in each of four parts
    steps: int
    deployment_histories: int  # that also run without a disturbance
    alert_histories: int


EXTENTS = {
    "": Extent(False, 12, most=40, examples=15, steps=15, deployment_histories=12, alert_histories=12),
    "bounded": Extent(False, 60, most=60, examples=15, steps=15, deployment_histories=60, alert_histories=20),
    "full": Extent(True, 200, most=1000, examples=40, steps=30, deployment_histories=500, alert_histories=200),
}


@pytest.fixture(scope="session")
def extent() -> Extent:
    return EXTENTS[os.environ.get("VEDETTE_PROVE", "")]


@pytest.fixture
def proves(record_property):
    """Put a row into the table at the end: what, how many of what, under which name, with which outcome."""

    def note(what: str, counted: int, under: str, outcome: str) -> None:
        record_property("proven", [what, counted, under, outcome])

    return note


def pytest_terminal_summary(terminalreporter):
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, ())]
    rows = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == "proven"]
    if not rows:
        return
    terminalreporter.section("what was proven")
    for what, counted, under, outcome in sorted(rows):
        terminalreporter.write_line(f"{what:<22} {counted:>6}  {under:<58} {outcome}")
    for what in sorted({row[0] for row in rows}):
        total = sum(row[1] for row in rows if row[0] == what)
        terminalreporter.write_line(f"{what:<22} {total:>6}  in all")
