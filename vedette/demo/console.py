"""How the story is told: chapters, lines with the demo's time, mails as their receiver reads them, checks."""

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
    """Prints the story, and remembers what was checked."""

    console: Console
    clock: Clock
    received: Received
    checks: list[tuple[str, str, bool]] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    _chapter: str = ""

    def title(self) -> None:
        """What this is, and what it is not."""
        self.console.print(Text("Vedette: the whole loop on this machine", style="bold"))
        self.console.print(
            "Simulated AWS, clock turned by the demo. No AWS account, no network. The functions are the real ones."
        )

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapter = title
        elapsed = time.perf_counter() - self.began
        self.console.print()
        self.console.rule(Text(f"{title}  ({elapsed:.0f} s)"), align="left", style="bold")

    def say(self, text: str) -> None:
        """One line, with the time on the demo's clock."""
        now: datetime = self.clock.now()
        line = Table.grid(padding=(0, 2))
        line.add_column(no_wrap=True)
        line.add_column()
        line.add_row(Text(f"{now:%a %H:%M}", style="dim"), Text(text))
        self.console.print(line)

    def show(self, text: str) -> None:
        """Something as it stands in a file; lines are not broken."""
        for line in text.splitlines():
            self.console.print(Text(f"{INDENT}{line}"), soft_wrap=True)

    def mail(self, mail: Mail) -> None:
        """A mail, as a mail server received it and Python's parser reads it."""
        shown = next(found for found in reversed(self.received.mails) if found["Subject"] == mail.subject)
        lines = [f"To: {shown['To']}", f"Subject: {shown['Subject']}", "", *shown.get_content().rstrip().splitlines()]
        for line in lines:
            self.console.print(Text.assemble(("  | ", "dim"), line), soft_wrap=True)

    def check(self, what: str, held: bool) -> None:
        """Check a fact; it is shown here, and again at the end."""
        self.checks.append((self._chapter, what, held))
        mark = Text("ok  ", style="green") if held else Text("NOT ", style="bold red")
        self.console.print(Padding(Text.assemble(mark, what), (0, 0, 0, len(INDENT))))

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Progress]:
        """A bar while many windows go by."""
        columns = (TextColumn(INDENT + "{task.description}"), BarColumn(), MofNCompleteColumn())
        # On a terminal rich takes sys.stdout over, and what the functions log would come onto the screen.
        transient, redirect = not self.console.is_terminal, False
        with Progress(
            *columns, console=self.console, transient=transient, redirect_stdout=redirect, redirect_stderr=redirect
        ) as bar:
            bar.add_task(what, total=total)
            yield bar

    def summary(self) -> bool:
        """The table of what was checked; whether every check held."""
        table = Table("", "checked", box=SIMPLE, title="What was checked", title_justify="left")
        for chapter, checks in groupby(self.checks, key=lambda check: check[0]):
            table.add_row("", Text(chapter, style="bold"))
            for _, what, held in checks:
                table.add_row(Text("ok", style="green") if held else Text("NOT", style="bold red"), what)
        self.console.print()
        self.console.print(table)
        passed = sum(held for *_, held in self.checks)
        seconds = time.perf_counter() - self.began
        self.console.print(f"{passed} of {len(self.checks)} checks passed, in {seconds:.0f} s.")
        return passed == len(self.checks)
