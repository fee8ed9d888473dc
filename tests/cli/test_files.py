"""The commands on files: real captures, one sentence for every fault, and nothing written but the outputs."""

import gzip
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

import vedette
from chalicelib.alerts.sanitize import sanitize
from chalicelib.capture.summary import summarize
from chalicelib.constraints.files import read_constraints, write_constraints
from chalicelib.statistics import BASELINE_K, PART_K
from chalicelib.statistics.files import read_statistics
from tests.capture.captures import line, side
from vedette.cli import main

SENTENCE = (
    "Data type match requirement is not met. Expected data type: Integral, Expected match: 100.0%. "
    "Observed: Only 50.0% of data is Integral."
)

VEDETTE = [sys.executable, "-c", "import sys; from vedette.cli import main; sys.argv[0] = 'vedette'; main()"]


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


@pytest.fixture
def example(tmp_path, run):
    """A baseline, its constraints edited, and captures of which half of the b cells end in .50."""
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


def test_cents_in_half_of_b_are_exactly_one_violation(run, example):
    output, report = example / "violations.json", example / "report.html"
    found = run(
        "evaluate", example / "captures", "--baseline", example / "baseline", "-o", output, "--report", report, "--all"
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


def test_the_page_of_files_names_their_place_their_time_the_baseline_and_the_captured_hours(run, example):
    captures, baseline, report = example / "captures", example / "baseline", example / "report.html"
    run("evaluate", captures, "--baseline", baseline, "--report", report)
    facts = dict(re.findall(r"<dt>(.*?)</dt>(.*?)</div>", report.read_text()))
    assert facts["Source"] == f"<dd>{sanitize(captures)}</dd>"
    assert re.fullmatch(r"<dd>\d{4}-\d\d-\d\d \d\d:\d\d to .* UTC</dd>", facts["Captured"])
    assert facts["Baseline"].startswith(f"<dd>{sanitize(baseline)}</dd><dd>3 features, ")
    assert re.search(r"<h2 id=.hours.>Captured in \d+ of \d+ hours?</h2>", report.read_text())


def test_evaluating_writes_nothing_but_its_outputs(run, example):
    before = files_below(example)
    run("evaluate", example / "captures", "--baseline", example / "baseline", "-o", example / "v.json")
    after = files_below(example)
    assert {str(path) for path in after.keys() - before.keys()} == {"v.json"}
    assert all(after[path] == content for path, content in before.items())


def test_good_traffic_is_ok(run, example):
    good = example / "good.jsonl"
    good.write_bytes((line(side("1,2"), side("0")) + line(side("-3,4"), side("1"))) * 10)
    found = run("evaluate", good, "--baseline", example / "baseline" / "constraints.json")
    assert found.exit_code == 0
    assert "OK: No violations in 20 rows" in found.output
    assert "drift was not evaluated: the baseline has no statistics" in found.output


def test_the_number_of_compared_columns_is_printed(run, example):
    captures, folder = example / "captures", example / "baseline"
    compared = "columns compared with the baseline's distributions"
    assert f"3 of 3 {compared}" in run("evaluate", captures, "--baseline", folder).output
    few = run("evaluate", captures, "--baseline", folder, "--minimum-drift-rows", "1000").output
    assert f"0 of 3 {compared}" in few
    assert compared not in run("evaluate", captures, "--baseline", folder / "constraints.json").output
    scores = example / "scores.jsonl"
    scores.write_bytes(b"".join(line(side("1,2"), side(f"0.{i:03}")) for i in range(1, 200)))
    found = run("evaluate", scores, "--baseline", folder).output
    assert f"2 of 3 {compared}" in found
    assert "Note: drift not evaluated for label: the baseline has labels, the captured data scores." in found


def test_the_cure_of_a_label_at_the_end_is_printed_and_works(run, example):
    (example / "last.csv").write_text("a,b,label\n" + "".join(f"{i}.5,x{i % 3},{i % 2}\n" for i in range(200)))
    good = example / "good.jsonl"
    good.write_bytes(b"".join(line(side(f"{i}.5,x{i % 3}"), side(f"{i % 2}")) for i in range(200)))
    cure = "`vedette baseline --label last` puts it first."
    assert run("baseline", example / "last.csv", "-o", example / "wrong").exit_code == 0
    found = run("evaluate", good, "--baseline", example / "wrong")
    assert (found.exit_code, cure in found.output) == (1, True)
    assert run("baseline", example / "last.csv", "--label", "last", "-o", example / "right").exit_code == 0
    found = run("evaluate", good, "--baseline", example / "right")
    assert (found.exit_code, cure in found.output) == (0, False)


def test_csv_as_constraints_names_the_command_that_makes_them(run, example):
    found = run("evaluate", example / "captures", "--baseline", example / "train.csv")
    assert found.exit_code == 2
    place = example / "train.csv"
    assert f"{place}: this looks like CSV: `vedette baseline {place} -o FOLDER` makes constraints from it" in (
        found.stderr
    )


def test_every_conformance_capture_is_read_against_p07(run, conformance):
    constraints = next(conformance.glob("pairs/P07_*/constraints.json"))
    for file in sorted((conformance / "capture").glob("*.jsonl")):
        found = run("evaluate", file, "--baseline", constraints)
        assert found.exit_code == 1, file.name  # none of them has P07's thirteen columns
        requests = len(file.read_bytes().splitlines())
        assert f"in {requests} request{'s' if requests > 1 else ''}, from 1 file" in found.output
        assert "0 lines rejected" in found.output
        assert "Number of columns in baseline constraints: 13" in found.output


def test_the_violations_go_to_standard_output_alone(example):
    command = [*VEDETTE, "evaluate", example / "captures", "--baseline", example / "baseline", "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 1
    assert len(json.loads(done.stdout)["violations"]) == 1
    assert b"Violations: b is not Integral in 50.0% of 400 rows" in done.stderr


def test_refused_lines_are_counted_by_reason_and_kept(run, example):
    bad = example / "bad.jsonl"
    bad.write_bytes(line(side("1,2"), side("0")) * 30 + b"{oops\n" + line(side('"open')))
    found = run("evaluate", bad, "--baseline", example / "baseline", "--quarantine", example / "kept.jsonl")
    assert "1 line rejected: line is not JSON" in found.output
    assert "1 line rejected: payload is not CSV" in found.output
    assert (
        f"{bad}: line 31 (byte {len(bad.read_bytes().splitlines(keepends=True)[0]) * 30}): line is not JSON"
        in found.output
    )
    assert "--quarantine" not in found.output  # it was given
    assert f"Wrote {example / 'kept.jsonl'}." in found.output
    assert (example / "kept.jsonl").read_bytes() == b"{oops\n" + line(side('"open'))


def test_lines_that_cannot_be_read_are_never_ok(run, example):
    (example / "noise.jsonl").write_bytes(b"noise\n" * 5)
    found = run("evaluate", example / "noise.jsonl", "--baseline", example / "baseline")
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


def test_summaries_are_written_as_statistics(run, example):
    found = run("summarize", example / "captures", "-o", example / "s.json")
    assert found.exit_code == 0
    assert "400 rows of 3 columns, 1 of them an output" in found.output
    assert read_statistics((example / "s.json").read_bytes(), "s").rows == 400


def test_a_written_summary_has_model_monitors_sketches_and_a_part_small_ones(run, tmp_path):
    content = b"".join(line(side(f"{i}.25,{i}"), side(f"{i % 7}")) for i in range(1500))
    (tmp_path / "x.jsonl").write_bytes(content)
    assert run("summarize", tmp_path / "x.jsonl", "-o", tmp_path / "s.json").exit_code == 0
    written = read_statistics((tmp_path / "s.json").read_bytes(), "s")
    assert [column.distribution.k for column in written.columns] == [BASELINE_K] * 3
    assert written.columns[1].distribution.items()[0].tolist() == [i + 0.25 for i in range(1500)]
    (part,) = summarize([content]).tables
    assert [column.distribution.k for column in part.columns] == [PART_K] * 3
    assert len(part.columns[1].distribution.sketch) < 4000


def test_private_features_of_files_are_counted_and_never_shown(run, tmp_path):
    content = b"".join(line(side({"age": 41, "city": f"Bern {i % 3}"}, "JSON"), side("0.5")) for i in range(300))
    (tmp_path / "x.jsonl").write_bytes(content)
    private = ("--private", "city", "--private", "elsewhere")
    baseline = tmp_path / "baseline"
    made = run("baseline", "--from-captures", tmp_path / "x.jsonl", "-o", baseline, *private)
    summed = run("summarize", tmp_path / "x.jsonl", "-o", tmp_path / "s.json", *private)
    report = ("--report", tmp_path / "r.html")
    evaluated = run("evaluate", tmp_path / "x.jsonl", "--baseline", baseline, *report, *private)
    assert (made.exit_code, summed.exit_code, evaluated.exit_code) == (0, 0, 0)
    for found in (made, summed, evaluated):
        assert "Warning: --private elsewhere: no column has this name." in found.output
    assert "String (private)" in summed.output
    assert "Note: private: drift not evaluated for city." in evaluated.output
    written = [path.read_text() for path in (*baseline.iterdir(), tmp_path / "s.json", tmp_path / "r.html")]
    assert not any("Bern" in text for text in (*written, made.output, summed.output, evaluated.output))
    assert "Bern" in run("captured", tmp_path / "x.jsonl", "-o", "-").output


def test_a_data_set_gives_a_baseline_with_private_features(run, example):
    assert run("baseline", example / "train.csv", "-o", example / "p", "--private", "a").exit_code == 0
    table = read_statistics((example / "p" / "statistics.json").read_bytes(), "p")
    assert [column.private for column in table.columns] == [False, True, False]
    again = run("baseline", example / "baseline" / "statistics.json", "-o", example / "q", "--private", "a")
    assert again.exit_code == 0
    assert read_statistics((example / "q" / "statistics.json").read_bytes(), "q").columns[1] == table.columns[1]


def test_captured_requests_as_a_frame(example):
    frame = vedette.captured(str(example / "captures"))
    assert list(frame.columns) == ["event_id", "inference_time", "inference_id", "_c0", "_c1", "_c2"]
    assert len(frame) == 400
    assert str(frame["inference_time"].dtype).startswith("datetime64")
    assert frame["inference_id"][3] == "i-3"
    assert pd.api.types.is_integer_dtype(frame["_c1"])
    assert pd.api.types.is_float_dtype(frame["_c2"])


def test_csv_and_parquet_hold_the_same_table(run, example):
    for name in ("data.csv", "data.parquet"):
        assert run("captured", example / "captures", "-o", example / name).exit_code == 0
    csv, parquet = pd.read_csv(example / "data.csv"), pd.read_parquet(example / "data.parquet")
    assert list(csv.columns) == list(parquet.columns)
    assert np.array_equal(csv["_c2"], parquet["_c2"])


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
    assert frame["_c1"].tolist() == [1, 3, 7]  # the first input, as in the rows of most columns
    assert frame["_c2"].isna().tolist() == [False, True, True]
    assert frame["score"].tolist()[0] == 0.5
    assert frame["_c0"].dropna().tolist() == [8]
    assert frame.attrs["refused"] == {"line is not JSON": 1}


def test_captures_in_s3_are_read_and_nothing_is_written_there(run, example, monkeypatch):
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="traffic", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        for path, content in files_below(example).items():
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
            ("s3://traffic/nothing", "s3://traffic/nothing: no .jsonl, .csv or .parquet object under this prefix"),
            ("s3://traffic/no.jsonl", "s3://traffic/no.jsonl: no such object"),
            ("s3://", "s3://: no bucket"),
            ("s3://absent/x", "NoSuchBucket"),
        ):
            found = run("summarize", place)
            assert found.exit_code == 2
            assert sentence in found.stderr


def test_every_fault_is_one_sentence_and_exit_code_2(run, example):
    (example / "empty").mkdir()
    (example / "text.json").write_text("{")
    (example / "wide.csv").write_text("a,b\n1,2\n3\n")
    (example / "twice.csv").write_text("a,a\n1,2\n")
    (example / "none.csv").write_text("a,b\n")
    (example / "latin.csv").write_bytes(b"a\n\xe9\n")
    (example / "open.csv").write_text('a\n"x')
    good = example / "captures"
    for arguments, sentence in (
        (("evaluate", example / "no.jsonl", "--baseline", example / "baseline"), "no.jsonl: no such file or directory"),
        (
            ("evaluate", example / "empty", "--baseline", example / "baseline"),
            "empty: no .jsonl, .csv or .parquet",
        ),
        (("evaluate", "", "--baseline", example / "baseline"), "an empty name: use a file, a directory, a glob"),
        (("evaluate", f"{example}/*.nope", "--baseline", example / "baseline"), "*.nope: nothing matches"),
        (("evaluate", good, "--baseline", example / "nope.json"), "nope.json: no such file"),
        (("evaluate", good, "--baseline", example / "empty"), "constraints.json: no such file"),
        (("evaluate", good, "--baseline", example / "text.json"), "text.json: not JSON"),
        (("evaluate", good, "--baseline", example / "baseline", "-o", example / "no" / "v.json"), "no such file"),
        (("summarize", example / "text.json"), "no rows could be read"),
        (("baseline", example / "wide.csv", "-o", example / "x"), "wide.csv: line 3 has 1 cells instead of 2"),
        (("baseline", example / "twice.csv", "-o", example / "x"), "two columns named 'a'"),
        (("baseline", example / "none.csv", "-o", example / "x"), "none.csv: no rows"),
        (("baseline", example / "latin.csv", "-o", example / "x"), "latin.csv: not UTF-8"),
        (("baseline", example / "open.csv", "-o", example / "x"), "open.csv: line 2 is not CSV"),
        (("captured", good, "-o", example / "x.xls"), "-o needs a file name that ends in .csv or .parquet"),
    ):
        found = run(*arguments)
        assert found.exit_code == 2, arguments
        assert sentence in found.stderr, arguments
        assert "Traceback" not in found.stderr


def test_a_disabled_evaluation_is_no_success(run, example):
    constraints = json.loads((example / "baseline" / "constraints.json").read_text())
    constraints["monitoring_config"]["evaluate_constraints"] = "Disabled"
    (example / "off.json").write_text(json.dumps(constraints))
    found = run("evaluate", example / "captures", "--baseline", example / "off.json")
    assert found.exit_code == 2
    assert "Nothing was evaluated." in found.output
    assert "evaluate_constraints is Disabled" in found.output


def piped_to_nobody(*arguments) -> tuple[int, str]:
    """The exit code and the errors of a command whose standard output is a pipe that is closed already."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [*VEDETTE, *map(str, arguments)]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    return done.returncode, done.stderr


def test_outputs_are_whole_and_the_exit_code_is_the_commands_when_nobody_reads(run, example):
    bad = example / "captures" / "bad.jsonl"
    bad.write_bytes(b"{oops\n")
    captures, baseline = example / "captures", example / "baseline"
    for code, command, options in (
        (1, ("evaluate", captures, "--baseline", baseline), ("-o", "--report", "--quarantine")),
        (0, ("summarize", captures), ("-o", "--quarantine")),
        (0, ("captured", captures), ("-o",)),
        (0, ("baseline", example / "train.csv"), ("-o",)),
        (0, ("baseline", "--from-captures", captures), ("-o",)),
    ):
        written = []
        for folder in (example / "read", example / "unread"):
            (folder / "new").mkdir(parents=True)
            end = ".csv" if command[0] == "captured" else ""
            outputs = [part for option in options for part in (option, folder / "new" / f"{option.strip('-')}{end}")]
            if folder.name == "read":
                assert run(*command, *outputs).exit_code == code
            else:
                assert piped_to_nobody(*command, *outputs) == (code, "")
            written.append(files_below(folder))
            shutil.rmtree(folder)
        whole, unread = written
        assert whole.keys() == unread.keys()
        assert all(len(unread[name]) == len(content) > 0 for name, content in whole.items()), command


@pytest.mark.parametrize("command", ["summarize", "evaluate", "captured"])
def test_standard_output_that_nobody_reads_is_no_traceback(example, command):
    report = example / "r.html"
    more = ("--baseline", example / "baseline", "--report", report) if command == "evaluate" else ()
    code, errors = piped_to_nobody(command, example / "captures", "-o", "-", *more)
    assert (code, "Traceback" in errors, "Exception" in errors) == (2, False, False)
    assert report.exists() == (command == "evaluate")


def test_what_was_written_is_said(run, example):
    files = [example / name for name in ("v.json", "r.html", "q.jsonl")]
    found = run(
        *("evaluate", example / "captures", "--baseline", example / "baseline"),
        *("-o", files[0], "--report", files[1], "--quarantine", files[2]),
    )
    assert all(f"Wrote {file}." in found.output and file.exists() for file in files)


def test_refused_lines_are_named_by_file_and_line_with_a_hint(run, example):
    good = line(side("1,2"), side("0"))
    (example / "many.jsonl.gz").write_bytes(gzip.compress(good * 300 + b"oops\n" * 12))
    found = run("summarize", example / "many.jsonl.gz")
    assert f"many.jsonl.gz: line 301 (byte {len(good) * 300}): line is not JSON" in found.output
    assert found.output.count("line is not JSON") == 11  # the sum, and the first ten
    assert "... and 2 more" in found.output
    assert "Use --quarantine FILE to write the rejected lines" in found.output


def test_captures_and_data_sets_in_gzip_are_recognised(run, example):
    (example / "zipped").mkdir()
    for file in (example / "captures").rglob("*.jsonl"):
        (example / "zipped" / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert "400 rows in 400 requests, from 4 files" in run("summarize", example / "zipped").output
    (example / "train.csv.gz").write_bytes(gzip.compress((example / "train.csv").read_bytes()))
    assert run("baseline", example / "train.csv.gz", "-o", example / "again").exit_code == 0
    assert files_below(example / "again") == files_below(example / "baseline")
    (example / "cut.csv.gz").write_bytes((example / "train.csv.gz").read_bytes()[:900])
    assert "cut.csv.gz: gzip is damaged or cut off" in run("baseline", example / "cut.csv.gz", "-o", "x").stderr


def test_a_header_and_test_traffic_are_settings_of_every_command_on_files(run, tmp_path):
    requests = line(side("age,income\n30,2.5\n31,3.5")) + line(side("age,income\n9,9"), customAttributes=["testing=1"])
    (tmp_path / "x.jsonl").write_bytes(requests)
    settings = ("--header", "input", "--test-marker", "testing")
    found = run("summarize", tmp_path / "x.jsonl", *settings)
    assert "2 rows in 1 request, from 1 file" in found.output
    assert "1 test request, not in the statistics" in found.output
    assert "age" in found.output
    written = run("captured", tmp_path / "x.jsonl", "-o", "-", *settings).stdout.splitlines()
    assert written[0].endswith("inference_id,age,income")
    assert [text.split(",")[-2:] for text in written[1:]] == [["30", "2.5"], ["31", "3.5"]]
    frame = vedette.captured(str(tmp_path / "x.jsonl"), header="input", test_marker="testing")
    assert frame["income"].tolist() == [2.5, 3.5]


CELLS = ("62.50", "007", "0.1000000000000000055511", "9007199254740993", "1e5")


def test_csv_holds_the_text_that_was_sent_and_numbers_are_made_only_where_nothing_is_lost(run, tmp_path):
    (tmp_path / "x.jsonl").write_bytes(line(side(",".join(CELLS))))
    text = run("captured", tmp_path / "x.jsonl", "-o", "-").stdout.splitlines()[1].split(",")
    assert tuple(text[-5:]) == CELLS
    inferred = vedette.captured(str(tmp_path / "x.jsonl"))
    assert [inferred[f"_c{n}"][0] for n in range(5)] == [62.5, "007", CELLS[2], 9007199254740993, 1e5]
    assert [str(inferred[f"_c{n}"].dtype) for n in (0, 3)] == ["float64", "Int64"]
    as_text = vedette.captured(str(tmp_path / "x.jsonl"), types="text")
    assert [as_text[f"_c{n}"][0] for n in range(5)] == list(CELLS)
    numbers = run("captured", tmp_path / "x.jsonl", "-o", "-", "--types", "inferred").stdout.splitlines()[1]
    assert numbers.split(",")[-5] == "62.5"


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=None), min_size=1, max_size=5))
def test_an_inferred_number_is_exactly_what_was_sent(tmp_path_factory, numbers):
    file = tmp_path_factory.mktemp("cells") / "x.jsonl"
    cells = [str(number) for number in numbers]
    file.write_bytes(b"".join(line(side(cell)) for cell in cells))
    for cell, value in zip(cells, vedette.captured(str(file))["_c0"].tolist(), strict=True):
        assert Decimal(cell) == Decimal(repr(value)) if not isinstance(value, str) else value == cell


def test_at_eighty_columns_nothing_that_was_measured_is_cut_off(run, example, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = run("evaluate", example / "captures", "--baseline", example / "baseline", "--all").output
    assert "…" not in found
    assert max(len(text) for text in found.splitlines() if text[:1] in "│┃┏└") <= 80
    assert "…" not in run("summarize", example / "captures").output


def test_a_baseline_is_made_of_one_csv_and_says_what_looks_wrong(run, example):
    for place, sentence in (
        (example, f"{example}: a directory; name one data set, or use --from-captures"),
        (next((example / "captures").rglob("*.jsonl")), "captured requests, not a data set; use --from-captures"),
    ):
        found = run("baseline", place, "-o", example / "x")
        assert found.exit_code == 2
        assert sentence in found.stderr
    (example / "bare.csv").write_text("1,2.5\n3,4\n5,x\n")
    found = run("baseline", example / "bare.csv", "-o", example / "x").output
    assert "Warning: the columns are named 1, 2.5. If the first row is data, use --no-header." in found
    assert "Warning: 2.5 has 1 text among 1 number, so its type is String." in found
    assert "Warning" not in run("baseline", example / "train.csv", "-o", example / "y").output


def test_robust_distances_are_explained(run, example):
    constraints = json.loads((example / "baseline" / "constraints.json").read_text())
    said = run("evaluate", example / "captures", "--baseline", example / "baseline").output
    assert constraints["monitoring_config"]["distribution_constraints"]["comparison_method"] == "Robust"
    assert "a distance of 0 is a difference no larger than that" in " ".join(said.split())


@contextmanager
def never_muted():
    """Somebody who may read only what all may: root reads everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_folder_that_may_not_be_read_is_said(run, example):
    closed = example / "captures" / "closed"
    closed.mkdir()
    for folder in (example, *example.parents):  # pytest makes folders that nobody else may enter
        if folder.parent.is_relative_to(tempfile.gettempdir()):
            folder.chmod(0o755)
    assert run("summarize", example / "captures").exit_code == 0
    closed.chmod(0)
    with never_muted():
        found = run("summarize", example / "captures")
    closed.chmod(0o755)
    assert (found.exit_code, found.stderr) == (2, f"Error: {closed}: permission denied\n")


def test_without_credentials_one_sentence_says_what_to_do(run, monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    found = run("summarize", "s3://traffic/captures", "--region", "eu-west-1")
    assert found.exit_code == 2
    hint = "Log in (`aws configure`, `aws sso login`), or choose another --profile."
    assert found.stderr == f"Error: Unable to locate credentials. {hint}\n"


LOCAL_ONLY = ("chalice", "moto", "flask", "sklearn", "time_machine", "awslambdaric", "pytest", "hypothesis")


def test_a_notebook_needs_neither_chalice_nor_moto(example):
    """What only the AWS simulator or the tests need is blocked: the wheel's own dependencies are enough."""
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({LOCAL_ONLY!r}))\n"
        "import vedette\n"
        f"frame = vedette.captured({str(example / 'captures')!r})\n"
        "print(len(frame), frame.columns[-1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("400 _c2\n", "")


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


# --- severity, exit codes and the verdict as JSON ---------------------------------------------------------------------


@pytest.fixture
def slight(tmp_path, run):
    """A baseline of JSON inputs, and captures of which one in 300 has one more key: a violation for information."""
    row = {"age": 41, "answer": "yes"}
    base = [line(side(json.dumps(row | {"age": 20 + i % 30}), "JSON"), side("0.5")) for i in range(300)]
    (tmp_path / "base.jsonl").write_bytes(b"".join(base))
    assert run("baseline", "--from-captures", tmp_path / "base.jsonl", "-o", tmp_path / "baseline").exit_code == 0
    more = line(side(json.dumps(row | {"\x1b[31mz": 1}), "JSON"), side("0.5"))
    (tmp_path / "x.jsonl").write_bytes(b"".join([*base[:299], more]))
    return tmp_path


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 0), ("warning", 0), ("information", 1), (None, 0)])
def test_violations_fail_by_their_severity(run, slight, fail_on, code):
    chosen = () if fail_on is None else ("--fail-on", fail_on)
    found = run("evaluate", slight / "x.jsonl", "--baseline", slight / "baseline", *chosen)
    assert found.exit_code == code
    assert "violated (information)" in found.output
    assert "in 1 of 300 rows" in found.output
    assert "\x1b[31m" not in found.output
    assert (f"no violation has the severity {fail_on or 'warning'} or a worse one" in found.output) == (code == 0)


@pytest.mark.parametrize(("fail_on", "code"), [("critical", 1), ("warning", 1), ("information", 1)])
def test_a_critical_violation_always_fails(run, example, fail_on, code):
    found = run("evaluate", example / "captures", "--baseline", example / "baseline", "--fail-on", fail_on)
    assert (found.exit_code, "violated (critical)" in found.output) == (code, True)
    assert "Exit code" not in found.output


@pytest.mark.parametrize("fail_on", ["critical", "information"])
def test_what_could_not_be_evaluated_has_exit_code_2_whatever_fails(run, example, fail_on):
    (example / "noise.jsonl").write_bytes(b"noise\n" * 5)
    chosen = ("--baseline", example / "baseline", "--fail-on", fail_on, "--json")
    found = run("evaluate", example / "noise.jsonl", *chosen)
    assert (found.exit_code, json.loads(found.stdout)["exit_code"]) == (2, 2)
    assert json.loads(found.stdout)["verdict"] == "MonitorFailed"
    missing = run("evaluate", example / "no.jsonl", *chosen)
    assert (missing.exit_code, missing.stdout) == (2, "")


def test_the_verdict_as_json_has_the_keys_that_are_documented(run, slight):
    found = run("evaluate", slight / "x.jsonl", "--baseline", slight / "baseline", "--json", "--all")
    answer = json.loads(found.stdout)
    tables = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text().partition("\n## The verdict as JSON\n")[2]
    verdict, measured = (
        re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", part, re.MULTILINE)))
        for part in tables.split("\nEach violation")
    )
    assert sorted(answer) == sorted(verdict)
    of_days = {"reference_distances"}  # of a check that has reference days alone
    assert all({*one} | of_days == {*measured} for one in answer["violations"] + answer["measurements"])
    assert (answer["verdict"], answer["exit_code"], answer["rows"], answer["requests"]) == ("Violations", 0, 300, 300)
    assert answer["captures"] == [str(slight / "x.jsonl")]
    assert (answer["first_inference"], answer["last_inference"]) == ("2026-11-22T09:34:30Z",) * 2
    assert [one["severity"] for one in answer["violations"]] == ["information"]
    assert answer["measurements"][0] == answer["violations"][0]
    assert "300 rows in 300 requests" in found.stderr
    without = json.loads(run("evaluate", slight / "x.jsonl", "--baseline", slight / "baseline", "--json").stdout)
    assert without == {key: value for key, value in answer.items() if key != "measurements"}


def test_a_summary_claims_no_width_of_objects_with_differing_keys(run, slight):
    assert "300 rows of 3 columns, 1 of them an output" in run("summarize", slight / "base.jsonl").output
    found = run("summarize", slight / "x.jsonl").output
    assert "300 rows of up to 4 columns, 1 of them an output" in found


def test_json_and_violations_do_not_share_standard_output(run, slight):
    found = run("evaluate", slight / "x.jsonl", "--baseline", slight / "baseline", "--json", "-o", "-")
    assert (found.exit_code, found.stdout) == (2, "")
    assert "--json and -o - both write to standard output" in found.stderr


def test_place_and_time_of_the_captures_are_said_in_the_terminal_and_on_the_page(run, slight):
    late = line(side(json.dumps({"age": 30, "answer": "no"}), "JSON"), side("0.5")).replace(b"T09:34:30", b"T21:05:00")
    (slight / "late.jsonl").write_bytes(late)
    places = (slight / "x.jsonl", slight / "late.jsonl")
    found = run("evaluate", *places, "--baseline", slight / "baseline", "--report", slight / "r.html")
    assert f"Source: {places[0]}, {places[1]}" in found.output
    assert "Captured: 2026-11-22 09:34 to 21:05 UTC" in found.output
    page = (slight / "r.html").read_text()
    assert "<dt>Captured</dt><dd>2026-11-22 09:34 to 21:05 UTC</dd>" in page
    assert "<dt>Source</dt>" in page
    assert "301 rows in 301 requests" in page
    assert "<dt>Rejected</dt><dd>0 lines</dd>" in page


def test_captures_without_times_and_of_many_places_say_no_time_and_the_first_places(run, slight):
    untimed = line(side(json.dumps({"age": 30, "answer": "no"}), "JSON"), side("0.5")).replace(b"2026-11-22T", b"x")
    for number in range(7):
        (slight / f"{number}.jsonl").write_bytes(untimed)
    places = [slight / f"{number}.jsonl" for number in range(7)]
    found = run("summarize", *places)
    assert f"{places[4]} and 2 more" in found.output
    assert "Captured:" not in found.output
