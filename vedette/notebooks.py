"""The monitoring results of an endpoint as pandas tables: functions for notebooks, available as `vedette.…`.

They need neither chalice nor moto. The stage is found as in the commands: `stage=…` or VEDETTE_STAGE, and its
variables in the environment or in the .chalice/config.json of the notebook's folder or one above it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from msgspec.structs import asdict

if TYPE_CHECKING:
    from vedette.operations.results import WindowResult

_VIOLATIONS = ("feature", "check", "kind", "severity", "expected", "observed", "value", "threshold", "description")
_WINDOW = ("source", "name", "window_start", "window_end")


def latest_violations(
    endpoint: str,
    *,
    variant: str = "",
    window: str = "latest",
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> pd.DataFrame:
    """The violations in an endpoint's latest evaluated window, from Vedette and Model Monitor, one per row.

    Columns: source ("vedette" or "model monitor"), name (the variant, or the schedule), window_start, window_end,
    feature, check, kind ("hard" or "drift"), severity, expected, observed, value, threshold, description. No rows
    means no violations; `.attrs["verdicts"]` has the verdict of each source and name.

    `window` is "latest" or the start of a window in UTC, "2026-11-22T09"; `variant` selects one variant.

    Raises
    ------
    VedetteError
        If nothing was evaluated in that window, or the stage is unknown.

    Examples
    --------
    In a notebook::

        import vedette
        vedette.latest_violations("preferred-site", stage="prod")[["feature", "check", "observed"]]
    """
    from vedette.operations import results

    with _entered(stage, profile, region):
        found = results.executions(endpoint, variant=variant, window=window)
    rows = [
        {**_window(one), **{name: getattr(measurement, name) for name in _VIOLATIONS}}
        for one in found
        for measurement in one.execution.measurements
        if measurement.violated
    ]
    return _frame(rows, (*_WINDOW, *_VIOLATIONS), verdicts=_verdicts(found))


def latest_statistics(
    endpoint: str,
    *,
    variant: str = "",
    window: str = "latest",
    stage: str | None = None,
    profile: str | None = None,
    region: str | None = None,
) -> pd.DataFrame:
    """The statistics of an endpoint's latest evaluated window, one feature per row.

    Columns: source, name, window_start, window_end, feature, inferred_type, num_present, num_missing, completeness (a
    share, 0 to 1), mean, std_dev, min, max (in the feature's own units, NaN for text), distinct_count (of text).
    Arguments and errors are those of `latest_violations`.

    Examples
    --------
    In a notebook::

        import vedette
        vedette.latest_statistics("preferred-site", window="2026-11-22T09").set_index("feature")["mean"]
    """
    from vedette.operations import results

    with _entered(stage, profile, region):
        found = results.shortest(results.executions(endpoint, variant=variant, window=window))
        read = [(one, results.statistics(one)) for one in found]
    rows = [
        {**_window(one), **asdict(feature)}
        for one, content in read
        if content is not None
        for feature in results.features(content, f"{one.folder}statistics.json")
    ]
    return _frame(rows, (*_WINDOW, *results.Feature.__struct_fields__), verdicts=_verdicts(found))


def schedule(
    endpoint: str, *, stage: str | None = None, profile: str | None = None, region: str | None = None
) -> pd.DataFrame:
    """When an endpoint is evaluated: by Vedette, one row per variant, and by Model Monitor schedules.

    Columns: source, name (the variant, or the schedule), monitoring_type, runs (in words, or as the schedule's cron
    expression), status (the endpoint's mode in the fleet, or MonitoringScheduleStatus), last_window_start,
    last_window_end, last_verdict, last_run, next_run (times in UTC, NaT where unknown), reason.

    Examples
    --------
    In a notebook::

        import vedette
        vedette.schedule("preferred-site")[["name", "runs", "last_verdict", "next_run"]]
    """
    from vedette.operations import results

    with _entered(stage, profile, region):
        found = results.schedules(endpoint, datetime.now(UTC))
    return _frame([asdict(one) for one in found], results.RecurringEvaluation.__struct_fields__)


@contextmanager
def _entered(stage: str | None, profile: str | None, region: str | None) -> Iterator[None]:
    from vedette.operations import stages

    with stages.entered(stages.find(stage, os.environ, Path.cwd(), profile, region), profile, region):
        yield


def _window(result: WindowResult) -> dict[str, Any]:
    execution = result.execution
    return {
        "source": result.source,
        "name": result.name,
        "window_start": execution.window_start,
        "window_end": execution.window_end,
    }


def _verdicts(found: list[WindowResult]) -> dict[str, str]:
    return {f"{one.source}: {one.name}": one.verdict for one in found}


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...], **attributes: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    for name in columns:
        if name.startswith("window_") or name.endswith(("_window_start", "_window_end", "_run")):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name in {"value", "threshold", "mean", "std_dev", "min", "max", "completeness", "distinct_count"}:
            frame[name] = frame[name].astype("float64")
    frame.attrs.update(attributes)
    return frame
