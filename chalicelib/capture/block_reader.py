"""The quick way through a block of requests: what is plainly well-formed is read many requests at a time.

Every shortcut has a guard, and what a guard does not pass is left to `reading`, one by one: nothing is refused here,
and what is read is what `reading` would have read (a property test holds the two equal). Taken are

- CSV, as text or as base64 of text/csv, on both sides or on one alone: `cutting` finds the cells of all requests
  at once, without making them;
- JSON on both sides, or on one where the other is CSV, with as many rows in as out.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chalicelib.capture.batch_accumulator import BatchAccumulator, Names
from chalicelib.capture.csv_tokenizer import TokenizedCsv, tokenize
from chalicelib.capture.envelope import Envelope, Envelopes, PlainEnvelope, PlainSide, Side, media_type
from chalicelib.capture.flatten import MAX_EAGER_ROWS, blank_names
from chalicelib.capture.json_layouts import JsonLayout
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.payload import json_rows
from chalicelib.capture.record_reader import kind_of
from chalicelib.errors import RejectedRecord
from chalicelib.statistics.csv_columns import CsvBlock

if TYPE_CHECKING:
    from numpy.typing import NDArray

Form = Literal["csv", "base64", "json", "absent", "other"]
Sides = list[Side | PlainSide | None]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SAMPLE_REQUESTS = 8  # requests of a block from which the shapes of the others are learned


class VectorizedBlockReader:
    """Reads the requests of an object into a BatchAccumulator, a block at a time."""

    def __init__(self, options: CaptureOptions, batch: BatchAccumulator) -> None:
        self.options = options
        self.batch = batch
        self._layouts: tuple[JsonLayout, JsonLayout] | None = (
            None  # of the outputs and inputs of JSON, as learned so far
        )
        self._objects: dict[tuple[Names, Names], tuple[list[Any], list[Any]]] = {}  # JSON's own values, by their names

    def read(self, block: Envelopes) -> tuple[list[int], set[str]]:
        """Read what is plain; the positions of what was left, and the inference times of what was not."""
        taken: list[int] = []
        if not self.options.header:
            if isinstance(block[0], PlainEnvelope):
                indices = list(range(len(block)))
            else:
                indices = [index for index, one in enumerate(block) if self._is_plain(one)]
            data: list[Any] = [one.captureData for one in block]
            if len(indices) < len(block):
                data = [data[index] for index in indices]
            outputs, inputs = [one.endpointOutput for one in data], [one.endpointInput for one in data]
            for (answered, asked), *group in _groups(indices, outputs, inputs):
                if answered == asked == "json":
                    taken += self._json(*group)
                elif {answered, asked} <= {"csv", "base64", "absent"}:
                    taken += self._csv(group[0], _payloads(group[1], answered), _payloads(group[2], asked))
                elif answered == "json" and asked in ("csv", "base64"):
                    taken += self._mixed(group[0], group[1], group[2], asked, answers=True)
                elif asked == "json" and answered in ("csv", "base64"):
                    taken += self._mixed(group[0], group[2], group[1], answered, answers=False)
        for (names, input_names), (cells, input_cells) in self._objects.items():
            if cells or input_cells:
                self.batch.append(names, input_names, cells, input_cells, "json")
        self._objects.clear()
        remaining: list[int] = []
        if len(taken) < len(block):
            remaining = sorted(set(range(len(block))).difference(taken))
            block = [block[index] for index in taken]  # type: ignore[assignment]
        metadata = [one.eventMetadata for one in block]
        return remaining, {one.inferenceTime for one in metadata if one is not None and type(one.inferenceTime) is str}

    def _is_plain(self, one: Envelope) -> bool:
        """Whether a request has nothing but a plain input and output, and is none of those counted apart."""
        data = one.captureData
        return (
            data is not None
            and data.batchTransformOutput is None
            and one.groundTruthData is None
            and kind_of(one, self.options) == "rows"
        )

    def _csv(self, indices: list[int], outputs: list[bytes] | None, inputs: list[bytes] | None) -> list[int]:
        """Take requests whose sides are CSV or absent; what is odd is taken out until the rest is plain."""
        sides = [side for side in (outputs, inputs) if side is not None]
        while indices and sides:
            found = [tokenize(side) for side in sides]
            odd = set[int]().union(*(one for one in found if isinstance(one, set)))
            lines = [one for one in found if isinstance(one, TokenizedCsv)]
            if not odd:
                odd.update(np.flatnonzero(lines[0].counts != lines[-1].counts).tolist())
            if not odd:
                return self._add(indices, lines[0] if outputs else None, lines[-1] if inputs else None)
            kept = [place not in odd for place in range(len(indices))]
            indices = list(compress(indices, kept))
            sides = [list(compress(side, kept)) for side in sides]
        return []

    def _add(self, indices: list[int], outputs: TokenizedCsv | None, inputs: TokenizedCsv | None) -> list[int]:
        """Take the lines of requests, a table for each pair of widths."""
        sides = [side for side in (outputs, inputs) if side is not None]
        if all(int(side.widths.min()) == int(side.widths.max()) for side in sides):
            return indices if self._admitted(outputs, inputs, None) else []
        counts = sides[0].counts
        begins = np.cumsum(counts) - counts
        even = np.ones(len(indices), dtype=bool)
        for side in sides:
            even &= np.minimum.reduceat(side.widths, begins) == np.maximum.reduceat(side.widths, begins)
        widths = np.stack([side.widths[begins] for side in sides], axis=1)
        taken: list[int] = []
        for pair in sorted(set(map(tuple, widths[even].tolist()))):
            alike = even & (widths == pair).all(axis=1)
            if self._admitted(outputs, inputs, np.repeat(alike, counts)):
                taken += compress(indices, alike.tolist())
        return taken

    def _admitted(
        self, outputs: TokenizedCsv | None, inputs: TokenizedCsv | None, kept: NDArray[np.bool_] | None
    ) -> bool:
        """Hand over lines of one width on either side, or those of them that are kept, if there is room."""
        given, asked = (side.grid(kept) if side is not None else () for side in (outputs, inputs))
        names, input_names = (blank_names(grid.width) if isinstance(grid, CsvBlock) else () for grid in (given, asked))
        if not self._admits(names, input_names):
            return False
        self.batch.append(names, input_names, given, asked, "text")
        return True

    def _admits(self, names: Names, input_names: Names) -> bool:
        """Whether there is room for rows of these names."""
        return len(names) + len(input_names) <= self.options.max_columns and self.batch.has_room_for(names, input_names)

    def _mixed(self, indices: list[int], documents: Sides, others: Sides, form: Form, *, answers: bool) -> list[int]:
        """Take requests with JSON on one side, that of the answers or not, and CSV of one width on the other."""
        texts, payloads = _texts(documents), _payloads(others, form) or []
        lines: TokenizedCsv | set[int] = set()
        while payloads and not isinstance(lines := tokenize(payloads), TokenizedCsv):
            kept = [place not in lines for place in range(len(payloads))]
            indices, texts = list(compress(indices, kept)), list(compress(texts, kept))
            payloads = list(compress(payloads, kept))
        shape = JsonLayout.of(texts[:_SAMPLE_REQUESTS])
        if shape is None or not isinstance(lines, TokenizedCsv):
            return []
        cells = shape.decode_matching(texts)
        begins = np.cumsum(lines.counts) - lines.counts
        width = int(lines.widths[0])
        fit = (lines.counts == cells.rows) & np.logical_and.reduceat(lines.widths == width, begins)
        names = (shape.names, blank_names(width)) if answers else (blank_names(width), shape.names)
        if not fit.any() or not self._admits(*names):
            return []
        grid = lines.grid(None if fit.all() else np.repeat(fit, lines.counts))
        flat = cells.of(fit.tolist(), len(shape.names))
        given, asked = (flat, grid) if answers else (grid, flat)
        self.batch.append(*names, given, asked, "json")
        return list(compress(indices, fit.tolist()))

    def _json(self, indices: list[int], outputs: Sides, inputs: Sides) -> list[int]:
        """Take requests of JSON, by the shapes that most of them have; these are learned from a few."""
        requests = list(zip(indices, _texts(outputs), _texts(inputs), strict=True))
        first = 0 if self._layouts else _SAMPLE_REQUESTS
        learned = [one for one in requests[:first] if self._flattened(one[1], one[2])]
        if learned:
            answer_shape, given_shape = (
                JsonLayout.of([one[1] for one in learned]),
                JsonLayout.of([one[2] for one in learned]),
            )
            self._layouts = (
                (answer_shape, given_shape) if answer_shape is not None and given_shape is not None else None
            )
        requests = requests[first:]
        fit = self._shaped([one[1] for one in requests], [one[2] for one in requests])
        unlike = [one for one, fits in zip(requests, fit, strict=True) if not fits and self._flattened(one[1], one[2])]
        if 2 * len(unlike) > len(requests):
            self._layouts = None  # to be learned anew from the next block
        return [one[0] for one in (*learned, *compress(requests, fit), *unlike)]

    def _shaped(self, outputs: list[str], inputs: list[str]) -> list[bool]:
        """Which requests have the learned shapes, and as many rows in as out; their cells are taken."""
        known = self._new_objects(self._layouts[0].names, self._layouts[1].names) if self._layouts else None
        if self._layouts is None or known is None:
            return [False] * len(outputs)
        answered, asked = (
            shape.decode_matching(side) for shape, side in zip(self._layouts, (outputs, inputs), strict=True)
        )
        fit = [0 < rows == others for rows, others in zip(answered.rows, asked.rows, strict=True)]
        for shape, cells, taken in zip(self._layouts, (answered, asked), known, strict=True):
            taken.extend(cells.of(fit, len(shape.names)))
        return fit

    def _flattened(self, outputs: str, inputs: str) -> bool:
        try:
            answered, _, error = json_rows(outputs)
            asked, _, _ = json_rows(inputs)
        except RejectedRecord:
            return False
        if error or len(answered) != len(asked) or len(asked) > MAX_EAGER_ROWS:
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
        if not self._admits(names, input_names):
            return None
        return self._objects.setdefault((names, input_names), ([], []))


def _groups(indices: list[int], outputs: Sides, inputs: Sides) -> Iterator[Any]:
    """Requests by the forms of their sides."""
    output_forms, input_forms = _forms(outputs), _forms(inputs)
    if isinstance(output_forms, str) and isinstance(input_forms, str):
        yield (output_forms, input_forms), indices, outputs, inputs
        return
    groups: dict[tuple[Form, Form], list[int]] = {}
    output_forms = [output_forms] * len(indices) if isinstance(output_forms, str) else output_forms
    input_forms = [input_forms] * len(indices) if isinstance(input_forms, str) else input_forms
    for place, forms in enumerate(zip(output_forms, input_forms, strict=True)):
        groups.setdefault(forms, []).append(place)
    for forms, places in groups.items():
        yield forms, *([side[place] for place in places] for side in (indices, outputs, inputs))


def _forms(sides: Sides) -> Form | list[Form]:
    """The form of each side, or of all of them."""
    if not sides:
        return "other"
    if None not in sides:
        encodings = {side.encoding for side in sides}  # type: ignore[union-attr]
        if encodings == {"CSV"}:
            return "csv"
        if encodings == {"JSON"}:
            return "json"
    kinds = [(side.encoding, side.observedContentType) if side is not None else None for side in sides]
    forms = {kind: _form(kind) for kind in set(kinds)}
    if len(set(forms.values())) == 1:
        return forms[kinds[0]]
    return [forms[kind] for kind in kinds]


def _form(kind: tuple[str | None, str | None] | None) -> Form:
    if kind is None:
        return "absent"
    encoding, content_type = kind
    if encoding == "BASE64":
        return "base64" if media_type(content_type) == "text/csv" else "other"
    return "csv" if encoding == "CSV" else "json" if encoding == "JSON" else "other"


def _payloads(sides: Sides, form: Form) -> list[bytes] | None:
    """The payloads of sides of CSV, empty ones for those that cannot be read here."""
    if form == "absent":
        return None
    texts = _texts(sides)
    return [text.encode() for text in texts] if form == "csv" else list(map(_decoded, texts))


def _texts(sides: Sides) -> list[str]:
    return [side.data or "" for side in sides]  # type: ignore[union-attr]


def _decoded(text: str) -> bytes:
    try:
        content = a2b_base64(text, strict_mode=True).removeprefix(_BYTE_ORDER_MARK)
        if not content.isascii():
            content.decode()
    except (Base64Error, ValueError):
        return b""
    return content
