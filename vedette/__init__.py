"""Vedette on the operator's side: the `vedette` command, and a few functions for notebooks.

>>> import vedette
>>> callable(vedette.captured), callable(vedette.latest_violations)
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from vedette.notebooks import latest_statistics, latest_violations, schedule

__all__ = ["captured", "latest_statistics", "latest_violations", "schedule"]


def captured(paths: str | Sequence[str], *, profile: str | None = None, region: str | None = None) -> pd.DataFrame:
    """Captured requests as a table: event id, inference time, inference id, outputs, inputs; one line a row.

    `paths` are files, directories, globs or s3:// prefixes. Golden requests, error responses and shadow traffic are
    left out; `.attrs["refused"]` counts the lines that could not be read, by reason.
    """
    from vedette.frames import captured_frame
    from vedette.places import sources

    return captured_frame(sources([paths] if isinstance(paths, str) else paths, profile=profile, region=region))


def __getattr__(name: str) -> Any:
    """The functions of `vedette.notebooks`, which need pandas and are imported when they are asked for."""
    if name in __all__:
        from vedette import notebooks

        return getattr(notebooks, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
