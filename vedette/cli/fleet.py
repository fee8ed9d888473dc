"""`vedette manage`, `vedette apply`, `vedette fleet show`: which endpoints Vedette manages, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chalicelib.errors import VedetteError
from vedette.cli import options, stage
from vedette.cli.quiet_start import show_quiet_start
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from chalicelib.records import Fleet, FleetEntry


FORCE = click.option("--force", is_flag=True, help="Also accept an endpoint, team or baseline that does not exist.")


@stage.command("manage", changes=True)
@click.argument("group")
@click.option("--endpoint", required=True, help="The endpoint that serves the group.")
@click.option("--mode", type=click.Choice(["observe", "alert", "deploy"]), help="Only monitor, also alert, or deploy.")
@click.option("--capture-percentage", type=int, help="The percentage of requests to capture.")
@click.option("--capture-uri", metavar="S3_URI", help="The capture location, if it is not in the stage's bucket.")
@click.option("--instance-type", help="The instance type of the first deployment. [default: the package's]")
@click.option("--instance-count", type=int, help="The number of instances of the first deployment.")
@click.option("--window-minutes", type=int, help="The length of the monitoring windows.")
@click.option("--critical-feature", "critical_features", multiple=True, help="A feature whose violations are critical.")
@click.option("--team", help="The team that owns the endpoint.")
@stage.traffic
@click.option("--golden-payload", metavar="BODY|@FILE", help="A request that every version must answer.")
@click.option("--golden-content-type", help="The content type of the golden request. [default: text/csv]")
@click.option("--set", "more", metavar="KEY=VALUE", multiple=True, help="Set any other key of a fleet entry.")
@FORCE
def manage_command(io: CommandIO, group: str, endpoint: str, more: tuple[str, ...], force: bool, **params: Any) -> None:
    """Add one endpoint to the fleet, or change its entry.

    Options that you do not name keep their value. To keep the fleet in a file in git, use `vedette apply`.

    \b
    Examples:
      vedette manage preferred-site --endpoint preferred-site --mode deploy --golden-payload 60,70
      vedette manage preferred-site --endpoint preferred-site --set traffic_shifting=canary --set updates_per_hour=2
    """  # noqa: D301
    from vedette.operations import aws, fleet

    stored, etag = aws.get_fleet()
    body, content_type = params.pop("golden_payload"), params.pop("golden_content_type")
    fields = {name: value for name, value in params.items() if value not in (None, ())}
    if body is not None:
        form = {"content_type": content_type, "accept": content_type} if content_type else {}
        fields["golden_payload"] = {"body": fleet.read_payload(body), **form}
    fields |= dict(stage.parse_key_value("--set", text) for text in more)
    entries = fleet.managed(stored, group, endpoint, fields)
    _store(io, stored, entries, etag, force=force, touched=[entry for entry in entries if entry.endpoint == endpoint])


@stage.command("apply", changes=True)
@click.option("-f", "--file", type=click.Path(dir_okay=False, path_type=Path), help="The fleet in TOML.")
@click.option("--import-schedules", is_flag=True, help="Add the endpoints that Model Monitor's schedules watch.")
@FORCE
def apply_command(io: CommandIO, file: Path | None, import_schedules: bool, force: bool) -> None:
    """Replace the fleet with the fleet in a file.

    Validate the file, show the differences, and store the fleet with your identity and the git commit of the file.
    Endpoints that are not in the file leave the fleet, but are not deleted. A file that names an endpoint, a team or a
    baseline that does not exist is refused; in mode deploy, an endpoint may be created later. The baselines that the
    file names come into force, unless a person has chosen another one since.

    With --import-schedules, add an entry for each endpoint with a data quality schedule of Model Monitor: where it
    captures, its baseline, its windows. Entries that exist stay as they are. With --file, the new tables are appended
    to the file, or written to a new one; without it, they are added to the stored fleet.

    \b
    Examples:
      vedette apply -f fleet.toml --dry-run
      vedette apply --import-schedules -f fleet.toml

    \b
    A fleet.toml:
      [endpoints.preferred-site]
      mode = "deploy"
      package_group = "preferred-site"
      golden_payload = { body = "60,70" }
    """  # noqa: D301
    from vedette.operations import aws, fleet

    if file is None and not import_schedules:
        raise click.UsageError("Give a --file or --import-schedules.")
    stored, etag = aws.get_fleet()
    if import_schedules:
        _import_schedules(io, file, stored, etag, force)
    elif file is not None:
        content = file.read_bytes()
        entries = fleet.parse(content, str(file))
        io.progress(*fleet.retired_keys(content))
        _store(io, stored, entries, etag, force=force, touched=entries, commit=fleet.commit_of(file))


def _import_schedules(io: CommandIO, file: Path | None, stored: Fleet, etag: str, force: bool) -> None:
    """Show the entries for the schedules; once confirmed, write them to the file and apply all entries."""
    from chalicelib.alerts.wording import counted
    from vedette.operations import aws, fleet, schedule_import

    content = file.read_bytes() if file is not None and file.exists() else None
    known = stored.entries if content is None else fleet.parse(content, str(file))
    schedules = aws.all_monitoring_schedules()
    with options.progress("Reading schedules", len(schedules), counted=True) as advance:
        found = schedule_import.proposal(schedules, known, advance)
    tables = fleet.as_toml(found.entries)
    io.say(*tables.splitlines(), *([""] if tables else []), *found.remarks, *found.left_out)
    io.say(f"{counted(len(found.entries), 'endpoint')} imported; schedules left out: {len(found.left_out)}.")
    entries = (*known, *found.entries)

    def write() -> None:
        if file is not None and (found.entries or content is None):
            whole = fleet.as_toml(entries).encode() if content is None else fleet.with_tables(content, tables)
            file.write_bytes(whole)
            io.say(f"Wrote {counted(len(found.entries), 'table')} to {file}.")

    data = {"toml": tables, "remarks": found.remarks, "left_out": found.left_out}
    _store(io, stored, entries, etag, force=force, touched=entries, shown=found.entries, first=write, data=data)


@click.group("fleet")
def fleet_group() -> None:
    """Show the current fleet.

    \b
    Example:
      vedette fleet show --json
    """  # noqa: D301


@stage.command("show")
@click.option("--toml", "as_toml", is_flag=True, help="Print a fleet.toml for `vedette apply`.")
def show_command(io: CommandIO, as_toml: bool) -> None:
    """Show every endpoint of the fleet, who applied the fleet, and from which commit.

    \b
    Examples:
      vedette fleet show
      vedette fleet show --toml > fleet.toml
    """  # noqa: D301
    from vedette.operations import aws, fleet

    found, _ = aws.get_fleet()
    if as_toml:
        io.say(fleet.as_toml(found.entries).rstrip("\n"))
        io.emit({"toml": fleet.as_toml(found.entries)})
        return
    rows = [
        (
            e.endpoint,
            e.mode,
            e.package_group,
            e.records or f"{e.capture_percentage} %",
            "a job" if e.transform_jobs else str(e.window_minutes),
        )
        for e in found.entries
    ]
    if rows:
        io.table(("Endpoint", "Mode", "Group", "Captured", "Window, minutes"), rows)
    else:
        io.say("No endpoint is in the fleet.")
    if found.applied_at:
        commit = f", commit {found.commit}" if found.commit else ""
        io.say(f"Applied by {found.applied_by}, {found.applied_at:%Y-%m-%d %H:%M} UTC{commit}.")
    io.emit(found)


fleet_group.add_command(show_command)


def _store(
    io: CommandIO,
    stored: Fleet,
    entries: tuple[FleetEntry, ...],
    etag: str,
    *,
    force: bool,
    touched: Sequence[FleetEntry],
    commit: str = "",
    shown: Sequence[FleetEntry] = (),
    first: Callable[[], None] = lambda: None,
    data: dict[str, Any] | None = None,
) -> None:
    """Show the changes, ask for confirmation, put the baselines in force, and store the fleet.

    What the `touched` entries name must exist, unless it is forced. Those `shown` were shown before. `first` is called
    when it is confirmed, and `data` is emitted too.

    Raises
    ------
    VedetteError
        With one line for each endpoint, team or baseline that does not exist, and each baseline that cannot be read.
    """
    from chalicelib.alerts.wording import counted
    from vedette.operations import aws, fleet, fleet_baselines

    remarks = fleet.check_sources(entries, "the fleet")
    changes = fleet.differences(stored.entries, entries)
    fleet.refuse_other_kinds(stored.entries, entries)
    if refused := fleet.undeployable(stored.entries, entries):
        raise VedetteError("\n".join(refused))
    data = {**(data or {}), "changes": changes, "commit": commit, "applied": False}
    if not changes:
        io.say("The fleet does not change.")
    else:
        names = {entry.endpoint for entry in shown}
        io.say(*(str(change) for change in changes if change.endpoint not in names))
        io.progress(*remarks)
        if absent := fleet.missing(() if force else touched):
            raise VedetteError("\n".join(["The fleet names what does not exist; --force applies it:", *absent]))
    named = sum(bool(entry.baseline) for entry in touched)
    with options.progress("Reading baselines", named, counted=True) as advance:
        baselines = fleet_baselines.planned(stored.entries, touched, advance)
    coming = fleet_baselines.coming(baselines)
    io.say(*(str(one) for one in baselines if one.is_said))
    if baselines:
        io.say(f"Baselines of the fleet: {fleet_baselines.summary(baselines)}.")
    data["baselines"] = [{"endpoint": one.endpoint, "place": one.place, "outcome": one.outcome} for one in baselines]
    if (changes or coming) and io.confirm("Apply these changes?"):
        first()
        # The baselines first: if this is interrupted, the same command goes on where it stopped.
        with options.progress("Putting baselines in force", coming, counted=True) as advance:
            fleet_baselines.put_in_force(baselines, advance)
        if coming:
            io.say(f"{counted(coming, 'baseline')} put in force.")
        data["applied"] = True
        if changes:
            fleet.apply(entries, etag=etag, by=aws.who(), commit=commit)
            data["pending"] = fleet.pending_of(fleet.leaving(stored.entries, entries))
            io.say(*data["pending"], *fleet.newly_predicted(stored.entries, entries))
            data["quiet_start"] = [
                show_quiet_start(io, entry) for entry in fleet.newly_alerting(stored.entries, entries)
            ]
            io.say("Applied. The sweep makes the changes within 15 minutes; `vedette plan ENDPOINT` shows them.")
    io.emit(data)
