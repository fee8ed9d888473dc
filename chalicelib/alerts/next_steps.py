"""What a person can do about a finding: a sentence each, with a command or a place to copy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import NamedTuple

from chalicelib import locations
from chalicelib.alerts.cause import Cause, CauseKind, has_version_before
from chalicelib.alerts.wording import counted, minute
from chalicelib.constraints import check_types
from chalicelib.constraints.check_types import MIN_ACCEPTED_ROWS
from chalicelib.constraints.measurement import Checks, Verdict
from chalicelib.records import AlertItem, AlertKind, Deployment, Execution, FindingState
from chalicelib.window import DAY, LATE_DATA_GRACE, open_window

KINDS = {  # the kind of a message about an execution
    Verdict.VIOLATIONS: AlertKind.VIOLATIONS,
    Verdict.NO_DATA: AlertKind.NO_DATA,
    Verdict.CAPTURE_STOPPED: AlertKind.CAPTURE_STOPPED,
    Verdict.MONITOR_FAILED: AlertKind.MONITOR_FAILED,
    Verdict.LABELS_STOPPED: AlertKind.LABELS_STOPPED,
    Verdict.JOB_FAILED: AlertKind.JOB_FAILED,
}


MAX_ITEMS = 10  # findings that a message lists
MAX_NAMED_CHARS = 150  # of features in a command: a chat client shows 350 characters of a step
NO_CAUSE = Cause()
OF_FILES = ("evaluate", "summarize", "baseline", "captured", "demo")  # commands that need no stage


class Step(NamedTuple):
    """One step: a sentence, and the command or the place that it names, if any."""

    text: str
    command: str = ""

    def for_stage(self, stage: str, region: str = "") -> Step:
        """The step with the stage and the region in its `vedette` command.

        Examples
        --------
        >>> Step("See:", "vedette alerts list site").for_stage("prod", "eu-west-1").command
        'vedette alerts list site --stage prod --region eu-west-1'
        >>> Step("See:", "vedette baseline s3://bucket/data-capture/site").for_stage("prod").command
        'vedette baseline s3://bucket/data-capture/site'
        """
        words = self.command.split()
        if words[:1] != ["vedette"]:
            return self
        options = (("--stage", stage if words[1] not in OF_FILES else ""), ("--region", region))
        added = "".join(f" {option} {value}" for option, value in options if value and option not in words)
        return self._replace(command=self.command + added)


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
    history: tuple[Deployment, ...] = ()  # its deployments, also one that is in progress
    before: Callable[[], Sequence[Execution]] = tuple  # the earlier windows; called when a message is due
    window_minutes: int = 60  # of the endpoint's windows for all checks except drift
    records: str = ""  # the s3 place of own records; "" of an endpoint


def next_steps(
    kind: AlertKind,
    items: Sequence[AlertItem],
    execution: Execution,
    context: AlertContext,
    continuing: int = 0,
    cause: Cause = NO_CAUSE,
) -> list[Step]:
    """The steps for one kind of message about an execution.

    A single open finding in `items` is muted by its fingerprint, several by their endpoint. `continuing` is the number
    of violations that continue after a recovery. Every command works at the moment of the message, and is about its
    window or object.
    """
    endpoint, ours = execution.endpoint, execution.source == "vedette"
    report = f"s3://{context.bucket}/{execution.folder}" if ours else f"{execution.folder}/"
    open_items = [item for item in items if item.state != FindingState.RECOVERED]
    one = len(open_items) == 1
    target = open_items[0].fingerprint if one else f"--endpoint {endpoint}"
    mute = Step(
        "Mute this alert:" if one else f"Mute every alert of {endpoint}:",
        f"vedette alerts mute {target} --until 12h --reason WHY",
    )
    match kind:
        case AlertKind.RECOVERED if not continuing:
            return [Step("No action is needed. The results are at", report)]
        case AlertKind.NO_DATA if execution.job:
            return [
                Step("See what the job read and where it wrote:", describe_job(execution.job)),
                mute,
            ]
        case AlertKind.NO_DATA if context.records:
            return [
                Step(
                    "If there were requests, check the program that writes their records, and its s3:PutObject on",
                    context.records,
                ),
                Step("See which records lie there:", f"vedette watch {endpoint}"),
                mute,
            ]
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
            reason = Step("Read the reason above, and the results at", report)
            return [reason if execution.folder else Step("Read the reason above."), mute]
        case AlertKind.JOB_FAILED:
            return [
                Step("See why it failed:", describe_job(execution.job)),
                Step("When the cause is fixed, run it again under another name; the next completed job ends this."),
                mute,
            ]
        case AlertKind.LABELS_STOPPED:
            return [
                Step("See how many labels came:", f"vedette show violations {endpoint}{window_option(execution)}"),
                Step(
                    "Check that the job that writes the labels still runs, and that it writes to a place that"
                    " ground_truth of fleet.toml names."
                ),
                mute,
            ]
    steps = _for_vedette(open_items, execution, context, cause) if ours else _for_model_monitor(execution, report)
    return [*steps, mute]


def describe_job(name: str) -> str:
    """The command that describes a transform job."""
    return f"aws sagemaker describe-transform-job --transform-job-name {name}"


def window_option(execution: Execution) -> str:
    """The options that name an execution in commands: its variant, and its window or object; "" if none can.

    A closed window is named by its start, the window of a day by its date alone, and one of another length of drift by
    its whole name, since a shorter one begins at the same time. A day of model quality is named as such.
    """
    name = locations.execution_name(execution.endpoint, execution.variant, execution.folder)
    if execution.window_closed:
        if execution.job:
            name = execution.window.name
        elif execution.is_of_quality:
            name = f"{locations.QUALITY}/{execution.window_start:%Y-%m-%d}"
        elif execution.window.length == DAY:
            name = f"{execution.window_start:%Y-%m-%d}"
        elif execution.checks_run == Checks.DRIFT:
            name = execution.window.name
        else:
            name = f"{execution.window_start:%Y-%m-%dT%H:%M}"
    variant = f" --variant {execution.variant}" if execution.variant else ""
    return f"{variant} --window {name}" if name else ""


def feature_options(names: Sequence[str], known: Collection[str]) -> str:
    """The options that name features in a command; "" if they are too long, or a name is not one of the known ones.

    A message may hold a name shortened or without its control characters: no command finds such a name.

    Examples
    --------
    >>> feature_options(["a", "the price"], {"a", "b", "the price"}), feature_options(["a…"], {"a very long name"})
    (" --feature a --feature 'the price'", '')
    """
    options = "".join(f" --feature {quote(name)}" for name in names)
    return options if set(known).issuperset(names) and len(options) <= MAX_NAMED_CHARS else ""


_LABELS = Step("Check that the labels are right: if they are made in another way than before, the metrics change, too.")
_CLIENT = Step("If a client sends wrong data, tell its owner; the findings above say what is wrong.")


def _for_vedette(items: Sequence[AlertItem], execution: Execution, context: AlertContext, cause: Cause) -> list[Step]:
    endpoint, window = execution.endpoint, window_option(execution)
    replay = Step(
        "Before you change a threshold, test it on the last weeks:", f"vedette replay {endpoint}{window} --from 14d"
    )
    rollback = Step(
        "If the model is at fault, go back to the previous version:", f"vedette rollback {endpoint} --reason WHY"
    )
    may_be_the_model = cause.kind in {CauseKind.DEPLOYMENT, CauseKind.UNKNOWN}
    has_previous = execution.package_version.isdigit() and has_version_before(
        context.history, execution.package_version
    )
    return [
        Step("See all findings:", f"vedette show violations {endpoint}{window}"),
        *_where_to_look(execution),
        *([rollback] if context.deploys and may_be_the_model and has_previous else []),
        *([] if execution.job else [replay]),
        *_accept(items, execution, context, window),
    ]


def _where_to_look(execution: Execution) -> list[Step]:
    """Who may have caused the findings."""
    if execution.job:
        return [
            Step("See which objects the job read, and with which model:", describe_job(execution.job)),
            Step("If its inputs are wrong, tell the owner of the data; the findings above say what is wrong."),
        ]
    return [_LABELS if execution.is_of_quality else _CLIENT]


def _accept(items: Sequence[AlertItem], execution: Execution, context: AlertContext, window: str) -> list[Step]:
    """How the findings become the new normal, where that is possible: at once, or from when on."""
    acceptable = check_types.MODEL_QUALITY if execution.is_of_quality else check_types.ACCEPTABLE
    violated = [one for one in execution.measurements if one.alertable and one.check in acceptable]
    if not violated:
        return []
    if not execution.window_closed:
        closes = open_window(context.window_minutes, execution.window_start).end + LATE_DATA_GRACE
        return [
            Step(
                "If this is the new normal, accept it once its window is evaluated, some minutes after"
                f" {minute(closes)} UTC (vedette constraints accept)."
            )
        ]
    if execution.rows < MIN_ACCEPTED_ROWS:
        return [
            Step(
                f"If this is the new normal, accept a window with at least {MIN_ACCEPTED_ROWS} rows (vedette"
                f" constraints accept); this one has {counted(execution.rows, 'row')}."
            )
        ]
    names = {one.feature for one in violated}
    features = list(dict.fromkeys(item.subject for item in items if item.check in acceptable))
    # Where there may be more than the message lists, the command takes what is violated in the window.
    named = feature_options(features, names) if len(items) < MAX_ITEMS else ""
    return [
        Step(
            "If this is the new normal, accept it as the baseline:",
            f"vedette constraints accept {execution.endpoint}{window}{named} --reason WHY",
        )
    ]


def _for_model_monitor(execution: Execution, report: str) -> list[Step]:
    of_quality = any(one.check in check_types.MODEL_QUALITY for one in execution.measurements)
    return [
        Step("See all findings:", f"{report}constraint_violations.json"),
        _LABELS if of_quality else _CLIENT,
        Step("If this is the new normal, edit the constraints of the schedule."),
    ]
