"""What the fleet names and does not exist: an endpoint, a team's topic, a baseline. Said once while it lasts.

| the endpoint does not exist, or is being deleted | mode alert                       | mode deploy                    |
|--------------------------------------------------|----------------------------------|--------------------------------|
| no sweep has seen it                             | a condition: it does not exist   | nothing: a plan creates it     |
| it was seen (mode deploy: and verified)          | a condition: it was deleted, and | the same; then a plan creates  |
|                                                  | its alerts are closed            | it again                       |

`vedette delete` takes the entry out of the fleet first, so an endpoint that it deletes is not reported. In mode observe
nobody is notified. A name for own records or transform jobs has no endpoint that could be missing.
"""

from __future__ import annotations

from functools import partial

from chalicelib.alerts import deleted_endpoint
from chalicelib.alerts.endpoint_notifications import DELETED, ENDPOINT_FAMILY, FLEET_FAMILY, MISSING, sync_conditions
from chalicelib.aws import s3, sagemaker
from chalicelib.endpoint_run import EndpointRun
from chalicelib.locations import baseline_files
from chalicelib.records import AlertState, DeploymentState, Mode
from chalicelib.registry.plan import Served
from chalicelib.services import alerting
from chalicelib.services.alerting import ENDPOINT, Decision
from chalicelib.settings import settings

DOES_NOT_EXIST = "the endpoint is in the fleet, but does not exist"


def is_gone(run: EndpointRun, served: Served | None) -> bool:
    """Whether the endpoint does not exist or is being deleted (mode deploy: as `served` says); not in mode observe."""
    if run.entry.mode == Mode.DEPLOY:
        return served is None or served.status == "Deleting"
    return run.entry.mode == Mode.ALERT and run.entry.is_endpoint and sagemaker.is_gone(run.described)


def report_if_deleted(run: EndpointRun) -> None:
    """Of an endpoint that is gone: enqueue a message that it was deleted, and close its alerts, if that is so.

    The message is enqueued before an alert is closed, so that a crash in between loses nothing: the next run closes
    the rest.
    """
    if not _was_deleted(run):
        return
    states = run.stores.alert_states.of_endpoint(run.endpoint)
    deploys = run.entry.mode == Mode.DEPLOY
    report = partial(
        deleted_endpoint.report_deleted,
        closed=deleted_endpoint.open_alerts(states),
        next_step="Vedette creates it again while a version is wanted" if deploys else "",
        now=run.now,
    )
    reported = alerting.update(run, ENDPOINT, report)
    since = reported.fingerprints[DELETED].since
    for state in states:
        if state.variant:
            alerting.update(run, state.variant, partial(deleted_endpoint.close, deleted_at=since))


def with_conditions(run: EndpointRun, decide: Decision, *, gone: bool) -> Decision:
    """A decision about the endpoint's own alert state, and then what the fleet names and does not exist."""
    if run.entry.mode == Mode.OBSERVE:
        return decide
    fleet = _missing_in_fleet(run)
    never_seen = gone and run.entry.mode == Mode.ALERT

    def decided(state: AlertState) -> AlertState:
        state = decide(state)
        lasts = {}
        if gone and DELETED in state.fingerprints:
            lasts[DELETED.subject] = ""  # reported already
        elif never_seen:
            lasts[MISSING.subject] = DOES_NOT_EXIST
        state = sync_conditions(state, ENDPOINT_FAMILY, lasts, run.now)
        return sync_conditions(state, FLEET_FAMILY, fleet, run.now)

    return decided


def _was_deleted(run: EndpointRun) -> bool:
    if run.stores.fleet.entry(run.endpoint) is None:  # `vedette delete` took it out meanwhile
        return False
    if run.entry.mode == Mode.DEPLOY:
        latest, history = run.deployments.latest, run.deployments.history
        attempts = history if latest is None else (latest, *history)
        return any(attempt.state == DeploymentState.VERIFIED for attempt in attempts)
    checkpoint, _ = run.stores.checkpoints.get(run.endpoint)
    return bool(run.described) or (checkpoint is not None and checkpoint.endpoint_seen)


def _missing_in_fleet(run: EndpointRun) -> dict[str, str]:
    """What the fleet entry names beside its endpoint, and does not exist: names and sentences."""
    entry, found = run.entry, {}
    if settings().lacks_topic_of(entry.team):
        found["team"] = f"the team {entry.team} has no topic, so the alerts go to the stage's own topic"
    if entry.mode == Mode.DEPLOY and entry.baseline:
        place, _ = baseline_files(entry.baseline)
        if not s3.can_open_uri(place):
            found["baseline"] = f"the baseline of the fleet cannot be used: {place} does not exist, or may not be read"
    return found
