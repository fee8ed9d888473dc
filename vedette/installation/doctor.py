"""`vedette doctor`: an installation looked at as its user would, and what to do about each fault.

| outcome | means                                                                             |
|---------|-----------------------------------------------------------------------------------|
| ok      | it is as it should be                                                             |
| warning | it works; a person should know                                                    |
| fault   | something does not work, or would not when it is needed                           |
| unknown | it may not be looked at with these credentials, or not from here                  |

Checks read alone. `--fix` sets right what Chalice cannot set and what a bucket must announce; `--live` invokes each
function with an event about an endpoint that no fleet has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import Settings
from vedette.installation.project import Project
from vedette.operations.aws import code, message

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    outcome: str
    found: str = ""
    remedy: str = ""
    fix: Callable[[], None] | None = None


@dataclass(frozen=True)
class Examined:
    """What a check is given."""

    project: Project
    settings: Settings

    @property
    def stage(self) -> str:
        """The stage."""
        return self.settings.stage


Check = Callable[[Examined], Iterable[Finding]]


def ok(what: str, found: str = "") -> Finding:
    """As it should be."""
    return Finding(what, "ok", found)


def warning(what: str, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """It works; a person should know."""
    return Finding(what, "warning", found, remedy, fix)


def fault(what: str, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """It does not work."""
    return Finding(what, "fault", found, remedy, fix)


def judged(what: str, right: bool, found: str, remedy: str, fix: Callable[[], None] | None = None) -> Finding:
    """As it should be, or a fault."""
    return ok(what) if right else fault(what, found, remedy, fix)


def examine(project: Project, settings: Settings, *, live: bool) -> list[Finding]:
    """Everything there is to look at."""
    from vedette.installation import check_account, check_functions

    examined = Examined(project, settings)
    checks = [*check_account.CHECKS, *check_functions.CHECKS, *((check_functions.live,) if live else ())]
    return [finding for check in checks for finding in _looked(check, examined)]


def _looked(check: Check, examined: Examined) -> list[Finding]:
    what = (check.__doc__ or check.__name__).rstrip(".")
    try:
        return list(check(examined))
    except ClientError as error:
        if code(error) in DENIED:
            return [Finding(what, "unknown", message(error), "look with credentials that may read it")]
        return [fault(what, f"{error.operation_name}: {message(error)}", "see what AWS says")]
    except BotoCoreError as error:
        return [Finding(what, "unknown", str(error), "look from a place that reaches AWS")]


def fixed(findings: Iterable[Finding]) -> list[str]:
    """Set right what can be; what was done."""
    done = []
    for finding in findings:
        if finding.outcome != "ok" and finding.fix is not None:
            finding.fix()
            done.append(finding.what)
    return done


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when it works, 1 when there are faults."""
    return int(any(finding.outcome == "fault" for finding in findings))
