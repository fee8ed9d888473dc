"""`vedette constraints`: how strictly an endpoint is judged, as code: shown, compared, edited, accepted, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options, stage
from vedette.cli.results import show_constraints, which
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.constraints.constraints import Constraints
    from vedette.operations.baselines import Stored
    from vedette.operations.constraints import Difference

TYPES = ("Integral", "Fractional", "String", "Unknown")
CLEARABLE = ("completeness", "non-negative", "values", "range", "thresholds", "volume")  # of operations.constraints
reason = click.option("--reason", required=True, help="Why; it is kept with the version, and shown to others.")


@click.group("constraints")
def constraints_group() -> None:
    """Show, compare and change the constraints of an endpoint; every version is kept, with who, when and why.

    \b
    Example:
      vedette constraints set preferred-site b --type Fractional --reason 'prices have cents since May'
    """  # noqa: D301


@stage.command("show")
@stage.endpoint
@click.option("--version", help="A stored version. [default: the one in force]")
@options.output("Write its constraints.json to this file, or to standard output for -.")
def show_command(io: CommandIO, endpoint: str, version: str | None, output: str | None) -> None:
    """Show the constraints in force, or those of a stored version.

    \b
    Examples:
      vedette constraints show preferred-site
      vedette constraints show preferred-site --version v2 -o constraints.json
    """  # noqa: D301
    from chalicelib.constraints.files import write_constraints
    from vedette.operations import baselines

    found = baselines.version(endpoint, version) if version else baselines.in_force(endpoint)
    if output:
        options.write(output, write_constraints(found.constraints) + b"\n")
    if output != "-":
        io.say(_made(found, in_force=not version))
        io.say(*([] if found.statistics else ["It has no statistics, so drift is not judged."]))
        show_constraints(io, found.constraints)
    io.emit({"version": found.version, "named": found.named, "constraints": found.constraints.document})


@stage.command("versions")
@stage.endpoint
def versions_command(io: CommandIO, endpoint: str) -> None:
    """Show every stored version: who made it, when and why.

    \b
    Example:
      vedette constraints versions preferred-site
    """  # noqa: D301
    from chalicelib.alerts.sanitize import sanitize
    from vedette.operations import baselines

    found = baselines.versions(endpoint)
    rows = [
        (
            f"{one.version} (in force)" if one.in_force else one.version,
            f"{one.at:%Y-%m-%d %H:%M}" if one.at else "",
            sanitize(one.by, 60),
            sanitize(one.reason, 200),
        )
        for one in found
    ]
    if rows:
        io.table(("Version", "Made, UTC", "By", "Why"), rows)
    else:
        io.say(f"{endpoint} has no baseline.")
    io.emit(found)


@stage.command("diff")
@stage.endpoint
@click.argument("before", metavar="VERSION|FILE")
@click.argument("after", metavar="[VERSION|FILE]", required=False)
def diff_command(io: CommandIO, endpoint: str, before: str, after: str | None) -> None:
    """Show what differs between two versions or files, rule by rule; one alone is compared with what is in force.

    What holds an s3://, a / or ends in .json is a file or folder, everything else the name of a stored version.

    \b
    Examples:
      vedette constraints diff preferred-site v1 v2
      vedette constraints diff preferred-site ./constraints.json
    """  # noqa: D301
    from vedette.operations import baselines
    from vedette.operations.constraints import differences

    first = baselines.named(endpoint, before)
    # In force comes first: the file or version is what would be.
    pair = (first, baselines.named(endpoint, after)) if after else (baselines.in_force(endpoint), first)
    found = differences(pair[0].constraints, pair[1].constraints)
    io.say(f"From {pair[0].version} to {pair[1].version}:")
    _say_differences(io, found)
    io.emit({"before": pair[0].version, "after": pair[1].version, "differences": found})


@stage.command("set", changes=True)
@stage.endpoint
@click.argument("feature", required=False)
@click.option("--all", "everything", is_flag=True, help="What holds for all features, in place of a FEATURE.")
@click.option("--type", "inferred_type", type=click.Choice(TYPES), help="The type that its values must have.")
@click.option("--completeness", type=click.FloatRange(0, 1), help="The share of values that must be present.")
@click.option("--non-negative/--any-sign", "is_non_negative", default=None, help="Whether values are never negative.")
@click.option("--value", "values", multiple=True, help="A known value, in place of those before; may be repeated.")
@click.option("--add-value", "more_values", multiple=True, help="A known value more.")
@click.option("--remove-value", "fewer_values", multiple=True, help="A known value less.")
@click.option("--minimum", type=float, help="No number may lie below it.")
@click.option("--maximum", type=float, help="No number may lie above it.")
@click.option("--minimum-rows", type=click.FloatRange(0), help="With --all: rows an hour that must be captured.")
@click.option("--maximum-rows", type=click.FloatRange(0), help="With --all: rows an hour at most.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="KEY=VALUE",
    help="By Model Monitor's names: comparison_threshold=0.2, datatype_check_threshold=0.99, ...",
)
@click.option("--clear", multiple=True, type=click.Choice(CLEARABLE), help="Let there be no such rule.")
@reason
def set_command(
    io: CommandIO,
    endpoint: str,
    feature: str | None,
    everything: bool,
    thresholds: tuple[str, ...],
    clear: tuple[str, ...],
    reason: str,
    **given: Any,
) -> None:
    """Edit the rule of one FEATURE, or with --all what holds for all features: thresholds, rows an hour.

    All else in constraints.json stays as it is, also what Vedette does not know. The edit is a new version, in force
    until another is put in force, or a version of the model is deployed that brings its own baseline. What it would
    have done in the last weeks, `vedette replay` shows.

    \b
    Examples:
      vedette constraints set preferred-site b --type Fractional --reason 'cents since May'
      vedette constraints set preferred-site --all --threshold comparison_threshold=0.2 --reason 'noisy by nature'
    """  # noqa: D301
    from vedette.operations import baselines
    from vedette.operations.constraints import Edit, edited

    if (feature is None) != everything:
        raise click.UsageError("Give either a FEATURE or --all.")
    edit = Edit(
        **given,
        thresholds=dict(stage.parse_key_value("--threshold", text) for text in thresholds),
        clear=frozenset(clear),
    )
    if edit == Edit():
        raise click.UsageError("Say what to change: --type, --completeness, --threshold, ...")
    before = baselines.in_force(endpoint)
    _store(io, endpoint, before, edited(before.constraints, feature, edit), before.statistics, reason)


@stage.command("accept", changes=True)
@stage.endpoint
@which
@click.option("--feature", "features", multiple=True, help="This feature alone; may be repeated. [default: all]")
@reason
def accept_command(
    io: CommandIO, endpoint: str, variant: str, window: str, features: tuple[str, ...], reason: str
) -> None:
    """Take a window as the new normal: constraints and statistics suggested from what was captured in it.

    Thresholds and what a suggestion does not speak of stay as they are.

    \b
    Examples:
      vedette constraints accept preferred-site --window 2026-11-22T09 --reason 'the new client sends cents'
      vedette constraints accept preferred-site --feature b --reason 'prices have risen' --dry-run
    """  # noqa: D301
    from vedette.operations import baselines

    before = baselines.in_force(endpoint)
    accepted = baselines.accepted(endpoint, before, variant, window, features)
    io.say(
        f"From {accepted.rows:,} rows captured {accepted.start:%Y-%m-%d %H:%M} to {accepted.end:%H:%M} UTC,"
        f" variant {accepted.variant}, which was judged: {accepted.verdict}."
    )
    if accepted.few:
        io.say(f"These are few: {accepted.few} more would make a steadier baseline.")
    _store(io, endpoint, before, accepted.constraints, accepted.statistics, reason)


@stage.command("use", changes=True)
@stage.endpoint
@click.argument("version", required=False)
@click.option("--from", "place", metavar="DIR|FILE|S3_URI", help="A baseline that lies elsewhere, as a new version.")
@reason
def use_command(io: CommandIO, endpoint: str, version: str | None, place: str | None, reason: str) -> None:
    """Put a stored VERSION in force again, or a baseline that lies elsewhere.

    With --from, a folder of statistics.json and constraints.json, as `vedette baseline` and Model Monitor write them;
    or a constraints.json alone, beside which the statistics in force stay.

    \b
    Examples:
      vedette constraints use preferred-site v2 --reason 'v3 was too strict'
      vedette constraints use preferred-site --from baseline/ --reason 'first baseline'
    """  # noqa: D301
    from vedette.operations import baselines

    if (version is None) == (place is None):
        raise click.UsageError("Give either a VERSION or --from.")
    before = baselines.current(endpoint)
    if place:
        wish = baselines.read(place)
        statistics = wish.statistics or (before.statistics if before and not wish.folder else None)
        _store(io, endpoint, before, wish.constraints, statistics, reason)
        return
    wish = baselines.version(endpoint, str(version))
    data: dict[str, Any] = {"version": wish.version, "in_force": False, "differences": []}
    if before is not None and before.version == wish.version:
        io.say(f"{wish.version} is in force already.")
    else:
        data["differences"] = _compare(io, before, wish.constraints, wish.statistics)
        if io.confirm(f"Put {wish.version} in force?"):
            baselines.use(endpoint, wish.version, reason, before.etag if before else "")
            data["in_force"] = True
            io.say(f"{wish.version} is in force.")
    io.emit(data)


for _command in (show_command, versions_command, diff_command, set_command, accept_command, use_command):
    constraints_group.add_command(_command)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _store(
    io: CommandIO, endpoint: str, before: Stored | None, after: Constraints, statistics: bytes | None, reason: str
) -> None:
    """Show what would differ, ask, store it as a new version and put it in force."""
    from vedette.operations import baselines

    same = before is not None and before.constraints == after and before.statistics == statistics
    data: dict[str, Any] = {"version": before.version if before else "", "in_force": False, "differences": []}
    if same:
        io.say("The constraints are so already.")
    else:
        data["differences"] = _compare(io, before, after, statistics)
        if io.confirm("Put this in force?"):
            named = baselines.keep(endpoint, after, statistics, reason, before.etag if before else "")
            data["version"], data["in_force"] = named.version, True
            io.say(f"Stored as {named.version}, and in force." + _way_back(endpoint, before))
    io.emit(data)


def _way_back(endpoint: str, before: Stored | None) -> str:
    return f" `vedette constraints use {endpoint} {before.version}` goes back." if before else ""


def _compare(io: CommandIO, before: Stored | None, after: Constraints, statistics: bytes | None) -> list[Difference]:
    from vedette.operations.constraints import differences

    if before is None:
        io.say(f"No baseline was in force; this one has {len(after.features)} features.")
        return []
    found = differences(before.constraints, after)
    _say_differences(io, found)
    if before.statistics != statistics:
        none = ": there are none, so drift is not judged."
        io.say("The statistics that drift is measured from change" + ("." if statistics else none))
    return found


def _say_differences(io: CommandIO, found: list[Difference]) -> None:
    io.say(*(f"  {difference}" for difference in found))
    if not found:
        io.say("  No rule differs.")


def _made(found: Stored, *, in_force: bool) -> str:
    from chalicelib.alerts.sanitize import sanitize

    head = f"Version {found.version}, in force" if in_force else f"Version {found.version}"
    if found.named is None:
        return f"{head}; nobody wrote down who made it."
    why = f": {sanitize(found.named.reason, 200)}" if found.named.reason else "."
    return f"{head} by {sanitize(found.named.by, 60)}, {found.named.at:%Y-%m-%d %H:%M} UTC{why}"
