"""What a person does next: a sentence each, with the exact command where one helps.

Commands name what our own names are made of (endpoint, window), each quoted for a shell, and never a word of the data.
"""

from __future__ import annotations

from datetime import datetime
from shlex import quote
from typing import NamedTuple

from chalicelib.constraints.measurement import Verdict


class Step(NamedTuple):
    """One thing to do; `command` is "" when it is not done in a shell."""

    words: str
    command: str


def steps(verdict: Verdict, endpoint: str, window_start: datetime, stage: str, *, deploys: bool) -> list[Step]:
    """What to do about a verdict on an endpoint; `deploys` says that Vedette may go back to an earlier version.

    Examples
    --------
    >>> steps("OK", "site", datetime(2026, 11, 22, 9), "dev", deploys=True)
    []
    >>> steps("NoData", "site", datetime(2026, 11, 22, 9), "dev", deploys=True)[1].command
    'vedette capture status site --stage dev'
    """
    site, at = quote(endpoint), f"--stage {quote(stage)}"
    window = f"{window_start:%Y-%m-%dT%H:%M}"
    match verdict:
        case "OK":
            return []
        case "NoData" | "CaptureStopped":
            return [
                Step("If it should have traffic, see whether it is called: CloudWatch metric Invocations.", ""),
                Step("If it is called, see whether it captures.", f"vedette capture status {site} {at}"),
            ]
        case "MonitorFailed":
            return [
                Step("See what could not be read, and why, in the counts below.", ""),
                Step("Check the installation.", f"vedette doctor {at}"),
            ]
        case "InsufficientData":
            return [Step("Nothing yet: the next windows will be judged when they hold enough rows.", "")]
    found = [
        Step("See every violation of this window.", f"vedette show violations {site} --window {window} {at}"),
        Step("If the clients send something wrong, tell them: the sentences on this page say what.", ""),
        Step("Before you change a threshold, judge the last two weeks anew.", f"vedette replay {site} --from 14d {at}"),
        Step(
            "If this is how it should be from now on, accept this window.",
            f"vedette constraints accept {site} --window {window} --reason WHY {at}",
        ),
        Step(
            "While you work on it, hear no more of it.",
            f"vedette alerts mute --endpoint {site} --until 12h --reason WHY {at}",
        ),
    ]
    if deploys:
        found.append(
            Step(
                "If the model is at fault, go back to the version before.", f"vedette rollback {site} --reason WHY {at}"
            )
        )
    return found
