"""Reads what callers of an endpoint, or writers of labels, sent: no byte of it may make a function fail.

| what is raised while it is read            | outcome                                                              |
|--------------------------------------------|----------------------------------------------------------------------|
| by the chunks: S3 or the network failed    | raised, so that the platform repeats the invocation                  |
| ImportError: the package is not whole      | raised: no byte brings that about                                    |
| anything else                              | None; the error's type is logged, since its text could hold the data |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from chalicelib.observability import logger

T = TypeVar("T")


class _Chunks:
    """The bytes of an object, and whether they failed to arrive."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.interrupted = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except Exception:
            self.interrupted = True
            raise


def read_guarded(
    chunks: Iterable[bytes], read: Callable[[Iterable[bytes]], T], failure: str, *, endpoint: str, key: str
) -> T | None:
    """What `read` makes of an object; None when it fails on its bytes, with `failure` in the log."""
    return read_pair_guarded(chunks, (), lambda one, _: read(one), failure, endpoint=endpoint, key=key)


def read_pair_guarded(
    chunks: Iterable[bytes],
    others: Iterable[bytes],
    read: Callable[[Iterable[bytes], Iterable[bytes]], T],
    failure: str,
    *,
    endpoint: str,
    key: str,
) -> T | None:
    """The same of two objects that are read together."""
    watched = _Chunks(chunks), _Chunks(others)
    try:
        return read(*watched)
    except ImportError:
        raise
    except Exception as error:
        if any(one.interrupted for one in watched):
            raise
        logger.error(failure, endpoint=endpoint, key=key, kind=type(error).__name__)
        return None
