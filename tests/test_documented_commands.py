"""The commands that the documents name are commands that there are: of Vedette, of make, of the AWS CLI."""

import re
import shlex
from pathlib import Path

import botocore.session
import click
import pytest
import yaml
from botocore import xform_name

from tests.documents import DOCS, ROOT, blocks
from vedette.cli import COMMANDS, main

# https://docs.aws.amazon.com/cli/latest/reference/sns/subscribe.html
RENAMED_BY_THE_CLI = {("sns", "endpoint"): "notification-endpoint"}
# https://docs.aws.amazon.com/cli/latest/reference/cloudformation/deploy/, and package/
OF_THE_CLI = {
    "deploy": {"stack-name", "template-file", "capabilities", "parameter-overrides"},
    "package": {"template-file", "s3-bucket", "s3-prefix", "output-template-file"},
}
OF_EVERY_COMMAND = {"query", "output", "cli-binary-format"}


def command_lines(document: Path) -> list[str]:
    """Every command of Vedette in a document's blocks and in backquotes."""
    lines = [
        line.removeprefix("$ ")
        for block in blocks(document)
        if block.language in ("shell", "console")
        for line in block.commands
    ]
    lines += re.findall(r"`([^`\n]+)`", document.read_text())
    found = (re.match(r"(?:\.?\w*/?bin/)?(vedette [a-z][^#|]*)", line.strip()) for line in lines)
    return [match[1] for match in found if match]


def commands_exist(lines: list[str]) -> bool:
    """Whether lines such as `vedette apply -f fleet.toml --yes` name commands and options that there are."""
    for line in lines:
        _, *words = shlex.split(line)
        command, context = main, click.Context(main)
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            name, *words = words
            command = command.get_command(context, name)
            assert command is not None, line
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if re.match(r"--?[a-z]", word)} <= known, line
    return bool(lines)


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_command_that_is_named_exists(document):
    for line in command_lines(document):
        words = re.match(r"vedette ((?:[a-z][a-z-]*\s*)+)", line)[1].split()
        assert words[0] in COMMANDS, line
        command = main.get_command(click.Context(main), words[0])
        if isinstance(command, click.Group) and len(words) > 1:
            assert words[1] in command.commands, line


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_option_of_a_command_in_a_block_exists(document):
    lines = [
        line.removeprefix("$ ")
        for block in blocks(document)
        if block.language in ("shell", "console")
        for line in block.commands
    ]
    commands_exist([one for line in lines for one in re.findall(r"^(?:\.venv/bin/)?(vedette [^&|]*)", line)])


def arguments(line: str) -> list[str]:
    """The words of a command, without what a shell makes of its output."""
    return shlex.split(re.split(r" \| |\)$", line.replace("QUEUE=$(", ""))[0], comments=True)


def aws_lines() -> list[str]:
    """Every command of the AWS CLI in a block."""
    lines = [line.strip() for document in DOCS for block in blocks(document) for line in block.commands]
    return [line for line in lines if re.match(r"(QUEUE=\$\()?aws ", line)]


def options_of(service: str, operation: str) -> set[str]:
    """The options of a command: botocore's models have what the AWS CLI makes its commands of."""
    if service == "cloudformation" and operation in OF_THE_CLI:
        return OF_THE_CLI[operation]
    model = botocore.session.get_session().get_service_model({"s3api": "s3"}.get(service, service))
    names = {xform_name(name, "-"): name for name in model.operation_names}
    members = {xform_name(name, "-") for name in model.operation_model(names[operation]).input_shape.members}
    return {RENAMED_BY_THE_CLI.get((service, member), member) for member in members}


@pytest.mark.parametrize("line", aws_lines(), ids=lambda line: " ".join(arguments(line)[1:3]))
def test_a_command_of_the_aws_cli_exists_with_its_options(line):
    _, service, operation, *words = arguments(line)
    options = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert options - OF_EVERY_COMMAND <= options_of(service, operation)


@pytest.mark.parametrize("line", [line for line in aws_lines() if "examples/" in line])
def test_a_template_of_the_examples_has_the_parameters_that_a_document_gives_it(line):
    words = arguments(line)
    template = yaml.compose((ROOT / words[words.index("--template-file") + 1]).read_text())
    (parameters,) = [node for name, node in template.value if name.value == "Parameters"]
    given = {word.partition("=")[0] for word in words[words.index("--parameter-overrides") + 1 :]}
    assert given <= {name.value for name, _ in parameters.value}


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_target_of_make_that_is_named_exists(document):
    makefiles = (ROOT / "Makefile").read_text() + (ROOT / "benchmarks" / "Makefile.inc").read_text()
    targets = {name for line in re.findall(r"^([\w -]+):(?!=)", makefiles, re.MULTILINE) for name in line.split()}
    lines = [line for block in blocks(document) if block.language == "shell" for line in block.commands]
    lines += re.findall(r"`(make [^`]+)`", document.read_text())
    assert [
        line for line in lines if line.startswith("make ") and line.split()[1] not in {*targets, ".venv/.installed"}
    ] == []
