"""The predictions of a day and the labels that had come by a look at it, joined.

| a look at a day                                    | outcome                                                       |
|----------------------------------------------------|---------------------------------------------------------------|
| `run_monitoring` evaluates it                      | its parts are read and joined                                 |
| `vedette backfill` came first                      | the join is stored, and its evaluation reads that one object  |
| a part has come since                              | other parts have another name: they are joined anew           |

To look whether a join is stored costs one GET for each look that has something new to evaluate.
"""

from __future__ import annotations

from typing import NamedTuple

from chalicelib.endpoint_run import EndpointRun
from chalicelib.quality.joined import Joined, join
from chalicelib.quality.ripeness import Look
from chalicelib.quality.settings import QualitySettings
from chalicelib.records import Execution
from chalicelib.services import label_selection


class JoinKeys(NamedTuple):
    """The keys of the parts that a look joins."""

    predictions: tuple[str, ...]
    labels: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All of them, the predictions first."""
        return (*self.predictions, *self.labels)


def keys_of_look(run: EndpointRun, variant: str, look: Look) -> JoinKeys:
    """The parts that a look at a variant joins; none on a day without predictions."""
    keys = run.quality_parts.prediction_keys(run.endpoint, variant, look.day.start, look.day.end)
    return JoinKeys(keys, label_selection.label_keys_of_day(run, variant, look.day, keys, look.at))


def _is_made(look: Look, keys: JoinKeys, latest: Execution) -> bool:
    """Whether a look was made with these parts, or is the first, and the final one was made."""
    is_final = latest.labels is not None and latest.labels.is_final
    return latest.used(keys.all) if is_final == look.is_final else is_final


def joined(run: EndpointRun, settings: QualitySettings, variant: str, look: Look, keys: JoinKeys) -> Joined:
    """The join, read where it is stored."""
    stored = run.quality_parts.joined(run.endpoint, variant, look.day.start, keys.all)
    return _join(run, settings, keys) if stored is None else stored


def join_ahead(run: EndpointRun, settings: QualitySettings, variant: str, look: Look) -> bool:
    """Store the join that a look will need; False when the look was made, it is there, or there is nothing to join."""
    keys, start = keys_of_look(run, variant, look), look.day.start
    parts = run.quality_parts
    latest = run.stores.executions.latest_of_window(run.endpoint, variant, look.day, of_quality=True)
    if not keys.predictions or (latest is not None and _is_made(look, keys, latest)):
        return False
    if parts.has_joined(run.endpoint, variant, start, keys.all):
        return False
    return parts.put_joined(run.endpoint, variant, start, keys.all, _join(run, settings, keys))


def _join(run: EndpointRun, settings: QualitySettings, keys: JoinKeys) -> Joined:
    parts = run.quality_parts
    return join(parts.read_predictions(keys.predictions), parts.read_labels(keys.labels), settings)
