"""Search: resources by filters on their fields (aws-behaviour: search)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.sagemaker.core import Listing, Parameters, Record, instant, refusal
from vedette.local.sagemaker.endpoints import Endpoints
from vedette.local.sagemaker.hosting import Hosting
from vedette.local.sagemaker.registry import Registry

ARN = {"ModelPackageGroup": "ModelPackageGroupArn", "ModelPackage": "ModelPackageArn", "Endpoint": "EndpointArn"}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "NotEquals": lambda found, wanted: found != wanted,
    "GreaterThan": lambda found, wanted: found > wanted,
    "GreaterThanOrEqualTo": lambda found, wanted: found >= wanted,
    "LessThan": lambda found, wanted: found < wanted,
    "LessThanOrEqualTo": lambda found, wanted: found <= wanted,
    "Contains": lambda found, wanted: str(wanted) in str(found),
    "In": lambda found, wanted: str(found) in str(wanted).split(","),
}


class Search:
    """Search of the resources that the simulator has."""

    def __init__(self, account: SimulatedAccount, registry: Registry, hosting: Hosting, endpoints: Endpoints):
        self._account, self._registry, self._hosting, self._endpoints = account, registry, hosting, endpoints

    def Search(self, arguments: Parameters) -> Record:
        kind = arguments["Resource"]
        found = [record for record in self._records(kind) if _matches(record, arguments.get("SearchExpression", {}))]
        fields = tuple({name: None for record in found for name in record})
        paging = {"SortBy": "LastModifiedTime", **arguments}
        if paging["SortBy"] == "LastModifiedTime" and not all("LastModifiedTime" in record for record in found):
            paging["SortBy"] = "CreationTime"
        page = Listing("Results", f"{kind}Name", fields).page(found, paging)
        results = [{kind: {"Model": record} if kind == "Model" else record} for record in page["Results"]]
        return {**page, "Results": results, "TotalHits": {"Value": len(found), "Relation": "EqualTo"}}

    def _records(self, kind: str) -> Iterator[Record]:
        sources: dict[str, Callable[[], list[Record]]] = {
            "Endpoint": lambda: [self._endpoint(name) for name in self._endpoints.endpoints],
            "Model": lambda: list(self._hosting.models.values()),
            "ModelPackage": lambda: list(self._registry.packages.values()),
            "ModelPackageGroup": lambda: list(self._registry.groups.values()),
        }
        if kind not in sources:
            raise refusal(f"The AWS simulator does not search {kind}.")
        for record in sources[kind]():
            tags = self._account.tags.get(record.get(ARN.get(kind, "ModelArn"), ""), {})
            yield {**record, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _endpoint(self, name: str) -> Record:
        return self._endpoints.DescribeEndpoint({"EndpointName": name})


def _matches(record: Record, expression: Mapping[str, Any]) -> bool:
    decided = [_holds(record, one) for one in expression.get("Filters", ())]
    decided += [_matches(record, one) for one in expression.get("SubExpressions", ())]
    if expression.get("NestedFilters"):
        raise refusal("The AWS simulator does not support NestedFilters.")
    if expression.get("Operator") == "Or":
        return any(decided) or not decided
    return all(decided)


def _holds(record: Record, condition: Mapping[str, Any]) -> bool:
    operator: str = condition.get("Operator", "Equals")
    values = list(_values(record, condition["Name"]))
    if operator in {"Exists", "NotExists"}:
        wanted: bool = operator == "Exists"
        return bool(values) is wanted
    if "Value" not in condition:
        raise refusal(f"A value is required for the operator {operator}.")
    return any(COMPARISONS[operator](value, _like(value, condition["Value"])) for value in values)


def _values(found: Any, name: str) -> Iterator[Any]:
    """The values of a field, which a dotted name leads to: through records, every element of a list, or tags."""
    if isinstance(found, list):
        for item in found:
            if isinstance(item, Mapping) and item.get("Key") == name:
                yield item.get("Value")
            else:
                yield from _values(item, name)
    elif isinstance(found, Mapping):
        if name in found:
            yield found[name]
        else:
            head, _, rest = name.partition(".")
            if rest and head in found:
                yield from _values(found[head], rest)


def _like(found: Any, text: str) -> Any:
    """The text of a filter as the type of what was found.

    Examples
    --------
    >>> _like(3, "4"), _like("knn", "4")
    (4.0, '4')
    """
    if isinstance(found, datetime):
        return instant(text)
    if isinstance(found, bool):
        return text.lower() == "true"
    return float(text) if isinstance(found, int | float) else text
