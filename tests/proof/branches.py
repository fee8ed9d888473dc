"""A state of the whole cloud, re-created at once: the process forks, and the branch tells what became of it.

Setting a scenario up again for every fault and every schedule would cost more than the scenario itself.
"""

import gc
import logging
import os
import pickle
import select
import signal
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

SECONDS = 120  # a branch that takes longer hangs


class BranchFailed(AssertionError):
    """What was raised in a branch, or that it ended without a word."""


def fork() -> int | None:
    """A new branch: None in the branch itself, and where its answer will arrive in the process it came from."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns of threads; those of pytest-xdist only read
        process = os.fork()
    if process:
        os.close(writing)
        _processes[reading] = process
        return reading
    os.close(reading)
    _answer_to.append(writing)
    logging.disable(logging.CRITICAL)
    gc.disable()  # a collection would copy every page of the process that this one came from
    return None


_processes: dict[int, int] = {}
_answer_to: list[int] = []


def in_a_branch() -> bool:
    """Whether this process is a branch."""
    return bool(_answer_to)


def answer(result: Any) -> NoReturn:
    """End the branch with a result."""
    _end(pickle.dumps((True, result)))


def answer_what_was_raised() -> NoReturn:
    """End the branch with the traceback of the exception that is being handled."""
    _end(pickle.dumps((False, traceback.format_exc())))


def _end(content: bytes) -> NoReturn:
    with os.fdopen(_answer_to[-1], "wb") as pipe:
        pipe.write(content)
    os._exit(0)


def answered(reading: int) -> Any:
    """What a branch answered.

    Raises
    ------
    BranchFailed
        With the traceback of the branch.
    """
    process, chunks = _processes.pop(reading), []
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], SECONDS)[0]:
            chunk = pipe.read(1 << 16)
            if not chunk:
                break
            chunks.append(chunk)
        else:
            os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    if not chunks:
        raise BranchFailed(f"a branch ended without a word, or took longer than {SECONDS} s")
    succeeded, content = pickle.loads(b"".join(chunks))  # noqa: S301 - our own child wrote it
    if not succeeded:
        raise BranchFailed(content)
    return content


def branched(work: Callable[[], Any]) -> Any:
    """What `work` returns, done in a branch: this process does not change."""
    reading = fork()
    if reading is not None:
        return answered(reading)
    try:
        result = work()
    except BaseException:  # noqa: BLE001 - it is raised again where the branch began
        answer_what_was_raised()
    answer(result)
