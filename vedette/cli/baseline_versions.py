"""What `vedette constraints` does with the versions of a baseline, of captured data and of model quality alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vedette.cli.stage import CommandIO


def use_again(
    io: CommandIO, before: str, chosen: str, compare: Callable[[], Sequence[Any]], use: Callable[[], object]
) -> None:
    """Make a stored version the current one, after a question; `compare` shows what changes, and returns it."""
    data: dict[str, Any] = {"version": chosen, "in_force": False, "differences": []}
    if before == chosen:
        io.say(f"{chosen} is already the current version.")
    else:
        data["differences"] = compare()
        if io.confirm(f"Use {chosen}?"):
            use()
            data["in_force"] = True
            io.say(f"{chosen} is now the current version.")
    io.emit(data)
