"""The cost of a stage: counted from its template, and the same in docs/cost.md."""

import re
from pathlib import Path

import pytest

from tests.test_docs import section
from vedette.installation import cost
from vedette.installation.functions import FUNCTIONS
from vedette.installation.template import template

COST = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()
PARAMETERS = {"Key": "new"}


def items(**parameters) -> list[cost.CostItem]:
    return cost.stage_costs(template("dev", "123456789012", "eu-west-1", "{}"), parameters)


def rows(text: str) -> dict[str, str]:
    """The rows of a document's tables with two or more columns: the first and the last cell."""
    return dict(re.findall(r"^\| ([^|]+?) \|(?:[^|\n]*\|)*? ([^|\n]+?) \|$", text, re.MULTILINE))


def test_the_document_has_the_items_of_a_stage_and_their_sum():
    shown = rows(section(COST, "A stage"))
    for item in items(Key="new"):
        assert shown[item.name] == f"{item.usd:.2f}"
    without_key = sum(item.usd for item in items())
    assert shown["together, without a KMS key of its own"] == f"{without_key:.2f}"


def test_the_document_has_the_figures_of_an_endpoint():
    shown = rows(section(COST, "An endpoint"))
    assert {key: value for key, value in shown.items() if key[0].isdigit()} == {
        f"{objects:,}": f"{usd:.2f}" for objects, usd in cost.ENDPOINT_USD.items()
    }


def test_each_function_is_watched_by_two_alarm_metrics():
    (alarms,) = [item for item in items() if item.name.endswith("alarm metrics")]
    assert alarms.name == f"{2 * len(FUNCTIONS) + 3} alarm metrics"
    assert alarms.usd == pytest.approx(0.1 * (2 * len(FUNCTIONS) + 3))


def test_only_a_new_key_costs():
    assert [item.name for item in items(Key="new") if item not in items()] == ["KMS key"]
    assert items(Key="arn:aws:kms:eu-west-1:123456789012:key/1") == items()


def test_the_scheduled_runs_are_those_of_the_app():
    app = (Path(__file__).parents[2] / "chalice_app" / "app.py").read_text()
    minutes = [int(found) for found in re.findall(r"Rate\((\d+), unit=Rate.MINUTES\)", app)]
    assert sum(60 / each for each in minutes) == cost.SCHEDULED_RUNS_AN_HOUR
