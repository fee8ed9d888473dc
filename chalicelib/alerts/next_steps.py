"""What a person can do about a finding: a sentence each, with a command or a place to copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from chalicelib.constraints.measurement import Verdict
from chalicelib.records import AlertItem, AlertKind, Execution, FindingState
from chalicelib.window import DAY

KINDS = {  # the kind of a message about an execution
    Verdict.VIOLATIONS: AlertKind.VIOLATIONS,
    Verdict.NO_DATA: AlertKind.NO_DATA,
    Verdict.CAPTURE_STOPPED: AlertKind.CAPTURE_STOPPED,
    Verdict.MONITOR_FAILED: AlertKind.MONITOR_FAILED,
}


class Step(NamedTuple):
    """One step: a sentence, and the command or the place that it names, if any."""

    text: str
    command: str = ""

    def for_stage(self, stage: str) -> Step:
        """The step with the stage in its `vedette` command.

        Examples
        --------
        >>> Step("See:", "vedette alerts list site").for_stage("prod").command
        'vedette alerts list site --stage prod'
        """
        words = self.command.split()
        if not stage or words[:1] != ["vedette"] or "--stage" in words:
            return self
        return self._replace(command=f"{self.command} --stage {stage}")


def to_texts(steps: Iterable[Step]) -> tuple[str, ...]:
    r"""The steps as a message holds them, the command on a second line.

    Examples
    --------
    >>> to_texts([Step("See:", "vedette alerts list"), Step("Wait.")])
    ('See:\nvedette alerts list', 'Wait.')
    """
    return tuple("\n".join(filter(None, step)) for step in steps)


def from_texts(texts: Iterable[str]) -> list[Step]:
    """The steps of a message, see `to_texts`."""
    return [Step(*text.split("\n", 1)) for text in texts]


@dataclass(frozen=True)
class AlertContext:
    """What a message needs to know beside the execution."""

    bucket: str  # where Vedette stores executions
    deploys: bool = False  # Vedette deploys to this endpoint, so a person can roll back
    served_since: datetime | None = None  # when the model version was verified


def next_steps(
    kind: AlertKind, items: Sequence[AlertItem], execution: Execution, context: AlertContext, continuing: int = 0
) -> list[Step]:
    """The steps for one kind of message about an execution.

    A single open finding in `items` is muted by its fingerprint, several by their endpoint. `continuing` is the number
    of violations that continue after a recovery.
    """
    endpoint, ours = execution.endpoint, execution.source == "vedette"
    report = f"s3://{context.bucket}/{execution.folder}" if ours else f"{execution.folder}/"
    open_items = [item for item in items if item.state != FindingState.RECOVERED]
    one = len(open_items) == 1
    target = open_items[0].fingerprint if one else f"--endpoint {endpoint}"
    mute = Step(
        "Mute this alert:" if one else "Mute every alert of this endpoint:",
        f"vedette alerts mute {target} --until 12h --reason WHY",
    )
    match kind:
        case AlertKind.RECOVERED if not continuing:
            return [Step("No action is needed. The results are at", report)]
        case AlertKind.NO_DATA:
            return [
                Step("If the endpoint should have traffic, check that it is called (CloudWatch metric Invocations)."),
                Step("If it is called, check that it captures:", f"vedette capture status {endpoint}"),
                mute,
            ]
        case AlertKind.CAPTURE_STOPPED:
            return [
                Step("Check that capture is on, and where it writes:", f"vedette capture status {endpoint}"),
                Step(
                    "If it is on, check that the endpoint's role still has s3:PutObject on the capture bucket and may"
                    " use its KMS key."
                ),
                mute,
            ]
        case AlertKind.MONITOR_FAILED:
            return [Step("Read the reason above, and the results at", report), mute]
    steps = _for_vedette(execution, deploys=context.deploys) if ours else _for_model_monitor(report)
    return [*steps, mute]


def window_name(execution: Execution) -> str:
    """A closed window as commands name it: by its start, and the window of a day by its date alone."""
    is_day = execution.window_end - execution.window_start == DAY
    return f"{execution.window_start:%Y-%m-%d}" if is_day else f"{execution.window_start:%Y-%m-%dT%H:%M}"


_CLIENT = Step("If a client sends wrong data, tell its owner; the findings above say what is wrong.")


def _for_vedette(execution: Execution, *, deploys: bool) -> list[Step]:
    endpoint = execution.endpoint
    window = f" --window {window_name(execution)}" if execution.window_closed else ""
    rollback = f"vedette rollback {endpoint} --reason WHY"
    back = Step("If the model is at fault, go back to the previous version:", rollback)
    return [
        Step("See all findings:", f"vedette show violations {endpoint}{window}"),
        _CLIENT,
        *([back] if deploys and execution.package_version.isdigit() else []),
        Step("Before you change a threshold, test it on the last weeks:", f"vedette replay {endpoint} --from 14d"),
        Step(
            "If this is the new normal, accept it as the baseline:",
            f"vedette constraints accept {endpoint}{window} --reason WHY",
        ),
    ]


def _for_model_monitor(report: str) -> list[Step]:
    return [
        Step("See all findings:", f"{report}constraint_violations.json"),
        _CLIENT,
        Step("If this is the new normal, edit the constraints of the schedule."),
    ]
