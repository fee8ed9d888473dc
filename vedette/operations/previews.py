"""The messages that a file would send: shown, and not sent.

| the file                                     | the messages                                                      |
|----------------------------------------------|-------------------------------------------------------------------|
| an execution.json                            | of its verdict, as if nothing had been violated before            |
| a constraint_violations.json                 | of a verdict with these violations, in a window that ends now     |
| captures, with a baseline                    | of their verdict                                                  |
| an alert as JSON, or an SNS envelope with it | the alert                                                         |

Nothing of a stage is read; if one is entered, the messages have its links and commands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from chalicelib import records
from chalicelib.alerts import email_text, model_monitor, sns_payload
from chalicelib.alerts.message import messages
from chalicelib.alerts.next_steps import AlertContext
from chalicelib.alerts.state import transition
from chalicelib.aws import s3
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import evaluate
from chalicelib.constraints.files import read_violations
from chalicelib.constraints.measurement import Verdict
from chalicelib.endpoint_run import stage_stores
from chalicelib.errors import UnreadableFile
from chalicelib.records import AlertMessage, AlertState, Execution, FleetEntry, Thresholds
from chalicelib.services.installation import installation, runbook_of
from chalicelib.settings import settings
from chalicelib.window import HOUR
from vedette import input_sources
from vedette.baselines import read_baseline

SHOW_ALL = Thresholds(drift_violated=1, drift_of=1)  # a preview shows all violations of a verdict
NOT_KNOWN = "neither an execution.json, a constraint_violations.json nor an alert"


def read(place: str) -> bytes:
    """The content of a file or of an object in S3.

    Raises
    ------
    UnreadableFile
        If it does not exist.
    """
    content = s3.get_uri(place) if input_sources.is_s3(place) else input_sources.read_bytes(place)
    if content is None:
        raise UnreadableFile(f"{place}: no such file or object")
    return content


def of_file(content: bytes, place: str, endpoint: str, *, on_stage: bool) -> list[AlertMessage]:
    """The messages of a file; `endpoint` is that of a constraint_violations.json, which names none.

    Raises
    ------
    UnreadableFile
        If it is none of the files of this module's table.
    """
    try:
        document = json.loads(content)
        if isinstance(document, dict) and isinstance(document.get("Message"), str):
            content = document["Message"].encode()
            document = json.loads(content)
    except ValueError as error:
        raise UnreadableFile(f"{place}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UnreadableFile(f"{place}: {NOT_KNOWN}")
    inner = _additional(document)
    if inner:
        content, document = inner.encode(), json.loads(inner)
    if "alert_id" in document:
        return [records.read(AlertMessage, content, place)]
    if "violations" in document:
        return _of_execution(_execution_of_violations(content, place, endpoint), on_stage=on_stage)
    if "verdict" not in document:
        raise UnreadableFile(f"{place}: {NOT_KNOWN}")
    return _of_execution(records.read(Execution, content, place), on_stage=on_stage)


def of_captures(place: str, baseline: str, endpoint: str, *, on_stage: bool) -> list[AlertMessage]:
    """The messages of captured files that are compared with a baseline.

    Raises
    ------
    UnreadableFile
        If the place has no captures, or the baseline cannot be read.
    """
    reference = read_baseline(baseline)
    options = CaptureOptions(features=tuple(feature.name for feature in reference.constraints.features))
    sources = input_sources.sources([place])
    summary = CaptureSummary.total(summarize(source.chunks(), options=options) for source in sources)
    evaluation = evaluate(summary, reference)
    first, last = summary.period or (_now(), _now())
    execution = _execution(endpoint, first, last)
    execution = replace(
        execution,
        verdict=evaluation.verdict,
        requests=summary.events,
        rows=summary.rows,
        rejected=summary.rejected,
        measurements=evaluation.measurements,
        notes=evaluation.notes,
    )
    return _of_execution(execution, on_stage=on_stage)


def as_mail(message: AlertMessage) -> str:
    """Subject and text of the e-mail."""
    return f"Subject: {email_text.subject(message)}\n\n{email_text.text(message)}"


def addressed(message: AlertMessage) -> AlertMessage:
    """The message as this stage would send it."""
    entry = _entry_of(message.endpoint)
    return sns_payload.with_routing(message, entry.team, installation(entry), runbook_of(entry))


def _entry_of(endpoint: str) -> FleetEntry:
    """The entry of the fleet; one with every default of what is in none."""
    return stage_stores().fleet.entry(endpoint) or FleetEntry(endpoint=endpoint)


def _of_execution(execution: Execution, *, on_stage: bool) -> list[AlertMessage]:
    known = AlertState(endpoint=execution.endpoint, variant=execution.variant, had_rows=True)
    moved = transition(known, execution, SHOW_ALL)
    context = AlertContext("BUCKET")
    if on_stage:
        context = AlertContext(settings().bucket, records=_entry_of(execution.endpoint).records)
    found = messages(moved, execution, context)
    return [addressed(message) if on_stage else message for message in found]


def _execution_of_violations(content: bytes, place: str, endpoint: str) -> Execution:
    violations = read_violations(content, place)
    measurements = tuple(model_monitor.measurement_of(violation) for violation in violations)
    verdict = Verdict.VIOLATIONS if measurements else Verdict.OK
    execution = _execution(endpoint, _now() - HOUR, _now())
    # Of either monitor; but only Model Monitor's verdicts are shown without a number of rows.
    return replace(execution, verdict=verdict, measurements=measurements, source="model monitor", folder="")


def _execution(endpoint: str, start: datetime, end: datetime) -> Execution:
    return Execution(
        endpoint=endpoint,
        variant="AllTraffic",
        window_start=start,
        window_end=end,
        window_closed=True,
        package_version="",
        revision=1,
        baseline="",
        verdict=Verdict.OK,
        requests=0,
        rows=0,
        rejected={},
        measurements=(),
        parts=(),
        folder="",
        evaluated_at=_now(),
    )


def _now() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def _additional(document: Mapping[str, Any]) -> str:
    """The alert in a custom notification; "" if the document is something else."""
    metadata = document.get("metadata")
    context = metadata.get("additionalContext") if isinstance(metadata, dict) else None
    alert_json = context.get("alert") if isinstance(context, dict) else None
    return alert_json if isinstance(alert_json, str) else ""
