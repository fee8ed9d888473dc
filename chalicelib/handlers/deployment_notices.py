"""Put what is to be told about deployments into the outbox, once each; `telling.deliver` publishes it."""

from datetime import datetime

from chalicelib.alerts import endpoint_notifications as notifications
from chalicelib.handlers.telling import note
from chalicelib.records import Deployment, FleetEntry, Mark
from chalicelib.registry.plan import Plan
from chalicelib.registry.versions import version_of


def verified(entry: FleetEntry, done: Deployment, baseline: str) -> None:
    """A version is served and was verified."""
    note(entry.endpoint, "", lambda book: notifications.notify_deployed(book, entry, done, baseline))


def failed(attempt: Deployment, reason: str, mark: Mark) -> None:
    """A version could not be deployed."""
    note(attempt.endpoint, "", lambda book: notifications.notify_deployment_failed(book, attempt, reason, mark))


def older_approved(endpoint: str, package_arn: str, served_arn: str, occasion: str) -> None:
    """An older version than the served one was approved, which changes nothing."""
    older, served = version_of(package_arn), version_of(served_arn)
    note(endpoint, "", lambda book: notifications.notify_older_version_approved(book, older, served, occasion))


def conditions(entry: FleetEntry, step: Plan, pin_void: bool, now: datetime) -> None:
    """What waits for a person, for as long as it does."""
    current: dict[str, str] = {}
    if step.notice and step.action in {"stop", "nothing", "wait"}:
        current[step.code] = step.reason
    if pin_void:
        current["pin"] = "the pinned version is not approved, so the pin is void"
    if step.action != "wait" or step.notice:
        note(entry.endpoint, "", lambda book: notifications.sync_conditions(book, "deployment", current, now))
