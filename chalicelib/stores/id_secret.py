"""The stage's secret, with which the ids of predictions and labels are hashed.

| pk    | sk        | record   |
|-------|-----------|----------|
| stage | id secret | IdSecret |

It is made when the first prediction or label is stored, and the first writer wins. Whoever may read the table may read
it. Without it no stored hash can be traced to an id, nor joined to a label that comes later.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.aws.dynamodb import Table
from chalicelib.errors import NotReady
from chalicelib.recent_reads import RecentReads
from chalicelib.records import IdSecret

_STAGE, _SECRET = "stage", "id secret"
SECRET_BYTES = 32
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class IdSecretStore:
    """One item of the stage's table."""

    table: Table
    recent: RecentReads | None = None  # where it may be up to 30 seconds old

    def get(self) -> bytes:
        """The secret; made now if there is none."""
        return self.recent.get(_SECRET, self._read_or_make) if self.recent else self._read_or_make()

    def erase(self) -> None:
        """Delete the secret: what is stored can be joined to nothing new, and the next use makes another one."""
        self.table.delete(_STAGE, _SECRET)

    def _read_or_make(self) -> bytes:
        for _ in range(MAX_ATTEMPTS):
            stored, _ = self.table.get(IdSecret, _STAGE, _SECRET)
            if stored is not None:
                return stored.key
            made = IdSecret(key=secrets.token_bytes(SECRET_BYTES), at=datetime.now(UTC))
            if self.table.put(made, _STAGE, _SECRET, 0):
                return made.key
        raise NotReady("The secret of the stage is being erased.")
