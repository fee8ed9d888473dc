"""What all commands share: help in whole sentences with working examples, the same options, and a quick start."""

import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from vedette.cli import COMMANDS, SECTIONS, main

WITHOUT_STAGE = {"evaluate", "summarize", "baseline", "captured", "quality suggest", "demo", "init", "alerts schema"}
READ_ONLY = {
    "status",
    "report",
    "plan",
    "history",
    "failed-versions",
    "fleet show",
    "capture status",
    "invoke",
    "simulate",
    "show violations",
    "show statistics",
    "show constraints",
    "show schedule",
    "constraints show",
    "constraints versions",
    "constraints diff",
    "replay",
    "alerts list",
    "alerts show",
    "alerts preview",
    "doctor",  # without --fix; that run is what a dry run of --fix would be
}


def commands():
    context = click.Context(main)
    for name in COMMANDS:
        found = main.get_command(context, name)
        yield (name, found)
        if isinstance(found, click.Group):
            yield from ((f"{name} {inner}", found.commands[inner]) for inner in found.commands)


ALL = dict(commands())


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_help_text_holds_an_example_that_calls_the_command(name):
    said = CliRunner().invoke(main, [*name.split(), "--help"])
    assert said.exit_code == 0
    assert f"vedette {name}" in said.output.partition("Example")[2]


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_example_is_a_command_line_that_parses(name):
    examples = re.findall(r"^  vedette (.+)$", ALL[name].help.replace("\n    ", "\n"), re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        called = next(" ".join(words[:size]) for size in (2, 1) if " ".join(words[:size]) in ALL)
        arguments = words[len(called.split()) :]
        ALL[called].make_context(called, [*arguments, "--stage", "dev"] if "setup" in called else arguments)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_help_text_and_option_is_a_whole_sentence(name):
    summary = ALL[name].help.partition("\n\n")[0]
    assert summary[0].isupper()
    assert summary.endswith(".")
    options = [option for option in ALL[name].params if isinstance(option, click.Option)]
    assert [o.name for o in options if not (o.help and re.search(r"\.( \[.*\])?$", o.help))] == []


def test_the_help_lists_every_command_in_a_section():
    said = CliRunner().invoke(main, ["--help"]).output
    for section, names in SECTIONS.items():
        listed = said.partition(f"\n{section}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)] == list(names)


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [(["statsu"], "'status'"), (["alerts", "lst"], "'list'"), (["status", "--stag", "dev"], "'--stage'")],
)
def test_a_mistyped_command_or_option_gets_a_suggestion(words, suggestion):
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, f"Did you mean {suggestion}?" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_on_a_stage_has_the_same_options(name):
    found = ALL[name]
    if isinstance(found, click.Group) or name in WITHOUT_STAGE:
        return
    options = {option for parameter in found.params for option in parameter.opts}
    assert {"--stage", "--profile", "--region", "--json"} <= options
    assert ({"--yes", "--dry-run"} <= options) == (name not in READ_ONLY)


def test_the_list_of_commands_needs_neither_boto3_nor_numpy():
    code = "import sys; from vedette.cli import main; main(['--help'], standalone_mode=False); "
    code += "sys.exit(','.join({'boto3', 'numpy', 'msgspec', 'pandas', 'rich'} & sys.modules.keys()) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in COMMANDS:
        assert f"  {name}" in done.stdout


def test_a_command_in_a_process_of_its_own_reaches_the_cloud_over_http(stage):
    with stage.cloud.serve() as url:
        import os

        environment = {**os.environ, **stage.cloud.child_environment(url)}
        done = subprocess.run(
            [sys.executable, "-c", "from vedette.cli import main; main()", "fleet", "show", "--json"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert '"endpoint": "preferred-site"' in done.stdout
