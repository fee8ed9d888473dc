"""What an endpoint serves is known from the last sweep, so that the windows of a whole fleet can close at once."""

from msgspec.structs import replace

from chalicelib.services import serving
from tests.runs import run_of
from tests.services.conftest import ENDPOINT, ENTRY


def swept(world) -> None:
    world.cloud.invoke("sweep", world.cloud.scheduled_event("vedette-local-sweep"))
    world.cloud.settle()


def test_a_window_with_data_is_evaluated_without_a_call_of_sagemaker(world):
    world.deployed()
    world.apply(replace(ENTRY, mode="alert"))
    world.send(good=20)
    world.cloud.turn(to=world.cloud.clock.now().replace(minute=55))
    swept(world)
    world.cloud.recorder.clear()
    world.cloud.turn(minutes=12)
    called = world.cloud.recorder.names("run_monitoring")
    assert "events:PutEvents" in called
    assert [call for call in called if call.startswith("sagemaker:")] == []
    assert [key for key in world.keys(f"monitoring/{ENDPOINT}/AllTraffic/") if "_60m/1/0001/execution.json" in key]


def test_a_version_that_was_deployed_after_the_sweep_is_read_from_sagemaker(world):
    world.deployed()
    swept(world)
    world.cloud.schedules_enabled = False
    assert serving.last_seen_version(run_of()) == "1"
    world.register("linear-learner")
    world.cloud.turn(minutes=12)
    assert serving.last_seen_version(run_of()) == "2"


def test_without_a_sweep_what_is_served_is_read_from_sagemaker(world):
    world.cloud.schedules_enabled = False
    world.deployed()
    assert serving.last_seen_version(run_of()) == "1"
    assert serving.shown(run_of()).variants == {"AllTraffic"}
