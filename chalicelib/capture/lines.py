"""Bytes in chunks of any size -> blocks of whole lines -> lines with their byte ranges, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

BLOCK_BYTES = 1 << 19  # bytes: twice as much does not fit a processor's cache with what is made of it
Line = tuple[int, int, bytes | None]  # first byte, byte after the last one, the line (None: longer than allowed)


class Block(NamedTuple):
    """Whole lines that lie one behind the other; None stands for one line that is longer than allowed."""

    start: int
    end: int
    data: bytes | None


def blocks(chunks: Iterable[bytes], longest: int) -> Iterator[Block]:
    r"""Cut after the last b"\n" of every half megabyte.

    A line longer than `longest` bytes is dropped as it comes, so that one line of a gigabyte costs one chunk of memory.

    Examples
    --------
    >>> [block.data for block in blocks([b"ab\nc", b"d\n", b"e"], 10)]
    [b'ab\n', b'cd\n', b'e']
    >>> list(blocks([b"abcdef", b"g\nh"], 5))
    [Block(start=0, end=7, data=None), Block(start=8, end=9, data=b'h')]
    """
    start = 0  # of the block at hand
    pending: list[bytes] = []  # the unfinished line at its end
    held = 0  # bytes of it seen so far
    for piece in _pieces(chunks):
        cut = piece.rfind(b"\n") + 1
        if cut:
            first = piece.find(b"\n")
            begin = 0
            if held + first > longest:
                yield Block(start, start + held + first, None)
                start += held + first + 1
                pending, begin = [], first + 1
            data = b"".join((*pending, memoryview(piece)[begin:cut]))
            if data:
                yield Block(start, start + len(data), data)
            start += len(data)
            pending, held = [], 0
        held += len(piece) - cut
        if held > longest:
            pending = []
        elif len(piece) > cut:
            pending.append(piece[cut:])
    if held:
        yield Block(start, start + held, b"".join(pending) if held <= longest else None)


def lines(chunks: Iterable[bytes], longest: int) -> Iterator[Line]:
    r"""The lines of all blocks.

    Examples
    --------
    >>> list(lines([b"ab\nc", b"d\n", b"e"], 10))
    [(0, 2, b'ab'), (3, 5, b'cd'), (6, 7, b'e')]
    """
    for block in blocks(chunks, longest):
        yield from lines_of(block, longest)


def lines_of(block: Block, longest: int) -> Iterator[Line]:
    r"""Split on b"\n" alone; the line end belongs to no line.

    str.splitlines would also cut at U+2028 and U+0085, which are legal inside JSON strings.

    Examples
    --------
    >>> list(lines_of(Block(5, 10, b"ab\nc\n"), 10))
    [(5, 7, b'ab'), (8, 9, b'c')]
    """
    if block.data is None:
        yield block
        return
    start = block.start
    for line in block.data.removesuffix(b"\n").split(b"\n"):
        yield start, start + len(line), line if len(line) <= longest else None
        start += len(line) + 1


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) <= BLOCK_BYTES:
            yield chunk
        else:
            yield from (chunk[begin : begin + BLOCK_BYTES] for begin in range(0, len(chunk), BLOCK_BYTES))
