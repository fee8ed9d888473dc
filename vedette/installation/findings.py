"""What doctor's checks work with: the stage they look at, and one finding for each thing they looked at.

| outcome | means                                                                             |
|---------|-----------------------------------------------------------------------------------|
| ok      | it is as it should be                                                             |
| warning | it works, but a person should know about it                                       |
| fault   | it does not work, or will not work when it is needed                              |
| unknown | it cannot be checked with these credentials, or not from here                     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chalicelib.settings import Settings
from vedette.installation.project import Project


@dataclass(frozen=True)
class Finding:
    """The result of one check, and what to do about it."""

    what: str
    outcome: str
    found: str = ""
    remedy: str = ""
    fix: Callable[[], None] | None = None


@dataclass(frozen=True)
class InspectedStage:
    """The stage that the checks look at."""

    project: Project
    settings: Settings

    @property
    def stage(self) -> str:
        """The name of the stage."""
        return self.settings.stage


def ok(what: str, found: str = "") -> Finding:
    """A finding that everything is as it should be."""
    return Finding(what, "ok", found)


def warning(what: str, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """A finding that works, but that a person should know about."""
    return Finding(what, "warning", found, remedy, fix)


def fault(what: str, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """A finding that does not work."""
    return Finding(what, "fault", found, remedy, fix)


def expect(what: str, right: bool, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """`ok` if the expectation `right` holds, else a fault."""
    return ok(what) if right else fault(what, found, remedy, fix)


Check = Callable[[InspectedStage], Iterable[Finding]]
