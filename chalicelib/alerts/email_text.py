"""A message as a person reads it: the subject, and a plain text that fits a phone.

Prose is 72 columns wide. A command and a link stand on a line of their own, whole, so that they can be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from textwrap import fill

from chalicelib.alerts.message import STATES, counted
from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.sanitize import sns_subject as safe_subject
from chalicelib.records import AlertItem, AlertMessage, FindingState

WIDTH = 72
HEADINGS: dict[FindingState, str] = {"new": "New", "continuing": "Going on", "recovered": "Recovered"}
LABELS = {"recovered": "recovered", "test": "test"}
LINKS = {"endpoint": "Endpoint", "report": "Report"}
# A sentence begins with a capital; a feature's name stays as it is.
OPENINGS = (
    "the ",
    "this ",
    "nothing ",
    "rows ",
    "version ",
    "every ",
    "somebody ",
    "data ",
    "traffic ",
    "reason",
    "deployed",
    "verified",
)


def subject(message: AlertMessage) -> str:
    """The subject: severity, endpoint, what is wrong; printable ASCII, at most 99 characters."""
    begin = f"[{label(message)}] {message.endpoint}: "
    head, more, number = message.headline.rpartition(", and ")
    if more and number.endswith(" more"):
        return safe_subject(begin + head, more + number)
    return safe_subject(begin + message.headline)


def label(message: AlertMessage) -> str:
    """The word in brackets: how bad it is, or that it is over."""
    return LABELS.get(message.kind, message.severity)


def text(message: AlertMessage) -> str:
    """The body of the mail."""
    blocks = [_filled(_capital(message.headline) + ".")]
    if message.began_after_deployment and message.served_since is not None:
        began = f"It began within a day after the deployment of version {message.package_version}."
        blocks.append(_filled(began))
    indent = " " * 10
    blocks.append("\n".join(_filled(f"{name:<10}{value}", subsequent_indent=indent) for name, value in facts(message)))
    blocks += _findings(message)
    if message.what_to_do:
        steps = [_step(number, step) for number, step in enumerate(message.what_to_do, start=1)]
        blocks.append("\n".join(["What to do", *steps]))
    if message.links:
        blocks.append(
            "\n".join(["Links", *(f"  {LINKS.get(name, name)}\n  {url}" for name, url in message.links.items())])
        )
    stage = f" in stage {message.stage}" if message.stage else ""
    blocks.append(f"Alert {message.alert_id}, sent by Vedette{stage}.")
    return "\n\n".join(blocks) + "\n"


def facts(message: AlertMessage) -> list[tuple[str, str]]:
    """What the message is about: a name and a value each."""
    found = [("Endpoint", message.endpoint + _of_variant(message.variant))]
    if message.package_version:
        found.append(("Model", _model(message)))
    start, end = message.window_start, message.window_end
    if start is not None and end is not None and message.closed:
        until = f"{end:%H:%M}" if end - start < timedelta(days=1) and end.date() == start.date() else _time(end)
        found.append(("Window", f"{_time(start)} to {until} UTC"))
    elif start is not None:
        found.append(("Captured", f"from {_time(start)} UTC on, in a window that is still open"))
    if message.rows is not None:
        refused = message.refused or 0
        found.append(("Rows", f"{message.rows:,} judged" + (f", {refused:,} lines refused" if refused else "")))
    return [(name, sanitize(value, 300)) for name, value in found]


def _of_variant(variant: str) -> str:
    if not variant:
        return ""
    return f", {variant}" if variant.startswith("schedule ") else f", variant {variant}"


def _model(message: AlertMessage) -> str:
    if not message.package_version.isdigit():
        return "not a version of the registry"
    version, since = f"version {message.package_version}", message.served_since
    if since is None:
        return version
    end = message.window_end
    served = f" for {span(end - since)}," if end is not None and end > since else ""
    return f"{version}, served{served} since {_time(since)} UTC"


def span(duration: timedelta) -> str:
    """A duration, in the unit that fits.

    Examples
    --------
    >>> span(timedelta(minutes=90)), span(timedelta(hours=50)), span(timedelta(minutes=1)), span(timedelta(hours=47))
    ('90 minutes', '2 days', '1 minute', '47 hours')
    """
    minutes = max(0, int(duration.total_seconds() // 60))
    if minutes < 120:
        return counted(minutes, "minute", "minutes")
    if minutes < 48 * 60:
        return counted(minutes // 60, "hour", "hours")
    return counted(minutes // (24 * 60), "day", "days")


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _findings(message: AlertMessage) -> list[str]:
    if message.kind in {"deployment", "test"}:
        return [_filled(f"{_capital(item.subject)}: {item.observed.rstrip('.')}.") for item in message.items]
    blocks = []
    for state in STATES:
        found = [item for item in message.items if item.state == state]
        more = message.more.get(state, 0)
        if found or more:
            where = "; the report has them all" if message.folder else ""
            rest = [f"  and {more:,} more{where}"] if more else []
            blocks.append(
                "\n".join([HEADINGS[state], *(_finding(item, message.window_start) for item in found), *rest])
            )
    return blocks


def _finding(item: AlertItem, window_start: datetime | None) -> str:
    over = item.state == "recovered"
    lines = [_wrapped(f"{item.subject}: {item.check}" + ("" if over else f", {item.severity}"), 2)]
    shown = values(item)
    if item.since is not None and item.since != window_start:
        shown.append(("began" if over else "since", f"{_time(item.since)} UTC"))
    for name, value in shown:
        if value:
            lines.append(_filled(f"    {name:<10}{value}", subsequent_indent=" " * 14))
    if item.description and item.state == "new":
        lines.append(_wrapped(item.description, 4))
    if item.fingerprint and item.state != "recovered":
        lines.append(f"    fingerprint {item.fingerprint}")
    return "\n".join(lines)


def values(item: AlertItem) -> list[tuple[str, str]]:
    """What was expected and what was observed."""
    found = [("expected", item.expected), ("observed", item.observed)]
    if "drift" in item.check and item.value is not None and item.threshold is not None:
        found.append(("distance", f"{item.value:.3f}, allowed {item.threshold:g}"))
    return found


def _filled(words: str, initial_indent: str = "", subsequent_indent: str = "") -> str:
    """Words in lines, none parted at a hyphen: a place or a name is copied whole."""
    return fill(
        words, WIDTH, initial_indent=initial_indent, subsequent_indent=subsequent_indent, break_on_hyphens=False
    )


def _wrapped(words: str, indent: int) -> str:
    return _filled(words, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _step(number: int, step: str) -> str:
    words, command = parts(step)
    shown = _filled(words, initial_indent=f"  {number}. ", subsequent_indent="     ")
    return f"{shown}\n     {command}" if command else shown


def parts(step: str) -> tuple[str, str]:
    """The words of a step and its command, each sanitize; the command is "" when the step has none."""
    words, _, command = step.partition("\n")
    return sanitize(words, 400), sanitize(command, 1200)


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:] if sentence.startswith(OPENINGS) else sentence


def commands(steps: Sequence[str], stage: str) -> tuple[str, ...]:
    r"""Steps whose `vedette` commands name the stage.

    Examples
    --------
    >>> commands(("See:\nvedette alerts list site", "Nothing."), "prod")
    ('See:\nvedette alerts list site --stage prod', 'Nothing.')
    """
    if not stage:
        return tuple(steps)
    return tuple(
        f"{step} --stage {stage}" if "\nvedette " in step and " --stage " not in step else step for step in steps
    )
