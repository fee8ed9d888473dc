"""constraints.json and constraint_violations.json, written and read.

| input                                             | handled                          | error                  |
|---------------------------------------------------|----------------------------------|------------------------|
| constraints of Model Monitor, 2019 to today       | every key kept, unknown ones too |                        |
| violations of data quality, in any wording        | feature, check, raw description  |                        |
| violations of bias, explainability, model quality | subject: facet, label or metric  |                        |
| a file of another monitor, a statistics.json      |                                  | this is a bias file    |
| a data set where constraints.json is expected     |                                  | this looks like CSV    |
| not JSON, no `features`, no `violations`          |                                  | not a constraints.json |
| a feature without a name                          |                                  | feature 3 has no name  |
| a name that occurs twice (earlier versions)       | output.x, then input.x           |                        |
| a name that occurs three times                    |                                  | two features named x   |

Each error is an UnreadableFile: `place: cause`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from chalicelib.constraints import check_types
from chalicelib.constraints.constraints import Constraints
from chalicelib.constraints.measurement import Measurement
from chalicelib.constraints.validation import schema_error, validation_error
from chalicelib.errors import UnreadableFile
from chalicelib.statistics.feature_names import names_by_side
from chalicelib.statistics.monitor_files import CONSTRAINTS, data_set_format, kind_of_document, not_json, other_kind


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a constraint_violations.json of any monitor type."""

    subject: str
    constraint_check_type: str
    description: str
    metric_name: str = ""


def read_constraints(content: bytes, place: str, *, stored: bool = False) -> Constraints:
    """A constraints.json.

    Parameters
    ----------
    stored
        It was accepted before, maybe by an earlier version: rules that never apply are then no error, so that
        monitoring goes on after an upgrade, and the baseline can be replaced.

    Raises
    ------
    UnreadableFile
        When it is not one; the message names the place and the cause.
    """
    document = _object(content, place, CONSTRAINTS, "features", stored=stored)
    error = schema_error(document) if stored else validation_error(document)
    if error:
        raise UnreadableFile(f"{place}: {error}")
    features = document["features"]
    names = names_by_side([feature["name"] for feature in features])
    if len(set(names)) < len(names):
        raise UnreadableFile(f"{place}: two features named {Counter(names).most_common(1)[0][0]!r}")
    named = [{**feature, "name": name} for feature, name in zip(features, names, strict=True)]
    return Constraints({**document, "features": named})


def write_constraints(constraints: Constraints) -> bytes:
    """Constraints as constraints.json."""
    return _written(constraints.document)


def read_violations(content: bytes, place: str) -> tuple[Violation, ...]:
    """A constraint_violations.json of any monitor type.

    Raises
    ------
    UnreadableFile
        When it is not one; the message names the place and the cause.

    Examples
    --------
    >>> found = read_violations(b'{"violations": [{"facet": "Sex", "facet_value": "0", "metric_name": "CDDPL"}]}', "x")
    >>> found[0].subject, found[0].metric_name
    ('Sex=0', 'CDDPL')
    """
    document = _object(content, place, "constraint_violations.json", "violations")
    return tuple(_violation(entry) for entry in document["violations"] if isinstance(entry, dict))


def write_violations(measurements: Iterable[Measurement]) -> bytes:
    """The violated measurements as Model Monitor's constraint_violations.json.

    Without those of Vedette's own checks, and without those that Model Monitor has no sentence for: to it a blank text
    is present.

    Examples
    --------
    >>> json.loads(write_violations(()))
    {'violations': []}
    """
    return _written(
        {
            "violations": [
                {
                    "feature_name": measurement.feature,
                    "constraint_check_type": measurement.check,
                    "description": measurement.description,
                }
                for measurement in measurements
                if measurement.violated and measurement.description and measurement.check not in check_types.VEDETTE
            ]
        }
    )


def _violation(entry: dict[str, Any]) -> Violation:
    def text(key: str) -> str:
        value = entry.get(key)
        return "" if value is None else str(value)

    facet = f"{text('facet')}={text('facet_value')}" if text("facet") else ""
    return Violation(
        subject=text("feature_name") or facet or text("label") or text("metric_name"),
        constraint_check_type=text("constraint_check_type"),
        description=text("description"),
        metric_name=text("metric_name"),
    )


def camel_case(metric: str) -> str:
    """A metric of model quality as Model Monitor's violations name it.

    >>> camel_case("weighted_f0_5"), camel_case("auc")
    ('weightedF05', 'auc')
    """
    first, *others = metric.split("_")
    return first + "".join(other.capitalize() for other in others)


def _object(content: bytes, place: str, kind: str, key: str, *, stored: bool = False) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        form = data_set_format(content, place) if kind == CONSTRAINTS else ""
        help = f"this looks like {form}: `vedette baseline {place} -o FOLDER` makes constraints from it"
        raise UnreadableFile(f"{place}: {help if form else not_json(error)}") from None
    found = kind_of_document(document) if kind == CONSTRAINTS and not stored else ""
    if found not in ("", CONSTRAINTS):
        raise UnreadableFile(f"{place}: {other_kind(found, CONSTRAINTS)}")
    if not isinstance(document, dict) or not isinstance(document.get(key), list):
        raise UnreadableFile(f"{place}: not a {kind}: no {key}")
    return document


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")
