"""`vedette init`: make a Chalice project, or bring it to this version of Vedette."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.installation.new_project import FileChange, Update

SIGNS = {"add": "+", "replace": "~", "remove": "-", "conflict": "!"}
CODE = "chalicelib/"
SHOWN_IN_FULL = (".chalice/", "app.py")  # what the functions may do and listen to


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--diff", is_flag=True, help="Show the difference of every file, also of the code of the functions.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Show the changes without making them.")
def init_command(folder: Path, diff: bool, as_json: bool, yes: bool, dry_run: bool) -> None:
    """Make a project in DIR, from which a stage is set up and installed.

    It is a Chalice project with the code of the functions, their policies, a fleet.toml and a workflow for GitHub
    Actions. Run the command again with a newer Vedette: it shows the difference, asks, and updates the project. A file
    that you edited is never overwritten; the new one is written beside it as FILE.new. Your stages are kept.

    \b
    Examples:
      vedette init monitoring
      vedette init . --dry-run --diff
    """  # noqa: D301
    from vedette.installation import new_project

    io = CommandIO(as_json, yes, dry_run)
    update = new_project.prepare(folder)
    _show(io, update, diff)
    made = update.is_needed and not dry_run
    if update.is_new and dry_run:
        io.say("Dry run: nothing was changed.")
    elif update.changes and not update.is_new:
        made = io.confirm(f"Make these changes in {folder}?")
    if made:
        update.make()
        _say_next(io, update)
    changes = [{"path": change.path, "action": change.action} for change in update.changes]
    io.emit(
        {"folder": str(folder), "from_version": update.from_version, "to_version": update.to_version, "files": changes}
    )


def _show(io: CommandIO, update: Update, diff: bool) -> None:
    if update.is_new:
        code = sum(change.path.startswith(CODE) for change in update.changes)
        io.say(*(f"+ {change.path}" for change in update.changes if not change.path.startswith(CODE)))
        io.say(f"+ {CODE}: the code of the functions, {code} files")
        return
    if not update.changes:
        io.say("The files of the project do not change.")
    for change in update.changes:
        io.say(f"{SIGNS[change.action]} {change.path}{_kept(change)}")
    for change in update.changes:
        if diff or change.path.startswith(SHOWN_IN_FULL):
            io.say("", change.diff().rstrip("\n"))
    if not diff and any(not change.path.startswith(SHOWN_IN_FULL) for change in update.changes):
        io.say("", "--diff shows the difference of every file.")


def _kept(change: FileChange) -> str:
    """What is to be known of a file that was edited."""
    return f": you edited it; the new one will be {change.path}.new" if change.action == "conflict" else ""


def _say_next(io: CommandIO, update: Update) -> None:
    if update.is_new:
        io.say(
            f"Made a project in {update.folder}. There, look at what setup would create:",
            "  vedette setup --stage dev --email you@example.com --dry-run",
        )
        return
    conflicts = [change.path for change in update.changes if change.action == "conflict"]
    if conflicts:
        io.say(f"Merge by hand, and delete the .new files: {', '.join(conflicts)}.")
    io.say("Updated the project. Deploy it with: vedette install --stage STAGE")
