"""A large JSON list -> smaller lists of its elements, so that a million records are never in memory as Python objects.

Handled is a list whose first element is a list or an object, alone or as the only value of an object: `[[...], ...]`,
`{"instances": [{...}, ...]}`. Brackets and strings alone give the boundaries of the elements; whether they are JSON
shows when the chunks are parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

CHUNK_CHARS = 1 << 18
_BEGIN = re.compile(r'\s*(?:\{\s*"(\w+)"\s*:\s*)?\[\s*(?=[\[{])').match
# Possessive, so that a string of a megabyte leaves nothing to come back to.
_TOKENS = re.compile(r'"(?>[^"\\]++|\\.)*+"|[\[\]{},]', re.DOTALL).finditer
_END = re.compile(r"\s*(\})?\s*").fullmatch


class JsonArrayChunks(msgspec.Struct, frozen=True):
    """A large list, and where its chunks begin; iterating yields each chunk as a JSON list."""

    text: str
    container: str  # the key whose value the list is, "" when it stands alone
    boundaries: tuple[int, ...]  # where chunks begin, and behind the last one

    @classmethod
    def of(cls, text: str) -> JsonArrayChunks | None:
        """The chunks of a document; None when it is no such list, or not plainly one.

        Examples
        --------
        >>> chunks = JsonArrayChunks.of('{"instances": [[1, "]"], [2, "x"]]}')
        >>> chunks.container, list(chunks)
        ('instances', ['[[1, "]"], [2, "x"]]'])
        >>> JsonArrayChunks.of("[1, 2]"), JsonArrayChunks.of("[[1], [2]"), JsonArrayChunks.of("[[1]] 2")
        (None, None, None)
        """
        begin = _BEGIN(text)
        if begin is None:
            return None
        boundaries = [begin.end()]
        depth = 1
        for token in _TOKENS(text, begin.end()):
            sign = token[0]
            if sign == ",":
                if depth == 1 and token.end() - boundaries[-1] > CHUNK_CHARS:
                    boundaries.append(token.end())
            elif sign in "[{":
                depth += 1
            elif sign in "]}":
                depth -= 1
                if not depth:
                    end = _END(text, token.end())
                    if end is None or (end[1] is None) != (begin[1] is None):
                        return None
                    return cls(text, begin[1] or "", (*boundaries, token.end()))
        return None

    def __iter__(self) -> Iterator[str]:
        """Each piece as a list of its own: behind its elements lies the comma or the bracket that ended it."""
        for begin, end in zip(self.boundaries[:-1], self.boundaries[1:], strict=True):
            yield f"[{self.text[begin : end - 1]}]"
