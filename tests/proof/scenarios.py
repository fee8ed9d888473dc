"""What happens to an endpoint, from an approval to a recovery: each is proven under every fault."""

from tests.proof import labels
from tests.proof.faults import Scenario
from tests.proof.stage import BAD_GOLDEN, ENDPOINT, Stage

MINUTES = 15  # an update takes six


def _two_versions(stage: Stage) -> None:
    stage.deployed("knn")
    stage.deployed("linear-learner")


def _approve(kind: str, minutes: float = MINUTES):
    def act(stage: Stage) -> None:
        stage.register(kind)
        stage.turn(minutes)

    return act


def _set(version: int, status: str):
    def act(stage: Stage) -> None:
        group = f"arn:aws:sagemaker:{stage.cloud.region}:{stage.cloud.account.account_id}:model-package/{ENDPOINT}"
        stage.set_approval(f"{group}/{version}", status)
        stage.turn(MINUTES)

    return act


def _one_version(stage: Stage) -> None:
    stage.deployed()


def _an_update_that_will_fail(reason: str):
    def prepare(stage: Stage) -> None:
        stage.deployed()
        stage.cloud.sagemaker.fail_next_update(ENDPOINT, reason)

    return prepare


def _a_creation_that_will_fail(stage: Stage) -> None:
    stage.cloud.sagemaker.fail_next_create(ENDPOINT, "CannotStartContainerError")


def _a_golden_request_that_will_fail(stage: Stage) -> None:
    stage.deployed()
    stage.change_entry(golden_payload=BAD_GOLDEN)


def _no_capacity_then_again(stage: Stage) -> None:
    stage.register("linear-learner")
    stage.turn(30)
    stage.run_schedule("sweep")
    stage.turn(MINUTES)


def _an_older_version_pending(stage: Stage) -> None:
    stage.register("knn", "PendingManualApproval")
    stage.deployed("linear-learner")


def _an_approval_nobody_kinds_of(stage: Stage) -> None:
    stage.deployed()
    stage.cloud.bus.drop(lambda event, function: True)
    stage.register("linear-learner")
    stage.turn(1)
    stage.cloud.bus.clear_disturbances()


def _sweep(stage: Stage) -> None:
    stage.run_schedule("sweep")
    stage.turn(MINUTES)


def _violations_in_one_object(stage: Stage) -> None:
    stage.predict(good=20, bad=20)
    stage.turn(8)


def _to_the_end_of_the_hour(stage: Stage) -> None:
    now = stage.cloud.clock.now()
    stage.turn(66 - now.minute)


def _small_violated_objects(stage: Stage) -> None:
    """No object has rows enough for a verdict of its own; the window has."""
    stage.deployed()
    for _ in range(3):
        stage.predict(good=5, bad=5)
        stage.turn(3)
    _to_the_end_of_the_hour(stage)


def _closed_window(stage: Stage) -> None:
    stage.run_schedule("run_monitoring")
    stage.turn(4)


def _small_violated_objects_of_an_open_hour(stage: Stage) -> None:
    stage.deployed()
    for _ in range(3):
        stage.predict(good=5, bad=5)
        stage.turn(3)


def _late_violated_object(stage: Stage) -> None:
    """A closed and clean window, and an object of it whose event is lost."""
    stage.deployed()
    stage.predict(good=30)
    stage.turn(3)
    stage.cloud.bus.drop(lambda event, function: function == "on_data_captured")
    stage.predict(good=0, bad=60)
    stage.turn(3)
    stage.cloud.bus.clear_disturbances()
    _to_the_end_of_the_hour(stage)
    _closed_window(stage)


def _one_clean_window_after_an_alert(stage: Stage) -> None:
    _small_violated_objects(stage)
    _closed_window(stage)
    for _ in range(2):
        stage.predict(good=40)
        _to_the_end_of_the_hour(stage)
        if stage.cloud.clock.now().hour < 12:
            _closed_window(stage)


SCENARIOS = (
    Scenario("a first approval creates the endpoint", _approve("knn")),
    Scenario("an approval updates the endpoint", _approve("linear-learner"), _one_version),
    Scenario("rejecting the served version brings the one before back", _set(2, "Rejected"), _two_versions),
    Scenario("rejecting the only version keeps it in service", _set(1, "Rejected"), _one_version),
    Scenario("approving an older version says what is served", _set(1, "Approved"), _an_older_version_pending),
    Scenario(
        "an update rolls back in silence",
        _approve("linear-learner"),
        _an_update_that_will_fail("The primary container did not pass the ping health check."),
    ),
    Scenario(
        "an update finds no capacity, and is tried again",
        _no_capacity_then_again,
        _an_update_that_will_fail("InsufficientInstanceCapacity"),
    ),
    Scenario("a golden request fails", _approve("linear-learner", 25), _a_golden_request_that_will_fail),
    Scenario("a creation fails", _approve("knn"), _a_creation_that_will_fail),
    Scenario("the sweep finds an approval that was lost", _sweep, _an_approval_nobody_kinds_of),
    Scenario("a captured object violates a hard constraint", _violations_in_one_object, _one_version),
    Scenario("a closed window is violated", _closed_window, _small_violated_objects),
    Scenario("an open window is violated", _closed_window, _small_violated_objects_of_an_open_hour),
    Scenario("late data violates a closed window", _sweep, _late_violated_object),
    Scenario("captures and labels come", labels.captures_and_labels(80), labels.an_endpoint_with_a_quality_table),
    Scenario(
        "two thousand predictions and their labels come",
        labels.captures_and_labels(2_000, objects=2, copies=2),
        labels.an_endpoint_with_a_quality_table,
    ),
    Scenario("the first prediction and label", labels.a_few_captures_and_labels, labels.an_endpoint_without_a_secret),
    Scenario("a violation recovers", _closed_window, _one_clean_window_after_an_alert),
)
