"""Bytes in chunks of any size -> lines with their byte ranges, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Line = tuple[int, int, bytes | None]  # first byte, byte after the last one, the line (None: longer than allowed)


def lines(chunks: Iterable[bytes], longest: int) -> Iterator[Line]:
    r"""Split on b"\n" alone; the line end belongs to no line.

    str.splitlines would also cut at U+2028 and U+0085, which are legal inside JSON strings. A line longer than
    `longest` bytes is dropped as it comes, so that one line of a gigabyte costs one chunk of memory.

    Examples
    --------
    >>> list(lines([b"ab\nc", b"d\n", b"e"], 10))
    [(0, 2, b'ab'), (3, 5, b'cd'), (6, 7, b'e')]
    >>> list(lines([b"abcdef", b"g\nh"], 5))
    [(0, 7, None), (8, 9, b'h')]
    """
    start = 0  # of the line at hand
    pending: list[bytes] = []  # its pieces from earlier chunks
    held = 0  # bytes of it seen so far
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        last = pieces.pop()
        for piece in pieces:
            held += len(piece)
            yield start, start + held, None if held > longest else b"".join((*pending, piece))
            start += held + 1
            pending, held = [], 0
        held += len(last)
        if held > longest:
            pending = []
        elif last:
            pending.append(last)
    if held:
        yield start, start + held, b"".join(pending) if held <= longest else None
