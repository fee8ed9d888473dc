"""`backfill --engine spark`: the same parts, predictions and roll-ups as in this process; errors are one sentence."""

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib import records
from chalicelib.constraints.constraints import Constraints
from chalicelib.endpoint_run import stage_stores
from chalicelib.parts import Part
from chalicelib.quality.settings import ProblemType, QualitySettings
from chalicelib.records import FleetEntry
from tests.services.quality_days import DAY, SETTINGS, capture_day, label_day, rows_of
from tests.spark.captured import CROWDED, few_values, many_numbers, put_objects, rows_of_columns
from tests.spark.conftest import ROOT, watched
from vedette.demo import user_actions
from vedette.local.errors import AwsError
from vedette.operations import backfill, control
from vedette.operations.past_objects import Counts

SITE, FRAUD, WIDE, FRESH, DENIED, FAILING = "site", "fraud", "wide", "fresh", "denied", "failing"
LABELLED = "labelled"
ENTRIES = (
    FleetEntry(endpoint=SITE),
    FleetEntry(endpoint=FRAUD, quality=QualitySettings(problem_type=ProblemType.BINARY, score="0")),
    FleetEntry(endpoint=LABELLED, quality=replace(SETTINGS, ground_truth=())),
    *(FleetEntry(endpoint=name) for name in (WIDE, FRESH, DENIED, FAILING)),
)
SPARK = ("--engine", "spark", "--master", "local[2]", "--yes")


def in_this_process(stage, endpoint: str) -> tuple[Counts, dict[str, bytes]]:
    """What a backfill in this process stores; it is erased again."""
    entry = control.entry_of(endpoint)
    found = backfill.backlog(entry, stage.now - timedelta(days=1), stage.now)
    prefixes = [f"{kind}/{endpoint}/" for kind in ("parts", "rollups", "predictions")]
    counts = backfill.process(found, entry)
    stored = stage.stored(*prefixes)
    stage.erase(*prefixes)
    return counts, stored


@pytest.fixture(scope="module")
def fleet(stage):
    watched(*ENTRIES)
    return stage


@pytest.mark.parametrize("endpoint", [SITE, FRAUD])
def test_the_stored_bytes_are_those_of_a_backfill_in_one_process(fleet, endpoint):
    keys = put_objects(fleet, endpoint)
    counts, stored = in_this_process(fleet, endpoint)
    assert counts.outcomes == {"created": len(keys)}
    assert counts.rollups == len(CROWDED)
    answer = fleet.answer("backfill", endpoint, "--from", "1d", *SPARK)
    assert (answer["parts"], answer["rows"], answer["refused"], answer["rollups"]) == (
        counts.outcomes,
        counts.rows,
        counts.rejected,
        counts.rollups,
    )
    assert fleet.stored(*(f"{kind}/{endpoint}/" for kind in ("parts", "rollups", "predictions"))) == stored
    assert any(key.startswith("predictions/") for key in stored) == (endpoint == FRAUD)
    again = fleet.answer("backfill", endpoint, "--from", "1d", *SPARK)
    assert (again["waiting"], again["parts"], again["rollups"]) == (0, {}, 0)


def test_an_object_of_many_values_has_the_same_moments_and_sketches_within_their_bound(fleet):
    """Sketches are randomized; everything else of a part is a function of the object."""
    numbers = [many_numbers(seed) for seed in range(3)]
    for minute, columns in enumerate(numbers):
        fleet.put(WIDE, timedelta(hours=3, minutes=-minute), f"n{minute}", rows_of_columns(columns))
    _, stored = in_this_process(fleet, WIDE)
    assert fleet.answer("backfill", WIDE, "--from", "1d", *SPARK)["parts"] == {"created": len(numbers)}
    of_spark = fleet.stored(f"parts/{WIDE}/")
    assert of_spark.keys() == stored.keys()
    for key, (given, answers) in zip(sorted(stored), numbers, strict=True):
        part = records.read(Part, of_spark[key], key)
        assert_same(msgspec.json.decode(of_spark[key]), msgspec.json.decode(stored[key]))
        (table,) = part.summary.tables
        for column, values in zip(table.columns, (answers, given), strict=True):
            assert column.distribution.sketch
            for rank in (0.01, 0.25, 0.5, 0.75, 0.99):  # 2 x 1.33 % at k = 200
                assert (values <= column.distribution.quantile(rank)).mean() == pytest.approx(rank, abs=0.0265)


def assert_same(one, other, place: str = "part") -> None:
    """Everything is equal, fractions to 1e-12, but the bytes of sketches.

    Over a network a chunk may be shorter, and then sums are rounded in another order.
    """
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for name in one.keys() - {"sketch"}:
            assert_same(one[name], other[name], f"{place}.{name}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{place}[{number}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12), place
    else:
        assert one == other, place


def test_labels_and_joins_are_those_of_a_backfill_in_one_process(fleet):
    today = fleet.now.replace(hour=0, minute=0)
    for number in range(5, 11):  # so that both looks are due at any hour
        day = rows_of(today - number * DAY)
        capture_day(LABELLED, day, hours=4)
        label_day(LABELLED, day, day.start + DAY)
        fleet.put_labels(LABELLED, f"{number}.csv", f"e{number},1\nf{number},nonsense\n")
    before = fleet.stored(f"labels/{LABELLED}/")
    here = fleet.answer("backfill", LABELLED, "--from", "20d", "--yes")
    assert (here["labels"], here["joined"]) == ({"created": 6}, 6)
    stored = fleet.stored(f"labels/{LABELLED}/")
    for key in stored.keys() - before.keys():
        stage_stores().bucket.delete(key)
    there = fleet.answer("backfill", LABELLED, "--from", "20d", *SPARK)
    assert (there["labels"], there["joined"]) == (here["labels"], here["joined"])
    assert fleet.stored(f"labels/{LABELLED}/") == stored
    again = fleet.answer("backfill", LABELLED, "--from", "20d", *SPARK)
    assert (again["labels"], again["joined"]) == ({}, 0)


def test_the_job_file_runs_with_spark_submit(fleet):
    fleet.put(FRESH, timedelta(hours=7), "submitted", few_values(9, rows=10))
    process = fleet.run(
        *("--master", "local[2]", str(ROOT / "vedette" / "spark" / "job.py")),
        *("backfill", FRESH, "--from", "1d", "--engine", "spark", "--yes"),
        program=("spark-submit",),
    )
    assert "Parts: 1 created. They hold 10 rows; 0 lines were rejected." in process.stdout


def test_an_object_that_may_not_be_read_is_one_sentence_after_all_others(fleet):
    keys = [fleet.put(DENIED, timedelta(hours=3 + number), f"n{number}", few_values(number)) for number in range(4)]
    with fleet.refusing(keys[2], AwsError("AccessDenied", "Access Denied", 403)):
        process = fleet.run("backfill", DENIED, "--from", "1d", *SPARK, code=2)
    assert process.stderr.endswith(f"Error: s3://{fleet.bucket}/{keys[2]}: access is denied\n")
    assert "Traceback" not in process.stderr
    assert len(fleet.stored(f"parts/{DENIED}/")) == 3
    assert fleet.answer("backfill", DENIED, "--from", "1d", *SPARK)["parts"] == {"created": 1}


def test_a_task_that_fails_in_s3_is_one_sentence(fleet):
    key = fleet.put(FAILING, timedelta(hours=3), "n", few_values(1))
    with fleet.refusing(key, AwsError("InternalError", "We encountered an internal error.", 500)):
        process = fleet.run("backfill", FAILING, "--from", "1d", *SPARK, code=2)
    sentence = process.stderr.strip().splitlines()[-1]
    assert sentence.startswith("Error: A task failed on Spark: ClientError: An error occurred (InternalError)")


def test_a_cluster_that_does_not_reach_sagemaker_learns_no_reference_days_and_succeeds(fleet):
    types = {"label": "Fractional", "a": "Integral", "b": "String"}
    features = [{"name": name, "inferred_type": kind, "completeness": 0.0} for name, kind in types.items()]
    user_actions.put_baseline_in_force(FRESH, "v1", Constraints({"version": 0.0, "features": features}), None)
    fleet.put(FRESH, timedelta(hours=30), "x", few_values(3))
    command = ("backfill", FRESH, "--from", "3d", "--yes")
    process = fleet.run(*command, AWS_ENDPOINT_URL_SAGEMAKER="http://127.0.0.1:9")
    assert "Parts: 1 created." in process.stdout
    assert "The last days were not replayed, and no reference days were learned: Could not connect" in process.stdout


def test_without_java_there_is_one_sentence(fleet):
    fleet.put(FAILING, timedelta(hours=3), "n", few_values(1))
    process = fleet.run("backfill", FAILING, "--from", "1d", *SPARK, code=2, JAVA_HOME="/nowhere")
    sentence = process.stderr.strip().splitlines()[-1]
    assert sentence == "Error: Spark did not start: it needs Java 17 or later, found by JAVA_HOME or on the PATH."
    assert "Traceback" not in process.stderr
