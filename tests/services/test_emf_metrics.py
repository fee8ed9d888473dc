"""Metrics: bounded, without a word of the data, documented by name."""

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from chalicelib.constraints import check_types
from chalicelib.records import FleetEntry
from chalicelib.services.emf_metrics import (
    MAX_DRIFT_METRICS,
    MAX_FEATURES,
    MODEL_MONITOR_NAMESPACE,
    emit,
    metric_sets,
    model_monitor_metrics,
)
from chalicelib.settings import settings
from tests.pages.samples import HOSTILE, sample

ROOT = Path(__file__).parents[2]


@pytest.fixture
def execution():
    return sample(8, windows=2, violated=1).monitored.execution


def test_violations_are_counted_for_the_endpoint_and_for_each_check(execution):
    found = {tuple(dimensions.values()): values for dimensions, values in metric_sets(execution)}
    violated = [one for one in execution.measurements if one.violated]
    assert found[()]["Violations"] == len(violated) > 2
    assert found[()]["Rows"] == execution.rows
    assert found[()]["NotEvaluated"] == 0
    assert found[()]["Drift"] > 1
    by_check = {key[0]: values["Violations"] for key, values in found.items() if key}
    assert sum(by_check.values()) == len(violated)
    assert by_check["data_type_check"] == 1


def test_a_window_of_drift_alone_counts_no_rows_again(execution):
    drift = msgspec.structs.replace(
        execution, checks_run="drift", measurements=tuple(one for one in execution.measurements if one.kind == "drift")
    )
    assert set(dict(metric_sets(drift).__next__()[1])) == {"Drift"}


def test_silence_is_a_metric(execution):
    silent = msgspec.structs.replace(execution, verdict="NoData", rows=0, measurements=(), rejected={})
    assert list(metric_sets(silent)) == [({}, {"Rows": 0, "RejectedLines": 0, "Violations": 0, "NotEvaluated": 1})]


def test_what_clients_send_makes_no_metric_and_no_dimension(execution):
    wild = tuple(
        msgspec.structs.replace(execution.measurements[0], feature=f"{name}{i}", check=f"{name}{i}", violated=True)
        for i in range(50)
        for name in HOSTILE
    )
    found = list(metric_sets(msgspec.structs.replace(execution, measurements=wild)))
    assert [dimensions for dimensions, _ in found] == [{}]


def test_critical_features_of_the_fleet_are_at_most_twenty(execution):
    names = [f"f{i}" for i in range(100)]
    measured = tuple(msgspec.structs.replace(execution.measurements[0], feature=name) for name in names)
    found = list(metric_sets(msgspec.structs.replace(execution, measurements=measured), names))
    assert sum("Feature" in dimensions for dimensions, _ in found) == MAX_FEATURES


def test_a_critical_feature_has_its_distance(execution):
    drift = next(one for one in execution.measurements if one.check == check_types.DRIFT and one.value)
    found = {d["Feature"]: values for d, values in metric_sets(execution, [drift.feature]) if "Feature" in d}
    assert found[drift.feature]["Drift"] == drift.value / drift.threshold


def test_the_metrics_of_model_monitor_are_at_most_a_hundred_with_the_critical_features_first(execution):
    one = next(one for one in execution.measurements if one.check == check_types.DRIFT)
    many = tuple(msgspec.structs.replace(one, feature=f"f{i:03}", value=i / 1000) for i in range(300))
    found = model_monitor_metrics(msgspec.structs.replace(execution, measurements=many), ["f299"])
    assert len(found) == MAX_DRIFT_METRICS
    assert found["feature_baseline_drift_f299"] == 0.299
    assert "feature_baseline_drift_f098" in found
    assert "feature_baseline_drift_f099" not in found


def test_metrics_are_written_in_emf_at_the_end_of_the_window(execution, monkeypatch, capsys):
    for name, value in {
        "VEDETTE_STAGE": "dev",
        "VEDETTE_BUCKET": "b",
        "VEDETTE_TABLE": "t",
        "VEDETTE_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:vedette-dev-alerts",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    emit(execution, FleetEntry(endpoint="x", critical_features=("amount_0",), model_monitor_metrics="hourly"))
    settings.cache_clear()
    blobs = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    as_model_monitor = blobs.pop()
    directive = as_model_monitor["_aws"]["CloudWatchMetrics"][0]
    assert directive["Namespace"] == MODEL_MONITOR_NAMESPACE
    assert (as_model_monitor["Endpoint"], as_model_monitor["MonitoringSchedule"]) == (execution.endpoint, "hourly")
    assert set(directive["Dimensions"][0]) == {"Endpoint", "MonitoringSchedule"}
    assert {metric["Name"][:23] for metric in directive["Metrics"]} == {"feature_baseline_drift_"}
    assert {blob["_aws"]["CloudWatchMetrics"][0]["Namespace"] for blob in blobs} == {"Vedette"}
    assert {tuple(blob["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for blob in blobs} == {
        ("Stage", "Endpoint"),
        ("Stage", "Endpoint", "Check"),
        ("Stage", "Endpoint", "Feature"),
    }
    assert {datetime.fromtimestamp(blob["_aws"]["Timestamp"] / 1000, UTC) for blob in blobs} == {execution.window_end}
    assert all(blob["Stage"] == "dev" and blob["Endpoint"] == execution.endpoint for blob in blobs)


def test_every_metric_is_documented_by_name():
    documented = (ROOT / "docs/metrics.md").read_text()
    names = {"Rows", "RejectedLines", "Violations", "NotEvaluated", "Drift"}
    for path in (ROOT / "chalicelib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "count" and node.args:
                assert isinstance(node.args[0], ast.Constant), path
                names.add(node.args[0].value)
    assert len(names) > 10
    assert not {name for name in names if f"`{name}`" not in documented}
