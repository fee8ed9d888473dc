"""How long the texts of a column are: minimum, maximum and mean length, in a form that adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import mul

import msgspec


class Lengths(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Lengths of texts in one unit: characters, words or bytes.

    Examples
    --------
    >>> (Lengths.of({"abc": 2}) + Lengths.of({"a": 1})).mean
    2.3333333333333335
    >>> Lengths.of_words({"two words": 1, "and three more": 1}).maximum
    3
    """

    count: int = 0
    total: int = 0  # of the lengths
    minimum: int | None = None
    maximum: int | None = None

    @classmethod
    def of(cls, texts: Mapping[str, int]) -> Lengths:
        """The lengths in characters of counted texts."""
        return cls._of(list(map(len, texts)), texts.values())

    @classmethod
    def of_words(cls, texts: Mapping[str, int]) -> Lengths:
        """The lengths in words of counted texts; white space of any kind divides words."""
        joined = "".join(texts)
        if "" not in texts and joined.split(None, 1) == [joined]:  # no blank anywhere
            count = sum(texts.values())
            return cls(count=count, total=count, minimum=1, maximum=1) if count else cls()
        return cls._of([len(text.split()) for text in texts], texts.values())

    @classmethod
    def _of(cls, lengths: list[int], repeats: Iterable[int]) -> Lengths:
        if not lengths:
            return cls()
        counts = list(repeats)
        total = sum(map(mul, lengths, counts))
        return cls(count=sum(counts), total=total, minimum=min(lengths), maximum=max(lengths))

    @classmethod
    def single(cls, length: int) -> Lengths:
        """The lengths of one text."""
        return cls(count=1, total=length, minimum=length, maximum=length)

    def __add__(self, other: Lengths) -> Lengths:
        if self.minimum is None or self.maximum is None:
            return other
        if other.minimum is None or other.maximum is None:
            return self
        return Lengths(
            count=self.count + other.count,
            total=self.total + other.total,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
        )

    @property
    def mean(self) -> float | None:
        """The mean length; None without texts."""
        return self.total / self.count if self.count else None
