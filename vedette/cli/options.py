"""Options and output helpers that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from chalicelib.errors import UnreadableFile

if TYPE_CHECKING:
    from rich.console import Console

Header = Literal["input", "output", "both"]
captures = click.argument("capture", nargs=-1, required=True)


def aws(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--profile` and `--region`."""
    with_region = click.option("--region", help="The AWS region for s3:// URIs.")(command)
    return click.option("--profile", help="A profile of your AWS configuration, for s3:// URIs.")(with_region)


def traffic(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--header` and `--test-marker`; the command receives them as the reader options `traffic`."""

    @wraps(command)
    def run(*arguments: Any, header: Header | None, test_marker: str, **params: Any) -> Any:
        from chalicelib.capture.options import CaptureOptions

        return command(*arguments, traffic=CaptureOptions(header=header or "", test_marker=test_marker), **params)

    with_marker = click.option(
        "--test-marker",
        default="",
        metavar="TEXT",
        help="Count requests with this text in their custom attributes separately.",
    )(run)
    return click.option(
        "--header",
        type=click.Choice(["input", "output", "both"]),
        help="The sides whose CSV payloads begin with a header row.",
    )(with_marker)


private = click.option(
    "--private",
    multiple=True,
    metavar="NAME",
    help="Keep only counts of types and missing cells of this feature. Repeatable.",
)


no_header = click.option("--no-header", is_flag=True, help="The first row of a CSV table is data, not names.")
fail_on = click.option(
    "--fail-on",
    type=click.Choice(["critical", "warning", "information"]),
    default="warning",
    show_default=True,
    help="Exit with 1 for violations of this severity or worse.",
)


def output(text: str, **settings: Any) -> Callable[..., Any]:
    """`-o FILE`; - means standard output."""
    return click.option("-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), help=text, **settings)


def baseline_names(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--baseline`, whose names the columns get."""
    return click.option("--baseline", help="Name the columns as this baseline does: a folder, or a constraints.json.")(
        command
    )


def write(target: str, content: bytes) -> None:
    """Write an output file, or to standard output if the target is -."""
    if target == "-":
        stream = sys.stdout.buffer
        stream.write(content)
        stream.flush()
    else:
        Path(target).write_bytes(content)


def folders_exist(*targets: str | None) -> None:
    """Raise UnreadableFile if the folder of an output does not exist, before any input is read."""
    for target in targets:
        if target and target != "-" and not Path(target).parent.is_dir():
            raise UnreadableFile(f"{target}: no such file or directory: {Path(target).parent}")


def console(*outputs: str | None) -> Console:
    """The console for people: standard error if standard output carries a file."""
    from rich.console import Console

    class PipedConsole(Console):
        """A console whose reader, such as `head`, may close the pipe: the exit code is still the command's."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())

    found = PipedConsole(stderr="-" in outputs, highlight=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = 140  # a log or a pipe has no width
    return found


@contextmanager
def progress(title: str, size: int, *, counted: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, in bytes or in items; yields the function that advances it."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    stderr = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn() if counted else DownloadColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=size)
        yield lambda done: bar.advance(task, done)
