"""An OK says what it does not cover, and why."""

import re
from html import unescape

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import Baseline, evaluate
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.pages.not_evaluated import MAX_FEATURES
from chalicelib.pages.report import ReportContent, report
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table


def reasons(table: Table, current: Table, **options) -> dict[str, tuple[str, str]]:
    """Reason -> checks and features, as the page shows them."""
    baseline = Baseline(constraints=suggested_constraints(table), statistics=table)
    evaluation = evaluate(
        CaptureSummary(events=current.rows, rows=current.rows, tables=(current,)), baseline, **options
    )
    page = report(ReportContent("x", evaluation, current.rows, {}, baseline, current)).decode()
    section = re.search(r'<table class="reasons">(.*?)</table>', page, re.DOTALL)
    rows = re.findall(r'<tr><th scope="row">(.*?)<td>(.*?)<td>(.*?)(?=<tr>|</tbody>)', section[1]) if section else []
    return {unescape(reason): (checks, re.sub("<[^>]*>", "", named).strip()) for reason, checks, named in rows}


def table(rows: int, columns: int = 1) -> Table:
    return Table.of([[str(i % 40)] * columns for i in range(rows)], tuple(f"x{i}" for i in range(columns)))


def test_where_everything_was_evaluated_there_is_nothing_to_say():
    assert reasons(table(400), table(400)) == {}


def test_too_few_rows_say_how_many_more_are_needed_for_which_checks():
    found = reasons(table(400), table(30))
    assert found == {"Too few values: 70 more rows needed": ("baseline_drift_check", "x0")}


def test_a_column_without_values_is_not_evaluated():
    empty = Table.of([[None, "1"]] * 200, ("x0", "x1"))
    found = reasons(table(400, 2), empty)
    assert found["No values"] == ("data_type_check", "x0")


def test_free_text_and_private_features_are_named_with_what_is_not_evaluated():
    texts = Table.of([[f"an answer, number {i}", str(i % 9)] for i in range(300)], ("answer", "age"))
    found = reasons(texts, without_private_values(texts, ("age",)))
    assert found == {
        "Free text": ("domain, bounds and drift", "answer"),
        "Private: only counts of types and missing cells are stored": ("domain, bounds and drift", "age"),
    }


def test_of_many_features_the_first_are_named_and_the_others_counted():
    (_, named), *others = reasons(table(400, 50), table(30, 50)).values()
    assert not others
    assert named.count(",") == MAX_FEATURES - 1
    assert named.endswith(f"and {50 - MAX_FEATURES} more")
