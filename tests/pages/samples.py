"""Judged data for pages: made by the real statistics and the real evaluation, small or wide, sanitize or hostile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import msgspec
import numpy as np

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints import check_types
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.measurement import Severity
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.pages.captured_hours import CapturedHours
from chalicelib.pages.report import MonitoredExecution, ReportContent, execution_report
from chalicelib.records import Execution
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.table import Table

START = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS, WINDOWS = 600, 30
HOSTILE = (
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '" autofocus onfocus="window.hacked=1',
    "'><svg onload=window.hacked=1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.hacked=1",
    "</style><style>body{display:none}",
    "\u202egnp.exe\u202c",
    "a\r\nSet-Cookie: x\x00\x1b[31m",
    '=HYPERLINK("http://evil.example","x")',
    "z" * 4000,
    "<!--",
    "&lt;b&gt;",
    "]]>",
    "https://evil.example/pixel.png",
)


@dataclass(frozen=True)
class Sample:
    """What a page is made of, and what it must say."""

    monitored: MonitoredExecution
    baseline: Baseline
    current: Table

    @property
    def page(self) -> bytes:
        return execution_report(self.monitored, self.baseline, self.current)


def columns(features: int, seed: int, *, drifted: bool, names: tuple[str, ...] = ()) -> Table:
    """Numbers, whole numbers, categories and text in turn; the first of each kind goes wrong."""
    random = np.random.default_rng(seed)
    made, named = [], []
    for i in range(features):
        wrong = drifted and i < 4
        match i % 4:
            case 0:
                cells = [f"{value:.3f}" for value in random.normal(50 + 9 * wrong, 12, ROWS)]
                named.append(f"amount_{i}")
            case 1:
                numbers = random.poisson(30, ROWS)
                cells = [f"{n}.00" if wrong and j % 2 else str(n) for j, n in enumerate(numbers)]
                named.append(f"age_{i}")
            case 2:
                kinds = ["card", "cash", "invoice", "voucher"] + (["crypto"] * 2 if wrong else [])
                cells = list(random.choice(kinds, ROWS))
                named.append(f"payment_{i}")
            case _:
                cells = [
                    None if wrong and j % 3 == 0 else f"word {n}" for j, n in enumerate(random.integers(0, 400, ROWS))
                ]
                named.append(f"comment_{i}")
        made.append(cells)
    named[: len(names)] = names
    # With so large a sketch every number is kept: a smaller one keeps some at random, and no two pages say the same.
    return Table.of(list(zip(*made, strict=True)), tuple(named), k=BASELINE_K)


@cache
def sample(
    features: int = 30,
    *,
    names: tuple[str, ...] = (),
    windows: int = WINDOWS,
    violated: int = 4,
    endpoint: str = "preferred-site",
) -> Sample:
    """An endpoint whose last `violated` windows went wrong; version 2 came before them."""
    before = read_statistics(write_statistics(columns(features, 1, drifted=False, names=names)), "sample")
    baseline = Baseline(constraints=suggested_constraints(before), statistics=before)
    clean, wrong = columns(features, 2, drifted=False, names=names), columns(features, 3, drifted=True, names=names)
    well, ill = evaluated(clean, baseline), evaluated(wrong, baseline)
    made = [
        execution(endpoint, i, ill if i >= windows - violated else well, "2" if i >= windows - violated - 6 else "1")
        for i in range(windows)
    ]
    current = wrong if violated else clean
    monitored = MonitoredExecution(
        made[-1],
        before=tuple(made[:-1]),
        served_since=made[-1].window_start - 6 * HOUR,
        stage="dev",
        bucket="vedette-dev-123456789012-eu-west-1",
        deploys=True,
    )
    return Sample(monitored, baseline, current)


def by_days(features: int = 30) -> Sample:
    """The same endpoint with windows of a day, whose drift the reference days decide; amount_0 drifts slowly."""
    made = sample(features)
    last = made.monitored.execution
    days = [_day(last, number) for number in range(WINDOWS)]
    monitored = replace(made.monitored, execution=days[-1], before=tuple(days[:-1]))
    return Sample(monitored, made.baseline, made.current)


def _day(execution: Execution, number: int) -> Execution:
    wobble = np.random.default_rng(number)
    measured = []
    for one in execution.measurements:
        if one.check != check_types.DRIFT:
            continue
        distance = float(abs(wobble.normal(0.03, 0.01))) + (0.008 * number if one.feature == "amount_0" else 0.0)
        slow = msgspec.structs.replace(
            one,
            check=check_types.SLOW_DRIFT,
            value=distance,
            threshold=0.12,
            expected="distance at most 0.12 from its working days",
            observed=f"distance {distance:.4g}",
            violated=distance > 0.12,
            severity=Severity.INFORMATION,
            description="",
            reference_distances=(0.012, 0.085),
        )
        measured += [slow, msgspec.structs.replace(slow, check=check_types.SUDDEN_DRIFT, violated=False)]
    start = START + (number - WINDOWS) * 24 * HOUR
    return msgspec.structs.replace(
        execution,
        window_start=start,
        window_end=start + 24 * HOUR,
        measurements=(*execution.measurements, *measured),
        package_version="1" if number < WINDOWS // 2 else "2",
    )


def of_files() -> ReportContent:
    """Files of thirty hours, evaluated without an installation: some hours have no captures, one has a broken line."""
    made = sample(8)
    evaluation = evaluated(made.current, made.baseline)
    hours = CapturedHours()
    for number in set(range(30)) - {7, 8, 20}:
        at = START + number * HOUR
        broken = {"line is not JSON": 1} if number == 12 else {}
        hours.add(CaptureSummary(events=20, rows=20, rejected=broken, first_inference=at, last_inference=at))
    return ReportContent(
        "captures/",
        evaluation,
        540,
        {"line is not JSON": 1},
        made.baseline,
        made.current,
        sources=("captures/",),
        captured=(START, START + 29 * HOUR),
        baseline_place="baseline/",
        hours=hours,
    )


def evaluated(table: Table, baseline: Baseline) -> Evaluation:
    return evaluate(CaptureSummary(events=ROWS // 20, rows=ROWS, tables=(table,)), baseline)


def execution(endpoint: str, number: int, evaluation: Evaluation, version: str) -> Execution:
    """One window; distances vary a little from window to window."""
    wobble = np.random.default_rng(number)
    measurements = tuple(
        msgspec.structs.replace(one, value=abs(one.value + float(wobble.normal(0, 0.01))))
        if one.kind == "drift" and one.value is not None
        else one
        for one in evaluation.measurements
    )
    start = START + number * HOUR
    return Execution(
        endpoint=endpoint,
        variant="AllTraffic",
        window_start=start,
        window_end=start + HOUR,
        window_closed=True,
        package_version=version,
        revision=1,
        baseline="v1",
        verdict=evaluation.verdict,
        requests=ROWS // 20,
        rows=ROWS,
        rejected={"line is not JSON": 2},
        measurements=measurements,
        parts=("parts/x.json",),
        folder=f"monitoring/{endpoint}/AllTraffic/{start:%Y-%m-%dT%H-%MZ}_60m/{version}/0001/",
        evaluated_at=start + HOUR + timedelta(minutes=5),
        notes=evaluation.notes,
    )
