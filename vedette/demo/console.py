"""The output of the demo: chapters, lines with the simulated time, e-mails as received, and checks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from vedette.local.clock import Clock
from vedette.local.mailbox import Mail
from vedette.local.smtp_server import Received

INDENT = " " * 11


@dataclass
class DemoConsole:
    """Prints the demo, and collects the results of its checks."""

    console: Console
    clock: Clock
    received: Received
    checks: list[tuple[str, str, bool]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    _chapter: str = ""

    def title(self) -> None:
        """Print what the demo is."""
        self.console.print(Text("Vedette: the whole loop on this machine", style="bold"))
        self.console.print("AWS is simulated with a fast-forwarded clock; no AWS account and no network are needed.")

    def chapter(self, title: str) -> None:
        """Print the heading of a chapter."""
        self._chapter = title
        elapsed = time.perf_counter() - self.began
        self.console.print()
        self.console.rule(Text(f"{title}  ({elapsed:.0f} s)"), align="left", style="bold")

    def say(self, text: str) -> None:
        """Print one line with the simulated time."""
        now: datetime = self.clock.now()
        line = Table.grid(padding=(0, 2))
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text(f"{now:%a %H:%M}", style="dim"), Text(text))
        self.console.print(line)

    def show(self, text: str) -> None:
        """Print the content of a file; lines are not wrapped."""
        for line in text.splitlines():
            self.console.print(Text(f"{INDENT}{line}"), soft_wrap=True)

    def mail(self, mail: Mail) -> None:
        """Print an e-mail as the mail server received it."""
        shown = next(found for found in reversed(self.received.mails) if found["Subject"] == mail.subject)
        lines = [f"To: {shown['To']}", f"Subject: {shown['Subject']}", "", *shown.get_content().rstrip().splitlines()]
        for line in lines:
            self.console.print(Text.assemble(("  | ", "dim"), line), soft_wrap=True)

    def check(self, what: str, passed: bool) -> None:
        """Print the result of a check now, and again in the summary."""
        self.checks.append((self._chapter, what, passed))
        mark = Text("ok   ", style="green") if passed else Text("FAIL ", style="bold red")
        self.console.print(Padding(Text.assemble(mark, what), (0, 0, 0, len(INDENT))))

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress]:
        """A progress bar while many windows pass."""
        columns = (TextColumn(INDENT + "{task.description}"), BarColumn(), MofNCompleteColumn())
        # On a terminal, rich replaces sys.stdout, and the logs of the functions would appear on the screen.
        transient, redirect = not self.console.is_terminal, False
        with Progress(
            *columns, console=self.console, transient=transient, redirect_stdout=redirect, redirect_stderr=redirect
        ) as bar:
            bar.add_task(what, total=total)
            yield bar

    def summary(self) -> bool:
        """Print the table of checks; returns whether every check passed."""
        table = Table("Result", "Check", box=SIMPLE, title="Checks", title_justify="left")
        for chapter, checks in groupby(self.checks, key=lambda check: check[0]):
            table.add_row("", Text(chapter, style="bold"))
            for _, what, passed in checks:
                table.add_row(Text("ok", style="green") if passed else Text("FAIL", style="bold red"), what)
        self.console.print()
        self.console.print(table)
        count = sum(passed for *_, passed in self.checks)
        seconds = time.perf_counter() - self.began
        self.console.print(f"{count} of {len(self.checks)} checks passed, in {seconds:.0f} s.")
        return count == len(self.checks)
