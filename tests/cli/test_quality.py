"""Model quality from files, without an installation."""

import json
from datetime import timedelta

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn import metrics as sklearn

from chalicelib.quality.files import read_constraints
from chalicelib.quality.settings import ProblemType
from tests.quality.objects import NOON, captured, label
from vedette.cli import main
from vedette.quality import read_settings

SIZE = 1200


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


def written(folder, name, separation, seed, coverage=1.0):
    """Captures of a day and the labels of their requests."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, SIZE)
    scores = np.round(1 / (1 + np.exp(-random.normal(separation * (truth - 0.5), 1.0))), 3)
    place = folder / name
    place.mkdir()
    times = [NOON + timedelta(seconds=int(n * 80_000 / SIZE)) for n in range(SIZE)]
    lines = [captured(str(one), inference_id=f"id{n}", time=times[n]) for n, one in enumerate(scores)]
    (place / "captures.jsonl").write_bytes(b"".join(lines))
    known = random.uniform(size=SIZE) < coverage
    labels = [label(f"id{n}", str(one)) for n, one in enumerate(truth) if known[n]]
    random.shuffle(labels)
    (place / "labels.jsonl").write_bytes(b"".join(labels))
    return truth, scores


@pytest.fixture
def example(tmp_path, run):
    """A baseline from captures and labels, captures of the same model, and of one that became worse."""
    written(tmp_path, "before", 3.0, 1)
    written(tmp_path, "same", 3.0, 2)
    written(tmp_path, "worse", 1.0, 3)
    made = run(
        *("baseline", "--from-captures", tmp_path / "before/captures.jsonl", "--quality"),
        *("--labels", tmp_path / "before/labels.jsonl", "-o", tmp_path / "baseline"),
    )
    assert made.exit_code == 0, made.output
    return tmp_path


def evaluate(run, folder, name, *more):
    return run(
        *("evaluate", folder / name / "captures.jsonl", "--labels", folder / name / "labels.jsonl"),
        *("--baseline", folder / "baseline", *more),
    )


def test_a_baseline_of_captures_has_the_metrics_of_scikit_learn(example):
    truth, scores = written(example, "again", 3.0, 1)
    limits = read_constraints((example / "baseline/constraints.json").read_bytes(), "x").thresholds
    assert limits["auc"].threshold == pytest.approx(sklearn.roc_auc_score(truth, scores), abs=1e-12)
    assert limits["recall"].threshold == pytest.approx(sklearn.recall_score(truth, scores >= 0.5), abs=1e-12)


def test_a_model_as_good_as_before_is_fine(example, run):
    done = evaluate(run, example, "same")
    assert done.exit_code == 0, done.output
    assert "1200 predictions from 1 file of captures\n1200 labels from 1 file\n" in done.output
    assert 'problem_type = "BinaryClassification", score = "0"' in done.output
    assert "1200 of 1200 predictions have a label (100.0%)" in done.output


def test_a_worse_model_is_a_violation(example, run):
    output = example / "violations.json"
    done = evaluate(run, example, "worse", "-o", output)
    assert done.exit_code == 1, done.output
    assert "violated (critical)" in done.output
    violations = json.loads(output.read_text())["violations"]
    assert {"auc", "recall", "f1"} <= {one["metric_name"] for one in violations}
    assert violations[0]["description"].startswith("Metric ")


def test_the_verdict_as_json(example, run):
    done = evaluate(run, example, "worse", "--json", "--all", "--fail-on", "critical")
    found = json.loads(done.stdout)
    assert (found["verdict"], found["exit_code"]) == ("Violations", 1)
    assert (found["predictions"], found["labels"], found["labelled"]) == (SIZE, SIZE, SIZE)
    assert found["settings"]["score"] == "0"
    assert found["metrics"]["auc"] == pytest.approx(
        next(one["value"] for one in found["measurements"] if one["feature"] == "auc")
    )


def test_too_few_labels_evaluate_nothing(example, run):
    written(example, "few", 1.0, 4, coverage=0.1)
    done = evaluate(run, example, "few")
    assert done.exit_code == 2
    assert "InsufficientLabels: " in done.output
    assert evaluate(run, example, "few", "--minimum-labels", "50").exit_code == 1


def test_labels_that_select_themselves_evaluate_nothing(example, run):
    truth, _ = written(example, "selected", 3.0, 5)
    rows = b"".join(label(f"id{n}", "1") for n in np.flatnonzero(truth)[:400])
    (example / "selected/labels.jsonl").write_bytes(
        rows + b"".join(label(f"id{n}", "0") for n in np.flatnonzero(1 - truth)[:30])
    )
    done = evaluate(run, example, "selected")
    assert done.exit_code == 2, done.output
    assert "SelectiveLabels: Labels are missing unevenly, so no metric was evaluated.\n" in done.output


def test_labels_of_other_requests_are_refused(example, run):
    (example / "same/labels.jsonl").write_bytes(label("nobody", "1"))
    done = evaluate(run, example, "same")
    assert (done.exit_code, done.stderr) == (
        2,
        f"Error: {example / 'same/labels.jsonl'}: no label has the id of a captured request\n",
    )


def test_merged_records_are_captures_and_labels_at_once(example, run):
    merged = []
    lines = zip(
        *((example / "same" / name).read_bytes().splitlines() for name in ("captures.jsonl", "labels.jsonl")),
        strict=True,
    )
    known = {json.loads(line)["eventMetadata"]["eventId"]: json.loads(line) for _, line in lines}
    for line in (example / "same/captures.jsonl").read_bytes().splitlines():
        record = json.loads(line)
        record["groundTruthData"] = known[record["eventMetadata"]["inferenceId"]]["groundTruthData"]
        merged.append(json.dumps(record))
    place = example / "merged.jsonl"
    place.write_text("\n".join(merged))
    done = run("evaluate", place, "--labels", place, "--baseline", example / "baseline", "--json")
    alone = json.loads(evaluate(run, example, "same", "--json").stdout)
    assert json.loads(done.stdout)["metrics"] == alone["metrics"]


def test_the_suggested_settings_are_read_again(example, run):
    done = run(
        "quality", "suggest", example / "same/captures.jsonl", "--labels", example / "same", "--endpoint", "fraud"
    )
    assert done.stdout == '[endpoints.fraud.quality]\nproblem_type = "BinaryClassification"\nscore = "0"\n'
    place = example / "quality.toml"
    place.write_text(done.stdout + "threshold = 0.9\n")
    assert read_settings(str(place)).threshold == 0.9
    strict = evaluate(run, example, "same", "--quality-settings", place, "--json")
    assert json.loads(strict.stdout)["metrics"]["recall"] < 0.6


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("[endpoints.a]\n", "no [endpoints.NAME.quality] table"),
        ("oops", "not TOML: "),
        ('[endpoints.a.quality]\nproblem_type = "Regression"\nscor = "0"', "endpoints.a.quality.scor: no such key"),
        ('[endpoints.a.quality]\nproblem_type = "Binary"', "endpoints.a.quality: Invalid enum value 'Binary'"),
        ('[endpoints.a.quality]\nproblem_type = "Regression"', "a Regression, but the baseline is of a Binary"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_one_sentence(example, run, content, cause):
    place = example / "quality.toml"
    place.write_text(content)
    done = evaluate(run, example, "same", "--quality-settings", place)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"Error: {place}: {cause}")


def table(tmp_path, header, rows):
    place = tmp_path / "test.csv"
    place.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return place


def test_a_baseline_of_a_data_set_of_scores(tmp_path, run):
    random = np.random.default_rng(6)
    truth = random.integers(0, 2, 500)
    scores = np.clip(random.normal(0.3 + 0.4 * truth, 0.2), 0, 1)
    place = table(tmp_path, "p,x,fraud", zip(scores, truth, np.where(truth, "yes", "no"), strict=True))
    done = run("baseline", place, "--quality", "--label", "fraud", "--score", "p", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert 'classes = ["no", "yes"]' in done.output
    body = json.loads((tmp_path / "out/statistics.json").read_text())["binary_classification_metrics"]
    assert body["auc"]["value"] == pytest.approx(sklearn.roc_auc_score(truth, scores), abs=1e-12)
    assert body["confusion_matrix"]["no"]["no"] == int(((scores < 0.5) & (truth == 0)).sum())


@pytest.mark.parametrize(("header", "values"), [("Regression", [1.5, 2.25, 7.0]), ("MulticlassClassification", "abc")])
def test_a_baseline_of_a_data_set_of_predictions(tmp_path, run, header, values):
    random = np.random.default_rng(7)
    rows = list(zip(random.choice(list(values), 300), random.choice(list(values), 300), strict=True))
    place = table(tmp_path, "y,p", rows)
    done = run("baseline", place, "--quality", "--label", "y", "--prediction", "p", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{header} of 300 labelled rows\n")
    found = read_constraints((tmp_path / "out/constraints.json").read_bytes(), "x")
    assert found.problem_type == ProblemType(header)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--label", "y"], "A data set needs --label, and --prediction, --score or both."),
        (["--label", "z", "--prediction", "p"], "test.csv: no column named 'z'"),
        (["--label", "y", "--score", "p"], "no row has a label and a prediction (the score is no probability: 2)"),
    ],
)
def test_a_data_set_without_labels_or_predictions_is_refused(tmp_path, run, options, said):
    place = table(tmp_path, "y,p", [(0, 5), (1, 6)])
    done = run("baseline", place, "--quality", "-o", tmp_path / "out", *options)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_baseline_of_data_quality_is_not_overwritten(tmp_path, run):
    place = table(tmp_path, "y,p", [(n % 2, n % 2) for n in range(300)])
    assert run("baseline", place, "-o", tmp_path / "out").exit_code == 0
    quality = ("baseline", place, "--quality", "--label", "y", "--prediction", "p", "-o")
    assert "it has a baseline of data quality; name another folder" in run(*quality, tmp_path / "out").stderr
    assert [run(*quality, tmp_path / "other").exit_code for _ in range(2)] == [0, 0]


def test_options_of_quality_need_it(tmp_path, run):
    place = table(tmp_path, "y,p", [(0, 5)])
    assert "need --quality" in run("baseline", place, "--score", "p", "-o", tmp_path / "out").stderr
    assert (
        "--from-captures needs --labels"
        in run("baseline", "--from-captures", place, "--quality", "-o", tmp_path / "out").stderr
    )
    done = run("evaluate", place, "--labels", place, "--baseline", "x", "--report", tmp_path / "x.html")
    assert "leave them out with --labels" in done.stderr
