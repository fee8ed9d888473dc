"""A baseline from CSV, JSON lines, Parquet, a statistics.json or captures: the same two files, whatever the form."""

import json
import random

import pandas as pd
import pytest
from click.testing import CliRunner

from chalicelib.records import FleetEntry
from tests.capture.captures import line, side
from tests.operations.installed_stage import SITE
from vedette.cli import main
from vedette.demo import user_actions
from vedette.local.boto_transport import child_environment
from vedette.local.server import running

COLORS = ("red", "green", "blue")


def baseline(*arguments):
    return CliRunner().invoke(main, ["baseline", *map(str, arguments)], catch_exceptions=False)


def files(folder):
    return {name: json.loads((folder / name).read_text()) for name in ("statistics.json", "constraints.json")}


@pytest.fixture
def records():
    """Whole numbers, fractions, texts, truth values, and cells that are missing."""
    draw = random.Random(3)
    return [
        {
            "label": draw.randint(0, 1),
            "weight": round(draw.uniform(-3, 3), 3) + 0.0005,
            "color": draw.choice(COLORS),
            "known": draw.choice([True, False]),
            "age": None if i % 10 == 0 else draw.randint(0, 90),
        }
        for i in range(2500)
    ]


@pytest.fixture
def csv(records, tmp_path):
    def cell(value):
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    rows = [",".join(map(cell, record.values())) for record in records]
    file = tmp_path / "train.csv"
    file.write_text("\n".join([",".join(records[0]), *rows]) + "\n")
    return file


def test_json_lines_and_parquet_give_the_baseline_of_the_csv(records, csv, tmp_path):
    lines = tmp_path / "train.jsonl"
    # A key that is absent is a missing cell, as null is.
    lines.write_text("".join(json.dumps({k: v for k, v in r.items() if v is not None}) + "\n" for r in records[1:]))
    lines.write_text(json.dumps(records[0]) + "\n" + lines.read_text())
    frame = pd.DataFrame(records).astype({"age": "Int64"})
    frame.to_parquet(tmp_path / "train.parquet")
    for data in (csv, lines, tmp_path / "train.parquet"):
        assert baseline(data, "-o", tmp_path / data.suffix).exit_code == 0
    constraints = [files(tmp_path / suffix)["constraints.json"] for suffix in (".csv", ".jsonl", ".parquet")]
    assert constraints[0] == constraints[1] == constraints[2]
    by_name = {feature["name"]: feature for feature in constraints[0]["features"]}
    assert by_name["age"] == {
        "name": "age",
        "inferred_type": "Integral",
        "completeness": 0.9,
        "num_constraints": {"is_non_negative": True},
    }
    assert by_name["color"]["string_constraints"] == {"domains": sorted(COLORS)}
    assert by_name["weight"]["num_constraints"] == {"is_non_negative": False}
    means = [
        [feature["numerical_statistics"]["mean"] for feature in files(tmp_path / suffix)["statistics.json"]["features"]
         if "numerical_statistics" in feature]
        for suffix in (".csv", ".jsonl", ".parquet")
    ]  # fmt: skip
    assert means[1] == pytest.approx(means[0])
    assert means[2] == pytest.approx(means[0])


def test_a_statistics_file_of_model_monitor_gives_its_own_constraints(conformance, tmp_path):
    """Every pair of the conformance set that has both files of features (P02 and P03 are of other monitor types)."""
    pairs = {"P01": "good_cases_constraints.json", "P07": "constraints.json"}
    for pair, name in pairs.items():
        folder = next(conformance.glob(f"pairs/{pair}_*"))
        assert baseline(folder / "statistics.json", "-o", tmp_path / pair).exit_code == 0
        ours, theirs = files(tmp_path / pair)["constraints.json"], json.loads((folder / name).read_text())
        assert ours["features"] == theirs["features"]
        assert (tmp_path / pair / "statistics.json").read_bytes() == (folder / "statistics.json").read_bytes()


def test_captures_give_a_baseline_that_they_hold(tmp_path):
    captures = tmp_path / "captures"
    captures.mkdir()
    draw = random.Random(4)
    for number in range(3):
        requests = [line(side(f"{draw.randint(0, 99)},{draw.random():.3f}"), side("1.0")) for _ in range(100)]
        (captures / f"{number}.jsonl").write_bytes(b"".join(requests))
    (captures / "odd.jsonl").write_bytes(line(side("1"), side("1.0")) * 3)
    found = baseline("--from-captures", captures, "-o", tmp_path / "baseline")
    assert found.exit_code == 0
    assert "Warning: 3 rows with other columns were left out." in found.output
    features = files(tmp_path / "baseline")["constraints.json"]["features"]
    assert [(f["name"], f["inferred_type"]) for f in features] == [
        ("_c0", "Fractional"), ("_c1", "Integral"), ("_c2", "Fractional"),
    ]  # fmt: skip
    numbers = files(tmp_path / "baseline")["statistics.json"]["features"][2]["numerical_statistics"]
    assert numbers["distribution"]["kll"]["sketch"]["parameters"] == {"c": 0.64, "k": 2048.0}
    assert len(numbers["distribution"]["kll"]["sketch"]["data"][0]) == 300
    (captures / "odd.jsonl").unlink()
    evaluated = CliRunner().invoke(main, ["evaluate", str(captures), "--baseline", str(tmp_path / "baseline")])
    assert evaluated.exit_code == 0, evaluated.output


def test_the_last_hours_of_an_endpoint_give_a_baseline(stage, tmp_path, monkeypatch):
    user_actions.apply_fleet(FleetEntry(endpoint=SITE, mode="deploy", package_group=SITE))
    stage.register()
    stage.cloud.turn(minutes=10)
    user_actions.predict(SITE, [("12", "34"), ("56", "78")] * 40)
    stage.cloud.turn(hours=3)
    with running(stage.cloud.router) as url:
        for name, value in child_environment(stage.cloud.region, url).items():
            monkeypatch.setenv(name, value)
        found = baseline("--from-captures", SITE, "--hours", "4", "-o", tmp_path / "baseline")
        assert found.exit_code == 0, found.output
        late = baseline("--from-captures", SITE, "--hours", "1", "-o", tmp_path / "late")
        nobody = baseline("--from-captures", "nobody", "-o", tmp_path / "nobody")
    assert files(tmp_path / "baseline")["statistics.json"]["dataset"]["item_count"] == 80
    assert (late.exit_code, nobody.exit_code) == (2, 2)
    assert f"Endpoint {SITE} captured nothing to s3://" in late.stderr
    assert "There is no endpoint nobody in " in nobody.stderr


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.jsonl", b'{"a": 1}\n{"a": \n', "x.jsonl: line 2 is not JSON"),
        ("x.ndjson", b"", "x.ndjson: no rows"),
        ("x.parquet", b"PAR1 no", "x.parquet: not Parquet"),
        ("x.json", b'{"a": 1}', "x.json: not a statistics.json: no features"),
        ("x.jsonl", line(side("1")), "x.jsonl: captured requests, not a data set; use --from-captures"),
        ("x.csv", b"y;a;b\n0;0.78;x\n", "x.csv: one column named 'y;a;b': semicolons separate the cells; save it with"),
        ("x.csv", b"y;a;b\n0;0,78;x\n", "x.csv: one column named 'y;a;b': semicolons separate the cells; save it with"),
        ("x.csv", b"y\ta\n0\t1\n", "x.csv: one column named 'y\\ta': tabs separate the cells; save it with commas"),
        ("x.csv", b"y|a\n0|1\n", "x.csv: one column named 'y|a': bars separate the cells; save it with commas"),
        (
            "x.json",
            b'{"multiclass_classification_metrics": {}}',
            "x.json: this is a model-quality file, not a statistics.json of data quality",
        ),
        (
            "x.json",
            b'{"features": [{"name": "a", "inferred_type": "String"}], "monitoring_config": {}}',
            "x.json: this is a constraints.json, not a statistics.json of data quality",
        ),
    ],
)
def test_what_is_no_data_set_is_refused_in_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    found = baseline(tmp_path / name, "-o", tmp_path / "baseline")
    assert found.exit_code == 2
    assert sentence in found.stderr
    assert not (tmp_path / "baseline").exists()


def test_a_parquet_column_of_lists_is_named(tmp_path):
    pd.DataFrame({"a": [1], "b": [[1, 2]]}).to_parquet(tmp_path / "x.parquet")
    assert "column 'b' holds list<" in baseline(tmp_path / "x.parquet", "-o", tmp_path / "out").stderr


def test_one_data_set_or_captures(tmp_path):
    for arguments in ((), ("x.csv", "--from-captures", "y")):
        found = baseline(*arguments, "-o", tmp_path)
        assert found.exit_code == 2
        assert "Name one data set, or use --from-captures." in found.stderr


def test_rows_of_another_delimiter_without_names_are_not_printed(tmp_path):
    (tmp_path / "x.csv").write_text("secret;1\nsecret;2\n")
    found = baseline(tmp_path / "x.csv", "--no-header", "-o", tmp_path / "out")
    assert found.exit_code == 2
    assert "x.csv: one column: semicolons separate the cells; save it with commas" in found.stderr
    assert "secret" not in found.output


def test_text_with_semicolons_is_one_column(tmp_path):
    (tmp_path / "x.csv").write_text("remark; free\nlate\nlate; cold; again\n")
    assert baseline(tmp_path / "x.csv", "-o", tmp_path / "out").exit_code == 0


def test_a_baseline_of_one_row_is_written_with_a_warning(tmp_path):
    warning = "Warning: these are the rules of one row, which others will violate; use more rows."
    (tmp_path / "one.csv").write_text("y,a\n1,2.5\n")
    (tmp_path / "two.csv").write_text("y,a\n1,2.5\n0,3.5\n")
    (tmp_path / "one.jsonl").write_bytes(line(side("1"), side("2")))
    one, two = (baseline(tmp_path / name, "-o", tmp_path / "out") for name in ("one.csv", "two.csv"))
    captured = baseline("--from-captures", tmp_path / "one.jsonl", "-o", tmp_path / "out")
    assert [found.exit_code for found in (one, two, captured)] == [0, 0, 0]
    assert [warning in found.output for found in (one, two, captured)] == [True, False, True]


@pytest.mark.parametrize(
    ("arguments", "names", "types"),
    [
        (["--label", "last"], ["label", "a", "b"], ["String", "Integral", "Fractional"]),
        (["--label", "label"], ["label", "a", "b"], ["String", "Integral", "Fractional"]),
        (["--label", "b"], ["b", "a", "label"], ["Fractional", "Integral", "String"]),
        (["--label", "a"], ["a", "b", "label"], ["Integral", "Fractional", "String"]),
        # the first row counts as data: each column is a text
        (["--label", "last", "--no-header"], ["_c0", "_c1", "_c2"], ["String", "String", "String"]),
    ],
)
def test_the_label_is_put_first(arguments, names, types, tmp_path):
    (tmp_path / "train.csv").write_text("a,b,label\n" + "1,2.5,yes\n2,3.5,no\n" * 20)
    assert baseline(tmp_path / "train.csv", *arguments, "-o", tmp_path / "out").exit_code == 0
    written = files(tmp_path / "out")
    for name in ("constraints.json", "statistics.json"):
        assert [feature["name"] for feature in written[name]["features"]] == names
        assert [feature["inferred_type"] for feature in written[name]["features"]] == types
    first = written["statistics.json"]["features"][0]
    if "--no-header" in arguments:
        assert {one["value"] for one in first["string_statistics"]["distribution"]["categorical"]["buckets"]} == {
            "label", "yes", "no",
        }  # fmt: skip


def test_the_label_of_a_statistics_file_is_put_first_in_both_files(tmp_path):
    (tmp_path / "train.csv").write_text("a,label\n" + "1,yes\n2,no\n" * 20)
    assert baseline(tmp_path / "train.csv", "-o", tmp_path / "wrong").exit_code == 0
    again = baseline(tmp_path / "wrong" / "statistics.json", "--label", "last", "-o", tmp_path / "right")
    assert again.exit_code == 0
    assert baseline(tmp_path / "train.csv", "--label", "last", "-o", tmp_path / "same").exit_code == 0
    assert files(tmp_path / "right")["constraints.json"] == files(tmp_path / "same")["constraints.json"]
    names = [feature["name"] for feature in files(tmp_path / "right")["statistics.json"]["features"]]
    assert names == ["label", "a"]


def test_a_label_that_is_no_column_is_refused_with_help(tmp_path):
    (tmp_path / "train.csv").write_text("a,label\n1,yes\n2,no\n")
    found = baseline(tmp_path / "train.csv", "--label", "lable", "-o", tmp_path / "out")
    assert (found.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert "train.csv: no column named 'lable'; did you mean label?" in found.stderr
    found = baseline("--from-captures", tmp_path, "--label", "last", "-o", tmp_path / "out")
    assert found.exit_code == 2
    assert "--label is for a data set" in found.stderr
