"""The `vedette` command.

Exit codes: 0 fine, 1 violations found, 2 it could not run or could not judge. Errors that are nobody's bug (a missing
file, a malformed one, what S3 refuses) are one sentence on standard error, without a traceback.

A command is added by one line in COMMANDS; its module is imported when it is called or listed, and keeps its own heavy
imports inside the functions, so that `vedette --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from chalicelib.errors import VedetteError

# name -> module:attribute
COMMANDS = {
    "evaluate": "vedette.cli.files:evaluate_command",
    "summarize": "vedette.cli.files:summarize_command",
    "baseline": "vedette.cli.files:baseline_command",
    "captured": "vedette.cli.files:captured_command",
    "demo": "vedette.cli.demo:demo_command",
    "setup": "vedette.cli.setup:setup_command",
    "install": "vedette.cli.setup:install_command",
    "doctor": "vedette.cli.setup:doctor_command",
    "uninstall": "vedette.cli.setup:uninstall_command",
    "status": "vedette.cli.status:status_command",
    "report": "vedette.cli.report:report_command",
    "register": "vedette.cli.registry:register_command",
    "manage": "vedette.cli.fleet:manage_command",
    "watch": "vedette.cli.watching:watch_command",
    "unwatch": "vedette.cli.watching:unwatch_command",
    "backfill": "vedette.cli.watching:backfill_command",
    "apply": "vedette.cli.fleet:apply_command",
    "fleet": "vedette.cli.fleet:fleet_group",
    "plan": "vedette.cli.control:plan_command",
    "deploy": "vedette.cli.control:deploy_command",
    "pin": "vedette.cli.control:pin_command",
    "unpin": "vedette.cli.control:unpin_command",
    "rollback": "vedette.cli.control:rollback_command",
    "retry": "vedette.cli.control:retry_command",
    "adopt": "vedette.cli.control:adopt_command",
    "pause": "vedette.cli.control:pause_command",
    "resume": "vedette.cli.control:resume_command",
    "alerts": "vedette.cli.alerts:alerts_group",
    "history": "vedette.cli.control:history_command",
    "marks": "vedette.cli.control:marks_command",
    "show": "vedette.cli.results:show_group",
    "constraints": "vedette.cli.constraints:constraints_group",
    "replay": "vedette.cli.replay:replay_command",
    "capture": "vedette.cli.endpoints:capture_group",
    "invoke": "vedette.cli.endpoints:invoke_command",
    "simulate": "vedette.cli.endpoints:simulate_command",
    "delete": "vedette.cli.endpoints:delete_command",
    "orphans": "vedette.cli.endpoints:orphans_command",
}


_NO_CREDENTIALS = {
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
    *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"),
}


class _Commands(click.Group):
    """Commands by name, imported late, with their errors said in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # `vedette ... | head` has read enough; closing must not complain again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(2)
        except Exception as error:
            text = sentence(error)
            if text is None:
                raise
            click.echo(f"Error: {text}", err=True)
            ctx.exit(2)


def sentence(error: Exception) -> str | None:
    """What to say of an error that is nobody's bug; None for the others, which keep their traceback."""
    if isinstance(error, VedetteError):
        return str(error)
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"{error.filename}: {reason}" if error.filename else reason
    if type(error).__name__ in _NO_CREDENTIALS:
        return f"{str(error).rstrip('.')}. Log in (`aws configure`, `aws sso login`), or name a --profile that can."
    if type(error).__name__ == "NoRegionError":
        return f"{str(error).rstrip('.')}: name a --region, or set AWS_DEFAULT_REGION."
    if type(error).__module__.startswith("botocore."):  # not imported just to ask
        return str(error)
    return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vedette")
def main() -> None:
    """Deploy what is approved in the SageMaker registry, and watch what its endpoints really receive and return.

    \b
    Examples:
      vedette evaluate s3://my-bucket/data-capture/my-endpoint --baseline constraints.json
      vedette plan my-endpoint --stage dev
    """  # noqa: D301
