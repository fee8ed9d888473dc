"""Which fingerprints are muted now: every mute has a reason and an end.

| mute of     | suppresses                                              |
|-------------|---------------------------------------------------------|
| fingerprint | one subject and check on one endpoint and variant       |
| endpoint    | every fingerprint of it, missing data included          |
| team        | the same for every endpoint of the team                 |

Notifications about deployments are never muted: each is about a decision of a person, and is sent once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.alerts.state import Muted, fingerprint_id, never_muted
from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import Mute


def in_force(mutes: Iterable[Mute], now: datetime) -> list[Mute]:
    """The mutes that have begun and have not ended."""
    return [mute for mute in mutes if mute.begins <= now < mute.until]


def muted(mutes: Iterable[Mute], endpoint: str, variant: str, team: str, now: datetime) -> Muted:
    """The function that says whether a mute applies to a fingerprint of an endpoint and variant now."""
    ids = set()
    for mute in in_force(mutes, now):
        if (mute.endpoint and mute.endpoint == endpoint) or (mute.team and mute.team == team):
            return always_muted
        ids.add(mute.fingerprint)
    if not ids:
        return never_muted
    return lambda fingerprint: fingerprint_id(endpoint, variant, fingerprint) in ids


def always_muted(fingerprint: Fingerprint) -> bool:
    """A mute applies to every fingerprint."""
    return True
