"""SEEN: a capture object landed; it becomes one part, and a hard violation is said at once.

| input                                           | answer                                           |
|-------------------------------------------------|--------------------------------------------------|
| capture object of an endpoint in the fleet      | one part, written once                           |
| the same object again                           | the part stays; an announcement owed is repeated |
| at least 20 rows that violate a hard constraint | an execution of this object, announced at once   |
| endpoint not in the fleet                       | "... is not in the fleet"                        |
| endpoint whose source is another place          | "... captures to ..., not here"                  |
| object gone, or overwritten before it was read  | "gone" / "superseded": a newer event will come   |
| object overwritten after it was summarized      | its part stays; counted, "overwritten since ..." |
| key that is not a capture object's, our own key | MalformedEvent, by `events`                      |
| lines that cannot be read                       | counted by reason with their byte range          |
"""

from typing import Any

from chalicelib import locations
from chalicelib.aws import s3, store
from chalicelib.aws.s3 import Overwritten
from chalicelib.capture.reading import Options
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import Baseline
from chalicelib.errors import UnreadableFile
from chalicelib.events import DataCaptured, Event
from chalicelib.handlers import judging
from chalicelib.observability import count, logger
from chalicelib.records import FleetEntry, Part
from chalicelib.settings import settings


def handle(event: Event) -> dict[str, Any]:
    """Summarize the object of the event."""
    captured = DataCaptured.from_eventbridge(event, settings())
    entry = store.fleet().entry(captured.capture.endpoint)
    if entry is None:
        return {"left alone": f"{captured.capture.endpoint} is not in the fleet"}
    return process(captured, entry)


def process(captured: DataCaptured, entry: FleetEntry) -> dict[str, Any]:
    """Make the part of one object, and announce what violates; also used by the sweep for events that were lost."""
    source = entry.capture_uri or locations.capture_uri(settings().bucket)
    if f"s3://{captured.bucket}/{captured.capture.prefix}".rstrip("/") != source.rstrip("/"):
        return {"left alone": f"{entry.endpoint} captures to {source}, not here"}
    version, baseline = _baseline(entry.endpoint)
    part = store.part(captured.capture)
    if part is not None and captured.etag and part.etag != captured.etag:
        count("OverwrittenObjects")  # SageMaker never does; versions may also arrive out of order
        return {"left alone": "overwritten since it was summarized, or an older version of it"}
    if part is None:
        try:
            chunks = s3.get_chunks(captured.bucket, captured.key, captured.etag)
        except Overwritten:
            return {"left alone": "superseded"}
        if chunks is None:
            return {"left alone": "gone"}
        summary = summarize(chunks, options=Options(header=entry.capture_header, test_marker=entry.test_marker))
        violated = baseline is not None and bool(judging.hard_evaluation(summary, baseline).violations)
        part = _part(captured, summary, judged=baseline is not None, violated=violated)
        if not store.put_part(captured.capture, part):
            part = store.part(captured.capture) or part
        _count(part)
    if part.violated and baseline is not None:
        key = locations.part(captured.capture)
        judging.announce(judging.judge_object(part, key, captured.capture, version, baseline))
    return {
        "endpoint": part.endpoint,
        "rows": part.summary.rows,
        "refused": part.summary.refused,
        "violated": part.violated,
    }


def _baseline(endpoint: str) -> tuple[str, Baseline | None]:
    """The baseline in force; none when it cannot be read, which `run_monitoring` says: the part is made anyway."""
    try:
        return store.baseline_in_force(endpoint)
    except UnreadableFile as error:
        logger.error("baseline unreadable", reason=str(error))
        return "", None


def _part(captured: DataCaptured, summary: CaptureSummary, *, judged: bool, violated: bool) -> Part:
    return Part(
        endpoint=captured.capture.endpoint,
        variant=captured.capture.variant,
        bucket=captured.bucket,
        key=captured.key,
        etag=captured.etag,
        size=captured.size,
        begun=captured.capture.begun,
        summary=summary,
        judged=judged,
        violated=violated,
    )


def _count(part: Part) -> None:
    count("CapturedObjects")
    count("CapturedRows", part.summary.rows)
    count("RefusedLines", part.summary.refused_lines)
