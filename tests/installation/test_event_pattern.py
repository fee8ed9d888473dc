"""The pattern of the capture rule: what it matches, how long it is, and that a longer one than allowed is refused."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib import locations
from chalicelib.errors import VedetteError
from vedette.installation import account, event_pattern
from vedette.local.functions import Function

MAIL = ("--email", "oncall@example.com")
BUCKET = "vedette-dev-123456789012-eu-west-1"


def buckets(number: int) -> list[str]:
    return [BUCKET, *(f"team-{one:03d}-captures-of-models" for one in range(number))]


@pytest.fixture
def lakes(clone):
    """As many buckets of other teams as a test needs."""

    def make(number: int) -> list[str]:
        location = {"LocationConstraint": "eu-west-1"}
        for name in buckets(number)[1:]:
            clone.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)
        return [option for name in buckets(number)[1:] for option in ("--capture-source", f"{name}/captures/")]

    return make


def matched(pattern: dict, bucket: str, key: str) -> bool:
    from vedette.local.functions import _pattern

    function = Function("f", "f", "app.f", "arn", pattern=_pattern(pattern))
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}
    return function.listens_to({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


def test_captures_match_and_what_vedette_writes_never_does():
    pattern = locations.capture_pattern([BUCKET, "lake"])
    capture = locations.capture_key("data-capture/site/AllTraffic/2026/03/02/09/07-30-683-55126149.jsonl")
    for bucket in (BUCKET, "lake"):
        assert matched(pattern, bucket, "any/site/AllTraffic/2026/03/02/09/07-30-683-55126149.jsonl")
    assert not matched(pattern, "another", "site/AllTraffic/2026/03/02/09/07-30-683-55126149.jsonl")
    begun = capture.begun
    for own in (
        locations.part(capture),
        locations.rollup("site", "AllTraffic", begun),
        locations.fleet(),
        locations.baseline_in_force("site"),
        locations.baseline("site", "v1") + locations.CONSTRAINTS_FILE,
        locations.execution_of_object(capture) + locations.EXECUTION_FILE,
        locations.execution_of_object(capture) + locations.VIOLATIONS_FILE,
        locations.execution_of_object(capture) + locations.REPORT_FILE,
        locations.reference_days("site", "AllTraffic"),
    ):
        assert not matched(pattern, BUCKET, own)


def test_labels_match_by_their_place_and_what_vedette_writes_never_does():
    pattern = locations.ground_truth_pattern([(BUCKET, "ground-truth/"), ("lake", "labels/")])
    assert matched(pattern, BUCKET, "ground-truth/site/2026/03/02/09/a.csv.gz")
    assert matched(pattern, "lake", "labels/a")
    assert not matched(pattern, "another", "labels/a")
    assert not matched(pattern, "lake", "captures/labels/a")
    written = datetime(2026, 3, 2, 9, tzinfo=UTC)
    only_ours = locations.ground_truth_pattern([(BUCKET, "ground-truth/")])
    for own in (
        locations.labels("site", "f", "s3://b/k", "e", written),
        locations.label_day("site", "f", written, "d"),
        locations.predicted_ids("site", "f", "v", written, "d"),
        locations.fleet(),
    ):
        assert not matched(only_ours, BUCKET, own)


def test_twenty_five_places_of_labels_fit_and_more_are_refused():
    def places(number: int) -> list[tuple[str, str]]:
        return [(name, f"labels/team-{i:02}/") for i, name in enumerate(buckets(number))]

    event_pattern.check_labels("dev", places(25), 2048)
    with pytest.raises(VedetteError) as raised:
        event_pattern.check_labels("dev", places(60), 2048)
    assert "The labels of 61 places need an event pattern of" in str(raised.value)
    assert "name fewer places with --ground-truth-source" in str(raised.value)


def test_forty_sources_fit_and_prefixes_add_nothing():
    assert event_pattern.characters(buckets(40)) == 1581
    assert event_pattern.characters(buckets(40) * 3) == 1581
    event_pattern.check("dev", buckets(40), event_pattern.DEFAULT_CHARACTERS)


def test_a_longer_pattern_is_refused_with_the_quota_and_the_way_out():
    with pytest.raises(VedetteError) as refused:
        event_pattern.check("dev", buckets(70), 2048)
    assert str(refused.value) == (
        "The captures of 71 buckets need an event pattern of 2,511 characters. The EventBridge quota"
        ' "Event pattern size" is 2,048, and it can be raised to 4,096 at most'
        " (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html). Request an increase of"
        ' "Event pattern size" of Amazon EventBridge in the Service Quotas console, then run'
        " `vedette setup --stage dev --event-pattern-size 4096`; or name fewer buckets with --capture-source."
    )
    event_pattern.check("dev", buckets(70), 4096)
    with pytest.raises(VedetteError, match=r"4,096, which cannot be raised further .* Name fewer buckets"):
        event_pattern.check("dev", buckets(150), 4096)


def test_setup_refuses_it_before_anything_is_created_and_takes_a_raised_quota(clone, lakes):
    sources = lakes(70)
    said = clone.refused("setup", "--stage", "dev", *MAIL, *sources, "--yes")
    assert "2,511 characters" in said
    assert account.describe_stack("vedette-dev") is None
    clone.done("setup", "--stage", "dev", *MAIL, *sources, "--event-pattern-size", "4096", "--yes")
    assert clone.project.stage("dev")["vedette_event_pattern_size"] == 4096
    clone.done("setup", "--stage", "dev", "--log-days", "30", "--yes")
    assert clone.project.stage("dev")["vedette_event_pattern_size"] == 4096


def test_a_deployment_of_a_stage_written_by_hand_is_refused_before_it_is_built(clone):
    clone.done("setup", "--stage", "dev", *MAIL, "--yes")
    entry = clone.project.stage("dev")
    entry["environment_variables"]["VEDETTE_CAPTURE_SOURCES"] = ",".join(f"{name}/c/" for name in buckets(70)[1:])
    clone.project.write_stage("dev", entry)
    assert "2,511 characters" in clone.refused("install", "--stage", "dev")


def test_the_simulator_refuses_a_longer_pattern_than_the_quota(clone):
    from botocore.exceptions import ClientError

    events = clone.client("events")
    pattern = locations.data_captured_pattern(buckets(50))
    assert event_pattern.characters(buckets(50)) <= 2048
    events.put_rule(Name="short", EventPattern=json.dumps(pattern))
    with pytest.raises(ClientError) as refused:
        events.put_rule(Name="long", EventPattern=json.dumps(locations.data_captured_pattern(buckets(70))))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["short"]
