"""Data only moves forward through the modules of `capture`: no module calls back into one that called it."""

import gzip
import sys
from collections import Counter
from graphlib import TopologicalSorter

from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import summarize
from tests.capture.captures import base64_side, line, side

PACKAGE = "chalicelib.capture."
STAGES = {
    *(
        "batch_accumulator",
        "block_reader",
        "csv_reader",
        "csv_tokenizer",
        "envelope",
        "flatten",
        "gzip_stream",
        "json_tables",
        "json_values",
    ),
    *("json_chunks", "json_layouts", "lazy_rows", "lines", "payload", "payload_forms", "record_reader", "summary"),
}
LARGE = 10_001  # rows in one request: more than are in memory at once
RECORDS = [{"a": i, "b": [1.5, None], "c": {"d": "x"}} for i in range(3)]
MIXED = b"".join(
    [
        line(side("1,2\n3,4"), side("0.5\n0.25")) * 20,
        line(side("1,2,3"), side("0.5")),
        line(base64_side("1,2"), base64_side("0.5")) * 20,
        *(line(side({"instances": [{"a": i, "b": i}]}, "JSON"), side({"score": 0.5}, "JSON")) for i in range(20)),
        *(line(side({"instances": RECORDS}, "JSON"), side("7\n8\n9")) for _ in range(20)),
        line(side({"instances": RECORDS}, "JSON"), side("0.1,0.2,0.3")),
        line(side('{"a": 1}\n{"a": 2}', "JSON"), side("0\n1")),
        line(side([[1, "x" * 30]] * LARGE, "JSON"), side("7\n" * LARGE)),
        line(side('{"features": [[1, 2], [3, {"a": [4]}]]}', "JSON")),
        line(side({"instances": list(range(LARGE))}, "JSON"), side("7," * (LARGE - 1) + "7")),
        line(side('1,"open'), side("1")),
        line(base64_side(b"\x89PNG", "image/png"), side("cat,0.9")),
        line(side("1"), side("0"), customAttributes=["vedette-probe"]),
        line(side("1"), side({"error": "no"}, "JSON")),
        line(side("1"), side("0"), inferenceTime=None),
        b"oops\n\n \n",
        b'{"captureData": {}}\n',
        b"x" * 4_000_000 + b"\n",
        line(side("1,2"), side("0.5")),
    ]
)


class Trace:
    """How often a function enters each module of `capture` on one call stack, and which of these call each other.

    A function enters a module when the frame below its own, of those in chalicelib, belongs to another module.
    """

    def __init__(self) -> None:
        self.most_entries: Counter[str] = Counter()  # by module: on any one stack
        self.calls: set[tuple[str, str]] = set()

    def __call__(self, frame, event, argument):
        if event != "call" or not module(frame).startswith(PACKAGE):
            return
        stack: list[str] = []
        while frame.f_code is not traced.__code__:
            if module(frame).startswith("chalicelib.") and module(frame) not in stack[-1:]:
                stack.append(module(frame))
            frame = frame.f_back
        stack = [name.removeprefix(PACKAGE) for name in stack if name.startswith(PACKAGE)]
        self.calls.update(zip(stack[1:], stack[:-1], strict=True))
        for name, entries in Counter(stack).items():
            self.most_entries[name] = max(self.most_entries[name], entries)


def module(frame) -> str:
    return frame.f_globals.get("__name__", "")


def traced(trace, content, options):
    sys.setprofile(trace)
    try:
        return summarize([content], options=options)
    finally:
        sys.setprofile(None)


def test_no_module_is_entered_twice_on_any_call_stack_and_no_two_call_each_other():
    trace = Trace()
    summary = traced(trace, gzip.compress(MIXED), CaptureOptions(max_line_bytes=3 << 20))
    assert summary.rejected_lines == 4
    assert summary.rows > 2 * LARGE
    assert trace.most_entries == dict.fromkeys(STAGES, 1)
    callees: dict[str, set[str]] = {}
    for caller, callee in trace.calls:
        callees.setdefault(caller, set()).add(callee)
    order = [*TopologicalSorter(callees).static_order()]  # raises CycleError when two modules call each other
    assert order[-1] == "summary"
