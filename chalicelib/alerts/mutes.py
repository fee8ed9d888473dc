"""Which fingerprints are muted now: a person gave a reason, and an end.

| mute of     | silences                                            |
|-------------|-----------------------------------------------------|
| fingerprint | one subject and check on one endpoint and variant   |
| endpoint    | every fingerprint of it, silences of capture as well|
| team        | the same for every endpoint of the team             |

Notices about deployments are never muted: each is about something that a person decided and that happens once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.alerts.state import Muted, fingerprint_id, never_muted
from chalicelib.records import Mute


def in_force(mutes: Iterable[Mute], now: datetime) -> list[Mute]:
    """The mutes that have begun and have not ended."""
    return [mute for mute in mutes if mute.begins <= now < mute.until]


def muted(mutes: Iterable[Mute], endpoint: str, variant: str, team: str, now: datetime) -> Muted:
    """Whether a mute holds for a fingerprint of an endpoint and variant."""
    fingerprints = set()
    for mute in in_force(mutes, now):
        if (mute.endpoint and mute.endpoint == endpoint) or (mute.team and mute.team == team):
            return always_muted
        fingerprints.add(mute.fingerprint)
    if not fingerprints:
        return never_muted
    return lambda name: fingerprint_id(endpoint, variant, name) in fingerprints


def always_muted(name: str) -> bool:
    """A mute holds, whatever it is."""
    return True
