"""Own records: what lies where a person writes records in capture form. No call to SageMaker is made for them.

| place                                           | result                                                          |
|-------------------------------------------------|-----------------------------------------------------------------|
| {place}/{name}/{variant}/yyyy/mm/dd/hh/...jsonl | the variants, and how many objects of the last day there are    |
| ends with the name itself                       | the place above it, if the variants lie directly below the name |
| nothing of the name lies there                  | accepted: "no object yet"                                       |
| objects of the name in another form             | an error, with an example of the form                           |
| some of them in another form                    | a remark, with an example of them                               |
| may not be listed                               | accepted, with a remark                                         |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from chalicelib import locations
from chalicelib.alerts.wording import counted, duration
from chalicelib.aws.s3 import Bucket
from chalicelib.errors import AccessDenied, VedetteError
from chalicelib.locations import CaptureKey
from chalicelib.records import FleetEntry
from chalicelib.stores.parts import listed_between
from chalicelib.window import DAY, MINUTE
from vedette.operations import fleet
from vedette.operations.capture_sources import ObservedSource, inspect_source

MAX_LISTED = 5_000  # objects of the last day, in five requests
MAX_SAMPLED_KEYS = 100  # of a folder, to see whether they are named like captured objects


class ObservedRecords(ObservedSource, frozen=True, kw_only=True):
    """What lies where others write records, and the changes needed so that Vedette can read it."""

    endpoint: str
    source: str
    variants: tuple[str, ...]
    objects: int  # of the last day
    hours: int  # in which they were begun
    newest: datetime | None  # when the newest of them was begun
    more: bool  # MAX_LISTED objects were listed, and there are more
    now: datetime

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of the fleet entry that follow from the records."""
        return {"records": self.source, "capture_uri": "", "capture_percentage": 100}

    @property
    def sentence(self) -> str:
        """What is read."""
        read = f"Vedette reads the records of {self.endpoint} at {key_form(self.source, self.endpoint)}"
        return f"{read}: {self._found}"

    @property
    def _found(self) -> str:
        if not self.variants:
            return "no object yet"
        if self.newest is None:
            return f"no object in the last day (variants: {', '.join(self.variants)})"
        age = "" if self.more else f", newest {duration(self.now - self.newest)} ago"
        many = f"more than {self.objects} objects" if self.more else counted(self.objects, "object")
        return f"{many} in {counted(self.hours, 'hour')} of the last day{age}"


def inspect_records(name: str, place: str) -> ObservedRecords:
    """Look at what lies where the records of a name are written; nothing is written.

    Raises
    ------
    VedetteError
        If the place is none, or what lies there is not named like captured objects.
    """
    fleet.check_entry(FleetEntry(endpoint=name, records=place), name)
    place, now = place.rstrip("/"), datetime.now(UTC)
    variants: list[str] = []
    listed: list[str] = []
    remarks: tuple[str, ...] = ()
    try:
        place, variants, sampled = _records_at(name, place)
        listed = list(islice(_keys_of_last_day(name, place, variants, now), MAX_LISTED + 1))
        remarks = _stranger_remarks(name, place, [*sampled, *listed])
    except AccessDenied:
        remarks = (f"You may not list {place}, so what lies there is not known.",)
    source = inspect_source(name, place)
    begun = [one.begun for key in listed[:MAX_LISTED] if (one := _record(name, place, key)) is not None]
    return ObservedRecords(
        endpoint=name,
        source=place,
        variants=tuple(variants),
        objects=len(begun),
        hours=len({one.replace(minute=0) for one in begun}),
        newest=max(begun, default=None),
        more=len(listed) > MAX_LISTED,
        now=now,
        **msgspec.structs.asdict(msgspec.structs.replace(source, remarks=(*remarks, *source.remarks))),
    )


def key_form(place: str, name: str) -> str:
    """The form of the names of a name's records.

    Examples
    --------
    >>> key_form("s3://lake/records", "churn")
    's3://lake/records/churn/{variant}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl'
    """
    return f"{place}/{name}/{{variant}}/yyyy/mm/dd/hh/MM-SS-mmm-id.jsonl"


def _records_at(name: str, place: str) -> tuple[str, list[str], list[str]]:
    """The place below which name, variant and hour follow, the variants there, and the keys that were looked at.

    It is the place that was named or, if that ends with the name, the one above it.

    Raises
    ------
    VedetteError
        If objects of the name lie there, and none is named like a captured object.
    """
    above, _, last = place.rpartition("/")
    strangers: list[str] = []
    for candidate in (place, above) if last == name and above != "s3:/" else (place,):
        keys = _sampled_keys(name, candidate)
        records = [one for key in keys if (one := _record(name, candidate, key)) is not None]
        if records:
            return candidate, sorted({one.variant for one in records}), keys
        strangers += keys
    if strangers:
        bucket, _ = locations.split_s3_uri(place)
        raise VedetteError(
            f"s3://{bucket}/{strangers[0]} is not named like a captured object. Vedette reads {key_form(place, name)},"
            f" for example {place}/{name}/AllTraffic/2026/11/22/09/34-30-683-5512.jsonl; times are in UTC."
        )
    return place, [], []


def _record(name: str, place: str, key: str) -> CaptureKey | None:
    """What a key says that is named like a captured object of a name at a place; None for another key."""
    bucket, _ = locations.split_s3_uri(place)
    found = locations.capture_key(key)
    is_of_name = found is not None and found.endpoint == name and locations.captures_to(place, bucket, found)
    return found if is_of_name else None


def _stranger_remarks(name: str, place: str, keys: Iterable[str]) -> tuple[str, ...]:
    strangers = list(dict.fromkeys(key for key in keys if _record(name, place, key) is None))
    if not strangers:
        return ()
    one = len(strangers) == 1
    return (
        f"At least {counted(len(strangers), 'object')} there {'is' if one else 'are'} not named like captured objects,"
        f" such as s3://{locations.split_s3_uri(place)[0]}/{strangers[0]}: Vedette does not read"
        f" {'it' if one else 'them'}.",
    )


def _sampled_keys(name: str, place: str) -> list[str]:
    """The first keys of a name at a place, and of each folder there, without what the console writes for a folder."""
    bucket, (root, *_) = Bucket(locations.split_s3_uri(place)[0]), locations.capture_roots(place, name)
    prefixes = [*(f"{root}{folder}/" for folder in bucket.list_folders(root)), root]
    sampled = (islice(bucket.list_objects(prefix), MAX_SAMPLED_KEYS) for prefix in prefixes)
    return [listed.key for found in sampled for listed in found if not listed.key.endswith("/")]


def _keys_of_last_day(name: str, place: str, variants: Sequence[str], now: datetime) -> Iterator[str]:
    """The keys where objects of the last day lie, without what the console writes for a folder."""
    bucket, (root, *_) = Bucket(locations.split_s3_uri(place)[0]), locations.capture_roots(place, name)
    for variant in variants:
        for listed in listed_between(bucket, f"{root}{variant}/", now - DAY, now + MINUTE):
            if not listed.key.endswith("/"):
                yield listed.key
