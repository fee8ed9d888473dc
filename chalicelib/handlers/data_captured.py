"""SEEN: a capture object landed; it becomes one part, and a hard violation is said at once.

| input                                           | answer                                           |
|-------------------------------------------------|--------------------------------------------------|
| capture object of an endpoint in the fleet      | one part, written once                           |
| the same object again                           | the part stays; an announcement owed is repeated |
| at least 20 rows that violate a hard constraint | an execution of this object, stored before its   |
|                                                 | part, and announced at once                      |
| endpoint not in the fleet                       | "... is not in the fleet"                        |
| endpoint whose source is another place          | "... captures to ..., not here"                  |
| object gone, or overwritten before it was read  | "gone" / "superseded": a newer event will come   |
| object overwritten after it was summarized      | a part of its own, which counts instead of the   |
|                                                 | one before; what was judged is judged anew       |
| ... with what it held before: A, B, and A again | the same: events are told apart by their order   |
| ... and its event is lost                       | the same, by the sweep                           |
| ... an event of the version before it, late     | "an older version": nothing                      |
| object deleted after it was summarized          | no event: its part stays, what was sent was sent |
| key that is not a capture object's, our own key | MalformedEvent, by `events`                      |
| lines that cannot be read                       | counted by reason with their byte range          |
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib import locations
from chalicelib.aws import s3, store
from chalicelib.aws.s3 import Overwritten
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.evaluation import Baseline
from chalicelib.errors import UnreadableFile
from chalicelib.events import DataCaptured, Event
from chalicelib.handlers import forgotten, judging
from chalicelib.observability import count, logger
from chalicelib.parts import Part
from chalicelib.records import Execution, FleetEntry
from chalicelib.settings import settings

GONE = "gone"


def handle(event: Event) -> dict[str, Any]:
    """Summarize the object of the event."""
    captured = DataCaptured.from_eventbridge(event, settings())
    entry = store.fleet().entry(captured.capture.endpoint)
    if entry is None:
        return {"left alone": f"{captured.capture.endpoint} is not in the fleet"}
    return process(captured, entry)


def process(captured: DataCaptured, entry: FleetEntry) -> dict[str, Any]:
    """Make the part of one object, and announce what violates; also used by the sweep for events that were lost."""
    version, baseline = _baseline(entry.endpoint)
    judged: list[Execution] = []

    def judge(part: Part, capture: locations.CaptureKey) -> None:
        if baseline is not None:
            critical = entry.critical_features
            judged.append(judging.judge_object(part, locations.part(capture), capture, version, baseline, critical))

    found = summarized(captured, entry, baseline, judge)
    _count(found, captured)
    if isinstance(found, str):
        return {"left alone": found}
    part = found.part
    if part.violated and not judged:
        judge(part, found.capture)
    for execution in judged:
        judging.announce(execution)
    return {
        "endpoint": part.endpoint,
        "rows": part.summary.rows,
        "refused": part.summary.rejected,
        "violated": part.violated,
    }


class Summarized(NamedTuple):
    """The part of an object, and the name it is kept under."""

    part: Part
    capture: locations.CaptureKey
    made: bool  # by this call


def summarized(
    captured: DataCaptured,
    entry: FleetEntry,
    baseline: Baseline | None,
    judge: Callable[[Part, locations.CaptureKey], None] = lambda part, capture: None,
) -> Summarized | str:
    """Make the part of one object unless it is there; words when there is nothing to make it of.

    A part that violates is given to `judge` before it is stored: once there is a part, its verdict is stored too, and
    the sweep finds it. Without a baseline the part is not judged by itself, and nothing is ever announced of it.
    """
    source = forgotten.source(entry)
    if not locations.captures_to(source, captured.bucket, captured.capture):
        return f"{entry.endpoint} captures to {source}, not here"
    capture = captured.capture
    known = store.part(capture)
    if known is not None and captured.etag:
        version = _version(captured, known)
        if version is None:
            return "an older version of what was summarized"
        captured, capture, known = version
    if known is not None:
        return Summarized(known, capture, made=False)
    try:
        chunks = s3.get_chunks(captured.bucket, captured.key, captured.etag)
    except Overwritten:
        return "superseded"
    if chunks is None:
        return GONE
    summary = summarize(chunks, options=CaptureOptions(header=entry.capture_header, test_marker=entry.test_marker))
    violated = baseline is not None and bool(
        judging.hard_evaluation(summary, baseline, entry.critical_features).alertable
    )
    part = _part(captured, summary, judged=baseline is not None, violated=violated)
    if violated:
        judge(part, capture)
    made = store.put_part(capture, part)
    if not made:
        part = store.part(capture) or part
    return Summarized(part, capture, made)


def _version(captured: DataCaptured, first: Part) -> tuple[DataCaptured, locations.CaptureKey, Part | None] | None:
    """Which version of an object with a part is meant, under which name it is kept, and its part, if it has one.

    None for a version before those that are known. SageMaker never overwrites; somebody who rewrites captures does.
    """
    later = locations.is_later(captured.sequencer, first.sequencer)
    if captured.sequencer:
        if captured.etag == first.etag and not later:
            return captured, captured.capture, first  # the same event again
        if first.sequencer and not later:
            return None
    else:  # found in a listing: what lies there now comes after everything that was summarized
        name, newest = store.newest_part(captured.capture) or (captured.capture, first)
        if captured.etag == newest.etag:
            return captured, name, newest
        captured = replace(captured, sequencer=locations.sequencer_after(newest.sequencer))
    name = locations.overwritten(captured.capture, captured.sequencer)
    return captured, name, store.part(name)


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
        sequencer=captured.sequencer,
    )


def _count(found: Summarized | str, captured: DataCaptured) -> None:
    if found == GONE:
        count("GoneObjects")
    if isinstance(found, str) or not found.made:
        return
    if found.capture != captured.capture:
        count("OverwrittenObjects")
    count("CapturedObjects")
    count("CapturedRows", found.part.summary.rows)
    count("RefusedLines", found.part.summary.rejected_lines)
