"""`vedette quality load`, and what `apply` says about labels."""

import boto3
import pytest

from chalicelib.endpoint_run import stage_stores
from tests.operations.installed_stage import SITE

FLEET = """
[endpoints.preferred-site]
mode = "alert"

[endpoints.preferred-site.quality]
problem_type = "BinaryClassification"
score = "0"
"""


@pytest.fixture
def labelled(stage, tmp_path):
    """A stage that has applied a fleet with a quality table."""
    (tmp_path / "fleet.toml").write_text(FLEET)
    said = stage.done("apply", "-f", tmp_path / "fleet.toml", "--force", "--yes")
    assert f"{SITE}: predictions are stored from now on; `vedette backfill {SITE} --from 14d` stores" in said
    return stage


def test_a_label_file_is_counted_by_reason_uploaded_and_read_by_the_function(labelled, tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("id,label\ne1,1\ne2,0\ne3,0\ne4,maybe\n")
    said = labelled.done("quality", "load", file, "--endpoint", SITE, "--yes")
    hour = labelled.cloud.clock.now()
    key = f"ground-truth/{SITE}/{hour:%Y/%m/%d/%H}/labels.csv"
    counts = "3 labels (0: 2, 1: 1); 1 line or row without a label: the label is none of the classes (1)"
    assert f"{file}: {counts}\n  -> s3://{labelled.bucket}/{key}\n" in said
    assert boto3.client("s3").get_object(Bucket=labelled.bucket, Key=key)["Body"].read() == file.read_bytes()
    labelled.cloud.settle()
    assert len(list(stage_stores().bucket.list_objects(f"labels/{SITE}/"))) == 1


def test_a_dry_run_says_where_a_file_would_go_and_uploads_nothing(labelled, tmp_path):
    (tmp_path / "labels.csv").write_text("e1,1\n")
    said = labelled.done("quality", "load", tmp_path / "labels.csv", "--endpoint", SITE, "--dry-run")
    assert f"  -> s3://{labelled.bucket}/ground-truth/{SITE}/" in said
    assert "Dry run: nothing was changed." in said
    assert not list(stage_stores().bucket.list_objects("ground-truth/"))


def test_a_machine_gets_the_same_counts(labelled, tmp_path):
    (tmp_path / "labels.csv").write_text("e1,1\ne2,\n")
    answer = labelled.answer("quality", "load", tmp_path / "labels.csv", "--endpoint", SITE, "--yes")
    (one,) = answer["files"]
    assert answer["uploaded"] is True
    assert (one["holds"]["labels"], one["holds"]["rejected"]) == (1, {"the label is missing": 1})


def test_a_file_without_any_label_is_refused_with_its_reasons(labelled, tmp_path):
    (tmp_path / "labels.csv").write_text("nonsense\n")
    sentence = labelled.refused("quality", "load", tmp_path / "labels.csv", "--endpoint", SITE, "--yes")
    assert "0 labels; 1 line or row without a label: neither a label record nor id,label (1)" in sentence
    assert not list(stage_stores().bucket.list_objects("ground-truth/"))


def test_an_endpoint_without_a_quality_table_is_refused(stage, tmp_path):
    (tmp_path / "labels.csv").write_text("e1,1\n")
    sentence = stage.refused("quality", "load", tmp_path / "labels.csv", "--endpoint", SITE, "--yes")
    assert "has no [endpoints.preferred-site.quality] table in the applied fleet" in sentence


def test_apply_names_places_of_labels_that_the_stage_does_not_read(stage, tmp_path):
    place = 'ground_truth = ["s3://team-lake/labels"]\n'
    (tmp_path / "fleet.toml").write_text(FLEET + place)
    said = stage.done("apply", "-f", tmp_path / "fleet.toml", "--force", "--dry-run")
    assert "has labels in s3://team-lake/labels, which VEDETTE_GROUND_TRUTH_SOURCES does not name" in said
    assert "`vedette setup --ground-truth-source team-lake/labels/` adds it" in said
    own = f'ground_truth = ["s3://{stage.bucket}/parts/labels"]\n'
    (tmp_path / "fleet.toml").write_text(FLEET + own)
    assert "is where Vedette stores its own data" in stage.refused("apply", "-f", tmp_path / "fleet.toml", "--yes")


def test_status_names_label_objects_that_cannot_be_read(labelled):
    boto3.client("s3").put_object(Bucket=labelled.bucket, Key=f"ground-truth/{SITE}/a.parquet", Body=b"PAR1\x00")
    labelled.cloud.settle()
    said = " ".join(labelled.run("status", SITE).output.split())
    assert "a.parquet cannot be read (no line of it is a label) and is not tried again" in said
