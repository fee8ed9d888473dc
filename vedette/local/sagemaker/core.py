"""What the parts of SageMaker share: errors, timestamps, and listings."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vedette.local.errors import AwsError

Parameters = dict[str, Any]
Record = dict[str, Any]
DEFAULT_PAGE = 10
MAX_TAGS = 50


def refusal(message: str) -> AwsError:
    """The ValidationException of SageMaker, whose text gives the reason (aws-behaviour: missing-resource)."""
    return AwsError("ValidationException", message)


def milliseconds(when: datetime) -> int:
    """Epoch milliseconds, as in SageMaker's events (aws-behaviour: endpoint-event, processing-event)."""
    return round(when.timestamp() * 1000)


def instant(value: float | str) -> datetime:
    """A timestamp in the JSON protocol."""
    if isinstance(value, str):
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC)
    return datetime.fromtimestamp(value, UTC)


@dataclass(frozen=True)
class Listing:
    """How a List operation sorts, filters and pages."""

    items_key: str
    name_key: str
    fields: tuple[str, ...]
    default_order: str = "Descending"
    sort_keys: dict[str, str] = field(default_factory=dict)

    def page(self, records: Iterable[Record], parameters: Parameters) -> Record:
        """One page of the matching records, with a NextToken if there are more."""
        by = str(parameters.get("SortBy", "CreationTime"))
        key = {"Name": self.name_key, **self.sort_keys}.get(by, by)
        chosen = [record for record in records if self._matches(record, parameters)]
        # Equal times are sorted by creation: the simulated clock does not move between two calls.
        numbered = sorted(enumerate(chosen), key=lambda pair: (pair[1].get(key) is not None, pair[1].get(key), pair[0]))
        ordered = [record for _, record in numbered]
        if parameters.get("SortOrder", self.default_order) == "Descending":
            ordered.reverse()
        start = _start(parameters.get("NextToken"))
        size = parameters.get("MaxResults", DEFAULT_PAGE)
        shown = [{name: item[name] for name in self.fields if name in item} for item in ordered[start : start + size]]
        more = start + size < len(ordered)
        return {self.items_key: shown, **({"NextToken": _token(start + size)} if more else {})}

    def _matches(self, record: Record, parameters: Parameters) -> bool:
        if parameters.get("NameContains", "").lower() not in record[self.name_key].lower():
            return False
        for name, field_name, before in (
            ("CreationTimeAfter", "CreationTime", False),
            ("CreationTimeBefore", "CreationTime", True),
            ("LastModifiedTimeAfter", "LastModifiedTime", False),
            ("LastModifiedTimeBefore", "LastModifiedTime", True),
        ):
            if name in parameters:
                bound, actual = instant(parameters[name]), record[field_name]
                if (actual >= bound) if before else (actual <= bound):
                    return False
        return True


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(f"from:{start}".encode()).decode()


def _start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("from:"))
    except ValueError as error:
        raise refusal("Invalid pagination token.") from error


def present(**values: Any) -> Record:
    """The members that have a value."""
    return {name: value for name, value in values.items() if value is not None}
