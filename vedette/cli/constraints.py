"""`vedette constraints`: show, compare, edit, accept and restore the constraints of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chalicelib.errors import VedetteError
from vedette.cli import options, quality_constraints, stage
from vedette.cli.baseline_versions import use_again
from vedette.cli.results import show_constraints, which
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.constraints.constraints import Constraints
    from vedette.operations.baselines import Stored
    from vedette.operations.constraints import Difference

TYPES = ("Integral", "Fractional", "String", "Unknown")
CLEARABLE = ("completeness", "non-negative", "values", "range", "thresholds", "volume")  # of operations.constraints
reason = click.option("--reason", required=True, help="The reason, stored with the version and shown to others.")


@click.group("constraints")
def constraints_group() -> None:
    """Show, compare and change the constraints of an endpoint.

    Every version is stored with its author, time and reason.

    \b
    Example:
      vedette constraints set preferred-site b --type Fractional --reason 'prices have cents since May'
    """  # noqa: D301


@stage.command("show")
@stage.endpoint
@click.option("--version", help="Show this stored version. [default: the current version]")
@quality_constraints.quality
@options.output("Write constraints.json to this file, or to standard output with -.")
def show_command(io: CommandIO, endpoint: str, version: str | None, quality: bool, output: str | None) -> None:
    """Show the current constraints, or those of a stored version.

    \b
    Examples:
      vedette constraints show preferred-site
      vedette constraints show preferred-site --version v2 -o constraints.json
    """  # noqa: D301
    if quality:
        quality_constraints.show(io, endpoint, version, output)
        return
    from chalicelib.constraints.files import write_constraints
    from vedette.operations import baselines

    found = baselines.version(endpoint, version) if version else baselines.in_force(endpoint)
    if output:
        options.write(output, write_constraints(found.constraints) + b"\n")
    if output != "-":
        io.say(_made(found, in_force=not version))
        io.say(*([] if found.statistics else ["The baseline has no statistics, so drift is not evaluated."]))
        show_constraints(io, found.constraints)
    io.emit({"version": found.version, "named": found.named, "constraints": found.constraints.document})


@stage.command("versions")
@stage.endpoint
@quality_constraints.quality
def versions_command(io: CommandIO, endpoint: str, quality: bool) -> None:
    """Show every stored version with its author, time and reason.

    \b
    Example:
      vedette constraints versions preferred-site
    """  # noqa: D301
    from chalicelib.alerts.sanitize import sanitize
    from vedette.operations import baselines, quality_baselines

    found = quality_baselines.versions(endpoint) if quality else baselines.versions(endpoint)
    rows = [
        (
            f"{one.version} (current)" if one.in_force else one.version,
            f"{one.at:%Y-%m-%d %H:%M}" if one.at else "",
            sanitize(one.by, 60),
            sanitize(one.reason, 200),
        )
        for one in found
    ]
    if rows:
        io.table(("Version", "Created, UTC", "By", "Reason"), rows)
    else:
        io.say(f"{endpoint} has no baseline{' of model quality' if quality else ''}.")
    io.emit(found)


@stage.command("diff", needs_stage=False)
@click.argument("names", metavar="[ENDPOINT] VERSION|FILE [VERSION|FILE]", nargs=-1, required=True)
def diff_command(io: CommandIO, names: tuple[str, ...]) -> None:
    """Show the differences between two versions or files, rule by rule.

    If you name only one of an endpoint, it is compared with the current constraints. A name that contains a slash or
    ends in .json is a file, a folder or an s3:// URI; any other name is a stored version. Two files need no endpoint
    and no stage.

    \b
    Examples:
      vedette constraints diff preferred-site v1 v2
      vedette constraints diff preferred-site ./constraints.json
      vedette constraints diff old/constraints.json new/constraints.json
    """  # noqa: D301
    from vedette.operations import baselines
    from vedette.operations.constraints import differences

    if len(names) == 2 and all(map(baselines.is_place, names)):
        before, after = (baselines.read(name) for name in names)
    elif len(names) not in {2, 3} or baselines.is_place(names[0]):
        raise click.UsageError("Name two files, or an ENDPOINT and one or two of its versions or files.")
    else:
        if not io.on_stage:
            raise VedetteError("Name a stage with --stage or VEDETTE_STAGE; only two files need none.")
        given = [baselines.named(names[0], name) for name in names[1:]]
        # The current constraints come first: the diff shows what would change.
        before, after = given if len(given) == 2 else (baselines.in_force(names[0]), given[0])
    found = differences(before.constraints, after.constraints)
    io.say(f"From {before.version} to {after.version}:")
    _print_differences(io, found)
    io.emit({"before": before.version, "after": after.version, "differences": found})


@stage.command("set", changes=True)
@stage.endpoint
@click.argument("feature", required=False)
@click.option("--all", "everything", is_flag=True, help="Change the settings of all features instead of one FEATURE.")
@click.option("--type", "inferred_type", type=click.Choice(TYPES), help="The type that the values must have.")
@click.option("--completeness", type=click.FloatRange(0, 1), help="The share of values that must be present.")
@click.option("--non-negative/--any-sign", "is_non_negative", default=None, help="Whether negative values are allowed.")
@click.option("--value", "values", multiple=True, help="Replace the known values; may be repeated.")
@click.option("--add-value", "more_values", multiple=True, help="Add a known value.")
@click.option("--remove-value", "fewer_values", multiple=True, help="Remove a known value.")
@click.option("--minimum", type=float, help="The smallest allowed number.")
@click.option("--maximum", type=float, help="The largest allowed number.")
@click.option("--minimum-rows", type=click.FloatRange(0), help="With --all: the minimum of captured rows per hour.")
@click.option("--maximum-rows", type=click.FloatRange(0), help="With --all: the maximum of captured rows per hour.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a threshold by Model Monitor's name, such as comparison_threshold=0.2.",
)
@click.option("--clear", multiple=True, type=click.Choice(CLEARABLE), help="Remove this rule.")
@reason
def set_command(
    io: CommandIO,
    endpoint: str,
    feature: str | None,
    everything: bool,
    thresholds: tuple[str, ...],
    clear: tuple[str, ...],
    reason: str,
    **params: Any,
) -> None:
    """Edit the constraints of one FEATURE, or with --all the settings that apply to all features.

    Everything else in constraints.json is kept, including fields that Vedette does not know. The edit creates a new
    version. It is used until you choose another version, or until a model version with its own baseline is deployed.
    To see which alerts the edit would have raised in the past weeks, use `vedette replay`.

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
        **params,
        thresholds=dict(stage.parse_key_value("--threshold", text) for text in thresholds),
        clear=frozenset(clear),
    )
    if edit == Edit():
        raise click.UsageError("Name at least one change, such as --type, --completeness or --threshold.")
    before = baselines.in_force(endpoint)
    _store(io, endpoint, before, edited(before.constraints, feature, edit), before.statistics, reason)


@stage.command("accept", changes=True)
@stage.endpoint
@which
@click.option(
    "--feature",
    "features",
    multiple=True,
    help="Accept only this feature; may be repeated. [default: the features that are violated in the window]",
)
@click.option("--all", "everything", is_flag=True, help="Accept every rule of every feature, violated or not.")
@reason
def accept_command(
    io: CommandIO,
    endpoint: str,
    variant: str,
    window: str,
    features: tuple[str, ...],
    everything: bool,
    reason: str,
) -> None:
    """Accept what is violated in a window as the new normal.

    Only the violated checks of the violated features change: the type, completeness, sign, values or range that the
    captured data of the window suggests, and after drift the statistics and the reference days, which start again. Of a
    feature that you name and that is not violated, every rule changes. Thresholds are kept. The differences are shown
    before anything is stored. The window must be closed and have at least 100 rows.

    Of a day of model quality the metrics become the thresholds: those whose violations alert, or those that you name.

    \b
    Examples:
      vedette constraints accept preferred-site --window 2026-11-22T09 --reason 'the new client sends cents'
      vedette constraints accept preferred-site --feature b --reason 'prices have risen' --dry-run
    """  # noqa: D301
    from vedette.operations import baselines, reference_days, results

    if everything and features:
        raise click.UsageError("Give either --feature or --all.")
    if results.is_quality_window(window):
        quality_constraints.accept(io, endpoint, variant, window, features, everything, reason)
        return
    before = baselines.in_force(endpoint)
    accepted = baselines.accepted(endpoint, before, variant, window, features, everything=everything)
    io.say(
        f"From {accepted.rows:,} rows captured {accepted.start:%Y-%m-%d %H:%M} to {accepted.end:%H:%M} UTC,"
        f" {accepted.kind} {accepted.name}; the verdict of the window is {accepted.verdict}."
    )
    if not everything:
        io.say(*(f"  {_accepted_of(name, checks)}" for name, checks in accepted.checks.items()))
    if _store(io, endpoint, before, accepted.constraints, accepted.statistics, reason) and accepted.drift:
        reference_days.restart(endpoint, accepted)


@stage.command("use", changes=True)
@stage.endpoint
@click.argument("version", required=False)
@click.option("--from", "place", metavar="DIR|FILE|S3_URI", help="Store the baseline at this location as a version.")
@quality_constraints.quality
@reason
def use_command(
    io: CommandIO, endpoint: str, version: str | None, place: str | None, quality: bool, reason: str
) -> None:
    """Use a stored VERSION again, or a baseline from another location.

    With --from, name a folder with statistics.json and constraints.json, as `vedette baseline` and Model Monitor write
    them, or a constraints.json. With a constraints.json alone, the current statistics are kept. Whether it is a
    baseline of model quality is seen from its content; for a stored VERSION of one, add --quality.

    \b
    Examples:
      vedette constraints use preferred-site v2 --reason 'v3 was too strict'
      vedette constraints use preferred-site --from baseline/ --reason 'first baseline'
    """  # noqa: D301
    from chalicelib.endpoint_run import stage_stores
    from chalicelib.records import FleetEntry
    from vedette.operations import baselines, quality_baselines, reference_days

    if (version is None) == (place is None):
        raise click.UsageError("Give either a VERSION or --from.")
    if quality or (place and quality_baselines.is_baseline(place)):
        quality_constraints.use(io, endpoint, version, place, reason)
        return
    before = baselines.current(endpoint)
    if place:
        chosen = baselines.read(place)
        statistics = chosen.statistics or (before.statistics if before and not chosen.folder else None)
        if _store(io, endpoint, before, chosen.constraints, statistics, reason) and chosen.reference:
            entry = stage_stores().fleet.entry(endpoint) or FleetEntry(endpoint=endpoint)
            reference_days.take(entry, chosen.reference)
        return
    chosen = baselines.version(endpoint, str(version))
    use_again(
        io,
        before.version if before else "",
        chosen.version,
        lambda: _compare(io, before, chosen.constraints, chosen.statistics),
        lambda: baselines.use(endpoint, chosen.version, reason, before.etag if before else ""),
    )


for _command in (show_command, versions_command, diff_command, set_command, accept_command, use_command):
    constraints_group.add_command(_command)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _accepted_of(name: str, checks: tuple[str, ...]) -> str:
    from chalicelib.alerts.sanitize import sanitize_name
    from vedette.operations.constraints import EVERY_CHECK

    what = "every rule" if EVERY_CHECK.issubset(checks) else ", ".join(checks)
    return f"{sanitize_name(name, 60)}: accepts {what}"


def _store(
    io: CommandIO, endpoint: str, before: Stored | None, after: Constraints, statistics: bytes | None, reason: str
) -> bool:
    """Show the differences, ask for confirmation, store a new version and use it; whether it is used."""
    from vedette.operations import baselines

    same = before is not None and before.constraints == after and before.statistics == statistics
    data: dict[str, Any] = {"version": before.version if before else "", "in_force": False, "differences": []}
    if same:
        io.say("The constraints do not change.")
    else:
        data["differences"] = _compare(io, before, after, statistics)
        if io.confirm("Use these constraints?"):
            named = baselines.keep(endpoint, after, statistics, reason, before.etag if before else "")
            data["version"], data["in_force"] = named.version, True
            io.say(f"Stored as {named.version}, which is now the current version." + _way_back(endpoint, before))
    io.emit(data)
    return bool(data["in_force"])


def _way_back(endpoint: str, before: Stored | None) -> str:
    return f" To go back, run: vedette constraints use {endpoint} {before.version} --reason '...'" if before else ""


def _compare(io: CommandIO, before: Stored | None, after: Constraints, statistics: bytes | None) -> list[Difference]:
    from vedette.operations.constraints import differences

    if before is None:
        io.say(f"There was no baseline; the new one has {len(after.features)} features.")
        return []
    found = differences(before.constraints, after)
    _print_differences(io, found)
    if before.statistics != statistics:
        none = "The new baseline has no statistics, so drift is not evaluated."
        io.say("The baseline statistics for drift change." if statistics else none)
    return found


def _print_differences(io: CommandIO, found: list[Difference]) -> None:
    io.say(*(f"  {difference}" for difference in found))
    if not found:
        io.say("  The rules do not differ.")


def _made(found: Stored, *, in_force: bool) -> str:
    from chalicelib.alerts.sanitize import sanitize

    head = f"Current version {found.version}" if in_force else f"Version {found.version}"
    if found.named is None:
        return f"{head}; its author is unknown."
    why = f": {sanitize(found.named.reason, 200)}" if found.named.reason else "."
    return f"{head} by {sanitize(found.named.by, 60)}, {found.named.at:%Y-%m-%d %H:%M} UTC{why}"
