"""Which file of SageMaker's monitors a document is: a file of another kind is refused by its name.

| kind                             | known by                                                                          |
|----------------------------------|-----------------------------------------------------------------------------------|
| a model-quality file             | `regression_…`, `binary_classification_…`, `multiclass_classification_…`          |
| a bias file                      | `pre_training_bias_metrics`, `post_training_bias_metrics`                         |
| an explainability file           | `explanations`                                                                    |
| a constraint_violations.json     | `violations`                                                                      |
| a statistics.json                | features with statistics                                                          |
| a constraints.json               | features without statistics that have a completeness, or a `monitoring_config`    |
| a data set in CSV, JSON lines or | no JSON, and its first lines (`data_set_format`)                                  |
| Parquet                          |                                                                                   |

The keys of the other monitors: aws-behaviour, quality-files.
"""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

STATISTICS = "statistics.json"
CONSTRAINTS = "constraints.json"
_OF_OTHER_MONITORS = {
    **{
        f"{problem}_{part}": "model-quality file"
        for problem in ("regression", "binary_classification", "multiclass_classification")
        for part in ("metrics", "constraints")
    },
    "pre_training_bias_metrics": "bias file",
    "post_training_bias_metrics": "bias file",
    "explanations": "explainability file",
    "violations": "constraint_violations.json",
}
_DELIMITERS = (",", ";", "\t")
_SAMPLE_CHARS = 100_000


def kind_of_document(document: Any) -> str:
    """Which file a JSON document is; "" when it is none that is known.

    Examples
    --------
    >>> kind_of_document({"version": 0.0, "regression_constraints": {}})
    'model-quality file'
    >>> kind_of_document({"features": [{"name": "a", "inferred_type": "String", "string_statistics": {}}]})
    'statistics.json'
    >>> kind_of_document({"features": [{"name": "a", "inferred_type": "String"}]})
    ''
    """
    if not isinstance(document, dict):
        return ""
    features = document.get("features")
    if not isinstance(features, list):
        return next((kind for key, kind in _OF_OTHER_MONITORS.items() if key in document), "")
    keys = {key for feature in features if isinstance(feature, dict) for key in feature}
    if keys & {"numerical_statistics", "string_statistics"}:
        return STATISTICS
    return CONSTRAINTS if "monitoring_config" in document or "completeness" in keys else ""


def other_kind(kind: str, wanted: str) -> str:
    """The sentence that refuses a document of another kind than the wanted one.

    Examples
    --------
    >>> other_kind("explainability file", "constraints.json")
    'this is an explainability file, not a constraints.json of data quality'
    """
    return f"this is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, not a {wanted} of data quality"


def not_json(error: Exception) -> str:
    """Why a file is no JSON, with the line where its parser says one; never a byte of it.

    Examples
    --------
    >>> not_json(JSONDecodeError("Expecting value", "{,}", 1)), not_json(RecursionError())
    ('not JSON: line 1, column 2', 'not JSON')
    """
    return f"not JSON: line {error.lineno}, column {error.colno}" if isinstance(error, JSONDecodeError) else "not JSON"


def data_set_format(content: bytes, place: str = "") -> str:
    r"""Which form of a data set content that is not JSON looks like; "" when it looks like none.

    Examples
    --------
    >>> data_set_format(b"label,a\n1,2\n"), data_set_format(b'{"a": 1}\n{"a": 2}\n'), data_set_format(b"{oops")
    ('CSV', 'JSON lines', '')
    """
    if content.startswith(b"PAR1"):
        return "Parquet"
    lines = content[:_SAMPLE_CHARS].decode("utf-8-sig", "replace").splitlines()[:2]
    if not lines or "\0" in lines[0]:
        return ""
    if lines[0].startswith("{"):
        both = len(lines) == 2 and lines[0].endswith("}") and lines[1].startswith("{")
        return "JSON lines" if both else ""
    counts = [[line.count(mark) for mark in _DELIMITERS] for line in lines]
    delimited = any(min(count) > 0 for count in zip(*counts, strict=True))
    return "CSV" if place.endswith(".csv") or (delimited and lines[0][:1] not in ("[", "<", "")) else ""
