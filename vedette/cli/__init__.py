"""The `vedette` command.

Exit codes: 0 success, 1 violations found, 2 the command could not run or could evaluate nothing. Expected errors (a
missing file, a malformed file, an error from S3) are printed as one sentence on standard error, without a traceback.

To add a command, add one line to SECTIONS. Its module is imported when the command is called or listed. Modules import
heavy packages inside their functions, so that `vedette --help` stays fast.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from chalicelib.errors import VedetteError

# section of the help -> command -> module:attribute
SECTIONS = {
    "Files": {
        "evaluate": "vedette.cli.files:evaluate_command",
        "summarize": "vedette.cli.files:summarize_command",
        "baseline": "vedette.cli.files:baseline_command",
        "captured": "vedette.cli.files:captured_command",
        "quality": "vedette.cli.quality:quality_group",
    },
    "Models": {
        "register": "vedette.cli.registry:register_command",
        "plan": "vedette.cli.control:plan_command",
        "deploy": "vedette.cli.control:deploy_command",
        "rollback": "vedette.cli.control:rollback_command",
        "pin": "vedette.cli.control:pin_command",
        "unpin": "vedette.cli.control:unpin_command",
        "history": "vedette.cli.control:history_command",
        "failed-versions": "vedette.cli.control:failed_versions_command",
        "retry": "vedette.cli.control:retry_command",
        "adopt": "vedette.cli.control:adopt_command",
        "pause": "vedette.cli.control:pause_command",
        "resume": "vedette.cli.control:resume_command",
    },
    "Endpoints": {
        "status": "vedette.cli.status:status_command",
        "report": "vedette.cli.report:report_command",
        "show": "vedette.cli.results:show_group",
        "watch": "vedette.cli.watching:watch_command",
        "unwatch": "vedette.cli.watching:unwatch_command",
        "backfill": "vedette.cli.backfill:backfill_command",
        "manage": "vedette.cli.fleet:manage_command",
        "apply": "vedette.cli.fleet:apply_command",
        "fleet": "vedette.cli.fleet:fleet_group",
        "capture": "vedette.cli.endpoints:capture_group",
        "invoke": "vedette.cli.endpoints:invoke_command",
        "simulate": "vedette.cli.endpoints:simulate_command",
        "delete": "vedette.cli.endpoints:delete_command",
        "orphans": "vedette.cli.endpoints:orphans_command",
    },
    "Alerts": {"alerts": "vedette.cli.alerts:alerts_group"},
    "Constraints": {
        "constraints": "vedette.cli.constraints:constraints_group",
        "replay": "vedette.cli.replay:replay_command",
    },
    "Installation": {
        "demo": "vedette.cli.demo:demo_command",
        "local": "vedette.cli.local:local_group",
        "init": "vedette.cli.init:init_command",
        "setup": "vedette.cli.setup:setup_command",
        "install": "vedette.cli.setup:install_command",
        "doctor": "vedette.cli.setup:doctor_command",
        "uninstall": "vedette.cli.setup:uninstall_command",
    },
}
COMMANDS = {name: place for section in SECTIONS.values() for name, place in section.items()}


_NO_CREDENTIALS = {
    *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
    *("SSOTokenLoadError", "UnauthorizedSSOTokenError", "LoginRefreshRequired"),
}
# What an extra installs beside the base (pyproject.toml): the module that is missing -> its package
_OPTIONAL = {
    **{name: name for name in ("aiosmtpd", "awslambdaric", "chalice", "flask", "moto", "pandas", "pyarrow")},
    "flask_cors": "flask-cors",
    "sklearn": "scikit-learn",
    "time_machine": "time-machine",
}


class _LazyGroup(click.Group):
    """Commands that are imported when they are needed, and whose expected errors are printed as one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in SECTIONS.items():
            commands = [command for name in names if (command := self.get_command(ctx, name))]
            with formatter.section(section):
                formatter.write_dl([(str(one.name), one.get_short_help_str(limit=200)) for one in commands])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader, such as `head`, closed the pipe; flushing at exit must not fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(2)
        except Exception as error:
            text = sentence(error)
            if text is None:
                raise
            click.echo(f"Error: {text}", err=True)
            ctx.exit(2)


def sentence(error: Exception) -> str | None:
    """The message for an expected error; None for any other error, which keeps its traceback."""
    if isinstance(error, VedetteError):
        return str(error)
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"{error.filename}: {reason}" if error.filename else reason
    if type(error).__name__ in _NO_CREDENTIALS:
        return f"{str(error).rstrip('.')}. Log in (`aws configure`, `aws sso login`), or choose another --profile."
    if type(error).__name__ == "NoRegionError":
        return f"{str(error).rstrip('.')}: choose a --region, or set AWS_DEFAULT_REGION."
    if isinstance(error, ModuleNotFoundError) and error.name in _OPTIONAL:
        return f"This needs the package {_OPTIONAL[error.name]}: pip install {_OPTIONAL[error.name]}."
    if type(error).__module__.startswith("botocore."):  # compared by name: importing botocore is slow
        return str(error)
    return None


@click.group(
    cls=_LazyGroup,
    commands=dict.fromkeys(COMMANDS, click.Command(None)),  # click suggests these names for a mistyped command
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="vedette")
def main() -> None:
    """Deploy the models that you approve in the SageMaker registry, and monitor the data of their endpoints.

    Most commands work on a stage: name it with --stage or in VEDETTE_STAGE. The commands on files need no stage.

    \b
    Examples:
      vedette evaluate s3://my-bucket/data-capture/my-endpoint --baseline constraints.json
      vedette plan my-endpoint --stage dev
    """  # noqa: D301
