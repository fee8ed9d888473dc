"""What a page says: of drift with windows of its own, of what was never kept, of what nobody must believe."""

import base64
import hashlib
import re
import shlex
from dataclasses import replace
from datetime import timedelta
from html import unescape

import click
import msgspec
import pytest

from chalicelib.capture.summary import CaptureSummary
from chalicelib.constraints.evaluation import Baseline, Evaluation, evaluate
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.pages.report import MAX_CARDS, MonitoredExecution, ReportContent, execution_report, report
from chalicelib.statistics.files import read_statistics, write_statistics
from chalicelib.statistics.private_features import without_private_values
from chalicelib.statistics.table import Table
from tests.pages.samples import HOSTILE, START, sample
from vedette.cli import main

DAY = timedelta(days=1)


def text(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.decode().split("<body>")[1]))


def split(made):
    """The same endpoint with hours that evaluate hard constraints alone, and days for drift."""
    execution = made.monitored.execution
    hard = tuple(one for one in execution.measurements if one.kind == "hard" and not one.violated)
    hour = msgspec.structs.replace(execution, checks_run="hard", measurements=hard, verdict="OK")
    days = [
        msgspec.structs.replace(
            execution,
            checks_run="drift",
            window_start=START - n * DAY,
            window_end=START - (n - 1) * DAY,
            measurements=tuple(one for one in execution.measurements if one.kind == "drift"),
        )
        for n in range(5)
    ]
    return hour, days


def test_drift_with_windows_of_its_own_stands_beside_the_verdict():
    made = sample(8)
    hour, days = split(made)
    said = text(execution_report(MonitoredExecution(hour, drift=days), made.baseline, made.current))
    assert "No violations in 600 rows." in said
    assert "Drift, evaluated over 1 day: amount_0 has drifted" in said
    assert "Since 2026-11-17 04:00 UTC, the first window known, 5 windows in a row" in said
    assert (
        "5 of 5 windows violated"
        in execution_report(MonitoredExecution(hour, drift=days), made.baseline, made.current).decode()
    )


def test_the_headline_and_its_since_are_of_the_same_violation():
    made = sample(8)
    hour, days = split(made)
    trace = next(
        one for one in made.monitored.execution.measurements if one.check == "data_type_check" and one.violated
    )
    slight = msgspec.structs.replace(trace, severity="information")
    violated = msgspec.structs.replace(hour, verdict="Violations", measurements=(*hour.measurements, slight))
    page = execution_report(MonitoredExecution(violated, drift=days), made.baseline, made.current).decode()
    assert re.search(r"<h1>(.*?)</h1>", page)[1].startswith("age_1 is not Integral")
    assert re.search(r'class="since">(.*?)<', page)[1] == "Since 2026-11-22 09:00 UTC, the first window known."


def test_drift_of_days_long_past_is_not_shown():
    made = sample(8)
    hour, days = split(made)
    old = [
        msgspec.structs.replace(one, window_start=one.window_start - 9 * DAY, window_end=one.window_end - 9 * DAY)
        for one in days
    ]
    assert "drifted" not in text(execution_report(MonitoredExecution(hour, drift=old), made.baseline, made.current))


def test_types_read_from_statistics_are_not_taken_for_what_was_counted():
    made = sample(4)
    again = read_statistics(write_statistics(made.current), "x")
    page = execution_report(made.monitored, made.baseline, again, counted=False).decode()
    card = page.split('class="name">age_1<')[1].split("</details>\n<details class")[0]
    assert "Integral 50 %" in card
    assert "another type 50 %" in card


def test_texts_that_were_never_kept_are_counted_alone():
    said = text(sample(4).page)
    assert re.search(r"About \d+ distinct values: free text or too many, so none was stored\.", said)


def test_a_page_of_500_features_has_a_card_for_each():
    assert sample(500).page.count(b'<details class="feature"') == 502  # and the two checks of the columns


def test_of_very_many_features_the_worst_are_shown_and_the_others_counted():
    measured = tuple(
        Measurement(
            feature=f"f{i}",
            check="data_type_check",
            kind="hard",
            expected="",
            observed="",
            value=1.0,
            threshold=1.0,
            violated=i == 1700,
        )
        for i in range(1800)
    )
    page = report(ReportContent("x", Evaluation(verdict="Violations", rows=1, measurements=measured), 1, {})).decode()
    assert page.count('<details class="feature"') == MAX_CARDS
    assert page.index('class="name">f1700<') < page.index('class="name">f0<')
    assert f"{1800 - MAX_CARDS} more features, none of them worse" in page


@pytest.mark.parametrize("name", [*HOSTILE, "\ud800 lone", "\x00", ""])
def test_no_field_reaches_the_page_alive(name):
    measurement = Measurement(
        feature=name,
        check=name,
        kind="hard",
        expected=name,
        observed=name,
        value=0.5,
        threshold=1.0,
        violated=True,
        severity="critical",
        description=name,
    )
    evaluation = Evaluation(verdict="Violations", rows=1, measurements=(measurement,), notes=(name or "-",))
    page = report(ReportContent(name, evaluation, 1, {name: 1})).decode()
    body = page.split("<body>")[1].split("<script>")[0]
    assert "<script" not in body
    assert "<img" not in body
    assert not re.search(r"<[^>]*\son\w+=", body)
    assert "https://" not in body
    for character in "\u202e\x00\x1b\r\ud800":
        assert character not in page


def test_the_policy_names_the_script_and_the_style_that_are_in_the_page():
    page = sample(2).page.decode()
    for tag in ("style", "script"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in page
    assert "default-src &#39;none&#39;" in page


@pytest.mark.parametrize("verdict", ["Violations", "NoData", "CaptureStopped", "MonitorFailed"])
def test_every_command_on_a_page_is_one_that_the_command_line_takes(verdict):
    made = sample(4)
    execution = msgspec.structs.replace(made.monitored.execution, verdict=verdict)
    page = execution_report(replace(made.monitored, execution=execution), made.baseline, made.current).decode()
    found = [unescape(command) for command in re.findall(r"<code>(vedette [^<]*)</code>", page)]
    assert len(found) >= (4 if verdict == "Violations" else 1)
    for command in found:
        words = shlex.split(command)[1:]
        group: click.Command = main
        while words and isinstance(group, click.Group):
            next_one = group.get_command(click.Context(group), words[0])
            assert next_one is not None, command
            group, words = next_one, words[1:]
        group.make_context(command, words)  # refuses what it does not know
        assert command.endswith("--stage dev")


def test_a_private_feature_is_called_private_and_shows_no_value():
    rows = [[str(i % 7), "Bern" if i % 2 else "Oslo"] for i in range(200)]
    table = Table.of(rows, ("age", "city"))
    baseline = Baseline(constraints=suggested_constraints(table), statistics=table)
    current = without_private_values(Table.of([["77", "Lima"]] * 200, ("age", "city")), ("age", "city"))
    evaluation = evaluate(CaptureSummary(events=200, rows=200, tables=(current,)), baseline)
    page = report(ReportContent("x", evaluation, 200, {}, baseline, current))
    assert text(page).count("Private: only counts of types and missing cells are stored.") == 2
    assert "private: drift not evaluated for age, city" in text(page).lower()
    assert "Lima" not in page.decode()


def test_free_text_is_called_not_evaluated_in_its_card_and_in_the_notes():
    answers = Table.of([[f"an answer of a customer, number {i}", "a"] for i in range(300)], ("answer", "kind"))
    baseline = Baseline(constraints=suggested_constraints(answers), statistics=answers)
    evaluation = evaluate(CaptureSummary(events=300, rows=300, tables=(answers,)), baseline)
    page = report(ReportContent("x", evaluation, 300, {}, baseline, answers)).decode()
    card, other = (page.split(f'class="name">{name}<')[1].split("</details>")[0] for name in ("answer", "kind"))
    assert "2 checks passed; values not evaluated: free text" in card
    assert "Domain and drift are not evaluated: free text." in card
    assert "not evaluated" not in other
    assert "Free text: only type and completeness evaluated for answer; domain and drift not evaluated." in page
