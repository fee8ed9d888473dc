"""A job that is killed at random moments, and started again: the same parts and roll-ups, and nothing twice.

Every process of the job gets SIGKILL while S3 stores its n-th object, before the answer is sent, so that also a write
whose answer was lost is repeated. VEDETTE_PROVE=full kills 20 jobs, everything else 5.
"""

import os
import signal
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from chalicelib.records import FleetEntry
from tests.spark.captured import put_objects
from tests.spark.conftest import watched
from vedette.operations import backfill, control

SITE = "site"
PREFIXES = (f"parts/{SITE}/", f"rollups/{SITE}/")
JOB = ("backfill", SITE, "--from", "1d", "--engine", "spark", "--master", "local[2]", "--yes")
KILLED_JOBS = 20 if os.environ.get("VEDETTE_PROVE") == "full" else 5


@pytest.fixture(scope="module")
def expected(stage) -> dict[str, bytes]:
    """What a backfill in one process stores; it is erased again."""
    watched(FleetEntry(endpoint=SITE))
    put_objects(stage, SITE)
    entry = control.entry_of(SITE)
    backfill.process(backfill.backlog(entry, stage.now - timedelta(days=1), stage.now), entry)
    return stage.stored(*PREFIXES)


def session(leader: int) -> list[int]:
    """The processes of a session: the command, the JVM, and the Python workers, which have a group of their own."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def kill(leader: int) -> None:
    while processes := session(leader):
        for process in processes:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def writes(stage):
    """The keys that were stored, in order; at the n-th the job is killed, if `kill_at` says so."""
    router = stage.cloud.router
    known = router.after_success["s3", "PutObject"]

    class Writes(list):
        kill_at, job = 0, None

    made = Writes()

    def stored(request, operation, response):
        key = operation.path_parameters["Key"]
        if key.startswith(PREFIXES):
            made.append(key)
            if len(made) == made.kill_at:
                kill(made.job.pid)
        known(request, operation, response)

    router.after_success["s3", "PutObject"] = stored
    yield made
    router.after_success["s3", "PutObject"] = known


@pytest.mark.parametrize("seed", range(KILLED_JOBS))
def test_a_killed_job_is_resumed(stage, expected, writes, seed):
    stage.erase(*PREFIXES)
    writes.kill_at = Random(seed).randint(1, len(expected))
    writes.job = stage.start(*JOB)
    writes.job.communicate(timeout=120)
    assert writes.job.returncode == -signal.SIGKILL
    assert len(writes) < len(expected) + 1
    writes.kill_at = 0
    answer = stage.answer(*JOB)
    assert stage.stored(*PREFIXES) == expected
    assert sorted(writes) == sorted(expected)  # each was stored once
    assert sum(answer["parts"].values()) < len(expected)
