"""What the commands share that can run on Spark: `--engine`, `--master`, `--print`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from vedette.cli import options
from vedette.cli.stage import CommandIO

if TYPE_CHECKING:
    from vedette.spark.engine import Spark


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--engine`, `--master` and `--print`; the command receives `master`: None is this process."""

    @wraps(command)
    def run(io: CommandIO, *arguments: Any, engine: str, master: str | None, **params: Any) -> Any:
        if engine != "spark" and (master or params["printed"]):
            raise click.UsageError("--master and --print need --engine spark.")
        return command(io, *arguments, master=(master or "") if engine == "spark" else None, **params)

    with_print = click.option(
        "--print",
        "printed",
        is_flag=True,
        help="With --engine spark: print the script that runs this on EMR Serverless, and change nothing.",
    )(run)
    with_master = click.option(
        "--master",
        metavar="URL",
        help="With --engine spark: the Spark master. [default: that of spark-submit, or local[*]]",
    )(with_print)
    return click.option(
        "--engine",
        type=click.Choice(["python", "spark"]),
        default="python",
        show_default=True,
        help="Work in this process, or on Spark.",
    )(with_master)


@contextmanager
def started(master: str | None) -> Iterator[Spark | None]:
    """The engine of a command: a Spark context until the end, or None for this process."""
    if master is None:
        yield None
        return
    from vedette.spark import engine

    profile = click.get_current_context().params.get("profile")
    with engine.started(master, profile) as spark:
        yield spark


def progress(spark: Spark | None, title: str, size: int, *, counted: bool = False) -> Any:
    """`options.progress`; of Spark, which shows its own, one that shows nothing."""
    return options.progress(title, size, counted=counted) if spark is None else nullcontext(lambda done: None)


def print_script(io: CommandIO, *arguments: str) -> None:
    """Print the script that runs a command with these arguments on EMR Serverless."""
    import os

    from chalicelib.settings import VARIABLES, settings
    from vedette.spark import emr_serverless

    variables = {name: value for name, value in os.environ.items() if name in VARIABLES}
    script = emr_serverless.script(settings(), variables, [*arguments, "--engine", "spark"])
    io.say(script.rstrip("\n"))
    io.emit({"script": script})
