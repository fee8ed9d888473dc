"""The size of the rules' patterns: EventBridge limits it, and each bucket of the stage adds its name.

The rule of captures names buckets, that of labels the prefixes of their places too.

It is counted before anything is created or deployed, since EventBridge refuses a longer one only when most of a
deployment is done.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from chalicelib import locations
from chalicelib.errors import VedetteError
from chalicelib.settings import from_environment

DEFAULT_CHARACTERS = 2_048  # aws-behaviour: event-pattern-size
MAX_CHARACTERS = 4_096  # what the quota can be raised to
QUOTA_PAGE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
ENTRY_KEY = "vedette_event_pattern_size"  # in the stage's entry of .chalice/config.json, where Chalice ignores it


def characters(buckets: Collection[str]) -> int:
    """The size of the pattern, as Chalice sends it.

    Examples
    --------
    >>> characters(["vedette-dev-123456789012-eu-west-1"])
    341
    """
    return len(json.dumps(locations.data_captured_pattern(buckets)))


def check(stage: str, buckets: Collection[str], quota: int) -> None:
    """Refuse a stage whose pattern would be longer than the quota.

    Raises
    ------
    VedetteError
        With the quota, and how to raise it.
    """
    _check(stage, f"captures of {len(set(buckets))} buckets", characters(buckets), "--capture-source", quota)


def check_labels(stage: str, places: Collection[tuple[str, str]], quota: int) -> None:
    """The same for the pattern of labels, given the bucket and prefix of each place. Raises as `check`."""
    size = len(json.dumps(locations.ground_truth_pattern(places)))
    _check(stage, f"labels of {len(set(places))} places", size, "--ground-truth-source", quota)


def _check(stage: str, what: str, size: int, option: str, quota: int) -> None:
    if size <= quota:
        return
    named = "buckets" if option == "--capture-source" else "places"
    way_out = f"Name fewer {named} with {option}"
    if size <= MAX_CHARACTERS:
        way_out = (
            'Request an increase of "Event pattern size" of Amazon EventBridge in the Service Quotas console, then run'
            f" `vedette setup --stage {stage} --event-pattern-size {MAX_CHARACTERS}`; or name fewer {named} with"
            f" {option}"
        )
    raised = "and it can be raised to 4,096 at most" if quota < MAX_CHARACTERS else "which cannot be raised further"
    raise VedetteError(
        f"The {what} need an event pattern of {size:,} characters. The EventBridge quota"
        f' "Event pattern size" is {quota:,}, {raised} ({QUOTA_PAGE}). {way_out}.'
    )


def check_entry(stage: str, entry: Mapping[str, Any]) -> None:
    """Check the stage's entry in .chalice/config.json; raises as `check`."""
    settings, quota = from_environment(entry["environment_variables"]), int(entry.get(ENTRY_KEY, DEFAULT_CHARACTERS))
    check(stage, [bucket for bucket, _ in settings.capture_places], quota)
    check_labels(stage, settings.ground_truth_places, quota)
