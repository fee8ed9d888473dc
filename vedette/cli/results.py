"""`vedette show`: the results of monitoring an endpoint, and its schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options, stage
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.constraints.constraints import Constraints, FeatureConstraints
    from vedette.operations.results import Feature, WindowResult


def which(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--variant` and `--window`."""
    with_window = click.option(
        "--window",
        default="latest",
        show_default=True,
        metavar="TIME",
        help="latest, the start of the window in UTC (2026-11-22T09), the name that an alert gives it, or a day of"
        " model quality (quality/2026-11-22, quality/latest).",
    )(command)
    return click.option(
        "--variant", default="", help="Show only this variant. [default: all, and Model Monitor schedules]"
    )(with_window)


@click.group("show")
def show_group() -> None:
    """Show the results of Vedette and of Model Monitor schedules for an endpoint.

    \b
    Example:
      vedette show violations preferred-site --window 2026-11-22T09
    """  # noqa: D301


@stage.command("violations")
@stage.endpoint
@which
@options.fail_on
def violations_command(io: CommandIO, endpoint: str, variant: str, window: str, fail_on: str) -> None:
    """Show the violations in a window.

    Exit codes: 0 = no violations of the severity of --fail-on or worse, 1 = such violations found, or a transform job
    failed.

    \b
    Examples:
      vedette show violations preferred-site
      vedette show violations preferred-site --window 2026-11-22T09 --json
    """  # noqa: D301
    from chalicelib.alerts import story
    from chalicelib.alerts.sanitize import sanitize
    from chalicelib.constraints.measurement import Severity, Verdict
    from chalicelib.constraints.severity_order import any_at_least, worst_first
    from vedette.operations import alerts, results

    found = results.executions(endpoint, variant=variant, window=window)
    sent = [alerts.about(one.execution) for one in found]
    for one, about in zip(found, sent, strict=True):
        _head(io, one)
        io.say(*(f"  Alert {message.alert_id}: {story.whole(message)}" for message in about))
        violated = worst_first(m for m in one.execution.measurements if m.violated)
        if violated:
            rows = [(_name(m.feature), m.check, m.severity, _words(m.expected, m.observed)) for m in violated]
            io.table(("Feature", "Check", "Severity", "Expected, observed"), rows)
            io.say(
                *(f"{_name(m.feature)}: {sanitize(m.description, 300, [m.feature])}" for m in violated if m.description)
            )
    io.emit(
        [
            _answer(one, violations=worst_first(m for m in one.execution.measurements if m.violated), alerts=about)
            for one, about in zip(found, sent, strict=True)
        ]
    )
    failed = any(one.execution.verdict == Verdict.JOB_FAILED for one in found)  # as critical as a violation can be
    if failed or any_at_least(Severity(fail_on), (m for one in found for m in one.execution.measurements)):
        click.get_current_context().exit(1)


@stage.command("statistics")
@stage.endpoint
@which
def statistics_command(io: CommandIO, endpoint: str, variant: str, window: str) -> None:
    """Show the statistics of each feature in a window.

    \b
    Example:
      vedette show statistics preferred-site --variant AllTraffic
    """  # noqa: D301
    from vedette.operations import results

    found = results.shortest(results.executions(endpoint, variant=variant, window=window))
    answers = []
    for one in found:
        _head(io, one)
        if one.execution.is_of_quality:
            answers.append(_answer(one, metrics=_show_metrics(io, one)))
            continue
        content = results.statistics(one)
        features = results.features(content, f"{one.folder}statistics.json") if content is not None else []
        if features:
            rows = [
                (_name(f.feature), f.inferred_type, f"{f.num_present:,}", f"{f.num_missing:,}", _values(f))
                for f in features
            ]
            io.table(("Feature", "Type", "Present", "Missing", "Values"), rows)
        else:
            io.say(_no_file("statistics", one))
        answers.append(_answer(one, statistics=features))
    io.emit(answers)


@stage.command("constraints")
@stage.endpoint
@which
def constraints_command(io: CommandIO, endpoint: str, variant: str, window: str) -> None:
    """Show the constraints that a window was evaluated with.

    To show the current constraints, use `vedette constraints show`.

    \b
    Example:
      vedette show constraints preferred-site
    """  # noqa: D301
    from vedette.operations import results

    found = results.executions(endpoint, variant=variant, window=window)
    answers = []
    for one in found:
        _head(io, one)
        if one.execution.is_of_quality:
            io.say(f"  Thresholds: vedette constraints show {endpoint} --quality --version {one.execution.baseline}")
        read = results.constraints(one)
        if read is None:
            io.say(_no_file("constraints", one))
        else:
            show_constraints(io, read[1])
        answers.append(_answer(one, place=read[0] if read else "", constraints=read[1].document if read else None))
    io.emit(answers)


@stage.command("schedule")
@stage.endpoint
def schedule_command(io: CommandIO, endpoint: str) -> None:
    """Show when an endpoint is evaluated, by Vedette and by Model Monitor schedules.

    \b
    Example:
      vedette show schedule preferred-site
    """  # noqa: D301
    from datetime import UTC, datetime

    from vedette.operations import results

    found = results.schedules(endpoint, datetime.now(UTC))
    rows = [
        (
            one.source,
            one.name,
            f"{one.runs} ({one.status})",
            one.last_verdict or "never",
            _time(one.last_run),
            _time(one.next_run),
        )
        for one in found
    ]
    if rows:
        io.table(("Source", "Name", "Runs", "Last verdict", "At, UTC", "Next, UTC"), rows)
    else:
        io.say(f"{endpoint} is not monitored: it is not in the fleet, and Model Monitor has no schedule for it.")
    io.emit(found)


for _command in (statistics_command, constraints_command, violations_command, schedule_command):
    show_group.add_command(_command)


# --- helpers ----------------------------------------------------------------------------------------------------------


def show_constraints(io: CommandIO, constraints: Constraints) -> None:
    """Print the constraints as a table, and below it the settings that apply to all features."""
    rows = [
        (_name(f.name), f.inferred_type, "" if f.completeness is None else f"{f.completeness:.6g}", _rules(f))
        for f in constraints.features
    ]
    io.table(("Feature", "Type", "Complete", "Other rules"), rows)
    monitoring = constraints.monitoring()
    io.say(
        "For all features:"
        + ("" if monitoring.enabled else " nothing is evaluated (evaluate_constraints is Disabled);"),
        f"  values of the inferred type at least {monitoring.datatype_check_threshold:.6g},"
        f" values in the domain at least {monitoring.domain_content_threshold:.6g};",
        f"  drift distance at most {monitoring.comparison_threshold:.6g} ({monitoring.comparison_method}),"
        f" for text {monitoring.categorical_comparison_threshold:.6g} ({monitoring.categorical_drift_method})"
        + ("." if monitoring.perform_comparison else "; drift is not evaluated (perform_comparison is Disabled)."),
    )


def _rules(feature: FeatureConstraints) -> str:
    import json

    from chalicelib.alerts.sanitize import sanitize

    rules = []
    if feature.is_non_negative is not None:
        rules.append("not negative" if feature.is_non_negative else "any sign")
    if feature.domains is not None:
        shown = ", ".join(sanitize(value, 30) for value in feature.domains[:5])
        more = len(feature.domains) - 5
        rules.append(f"{len(feature.domains)} known values: {shown}{f' and {more} more' if more > 0 else ''}")
    rules += [
        f"{name} {sanitize(value if isinstance(value, str) else json.dumps(value), 60)}"
        for name, value in _flat(feature.overrides)
    ]
    return "\n".join(rules)


def _flat(overrides: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        inner
        for name, value in overrides.items()
        for inner in (value.items() if isinstance(value, dict) else [(name, value)])
    ]


def _head(io: CommandIO, one: WindowResult) -> None:
    from chalicelib.alerts.sanitize import sanitize

    execution = one.execution
    ours = one.source == "vedette"
    source = "Vedette" if ours else f"Model Monitor ({one.monitoring_type})"
    io.say(
        f"{source}, {one.kind} {one.name}",
        f"  {_time(execution.window_start)} to {_time(execution.window_end)} UTC: {one.verdict}",
    )
    if ours:
        refused = sum(execution.rejected.values())
        version = execution.package_version
        model = "" if execution.job else f"model {sanitize(f'version {version}' if version.isdigit() else version)}, "
        captured = "" if execution.job else f" of {execution.requests:,} captured requests"
        io.say(
            f"  {labels.labelled:,} of {labels.predictions:,} predictions have a label"
            f" ({'the final look' if labels.is_final else 'the first look'}), {execution.requests:,} captured requests"
            if (labels := execution.labels) is not None
            else f"  {execution.rows:,} rows{captured}, {refused:,} lines rejected",
            f"  {model}baseline {execution.baseline or 'none'}, revision {execution.revision}",
        )
    io.say(*(f"  {sanitize(note, 300)}" for note in execution.notes), *([f"  {one.folder}"] if one.folder else []))


def _answer(one: WindowResult, **more: Any) -> dict[str, Any]:
    execution = one.execution
    return {
        "source": one.source,
        "name": one.name,
        "monitoring_type": one.monitoring_type,
        "window_start": execution.window_start,
        "window_end": execution.window_end,
        "verdict": one.verdict,
        "rows": execution.rows if one.source == "vedette" else None,
        "baseline": execution.baseline,
        "package_version": execution.package_version,
        "notes": execution.notes,
        "folder": one.folder,
        **more,
    }


def _show_metrics(io: CommandIO, one: WindowResult) -> dict[str, float | None]:
    """Print the metrics of a day of model quality."""
    from chalicelib.quality.files import read_statistics
    from vedette.operations import results

    content = results.content_of(one, "statistics.json")
    if content is None:
        io.say(_no_file("statistics", one))
        return {}
    found = read_statistics(content, f"{one.folder}statistics.json").values
    rows = [(name, "undefined" if value is None else f"{value:.6g}") for name, value in found.items()]
    io.table(("Metric", "Value"), rows)
    return dict(found)


def _no_file(what: str, one: WindowResult) -> str:
    if one.folder and one.monitoring_type != "DataQuality":
        return f"  The {what} of {one.monitoring_type} have a different format: {one.folder}{what}.json"
    return f"  There is no {what} file."


def _name(name: str) -> str:
    from chalicelib.alerts.sanitize import sanitize_name

    return sanitize_name(name, 60)


def _values(feature: Feature) -> str:
    """The values of a feature on one or two lines; numbers are never truncated."""
    if feature.mean is None:
        return "" if feature.distinct_count is None else f"{feature.distinct_count:.0f} distinct"
    return f"mean {feature.mean:.6g} ± {feature.std_dev or 0:.6g}\n{feature.min:.6g} to {feature.max:.6g}"


def _words(expected: str, observed: str) -> str:
    from chalicelib.alerts.sanitize import sanitize

    return "\n".join(sanitize(text, 120) for text in (expected, observed) if text)


def _time(time: Any) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else ""
