"""What Vedette keeps in its bucket: the fleet, baselines, parts and executions, each under its key.

What needs numpy (parts, statistics) is imported by the functions that return it: half of Vedette's functions do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from chalicelib import locations, records
from chalicelib.aws import s3
from chalicelib.constraints.files import read_constraints
from chalicelib.errors import UnreadableFile
from chalicelib.records import BaselineInForce, Execution, Fleet, Record
from chalicelib.settings import settings
from chalicelib.window import Window

if TYPE_CHECKING:
    from chalicelib.constraints.evaluation import Baseline
    from chalicelib.parts import Part, RollUp

MANY = 50  # fewer reads than this are not worth the threads
THREADS = 10  # as many connections as botocore keeps open
R = TypeVar("R", bound=Record)


def fleet() -> Fleet:
    """The applied fleet; an empty one when none was applied."""
    return s3.get_record(Fleet, locations.fleet()) or Fleet()


def put_fleet(fleet: Fleet) -> None:
    """Apply a fleet; the bucket's versions keep the earlier ones."""
    s3.put(locations.fleet(), records.write(fleet))


def named_baseline(endpoint: str) -> BaselineInForce | None:
    """Which baseline is in force, and who put it there."""
    return s3.get_record(BaselineInForce, locations.baseline_in_force(endpoint))


def drop_baseline(endpoint: str) -> None:
    """Let no baseline be in force; the bucket's versions keep what was."""
    s3.delete(locations.baseline_in_force(endpoint))


def baseline_in_force(endpoint: str) -> tuple[str, Baseline | None]:
    """The version and the content of the baseline that verdicts use; ("", None) when there is none."""
    from chalicelib.constraints.evaluation import Baseline
    from chalicelib.statistics.files import read_statistics

    named = named_baseline(endpoint)
    if named is None:
        return "", None
    folder = locations.baseline(endpoint, named.version)
    place = f"s3://{settings().bucket}/{folder}"
    constraints = s3.get(folder + "constraints.json")
    if constraints is None:
        raise UnreadableFile(f"{place}constraints.json: missing, although current.json names this baseline")
    statistics = s3.get(folder + "statistics.json")
    return named.version, Baseline(
        constraints=read_constraints(constraints, f"{place}constraints.json"),
        statistics=None if statistics is None else read_statistics(statistics, f"{place}statistics.json"),
    )


def put_baseline(endpoint: str, named: BaselineInForce, constraints: bytes, statistics: bytes | None) -> None:
    """Store a baseline and put it in force; earlier versions stay where they are."""
    folder = locations.baseline(endpoint, named.version)
    s3.put(folder + "version.json", records.write(named))
    if statistics is not None:
        s3.put(folder + "statistics.json", statistics)
    s3.put(folder + "constraints.json", constraints)
    s3.put(locations.baseline_in_force(endpoint), records.write(named))


def part(capture: locations.CaptureKey) -> Part | None:
    """The part of a capture object; None when it was not summarized yet."""
    from chalicelib.parts import Part

    return s3.get_record(Part, locations.part(capture))


def newest_part(capture: locations.CaptureKey) -> tuple[locations.CaptureKey, Part] | None:
    """The part of the latest version of a capture object, and the name that it is kept under."""
    from chalicelib.parts import Part

    first = locations.part(capture)
    versions = (listed.key for listed in s3.list_objects(first.removesuffix(".json")))
    for key in locations.newest(key for key in versions if locations.first_part(key) == first):
        found = s3.get_record(Part, key)
        return None if found is None else (locations.version_of(capture, key), found)
    return None


def put_part(capture: locations.CaptureKey, part: Part) -> bool:
    """Store a part; False when another invocation was first, and its part stays (sketches are randomized)."""
    return s3.put_once(locations.part(capture), records.write(part))


def part_keys(endpoint: str, variant: str, start: datetime, end: datetime) -> tuple[str, ...]:
    """The keys of the parts whose objects were begun in [start, end), in order; of each object its latest version."""
    return tuple(part_times(endpoint, variant, start, end))


def part_times(endpoint: str, variant: str, start: datetime, end: datetime) -> dict[str, datetime]:
    """The same, and when each was made."""
    root = f"{locations.parts_of_endpoint(endpoint)}{variant}/"
    made = {listed.key: listed.modified for listed in listed_between(root, start, end)}
    return {key: made[key] for key in locations.newest(made)}


def listed_between(root: str, start: datetime, end: datetime, bucket: str = "") -> Iterator[s3.Listed]:
    """The objects root/yyyy/mm/dd/hh/MM... of [start, end), both to the minute, in one listing for any number of hours.

    A time within a minute counts as the minute's beginning for `start`, and as its end for `end`.
    """
    prefix, after, until = locations.between(root, start, _next_minute(end))
    return s3.list_objects(prefix, bucket, after=after, until=until)


def _next_minute(time: datetime) -> datetime:
    whole = time.replace(second=0, microsecond=0)
    return whole if whole == time else whole + timedelta(minutes=1)


def parts(keys: Collection[str]) -> Iterator[Part]:
    """The parts under the keys, in order; one that is gone (its lifecycle ended) is left out."""
    from chalicelib.parts import Part

    return _records(Part, keys)


def roll_ups(endpoint: str, variant: str, starts: Collection[datetime]) -> Iterator[RollUp]:
    """The roll-ups of the five minutes that begin at these times, where there are any."""
    from chalicelib.parts import RollUp

    return _records(RollUp, [locations.roll_up(endpoint, variant, start) for start in starts])


def is_rolled_up(endpoint: str, variant: str, start: datetime) -> bool:
    """Whether the five minutes that begin at a time have their roll-up."""
    return s3.exists(locations.roll_up(endpoint, variant, start))


def put_roll_up(rolled: RollUp) -> bool:
    """Store a roll-up; False when another invocation was first, and its roll-up stays (sketches are randomized)."""
    return s3.put_once(locations.roll_up(rolled.endpoint, rolled.variant, rolled.start), records.write(rolled))


def _records(kind: type[R], keys: Collection[str]) -> Iterator[R]:
    """The records under the keys, in order. Many are fetched by several threads: a read is 20 ms of waiting."""
    if len(keys) < MANY:
        yield from (found for key in keys if (found := s3.get_record(kind, key)) is not None)
        return
    remaining = iter(keys)
    with ThreadPoolExecutor(THREADS) as pool:
        while some := list(islice(remaining, THREADS * 4)):
            yield from (found for found in pool.map(lambda key: s3.get_record(kind, key), some) if found is not None)


def first_part(endpoint: str, variant: str) -> datetime | None:
    """When the earliest part was begun: keys are in the order of time, so the first key tells."""
    key = s3.first_key(f"{locations.parts_of_endpoint(endpoint)}{variant}/")
    return locations.part_begun(key) if key else None


def variants(endpoint: str) -> list[str]:
    """The variants that have parts."""
    return s3.list_folders(locations.parts_of_endpoint(endpoint))


def execution(folder: str) -> Execution | None:
    """The execution stored in a folder."""
    return s3.get_record(Execution, folder + "execution.json")


def executions(
    endpoint: str, variant: str, start: datetime, end: datetime, length: timedelta | None = None
) -> Iterator[Execution]:
    """The executions of the closed windows that begin in [start, end), of one length or of any; latest revisions."""
    root = locations.executions_of_variant(endpoint, variant)
    after, until = (f"{root}{time:%Y-%m-%dT%H-%MZ}" for time in (start, end))
    latest: dict[str, tuple[str, str]] = {}
    for listed in s3.list_objects(root, after=after, until=until):
        folder, _, rest = listed.key[len(root) :].partition("/")
        window = Window.from_name(folder)
        if window is None or length not in (None, window.length) or not rest.endswith("/execution.json"):
            continue
        latest[folder] = max(latest.get(folder, ("", "")), (rest.split("/")[-2], listed.key))
    return _records(Execution, [key for _, key in latest.values()])


def executions_of_objects(
    endpoint: str, variant: str, start: datetime, end: datetime, stored_since: datetime
) -> Iterator[Execution]:
    """The executions of single objects that were begun in [start, end), stored at a time or later."""
    listed = listed_between(locations.executions_of_objects(endpoint, variant), start, end)
    keys = [one.key for one in listed if one.key.endswith("/execution.json") and one.modified >= stored_since]
    return _records(Execution, keys)


def put_execution(execution: Execution) -> bool:
    """Store an execution after its files; False when another invocation was first, and its execution stays."""
    return s3.put_once(execution.folder + "execution.json", records.write(execution))


def latest_execution(prefix: str) -> Execution | None:
    """The newest revision under the prefix of a window."""
    folders = [listed.key for listed in s3.list_objects(prefix) if listed.key.endswith("/execution.json")]
    found = [s3.get_record(Execution, key) for key in folders]
    return max((e for e in found if e is not None), key=lambda e: (e.revision, e.judged_at), default=None)
