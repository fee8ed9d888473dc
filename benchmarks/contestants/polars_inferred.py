"""The fastest library pipeline: msgspec and polars, the whole object at once; types guessed by value, not lexical."""

from __future__ import annotations

import kit
import numpy as np
import polars as pl
from datasketches import kll_doubles_sketch
from envelopes import envelopes

LEXICAL = False
INTEGRAL = r"^[-+]? ?[0-9]+$"
FRACTIONAL = r"^[-+]? ?[0-9]+((\.[0-9]+)|((\.[0-9]+)?[Ee][-+]?[0-9]+))$"


def work(path: str) -> tuple[int, kit.Figures]:
    return measured(frame_of(path, LEXICAL), LEXICAL)


def frame_of(path: str, lexical: bool) -> pl.DataFrame:
    sides: dict[str, list[str]] = {"endpointOutput": [], "endpointInput": []}
    encoding = "CSV"
    for block in envelopes(path):
        for event in block:
            for name, texts in sides.items():
                side = getattr(event.captureData, name)
                encoding = side.encoding
                texts.append(kit.text(side))
    if encoding == "JSON":
        pairs = zip(sides["endpointInput"], sides["endpointOutput"], strict=True)
        rows = [row for given, answer in pairs for row in kit.json_rows(given, answer)]
        return pl.DataFrame(rows, infer_schema_length=None)
    frames = [
        pl.read_csv(
            "\n".join(text.removesuffix("\n") for text in texts).encode(),
            has_header=False,
            infer_schema_length=0 if lexical else None,
        )
        for texts in sides.values()
    ]
    return pl.concat(
        [frame.rename({name: f"{i}.{name}" for name in frame.columns}) for i, frame in enumerate(frames)],
        how="horizontal",
    )


def measured(frame: pl.DataFrame, lexical: bool) -> tuple[int, kit.Figures]:
    """Present, types, moments, extremes, a KLL sketch, distinct values, categories: what Vedette keeps."""
    figures: kit.Figures = []
    for column in frame:
        values = column.drop_nulls()
        if lexical and values.dtype == pl.String:
            integral = int(values.str.contains(INTEGRAL).sum())
            fractional = int(values.str.contains(FRACTIONAL).sum())
            if integral + fractional == len(values):
                values = values.cast(pl.Float64)
        mean = None
        if values.dtype.is_numeric():
            numbers = np.array(values.cast(pl.Float64).to_numpy())
            mean = float(values.mean())
            _ = (values.std(ddof=0), values.min(), values.max(), values.sum(), values.approx_n_unique())
            kll_doubles_sketch(200).update(numbers)
        else:
            texts = values.cast(pl.String)
            _ = (texts.value_counts(sort=True).head(120), texts.approx_n_unique())
            lengths = texts.str.len_chars()
            _ = (lengths.min(), lengths.max(), lengths.sum())
        figures.append((len(values), mean))
    return frame.height, figures


if __name__ == "__main__":
    kit.contest(work)
