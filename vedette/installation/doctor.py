"""`vedette doctor`: look at an installation as its user would, and say what to do about each fault.

Checks only read. `--fix` repairs what needs no deploy: what Chalice cannot set, and the EventBridge notifications of a
bucket. `--live` invokes each function with an event about an endpoint that is in no fleet.
"""

from __future__ import annotations

from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.settings import Settings
from vedette.installation import check_account, check_functions
from vedette.installation.findings import Check, Finding, InspectedStage, fault
from vedette.installation.project import Project
from vedette.operations.aws import code, message

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"}


def examine(project: Project, settings: Settings, *, live: bool) -> list[Finding]:
    """Run every check; with `live`, also invoke each function once."""
    inspected = InspectedStage(project, settings)
    checks = [*check_account.CHECKS, *check_functions.CHECKS, *((check_functions.live,) if live else ())]
    return [finding for check in checks for finding in _run(check, inspected)]


def _run(check: Check, inspected: InspectedStage) -> list[Finding]:
    what = (check.__doc__ or check.__name__).rstrip(".")
    try:
        return list(check(inspected))
    except ClientError as error:
        if code(error) in DENIED:
            return [Finding(what, "unknown", message(error), "use credentials that may read it")]
        return [fault(what, f"{error.operation_name}: {message(error)}", "see the error of AWS")]
    except BotoCoreError as error:
        return [Finding(what, "unknown", str(error), "run doctor from a network that reaches AWS")]


def repair(findings: Iterable[Finding]) -> list[str]:
    """Repair what can be repaired; returns what was repaired."""
    done = []
    for finding in findings:
        if finding.outcome != "ok" and finding.fix is not None:
            finding.fix()
            done.append(finding.what)
    return done


def exit_code(findings: Iterable[Finding]) -> int:
    """The exit code: 0 if there are no faults, 1 if there are any."""
    return int(any(finding.outcome == "fault" for finding in findings))
