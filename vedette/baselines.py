"""A baseline of captures: its statistics and reference days; and reading a stored baseline.

The statistics are those of the layout of most rows, see `capture`; a baseline of a data set: `data_sets`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import NamedTuple

from chalicelib import locations, records
from chalicelib.capture.options import CaptureOptions
from chalicelib.capture.summary import CaptureSummary, summarize
from chalicelib.constraints.day_drift import DayComparison, compare_day
from chalicelib.constraints.evaluation import Baseline, features_of
from chalicelib.constraints.files import read_constraints
from chalicelib.constraints.reference_days import FULL_DAYS, MINIMUM_DAYS, Day, Reference, learned
from chalicelib.constraints.suggestion import suggested_constraints
from chalicelib.errors import UnreadableFile, VedetteError
from chalicelib.locations import REFERENCE_FILE
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.files import read_statistics
from chalicelib.statistics.table import Table
from vedette.input_sources import Source, is_folder, join, read_bytes, session, sources

_SUMMARIES_AT_ONCE = 100
HALF_A_DAY = timedelta(hours=12)
_PART_OF_A_DAY = 0.4  # of the median rows a day: a first or last day with fewer was cut
Advance = Callable[[int], None]


class CapturedRows(NamedTuple):
    """The captured rows of the most common layout."""

    table: Table
    other_rows: int  # in other layouts
    reference: Reference | None  # the reference days, of MINIMUM_DAYS days or more


def captured_statistics(found: Sequence[Source], advance: Advance, *, private: tuple[str, ...] = ()) -> CapturedRows:
    """The statistics of captured rows in the most common layout, and their days.

    Sketches have Model Monitor's size, as those of a data set. `private` names features of which only counts of types
    and missing cells are kept. A file belongs to the day of its first request.

    Raises
    ------
    UnreadableFile
        If no rows could be read.
    """
    options = CaptureOptions(sketch_k=BASELINE_K, private=private)
    parts: dict[date | None, list[CaptureSummary]] = {}
    for source in found:
        one = summarize(source.read(advance), options=options)
        of_day = parts.setdefault(one.first_inference.date() if one.first_inference else None, [])
        of_day.append(one)
        if len(of_day) == _SUMMARIES_AT_ONCE:
            of_day[:] = [CaptureSummary.total(of_day)]
    by_day = {day: CaptureSummary.total(of_day) for day, of_day in parts.items()}
    summary = CaptureSummary.total(by_day.values())
    if not summary.tables:
        raise UnreadableFile(f"{found[0].name if found else 'captures'}: no rows could be read")
    largest = max(summary.tables, key=lambda table: table.rows)
    return CapturedRows(largest, summary.rows - largest.rows, _reference(by_day, largest))


def _reference(by_day: Mapping[date | None, CaptureSummary], table: Table) -> Reference | None:
    """The last days as reference days; None when they are too few."""
    dates = sorted(day for day in by_day if day is not None)
    enough = _PART_OF_A_DAY * median(by_day[day].rows for day in dates) if dates else 0
    dates = [day for day in dates if day not in (dates[0], dates[-1]) or by_day[day].rows >= enough][-FULL_DAYS:]
    if len(dates) < MINIMUM_DAYS:
        return None
    baseline = Baseline(constraints=suggested_constraints(table))
    types = baseline.constraints.types
    days = [Day(day, "", features_of(by_day[day], baseline)[0]) for day in dates]
    first_kept = Reference().restarted(dates[0], types)
    return learned(first_kept, days, types, dates[-1] + timedelta(days=1))


def captures_of(endpoint: str, hours: int, now: datetime, *, profile: str | None, region: str | None) -> list[Source]:
    """The capture files of an endpoint in the last hours, from the location in its DataCaptureConfig.

    Raises
    ------
    VedetteError
        If the endpoint does not exist, does not capture, or captured nothing.
    """
    from botocore.exceptions import ClientError

    client = session(profile, region).client("sagemaker")
    try:
        described = client.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "could not find" in str(error).lower():
            raise VedetteError(f"There is no endpoint {endpoint} in {client.meta.region_name}.") from None
        raise
    config = described.get("DataCaptureConfig") or {}
    if not config.get("DestinationS3Uri"):
        raise VedetteError(f"Endpoint {endpoint} does not capture, so there is no data for a baseline.")
    uri = config["DestinationS3Uri"]
    found: list[Source] = []
    for variant in described.get("ProductionVariants", ()):
        for root in locations.capture_roots(uri, endpoint):
            for back in range(hours, -1, -1):
                folder = f"{variant['VariantName']}/{now - timedelta(hours=back):%Y/%m/%d/%H}/"
                place = f"s3://{locations.split_s3_uri(uri)[0]}/{root}{folder}"
                try:
                    found += sources([place], profile=profile, region=region)
                except UnreadableFile:
                    continue  # no captures in this hour
    if not found:
        raise VedetteError(f"Endpoint {endpoint} captured nothing to {uri} in the last {hours} hours.")
    return found


def read_baseline(place: str, *, profile: str | None = None, region: str | None = None) -> Baseline:
    """A baseline: a folder of constraints.json and statistics.json, or a constraints.json alone (no drift then).

    Raises
    ------
    UnreadableFile
        If the constraints are missing or a file cannot be read.
    """
    folder = is_folder(place)
    constraints_place = join(place, "constraints.json") if folder else place
    constraints = read_bytes(constraints_place, profile=profile, region=region)
    if constraints is None:
        raise UnreadableFile(f"{constraints_place}: no such file")
    statistics_place = join(place, "statistics.json")
    statistics = read_bytes(statistics_place, profile=profile, region=region) if folder else None
    return Baseline(
        constraints=read_constraints(constraints, constraints_place),
        statistics=None if statistics is None else read_statistics(statistics, statistics_place),
    )


def read_reference_days(place: str, *, profile: str | None = None, region: str | None = None) -> Reference | None:
    """The reference days beside a baseline; None when there are none, or the baseline is a constraints.json alone."""
    if not is_folder(place):
        return None
    content = read_bytes(join(place, REFERENCE_FILE), profile=profile, region=region)
    return None if content is None else records.read(Reference, content, join(place, REFERENCE_FILE))


def compared_day(reference: Reference | None, summary: CaptureSummary, baseline: Baseline) -> DayComparison | None:
    """How captures of a single day compare with reference days.

    None without them, and for captures of more than one day, or of less than half a day: the hours of a day differ.
    """
    first, last = summary.first_inference, summary.last_inference
    if reference is None or first is None or last is None or first.date() != last.date() or last - first < HALF_A_DAY:
        return None
    columns, _ = features_of(summary, baseline)
    return compare_day(reference, first.date(), columns, baseline.constraints)


def feature_names_of(place: str, *, profile: str | None = None, region: str | None = None) -> list[str]:
    """The names of the features of a baseline, in the order of the columns; raises as `read_baseline`."""
    baseline = read_baseline(place, profile=profile, region=region)
    return [feature.name for feature in baseline.constraints.features]
