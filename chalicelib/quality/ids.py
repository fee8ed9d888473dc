"""The id that a prediction and its label share, and its keyed hash.

As in Model Monitor, the inference id of the request wins over the event id, and a label names either as its `eventId`
(https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html). Ids are often those of
customers, and a plain hash of them can be found by trying all customers: so only a hash with the stage's secret is
stored.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HASH_BYTES = 8  # two of a million ids of a day are the same by chance in one of 30 million days
MIN_SECRET_BYTES = 16
_ROW_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # spreads the row over all bits (Knuth's multiplicative hash)


class IdHash:
    """Hashes ids with a secret.

    Parameters
    ----------
    secret
        The stage's, 16 to 64 bytes.

    Raises
    ------
    ValueError
        When the secret has another length.

    Examples
    --------
    >>> one, other = IdHash(b"0" * 16), IdHash(b"1" * 16)
    >>> one.of("a") == one.of("a"), one.of("a") == one.of("b"), one.of("a") == other.of("a")
    (True, False, False)
    """

    def __init__(self, secret: bytes) -> None:
        if not MIN_SECRET_BYTES <= len(secret) <= hashlib.blake2b.MAX_KEY_SIZE:
            raise ValueError(f"the secret needs {MIN_SECRET_BYTES} to {hashlib.blake2b.MAX_KEY_SIZE} bytes")
        self._secret = secret

    def of(self, text: str) -> int:
        """The hash of an id: 64 bits."""
        content = text.encode("utf-8", "backslashreplace")
        digest = hashlib.blake2b(content, digest_size=HASH_BYTES, key=self._secret).digest()
        return int.from_bytes(digest, "little")


def row_keys(ids: NDArray[np.uint64], rows: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """One key for each id and row; that of row 0 is the id.

    >>> row_keys(np.array([7, 7], dtype=np.uint64), np.array([0, 1], dtype=np.uint32))[0]
    np.uint64(7)
    """
    keys: NDArray[np.uint64] = ids ^ (rows.astype(np.uint64) * _ROW_FACTOR)
    return keys
