"""Repeats the open alerts of an endpoint that nobody ended or muted; see `alerts.repeats`."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from chalicelib.alerts import mutes, repeats
from chalicelib.endpoint_run import EndpointRun
from chalicelib.errors import NotReady
from chalicelib.records import AlertItem, AlertState, Mode
from chalicelib.services import alerting


def repeat_open_alerts(run: EndpointRun) -> int:
    """Enqueue and send the repetitions that are due; how many messages were sent. Nothing is read while none is."""
    if run.entry.mode == Mode.OBSERVE:
        return 0
    sent = 0
    for state in list(run.alert_states.values()):
        if repeats.due(state, run.entry, run.now):
            with suppress(NotReady):  # another invocation is sending it, or goes on changing the team's state
                sent += len(_repeat(run, state))
    return sent


def _repeat(run: EndpointRun, state: AlertState) -> list[str]:
    muted = mutes.muted(run.stores.alert_states.mutes(), run.endpoint, state.variant, run.entry.team, run.now)
    if all(muted(fingerprint) for fingerprint, _ in repeats.due(state, run.entry, run.now)):
        return []
    reported = _reported(run, state)
    decide = partial(repeats.repeat, entry=run.entry, muted=muted, reported=reported, now=run.now)
    return alerting.update_and_send(run, state.variant, decide)


def _reported(run: EndpointRun, state: AlertState) -> dict[str, AlertItem]:
    """What was said of the open alerts when they were reported, by fingerprint id."""
    due = repeats.due(state, run.entry, run.now)
    folders = sorted({one.folder for _, one in due if one.folder and "://" not in one.folder})
    alerts = (alert for folder in folders for alert in run.stores.executions.alerts(folder))
    return {item.fingerprint: item for alert in alerts for item in alert.items}
