"""Requests to an endpoint: one, or many at a steady rate with some of them bad."""

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
    """The response of an endpoint."""

    endpoint: str
    body: str
    content_type: str
    variant: str


@dataclass
class Sent:
    """The counts of a simulation so far."""

    good: int = 0
    bad: int = 0
    failed: dict[str, int] = field(default_factory=dict)  # by error code

    @property
    def total(self) -> int:
        """All requests, successful or not."""
        return self.good + self.bad


def invoke(endpoint: str, payload: bytes, content_type: str = "text/csv", accept: str = "") -> Answer:
    """Send one request.

    Raises
    ------
    VedetteError
        If the endpoint does not exist or the model fails, with SageMaker's message.
    """
    try:
        answer = aws.invoke_endpoint(endpoint, payload, content_type, accept)
    except ClientError as error:
        raise VedetteError(f"{endpoint}: {aws.code(error)}: {aws.message(error)}") from error
    text = answer["body"].decode(errors="backslashreplace")
    return Answer(endpoint, text, answer["content_type"], answer["variant"])


def read_rows(file: Path, *, header: bool = False) -> list[str]:
    """The non-empty lines of a file.

    Raises
    ------
    UnreadableFile
        If there is none.
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
    """An endless sequence of (bad, body): both files are repeated, and bad requests are spread evenly.

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
    """Send requests at a steady rate until the count is reached or the user interrupts; returns the counts.

    Requests that fail are counted, and the traffic continues.

    Raises
    ------
    VedetteError
        If the endpoint does not exist.
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
