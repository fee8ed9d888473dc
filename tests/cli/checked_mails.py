"""Mails that are checked as they arrive: each command is run, and must answer about what the mail is about."""

import re
import shlex
from pathlib import Path

import boto3
from click.testing import CliRunner, Result

from vedette.cli import main
from vedette.local import Cloud
from vedette.local.mailbox import Mail

CHANGES = ("rollback", "constraints accept", "constraints use", "alerts mute", "retry", "delete", "pin", "adopt")


def commands(text: str) -> list[str]:
    """The commands of a mail: each on a line of its own."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("vedette ")]


def kind_of(command: str) -> str:
    words = command.split()
    return " ".join(words[1:3]) if words[1] in {"show", "constraints", "alerts", "capture"} else words[1]


def run(command: str) -> Result:
    """A command as it is printed; one that changes something shows what it would do."""
    words = shlex.split(command)[1:]
    dry = ["--dry-run"] if kind_of(command) in CHANGES else []
    return CliRunner().invoke(main, [*words, *dry], catch_exceptions=False)


def one_line(text: str) -> str:
    return " ".join(text.split())


def headline(text: str) -> str:
    """The first sentence of a mail."""
    return one_line(text.split("\n\n")[0]).rstrip(".")


def objects(text: str) -> list[str]:
    """The files in S3 that a mail names as a step; a folder is not one of them."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith("s3://") and not line.endswith("/")]


def check(mail: Mail) -> list[str]:
    """Run every command of a mail; the kinds of commands that ran."""
    subject, text, ran = mail.subject, mail.text, []
    for command in commands(text):
        result = run(command)
        kind, shown = kind_of(command), one_line(result.output)
        assert result.exit_code in {0, 1}, (subject, command, result.output)
        about = mail.attributes["endpoint"] in command or command.split()[3] in text.split("What to do")[0]
        assert about, (subject, command)
        if kind == "show violations" and "recovered" not in subject:
            assert headline(text) in shown, (subject, command, result.output)
            assert result.exit_code == 1
        if kind == "replay" and "recovered" not in subject:
            assert "Of this window:" in shown, (subject, command, result.output)
        if kind == "constraints accept":
            assert re.search(r"\b(accepts|inferred_type|reference days)\b", shown), (subject, command, result.output)
        if kind == "report":
            assert headline(text) in Path(f"{mail.attributes['endpoint']}.html").read_text(), (subject, command)
        if kind == "alerts list":
            assert all(name in shown for name in re.findall(r"^  (\S+): \S+_check", text, re.MULTILINE)), (
                subject,
                shown,
            )
        ran.append(kind)
    for place in objects(text):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        boto3.client("s3").head_object(Bucket=bucket, Key=key)
    return ran


class Checked:
    """A stage whose mails are checked as they arrive."""

    def __init__(self, cloud: Cloud):
        self.cloud, self.seen = cloud, 0
        self.ran: dict[str, list[str]] = {}  # subject -> the kinds of its commands

    def check(self) -> None:
        mails = self.cloud.mailbox.mails
        while self.seen < len(mails):
            mail = mails[self.seen]
            self.seen += 1
            self.ran[mail.subject] = check(mail)

    def of(self, words: str) -> list[str]:
        """The commands of the one mail whose subject has these words."""
        found = [kinds for subject, kinds in self.ran.items() if words in subject]
        assert len(found) == 1, list(self.ran)
        return found[0]
