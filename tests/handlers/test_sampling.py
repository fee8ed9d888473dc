"""A monthly ceiling: objects are left out, the same ones always, and every verdict says so."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib import locations
from chalicelib.aws import s3, store
from chalicelib.capture.sampling import Step, is_sampled
from chalicelib.handlers import forgotten, sampling
from chalicelib.records import Execution, Sampling, write
from tests.handlers.conftest import ENDPOINT, ENTRY

CEILED = replace(ENTRY, monthly_ceiling_usd=10.0)


@pytest.fixture
def ceiled(world):
    """A served endpoint below a ceiling, of whose objects half are read since a while."""
    world.deployed()
    world.cloud.turn(minutes=20)
    world.apply(CEILED)
    world.cloud.schedules_enabled = False
    put(world, 0.5)
    return world


def put(world, share: float) -> None:
    now = world.cloud.clock.now()
    steps = (Step(since=now - timedelta(hours=1), share=share),)
    far = now + timedelta(days=9)
    record = Sampling(endpoint=ENDPOINT, counted_until=far, objects_per_hour=(9.0,), steps=steps)
    s3.put(locations.sampling(ENDPOINT), write(record))


def captured(world) -> list[str]:
    return [key for key in world.keys(f"data-capture/{ENDPOINT}/") if locations.capture_key(key)]


def test_the_objects_of_the_share_become_parts_and_no_others_even_when_repeated(ceiled):
    ceiled.cloud.bus.duplicate(2)
    before = set(captured(ceiled))
    for _ in range(12):
        ceiled.send(good=20)
        ceiled.cloud.turn(minutes=3)
    new = set(captured(ceiled)) - before
    wanted = {locations.part(locations.capture_key(key)) for key in new if is_sampled(key, 0.5)}
    assert 0 < len(wanted) < len(new)
    made = set(ceiled.keys(f"parts/{ENDPOINT}/"))
    assert made & {locations.part(locations.capture_key(key)) for key in new} == wanted


def test_what_is_left_out_is_not_forgotten_and_the_sweep_leaves_it(ceiled):
    put(ceiled, 0.0)
    ceiled.send(good=20)
    ceiled.cloud.turn(minutes=5)
    now = ceiled.cloud.clock.now()
    start = now - timedelta(minutes=10)
    have = store.part_times(ENDPOINT, "AllTraffic", start, now)
    assert list(forgotten.without_part(CEILED, "AllTraffic", start, now, have)) == []
    assert len(list(forgotten.without_part(ENTRY, "AllTraffic", start, now, have))) == 1


def test_a_verdict_says_that_it_is_of_a_sample(ceiled):
    put(ceiled, 0.999)
    ceiled.cloud.turn(minutes=60 - ceiled.cloud.clock.now().minute)
    ceiled.send(good=20)
    ceiled.cloud.turn(minutes=58)
    ceiled.cloud.schedules_enabled = True
    ceiled.cloud.turn(minutes=15)
    keys = [key for key in ceiled.keys(f"monitoring/{ENDPOINT}/AllTraffic/2") if key.endswith("execution.json")]
    found = s3.get_record(Execution, keys[-1])
    note = "sampled: about 99.9 % of the captured objects were read, to stay below 10.00 USD a month"
    assert note in found.notes


def test_an_hour_is_counted_once_and_the_share_follows_the_mean_of_a_day(world, monkeypatch):
    counted = []

    def part_keys(endpoint, variant, start, end):
        counted.append(start)
        return tuple(f"parts/{ENDPOINT}/v/{start:%Y/%m/%d/%H}/{n % 60:02}-00-000-{n}.jsonl.json" for n in range(2000))

    monkeypatch.setattr(store, "variants", lambda endpoint: ["v"])
    monkeypatch.setattr(store, "part_keys", part_keys)
    now = world.cloud.clock.now().replace(minute=6)
    first = sampling.follow(CEILED, now)
    assert sampling.follow(CEILED, now + timedelta(minutes=20)) == first < 1
    assert counted == [now.replace(minute=0) - timedelta(hours=1)]
    (step,) = sampling.steps(CEILED)
    assert step.since > now  # nothing that exists by now is decided anew
    # Of the next hour a share was read: as many parts stand for more objects.
    later = now + timedelta(hours=2)
    stored = s3.get_record(Sampling, locations.sampling(ENDPOINT))
    sampling.follow(CEILED, later)
    again = s3.get_record(Sampling, locations.sampling(ENDPOINT))
    assert again.objects_per_hour == (2000.0, pytest.approx(2000 / first))
    assert again.steps[0] == stored.steps[0]
    assert again.steps[-1].share < first


def test_without_a_ceiling_nothing_is_looked_up(world):
    world.cloud.recorder.clear()
    assert sampling.chooser(ENTRY)("any", world.cloud.clock.now())
    assert sampling.sampled(ENTRY, world.cloud.clock.now(), world.cloud.clock.now() + timedelta(hours=1)) == (1.0, ())
    assert world.cloud.recorder.calls == []
