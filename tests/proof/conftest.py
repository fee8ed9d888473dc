"""How far the proofs go, and the table of what was proven.

`VEDETTE_PROVE=full` runs every kind of fault at every call, hundreds of schedules a pair and long histories; without it
a small part of each runs with the other tests.
"""

import os
from dataclasses import dataclass

import pytest

COLUMNS = ("what", "counted", "under", "outcome")


@dataclass(frozen=True)
class Extent:
    """How much is run."""

    full: bool
    samples: int
    most: int


@pytest.fixture(scope="session")
def extent() -> Extent:
    full = os.environ.get("VEDETTE_PROVE") == "full"
    return Extent(full, samples=500, most=3432) if full else Extent(full, samples=60, most=60)


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
