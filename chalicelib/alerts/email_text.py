"""A message as a mail: the subject, and a plain text that fits a phone.

Prose is 72 columns wide. A command and a link stand on a line of their own, so that they can be copied.
"""

from __future__ import annotations

from datetime import datetime
from textwrap import fill

from chalicelib.alerts import story, team_digest_text
from chalicelib.alerts.next_steps import Step, from_texts
from chalicelib.alerts.sanitize import sanitize, sns_subject
from chalicelib.alerts.wording import counted, minute, period
from chalicelib.constraints import check_types
from chalicelib.records import AlertItem, AlertKind, AlertMessage, FindingState

WIDTH = 72
HEADINGS = {FindingState.NEW: "New", FindingState.CONTINUING: "Continuing", FindingState.RECOVERED: "Recovered"}
NAMES = {"endpoint": "Endpoint", "records": "Records", "jobs": "Jobs of"}  # by `AlertMessage.noun`
LINKS = {
    "runbook": "Runbook",
    "endpoint": "Endpoint",
    "records": "Records",
    "job": "Transform job",
    "report": "Report",
}


def subject(message: AlertMessage) -> str:
    """The subject: severity, endpoint, what is wrong; printable ASCII, at most 99 characters."""
    head = message.headline.removesuffix(message.headline_tail)
    line = f"[{story.label(message)}] {story.place(message)}: {head}"
    return sns_subject(line, message.headline_tail, known=[item.subject for item in message.items])


def text(message: AlertMessage) -> str:
    """The body of the mail."""
    blocks = [_filled(line) for line in (story.headline(message), story.since(message)) if line]
    indent = " " * 10
    blocks.append("\n".join(_filled(f"{name:<10}{value}", subsequent_indent=indent) for name, value in facts(message)))
    blocks += team_digest_text.sections(message) if message.kind == AlertKind.DIGEST else _findings(message)
    if message.endpoints:
        blocks.append(_endpoints(message))
    if message.what_to_do:
        numbered = [_step(number, step) for number, step in enumerate(steps(message), start=1)]
        blocks.append("\n".join(["What to do", *numbered]))
    if message.links:
        links = (f"  {LINKS.get(name, name)}\n  {url}" for name, url in message.links.items())
        blocks.append("\n".join(["Links", *links]))
    stage = f" in stage {message.stage}" if message.stage else ""
    place = ", ".join(filter(None, (message.account and f"account {message.account}", message.region)))
    blocks.append(_filled(f"Alert {message.alert_id}, sent by Vedette{stage}{place and f', {place}'}."))
    return "\n\n".join(blocks) + "\n"


def facts(message: AlertMessage) -> list[tuple[str, str]]:
    """What the message is about: a name and a value each."""
    variant = message.variant if message.source == "model monitor" else f"variant {message.variant}"
    found = [(NAMES[message.noun], f"{message.endpoint}, {variant}" if message.variant else message.endpoint)]
    if message.job:
        found = [("Job", message.job), (NAMES["jobs"], message.endpoint)]
    if not message.endpoint:
        found = [("Team", message.team or "none: every endpoint without a team")]
    if message.package_version and not message.job:
        found.append(("Model", _model(message)))
    start, end = message.window_start, message.window_end
    if start is not None and end is not None and message.closed:
        found.append(("Window", period(start, end)))
        if message.late:
            found.append(("Late", "this data arrived after its window had been evaluated"))
    elif start is not None:
        found.append(("Captured", f"from {minute(start)} UTC on, in a window that is still open"))
    if message.rows is not None:
        rejected = f", {counted(message.refused, 'line')} rejected" if message.refused else ""
        found.append(("Rows", f"{message.rows:,} evaluated{rejected}"))
    return [(name, sanitize(value, 300)) for name, value in found]


def _model(message: AlertMessage) -> str:
    if not message.package_version.isdigit():
        return "not from the model registry"
    version, since = f"version {message.package_version}", message.served_since
    return f"{version}, served since {minute(since)} UTC" if since is not None else version


def _endpoints(message: AlertMessage) -> str:
    """The endpoints of a team's message: all that it names."""
    more = f", and {message.more_endpoints:,} more" if message.more_endpoints else ""
    names = ", ".join(message.endpoints) + more
    return "\n".join(["Endpoints", _wrapped(names, 2)])


def _findings(message: AlertMessage) -> list[str]:
    if message.kind in {AlertKind.DEPLOYMENT, AlertKind.ENDPOINT_GONE, AlertKind.TEST}:
        return [
            _filled(f"{item.subject[:1].upper()}{item.subject[1:]}: {item.observed.rstrip('.')}.")
            for item in message.items
        ]
    blocks = []
    for state, heading in HEADINGS.items():
        found = [item for item in message.items if item.state == state]
        more = message.more.get(state, 0)
        if found or more:
            where = "; the report has them all" if message.folder else ""
            rest = [f"  and {more:,} more{where}"] if more else []
            blocks.append("\n".join([heading, *(_finding(item, message.window_start) for item in found), *rest]))
    return blocks


def _finding(item: AlertItem, window_start: datetime | None) -> str:
    recovered = item.state == FindingState.RECOVERED
    lines = [_wrapped(f"{item.subject}: {item.check}" + ("" if recovered else f", {item.severity}"), 2)]
    shown = values(item)
    if item.since is not None and item.since != window_start:
        shown.append(("began" if recovered else "since", f"{minute(item.since)} UTC"))
    if item.until is not None:
        shown.append(("ended", f"{minute(item.until)} UTC"))
    for name, value in shown:
        if value:
            lines.append(_filled(f"    {name:<10}{value}", subsequent_indent=" " * 14))
    if item.description and item.state == FindingState.NEW:
        lines.append(_wrapped(item.description, 4))
    if item.fingerprint and not recovered:
        lines.append(f"    fingerprint {item.fingerprint}")
    return "\n".join(lines)


def values(item: AlertItem) -> list[tuple[str, str]]:
    """What was expected and what was observed, a name and a value each."""
    found = [("expected", item.expected), ("observed", item.observed)]
    if item.check == check_types.DRIFT and item.value is not None and item.threshold is not None:
        found.append(("distance", f"{item.value:.3f}, threshold {item.threshold:g}"))
    return [*found, ("recovers", item.recovers)] if item.recovers else found


def steps(message: AlertMessage) -> list[Step]:
    """The steps of a message, sanitized."""
    known = [item.subject for item in message.items]
    return [
        Step(sanitize(step.text, 400, known), sanitize(step.command, 1200, known))
        for step in from_texts(message.what_to_do)
    ]


def _filled(words: str, initial_indent: str = "", subsequent_indent: str = "") -> str:
    """Words in lines, none broken at a hyphen: a place or a name is copied whole."""
    return fill(
        words, WIDTH, initial_indent=initial_indent, subsequent_indent=subsequent_indent, break_on_hyphens=False
    )


def _wrapped(words: str, indent: int) -> str:
    return _filled(words, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _step(number: int, step: Step) -> str:
    shown = _filled(step.text, initial_indent=f"  {number}. ", subsequent_indent="     ")
    return f"{shown}\n     {step.command}" if step.command else shown
