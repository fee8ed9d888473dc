"""Why a service had nothing to do: one type for every "no result, and why"."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


class SkipReason(StrEnum):
    """Why an event or a piece of work has no result."""

    NOT_IN_FLEET = "not in the fleet"
    NOT_A_CAPTURE = "not a capture"
    NOT_LABELS = "not labels"
    OTHER_SOURCE = "captured to another place"
    OBJECT_GONE = "object gone"
    OBJECT_DENIED = "object denied"
    OBJECT_UNREADABLE = "object unreadable"
    EXECUTION_GONE = "execution gone"
    NOT_A_MONITORING_EXECUTION = "not a monitoring execution"
    NOT_ENDED = "not ended"
    JOB_STOPPED = "job stopped"
    JOB_GONE = "job gone"
    EVALUATED_BY_JOB = "evaluated by job"
    GROUND_TRUTH_MERGE = "ground-truth merge"
    OBSERVE_MODE = "mode observe"
    NO_CLOSED_WINDOW = "no closed window"
    QUIET = "quiet"
    NO_BASELINE = "no baseline"
    NO_BASELINE_OF_JOBS = "no baseline of jobs"
    BASELINE_UNREADABLE = "baseline unreadable"


@dataclass(frozen=True)
class Skipped:
    """Nothing was done, for a reason, with a sentence that says where."""

    unfinished: ClassVar = False
    reason: SkipReason
    detail: str

    def summary(self) -> dict[str, Any]:
        """The answer of the function: logged, never a payload."""
        return {"skipped": self.reason.value, "detail": self.detail}
