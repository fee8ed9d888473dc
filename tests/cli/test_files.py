"""The commands on files: real captures, one sentence for every fault, and nothing written but the outputs."""

import json
import random
import subprocess
import sys

import boto3
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from moto import mock_aws

import vedette
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.statistics.files import read_statistics
from tests.capture.captures import line, side
from vedette.cli import main

SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


@pytest.fixture
def chapter(tmp_path, run):
    """The chapter's baseline, its constraints edited, and captures of which half of the b cells end in .50."""
    choice = random.Random(8)
    rows = [[choice.choice("01"), str(choice.randint(-9, 9)), str(choice.randint(-9, 9))] for _ in range(6000)]
    (tmp_path / "train.csv").write_text("label,a,b\n" + "".join(",".join(row) + "\n" for row in rows))
    assert run("baseline", tmp_path / "train.csv", "-o", tmp_path / "baseline").exit_code == 0
    file = tmp_path / "baseline" / "constraints.json"
    constraints = read_constraints(file.read_bytes(), "x").with_type("a", "Integral").with_type("b", "Integral")
    file.write_bytes(write_constraints(constraints))
    captures = tmp_path / "captures" / "site" / "AllTraffic" / "2026" / "11" / "22" / "09"
    captures.mkdir(parents=True)
    for part in range(4):
        requests = rows[part * 100 : part * 100 + 100]
        (captures / f"3{part}-30-683-x.jsonl").write_bytes(
            b"".join(
                line(side(f"{a},{b}{'.50' if i % 2 else ''}"), side(label), inferenceId=f"i-{i}")
                for i, (label, a, b) in enumerate(requests)
            )
        )
    return tmp_path


def files_below(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_chapters_case_is_exactly_one_violation(run, chapter):
    output, report = chapter / "violations.json", chapter / "report.html"
    found = run(
        "evaluate", chapter / "captures", "--baseline", chapter / "baseline", "-o", output, "--report", report, "--all"
    )
    assert found.exit_code == 1
    assert "400 rows in 400 requests, from 4 files" in found.output
    assert "Violations: b is not Integral in 50.0% of 400 rows." in found.output
    assert SENTENCE in found.output
    assert json.loads(output.read_text()) == {
        "violations": [{"feature_name": "b", "constraint_check_type": "data_type_check", "description": SENTENCE}]
    }
    page = report.read_text()
    assert SENTENCE in page
    assert page.index('class="name">b<') < page.index('class="name">a<')


def test_evaluating_writes_nothing_but_its_outputs(run, chapter):
    before = files_below(chapter)
    run("evaluate", chapter / "captures", "--baseline", chapter / "baseline", "-o", chapter / "v.json")
    after = files_below(chapter)
    assert {str(path) for path in after.keys() - before.keys()} == {"v.json"}
    assert all(after[path] == content for path, content in before.items())


def test_good_traffic_is_ok(run, chapter):
    good = chapter / "good.jsonl"
    good.write_bytes((line(side("1,2"), side("0")) + line(side("-3,4"), side("1"))) * 10)
    found = run("evaluate", good, "--baseline", chapter / "baseline" / "constraints.json")
    assert found.exit_code == 0
    assert "OK: 20 rows" in found.output
    assert "drift was not judged: the baseline has no statistics" in found.output


def test_every_conformance_capture_is_read_against_p07(run, conformance):
    constraints = next(conformance.glob("pairs/P07_*/constraints.json"))
    for file in sorted((conformance / "capture").glob("*.jsonl")):
        found = run("evaluate", file, "--baseline", constraints)
        assert found.exit_code == 1, file.name  # none of them has P07's thirteen columns
        assert f"in {len(file.read_bytes().splitlines())} requests, from 1 file" in found.output
        assert "0 lines refused" in found.output
        assert "Number of columns in baseline constraints: 13" in found.output


def test_the_violations_go_to_standard_output_alone(chapter):
    command = [
        sys.executable,
        "-m",
        "vedette.cli",
        "evaluate",
        chapter / "captures",
        "--baseline",
        chapter / "baseline",
        "-o",
        "-",
    ]
    command[1:3] = ["-c", "import sys; from vedette.cli import main; sys.argv[0] = 'vedette'; main()"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["violations"]) == 1
    assert b"Violations: b is not Integral in 50.0% of 400 rows" in done.stderr


def test_refused_lines_are_counted_by_reason_and_kept(run, chapter):
    bad = chapter / "bad.jsonl"
    bad.write_bytes(line(side("1,2"), side("0")) * 30 + b"{oops\n" + line(side('"open')))
    found = run("evaluate", bad, "--baseline", chapter / "baseline", "--quarantine", chapter / "kept.jsonl")
    assert "1 lines refused: line is not JSON" in found.output
    assert "1 lines refused: payload is not CSV" in found.output
    assert (chapter / "kept.jsonl").read_bytes() == b"{oops\n" + line(side('"open'))


def test_lines_that_cannot_be_read_are_never_ok(run, chapter):
    (chapter / "noise.jsonl").write_bytes(b"noise\n" * 5)
    found = run("evaluate", chapter / "noise.jsonl", "--baseline", chapter / "baseline")
    assert found.exit_code == 2
    assert "MonitorFailed: Too many captured lines could not be read" in found.output


def test_hostile_names_never_reach_a_page_or_a_terminal_alive(run, tmp_path):
    name = "<script>alert(1)</script>[red]\x1b[31m\u202e"
    constraints = {"features": [{"name": name, "inferred_type": "Integral", "completeness": 1.0}]}
    (tmp_path / "c.json").write_text(json.dumps(constraints))
    (tmp_path / "x.jsonl").write_bytes(line(side("x")) * 30)
    found = run("evaluate", tmp_path / "x.jsonl", "--baseline", tmp_path / "c.json", "--report", tmp_path / "r.html")
    assert found.exit_code == 1
    page = (tmp_path / "r.html").read_text()
    for text in (found.output, page):
        assert "\x1b[31m" not in text
        assert "\u202e" not in text
    assert "<script>alert" not in page
    assert "Content-Security-Policy" in page


def test_the_suggested_baseline_of_p01_is_written(run, conformance, tmp_path):
    data = next(conformance.glob("pairs/P01_*/baseline_dataset.csv"))
    assert run("baseline", data, "--no-header", "-o", tmp_path / "new" / "folder").exit_code == 0
    statistics = read_statistics((tmp_path / "new" / "folder" / "statistics.json").read_bytes(), "x")
    assert statistics.feature_names == tuple(f"_c{i}" for i in range(6))
    assert (tmp_path / "new" / "folder" / "constraints.json").exists()


def test_summaries_are_written_as_statistics(run, chapter):
    found = run("summarize", chapter / "captures", "-o", chapter / "s.json")
    assert found.exit_code == 0
    assert "400 rows of 3 columns, 1 of them outputs" in found.output
    assert read_statistics((chapter / "s.json").read_bytes(), "s").rows == 400


def test_captured_requests_as_a_frame(chapter):
    frame = vedette.captured(str(chapter / "captures"))
    assert list(frame.columns) == ["event_id", "inference_time", "inference_id", "output.0", "input.0", "input.1"]
    assert len(frame) == 400
    assert str(frame["inference_time"].dtype).startswith("datetime64")
    assert frame["inference_id"][3] == "i-3"
    assert pd.api.types.is_integer_dtype(frame["input.0"])
    assert pd.api.types.is_float_dtype(frame["input.1"])


def test_csv_and_parquet_hold_the_same_table(run, chapter):
    for name in ("data.csv", "data.parquet"):
        assert run("captured", chapter / "captures", "-o", chapter / name).exit_code == 0
    csv, parquet = pd.read_csv(chapter / "data.csv"), pd.read_parquet(chapter / "data.parquet")
    assert list(csv.columns) == list(parquet.columns)
    assert np.array_equal(csv["input.1"], parquet["input.1"])


def test_no_cell_of_the_csv_is_a_formula_and_numbers_stay_numbers(run, tmp_path):
    payload = '=cmd()|x,@sum,+a,-5,"\tx"'
    (tmp_path / "x.jsonl").write_bytes(line(side(payload), inferenceId="=1+1") + line(side("a,b,c,-6,e")))
    found = run("captured", tmp_path / "x.jsonl", "-o", "-")
    first = found.stdout.splitlines()[1].split(",")
    assert first[2:] == ["'=1+1", "'=cmd()|x", "'@sum", "'+a", "-5", "'\tx"]


def test_rows_of_differing_layouts_share_one_table(tmp_path):
    (tmp_path / "x.jsonl").write_bytes(
        line(side("1,2"), side('{"score": 0.5}', "JSON")) + line(side("3")) + b"oops\n" + line(side("7"), side("8"))
    )
    frame = vedette.captured([str(tmp_path / "x.jsonl")])
    assert frame["input.0"].tolist() == [1, 3, 7]
    assert frame["input.1"].isna().tolist() == [False, True, True]
    assert frame["output.score"].tolist()[0] == 0.5
    assert frame["output.0"].dropna().tolist() == [8]
    assert frame.attrs["refused"] == {"line is not JSON": 1}


def test_captures_in_s3_are_read_and_nothing_is_written_there(run, chapter, monkeypatch):
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="traffic", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for path, content in files_below(chapter).items():
            s3.put_object(Bucket="traffic", Key=str(path), Body=content)
        s3.put_object(Bucket="traffic", Key="captures/other/readme.txt", Body=b"no capture")
        s3.put_object(Bucket="traffic", Key="captures2/x.jsonl", Body=b"another prefix")
        before = s3.list_objects_v2(Bucket="traffic")["KeyCount"]
        found = run("evaluate", "s3://traffic/captures", "--baseline", "s3://traffic/baseline")
        assert found.exit_code == 1
        assert "400 rows in 400 requests, from 4 files" in found.output
        assert s3.list_objects_v2(Bucket="traffic")["KeyCount"] == before
        key = "captures/site/AllTraffic/2026/11/22/09/30-30-683-x.jsonl"
        assert "from 1 file" in run("summarize", f"s3://traffic/{key}").output
        for place, sentence in (
            ("s3://traffic/nothing", "s3://traffic/nothing: no .jsonl object under this prefix"),
            ("s3://traffic/no.jsonl", "s3://traffic/no.jsonl: no such object"),
            ("s3://", "s3://: no bucket"),
            ("s3://absent/x", "NoSuchBucket"),
        ):
            found = run("summarize", place)
            assert found.exit_code == 2
            assert sentence in found.stderr


def test_every_fault_is_one_sentence_and_exit_code_2(run, chapter):
    (chapter / "empty").mkdir()
    (chapter / "text.json").write_text("{")
    (chapter / "wide.csv").write_text("a,b\n1,2\n3\n")
    (chapter / "twice.csv").write_text("a,a\n1,2\n")
    (chapter / "none.csv").write_text("a,b\n")
    (chapter / "latin.csv").write_bytes(b"a\n\xe9\n")
    (chapter / "open.csv").write_text('a\n"x')
    good = chapter / "captures"
    for arguments, sentence in (
        (("evaluate", chapter / "no.jsonl", "--baseline", chapter / "baseline"), "no.jsonl: no such file or directory"),
        (("evaluate", chapter / "empty", "--baseline", chapter / "baseline"), "empty: no .jsonl file below"),
        (("evaluate", f"{chapter}/*.nope", "--baseline", chapter / "baseline"), "*.nope: nothing matches"),
        (("evaluate", good, "--baseline", chapter / "nope.json"), "nope.json: no such file"),
        (("evaluate", good, "--baseline", chapter / "empty"), "constraints.json: no such file"),
        (("evaluate", good, "--baseline", chapter / "text.json"), "text.json: not JSON"),
        (("evaluate", good, "--baseline", chapter / "baseline", "-o", chapter / "no" / "v.json"), "no such file"),
        (("summarize", chapter / "text.json"), "no rows could be read"),
        (("baseline", chapter / "wide.csv", "-o", chapter / "x"), "wide.csv: line 3 has 1 cells instead of 2"),
        (("baseline", chapter / "twice.csv", "-o", chapter / "x"), "two columns named 'a'"),
        (("baseline", chapter / "none.csv", "-o", chapter / "x"), "none.csv: no rows"),
        (("baseline", chapter / "latin.csv", "-o", chapter / "x"), "latin.csv: not UTF-8"),
        (("baseline", chapter / "open.csv", "-o", chapter / "x"), "open.csv: line 2 is not CSV"),
        (("captured", good, "-o", chapter / "x.xls"), "-o needs a name that ends in .csv or .parquet"),
    ):
        found = run(*arguments)
        assert found.exit_code == 2, arguments
        assert sentence in found.stderr, arguments
        assert "Traceback" not in found.stderr


def test_every_help_holds_an_example(run):
    for command in ((), ("evaluate",), ("summarize",), ("baseline",), ("captured",)):
        assert "Example" in run(*command, "--help").output


def test_help_loads_nothing_heavy():
    code = "import sys; from vedette.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pandas", "numpy", "boto3", "rich", "jinja2"}.isdisjoint(loaded)


def test_reading_a_capture_needs_no_pandas():
    code = "import sys; import chalicelib.capture.summary, chalicelib.constraints.evaluation; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"pandas", "pyarrow", "scipy", "boto3"}.isdisjoint(loaded)
