"""The quick way through a block of requests: what is plainly well-formed is read many requests at a time.

Every shortcut has a guard, and what a guard does not pass is left to `reading`, one by one: nothing is refused here,
and what is read is what `reading` would have read (a property test holds the two equal). Taken are

- CSV on both sides, as text or as base64 of text/csv, with as many rows in as out. Cells are cut at commas; rows with
  quotes go through one csv.reader, a row a line: as many rows as lines means that no open quote swallowed a line;
- JSON on both sides, with as many rows in as out.
"""

from __future__ import annotations

import csv
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from chalicelib.capture.delimited import LARGE
from chalicelib.capture.envelope import Envelope, Side
from chalicelib.capture.flatten import ROWS_AT_ONCE, unnamed
from chalicelib.capture.gathering import Gathering, Names
from chalicelib.capture.payload import json_rows
from chalicelib.capture.reading import Options, kind_of
from chalicelib.errors import Refused


class Lines(NamedTuple):
    """CSV rows as text, outputs beside inputs, and the request that each of them came from."""

    indices: list[int]
    outputs: list[str]
    inputs: list[str]


class PlainReader:
    """Reads the requests of one block into a Gathering; `remaining` are the positions of those it left."""

    def __init__(self, options: Options, gathering: Gathering) -> None:
        self.options = options
        self.gathering = gathering
        self.remaining: list[int] = []
        self.times: set[str] = set()
        self._plain: dict[tuple[int, int], Lines] = {}  # by the number of commas on either side
        self._quoted = Lines([], [], [])
        self._objects: dict[tuple[Names, Names], tuple[list[Any], list[Any]]] = {}  # JSON's own values, by their names

    def read(self, block: list[Envelope]) -> None:
        """Read what is plain."""
        if self.options.header:
            self.remaining = list(range(len(block)))
            return
        for index, one in enumerate(block):
            if not self._take(index, one):
                self.remaining.append(index)
        for (outputs, inputs), lines in self._plain.items():
            self._add_plain(outputs + 1, inputs + 1, lines)
        if self._quoted.indices:
            self._add_quoted()
        for (names, input_names), (cells, input_cells) in self._objects.items():
            if cells or input_cells:
                self.gathering.add(names, input_names, cells, input_cells, "json")

    def _take(self, index: int, one: Envelope) -> bool:
        data, metadata = one.captureData, one.eventMetadata
        if data is None or metadata is None or one.groundTruthData is not None:
            return False
        answer, given = data.endpointOutput, data.endpointInput
        if answer is None or given is None:
            return False
        if (metadata.customAttributes is not None or metadata.invocationSource is not None) and (
            kind_of(one, self.options) != "rows"
        ):
            return False
        outputs, inputs = answer.data, given.data
        if not outputs or not inputs:
            return False
        encodings = (answer.encoding, given.encoding)
        if encodings == ("CSV", "CSV"):
            taken = self._csv(index, outputs, inputs)
        elif encodings == ("JSON", "JSON"):
            taken = self._json(outputs, inputs)
        elif encodings == ("BASE64", "BASE64"):
            taken = self._csv(index, _decoded(answer), _decoded(given))
        else:
            return False
        if taken and metadata.inferenceTime.__class__ is str:
            self.times.add(metadata.inferenceTime)
        return taken

    def _csv(self, index: int, outputs: str, inputs: str) -> bool:
        if outputs[-1:] == "\n":
            outputs = outputs[:-1]
        if inputs[-1:] == "\n":
            inputs = inputs[:-1]
        if not outputs or not inputs or "\r" in inputs or "\r" in outputs:
            return False
        if "\n" in inputs or "\n" in outputs:
            return self._many(index, outputs, inputs)
        if '"' in inputs or '"' in outputs:
            lines = self._quoted
        else:
            key = (outputs.count(","), inputs.count(","))
            lines = self._plain.get(key) or self._plain.setdefault(key, Lines([], [], []))
        lines.indices.append(index)
        lines.outputs.append(outputs)
        lines.inputs.append(inputs)
        return True

    def _many(self, index: int, outputs: str, inputs: str) -> bool:
        """Many rows in one request."""
        answered, asked = _lines(outputs), _lines(inputs)
        if not asked or len(answered) != len(asked):
            return False
        if '"' in inputs or '"' in outputs:
            lines = self._quoted
        else:
            output_commas, input_commas = _commas(answered), _commas(asked)
            if output_commas is None or input_commas is None:
                return False
            lines = self._plain.setdefault((output_commas, input_commas), Lines([], [], []))
        lines.indices.extend([index] * len(asked))
        lines.outputs.extend(answered)
        lines.inputs.extend(asked)
        return True

    def _json(self, outputs: str, inputs: str) -> bool:
        try:
            answered, _, error = json_rows(outputs)
            asked, _, _ = json_rows(inputs)
        except Refused:
            return False
        if error or len(answered) != len(asked) or len(asked) > ROWS_AT_ONCE:
            return False
        taken = []
        for (names, cells), (input_names, input_cells) in zip(answered, asked, strict=True):
            known = self._objects.get((names, input_names)) or self._new_objects(names, input_names)
            if known is None:
                return False
            taken.append((known, cells, input_cells))
        for known, cells, input_cells in taken:
            known[0].extend(cells)
            known[1].extend(input_cells)
        return True

    def _new_objects(self, names: Names, input_names: Names) -> tuple[list[Any], list[Any]] | None:
        """Where rows of these names are gathered; None when there is no room for them."""
        if len(names) + len(input_names) > self.options.most_columns:
            return None
        if not self.gathering.admits(names, input_names):
            return None
        return self._objects.setdefault((names, input_names), ([], []))

    def _add_plain(self, outputs: int, inputs: int, lines: Lines) -> None:
        names, input_names = unnamed(outputs), unnamed(inputs)
        if outputs + inputs > self.options.most_columns or not self.gathering.admits(names, input_names):
            self._leave(lines.indices)
            return
        cells, input_cells = ",".join(lines.outputs).split(","), ",".join(lines.inputs).split(",")
        self.gathering.add(names, input_names, cells, input_cells, "csv")

    def _add_quoted(self) -> None:
        """All quoted rows at once; when that fails, each request on its own."""
        if self._add_parsed(self._quoted):
            return
        by_request: dict[int, Lines] = {}
        for index, outputs, inputs in zip(*self._quoted, strict=True):
            lines = by_request.setdefault(index, Lines([], [], []))
            lines.indices.append(index)
            lines.outputs.append(outputs)
            lines.inputs.append(inputs)
        for lines in by_request.values():
            if not self._add_parsed(lines):
                self._leave(lines.indices[:1])

    def _add_parsed(self, lines: Lines) -> bool:
        answered, asked = _parsed(lines.outputs), _parsed(lines.inputs)
        if answered is None or asked is None:
            return False
        outputs, inputs = len(answered[0]), len(asked[0])
        names, input_names = unnamed(outputs), unnamed(inputs)
        if outputs + inputs > self.options.most_columns or not self.gathering.admits(names, input_names):
            return False
        flat: Callable[[Iterable[list[str]]], Iterable[Any]] = chain.from_iterable
        self.gathering.add(names, input_names, flat(answered), flat(asked), "csv")
        return True

    def _leave(self, indices: Iterable[int]) -> None:
        self.remaining = sorted({*self.remaining, *indices})


def _decoded(side: Side) -> str:
    """The text of a side in base64, "" when it is not plainly CSV."""
    if side.media_type != "text/csv":
        return ""
    try:
        return a2b_base64(side.data or "", strict_mode=True).decode("utf-8-sig")
    except (Base64Error, ValueError):
        return ""


def _lines(text: str) -> list[str]:
    """The rows of a payload of many rows; none when only the exact reader can tell them."""
    if len(text) > LARGE:
        return []
    lines = text.split("\n")
    if "" not in lines:
        return lines
    if '"' in text:
        return []
    return [line for line in lines if line] if "," in text else lines


def _commas(lines: Sequence[str]) -> int | None:
    """How many commas each of the lines has; None when they differ."""
    counts = {line.count(",") for line in lines}
    return counts.pop() if len(counts) == 1 else None


def _parsed(lines: list[str]) -> list[list[str]] | None:
    """The cells of lines with quotes; None when they are not one row a line, all of one width."""
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    if len(rows) != len(lines) or len(set(map(len, rows))) != 1:
        return None
    return rows if rows[0] else None
