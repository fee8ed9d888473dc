"""How often a method of judging drift speaks in a quiet real year, and how soon it finds a fault: REAL_YEAR.md.

    make real-year          or, where its environments are installed:  python -m benchmarks.real_year [--dates 20]

To judge another method, name it in OURS. The year and the other monitors' answers are kept in build/real_year.

The year is 2013 at the airports of New York (`benchmarks.flights`). A `Method` is what is judged: it sees the days in
order, the first REFERENCE_DAYS as the reference, and says for each later day what a person is told.

| judged by             | how                                                                                        |
|-----------------------|--------------------------------------------------------------------------------------------|
| messages a week       | days on which something new is told, in the year as it was: a false alarm, or the seasons  |
| slow findings a week  | days on which something is told as a slow change, apart from those messages                |
| from July on          | the same, with the reference from July 1                                                   |
| a fault               | one column is faulty from a date on, at 20 dates spread over the year                      |
| found                 | told of that column on a day on which the year without the fault says nothing of it        |
| an open alert         | a person was told, and it has not recovered                                                |
| days to find          | 1 when it is told at the end of the first faulty day; none after HORIZON days              |
| an equal false alarm  | another monitor's thresholds are raised until it sends at most as many messages as ours    |

A fault in a column whose alert is open already is not found: nobody would be told of it.

The other monitors keep no state of alerts. As they are, each day with a finding is a message; at equal false alarms
they count two of three days by our alert state, since counting more days alone would find nothing within two.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import flights
from benchmarks.drift_rules import (
    DATASET,
    HORIZON,
    DayFindings,
    Method,
    Scores,
    Watch,
    by_alert_state,
    by_day,
    by_hard_checks,
    by_method,
    by_reference_days,
    by_share,
    either,
    hard_measurements,
    model_monitor_scores,
)  # fmt: skip
from benchmarks.flights import COLUMNS, FAULTS, REFERENCE_DAYS, Day, Fault
from benchmarks.levels import machine
from chalicelib.constraints.measurement import Fingerprint

HERE = Path(__file__).parent
REPORT = HERE / "REAL_YEAR.md"
BUILD = HERE.parent / "build" / "real_year"
SOON = 2  # days
JULY = date(2013, 7, 1)
MOST_SECONDS = 1800  # of one run of a contestant
OURS: Method = by_reference_days
CONTESTANTS = ("nannyml", "evidently")
QUIET_ENVIRONMENT = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}


@dataclass(frozen=True)
class Contestant:
    """Another monitor's scores, made in its own environment."""

    version: str
    seconds: float
    scores: Scores


def contestant(name: str, year: Path) -> Contestant:
    """Another monitor's scores of a year; it runs once, and its answer is kept beside the year."""
    kept = year.with_name(f"{year.stem}-{name}.json")
    if not kept.exists():
        kept.write_text(_run_contestant(name, year))
    found = json.loads(kept.read_text())
    by_column = found["scores"]
    days = [dict(zip(by_column, day, strict=True)) for day in zip(*by_column.values(), strict=True)]
    return Contestant(found["version"], found["seconds"], days)


def _run_contestant(name: str, year: Path) -> str:
    python = HERE / "environments" / f".venv-{name}" / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{python} is not there: make real-year installs it.")
    command = [str(python), str(HERE / "contestants" / f"drift_{name}.py"), str(year), str(REFERENCE_DAYS)]
    environment = {**os.environ, **QUIET_ENVIRONMENT}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=MOST_SECONDS)
    if done.returncode:
        raise SystemExit(f"{name} failed on {year.name}:\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]


class Found(NamedTuple):
    """When a fault was told: days since it began, by which check, and whether at once."""

    days: int
    check: str
    sudden: bool


@dataclass(frozen=True)
class Row:
    """One method in the table."""

    name: str
    messages: float  # a week
    slow: float  # a week
    from_july: float  # messages a week
    open: float  # share of the days on which some alert is open
    told: Counter[Fingerprint]  # how often each finding was told at once in the quiet year
    open_before: Mapping[str, int]  # of each fault, the dates at which an alert of its column is open already
    faults: Mapping[str, Sequence[Found | None]]  # of each fault, at each date

    def soon(self, fault: str | None = None) -> int:
        """How many faults, of one kind or of all, are told at once within SOON days."""
        kinds = self.faults if fault is None else [fault]
        return sum(found.sudden and found.days <= SOON for kind in kinds for found in self.faults[kind] if found)

    def cells(self) -> str:
        figures = [f"{self.messages:.2f}", f"{self.from_july:.2f}", f"{self.slow:.2f}", f"{self.open:.0%}"]
        total = sum(len(found) for found in self.faults.values())
        return " | ".join([*figures, *(self._cell(fault) for fault in self.faults), f"{self.soon()} of {total}"])

    def _cell(self, fault: str) -> str:
        """How many are told at once within SOON days, the median of the days, and why others are not."""
        told = [found for found in self.faults[fault] if found]
        slow = sum(not found.sudden for found in told)
        middle = f" ({statistics.median(found.days for found in told):g} d)" if told else ""
        masked = self.open_before[fault]
        return (
            f"{self.soon(fault)}{middle}"
            + (f", {slow} as slow" if slow else "")
            + (f", {masked} open" if masked else "")
        )


def first_days(days: int, dates: int) -> list[int]:
    """The indices of the days on which faults begin, spread evenly over those that leave HORIZON days.

    Examples
    --------
    >>> first_days(365, 20)[:3], first_days(365, 20)[-1]
    ([28, 45, 62], 351)
    """
    last = days - HORIZON
    return [REFERENCE_DAYS + round(number * (last - REFERENCE_DAYS) / max(1, dates - 1)) for number in range(dates)]


def found(watch: Watch, quiet: Sequence[DayFindings], fault: Fault, since: int) -> Found | None:
    """When a fault is told that begins at `since`; None when it is not within HORIZON days."""
    for number, (told, otherwise) in enumerate(zip(watch(fault, since), quiet, strict=False), REFERENCE_DAYS):
        if number >= since + HORIZON:
            return None
        for now, before in ((told.sudden, otherwise.sudden), (told.slow, otherwise.slow)):
            ours = [one for one in sorted(now - before) if one.subject in (fault.column, DATASET.subject)]
            if ours and number >= since:
                return Found(number - since + 1, ours[0].check, now is told.sudden)
    return None


def _open_before(quiet: Sequence[DayFindings], fault: Fault, since: int) -> bool:
    """Whether an alert of the column is open on the day before the fault begins."""
    before = quiet[since - REFERENCE_DAYS - 1].open if since > REFERENCE_DAYS else frozenset()
    return any(one.subject in (fault.column, DATASET.subject) for one in before)


def a_week(findings: Sequence[frozenset[Fingerprint]]) -> float:
    """Days on which something is told, a week."""
    return sum(map(bool, findings)) / (len(findings) / 7)


def row(name: str, watch: Watch, from_july: Watch, dates: int) -> Row:
    """Judge one method, at so many dates of each fault."""
    quiet = list(watch(None, 0))
    begins = first_days(REFERENCE_DAYS + len(quiet), dates)
    began = time.perf_counter()
    judged_row = Row(
        name,
        a_week([day.sudden for day in quiet]),
        a_week([day.slow for day in quiet]),
        a_week([day.sudden for day in from_july(None, 0)]),
        sum(bool(day.open) for day in quiet) / len(quiet),
        Counter(one for day in quiet for one in day.sudden),
        {fault.name: sum(_open_before(quiet, fault, since) for since in begins) for fault in FAULTS},
        {fault.name: [found(watch, quiet, fault, since) for since in begins] for fault in FAULTS},
    )
    print(f"{name}: {judged_row.cells()} [{time.perf_counter() - began:.0f} s]", file=sys.stderr, flush=True)
    return judged_row


def factor_as_quiet_as(messages: float, scores: Scores) -> float:
    """The smallest factor, of 1, 1.05, 1.05^2 ..., that sends at most so many messages a week."""
    factor = 1.0
    while a_week([day.sudden for day in by_alert_state(scores, factor)(None, 0)]) > messages:
        factor *= 1.05
    return factor


def years() -> tuple[list[Day], list[Day], Path, Path]:
    """All days and those from July on, and the file of each: built once for this state of what they are made by."""
    made_by = [Path(flights.__file__), *sorted((HERE.parent / "chalicelib" / "statistics").glob("*.py"))]
    made_by += [HERE / "environments" / f"{name}.lock" for name in ("real_year", *CONTESTANTS)]
    made_by += sorted((HERE / "contestants").glob("*drift*.py"))
    folder = BUILD / hashlib.sha256(b"".join(path.read_bytes() for path in made_by)).hexdigest()[:12]
    days, year, july = folder / "days.msgpack", folder / "year.parquet", folder / "from_july.parquet"
    if not days.exists():
        folder.mkdir(parents=True, exist_ok=True)
        rows = flights.frame()
        rows.to_parquet(year)
        rows.loc[rows["day"].dt.date >= JULY, ["day", *COLUMNS]].to_parquet(july)
        unfinished = days.with_suffix(".unfinished")
        unfinished.write_bytes(msgspec.msgpack.encode(flights.days_of(rows)))
        unfinished.rename(days)
    all_days = msgspec.msgpack.decode(days.read_bytes(), type=list[Day])
    return all_days, [day for day in all_days if day.date >= JULY], year, july


def rows_of(days: Sequence[Day], july: Sequence[Day], files: Sequence[Path], dates: int) -> tuple[list[Row], list[str]]:
    """Every row of the table, ours first, and the seconds of each contestant."""
    drift, drift_july = by_method(OURS, days), by_method(OURS, july)
    hard, hard_july = (by_hard_checks(hard_measurements(some)) for some in (days, july))
    ours = row("Vedette, drift", drift, drift_july, dates)
    rows = [ours, row("Vedette, hard checks", hard, hard_july, dates)]
    rows.append(row("Vedette, both", either(drift, hard), either(drift_july, hard_july), dates))
    scores = {"Model Monitor's rule": (model_monitor_scores(days), model_monitor_scores(july))}
    seconds = []
    for name in CONTESTANTS:
        whole, half = (contestant(name, file) for file in files)
        scores[whole.version] = whole.scores, half.scores
        seconds.append(f"{whole.version} {whole.seconds:.0f} for the year and {half.seconds:.0f} from July on")
    for name, (year, half_year) in scores.items():
        factor = factor_as_quiet_as(ours.messages, year)
        equal = (by_alert_state(some, factor) for some in (year, half_year))
        rows.append(row(f"{name}, thresholds x {factor:.2f}, 2 of 3 days", *equal, dates))
    for name, both in scores.items():
        rows.append(row(f"{name}, as it is", *map(by_day, both), dates))
        if name.startswith("evidently"):
            rows.append(row(f"{name}, as it is, half of the columns", *map(by_share, both), dates))
    return rows, seconds


def report(rows: Sequence[Row], weeks: Sequence[float], seconds: Sequence[str]) -> str:
    faults = rows[0].faults
    dates = len(next(iter(faults.values())))
    header = [
        "",
        "messages a week",
        "from July on",
        "slow findings a week",
        "days with an open alert",
        *faults,
        f"within {SOON} days",
    ]
    lines = [
        "# A real year",
        "",
        f"Written by `python -m benchmarks.real_year`, whose docstring says how it judges; `make real-year` installs "
        f"what it needs. {REFERENCE_DAYS} reference days, then {weeks[0]:.0f} weeks, or {weeks[1]:.0f} from July on; "
        f"{len(COLUMNS)} columns; each fault begins at {dates} dates. {machine()}.",
        "",
        f"The cells of a fault: at how many dates it is told within {SOON} days; in brackets the median of the days, "
        f"where it is told within {HORIZON}; at how many dates an alert of the column was `open` before.",
        "",
        f"| {' | '.join(header)} |",
        "|---|" + "---|" * (len(header) - 1),
        *(f"| {one.name} | {one.cells()} |" for one in rows),
        "",
        *(f"* {sentence}" for sentence in sentences(rows)),
        "* The drift checks of the other monitors do not look at missing cells; their checks that do were not run.",
        "",
        f"Seconds: {'; '.join(seconds)}.",
        "",
    ]
    return "\n".join(lines)


def sentences(rows: Sequence[Row]) -> Iterator[str]:
    """What follows from the figures."""
    ours, hard, both, *others = rows
    total = sum(map(len, ours.faults.values()))
    yield (
        f"Our drift check sends {ours.messages:.2f} messages a week in the quiet year and tells {ours.soon()} of "
        f"{total} faults within {SOON} days; with the hard checks {both.messages:.2f} and {both.soon()}."
    )
    quiet = [one for one in others if one.messages <= ours.messages]
    if quiet:
        best = max(quiet, key=Row.soon)
        order = (best.soon() > ours.soon()) - (best.soon() < ours.soon())
        yield (
            f"Of the others that send no more messages, {best.name} tells most: {best.soon()}, "
            f"{('as many as', 'more than', 'fewer than')[order]} our drift check."
        )
    for one in others:
        if one.messages > ours.messages:
            yield f"{one.name}: {one.messages:.2f} messages a week, more than ours; tells {one.soon()}."
    for one in (ours, hard):
        what_was_told = ", ".join(f"{count} x {what.check} of {what.subject}" for what, count in one.told.most_common())
        yield f"{one.name}, in the quiet year: {what_was_told or 'nothing'}."
    for fault, told in hard.faults.items():
        checks = Counter(one.check for one in told if one and one.days <= SOON)
        for check, count in checks.most_common():
            yield f"The hard checks find `{fault}` by {check} at {count} of {len(told)} dates within {SOON} days."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dates", type=int, default=20, help="at how many dates each fault begins")
    dates = parser.parse_args().dates
    began = time.perf_counter()
    days, july, *files = years()
    rows, seconds = rows_of(days, july, files, dates)
    seconds.append(f"{time.perf_counter() - began:.0f} in all, without what was kept")
    text = report(rows, [(len(some) - REFERENCE_DAYS) / 7 for some in (days, july)], seconds)
    REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
