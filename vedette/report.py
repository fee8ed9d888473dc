"""One verdict as one HTML page: self-contained, escaped, without script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from jinja2 import Environment, StrictUndefined

from chalicelib.alerts.text import harmless
from chalicelib.constraints.evaluation import Evaluation, Measurement

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .25rem .6rem .25rem 0 }
td, th { border-bottom: 1px solid #d8dee4; vertical-align: top } .violated { color: #a40e26; font-weight: 600 }
.open { color: #7a5b00 } .note { color: #57606a }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{{ style_hash }}'">
<meta name="viewport" content="width=device-width">
<title>{{ verdict }}: {{ title }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<h1>{{ sentence }}</h1>
<p>{{ title }}: {{ rows }} rows in {{ events }} requests.</p>
{% for reason, count in refused.items() %}<p>{{ count }} lines could not be read: {{ reason }}.</p>
{% endfor %}
{% for note in notes %}<p class="note">{{ note }}</p>
{% endfor %}
{% for feature, measurements in features %}
<h2>{{ feature }}</h2>
<table>
<tr><th>Check</th><th>Expected</th><th>Observed</th><th>Result</th></tr>
{% for m in measurements %}
<tr><td>{{ m.check }}</td><td>{{ m.expected }}</td><td>{{ m.observed }}</td>
{% if m.violated %}<td class="violated">violated<br>{{ m.description }}</td>
{% elif not m.judged %}<td class="open">not judged: {{ m.needed }} more rows needed</td>
{% else %}<td>passed</td>{% endif %}</tr>
{% endfor %}
</table>
{% endfor %}
</body>
</html>
"""


def report(evaluation: Evaluation, *, title: str, events: int, refused: Mapping[str, int]) -> str:
    """The page: the verdict in one sentence, then a table for each feature, the worst first.

    Examples
    --------
    >>> page = report(Evaluation(verdict="NoData", rows=0), title="<x>", events=0, refused={})
    >>> "<x>" in page, "&lt;x&gt;" in page
    (False, True)
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_PAGE).render(
        verdict=evaluation.verdict,
        sentence=sentence(evaluation),
        title=harmless(title),
        rows=evaluation.rows,
        events=events,
        refused=refused,
        notes=evaluation.notes,
        features=_worst_first(evaluation.measurements),
        style=_STYLE,
        style_hash=base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode(),
    )


def sentence(evaluation: Evaluation) -> str:
    """The verdict as a person says it.

    Examples
    --------
    >>> sentence(Evaluation(verdict="OK", rows=120))
    'OK: 120 rows hold every constraint of the baseline that was judged.'
    """
    found = evaluation.violations
    match evaluation.verdict:
        case "OK":
            return f"OK: {evaluation.rows} rows hold every constraint of the baseline that was judged."
        case "Violations":
            named = ", ".join(dict.fromkeys(harmless(one.feature, 60) for one in found[:3]))
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            return f"{len(found)} violation{'s' if len(found) > 1 else ''} in {evaluation.rows} rows: {named}{more}."
        case "InsufficientData":
            needed = max((one.needed for one in evaluation.measurements), default=0)
            return f"Insufficient data: {evaluation.rows} rows; {needed} more are needed to judge everything."
        case "NoData":
            return "No data: nothing was captured."
        case "CaptureStopped":
            return "Capture stopped: there is traffic, and nothing is captured."
    return "Monitor failed: too many captured lines could not be read."


def _worst_first(measurements: tuple[Measurement, ...]) -> list[tuple[str, list[Measurement]]]:
    by_feature: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        by_feature.setdefault(measurement.feature, []).append(measurement)
    ranked = sorted(by_feature.items(), key=lambda item: [-_weight(one) for one in sorted(item[1], key=_weight)[::-1]])
    return [(harmless(name), sorted(found, key=_weight, reverse=True)) for name, found in ranked]


def _weight(measurement: Measurement) -> int:
    if measurement.violated:
        return 3 if measurement.severity == "critical" else 2
    return 0 if measurement.judged else 1
