"""statistics.json in Model Monitor's schema, written and read (aws-behaviour: statistics-file).

| input                                           | result                             | error                     |
|-------------------------------------------------|------------------------------------|---------------------------|
| a file of ours                                  | the same, sketches to the byte     |                           |
| a file of Model Monitor's, 2019 to today        | the same; level i weighs 2**i      |                           |
| NaN, Infinity, absent deviation or distribution | left out                           |                           |
| a private feature: `"private": true`, ours      | only counts of types and missing   |                           |
| blank texts: `"num_blank"`, ours; or categories | counted                            |                           |
| a name that occurs twice (earlier versions)     | output.x and input.x, in this order|                           |
| a name that occurs three times                  |                                    | two features named x      |
| a file of another monitor, constraints          |                                    | this is a bias file, not  |
| anything else                                   |                                    | not a statistics.json ... |

Each error is an UnreadableFile: `place: cause`.

The schema has one type a column, so the lexical counts of a file of Model Monitor's all lie on its inferred type. The
keys and their order are those of the containers of 2024 and later; what is not known is left out:

| key                             | of      | value                     | left out                                  |
|---------------------------------|---------|---------------------------|-------------------------------------------|
| lexical_types (ours)            | all     | cells of each type        | of a column of one type                   |
| completeness                    | all     | 0 to 1                    | without rows                              |
| approximate_num_distinct_values | numbers | a whole number            | of a sum with a table read from a file    |
| distinct_count                  | texts   | a whole number as a float | ... unless that file holds the categories |
"""

from __future__ import annotations

import json
import math
from binascii import a2b_base64, b2a_base64
from collections import Counter
from typing import Any

import msgspec

from chalicelib.errors import UnreadableFile
from chalicelib.statistics import BASELINE_K
from chalicelib.statistics.categories import MAX_CATEGORIES, Categories
from chalicelib.statistics.column import ColumnStatistics
from chalicelib.statistics.distribution import Distribution
from chalicelib.statistics.feature_names import names_by_side
from chalicelib.statistics.lexical import TypeCounts
from chalicelib.statistics.moments import Moments
from chalicelib.statistics.monitor_files import STATISTICS, data_set_format, kind_of_document, not_json, other_kind
from chalicelib.statistics.table import Table

_BYTES = "apache_kll_doubles"  # base64
_COUNTED_AS = {"Fractional": "fractional", "Integral": "integral", "String": "string"}
_LEXICAL_TYPES = ("fractional", "integral", "boolean", "string")


def write_statistics(table: Table) -> bytes:
    """A table as the bytes of a statistics.json.

    Examples
    --------
    >>> content = write_statistics(Table.of([["1"], ["2"]], ("x",)))
    >>> json.loads(content)["features"][0]["numerical_statistics"]["mean"]
    1.5
    """
    features = [_feature(name, column) for name, column in zip(table.feature_names, table.columns, strict=True)]
    document = {"version": 0.0, "dataset": {"item_count": table.rows}, "features": features}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def read_statistics(content: bytes, place: str) -> Table:
    """A statistics.json as a table.

    Raises
    ------
    UnreadableFile
        When it is not one; the text is `place: cause`.

    Examples
    --------
    >>> table = Table.of([["1"], ["2"]], ("x",))
    >>> read_statistics(write_statistics(table), "x").columns[0].moments == table.columns[0].moments
    True
    >>> read_statistics(b"[]", "s3://b/statistics.json")
    Traceback (most recent call last):
    chalicelib.errors.UnreadableFile: s3://b/statistics.json: not a statistics.json: no features
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        form = data_set_format(content, place)
        cause = f"looks like {form}, not a {STATISTICS}" if form else not_json(error)
        raise UnreadableFile(f"{place}: {cause}") from None
    kind = kind_of_document(document)
    if kind not in ("", STATISTICS):
        raise UnreadableFile(f"{place}: {other_kind(kind, STATISTICS)}")
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise UnreadableFile(f"{place}: not a statistics.json: no features")
    names: list[str] = []
    columns: list[ColumnStatistics] = []
    for position, feature in enumerate(features):
        try:
            names.append(str(feature["name"]))
            columns.append(_column(feature))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, UnreadableFile):
            raise UnreadableFile(f"{place}: not a statistics.json: feature {position} has an unknown form") from None
    by_side = names_by_side(names)
    if len(set(by_side)) < len(names):
        raise UnreadableFile(f"{place}: two features named {Counter(by_side).most_common(1)[0][0]!r}")
    dataset = document.get("dataset")
    rows = _count(dataset.get("item_count")) if isinstance(dataset, dict) else 0
    if not rows and columns:
        rows = max(column.types.present + column.types.missing for column in columns)
    return Table(names=by_side, rows=rows, columns=tuple(columns))


def _feature(name: str, column: ColumnStatistics) -> dict[str, Any]:
    kind = column.types.inferred_type
    statistics = {"common": {"num_present": column.types.present, "num_missing": max(0, column.types.missing)}}
    head: dict[str, Any] = {"name": name, "inferred_type": kind} | ({"private": True} if column.private else {})
    if column.types.share_of(kind) not in (None, 1):
        head |= {"lexical_types": {one: count for one in _LEXICAL_TYPES if (count := getattr(column.types, one))}}
    head |= {"num_blank": column.types.blank} if column.types.blank else {}
    if kind in ("Fractional", "Integral"):
        return head | {"numerical_statistics": statistics | _numerical(column)}
    return head | {"string_statistics": statistics | _string(column)}


def _string(column: ColumnStatistics) -> dict[str, Any]:
    counts, distinct = column.categories.counts, _distinct(column)
    string: dict[str, Any] = {} if distinct is None else {"distinct_count": float(distinct)}
    string |= _completeness(column)
    if counts is not None:
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        buckets = [{"value": value, "count": count} for value, count in ranked]
        string["distribution"] = {"categorical": {"buckets": buckets}}
    return string


def _completeness(column: ColumnStatistics) -> dict[str, Any]:
    completeness = column.types.completeness
    return {} if completeness is None else {"completeness": completeness}


def _distinct(column: ColumnStatistics) -> int | None:
    """How many distinct cells; None when they were not counted."""
    counted = column.categories.counts is not None or column.categories.distinct
    return column.categories.distinct if counted else None


def _numerical(column: ColumnStatistics) -> dict[str, Any]:
    moments, distribution, distinct = column.moments, column.distribution, _distinct(column)
    if moments.minimum is None or moments.maximum is None:
        return _completeness(column)
    buckets = [
        {"lower_bound": lower, "upper_bound": upper, "count": float(count)}
        for lower, upper, count in distribution.buckets(moments.minimum, moments.maximum)
    ]
    return {
        "mean": moments.mean,
        "sum": moments.sum,
        "std_dev": moments.std_dev,
        "min": moments.minimum,
        "max": moments.maximum,
        **({} if distinct is None else {"approximate_num_distinct_values": distinct}),
        **_completeness(column),
        "distribution": {"kll": {"buckets": buckets, "sketch": _sketch(distribution)}},
    }


def _sketch(distribution: Distribution) -> dict[str, Any]:
    """The sketch in Model Monitor's form, and its exact bytes, so that it can be merged further without loss."""
    form = {"parameters": {"c": 0.64, "k": float(distribution.k)}, "data": distribution.levels()}
    return form | {_BYTES: b2a_base64(distribution.sketch, newline=False).decode()} if distribution.sketch else form


def _column(feature: dict[str, Any]) -> ColumnStatistics:
    numerical, string = feature.get("numerical_statistics"), feature.get("string_statistics")
    statistics = numerical or string or {}
    common = statistics.get("common", {})
    present, missing = _count(common.get("num_present")), _count(common.get("num_missing"))
    categories = _categories(statistics.get("distribution") or {}, max(0, _count(statistics.get("distinct_count"))))
    blank = sum(count for text, count in (categories.counts or {}).items() if not text.strip())
    blank = min(max(blank, _count(feature.get("num_blank"))), present)
    types = msgspec.structs.replace(_types(feature, present, missing), blank=blank)
    if feature.get("private") is True:
        return ColumnStatistics(types=types).without_values()
    if numerical:
        return ColumnStatistics(
            types=types,
            moments=_moments(numerical, present),
            distribution=_distribution(numerical.get("distribution") or {}),
            categories=Categories.unknown(max(0, _count(numerical.get("approximate_num_distinct_values")))),
        )
    return ColumnStatistics(types=types, categories=categories)


def _types(feature: dict[str, Any], present: int, missing: int) -> TypeCounts:
    """How many cells have each type; the schema of Model Monitor has one type for all of them."""
    inferred, several = feature.get("inferred_type", ""), feature.get("lexical_types")
    if several is None:
        kind = _COUNTED_AS.get(inferred)
        return TypeCounts(missing=missing, **({kind: present} if kind else {}))
    types = TypeCounts(missing=missing, **{kind: _count(cells) for kind, cells in dict(several).items()})
    if types.present != present or types.inferred_type != inferred or min(msgspec.structs.astuple(types)) < 0:
        raise ValueError
    return types


def _moments(statistics: dict[str, Any], present: int) -> Moments:
    minimum, maximum = _finite(statistics.get("min")), _finite(statistics.get("max"))
    mean, total = _finite(statistics.get("mean")), _finite(statistics.get("sum"))
    if total is None and mean is not None:
        total = mean * present
    if not present or minimum is None or maximum is None or total is None:
        return Moments()
    deviation = _finite(statistics.get("std_dev")) or 0.0
    squares = deviation * deviation * present
    return Moments(count=present, sum_high=total, sum_squared_deviations=squares, minimum=minimum, maximum=maximum)


def _distribution(distribution: dict[str, Any]) -> Distribution:
    sketch = distribution.get("kll", {}).get("sketch", {})
    k = min(max(_count(sketch.get("parameters", {}).get("k")) or BASELINE_K, 8), 65535)  # the range of Apache KLL
    own = sketch.get(_BYTES)
    if isinstance(own, str):
        stored = Distribution(sketch=a2b_base64(own, strict_mode=True), k=k)
        stored.count  # noqa: B018 (damaged bytes raise here, where the place is known)
        return stored
    items: dict[float, int] = {}
    for level, values in enumerate(sketch.get("data", [])):
        for value in values:
            if (finite := _finite(value)) is not None:
                items[finite] = items.get(finite, 0) + (1 << level)
    return Distribution.from_counts(items, k)


def _categories(distribution: dict[str, Any], distinct: int) -> Categories:
    """The categories; unknown when the file holds none, as Model Monitor's for many distinct texts."""
    buckets = distribution.get("categorical", {}).get("buckets")
    if buckets is None:
        return Categories.unknown(distinct)
    counts = {str(bucket["value"]): _count(bucket["count"]) for bucket in buckets}
    return Categories(counts=counts) if len(counts) <= MAX_CATEGORIES else Categories.of(counts)


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _count(value: Any) -> int:
    finite = _finite(value)
    return 0 if finite is None else int(finite)
