"""An endpoint whose windows were evaluated, on a stage at work."""

from chalicelib.constraints.constraints import Constraints
from chalicelib.statistics.table import Table
from tests.operations.installed_stage import SITE, Installed
from vedette.demo import user_actions

FEATURES = (("label", "Fractional"), ("a", "Integral"), ("b", "Integral"))


def baseline(version: str = "v1", statistics: Table | None = None) -> None:
    """Put a baseline in force whose every value must be there, with a key that Vedette does not know."""
    features = [{"name": name, "inferred_type": kind, "completeness": 1.0, "note": "kept"} for name, kind in FEATURES]
    user_actions.put_baseline_in_force(SITE, version, Constraints({"version": 0.0, "features": features}), statistics)


def send(stage: Installed, good: int, bad: int = 0) -> None:
    """One request of rows; a bad one has cents where the baseline has whole numbers."""
    user_actions.predict(SITE, [("12", "34")] * good + [("12", "34.50")] * bad)


def watched(stage: Installed) -> Installed:
    """An endpoint that serves, with a baseline, at the beginning of a window."""
    stage.deployed()
    baseline()
    now = stage.cloud.clock.now()
    stage.cloud.turn(minutes=60 - now.minute)
    return stage


def evaluated(stage: Installed, good: int = 20, bad: int = 20) -> Installed:
    """... and one window of it evaluated."""
    send(watched(stage), good, bad)
    stage.cloud.turn(minutes=70)
    return stage
