"""Requests to an endpoint: one, or many at a steady pace with some of them bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from botocore.exceptions import ClientError

from chalicelib.aws.sagemaker import NOT_FOUND, says
from chalicelib.errors import UnreadableFile, VedetteError
from vedette.operations import aws


class Answer(msgspec.Struct, frozen=True):
    """What an endpoint answered."""

    endpoint: str
    body: str
    content_type: str
    variant: str


@dataclass
class Sent:
    """What a simulation has sent so far."""

    good: int = 0
    bad: int = 0
    failed: dict[str, int] = field(default_factory=dict)  # by the code of the error

    @property
    def total(self) -> int:
        """Every request, answered or not."""
        return self.good + self.bad


def invoke(endpoint: str, payload: bytes, content_type: str = "text/csv", accept: str = "") -> Answer:
    """Send one request.

    Raises
    ------
    VedetteError
        When the endpoint is not there, or the model refuses; one sentence, in SageMaker's words.
    """
    try:
        answer = aws.invoke_endpoint(endpoint, payload, content_type, accept)
    except ClientError as error:
        raise VedetteError(f"{endpoint}: {aws.code(error)}: {aws.message(error)}") from error
    text = answer["body"].decode(errors="backslashreplace")
    return Answer(endpoint, text, answer["content_type"], answer["variant"])


def read_rows(file: Path, *, header: bool = False) -> list[str]:
    """The lines of a file, each one the body of a request or a part of one; empty lines are left out.

    Raises
    ------
    UnreadableFile
        When there is none.
    """
    try:
        lines = [line for line in file.read_text().splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{file}: not UTF-8") from error
    rows = lines[1:] if header else lines
    if not rows:
        raise UnreadableFile(f"{file}: no rows")
    return rows


def requests(good: Sequence[str], bad: Sequence[str], share: float, rows: int) -> Iterator[tuple[bool, str]]:
    """Bodies without end, and whether each is bad: every file from its beginning again, bad ones spread evenly.

    Examples
    --------
    >>> from itertools import islice
    >>> list(islice(requests(["1", "2"], ["x"], 0.5, 1), 4))
    [(False, '1'), (True, 'x'), (False, '2'), (True, 'x')]
    """
    number = {False: 0, True: 0}
    count = 0
    while True:
        corrupted = bool(bad) and int((count + 1) * share) > int(count * share)
        source = bad if corrupted else good
        chosen = [source[(number[corrupted] + i) % len(source)] for i in range(rows)]
        number[corrupted] += rows
        count += 1
        yield corrupted, "\n".join(chosen)


def simulate(
    endpoint: str,
    bodies: Iterator[tuple[bool, str]],
    *,
    every_seconds: float,
    count: int | None,
    content_type: str,
    wait: Callable[[float], None],
    report: Callable[[Sent], None] = lambda sent: None,
) -> Sent:
    """Send requests at a steady pace until the count is reached or somebody interrupts; then say what was sent.

    What the model refuses is counted, and the traffic goes on: an endpoint under test may well refuse.

    Raises
    ------
    VedetteError
        When the very endpoint is not there.
    """
    sent = Sent()
    try:
        for corrupted, body in bodies:
            _send(endpoint, body, content_type, sent)
            if corrupted:
                sent.bad += 1
            else:
                sent.good += 1
            report(sent)
            if sent.total == count:
                break
            wait(every_seconds)
    except KeyboardInterrupt:
        pass
    return sent


def _send(endpoint: str, body: str, content_type: str, sent: Sent) -> None:
    try:
        aws.invoke_endpoint(endpoint, body.encode(), content_type, "")
    except ClientError as error:
        if says(error, *NOT_FOUND, "not found"):
            raise VedetteError(f"{endpoint}: {aws.message(error)}") from error
        sent.failed[aws.code(error)] = sent.failed.get(aws.code(error), 0) + 1
