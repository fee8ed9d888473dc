"""The installation that sends, as the texts of alerts name it."""

from chalicelib.alerts.sns_payload import Installation
from chalicelib.settings import settings


def installation() -> Installation:
    """The stage of this process."""
    stage = settings()
    return Installation(stage.stage, stage.bucket, stage.region, stage.account, stage.partition)
