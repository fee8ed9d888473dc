"""How often a method of judging drift speaks in a quiet real year, and how soon it finds a fault: REAL_YEAR.md.

    make real-year          or, where its environments are installed:  python -m benchmarks.real_year

The year is 2013 at the airports of New York (`benchmarks.flights`). A `Method` is what is judged: it sees the days in
order, the first REFERENCE_DAYS as the reference, and says for each later day what a person is told.

| judged by             | how                                                                                        |
|-----------------------|--------------------------------------------------------------------------------------------|
| messages a week       | days on which something new is told, in the year as it was: a false alarm, or the seasons  |
| slow findings a week  | days on which something is told as a slow change, apart from those messages                |
| from July on          | the same, with the reference from July 1                                                   |
| a fault               | one column is faulty from a date on, at DATES dates spread over the year                   |
| found                 | told of that column on a day on which the year without the fault says nothing of it        |
| days to find          | 1 when it is told at the end of the first faulty day; none after HORIZON days              |
| an equal false alarm  | another monitor's thresholds are raised until it sends at most as many messages as ours    |

A fault in a column of which a person was told already, and that has not recovered, is not found: nobody would see it.

The other monitors keep no state of alerts. As they are, each day with a finding is a message; at equal false alarms
they count two of three days by our alert state, since counting more days alone would find nothing within two.
"""

from __future__ import annotations

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
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import flights
from benchmarks.drift_rules import (
    DATASET,
    DayFindings,
    Method,
    Scores,
    Watch,
    by_alert_state,
    by_day,
    by_hard_checks,
    by_method,
    by_share,
    either,
    hard_measurements,
    model_monitor_scores,
    pooled,
)  # fmt: skip
from benchmarks.flights import COLUMNS, FAULTS, REFERENCE_DAYS, Day, Fault
from benchmarks.levels import machine
from chalicelib.constraints.measurement import Fingerprint

HERE = Path(__file__).parent
REPORT = HERE / "REAL_YEAR.md"
BUILD = HERE.parent / "build" / "real_year"
DATES = 20
HORIZON = 14  # days in which a fault may be found
SOON = 2  # days
JULY = datetime(2013, 7, 1).date()  # noqa: DTZ001 - a date of the airports' own time
MOST_SECONDS = 1800  # of one run of a contestant
OURS: Method = pooled
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
    faults: Mapping[str, Sequence[Found | None]]  # of each fault, at each date

    def soon(self, fault: str | None = None) -> int:
        """How many faults, of one kind or of all, are told at once within SOON days."""
        kinds = self.faults if fault is None else [fault]
        return sum(found.sudden and found.days <= SOON for kind in kinds for found in self.faults[kind] if found)

    def cells(self) -> str:
        figures = [f"{self.messages:.2f}", f"{self.from_july:.2f}", f"{self.slow:.2f}"]
        total = sum(len(found) for found in self.faults.values())
        return " | ".join([*figures, *(self._cell(fault) for fault in self.faults), f"{self.soon()} of {total}"])

    def _cell(self, fault: str) -> str:
        """How many are told at once within SOON days; the median of days over all that are told within HORIZON."""
        told = [found for found in self.faults[fault] if found]
        slow = sum(not found.sudden for found in told)
        middle = f" ({statistics.median(found.days for found in told):g} d)" if told else ""
        return f"{self.soon(fault)}{middle}" + (f", {slow} as slow" if slow else "")


def first_days(days: int) -> list[int]:
    """The indices of the days on which faults begin, spread evenly over those that leave HORIZON days.

    Examples
    --------
    >>> first_days(365)[:3], first_days(365)[-1], len(first_days(365))
    ([28, 45, 62], 351, 20)
    """
    last = days - HORIZON
    return [REFERENCE_DAYS + round(number * (last - REFERENCE_DAYS) / (DATES - 1)) for number in range(DATES)]


def found(watch: Watch, quiet: Sequence[DayFindings], fault: Fault, since: int) -> Found | None:
    """When a fault is told that begins at `since`; None when it is not within HORIZON days."""
    for number, (told, otherwise) in enumerate(zip(watch(fault, since), quiet, strict=True), REFERENCE_DAYS):
        if number >= since + HORIZON:
            return None
        for now, before in ((told.sudden, otherwise.sudden), (told.slow, otherwise.slow)):
            ours = [one for one in sorted(now - before) if one.subject in (fault.column, DATASET.subject)]
            if ours and number >= since:
                return Found(number - since + 1, ours[0].check, now is told.sudden)
    return None


def a_week(findings: Sequence[frozenset[Fingerprint]]) -> float:
    """Days on which something is told, a week."""
    return sum(map(bool, findings)) / (len(findings) / 7)


def row(name: str, watch: Watch, from_july: Watch) -> Row:
    """Judge one method."""
    quiet = list(watch(None, 0))
    dates = first_days(REFERENCE_DAYS + len(quiet))
    began = time.perf_counter()
    judged_row = Row(
        name,
        a_week([day.sudden for day in quiet]),
        a_week([day.slow for day in quiet]),
        a_week([day.sudden for day in from_july(None, 0)]),
        {fault.name: [found(watch, quiet, fault, since) for since in dates] for fault in FAULTS},
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


def rows_of(days: Sequence[Day], july: Sequence[Day], files: tuple[Path, Path]) -> tuple[list[Row], list[str]]:
    """Every row of the table, ours first, and a note for each contestant."""
    hard, hard_july = (by_hard_checks(hard_measurements(some)) for some in (days, july))
    drift, drift_july = by_method(OURS, days), by_method(OURS, july)
    ours = row("Vedette, drift", drift, drift_july)
    rows = [ours, row("Vedette, hard checks", hard, hard_july)]
    rows.append(row("Vedette, both", either(drift, hard), either(drift_july, hard_july)))
    defaults, notes = [], []
    equal = []
    scores = {"Model Monitor's rule": (model_monitor_scores(days), model_monitor_scores(july))}
    for name in CONTESTANTS:
        whole, half = (contestant(name, file) for file in files)
        scores[whole.version] = whole.scores, half.scores
        notes.append(f"{whole.version}: {whole.seconds:.0f} s for the year, {half.seconds:.0f} s from July on")
    for name, (whole_scores, half_scores) in scores.items():
        defaults.append(row(f"{name}, each column", by_day(whole_scores), by_day(half_scores)))
        if name.startswith("evidently"):
            defaults.append(row(f"{name}, half of the columns", by_share(whole_scores), by_share(half_scores)))
        factor = factor_as_quiet_as(ours.messages, whole_scores)
        watches = (by_alert_state(some, factor) for some in (whole_scores, half_scores))
        equal.append(row(f"{name}, thresholds x {factor:.2f}, 2 of 3 days", *watches))
    return [*rows, *equal, *defaults], notes


def report(rows: Sequence[Row], notes: Sequence[str], weeks: tuple[float, float], seconds: float) -> str:
    faults = list(rows[0].faults)
    header = ["", "messages a week", "from July on", "slow findings a week", *faults, f"within {SOON} days"]
    lines = [
        "# A real year",
        "",
        f"Written by `python -m benchmarks.real_year`, whose docstring says how it judges; `make real-year` installs "
        f"what it needs. {REFERENCE_DAYS} reference days, then {weeks[0]:.0f} weeks, or {weeks[1]:.0f} from July on; "
        f"{len(COLUMNS)} columns; each fault begins at {DATES} dates. {machine()}.",
        "",
        f"The cells of a fault: at how many dates it is told within {SOON} days, and the median of the days over all "
        f"dates at which it is told within {HORIZON}.",
        "",
        f"| {' | '.join(header)} |",
        "|---|" + "---|" * (len(header) - 1),
        *(f"| {one.name} | {one.cells()} |" for one in rows),
        "",
        *(f"* {sentence}" for sentence in sentences(rows)),
        "* The drift checks of the other monitors do not look at missing cells; their checks that do were not run.",
        "",
        f"Seconds: {'; '.join(notes)}; {seconds:.0f} in all.",
        "",
    ]
    return "\n".join(lines)


def sentences(rows: Sequence[Row]) -> Iterator[str]:
    """What follows from the figures."""
    ours, hard, both, *others = rows
    total = len(FAULTS) * DATES
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
    for fault, told in hard.faults.items():
        checks = Counter(one.check for one in told if one and one.days <= SOON)
        for check, count in checks.most_common():
            yield f"The hard checks find `{fault}` by {check} at {count} of {DATES} dates within {SOON} days."


def main() -> None:
    began = time.perf_counter()
    days, july, *files = years()
    rows, notes = rows_of(days, july, (files[0], files[1]))
    weeks = tuple((len(some) - REFERENCE_DAYS) / 7 for some in (days, july))
    text = report(rows, notes, (weeks[0], weeks[1]), time.perf_counter() - began)
    REPORT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
