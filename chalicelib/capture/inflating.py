r"""An object in gzip -> its bytes, with a bound on what it may expand to; any other object as it is.

SageMaker does not compress captures, but people who archive them do. A capture shrinks 2 to 12 times
(benchmarks/RESULTS.md), a bomb 1,000 times: reading stops at RATIO times the bytes read, once FREE bytes are exceeded.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from chalicelib.capture import reasons
from chalicelib.errors import RejectedRecord

MAGIC = b"\x1f\x8b"
RATIO = 100
FREE = 16 << 20
_PIECE = 1 << 19


def inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""The bytes of an object, whether or not it is compressed.

    Raises
    ------
    RejectedRecord
        Behind the bytes that were read: when it expands too far, or when the gzip stream is damaged or cut off.

    Examples
    --------
    >>> import gzip
    >>> b"".join(inflated([gzip.compress(b"a\n"), gzip.compress(b"b\n")]))
    b'a\nb\n'
    >>> list(inflated([b"plain"]))
    [b'plain']
    """
    remaining = iter(chunks)
    head = b""
    for chunk in remaining:
        head += chunk
        if len(head) >= len(MAGIC):
            break
    if not head.startswith(MAGIC):
        if head:
            yield head
        yield from remaining
        return
    yield from _inflated(head, remaining)


def _inflated(head: bytes, remaining: Iterator[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    read = written = 0
    chunk: bytes | None = head
    while chunk is not None:
        read += len(chunk)
        while chunk or stream.unconsumed_tail:
            if stream.eof:  # another member follows
                stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                piece = stream.decompress(chunk, _PIECE)
            except zlib.error:
                raise RejectedRecord(reasons.BAD_GZIP) from None
            written += len(piece)
            if written > FREE and written > RATIO * read:
                raise RejectedRecord(reasons.GZIP_BOMB)
            if piece:
                yield piece
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
        chunk = next(remaining, None)
    if not stream.eof:
        raise RejectedRecord(reasons.BAD_GZIP)
