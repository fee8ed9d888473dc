"""Mutes: of what, from when, until when."""

from datetime import timedelta

import pytest

from chalicelib.alerts.mutes import in_force, muted
from chalicelib.alerts.state import fingerprint_id
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import Mute
from tests.alerts.factories import NOON

HOUR = timedelta(hours=1)
B = Fingerprint("data_type_check", "b")


def mute(**of: str) -> Mute:
    return Mute(mute_id="m", begins=NOON, until=NOON + HOUR, by="ann", reason="move", at=NOON - HOUR, **of)


def holds(*mutes: Mute, variant: str = "v", team: str = "search", fingerprint: Fingerprint = B, now=NOON) -> bool:
    return muted(mutes, "site", variant, team, now)(fingerprint)


@pytest.mark.parametrize(
    ("of", "holding"),
    [
        ({"endpoint": "site"}, True),
        ({"endpoint": "other"}, False),
        ({"team": "search"}, True),
        ({"team": "other"}, False),
        ({"fingerprint": fingerprint_id("site", "v", B)}, True),
        ({"fingerprint": fingerprint_id("other", "v", B)}, False),
        ({"fingerprint": fingerprint_id("site", "w", B)}, False),
        ({"fingerprint": fingerprint_id("site", "v", Fingerprint("data_type_check", "c"))}, False),
    ],
)
def test_a_mute_holds_for_what_it_names_and_for_nothing_else(of, holding):
    assert holds(mute(**of)) == holding


def test_a_mute_holds_from_its_beginning_until_just_before_its_end():
    of_site = mute(endpoint="site")
    moments = (NOON - timedelta(seconds=1), NOON, NOON + HOUR - timedelta(seconds=1), NOON + HOUR)
    assert [holds(of_site, now=now) for now in moments] == [False, True, True, False]
    assert in_force([of_site], NOON) == [of_site]


def test_an_endpoint_without_a_team_is_muted_by_no_team():
    assert not holds(mute(team="search"), team="")
    assert not holds(mute(endpoint="other"), team="")


def test_without_mutes_nothing_is_muted():
    assert not holds()
