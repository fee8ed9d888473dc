"""The requests that changed the account, in a file.

The simulator is deterministic: the same requests at the same simulated times, from the same beginning, make the same
account. So a restart handles them again, and nothing has to know how moto stores a bucket. What the functions did is
not in the file; they do it again. Only what they draw at random, such as the sample in a sketch, may differ.

| line       | content                                                                                      |
|------------|----------------------------------------------------------------------------------------------|
| the first  | the version of Vedette, and when the account began                                           |
| the others | the simulated time, the request with its body in BASE64, and the status of the response      |

A last line that a crash cut off is removed.
"""

from __future__ import annotations

import base64
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from chalicelib.errors import UnreadableFile, VedetteError
from vedette.local.http_messages import Request

FILE = "requests.jsonl"


@dataclass(frozen=True)
class Entry:
    """One request, the simulated time at which it was handled, and whether it succeeded."""

    at: datetime
    request: Request
    status: int  # of the response

    def line(self) -> bytes:
        """The entry as a line of the file."""
        found = self.request
        content = {
            "at": self.at.isoformat(),
            "status": self.status,
            "method": found.method,
            "host": found.host,
            "path": found.path,
            "query": found.query_string,
            "headers": dict(found.headers),
            "body": base64.b64encode(found.body).decode(),
        }
        return json.dumps(content).encode() + b"\n"

    @classmethod
    def of(cls, line: bytes) -> Entry:
        """The entry of a line; raises ValueError or KeyError if it is none."""
        found = json.loads(line)
        body = base64.b64decode(found["body"])
        request = Request(found["method"], found["host"], found["path"], found["query"], found["headers"], body)
        return cls(datetime.fromisoformat(found["at"]), request, int(found["status"]))


class Journal:
    """The open file of one running server."""

    def __init__(self, folder: Path, now: datetime):
        """Open the journal of a folder; a new one begins now.

        Raises
        ------
        VedetteError
            If another server uses the folder.
        UnreadableFile
            If the file is not a journal.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE
        self._file: IO[bytes] = self._path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise VedetteError(f"Another `vedette local` uses {folder}: stop it, or choose another --keep.") from error
        try:
            self.version, self.began, self.entries = self._opened(now)
        except UnreadableFile:
            self.close()
            raise

    def _opened(self, now: datetime) -> tuple[str, datetime, list[Entry]]:
        """The version, beginning and entries of the file; a new one is begun, and a line that was cut off removed."""
        self._file.seek(0)
        lines = self._file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            self._file.truncate(sum(map(len, lines[:-1])))
            lines.pop()
        if not lines:
            self._write(json.dumps({"version": version("vedette"), "began": now.isoformat()}).encode() + b"\n")
            return version("vedette"), now, []
        return *self._head(lines[0]), list(self._read(lines[1:]))

    def _head(self, line: bytes) -> tuple[str, datetime]:
        try:
            head = json.loads(line)
            return str(head["version"]), datetime.fromisoformat(head["began"])
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableFile(f"{self._path}: line 1 is not the beginning of a `vedette local`") from error

    def _read(self, lines: list[bytes]) -> Iterator[Entry]:
        for number, line in enumerate(lines, 2):
            try:
                yield Entry.of(line)
            except (ValueError, KeyError, TypeError) as error:
                raise UnreadableFile(f"{self._path}: line {number} is not a request of a `vedette local`") from error

    def add(self, entry: Entry) -> None:
        """Append an entry."""
        self._write(entry.line())

    def _write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        """Close the file, and let another server use it."""
        self._file.close()
