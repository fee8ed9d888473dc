"""A coverage-guided fuzz of the capture reader: nothing may escape, no input may take a second per MB.

    python -m benchmarks.fuzz [libFuzzer options]          (make fuzz: three minutes; make prove runs it)

Inputs are whole objects, and payloads inside a well-formed record, on either side and in every encoding; what is read
at once must be what is read line by line, down to the last statistic. Only UnreadableFile and RejectedRecord
are declared, and `summarize` lets none out.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["chalicelib.capture", "chalicelib.statistics"]):
    from chalicelib.capture.options import CaptureOptions
    from chalicelib.capture.rejection_reasons import RejectionReason
    from chalicelib.statistics.files import read_statistics, write_statistics
    from tests.capture.captures import difference, exactly, quickly

CORPUS = Path(__file__).parents[1] / "tests" / "capture" / "corpus"
ENCODINGS = ("CSV", "JSON", "BASE64", None)
KINDS = ("text/csv", "application/json", None, "text/html")


def one_input(data: bytes) -> None:
    content = as_object(data)
    options = CaptureOptions(header=("", "input", "both")[data[:1] == b"h"])
    begin = time.process_time()
    quick = quickly(content, options)
    seconds = time.process_time() - begin
    if seconds > 1 + len(content) / 1e6:
        raise RuntimeError(f"{seconds:.1f} s for {len(content)} bytes")
    if not quick.rejected.keys() <= set(RejectionReason) - {RejectionReason.UNEXPECTED}:
        raise RuntimeError("a reason that is none, or a defect of the reader")
    for table in quick.tables:
        if table.rows:
            read_statistics(write_statistics(table), "written")
    exact = exactly(content, options)
    found = difference(quick, exact)
    if found:
        raise RuntimeError(f"the quick reader is not the exact one: {found}")


def as_object(data: bytes) -> bytes:
    """The input itself, or a record with the input as a payload."""
    if not data or data[0] % 2:
        return data
    text = data[1:].decode("utf-8", "replace")
    encoding, kind = ENCODINGS[data[0] // 2 % 4], KINDS[data[0] // 8 % 4]
    payload = base64.b64encode(data[1:]).decode() if encoding == "BASE64" else text
    side = {"data": payload, "encoding": encoding, "observedContentType": kind}
    given, _, answer = text.partition("|")
    other = {"data": answer or "1", "encoding": ENCODINGS[data[0] // 32 % 2]}
    both = {"endpointInput": side if data[0] & 128 else {**side, "data": given}, "endpointOutput": other}
    return (json.dumps({"captureData": both, "eventMetadata": {}}) + "\n").encode() * (1 + data[0] // 64 % 2)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as found:  # libFuzzer writes into the first folder
        atheris.Setup([sys.argv[0], *sys.argv[1:], found, str(CORPUS)], one_input)
        atheris.Fuzz()
