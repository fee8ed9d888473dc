"""Bytes in chunks of any size -> blocks of whole lines -> lines with their byte ranges, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

BLOCK_BYTES = 1 << 19  # twice as much does not fit a processor's cache with what is made of it
Line = tuple[int, int, bytes | None]  # first byte, byte after the last one, the line (None: longer than allowed)


class Block(NamedTuple):
    """Consecutive whole lines with their byte range in the object; `data` is None for one line that is too long."""

    start: int
    end: int
    data: bytes | None


def blocks(chunks: Iterable[bytes], max_line_bytes: int) -> Iterator[Block]:
    r"""Cut bytes after the last b"\n" of every half megabyte.

    The bytes of a line longer than `max_line_bytes` are dropped as they come, so that one line of a gigabyte costs one
    chunk of memory.

    Examples
    --------
    >>> [block.data for block in blocks([b"ab\nc", b"d\n", b"e"], 10)]
    [b'ab\n', b'cd\n', b'e']
    >>> list(blocks([b"abcdef", b"g\nh"], 5))
    [Block(start=0, end=7, data=None), Block(start=8, end=9, data=b'h')]
    """
    start = 0  # of the current block
    pending: list[bytes] = []  # the unfinished line at its end
    pending_bytes = 0  # of that line, dropped ones included
    for piece in _pieces(chunks):
        cut = piece.rfind(b"\n") + 1
        if cut:
            first = piece.find(b"\n")
            begin = 0
            if pending_bytes + first > max_line_bytes:
                yield Block(start, start + pending_bytes + first, None)
                start += pending_bytes + first + 1
                pending, begin = [], first + 1
            data = b"".join((*pending, memoryview(piece)[begin:cut]))
            if data:
                yield Block(start, start + len(data), data)
            start += len(data)
            pending, pending_bytes = [], 0
        pending_bytes += len(piece) - cut
        if pending_bytes > max_line_bytes:
            pending = []
        elif len(piece) > cut:
            pending.append(piece[cut:])
    if pending_bytes:
        yield Block(start, start + pending_bytes, b"".join(pending) if pending_bytes <= max_line_bytes else None)


def split_lines(block: Block, max_line_bytes: int) -> Iterator[Line]:
    r"""The lines of one block, split on b"\n" alone; a line does not include its line end.

    str.splitlines would also cut at U+2028 and U+0085, which are legal inside JSON strings.

    Examples
    --------
    >>> list(split_lines(Block(5, 10, b"ab\nc\n"), 10))
    [(5, 7, b'ab'), (8, 9, b'c')]
    """
    if block.data is None:
        yield block
        return
    start = block.start
    for line in block.data.removesuffix(b"\n").split(b"\n"):
        yield start, start + len(line), line if len(line) <= max_line_bytes else None
        start += len(line) + 1


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) <= BLOCK_BYTES:
            yield chunk
        else:
            yield from (chunk[begin : begin + BLOCK_BYTES] for begin in range(0, len(chunk), BLOCK_BYTES))
