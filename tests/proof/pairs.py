"""Which two deliveries meet, and what must be true whichever goes first."""

from collections.abc import Callable
from typing import Any

from tests.proof.final import Final
from tests.proof.schedules import Job, Pair, delivery
from tests.proof.stage import BAD_GOLDEN, ENDPOINT, Stage
from vedette.local.recorder import calling_as

PACKAGE, EVENT_OF_ENDPOINT, EXECUTION, OBJECT = (
    "on_model_package_state_change",
    "on_endpoint_state_change",
    "on_monitoring_execution",
    "on_data_captured",
)
DEPLOYED = "[information] preferred-site: version {} is deployed and verified"
VIOLATED = "[critical] preferred-site: b is not Integral in 50.0% of {} rows"


def _held(stage: Stage, function: str, happening: Callable[[], object], minutes: float = 0) -> list[dict[str, Any]]:
    """The events for a function that something gives rise to, held back."""
    before = len(stage.cloud.bus.events)
    stage.cloud.bus.drop(lambda event, name: name == function)
    happening()
    stage.turn(minutes)
    stage.cloud.bus.clear_disturbances()
    listener = stage.function(function)
    return [event for event in stage.cloud.bus.events[before:] if listener.listens_to(event)]


def expects(
    version: str, updates: tuple[int, ...], *mails: str, attempt: str = "verified", optional: str = ""
) -> Callable[[Final], list[str]]:
    """A check: the version served, how many updates there may have been, and each of the mails exactly once."""

    def check(left: Final) -> list[str]:
        state = left.state
        found = {
            "the version served": (state["version"], {version}),
            "updates": (state["changes"].count("UPDATING"), set(updates)),
            "the last attempt": (state["deployment"][3], {attempt}),
            "models that nobody needs": (len(state["models"]) <= 1 + max(updates), {True}),
            "configs that nobody needs": (len(state["configs"]) <= 1 + max(updates), {True}),
            "pending messages": (sum(book["pending"] for book in state["alerts"]), {0}),
            "given up": (tuple(state["given up"]), {()}),
            "not summarized": (state["not summarized"], {0}),
            "copies": (left.copies, {0}),
        }
        wrong = [f"{name}: {value!r}" for name, (value, allowed) in found.items() if value not in allowed]
        facts = {subject: number for subject, number in left.facts.items() if not optional or optional not in subject}
        if mails and facts != dict.fromkeys((DEPLOYED.format(1), *mails), 1):
            wrong.append(f"mails: {facts}")
        return wrong

    return check


def _same_approval_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    (event,) = _held(stage, PACKAGE, lambda: stage.register("linear-learner"))
    return delivery(PACKAGE, event), delivery(PACKAGE, event)


def _approvals_of_two_versions(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    events = _held(stage, PACKAGE, lambda: [stage.register(kind) for kind in ("linear-learner", "knn")])
    return delivery(PACKAGE, events[0]), delivery(PACKAGE, events[1])


def _approval_and_a_person_who_rejects(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    arns: list[str] = []
    (approved,) = _held(stage, PACKAGE, lambda: arns.append(stage.register("linear-learner")))

    def reject(stage: Stage) -> None:
        with calling_as("a person"):
            stage.set_approval(arns[0], "Rejected")

    return delivery(PACKAGE, approved), reject


def _approval_and_sweep(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    (event,) = _held(stage, PACKAGE, lambda: stage.register("linear-learner"))
    return delivery(PACKAGE, event), delivery("sweep", _sweep_of_endpoint(stage))


def _sweep_of_endpoint(stage: Stage) -> dict[str, Any]:
    from chalicelib.events import Scheduled
    from chalicelib.settings import settings

    return dict(Scheduled.for_endpoints([ENDPOINT], stage.cloud.scheduled_event(), settings()))


def _end_of_an_update_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    return _the_end_twice(stage)


def _end_of_an_update_whose_golden_request_fails_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    stage.change_entry(golden_payload=BAD_GOLDEN)
    return _the_end_twice(stage)


def _end_of_a_silent_roll_back_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    stage.cloud.sagemaker.fail_next_update(ENDPOINT, "CannotStartContainerError")
    return _the_end_twice(stage)


def _the_end_twice(stage: Stage) -> tuple[Job, Job]:
    stage.register("linear-learner")
    stage.turn(1)
    events = _held(stage, EVENT_OF_ENDPOINT, lambda: None, minutes=8)
    return delivery(EVENT_OF_ENDPOINT, events[-1]), delivery(EVENT_OF_ENDPOINT, events[-1])


def _same_verdict_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    (event,) = _held(stage, EXECUTION, lambda: stage.predict(good=20, bad=20), minutes=5)
    return delivery(EXECUTION, event), delivery(EXECUTION, event)


def _verdicts_of_two_windows(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    events = []
    for _ in range(2):
        for _ in range(3):
            stage.predict(good=5, bad=5)
            stage.turn(3)
        stage.turn(66 - stage.cloud.clock.now().minute)
        events += _held(stage, EXECUTION, lambda: stage.run_schedule("run_monitoring"), minutes=1)
    return delivery(EXECUTION, events[0]), delivery(EXECUTION, events[1])


def _same_object_twice(stage: Stage) -> tuple[Job, Job]:
    stage.deployed()
    (event,) = _held(stage, OBJECT, lambda: stage.predict(good=20, bad=20), minutes=5)
    return delivery(OBJECT, event), delivery(OBJECT, event)


FAILED = "[critical] preferred-site: version 2 could not be deployed; version 1 {}"
PAIRS = (
    Pair("the same approval twice", _same_approval_twice, expects("2", (1,), DEPLOYED.format(2))),
    Pair(
        "approvals of two versions",
        _approvals_of_two_versions,
        expects("3", (1,), DEPLOYED.format(3), optional="version 2 was approved"),
    ),
    Pair("an approval and a person who rejects", _approval_and_a_person_who_rejects, expects("1", (0, 2))),
    Pair("an approval and the sweep", _approval_and_sweep, expects("2", (1,), DEPLOYED.format(2))),
    Pair("the end of an update twice", _end_of_an_update_twice, expects("2", (1,), DEPLOYED.format(2))),
    Pair(
        "a failed golden request twice",
        _end_of_an_update_whose_golden_request_fails_twice,
        expects("1", (2,), FAILED.format("comes back"), attempt="failed"),
    ),
    Pair(
        "a silent roll-back twice",
        _end_of_a_silent_roll_back_twice,
        expects("1", (1,), FAILED.format("is served"), attempt="rolled back"),
    ),
    Pair("the same verdict twice", _same_verdict_twice, expects("1", (0,), VIOLATED.format(40))),
    Pair("verdicts of two windows", _verdicts_of_two_windows, expects("1", (0,), VIOLATED.format(30))),
    Pair("the same captured object twice", _same_object_twice, expects("1", (0,), VIOLATED.format(40))),
)
