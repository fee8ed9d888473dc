"""Slow drift: information, reported once for each feature, together once a week.

A day outside the reference days, though not outside the days just before it, is no incident: the world has moved, or
the season has. Somebody should know, nobody has to get up.

| days of a feature                                     | handled as                                           |
|-------------------------------------------------------|------------------------------------------------------|
| outside the reference days, on M of N of them         | named in the message of the week, once               |
| ... while its sudden drift is open                    | not named: that alert says it                        |
| ... and it was named before                           | its curve stands in the next message about another   |
| within them for GONE_AFTER days, or accepted          | forgotten: the next time it is named again           |
| not compared on a day                                 | no change                                            |
| muted                                                 | named once the mute has ended                        |

A week ends with the first window that ends on a Monday or later. A week without a new feature has no message.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from msgspec.structs import replace

from chalicelib.alerts.message import message_id
from chalicelib.alerts.next_steps import MAX_ITEMS, Step, feature_options, to_texts, window_option
from chalicelib.alerts.sanitize import sanitize, sanitize_name
from chalicelib.alerts.state import Muted, never_muted
from chalicelib.alerts.wording import NAMELESS, and_more, finding_sentence
from chalicelib.constraints import check_types
from chalicelib.constraints.measurement import Checks, Fingerprint, Measurement, Severity
from chalicelib.records import (
    AlertItem,
    AlertKind,
    AlertMessage,
    AlertState,
    Execution,
    FindingState,
    FingerprintStatus,
    SlowDrift,
    Thresholds,
)

GONE_AFTER = 28  # days
MAX_FEATURES = 200  # of one state, so that it fits an item of DynamoDB
MAX_WEEKS = 26  # of a curve


def follow_slow_drift(
    state: AlertState, execution: Execution, thresholds: Thresholds, muted: Muted = never_muted
) -> tuple[AlertState, tuple[AlertMessage, ...]]:
    """The state with the slow drift of one more day, and the message of the week, if one is due.

    `state` has just counted the execution. A repeated or a late one is not for here: each day counts once.
    """
    measured = {one.feature: one for one in execution.measurements if one.check == check_types.SLOW_DRIFT}
    covers_drift = execution.window_closed and execution.checks_run in {Checks.ALL, Checks.DRIFT}
    if not covers_drift or not measured:  # a day without data, or of two versions: nothing is known
        return state, ()
    known = _followed(state.slow_drift, measured, execution.window_start, thresholds)
    due = state.slow_drift_due or _next_monday(execution.window_start)
    if execution.window_end < due:
        return replace(state, slow_drift=known, slow_drift_due=due), ()
    known = {name: replace(one, weekly=(*one.weekly, one.distance)[-MAX_WEEKS:]) for name, one in known.items()}
    new = [
        name
        for name, one in known.items()
        if not one.reported and sum(one.recent) >= thresholds.drift_violated and not _is_silent(name, state, muted)
    ]
    state = replace(
        state,
        slow_drift={name: replace(one, reported=one.reported or name in new) for name, one in known.items()},
        slow_drift_due=_next_monday(execution.window_end),
    )
    return state, (_message(state, execution, new, measured),) if new else ()


def _followed(
    known: dict[str, SlowDrift], measured: dict[str, Measurement], day: datetime, thresholds: Thresholds
) -> dict[str, SlowDrift]:
    followed = {}
    for name, one in known.items():
        found = measured.get(name)
        if found is None:
            continue  # accepted, or of another model version: its reference days start again
        if not found.evaluated or found.value is None:
            followed[name] = one
            continue
        recent = (*one.recent, found.violated)[-thresholds.drift_of :]
        clean = 0 if found.violated else one.clean_days + 1
        if clean < GONE_AFTER and (one.reported or any(recent)):
            followed[name] = replace(one, recent=recent, clean_days=clean, distance=found.value)
    fresh = (one for one in measured.values() if one.violated and one.feature not in known and one.value is not None)
    for found in sorted(fresh, key=lambda one: -(one.value or 0.0))[: max(0, MAX_FEATURES - len(followed))]:
        followed[found.feature] = SlowDrift(since=day, recent=(True,), distance=found.value or 0.0)
    return followed


def _next_monday(moment: datetime) -> datetime:
    """The first Monday, at midnight, after a moment.

    Examples
    --------
    >>> _next_monday(datetime(2026, 3, 2)), _next_monday(datetime(2026, 3, 8, 12))
    (datetime.datetime(2026, 3, 9, 0, 0), datetime.datetime(2026, 3, 9, 0, 0))
    """
    midnight = datetime.combine(moment.date(), time(), moment.tzinfo)
    return midnight + timedelta(days=7 - moment.weekday())


def _is_silent(feature: str, state: AlertState, muted: Muted) -> bool:
    sudden = state.fingerprints.get(Fingerprint(check_types.SUDDEN_DRIFT, feature))
    is_open = sudden is not None and sudden.state != FingerprintStatus.PENDING
    return is_open or muted(Fingerprint(check_types.SLOW_DRIFT, feature))


def _message(
    state: AlertState, execution: Execution, new: Iterable[str], measured: dict[str, Measurement]
) -> AlertMessage:
    by_distance = sorted(new, key=lambda name: (-state.slow_drift[name].distance, name))
    others = sorted(name for name, one in state.slow_drift.items() if one.reported and name not in by_distance)
    found = [(name, FindingState.NEW) for name in by_distance] + [(name, FindingState.CONTINUING) for name in others]
    listed = [(name, finding) for name, finding in found if name in measured]
    tail = and_more(len(by_distance) - 1)
    endpoint, window = execution.endpoint, window_option(execution)
    named = feature_options([sanitize_name(name, 100) for name in by_distance[:MAX_ITEMS]], by_distance)
    accept = Step("If this is the new normal, accept each feature as the reference (vedette constraints accept).")
    if named:
        command = f"vedette constraints accept {endpoint}{window}{named} --reason WHY"
        accept = Step("If this is the new normal, accept it as the reference:", command)
    more: dict[str, int] = {}
    for _, finding in listed[MAX_ITEMS:]:
        more[str(finding)] = more.get(str(finding), 0) + 1
    return AlertMessage(
        alert_id=message_id(endpoint, execution.variant, "slow drift", execution.window_end.isoformat(), *by_distance),
        kind=AlertKind.SLOW_DRIFT,
        severity=Severity.INFORMATION,
        endpoint=endpoint,
        variant=execution.variant,
        headline=finding_sentence(measured[by_distance[0]], execution.rows) + tail,
        headline_tail=tail,
        items=tuple(_item(state, measured[name], finding) for name, finding in listed[:MAX_ITEMS]),
        more=more,
        package_version=sanitize(execution.package_version, 100),
        since=min(state.slow_drift[name].since for name in by_distance),
        window_start=execution.window_start,
        window_end=execution.window_end,
        rows=execution.rows,
        folder=execution.folder,
        what_to_do=to_texts(
            [
                Step("No action is needed now. Each feature is named once; drift that is sudden alerts."),
                Step("See the day, and the days before it:", f"vedette report {endpoint}{window}"),
                accept,
            ]
        ),
    )


def _item(state: AlertState, measurement: Measurement, finding: FindingState) -> AlertItem:
    one = state.slow_drift[measurement.feature]
    curve = " ".join(f"{value:.2f}" for value in one.weekly)
    return AlertItem(
        subject=sanitize_name(measurement.feature, 100) or NAMELESS,
        check=measurement.check,
        state=finding,
        severity=Severity.INFORMATION,
        expected=measurement.expected,
        observed=f"{measurement.observed}; by week {curve}",
        description="",
        value=measurement.value,
        threshold=measurement.threshold,
        since=one.since,
    )
