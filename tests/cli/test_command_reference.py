"""docs/commands.md is what the commands say of themselves."""

from tests.documents import ROOT
from vedette.cli import COMMANDS
from vedette.cli.command_reference import command_reference

DOCUMENT = ROOT / "docs" / "commands.md"


def test_the_document_is_the_reference_of_the_commands():
    written = "run: python -m vedette.cli.command_reference > docs/commands.md"
    assert DOCUMENT.read_text() == command_reference(), written


def test_every_command_and_subcommand_has_a_chapter_with_its_usage_and_an_example():
    chapters = command_reference().split("\n### ")[1:]
    titles = {chapter.partition("\n")[0] for chapter in chapters}
    assert {f"vedette {name}" for name in COMMANDS} <= titles
    assert {"vedette alerts mute", "vedette constraints accept"} <= titles
    without = [
        chapter.partition("\n")[0]
        for chapter in chapters
        if "```text\nvedette " in chapter and "\nExample" not in chapter
    ]
    assert without == []
