"""Flapping: a fingerprint that alerts, recovers and alerts again, within a day.

| alerts of a fingerprint within a day | it recovers after                                                   |
|--------------------------------------|---------------------------------------------------------------------|
| one or two                           | so many clean windows as the thresholds say                         |
| three                                | a day without a violation: one message, in place of one in each hour |

Times are those of the data: the ends of the windows that alerted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate

from msgspec.structs import replace

from chalicelib.constraints.measurement import Fingerprint
from chalicelib.records import AlertState
from chalicelib.window import DAY

FLAPPING_ALERTS = 3  # within a day
# Fingerprints, the latest to alert, and the bytes of their subjects together: the state must fit an item of DynamoDB.
MAX_FOLLOWED = 200
MAX_FOLLOWED_BYTES = 50_000


def is_flapping(state: AlertState, fingerprint: Fingerprint) -> bool:
    """Whether the latest alert of a fingerprint was the third within a day."""
    return len(state.recent_alerts.get(fingerprint, ())) >= FLAPPING_ALERTS


def with_alerts(state: AlertState, fingerprints: Iterable[Fingerprint], at: datetime) -> AlertState:
    """The state that remembers that these fingerprints have alerted, and forgets what is over."""
    alerts = {
        fingerprint: times
        for fingerprint, times in state.recent_alerts.items()
        if times[-1] > at - DAY or state.fires(fingerprint)
    }
    for fingerprint in fingerprints:
        times = sorted((*alerts.pop(fingerprint, ()), at))  # a late window may be older than those before it
        alerts[fingerprint] = tuple(time for time in times if time > times[-1] - DAY)[-FLAPPING_ALERTS:]
    latest = sorted(alerts, key=lambda fingerprint: alerts[fingerprint][-1], reverse=True)[:MAX_FOLLOWED]
    sizes = accumulate(subject_bytes(fingerprint) for fingerprint in latest)
    followed = [one for one, size in zip(latest, sizes, strict=True) if size <= MAX_FOLLOWED_BYTES]
    return replace(state, recent_alerts={fingerprint: alerts[fingerprint] for fingerprint in reversed(followed)})


def subject_bytes(fingerprint: Fingerprint) -> int:
    """How many bytes a fingerprint's subject takes up in a stored state; the names of features can be long."""
    return len(fingerprint.subject.encode(errors="backslashreplace"))
