"""Where captures are read: what a source is, whose an object is, and that no two entries can be mistaken."""

import re

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import locations
from chalicelib.events import DataCaptured
from chalicelib.outcomes import Skipped, SkipReason
from chalicelib.records import Fleet, FleetEntry
from chalicelib.services import capture_backlog
from chalicelib.services.capture_processing import process
from chalicelib.window import Window
from tests.capture.captures import line, side
from tests.runs import run_of_entry

FILE = "AllTraffic/2026/03/02/09/07-30-683-55126149.jsonl"
IN_ROOT = re.compile(r"[^/]+/\d{4}/\d\d/\d\d/\d\d/[^/]+")  # {variant}/yyyy/mm/dd/hh/{file}
NAMES = st.sampled_from(["a", "b", "AllTraffic", "2026", "03", "09"])  # also what the rest of a key is made of
PREFIXES = st.lists(NAMES, max_size=6).map("/".join)


def captured(world, key: str) -> DataCaptured:
    return DataCaptured(world.bucket, key, "", 0, locations.capture_key(key))


@given(
    st.lists(st.tuples(NAMES, PREFIXES, st.booleans()), max_size=5, unique_by=lambda entry: entry[0]), NAMES, PREFIXES
)
def test_an_object_is_of_at_most_one_endpoint_however_the_sources_lie_in_each_other(sources, endpoint, prefix):
    entries = [
        FleetEntry(endpoint=name, capture_uri=f"s3://lake/{below}{'/' if slash else ''}")
        for name, below, slash in sources
    ]
    key = f"{prefix}/{endpoint}/{FILE}".lstrip("/")
    capture = locations.capture_key(key)
    assert capture is not None
    entry = Fleet(entries=tuple(entries)).entry(capture.endpoint)
    mine = entry is not None and locations.captures_to(entry.capture_uri, "lake", capture)
    by_prefix = [
        one.endpoint
        for one in entries
        for root in locations.capture_roots(one.capture_uri, one.endpoint)
        if key.startswith(root) and IN_ROOT.fullmatch(key[len(root) :])
    ]
    assert by_prefix == ([capture.endpoint] if mine else [])


@pytest.mark.parametrize(
    ("source", "prefix"),
    [
        ("", "data-capture"),
        ("s3://{bucket}/data-capture/", "data-capture"),
        ("s3://{bucket}/data-capture/", "data-capture/"),
        ("s3://{bucket}/any/prefix/2026", "any/prefix/2026"),
    ],
)
def test_an_object_is_read_by_its_event_and_found_by_listing_wherever_the_endpoint_captures(world, source, prefix):
    entry = FleetEntry(endpoint="site", capture_uri=source.format(bucket=world.bucket))
    world.apply(entry)
    key = f"{prefix}/site/{FILE}"
    boto3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=line(side("1,2")))
    begun = locations.capture_key(key).begun
    run, window = run_of_entry(entry), Window(begun, locations.HOUR)
    assert capture_backlog.captured_variants(run) == {"AllTraffic"}
    found = list(capture_backlog.unprocessed_objects(run, "AllTraffic", window, ()))
    assert [one.key for one in found] == [key]
    assert process(run, captured(world, key)).summary()["rows"] == 1
    parts = run.stores.parts.keys("site", "AllTraffic", window.start, window.end)
    assert list(capture_backlog.unprocessed_objects(run, "AllTraffic", window, parts)) == []


def test_an_object_of_the_endpoint_elsewhere_is_left_alone(world):
    entry = FleetEntry(endpoint="site", capture_uri="s3://lake/captures")
    key = f"data-capture/site/{FILE}"
    assert process(run_of_entry(entry), captured(world, key)) == Skipped(
        SkipReason.OTHER_SOURCE, "site captures to s3://lake/captures, not here"
    )
