"""Vedette on the operator's side: the `vedette` command, and a few functions for notebooks.

>>> import vedette
>>> callable(vedette.captured)
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["captured"]


def captured(paths: str | Sequence[str], *, profile: str | None = None, region: str | None = None) -> pd.DataFrame:
    """Captured requests as a table: event id, inference time, inference id, outputs, inputs; one line a row.

    `paths` are files, directories, globs or s3:// prefixes. Golden requests, error responses and shadow traffic are
    left out; `.attrs["refused"]` counts the lines that could not be read, by reason.
    """
    from vedette.frames import captured_frame
    from vedette.places import sources

    return captured_frame(sources([paths] if isinstance(paths, str) else paths, profile=profile, region=region))
