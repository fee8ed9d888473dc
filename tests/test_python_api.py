"""`vedette.evaluate`, `summarize` and `baseline`: one answer, whatever form the same rows have."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from moto import mock_aws

import vedette
from vedette import VedetteError
from vedette.cli import main


def rows(count, seed=0, shift=0.0):
    chance = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": chance.integers(18, 80, count),
            "income": chance.normal(50 + shift, 9, count).round(3),
            "plan": chance.choice(["basic", "pro"], count),
        }
    )


@pytest.fixture(scope="module")
def train():
    return rows(2000)


@pytest.fixture(scope="module")
def baseline(train):
    return vedette.baseline(train)


class OtherFrame:
    """As polars, pyarrow and PySpark have it."""

    def __init__(self, frame):
        self._frame = frame

    def to_pandas(self):
        return self._frame


def shown(result):
    """What a result says of the data, without where it lies."""
    return result.verdict, [(one.feature, one.check, one.severity, one.observed) for one in result.measurements]


@pytest.fixture
def bad(tmp_path):
    frame = rows(400, seed=1)
    frame["plan"] = frame["plan"].where(frame.index % 2 == 0)
    return frame


def test_a_frame_a_csv_and_a_parquet_of_the_same_rows_are_evaluated_alike(tmp_path, baseline, bad):
    bad.to_csv(tmp_path / "rows.csv", index=False)
    bad.to_parquet(tmp_path / "rows.parquet")
    results = [
        vedette.evaluate(data, baseline) for data in (bad, tmp_path / "rows.csv", str(tmp_path / "rows.parquet"))
    ]
    assert shown(results[0]) == shown(results[1]) == shown(results[2])
    assert results[0].verdict == "Violations"
    assert ("plan", "completeness_check") in {(one.feature, one.check) for one in results[0].violations}


def test_a_saved_baseline_evaluates_as_the_one_in_memory(tmp_path, baseline, bad):
    assert [path.name for path in baseline.save(tmp_path / "baseline")] == ["statistics.json", "constraints.json"]
    assert shown(vedette.evaluate(bad, tmp_path / "baseline")) == shown(vedette.evaluate(bad, baseline))
    without_drift = vedette.evaluate(bad, tmp_path / "baseline" / "constraints.json")
    assert "drift was not evaluated: the baseline has no statistics" in without_drift.notes


def test_the_baseline_of_a_frame_is_the_one_of_its_file(tmp_path, train, baseline):
    train.to_csv(tmp_path / "train.csv", index=False)
    assert vedette.baseline(tmp_path / "train.csv").files() == baseline.files()


def test_the_parts_of_a_data_set_in_a_folder_or_a_glob_are_one_table(tmp_path, baseline, bad):
    (tmp_path / "parts").mkdir()
    for part in range(4):
        bad.iloc[part * 100 : part * 100 + 100].to_parquet(tmp_path / "parts" / f"part-{part}.parquet")
    whole = shown(vedette.evaluate(bad, baseline))
    for place in (tmp_path / "parts", f"{tmp_path}/parts/*.parquet", sorted((tmp_path / "parts").iterdir())):
        result = vedette.evaluate(place, baseline)
        assert (shown(result), result.data.files, result.rows) == (whole, 4, 400)
        assert vedette.baseline(place).files()["constraints.json"] == vedette.baseline(bad).files()["constraints.json"]


def test_a_data_set_of_json_lines_is_read_by_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.jsonl").write_text('{"age": 31}\n{"age": 44}\n')
    assert [vedette.baseline(place).rows for place in ("./train.jsonl", "*.jsonl")] == [2, 2]
    Path("more.jsonl").write_text('{"age": 31}\n')
    with pytest.raises(VedetteError, match=r"\*\.jsonl: 2 files; name one data set"):
        vedette.baseline("*.jsonl")


def test_a_part_with_other_columns_and_a_table_among_captures_are_refused(tmp_path, baseline, bad):
    bad.to_csv(tmp_path / "a.csv", index=False)
    bad[["age"]].to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(VedetteError, match=r"b\.csv: other columns than .*a\.csv"):
        vedette.evaluate([tmp_path / "a.csv", tmp_path / "b.csv"], baseline)
    (tmp_path / "c.jsonl").write_text("{}\n")
    with pytest.raises(VedetteError, match="a table among captures"):
        vedette.evaluate([tmp_path / "a.csv", tmp_path / "c.jsonl"], baseline)


def test_tables_in_s3_are_read(monkeypatch, baseline, bad):
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="lake", Key="batch/rows.csv", Body=bad.to_csv(index=False).encode())
        for name, content in baseline.files().items():
            s3.put_object(Bucket="lake", Key=f"baseline/{name}", Body=content)
        results = [vedette.evaluate(f"s3://lake/{key}", "s3://lake/baseline") for key in ("batch", "batch/rows.csv")]
    assert [shown(result) for result in results] == [shown(vedette.evaluate(bad, baseline))] * 2


def test_a_csv_without_names_is_aligned_by_position(tmp_path, baseline, bad):
    bad.to_csv(tmp_path / "rows.csv", index=False, header=False)
    assert shown(vedette.evaluate(tmp_path / "rows.csv", baseline, header=False)) == shown(
        vedette.evaluate(bad, baseline)
    )
    done = CliRunner().invoke(main, ["summarize", str(tmp_path / "rows.csv"), "--no-header"])
    assert "400 rows, from 1 file" in done.output
    assert "_c0" in done.output


def test_whole_numbers_stay_whole_where_pandas_made_them_floats_for_a_missing_cell(baseline):
    frame = rows(300, seed=2)
    frame.loc[0, "age"] = None
    ages = [one for one in vedette.evaluate(frame, baseline).measurements if one.feature == "age"]
    assert not [one for one in ages if one.check == "data_type_check" and one.violated]


def test_every_kind_of_missing_cell_is_missing():
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan],
            "whole": pd.array([1, pd.NA], dtype="Int64"),
            "text": pd.Series(["x", None], dtype=object),
            "time": pd.to_datetime(["2026-11-22", None]),
            "kind": pd.Categorical(["a", None]),
            "flag": pd.array([True, pd.NA], dtype="boolean"),
        }
    )
    found = vedette.summarize(frame).to_frame()
    assert found["num_missing"].tolist() == [1] * 6
    assert found["num_present"].tolist() == [1] * 6


def test_a_cell_that_is_no_scalar_and_columns_of_one_name_are_refused():
    with pytest.raises(VedetteError, match="DataFrame: column 'a' holds list"):
        vedette.summarize(pd.DataFrame({"a": [[1, 2]]}))
    with pytest.raises(VedetteError, match="DataFrame: two columns named 'a'"):
        vedette.summarize(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(VedetteError, match="int is no data"):
        vedette.summarize(5)


def test_no_rows_are_never_ok(baseline, train):
    with pytest.raises(VedetteError, match="DataFrame: no rows"):
        vedette.evaluate(train.iloc[:0], baseline)


def test_a_frame_of_another_library_is_converted(baseline, bad):
    assert shown(vedette.evaluate(OtherFrame(bad), baseline)) == shown(vedette.evaluate(bad, baseline))


def test_raising_follows_the_severity(baseline, train, bad):
    good = vedette.evaluate(train, baseline)
    assert good.raise_for_violations() is good
    result = vedette.evaluate(bad, baseline)
    with pytest.raises(vedette.ViolationsFound, match="plan") as raised:
        result.raise_for_violations(severity="critical")
    assert raised.value.result is result
    few = vedette.evaluate(bad.head(3), baseline, minimum_rows=10)
    with pytest.raises(vedette.NothingEvaluated, match=r"Nothing was evaluated\."):
        few.raise_for_violations()
    slight = train.copy()
    slight["plan"] = slight["plan"].astype(object)
    slight.loc[0, "plan"] = None
    assert vedette.evaluate(slight, baseline).raise_for_violations("warning").verdict == "Violations"
    with pytest.raises(vedette.ViolationsFound):
        vedette.evaluate(slight, baseline).raise_for_violations("information")


def test_the_command_and_the_function_give_one_answer(tmp_path, baseline, bad):
    bad.to_csv(tmp_path / "rows.csv", index=False)
    baseline.save(tmp_path / "baseline")
    done = CliRunner().invoke(
        main, ["evaluate", str(tmp_path / "rows.csv"), "--baseline", str(tmp_path / "baseline"), "--all", "--json"]
    )
    result = vedette.evaluate(tmp_path / "rows.csv", tmp_path / "baseline")
    printed = json.loads(done.stdout)
    assert done.exit_code == printed["exit_code"] == result.exit_code() == 1
    assert printed["verdict"] == result.verdict
    assert [one["feature"] for one in printed["violations"]] == [one.feature for one in result.violations]
    assert len(printed["measurements"]) == len(result.to_frame(everything=True))


@pytest.mark.parametrize(("count", "code"), [(2000, 0), (0, 2)])
def test_a_table_is_a_gate_with_exit_codes(tmp_path, baseline, train, count, code):
    train.head(count).to_parquet(tmp_path / "rows.parquet")
    baseline.save(tmp_path / "baseline")
    done = CliRunner().invoke(
        main, ["evaluate", str(tmp_path / "rows.parquet"), "--baseline", str(tmp_path / "baseline")]
    )
    assert done.exit_code == code, done.output
    assert "request" not in done.output


def test_the_page_of_a_table_names_no_requests(baseline, bad):
    page = vedette.evaluate(bad, baseline).report().decode()
    assert "400 rows" in page
    assert "400 rows in" not in page


def test_a_notebook_shows_hostile_names_as_text(baseline):
    hostile = "<script>alert(1)</script>"
    frame = pd.DataFrame({hostile: [1, 2], "b" * 500: [1, 2]})
    for result in (vedette.summarize(frame), vedette.baseline(frame), vedette.evaluate(frame, baseline)):
        shown = result._repr_html_()
        assert "<script" not in shown
        assert "b" * 200 not in shown
    assert "&lt;script&gt;" in vedette.summarize(frame)._repr_html_()


def test_a_wide_result_is_cut_in_a_notebook():
    shown = vedette.summarize(pd.DataFrame([range(500)]).rename(columns=str))._repr_html_()
    assert "and 480 more" in shown
    assert len(shown) < 20_000


def test_results_are_frozen(baseline, train):
    for result in (baseline, vedette.summarize(train), vedette.evaluate(train, baseline)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            result.rows = 5


def test_private_features_keep_no_values(baseline, train):
    result = vedette.summarize(train, private=["plan"])
    assert b"basic" not in result.statistics_file()
    assert b"basic" not in vedette.baseline(train, private=["plan"]).files()["statistics.json"]


def test_the_rows_of_captured_requests_are_evaluated_without_their_metadata(baseline):
    frame = rows(300, seed=3)
    frame.insert(0, "event_id", "x")
    frame.attrs["refused"] = {}
    assert vedette.summarize(frame).to_frame()["feature"].tolist() == ["age", "income", "plan"]


def test_importing_vedette_imports_neither_pandas_nor_numpy():
    code = "import sys, vedette; sys.exit(any(name in sys.modules for name in ('pandas', 'numpy', 'boto3', 'click')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_public_name_is_there_and_listed():
    assert all(hasattr(vedette, name) for name in vedette.__all__)
    assert set(vedette.__all__) <= set(dir(vedette))
