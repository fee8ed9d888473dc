"""A capture object -> its requests with their rows, one by one, without statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chalicelib.capture.gzip_stream import decompress
from chalicelib.capture.lines import blocks, split_lines
from chalicelib.capture.options import DEFAULT_OPTIONS, CaptureOptions
from chalicelib.capture.record_reader import CapturedRequest, read_line
from chalicelib.capture.row_reader import RejectedLine
from chalicelib.errors import RejectedRecord


def captured_requests(
    chunks: Iterable[bytes], options: CaptureOptions = DEFAULT_OPTIONS
) -> Iterator[CapturedRequest | RejectedLine]:
    r"""Read a capture object line by line; a line that cannot be read is yielded as rejected, and reading goes on.

    Parameters
    ----------
    chunks
        The bytes of the object, in chunks of any size; in gzip or not.

    Examples
    --------
    >>> line = b'{"captureData": {"endpointInput": {"data": "1,2", "encoding": "CSV"}}}'
    >>> [type(item).__name__ for item in captured_requests([line + b"\n{oops\n"])]
    ['CapturedRequest', 'RejectedLine']
    """
    end = 0
    try:
        for block in blocks(decompress(chunks), options.max_line_bytes):
            items = (read_line(*line, options) for line in split_lines(block, options.max_line_bytes))
            yield from (item for item in items if item is not None)
            end = block.end
    except RejectedRecord as rejected:  # the rest of the gzip stream
        yield RejectedLine(end, end, rejected.reason, b"")
