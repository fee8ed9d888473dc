"""`vedette report`: the HTML report of a window, or of every endpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from vedette.cli import options, stage
from vedette.cli.stage import CommandIO


@stage.command("report")
@click.argument("endpoint", default="")
@click.option("--all", "everything", is_flag=True, help="Write an index of all endpoints, and their latest reports.")
@click.option("--variant", default="", help="Report only this variant. [default: the variant with the worst verdict]")
@click.option(
    "--window",
    default="latest",
    show_default=True,
    metavar="TIME",
    help="latest, the start of the window in UTC (2026-11-22T09), or the name that an alert gives it.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(allow_dash=True),
    help="Write to this file, or - for standard output; with --all, a folder. [default: ENDPOINT.html]",
)
def report_command(
    io: CommandIO, endpoint: str, everything: bool, variant: str, window: str, output: str | None
) -> None:
    """Write the report of an endpoint as an HTML page that opens offline.

    \b
    Examples:
      vedette report preferred-site
      vedette report preferred-site --window 2026-11-22T09 -o report.html
      vedette report --all -o reports
    """  # noqa: D301
    if everything == bool(endpoint) or (everything and not output):
        raise click.UsageError("Name one endpoint, or use --all with -o DIR.")
    if everything and output:
        _all(io, Path(output))
    else:
        _one(io, endpoint, variant, window, output or f"{endpoint}.html")


def _one(io: CommandIO, endpoint: str, variant: str, window: str, output: str) -> None:
    from chalicelib.pages.labels import window as words
    from vedette.operations import pages

    result, content = pages.page(endpoint, variant=variant, window=window)
    options.write(output, content)
    if output != "-":
        io.say(f"{result.verdict}, {result.name}, {words(result.execution)}: {output}")
        io.emit({"file": output, "verdict": result.verdict, "name": result.name, "folder": result.folder})


def _all(io: CommandIO, folder: Path) -> None:
    from chalicelib.alerts.wording import counted
    from vedette.operations import pages, status

    found = status.status()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in pages.reports(found):
        (folder / name).write_bytes(content)
        written.append(name)
    (folder / "index.html").write_bytes(pages.index(found, datetime.now(UTC), written))
    wrong = [one.endpoint for one in found.endpoints if one.violated]
    needs = f"{len(wrong)} need{'s' if len(wrong) == 1 else ''} attention"
    io.say(f"{folder / 'index.html'}: {counted(len(found.endpoints), 'endpoint')}, {needs}.")
    io.emit({"folder": str(folder), "reports": written, "violated": wrong})
