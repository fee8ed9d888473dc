"""docs/commands.md, from the commands themselves. After a change of a command, write it again:

python -m vedette.cli.command_reference > docs/commands.md
"""  # noqa: D400

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator

import click

from vedette.cli import SECTIONS, main
from vedette.cli.status import status_command

_INTRODUCTION = """# Command line

`vedette --help` lists every command in sections, and `--help` of a command shows an example. `python -m vedette` is the
same program.

- The commands on files need no installation, and write nothing to AWS. Outputs are written before anything is printed,
  so you can pipe what is printed to `head`.
- Commands of a stage have the options below. Commands that change something also have `--yes` (`-y`), which answers the
  question, and `--dry-run`, which shows the changes without making them.
- Exit codes: 0 is fine, 1 means violations at or above the chosen severity (or faults, or alerts: see the command), 2
  means that the command could not run. An error that you can correct is one sentence, without a traceback.

This page is generated: `python -m vedette.cli.command_reference > docs/commands.md`.
"""
_EVERYWHERE = {"yes", "dry_run", "help"}


def command_reference() -> str:
    """The page: every section, command and option, in the order of `vedette --help`."""
    lines = [_INTRODUCTION, "## Options of a stage", "", *_options(status_command, _stage_options()), ""]
    for section, names in SECTIONS.items():
        lines += [f"## {section}", ""]
        for name in names:
            lines += _described(_command(main, name), f"vedette {name}")
    return "\n".join(lines).rstrip() + "\n"


def _command(group: click.Group, name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    if command is None:
        raise KeyError(name)
    return command


def _described(command: click.Command, path: str) -> Iterator[str]:
    """The chapter of a command, and those of its subcommands."""
    about, examples = _about(command.help or "")
    yield from (f"### {path}", "", about, "")
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            yield from _described(_command(command, name), f"{path} {name}")
        return
    usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    yield from ("```text", f"{path} {usage}", *examples, "```", "")
    shown = [one for one in _shown(command) if one.name not in _EVERYWHERE and not _is_shared(one)]
    if shown:
        yield from (*_options(command, shown), "")


def _about(text: str) -> tuple[str, list[str]]:
    """The paragraphs of a help text, each on a line, and the lines of its examples."""
    paragraphs, examples = [], []
    for part in re.split(r"\n\s*\n", text.strip()):
        if part.lstrip().startswith("\b"):
            examples += ["", *textwrap.dedent(part.partition("\b\n")[2]).rstrip().splitlines()]
        else:
            paragraphs.append(" ".join(part.split()).replace("<", "&lt;"))
    return "\n\n".join(paragraphs), examples


def _options(command: click.Command, options: list[click.Option]) -> Iterator[str]:
    context = click.Context(command)
    yield from ("| option | meaning |", "|---|---|")
    for option in options:
        record = option.get_help_record(context) or ("", "")
        names, meaning = (" ".join(text.split()).replace("|", r"\|") for text in record)
        yield f"| `{names}` | {meaning.replace('<', '&lt;')} |"


def _shown(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option) and not one.hidden]


def _stage_options() -> list[click.Option]:
    """The options that all commands of a stage share."""
    return [one for one in _shown(status_command) if one.name in ("stage_name", "profile", "region", "as_json")]


def _is_shared(option: click.Option) -> bool:
    return (option.name, option.help) in {(one.name, one.help) for one in _stage_options()}


if __name__ == "__main__":
    sys.stdout.write(command_reference())
