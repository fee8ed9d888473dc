"""The operator's side of Vedette: the `vedette` command, and functions for notebooks and programs.

| function                                        | takes                                  | returns            |
|-------------------------------------------------|----------------------------------------|--------------------|
| baseline, evaluate, summarize                   | DataFrames, files and s3:// locations  | a frozen result    |
| captured                                        | captures                               | a DataFrame        |
| latest_violations, latest_statistics, schedule  | an endpoint of an installed stage      | a DataFrame        |

>>> import pandas as pd
>>> import vedette
>>> train = pd.DataFrame({"age": [31, 44, 27, 60] * 50})
>>> vedette.evaluate(train, vedette.baseline(train)).raise_for_violations().verdict
'OK'
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

    from chalicelib.errors import VedetteError
    from vedette.file_results import (
        BaselineResult,
        EvaluationResult,
        NothingEvaluated,
        SummaryResult,
        ViolationsFound,
    )
    from vedette.files import baseline, evaluate, summarize
    from vedette.notebooks import latest_statistics, latest_violations, schedule

__all__ = [
    "BaselineResult",
    "EvaluationResult",
    "NothingEvaluated",
    "SummaryResult",
    "VedetteError",
    "ViolationsFound",
    "baseline",
    "captured",
    "evaluate",
    "latest_statistics",
    "latest_violations",
    "schedule",
    "summarize",
]
_MODULES = {  # imported on first use, so that `import vedette` is fast
    **dict.fromkeys(("baseline", "evaluate", "summarize"), "vedette.files"),
    **dict.fromkeys(("latest_statistics", "latest_violations", "schedule"), "vedette.notebooks"),
    **dict.fromkeys((name for name in __all__ if name[0].isupper()), "vedette.file_results"),
}


def captured(
    paths: str | Sequence[str],
    *,
    types: Literal["text", "inferred"] = "inferred",
    header: Literal["", "input", "output", "both"] = "",
    test_marker: str = "",
    baseline: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> pd.DataFrame:
    """Captured requests as a table, one line per row.

    It has the event id, the inference time, the inference id, the outputs, the inputs, and the ground truth, if any.

    Columns have the names of the payload, `_c0`, `_c1`, ... without one, and `output.id` and `input.id` where both
    sides have the name; with `baseline`, a folder or a constraints.json, the names of its features. Rows that cannot be
    aligned with it keep their own names: `.attrs["unaligned"]` counts them.

    `paths` are files, directories, globs or s3:// prefixes; `types="text"` keeps every cell as text;
    `header` names the sides whose CSV begins with a header row. Requests whose custom attributes contain
    `test_marker` are left out, like golden requests, error responses and shadow traffic. `.attrs["refused"]` counts
    the lines that could not be read, by reason. A terminal or a notebook shows a progress bar.
    """
    from chalicelib.capture.options import CaptureOptions
    from vedette.baselines import feature_names_of
    from vedette.cli.options import progress
    from vedette.dataframes import captured_frame
    from vedette.input_sources import sources

    features = feature_names_of(baseline, profile=profile, region=region) if baseline else None
    found = sources([paths] if isinstance(paths, str) else paths, profile=profile, region=region)
    with progress("Reading", sum(source.size for source in found)) as advance:
        options = CaptureOptions(header=header, test_marker=test_marker)
        return captured_frame(found, advance, types=types, options=options, features=features)


def __getattr__(name: str) -> Any:
    """A function or a class of the modules that are imported on first use."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
