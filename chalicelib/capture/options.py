"""How capture objects are read: limits, and facts about the traffic that no file states."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.statistics import PART_K

PROBE_MARKER = "vedette-probe"  # the custom attribute of a golden request; such requests count in no statistic


class CaptureOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one capture object, the markers of traffic that is counted apart, and which CSV has a header.

    `sketch_k` is the size of the sketches of numbers: PART_K keeps a part small, BASELINE_K is Model Monitor's.
    For `private` and `features` see `statistics.private_features`.
    """

    max_line_bytes: int = 32 << 20  # two payloads of 6 MB, each a third more in base64, and escapes
    max_columns: int = 10_000
    max_layouts: int = 32  # of one object
    probe_marker: str = PROBE_MARKER  # in customAttributes
    test_marker: str = ""  # in customAttributes: other traffic that is no use of the model
    header: Literal["", "input", "output", "both"] = ""  # the sides whose CSV begins with a row of names
    sketch_k: int = PART_K  # k of the KLL sketches of numbers
    private: tuple[str, ...] = ()  # features of which only counts of types and missing cells are kept
    features: tuple[str, ...] = ()  # of the baseline, in order: they name the columns that have no name


DEFAULT_OPTIONS = CaptureOptions()
