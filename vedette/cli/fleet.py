"""`vedette manage`, `vedette apply`, `vedette fleet show`: which endpoints Vedette manages, and how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chalicelib.errors import VedetteError
from vedette.cli import stage
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
    named = () if force else [entry for entry in entries if entry.endpoint == endpoint]
    _store(io, stored, entries, etag, "", named)


@stage.command("apply", changes=True)
@click.option("-f", "--file", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The fleet in TOML.")
@FORCE
def apply_command(io: CommandIO, file: Path, force: bool) -> None:
    """Replace the fleet with the fleet in a file.

    Validate the file, show the differences, and store the fleet with your identity and the git commit of the file.
    Endpoints that are not in the file leave the fleet, but are not deleted. A file that names an endpoint, a team or a
    baseline that does not exist is refused; in mode deploy, an endpoint may be created later.

    \b
    Example:
      vedette apply -f fleet.toml --dry-run

    \b
    A fleet.toml:
      [endpoints.preferred-site]
      mode = "deploy"
      package_group = "preferred-site"
      golden_payload = { body = "60,70" }
    """  # noqa: D301
    from vedette.operations import aws, fleet

    content = file.read_bytes()
    entries = fleet.parse(content, str(file))
    io.progress(*fleet.retired_keys(content))
    stored, etag = aws.get_fleet()
    _store(io, stored, entries, etag, fleet.commit_of(file), () if force else entries)


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
        (e.endpoint, e.mode, e.package_group, f"{e.capture_percentage} %", str(e.window_minutes)) for e in found.entries
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
    commit: str,
    checked: Sequence[FleetEntry],
) -> None:
    """Show the changes, ask for confirmation, and store the fleet; what the `checked` entries name must exist.

    Raises
    ------
    VedetteError
        With one line for each endpoint, team or baseline that does not exist.
    """
    from vedette.operations import aws, fleet

    remarks = fleet.check_sources(entries, "the fleet")
    changes = fleet.differences(stored.entries, entries)
    data: dict[str, Any] = {"changes": changes, "commit": commit, "applied": False}
    if not changes:
        io.say("The fleet does not change.")
    else:
        io.say(*(str(change) for change in changes))
        io.progress(*remarks)
        if absent := fleet.missing(checked):
            raise VedetteError("\n".join(["The fleet names what does not exist; --force applies it:", *absent]))
        if io.confirm("Apply these changes?"):
            fleet.apply(entries, etag=etag, by=aws.who(), commit=commit)
            data["applied"] = True
            data["pending"] = fleet.pending_of(fleet.leaving(stored.entries, entries))
            io.say(*data["pending"])
            data["quiet_start"] = [
                show_quiet_start(io, entry) for entry in fleet.newly_alerting(stored.entries, entries)
            ]
            io.say("Applied. The sweep makes the changes within 15 minutes; `vedette plan ENDPOINT` shows them.")
    io.emit(data)
