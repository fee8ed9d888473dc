"""The installation that sends, as the texts of alerts name it."""

from chalicelib.alerts.sns_payload import Installation
from chalicelib.records import FleetEntry
from chalicelib.settings import settings


def installation(entry: FleetEntry) -> Installation:
    """The stage of this process, for the alerts of an entry of the fleet."""
    stage = settings()
    return Installation(
        stage.stage,
        stage.bucket,
        stage.region,
        stage.account,
        stage.partition,
        noun=entry.noun,
        records=f"{entry.records.rstrip('/')}/{entry.endpoint}" if entry.records else "",
    )


def runbook_of(entry: FleetEntry) -> str:
    """The page that the alerts of an endpoint link: its own, else that of its team, else that of the stage."""
    return entry.runbook_url or settings().runbook_of(entry.team)
