"""The report of `make aws-check`: one Markdown file that can be attached, without the account's full number."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from vedette.installation.assumption_checks import Outcome, Settled
from vedette.local.assumptions import ASSUMPTIONS

PACKAGES = ("vedette", "boto3", "botocore", "chalice", "msgspec", "numpy")
SHOWN_DIGITS = 4  # of the account's twelve


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    stage: str
    account: str
    region: str
    started: datetime
    ended: datetime
    passed: Sequence[str]  # what was seen to work, a sentence each
    failure: str  # why it stopped; "" when it did not
    requests: Mapping[str, int]  # service -> requests of this process; the commands that it ran made others
    cost: str


def report(run: Run, settled: Iterable[Settled]) -> str:
    """The report as Markdown: what worked, each assumption with its outcome, and those that the command cannot settle.

    Examples
    --------
    >>> from datetime import UTC
    >>> moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> run = Run("check", "123456789012", "eu-west-1", moment, moment, ("an alert was sent",), "", {"s3": 2}, "0 USD")
    >>> text = report(run, [Settled("item-size", Outcome.CONFIRMED, "ValidationException: too large")])
    >>> "123456789012" in text, "| `item-size` | confirmed | ValidationException: too large |" in text
    (False, True)
    """
    results = list(settled)
    counts = Counter(one.outcome for one in results)
    tried = {one.slug for one in results}
    others = [one.slug for one in ASSUMPTIONS if one.slug not in tried]
    masked = _masked(run.account)
    outcome = f"Stopped: {_cell(run.failure)}" if run.failure else "Passed."
    lines = [
        "# Vedette in an account",
        "",
        f"{outcome} {', '.join(f'{counts[one]} {one}' for one in Outcome)} of {len(ASSUMPTIONS)} assumptions.",
        "",
        *_table(("what", "value"), _facts(run)),
        "",
        "## What worked",
        "",
        *([f"- {sentence}" for sentence in run.passed] or ["Nothing."]),
        "",
        "## Assumptions",
        "",
        "Each name stands in docs/aws-behaviour.md with its claim and its sources.",
        "",
        *_table(
            ("assumption", "outcome", "what AWS answered"),
            [(f"`{one.slug}`", one.outcome, one.evidence.replace(run.account, masked)) for one in results],
        ),
        "",
        "## What this command does not settle",
        "",
        "These need an endpoint, a monitoring schedule, a lost event, or hours: " + ", ".join(others) + ".",
    ]
    return "\n".join(lines) + "\n"


def _facts(run: Run) -> list[tuple[str, str]]:
    requests = ", ".join(f"{service} {number}" for service, number in sorted(run.requests.items()))
    return [
        ("account", _masked(run.account)),
        ("region", run.region),
        ("stage", run.stage),
        ("from", f"{run.started:%Y-%m-%d %H:%M} UTC"),
        ("minutes", f"{(run.ended - run.started).total_seconds() / 60:.0f}"),
        ("cost", run.cost),
        ("requests of this process", requests or "none"),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in PACKAGES),
    ]


def _masked(account: str) -> str:
    return "*" * (len(account) - SHOWN_DIGITS) + account[-SHOWN_DIGITS:]


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(heading), _row(["---"] * len(heading)), *(_row([_cell(cell) for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
