"""What `vedette constraints` does about model quality: the thresholds of metrics, in versions as those of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options
from vedette.cli.baseline_versions import use_again
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.operations.quality_baselines import StoredQuality

quality = click.option("--quality", is_flag=True, help="The constraints of model quality, not of captured data.")


def show(io: CommandIO, endpoint: str, version: str | None, output: str | None) -> None:
    """Show the thresholds of the current version, or of another one."""
    import msgspec

    from chalicelib.quality.files import write_constraints
    from vedette.operations import quality_baselines

    found = quality_baselines.version(endpoint, version) if version else quality_baselines.in_force(endpoint)
    thresholds = found.constraints.thresholds
    if output:
        options.write(output, write_constraints(found.constraints) + b"\n")
    if output != "-":
        io.say(f"{'Version' if version else 'Current version'} {found.version}: a {found.constraints.problem_type}")
        io.table(
            ("Metric", "Violated by", "Threshold"),
            [(name, one.comparison_operator, f"{one.threshold:.6g}") for name, one in thresholds.items()],
        )
    constraints = msgspec.to_builtins(found.constraints)
    io.emit({"version": found.version, "named": found.named, "constraints": constraints})


def use(io: CommandIO, endpoint: str, version: str | None, place: str | None, reason: str) -> None:
    """Use a stored version again, or a baseline from another location."""
    from vedette.operations import quality_baselines

    before = quality_baselines.current(endpoint)
    if place:
        chosen = quality_baselines.read(place)
        store(io, endpoint, before, chosen, reason)
        return
    chosen = quality_baselines.version(endpoint, str(version))
    use_again(
        io,
        before.version if before else "",
        chosen.version,
        lambda: _compare(io, before, chosen),
        lambda: quality_baselines.use(endpoint, chosen.version, reason, before.etag if before else ""),
    )


def accept(
    io: CommandIO, endpoint: str, variant: str, window: str, metrics: Sequence[str], everything: bool, reason: str
) -> None:
    """Accept the metrics of a day as the new normal."""
    from vedette.operations import quality_baselines

    before = quality_baselines.in_force(endpoint)
    chosen = tuple(before.constraints.thresholds) if everything else tuple(metrics)
    found = quality_baselines.accepted(endpoint, before, variant, window, chosen)
    io.say(
        f"From {found.labelled:,} labelled predictions of {found.day:%Y-%m-%d}, variant {found.variant}; the verdict of"
        f" the day is {found.verdict}."
    )
    after = quality_baselines.StoredQuality(version="", constraints=found.constraints, statistics=found.statistics)
    store(io, endpoint, before, after, reason)


def store(io: CommandIO, endpoint: str, before: StoredQuality | None, after: StoredQuality, reason: str) -> None:
    """Show the differences, ask for confirmation, store a new version and use it."""
    from vedette.operations import quality_baselines

    same = before is not None and (before.constraints, before.statistics) == (after.constraints, after.statistics)
    data: dict[str, Any] = {"version": before.version if before else "", "in_force": False, "differences": []}
    if same:
        io.say("The constraints do not change.")
    else:
        data["differences"] = _compare(io, before, after)
        if io.confirm("Use these constraints?"):
            etag = before.etag if before else ""
            named = quality_baselines.keep(endpoint, after.constraints, after.statistics, reason, etag)
            data["version"], data["in_force"] = named.version, True
            io.say(f"Stored as {named.version}, which is now the current version of model quality.")
    io.emit(data)


def _compare(io: CommandIO, before: StoredQuality | None, after: StoredQuality) -> list[str]:
    from vedette.operations import quality_baselines

    if before is None:
        thresholds = len(after.constraints.thresholds)
        io.say(f"There was no baseline of model quality; the new one has {thresholds} thresholds.")
        return []
    found = quality_baselines.differences(before.constraints, after.constraints)
    io.say(*(f"  {one}" for one in found), *([] if found else ["  The thresholds do not differ."]))
    return found
