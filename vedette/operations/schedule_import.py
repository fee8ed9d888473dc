"""The fleet entries that take the place of Model Monitor's schedules. Nothing is written, neither here nor in AWS.

| schedule                                           | result                                                        |
|----------------------------------------------------|---------------------------------------------------------------|
| data quality of an endpoint, with a job definition | its endpoint, where that captures, its baseline, its windows  |
| ... with an inline definition (the old style)      | the same                                                      |
| ... whose baseline cannot be read                  | an entry without a baseline, and a remark                     |
| ... a second one of the same endpoint              | left out, naming the one that is taken                        |
| ... of an endpoint that is gone, or captures nothing | left out, with the reason                                   |
| ... of an endpoint that is in the fleet            | left out: its entry stays as it is                            |
| data quality of batch transforms                   | left out                                                      |
| model quality, bias, explainability                | left out: no fleet entry does the same                        |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.errors import VedetteError
from chalicelib.records import FleetEntry
from vedette.operations import monitoring_schedules, watching
from vedette.operations.monitoring_schedules import HOURS_OF_A_DAY, KIND, Schedule

RUNS = "Scheduled"  # the status of a schedule that still runs


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """The entries that take the place of schedules, and what a person should know of them."""

    entries: tuple[FleetEntry, ...] = ()
    remarks: tuple[str, ...] = ()  # about the entries
    left_out: tuple[str, ...] = ()  # one sentence for each schedule that has no entry


def proposal(
    schedules: Iterable[Mapping[str, Any]],
    known: Iterable[FleetEntry],
    advance: Callable[[int], None] = lambda done: None,
) -> Proposal:
    """The fleet entries for schedules of ListMonitoringSchedules, except for endpoints that are in the fleet."""
    in_fleet = {entry.endpoint.lower() for entry in known}
    entries: dict[str, tuple[str, FleetEntry]] = {}
    remarks: list[str] = []
    left_out: list[str] = []
    # Schedules that still run come first: of two of one endpoint, the one in use is taken.
    for summary in sorted(schedules, key=lambda one: one["MonitoringScheduleStatus"] != RUNS):
        name, kind = summary["MonitoringScheduleName"], summary.get("MonitoringType", KIND)
        advance(1)
        schedule = monitoring_schedules.read(summary)
        if kind != KIND:
            left_out.append(f"{name}: Vedette does not take over schedules of the kind {kind}.")
        elif schedule is None:
            left_out.append(f"{name}: it was deleted meanwhile.")
        elif not schedule.endpoint:
            left_out.append(f"{name}: it reads the captures of batch transforms; Vedette watches endpoints.")
        elif schedule.endpoint.lower() in in_fleet:
            left_out.append(f"{name}: {schedule.endpoint} is in the fleet already; its entry stays as it is.")
        elif schedule.endpoint in entries:
            taken, _ = entries[schedule.endpoint]
            left_out.append(f"{name}: {schedule.endpoint} has the schedule {taken} too, which is taken.")
        else:
            try:
                entry, more = _entry(schedule)
            except VedetteError as error:
                left_out.append(f"{name}: {error}")
                continue
            entries[schedule.endpoint] = name, entry
            remarks += [f"{schedule.endpoint}: {remark}" for remark in more]
    found = sorted((entry for _, entry in entries.values()), key=lambda entry: entry.endpoint)
    return Proposal(entries=tuple(found), remarks=tuple(remarks), left_out=tuple(left_out))


def _entry(schedule: Schedule) -> tuple[FleetEntry, list[str]]:
    """The entry of an endpoint with a schedule, and remarks.

    Raises
    ------
    VedetteError
        If the endpoint cannot be watched, with the reason.
    """
    found = watching.inspect_endpoint(schedule.endpoint, with_schedules=False)
    fields, remarks = _baseline_fields(schedule)
    if schedule.every_hours and HOURS_OF_A_DAY % schedule.every_hours == 0:
        fields["window_minutes"] = 60 * schedule.every_hours
    else:
        how = f"every {schedule.every_hours} h" if schedule.every_hours else "once"
        remarks.append(f"its schedule {schedule.name} runs {how}; the windows of its entry last an hour")
    if schedule.preprocessor_uri:
        remarks.append(
            f"Model Monitor changes its rows with {schedule.preprocessor_uri} first; Vedette evaluates the rows as"
            " captured"
        )
    if schedule.excluded:
        remarks.append(f"Model Monitor leaves out {schedule.excluded}; Vedette evaluates every feature of the baseline")
    return watching.entry_of(found, None, fields), [*remarks, *found.remarks]


def _baseline_fields(schedule: Schedule) -> tuple[dict[str, Any], list[str]]:
    """The keys of an entry that name the baseline of a schedule, if it can be read."""
    constraints, statistics = schedule.constraints_uri, schedule.statistics_uri
    if not constraints:
        return {}, [f"its schedule {schedule.name} has no baseline, so nothing is evaluated before it has one"]
    folder, _, file = constraints.rpartition("/")
    place = folder + "/" if file == locations.CONSTRAINTS_FILE else constraints
    beside = statistics in {"", locations.baseline_files(place)[1]}
    try:
        watching.baseline_at(place, "" if beside else statistics)
    except VedetteError as error:
        return {}, [f"the baseline of its schedule cannot be taken over: {error}"]
    return {"baseline": place, **({} if beside else {"baseline_statistics": statistics})}, []
