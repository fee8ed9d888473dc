"""`vedette demo`."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.errors import VedetteError


@click.command("demo")
@click.option("--data", type=click.Path(dir_okay=False), help="A CSV file of numbers, the label in the first column.")
@click.option("--keep", type=click.Path(file_okay=False), help="Copy the bucket and the e-mails to this folder.")
def demo_command(data: str | None, keep: str | None) -> None:
    """Run the whole loop on this machine: approve, deploy, capture, detect, alert.

    AWS is simulated with a fast-forwarded clock; the code of the Lambda functions is the real code. The exit code is 0
    only if every check passed.

    \b
    Examples:
      vedette demo
      vedette demo --data my-training-data.csv --keep bucket/
    """  # noqa: D301
    try:
        from vedette.demo import story
    except ModuleNotFoundError as missing:
        raise VedetteError(f"The demo needs the package {missing.name}: pip install 'vedette[local]'.") from missing
    content = Path(data).read_bytes() if data else None
    if keep and Path(keep).is_dir() and any(Path(keep).iterdir()):
        raise VedetteError(f"{keep} is not empty; choose a new folder for --keep.")
    passed = story.run(content, data or "", Path(keep) if keep else None)
    raise SystemExit(0 if passed else 1)
