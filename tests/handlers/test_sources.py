"""Where captures are read: what a source is, whose an object is, and that no two entries can be mistaken."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import locations
from chalicelib.aws import store
from chalicelib.events import DataCaptured
from chalicelib.handlers import data_captured, forgotten
from chalicelib.records import Fleet, FleetEntry
from tests.capture.captures import line, side

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
    store.s3.client("s3").put_object(Bucket=world.bucket, Key=key, Body=line(side("1,2")))
    begun = locations.capture_key(key).begun
    assert forgotten.captured_variants(entry) == {"AllTraffic"}
    found = list(forgotten.without_part(entry, "AllTraffic", begun, begun + locations.HOUR, {}))
    assert [one.key for one in found] == [key]
    assert data_captured.process(captured(world, key), entry)["rows"] == 1
    parts = store.part_times("site", "AllTraffic", begun, begun + locations.HOUR)
    assert list(forgotten.without_part(entry, "AllTraffic", begun, begun + locations.HOUR, parts)) == []


def test_an_object_of_the_endpoint_elsewhere_is_left_alone(world):
    entry = FleetEntry(endpoint="site", capture_uri="s3://lake/captures")
    key = f"data-capture/site/{FILE}"
    assert data_captured.process(captured(world, key), entry) == {
        "left alone": "site captures to s3://lake/captures, not here"
    }
