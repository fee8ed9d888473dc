r"""The bytes of an object -> its uncompressed bytes, within a limit; an object that is not in gzip passes unchanged.

SageMaker does not compress captures, but people who archive them do. A capture shrinks 2 to 12 times
(benchmarks/RESULTS.md), a bomb 1,000 times: reading stops when the output exceeds MAX_EXPANSION_RATIO times the bytes
read; the first EXEMPT_BYTES of output are exempt.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from chalicelib.capture.rejection_reasons import RejectionReason
from chalicelib.errors import RejectedRecord

GZIP_MAGIC = b"\x1f\x8b"
MAX_EXPANSION_RATIO = 100
EXEMPT_BYTES = 16 << 20
_MAX_OUTPUT_BYTES = 1 << 19  # of one step


def decompress(chunks: Iterable[bytes]) -> Iterator[bytes]:
    r"""The uncompressed bytes of an object, in chunks.

    Raises
    ------
    RejectedRecord
        BAD_GZIP when the stream is damaged or cut off, GZIP_BOMB when it expands too far; after the bytes before that
        place were yielded.

    Examples
    --------
    >>> import gzip
    >>> b"".join(decompress([gzip.compress(b"a\n"), gzip.compress(b"b\n")]))
    b'a\nb\n'
    >>> list(decompress([b"plain"]))
    [b'plain']
    """
    remaining = iter(chunks)
    head = b""
    for chunk in remaining:
        head += chunk
        if len(head) >= len(GZIP_MAGIC):
            break
    if not head.startswith(GZIP_MAGIC):
        if head:
            yield head
        yield from remaining
        return
    yield from _decompress(head, remaining)


def _decompress(head: bytes, remaining: Iterator[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    read = written = 0
    chunk: bytes | None = head
    while chunk is not None:
        read += len(chunk)
        while chunk or stream.unconsumed_tail:
            if stream.eof:  # another member follows
                stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                output = stream.decompress(chunk, _MAX_OUTPUT_BYTES)
            except zlib.error:
                raise RejectedRecord(RejectionReason.BAD_GZIP) from None
            written += len(output)
            if written > EXEMPT_BYTES and written > MAX_EXPANSION_RATIO * read:
                raise RejectedRecord(RejectionReason.GZIP_BOMB)
            if output:
                yield output
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
        chunk = next(remaining, None)
    if not stream.eof:
        raise RejectedRecord(RejectionReason.BAD_GZIP)
