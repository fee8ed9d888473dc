"""What all commands share: an example in every help text, the same options, and a quick start."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from vedette.cli import COMMANDS, main

WITHOUT_STAGE = {"evaluate", "summarize", "baseline", "captured", "demo", "alerts schema"}
READ_ONLY = {
    "status",
    "report",
    "plan",
    "history",
    "marks",
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
    "install",  # chalice deploy knows no dry run; `vedette setup --dry-run` shows what a stage needs
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
