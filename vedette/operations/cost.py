"""What Vedette costs a month: counted calls (counts.py) times the endpoint's traffic times prices, line by line.

| figure                    | comes from                                                                          |
|---------------------------|-------------------------------------------------------------------------------------|
| calls in each situation   | counts.py: counted by the recorder in the stand-in, held true by a test             |
| captured objects an hour  | the parts of the last day; else a file a minute while there are requests            |
| requests an hour          | CloudWatch's Invocations of the last week, or what the caller says                  |
| seconds of the functions  | ASSUMPTIONS: waiting for calls, and reading; a fleet is begun PER_SECOND            |
| prices                    | PRICES: us-east-1, on demand, without the free tier, savings plans and taxes        |

Not in it: what SageMaker, the capture bucket's storage and Model Monitor's own jobs cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from chalicelib.aws import cloudwatch, sagemaker, store
from chalicelib.capture.sampling import HOURS_PER_MONTH, mean_share, share
from chalicelib.errors import VedetteError
from chalicelib.handlers import sampling
from chalicelib.handlers.scheduled import PER_SECOND
from chalicelib.handlers.summing import MANY
from chalicelib.records import FleetEntry
from vedette.operations.api_call_counts import COUNTS

LOOKS_PER_HOUR = 12  # run_monitoring, every five minutes
SWEEPS_PER_HOUR = 4
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MEMORY_GB = {  # of .chalice/config.json
    "on_data_captured": 1769 / 1024,
    "run_monitoring": 1769 / 1024,
    "sweep": 1769 / 1024,
    "on_monitoring_execution": 512 / 1024,
}
FUNCTION = {  # whose time a situation takes
    "object": "on_data_captured",
    "violating object": "on_data_captured",
    "unsampled object": "on_data_captured",
    "verdict": "on_monitoring_execution",
    "alert": "on_monitoring_execution",
    "sweep": "sweep",
}
# Compared on 2026-11-22 with public pages that quote AWS's, of the dates given; AWS's own price list was out of reach.
PRICES_FROM = (
    "us-east-1, without the free tier, compared on 2026-11-22 with public pages that quote AWS's price pages: S3"
    " Standard (c3x.dev, S3 request fees), DynamoDB on demand (airbyte.com, July 2025, after the cut of November 2024),"
    " Lambda x86 (appropri8, December 2025), EventBridge (cloudburn.io, March 2026), SNS and CloudWatch"
    " (factualminds.com, June 2026; signoz.io, February 2026). What counts is https://aws.amazon.com/pricing"
)
PRICES = {  # US dollars each
    "s3_put": 5e-6,  # PUT and LIST
    "s3_get": 0.4e-6,
    "dynamodb_read": 0.125e-6,  # a strongly consistent read of up to 4 KB
    "dynamodb_write": 0.625e-6,  # of up to 1 KB
    "lambda_run": 0.2e-6,
    "lambda_gb_second": 16.6667e-6,
    "event": 1e-6,  # our own; also S3's, for which sources disagree (free, or an opt-in event): the dearer is taken
    "sns_publish": 0.5e-6,
    "sns_email": 20e-6,
    "cloudwatch_request": 10e-6,  # GetMetricStatistics
    "cloudwatch_metric": 0.3,  # a month
    "log_gb": 0.5,
}
ASSUMPTIONS = {
    "seconds_per_call": 0.03,  # waiting for S3 or DynamoDB, one call after the other
    "seconds_per_run": 0.02,
    "seconds_per_megabyte": 0.05,  # reading captures, benchmarks/RESULTS.md, at 1769 MB of memory
    "megabytes_per_object": 0.3,
    "violating_share": 0.01,  # of the objects
    "alerts_per_month": 10.0,
    "mails_per_alert": 1.0,
    "metrics_per_endpoint": 5.0,  # and one for each critical feature
    "log_kilobytes_per_run": 1.5,
    "objects_per_hour_and_variant": 60.0,  # a file a minute while there are requests (aws-behaviour: capture-delay)
}
_KINDS = {
    "s3:GetObject": "s3_get",
    "s3:PutObject": "s3_put",
    "s3:ListObjectsV2": "s3_put",
    "dynamodb:GetItem": "dynamodb_read",
    "dynamodb:Query": "dynamodb_read",
    "dynamodb:PutItem": "dynamodb_write",
    "events:PutEvents": "event",
    "sns:Publish": "sns_publish",
    "cloudwatch:GetMetricStatistics": "cloudwatch_request",
}


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint brings."""

    objects_per_hour: float  # captured
    source: str  # where the figure comes from
    requests_per_hour: float | None = None
    variants: int = 1
    share: float = 1.0  # of the objects that are read


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bill."""

    what: str
    number: float  # a month
    usd: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A month of one endpoint."""

    endpoint: str
    traffic: Traffic
    lines: tuple[Line, ...]
    ceiling_usd: float = 0.0

    @property
    def usd(self) -> float:
        """The whole of it."""
        return sum(line.usd for line in self.lines)


# --- the sum ----------------------------------------------------------------------------------------------------------


def estimate(
    entry: FleetEntry,
    traffic: Traffic,
    prices: Mapping[str, float] = PRICES,
    assumed: Mapping[str, float] = ASSUMPTIONS,
) -> Estimate:
    """A month of watching one endpoint."""
    times = _situations(entry, traffic, assumed)
    number: dict[str, float] = {}
    for situation, often in times.items():
        for call, count in COUNTS[situation].items():
            if call in _KINDS:
                number[_KINDS[call]] = number.get(_KINDS[call], 0.0) + often * count
    runs = sum(times[name] for name in ("look", *FUNCTION))
    number["event"] += HOURS_PER_MONTH * traffic.objects_per_hour  # S3's own
    number["lambda_run"] = runs
    number["lambda_gb_second"] = _gb_seconds(times, traffic, assumed)
    number["sns_email"] = assumed["alerts_per_month"] * assumed["mails_per_alert"]
    number["cloudwatch_metric"] = assumed["metrics_per_endpoint"] + len(entry.critical_features)
    number["log_gb"] = runs * assumed["log_kilobytes_per_run"] / 1e6
    lines = tuple(
        Line(what=what, number=number[what], usd=number[what] * prices[what]) for what in PRICES if what in number
    )
    return Estimate(endpoint=entry.endpoint, traffic=traffic, lines=lines, ceiling_usd=entry.monthly_ceiling_usd)


def _situations(entry: FleetEntry, traffic: Traffic, assumed: Mapping[str, float]) -> dict[str, float]:
    """How often each situation of counts.py occurs in a month."""
    hours, variants = HOURS_PER_MONTH, traffic.variants
    read = traffic.objects_per_hour * traffic.share
    pieces, rolled = _pieces(read, variants)
    violating = hours * read * assumed["violating_share"]
    windows = hours * 60 / entry.window_minutes * variants
    days = (
        hours * 60 / entry.drift_window_minutes * variants if entry.drift_window_minutes > entry.window_minutes else 0.0
    )
    busy = min(1.0, read)  # hours that have data at all
    # An open window is read at each look: half of it in the mean; then once when it closes, and once with its day.
    reads = hours * pieces * (LOOKS_PER_HOUR / 2 + 1 + (1 if days else 0)) + hours * rolled
    return {
        "object": hours * read - violating,
        "violating object": violating,
        "unsampled object": hours * (traffic.objects_per_hour - read),
        "look": hours * LOOKS_PER_HOUR,
        "fan-out": hours * (LOOKS_PER_HOUR + SWEEPS_PER_HOUR),
        "look: first object": hours * LOOKS_PER_HOUR * busy * variants,
        "look: next object": reads,
        "window": windows,
        "drift window": days,
        "sweep": hours * SWEEPS_PER_HOUR,
        "verdict": max(0.0, windows + days + violating - assumed["alerts_per_month"]),
        "alert": assumed["alerts_per_month"],
    }


def _pieces(objects_per_hour: float, variants: int) -> tuple[float, float]:
    """What an hour is read from: its parts, or a roll-up for five minutes of MANY; and how many reads roll-ups take."""
    slots = LOOKS_PER_HOUR * variants
    return (slots, objects_per_hour + slots) if objects_per_hour / slots >= MANY else (objects_per_hour, 0.0)


def _gb_seconds(times: Mapping[str, float], traffic: Traffic, assumed: Mapping[str, float]) -> float:
    total = 0.0
    for situation, often in times.items():
        function = FUNCTION.get(situation, "run_monitoring")
        seconds = sum(COUNTS[situation].values()) * assumed["seconds_per_call"]
        if situation in FUNCTION or situation == "look":
            seconds += assumed["seconds_per_run"]
        if situation == "fan-out":
            seconds += 1 / PER_SECOND
        if situation in {"object", "violating object"}:
            seconds += assumed["megabytes_per_object"] * assumed["seconds_per_megabyte"]
        total += often * seconds * MEMORY_GB[function]
    return total


# --- the traffic ------------------------------------------------------------------------------------------------------


def traffic_of(
    entry: FleetEntry, now: datetime, *, requests_per_hour: float | None = None, objects_per_hour: float | None = None
) -> Traffic:
    """What an endpoint brings: as the caller says, as its parts of the last day say, or as CloudWatch counted.

    Raises
    ------
    VedetteError
        When nobody knows.
    """
    variants = sorted({*store.variants(entry.endpoint), *sagemaker.variant_names(entry.endpoint)})
    read = mean_share(sampling.steps(entry), now - DAY, now)
    if objects_per_hour is not None:
        objects, source = objects_per_hour, "given"
    elif requests_per_hour is not None:
        objects, source = _objects(entry, requests_per_hour, len(variants)), "given requests, a file a minute at most"
    elif parts := sum(len(store.part_keys(entry.endpoint, variant, now - DAY, now)) for variant in variants):
        objects, source = parts / 24 / read, "the parts of the last day"
    else:
        counted = sum(cloudwatch.invocations(entry.endpoint, variant, now - WEEK, now) for variant in variants)
        if not counted:
            raise VedetteError(
                f"{entry.endpoint} had no requests in the last week, so nothing can be estimated:"
                " say --objects-per-hour."
            )
        requests_per_hour = counted / (WEEK / timedelta(hours=1))
        objects = _objects(entry, requests_per_hour, len(variants))
        source = "CloudWatch's Invocations of the last week, a file a minute at most"
    ceiling = entry.monthly_ceiling_usd
    return Traffic(
        objects_per_hour=objects,
        source=source,
        requests_per_hour=requests_per_hour,
        variants=max(1, len(variants)),
        share=share(objects, ceiling) if ceiling else 1.0,
    )


def _objects(entry: FleetEntry, requests_per_hour: float, variants: int) -> float:
    most = ASSUMPTIONS["objects_per_hour_and_variant"] * max(1, variants)
    return min(most, requests_per_hour * entry.capture_percentage / 100)


def changed(known: Mapping[str, float], given: Mapping[str, object], option: str) -> dict[str, float]:
    """Prices or assumptions with some replaced.

    Raises
    ------
    VedetteError
        When one is not known, or not a number.
    """
    found = dict(known)
    for name, value in given.items():
        if name not in known:
            raise VedetteError(f"{option} {name}: there is no such figure; there are {', '.join(known)}.")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
            raise VedetteError(f"{option} {name}: {value} is not a number.")
        found[name] = float(value)
    return found


def rows(found: Estimate) -> Iterator[tuple[str, str, str]]:
    """The bill as text: what, how many a month, dollars."""
    for line in found.lines:
        number = f"{line.number:,.0f}" if line.number >= 1 else f"{line.number:.2g}"
        yield WORDS[line.what], number, f"{line.usd:,.2f}"


WORDS = {
    "s3_put": "S3 PUT and LIST",
    "s3_get": "S3 GET",
    "dynamodb_read": "DynamoDB reads",
    "dynamodb_write": "DynamoDB writes",
    "lambda_run": "Lambda runs",
    "lambda_gb_second": "Lambda GB-seconds",
    "event": "EventBridge events",
    "sns_publish": "SNS messages",
    "sns_email": "SNS e-mails",
    "cloudwatch_request": "CloudWatch requests",
    "cloudwatch_metric": "CloudWatch metrics",
    "log_gb": "CloudWatch logs, GB",
}
