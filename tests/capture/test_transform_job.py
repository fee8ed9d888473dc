"""What DescribeTransformJob says, and the filters of a job."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.capture.json_path import JsonPath
from chalicelib.capture.transform_job import TransformJob, manifest_places

AT = datetime(2026, 11, 22, 2, 0, 7, tzinfo=UTC)


def job(uri="s3://b/in/", output="s3://b/out", **more):
    return TransformJob.of(
        {
            "TransformJobName": "nightly-1",
            "TransformJobStatus": "Completed",
            "CreationTime": AT,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": output},
            **more,
        }
    )


@pytest.mark.parametrize(
    ("prefix", "input_", "output"),
    [
        ("s3://b/in/", "s3://b/in/a.csv", "s3://b/out/a.csv.out"),
        ("s3://b/in/", "s3://b/in/x/a.csv", "s3://b/out/x/a.csv.out"),
        ("s3://b/in/a.csv", "s3://b/in/a.csv", "s3://b/out/a.csv.out"),
        ("s3://b/in/da", "s3://b/in/day.csv", "s3://b/out/day.csv.out"),
        ("s3://b", "s3://b/a.csv", "s3://b/out/b/a.csv.out"),
    ],
)
def test_the_output_of_an_input(prefix, input_, output):
    assert job(prefix).output_of(input_) == output


@pytest.mark.parametrize(("seconds", "minutes"), [(0, 1), (30, 1), (53, 1), (54, 2), (600, 11), (86_400, 1441)])
def test_the_window_has_whole_minutes_and_covers_the_job(seconds, minutes):
    found = job(TransformStartTime=AT, TransformEndTime=AT + timedelta(seconds=seconds)).window
    assert (found.start, found.length) == (AT.replace(second=0), timedelta(minutes=minutes))


def test_a_job_that_never_began_has_the_minute_of_its_creation():
    assert job().window.length == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("processing", "joins"),
    [
        ({}, False),
        ({"JoinSource": "None"}, False),
        ({"JoinSource": "Input"}, True),
        ({"JoinSource": "Input", "OutputFilter": "$"}, True),
        ({"JoinSource": "Input", "OutputFilter": "$[0,-1]"}, False),
        ({"JoinSource": "Input", "OutputFilter": "not a path"}, False),
    ],
)
def test_an_output_is_its_input_and_more_only_where_nothing_is_left_out(processing, joins):
    assert job(DataProcessing=processing).form.joins_input is joins


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"[1]", b'[{"prefix": 1}]', b'[{"prefix": "s3://b/"}, 1]', b"\xff"]
)
def test_what_is_no_manifest(content):
    assert manifest_places(content) is None


@pytest.mark.parametrize(
    ("path", "record", "selected"),
    [
        ("$", [1, 2], [1, 2]),
        ("$[1:]", [1, 2, 3], [2, 3]),
        ("$[:1]", [1, 2, 3], [1, 2]),
        ("$[1:2]", [1, 2, 3, 4], [2, 3]),
        ("$[:-1]", [1, 2, 3], [1, 2]),
        ("$[0,-1]", [1, 2, 3], [1, 3]),
        ("$[0]", [1, 2], 1),
        ("$.a", {"a": 1, "b": 2}, 1),
        ("$.a.b", {"a": {"b": 2}}, 2),
        ("$['a','c']", {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 3}),
        ("$.x.['a','b']", {"x": {"a": 1, "b": 2, "c": 3}}, {"a": 1, "b": 2}),
        ("$.a.*", {"a": {"b": 1, "c": 2}}, [1, 2]),
        ("$[*]", [1, 2], [1, 2]),
    ],
)
def test_filters(path, record, selected):
    assert JsonPath.of(path).select(record) == selected


@pytest.mark.parametrize("path", ["", "a", "$[?(@.a)]", "$..a", "$[1", "$['a'", "$.a b"])
def test_filters_that_are_not_supported(path):
    assert JsonPath.of(path) is None
