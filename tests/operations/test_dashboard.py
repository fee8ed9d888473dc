"""The dashboard: what CloudWatch takes, and every metric of an endpoint on it."""

import json

from chalicelib.services.emf_metrics import metric_sets
from tests.pages.samples import sample
from vedette.operations.dashboard import body

FUNCTIONS = ["on_data_captured", "run_monitoring", "sweep"]


def test_every_metric_of_an_endpoint_is_on_the_dashboard():
    charts = [one["properties"]["metrics"] for one in json.loads(body("dev", "eu-west-1", FUNCTIONS))["widgets"][1:]]
    searches = [metric["expression"] for metrics in charts for (metric, *_) in metrics if isinstance(metric, dict)]
    execution = sample(8, windows=2, violated=1).monitored.execution
    shown = [(dimensions, name) for dimensions, values in metric_sets(execution) for name in values]
    assert len(shown) > 6
    for dimensions, name in shown:
        schema = ",".join(["Vedette", "Stage", "Endpoint", *dimensions])
        assert any(f'{{{schema}}} MetricName="{name}" Stage="dev"' in search for search in searches), name


def test_widgets_lie_side_by_side_and_have_a_region():
    widgets = json.loads(body("dev", "eu-west-1", FUNCTIONS))["widgets"]
    places = {
        (x, y)
        for one in widgets
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    }
    assert len(places) == sum(one["width"] * one["height"] for one in widgets)  # none lies over another
    assert max(one["x"] + one["width"] for one in widgets) <= 24
    charts = [one["properties"] for one in widgets if one["type"] == "metric"]
    assert {chart["region"] for chart in charts} == {"eu-west-1"}
    assert all(chart["metrics"] and chart["title"] for chart in charts)


def test_functions_are_those_of_the_stage():
    text = body("prod", "eu-west-1", FUNCTIONS)
    assert '"vedette-prod-sweep"' in text
    assert 'Stage=\\"prod\\"' in text
    assert "dev" not in text
