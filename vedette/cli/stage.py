"""What every command on a stage shares: options, confirmation, and output for people or as JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from chalicelib.errors import UnreadableFile, VedetteError
from vedette.cli import options

Command = Callable[..., Any]


class NotConfirmed(VedetteError):
    """The user declined, or no user was there to confirm."""


@dataclass(frozen=True)
class CommandIO:
    """The input and output of one command: lines for people or JSON, and confirmation."""

    as_json: bool
    yes: bool = False
    dry_run: bool = False
    on_stage: bool = True  # False: of a command that needs none, when none was named

    def say(self, *lines: str) -> None:
        """Print lines for people; with --json, print nothing."""
        if not self.as_json:
            for line in lines:
                click.echo(line)

    def progress(self, *lines: str) -> None:
        """Print progress lines; with --json, to standard error."""
        for line in lines:
            click.echo(line, err=self.as_json)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table for people; with --json, print nothing."""
        if self.as_json:
            return
        from rich.table import Column, Table
        from rich.text import Text

        shown = Table(*(Column(name, overflow="fold") for name in columns))  # long words wrap
        for row in rows:
            shown.add_row(*(Text(str(cell)) for cell in row))
        options.console().print(shown)

    def emit(self, data: Any) -> None:
        """Print the result as JSON; without --json, print nothing."""
        if self.as_json:
            import msgspec

            click.echo(json.dumps(msgspec.to_builtins(data, str_keys=True), indent=2, default=str))

    def confirm(self, question: str) -> bool:
        """Ask for confirmation. False in a dry run; raises NotConfirmed if the user declines."""
        if self.dry_run:
            self.say("Dry run: nothing was changed.")
            return False
        if self.yes:
            return True
        try:
            agreed = click.confirm(question, err=self.as_json)
        except click.Abort:
            agreed = False
        if not agreed:
            raise NotConfirmed("Not confirmed, so nothing was changed. Use --yes to confirm without a question.")
        return True

    def confirm_by_typing(self, question: str, name: str) -> None:
        """Raise NotConfirmed unless the user types the name; --yes is not enough."""
        try:
            answer = click.prompt(question, err=self.as_json, default="", show_default=False)
        except click.Abort:
            answer = ""
        if answer.strip() != name:
            raise NotConfirmed(f"That is not {name}; nothing was changed.")


def command(
    name: str, *, changes: bool = False, while_paused: bool = False, needs_stage: bool = True, **more: Any
) -> Callable[[Command], Any]:
    """A command on a stage; its first argument is `CommandIO`. With `changes` it has --yes and --dry-run.

    One that needs no stage enters the stage that is named, if any.
    """

    def decorate(function: Command) -> Any:
        @wraps(function)
        def run(**params: Any) -> None:
            from vedette.operations import control, stages
            from vedette.playground.client import simulated_time

            stage_name, profile, region = params.pop("stage_name"), params.pop("profile"), params.pop("region")
            on_stage = needs_stage or bool(stage_name or os.environ.get("VEDETTE_STAGE"))
            io = CommandIO(params.pop("as_json"), params.pop("yes", False), params.pop("dry_run", False), on_stage)
            if not on_stage:
                with stages.signed_in(profile, region):
                    function(io, **params)
                return
            variables = stages.find(stage_name, os.environ, Path.cwd(), profile, region)
            with simulated_time(), stages.entered(variables, profile, region):
                if changes and not while_paused and not io.dry_run:
                    control.refuse_while_paused()
                function(io, **params)

        wrapped: Any = run
        if changes:
            wrapped = click.option("--dry-run", is_flag=True, help="Show the changes without making them.")(wrapped)
            wrapped = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")(wrapped)
        wrapped = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(wrapped)
        wrapped = click.option(
            "--region",
            help="The region in which to look for the stage. [default: that of this folder, or your AWS configuration]",
        )(wrapped)
        wrapped = click.option("--profile", help="A profile of your AWS configuration.")(wrapped)
        wrapped = click.option(
            "--stage", "stage_name", metavar="STAGE", help="The name of the stage. [default: $VEDETTE_STAGE]"
        )(wrapped)
        as_command: Any = click.command(name, **more)
        return as_command(wrapped)

    return decorate


endpoint = click.argument("endpoint")


def sagemaker_endpoint(command: Command) -> Command:
    """The same, of a command about what SageMaker deploys or captures: other names of the fleet are refused."""

    @wraps(command)
    def run(io: CommandIO, endpoint: str, **params: Any) -> Any:
        from vedette.operations import control

        control.refuse_unless_endpoint(endpoint)
        return command(io, endpoint=endpoint, **params)

    return click.argument("endpoint")(run)


def traffic(command: Command) -> Command:
    """`--capture-header` and `--test-marker`; the command receives them as fields of a fleet entry, if present."""

    @wraps(command)
    def run(*arguments: Any, capture_header: str | None, test_marker: str | None, **params: Any) -> Any:
        fields = {"capture_header": {"none": ""}.get(capture_header or "", capture_header), "test_marker": test_marker}
        params |= {name: value for name, value in fields.items() if value is not None}
        return command(*arguments, **params)

    with_marker = click.option(
        "--test-marker",
        metavar="TEXT",
        help="Exclude requests with this text in their custom attributes from the statistics.",
    )(run)
    return click.option(
        "--capture-header",
        type=click.Choice(["none", "input", "output", "both"]),
        help="The sides whose CSV payloads begin with a header row.",
    )(with_marker)


def parse_future_time(text: str | None) -> Any:
    """Parse a future time in ISO 8601 (UTC by default), or a duration from now: 90m, 12h, 3d."""
    import re
    from datetime import UTC, datetime, timedelta

    if text is None:
        return None
    now = datetime.now(UTC)
    span = re.fullmatch(r"(\d+)([smhd])", text)
    if span:
        return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is neither a time like 2026-12-01T08:00 nor a duration like 12h.") from error
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found <= now:
        raise click.UsageError(f"{text} is in the past.")
    return found


def parse_past_time(text: str) -> Any:
    """Parse a past time in ISO 8601 (UTC by default), or a duration until now: 90m, 12h, 14d."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return now - (parse_future_time(text) - now)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found >= now:
        raise click.UsageError(f"{text} is in the future.")
    return found


def parse_duration_seconds(text: str) -> float:
    """Parse a duration to seconds: 30s, 5m, 1h, 2d, or a bare number."""
    import re

    span = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not span:
        raise click.UsageError(f"{text!r} is not a duration like 30s or 5m.")
    return float(span[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[span[2]]


def parse_key_value(option: str, text: str) -> tuple[str, Any]:
    """Parse KEY=VALUE, where VALUE has TOML syntax; a value that is not TOML is text."""
    import tomllib

    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UnreadableFile(f"{option} {text}: not KEY=VALUE")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def interactive() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()
