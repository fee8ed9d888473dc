"""Identifiers in the format of AWS, the same in every run: they come from one seeded generator."""

from __future__ import annotations

import random
import threading


class Ids:
    """The only source of randomness in a Cloud."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)  # noqa: S311 - determinism is wanted, not secrecy
        self._lock = threading.Lock()

    def uuid(self) -> str:
        """A version 4 UUID."""
        with self._lock:
            digits = f"{self._random.getrandbits(128):032x}"
        variant = "89ab"[int(digits[16], 16) % 4]
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"

    def hexadecimal(self, digits: int) -> str:
        """A string of `length` hexadecimal digits."""
        with self._lock:
            return f"{self._random.getrandbits(4 * digits):0{digits}x}"

    def fraction(self) -> float:
        """A number in [0, 1)."""
        with self._lock:
            return self._random.random()

    def below(self, limit: int) -> int:
        """A whole number in [0, limit)."""
        with self._lock:
            return self._random.randrange(limit)
