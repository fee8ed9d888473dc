"""What the two readers of a block have in common: they append rows to a batch, and return counts and what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from chalicelib.capture.envelope import RequestKind
from chalicelib.capture.lines import Block
from chalicelib.capture.payload import OpaquePayload
from chalicelib.capture.rejection_reasons import RejectionReason


class RejectedLine(NamedTuple):
    """A line that cannot be read: its byte range in the object, the reason, and its bytes for a quarantine file."""

    start: int
    end: int
    reason: RejectionReason
    line: bytes  # empty when it was longer than allowed


class ReadResult(msgspec.Struct):
    """What a reader counted in a block of lines, and the lines that it left."""

    requests: Counter[RequestKind] = msgspec.field(default_factory=Counter)
    ground_truth: int = 0  # requests with labels beside them
    opaque: list[tuple[str, OpaquePayload]] = []  # each with its side
    left_out: Counter[str] = msgspec.field(default_factory=Counter)  # keys, by requests
    inference_times: set[str] = set()  # as captured
    rejected: list[RejectedLine] = []
    left_over: Sequence[int] | None = ()  # positions of lines of the block, ascending; None: every line


class RowReader(Protocol):
    """Reads the lines of a block into a batch.

    `VectorizedBlockReader` is fast and leaves every line that is not plainly well-formed; `RecordReader` is exact,
    rejects what cannot be read, and leaves nothing. Both read the same rows from the same line.
    """

    def read(self, block: Block, positions: Sequence[int] | None = None) -> ReadResult:
        """Append the rows of the lines at these positions of the block (None: of every line)."""
