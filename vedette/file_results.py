"""What `vedette.evaluate`, `vedette.summarize` and `vedette.baseline` return.

Every result is frozen, becomes a DataFrame with `to_frame()`, and shows itself as a small table in a notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from jinja2 import PackageLoader

from chalicelib import records
from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.wording import counted
from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.column_alignment import aligned_table
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.evaluation import Baseline, Evaluation
from chalicelib.constraints.files import write_constraints, write_violations
from chalicelib.constraints.measurement import Measurement, Severity, Verdict
from chalicelib.constraints.reference_days import Reference
from chalicelib.constraints.severity_order import any_at_least, worst_first
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.locations import REFERENCE_FILE
from chalicelib.pages import html
from chalicelib.pages.captured_hours import CapturedHours
from chalicelib.pages.labels import verdict_sentence
from chalicelib.pages.report import ReportContent, report
from chalicelib.statistics.files import write_statistics
from chalicelib.statistics.table import Table
from vedette.input_sources import Source

if TYPE_CHECKING:
    import pandas as pd

SeverityName = Severity | Literal["critical", "warning", "information"]
MAX_ROWS_SHOWN = 20  # in a notebook
_ABOUT_DATA = {Verdict.OK, Verdict.VIOLATIONS, Verdict.INSUFFICIENT_DATA}  # verdicts about evaluated data
_VIOLATION = ("feature", "check", "kind", "severity", "expected", "observed", "value", "threshold", "description")
_MEASUREMENT = (*_VIOLATION, "violated", "evaluated", "rows_needed")
_COLUMN = (
    *("feature", "inferred_type", "num_present", "num_missing", "completeness"),
    *("mean", "std_dev", "min", "max", "distinct_count"),
)


class ViolationsFound(VedetteError):
    """Data violates its baseline; `result` is the evaluation, and the text is its worst violation."""

    def __init__(self, result: EvaluationResult) -> None:
        super().__init__(result.conclusion)
        self.result = result


class NothingEvaluated(VedetteError):
    """No check could run: there were no rows, too few, or too many that could not be read. `result` says which."""

    def __init__(self, result: EvaluationResult) -> None:
        super().__init__(result.conclusion)
        self.result = result


class RejectedAt(NamedTuple):
    """The place and the reason of a rejected line."""

    source: Source
    start: int  # byte offset, in the decompressed content of a gzip file
    reason: str


@dataclass(frozen=True)
class DataRead:
    """The data that was read: where it lies, its statistics, and the first lines that could not be read."""

    places: tuple[str, ...]  # as they were named
    files: int
    summary: CaptureSummary
    captured: bool = True  # False: plain tables, which have rows and no requests
    rejected_at: tuple[RejectedAt, ...] = ()
    hours: CapturedHours | None = None

    @property
    def size(self) -> str:
        """How much was read, in words."""
        rows, requests = counted(self.summary.rows, "row"), counted(self.summary.events, "request")
        return f"{rows} in {requests}" if self.captured else rows


@dataclass(frozen=True)
class EvaluationResult:
    """One evaluation of captures or a table against a baseline.

    Examples
    --------
    >>> import pandas as pd
    >>> import vedette
    >>> train = pd.DataFrame({"age": [31, 44, 27, 60] * 50})
    >>> result = vedette.evaluate(pd.DataFrame({"age": [31, None, None, 60] * 50}), vedette.baseline(train))
    >>> result.verdict, [one.check for one in result.violations]
    ('Violations', ['completeness_check'])
    >>> result.raise_for_violations()
    Traceback (most recent call last):
    vedette.file_results.ViolationsFound: Violations: age is missing or blank in 50.0% of 200 rows.
    """

    evaluation: Evaluation
    data: DataRead
    baseline: Baseline = field(repr=False)
    with_reference_days: bool = False  # the baseline has some
    compared_days: bool = False  # and the data is of one day, which was compared with them
    baseline_place: str = ""  # where the baseline lies, if it was read

    @property
    def verdict(self) -> str:
        """OK, Violations, InsufficientData, NoData or MonitorFailed."""
        return str(self.evaluation.verdict)

    @property
    def rows(self) -> int:
        """The number of rows that were read."""
        return self.evaluation.rows

    @property
    def violations(self) -> list[Measurement]:
        """The violations, the worst first: feature, check, severity, expected, observed, value, threshold."""
        return worst_first(self.evaluation.violations)

    @property
    def measurements(self) -> list[Measurement]:
        """Every measured value, the worst first."""
        return worst_first(self.evaluation.measurements)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not read or not evaluated, one sentence each."""
        return self.evaluation.notes

    @property
    def evaluated(self) -> bool:
        """Whether any check ran."""
        return any(one.evaluated for one in self.evaluation.measurements)

    @property
    def conclusion(self) -> str:
        """The verdict and its reason, in one line."""
        if not self.evaluated and self.evaluation.verdict in _ABOUT_DATA:
            return "Nothing was evaluated."
        return f"{self.verdict}: {verdict_sentence(self.evaluation)}"

    def exit_code(self, severity: SeverityName = "warning") -> int:
        """The exit code of a gate: 0 = no violation of this severity or worse, 1 = such, 2 = nothing was evaluated."""
        if not self.evaluated or self.evaluation.verdict not in _ABOUT_DATA:
            return 2
        return int(any_at_least(Severity(severity), self.evaluation.measurements))

    def raise_for_violations(self, severity: SeverityName = "warning") -> EvaluationResult:
        """Raise if there are violations of this severity or worse; else return the result itself.

        Raises
        ------
        ViolationsFound
            If there are.
        NothingEvaluated
            If no check could run: no data is never OK.
        """
        code = self.exit_code(severity)
        if code:
            raise ViolationsFound(self) if code == 1 else NothingEvaluated(self)
        return self

    def to_frame(self, *, everything: bool = False) -> pd.DataFrame:
        """The violations, or every measured value, one per row, the worst first; needs pandas.

        Columns: feature, check, kind ("hard" or "drift"), severity, expected, observed, value, threshold, description;
        with `everything` also violated, evaluated, rows_needed.
        """
        names = _MEASUREMENT if everything else _VIOLATION
        chosen = self.measurements if everything else self.violations
        return _frame(({name: getattr(one, name) for name in names} for one in chosen), names, ("value", "threshold"))

    def to_dict(self, *, severity: SeverityName = "warning", everything: bool = False) -> dict[str, Any]:
        """The verdict with the keys that `vedette evaluate --json` prints; docs/evaluate.md explains them."""
        summary = self.data.summary
        return {
            "verdict": self.evaluation.verdict,
            "exit_code": self.exit_code(severity),
            "captures": self.data.places,
            "files": self.data.files,
            "requests": summary.events,
            "rows": self.rows,
            "first_inference": summary.first_inference,
            "last_inference": summary.last_inference,
            "rejected": summary.rejected,
            "notes": self.notes,
            "violations": self.violations,
            **({"measurements": self.measurements} if everything else {}),
        }

    def report(self) -> bytes:
        """The report: an HTML page in one file."""
        places, summary = self.data.places, self.data.summary
        content = ReportContent(
            places[0] if len(places) == 1 else f"{self.data.files} files",
            self.evaluation,
            summary.events if self.data.captured else None,
            summary.rejected,
            self.baseline,
            aligned_table(summary.tables, self.baseline.constraints, self.baseline.statistics),
            sources=places,
            captured=summary.period,
            baseline_place=self.baseline_place,
            hours=self.data.hours,
        )
        return report(content)

    def violations_file(self) -> bytes:
        """The violations as constraint_violations.json, in Model Monitor's format."""
        return write_violations(self.evaluation.violations)

    def _repr_html_(self) -> str:
        violations = [
            (one.feature, one.check, one.severity, one.expected, one.observed)
            for one in self.violations[:MAX_ROWS_SHOWN]
        ]
        return _html(
            self.conclusion,
            [self.data.size, counted(len(self.violations), "violation")],
            ("Feature", "Check", "Severity", "Expected", "Observed"),
            violations,
            len(self.violations) - len(violations),
            self.notes,
        )


@dataclass(frozen=True)
class SummaryResult:
    """The statistics of captures or a table, one table for each layout of columns, the one with the most rows first."""

    data: DataRead
    tables: tuple[Table, ...] = field(repr=False)
    unaligned_rows: int = 0  # that cannot be aligned with the baseline whose names were asked for

    @property
    def rows(self) -> int:
        """The number of rows that were read."""
        return self.data.summary.rows

    def to_frame(self) -> pd.DataFrame:
        """The statistics of each column of the layout with the most rows, one per row; needs pandas.

        Columns: feature, inferred_type, num_present, num_missing, completeness (a share, 0 to 1), mean, std_dev, min,
        max (in the column's own units, missing for text), distinct_count.

        Examples
        --------
        >>> import pandas as pd
        >>> import vedette
        >>> result = vedette.summarize(pd.DataFrame({"age": [31, 44, None], "city": ["Bern", "Bern", "Rome"]}))
        >>> result.to_frame()[["feature", "inferred_type", "num_missing", "mean"]].values.tolist()
        [['age', 'Integral', 1, 37.5], ['city', 'String', 0, nan]]
        """
        return _statistics_frame(self.tables[0]) if self.tables else _frame([], _COLUMN)

    def statistics_file(self) -> bytes:
        """The statistics of the layout with the most rows as statistics.json, in Model Monitor's format.

        Raises
        ------
        UnreadableFile
            If no rows could be read.
        """
        if not self.tables:
            raise UnreadableFile(f"{self.data.places[0]}: no rows could be read")
        return write_statistics(self.tables[0])

    def _repr_html_(self) -> str:
        return _table_html("Summary", self.tables[0] if self.tables else None, [self.data.size])


@dataclass(frozen=True)
class BaselineResult:
    """A baseline: statistics, suggested constraints, and of captures of 14 days or more the reference days.

    `vedette.evaluate` takes it as it is, and `save` writes the files that the commands and the functions read.
    """

    statistics: Table = field(repr=False)
    constraints: Constraints = field(repr=False)
    reference_days: Reference | None = field(default=None, repr=False)
    rows: int = 0
    other_rows: int = 0  # captured rows with other columns, which are left out
    statistics_source: bytes | None = field(default=None, repr=False)  # a statistics.json, which is stored unchanged

    @property
    def evaluable(self) -> Baseline:
        """What an evaluation compares with."""
        return Baseline(constraints=self.constraints, statistics=self.statistics)

    def files(self) -> dict[str, bytes]:
        """The content of each file by its name."""
        found = {
            "statistics.json": self.statistics_source or write_statistics(self.statistics),
            "constraints.json": write_constraints(self.constraints),
        }
        return {**found, REFERENCE_FILE: records.write(self.reference_days)} if self.reference_days else found

    def save(self, folder: str | Path) -> list[Path]:
        """Write the files into a folder, which is created if needed; returns their paths."""
        target = Path(folder)
        files = self.files()
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (target / name).write_bytes(content)
        return [target / name for name in files]

    def to_frame(self) -> pd.DataFrame:
        """The statistics of each feature, one per row; for the columns see `SummaryResult.to_frame`."""
        return _statistics_frame(self.statistics)

    def _repr_html_(self) -> str:
        days = ["reference days"] if self.reference_days else []
        return _table_html("Baseline", self.statistics, [counted(self.rows, "row"), *days])


def _column_rows(table: Table) -> Iterable[dict[str, Any]]:
    for name, column in zip(table.feature_names, table.columns, strict=True):
        types, moments = column.types, column.moments
        rows = types.present + types.missing
        yield {
            "feature": name,
            "inferred_type": str(types.inferred_type),
            "num_present": types.present,
            "num_missing": types.missing,
            "completeness": types.present / rows if rows else None,
            "mean": moments.mean,
            "std_dev": moments.std_dev,
            "min": moments.minimum,
            "max": moments.maximum,
            "distinct_count": column.categories.distinct or None,
        }


def _statistics_frame(table: Table) -> pd.DataFrame:
    return _frame(_column_rows(table), _COLUMN, _COLUMN[4:])


def _frame(rows: Iterable[Mapping[str, Any]], names: Sequence[str], numbers: Sequence[str] = ()) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(list(rows), columns=list(names))
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _table_html(title: str, table: Table | None, facts: Sequence[str]) -> str:
    columns = list(_column_rows(table)) if table is not None else []
    rows = [[_cell(row[name]) for name in _COLUMN] for row in columns[:MAX_ROWS_SHOWN]]
    headings = [name.removeprefix("num_").replace("_", " ") for name in _COLUMN]
    return _html(title, [*facts, counted(len(columns), "column")], headings, rows, len(columns) - len(rows))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _html(
    title: str,
    facts: Sequence[str],
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    more: int,
    notes: Sequence[str] = (),
) -> str:
    """A result in a notebook: everything is escaped, as on the pages, and long texts are cut."""
    templates = html.environment().overlay(loader=PackageLoader("vedette"))
    return templates.get_template("result.html").render(
        title=title,
        facts=facts,
        columns=columns,
        rows=[[sanitize(str(cell), 60) for cell in row] for row in rows],
        more=more,
        notes=[sanitize(note, 300).rstrip(".") for note in notes],
    )
