"""Captured requests by msgspec's line decoder, in chunks of 4 MB that end with a line: as fast as Python reads them."""

from __future__ import annotations

from collections.abc import Iterator

import kit
import msgspec


class Side(msgspec.Struct, gc=False):
    data: str = ""
    encoding: str = "CSV"


class Data(msgspec.Struct, gc=False):
    endpointInput: Side | None = None  # noqa: N815
    endpointOutput: Side | None = None  # noqa: N815


class Event(msgspec.Struct, gc=False):
    captureData: Data  # noqa: N815


_DECODE = msgspec.json.Decoder(Event).decode_lines


def envelopes(path: str) -> Iterator[list[Event]]:
    rest = b""
    for chunk in kit.chunks(path, 4 << 20):
        cut = chunk.rfind(b"\n") + 1
        yield _DECODE(rest + chunk[:cut])
        rest = chunk[cut:]
    if rest:
        yield _DECODE(rest)
