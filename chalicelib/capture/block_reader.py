"""The vectorized reader: the plainly well-formed requests of a block at once, many times as fast as line by line.

Each shortcut has a guard. A request that does not pass it is left for `record_reader`: nothing is rejected here, and a
request that is read here gives the rows that `record_reader` gives (a property test compares the two). Read are

- CSV, as text or as base64 of text/csv, on both sides or on one alone: `csv_tokenizer` finds the cells of all requests
  at once, without making them;
- JSON on both sides, or on one where the other is CSV, with as many rows in the output as in the input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from chalicelib.capture.batch_accumulator import BatchAccumulator
from chalicelib.capture.csv_tokenizer import TokenizedCsv, tokenize
from chalicelib.capture.envelope import Envelope, Envelopes, PlainEnvelope, RequestKind, envelopes
from chalicelib.capture.json_layouts import JsonLayout
from chalicelib.capture.json_tables import paired
from chalicelib.capture.lazy_rows import MAX_EAGER_ROWS, Names, blank_names
from chalicelib.capture.lines import Block
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.payload import json_payload
from chalicelib.capture.payload_forms import RequestGroup, csv_payloads, group_by_form, texts
from chalicelib.capture.row_reader import ReadResult
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.csv_columns import CsvBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

CsvSide = TokenizedCsv | None  # None: the side is absent
# Fewer requests of fewer bytes are read faster one by one (`benchmarks/small_objects.py`).
MIN_REQUESTS, MIN_BYTES = 20, 25_000
_SAMPLE_REQUESTS = 8  # of a block, from which the JSON layouts of the others are learned


class VectorizedBlockReader:
    """Reads the requests of a block together; see `row_reader`. A block of fewer requests than given is left whole."""

    def __init__(self, options: CaptureOptions, batch: BatchAccumulator, min_requests: int = MIN_REQUESTS) -> None:
        self._options = options
        self._min_requests = min_requests
        self._batch = batch
        self._json_layouts: tuple[JsonLayout, JsonLayout] | None = None  # of outputs and inputs, learned so far
        self._json_cells: dict[tuple[Names, Names], tuple[list[Any], list[Any]]] = {}  # of this block, by names

    def read(self, block: Block, positions: Sequence[int] | None = None) -> ReadResult:
        """Append the rows of a block's plain requests; a small block, and one that does not decode, is left whole."""
        data = block.data
        left = positions is not None or self._options.header or data is None or self._is_too_small(data)
        requests = None if left or data is None or len(data) > self._options.max_line_bytes else envelopes(data)
        if requests is None:
            return ReadResult(left_over=positions)
        read = self._append_rows(requests)
        self._flush_json_cells()
        left_over: Sequence[int] = ()
        if len(read) < len(requests):
            left_over = sorted(set(range(len(requests))).difference(read))
            requests = [requests[position] for position in read]  # type: ignore[assignment]
        metadata = [request.eventMetadata for request in requests]
        times = {one.inferenceTime for one in metadata if one is not None and type(one.inferenceTime) is str}
        return ReadResult(Counter({RequestKind.ROWS: len(read)}), inference_times=times, left_over=left_over)

    def _is_too_small(self, data: bytes) -> bool:
        return len(data) < MIN_BYTES and data.count(b"\n") < self._min_requests

    def _append_rows(self, requests: Envelopes) -> list[int]:
        """Append the rows of plain requests; their positions."""
        positions = list(range(len(requests)))
        if not isinstance(requests[0], PlainEnvelope):
            positions = [position for position in positions if self._is_plain(requests[position])]
        data: list[Any] = [request.captureData for request in requests]
        if len(positions) < len(requests):
            data = [data[position] for position in positions]
        read: list[int] = []
        outputs, inputs = [one.endpointOutput for one in data], [one.endpointInput for one in data]
        for group in group_by_form(positions, outputs, inputs):
            forms = {group.output_form, group.input_form}
            if forms == {"json"}:
                read += self._append_json(group)
            elif forms <= {"csv", "base64", "absent"}:
                read += self._append_csv(group)
            elif forms in ({"json", "csv"}, {"json", "base64"}):
                read += self._append_json_beside_csv(group)
        return read

    def _is_plain(self, request: Envelope) -> bool:
        """Whether a request has nothing but an input and an output, and is none of those counted apart."""
        data = request.captureData
        if data is None or data.batchTransformOutput is not None or request.groundTruthData is not None:
            return False
        return request.kind(self._options) is RequestKind.ROWS

    def _has_room_for(self, outputs: Names, inputs: Names) -> bool:
        within_limit = len(outputs) + len(inputs) <= self._options.max_columns
        return within_limit and self._batch.has_room_for(outputs, inputs)

    def _append_csv(self, group: RequestGroup) -> list[int]:
        """Append requests whose sides are CSV or absent; odd payloads are taken out until the rest can be tokenized."""
        positions = group.positions
        outputs = csv_payloads(group.outputs, group.output_form)
        inputs = csv_payloads(group.inputs, group.input_form)
        sides = [side for side in (outputs, inputs) if side is not None]
        while positions and sides:
            found = [tokenize(side) for side in sides]
            odd = set[int]().union(*(one for one in found if isinstance(one, set)))
            csv = [one for one in found if isinstance(one, TokenizedCsv)]
            if not odd:
                odd.update(np.flatnonzero(csv[0].line_counts != csv[-1].line_counts).tolist())
            if not odd:
                return self._append_tokenized(positions, csv[0] if outputs else None, csv[-1] if inputs else None)
            kept = [index not in odd for index in range(len(positions))]
            positions = list(compress(positions, kept))
            sides = [list(compress(side, kept)) for side in sides]
        return []

    def _append_tokenized(self, positions: list[int], outputs: CsvSide, inputs: CsvSide) -> list[int]:
        """Append the lines of requests, one pair of widths after the other."""
        sides = [side for side in (outputs, inputs) if side is not None]
        if all(int(side.widths.min()) == int(side.widths.max()) for side in sides):
            return positions if self._append_lines(outputs, inputs, None) else []
        counts = sides[0].line_counts
        begins = np.cumsum(counts) - counts
        even = np.ones(len(positions), dtype=bool)
        for side in sides:
            even &= np.minimum.reduceat(side.widths, begins) == np.maximum.reduceat(side.widths, begins)
        widths = np.stack([side.widths[begins] for side in sides], axis=1)
        read: list[int] = []
        for pair in sorted(set(map(tuple, widths[even].tolist()))):
            chosen = even & (widths == pair).all(axis=1)
            if self._append_lines(outputs, inputs, np.repeat(chosen, counts)):
                read += compress(positions, chosen.tolist())
        return read

    def _append_lines(self, outputs: CsvSide, inputs: CsvSide, chosen: NDArray[np.bool_] | None) -> bool:
        """Append the chosen lines (None: all), which have one width on either side, if there is room for them."""
        blocks = [() if side is None else side.block(chosen) for side in (outputs, inputs)]
        names, input_names = (blank_names(block.width) if isinstance(block, CsvBlock) else () for block in blocks)
        if not self._has_room_for(names, input_names):
            return False
        self._batch.append(names, input_names, blocks[0], blocks[1], "text")
        return True

    def _append_json_beside_csv(self, group: RequestGroup) -> list[int]:
        """Append requests with JSON of one layout on one side, and CSV of one width on the other."""
        positions, json_is_output = group.positions, group.output_form == "json"
        documents = texts(group.outputs if json_is_output else group.inputs)
        others = (group.inputs, group.input_form) if json_is_output else (group.outputs, group.output_form)
        payloads = csv_payloads(*others) or []
        csv: TokenizedCsv | set[int] = set()
        while payloads and not isinstance(csv := tokenize(payloads), TokenizedCsv):
            kept = [index not in csv for index in range(len(payloads))]
            positions, documents = list(compress(positions, kept)), list(compress(documents, kept))
            payloads = list(compress(payloads, kept))
        sample = documents[:_SAMPLE_REQUESTS]
        counts = csv.line_counts[: len(sample)].tolist() if isinstance(csv, TokenizedCsv) else []
        layout = JsonLayout.of(sample, counts) if counts else None
        if layout is None or not isinstance(csv, TokenizedCsv):
            return []
        json_cells = layout.decode_matching(documents)
        begins = np.cumsum(csv.line_counts) - csv.line_counts
        width = int(csv.widths[0])
        fits = (csv.line_counts == json_cells.rows) & np.logical_and.reduceat(csv.widths == width, begins)
        names = (layout.names, blank_names(width)) if json_is_output else (blank_names(width), layout.names)
        if not fits.any() or not self._has_room_for(*names):
            return []
        rows = csv.block(None if fits.all() else np.repeat(fits, csv.line_counts))
        flat = json_cells.of(fits.tolist(), len(layout.names))
        output_cells, input_cells = (flat, rows) if json_is_output else (rows, flat)
        self._batch.append(*names, output_cells, input_cells, "json")
        return list(compress(positions, fits.tolist()))

    def _append_json(self, group: RequestGroup) -> list[int]:
        """Append requests of JSON by the layouts that most of them have, which are learned from a few of them."""
        requests = list(zip(group.positions, texts(group.outputs), texts(group.inputs), strict=True))
        sample = requests[: 0 if self._json_layouts else _SAMPLE_REQUESTS]
        requests = requests[len(sample) :]
        counts = [self._flatten(one[1], one[2]) for one in sample]
        sample, counts = list(compress(sample, counts)), list(filter(None, counts))
        if sample:
            self._json_layouts = _layouts([one[1] for one in sample], [one[2] for one in sample], counts)
        fits = self._decode_by_layout([one[1] for one in requests], [one[2] for one in requests])
        others = [one for one, fit in zip(requests, fits, strict=True) if not fit and self._flatten(one[1], one[2])]
        if 2 * len(others) > len(requests):
            self._json_layouts = None  # the next block learns them again
        return [one[0] for one in (*sample, *compress(requests, fits), *others)]

    def _decode_by_layout(self, outputs: list[str], inputs: list[str]) -> list[bool]:
        """Take the cells of requests that have the learned layouts and as many rows on either side; which have."""
        sides = self._json_cells_of(*(layout.names for layout in self._json_layouts)) if self._json_layouts else None
        if self._json_layouts is None or sides is None:
            return [False] * len(outputs)
        output_cells, input_cells = (
            layout.decode_matching(side) for layout, side in zip(self._json_layouts, (outputs, inputs), strict=True)
        )
        fits = [0 < rows == others for rows, others in zip(output_cells.rows, input_cells.rows, strict=True)]
        for layout, cells, side in zip(self._json_layouts, (output_cells, input_cells), sides, strict=True):
            side.extend(cells.of(fits, len(layout.names)))
        return fits

    def _flatten(self, output: str, input_: str) -> int:
        """Take the cells of one request by the names of its rows; how many rows. 0, and none is taken, if not plain."""
        try:
            answer, request = json_payload(output), json_payload(input_)
            pair = None if answer.error else paired(answer.readings, request.readings)
            if pair is None or pair[0].size > MAX_EAGER_ROWS:
                return 0
            outputs, inputs = pair[0].make(), pair[1].make()
        except RejectedRecord:
            return 0
        if outputs.left_out or inputs.left_out:
            return 0
        found = []
        for (names, cells), (input_names, input_cells) in zip(outputs.rows, inputs.rows, strict=True):
            sides = self._json_cells_of(names, input_names)
            if sides is None:
                return 0
            found.append((sides, cells, input_cells))
        for sides, cells, input_cells in found:
            sides[0].extend(cells)
            sides[1].extend(input_cells)
        return len(found)

    def _json_cells_of(self, names: Names, input_names: Names) -> tuple[list[Any], list[Any]] | None:
        """The output cells and input cells taken from rows of these names; None when there is no room for the names."""
        known = self._json_cells.get((names, input_names))
        if known is not None or not self._has_room_for(names, input_names):
            return known
        return self._json_cells.setdefault((names, input_names), ([], []))

    def _flush_json_cells(self) -> None:
        for (names, input_names), (cells, input_cells) in self._json_cells.items():
            if cells or input_cells:
                self._batch.append(names, input_names, cells, input_cells, "json")
        self._json_cells.clear()


def _layouts(outputs: list[str], inputs: list[str], rows: list[int]) -> tuple[JsonLayout, JsonLayout] | None:
    """The layouts of both sides, learned from requests of so many rows; None when one has none."""
    of_outputs, of_inputs = JsonLayout.of(outputs, rows), JsonLayout.of(inputs, rows)
    if of_outputs is None or of_inputs is None or (of_outputs.is_one_list and of_inputs.is_one_list):
        return None
    return of_outputs, of_inputs
