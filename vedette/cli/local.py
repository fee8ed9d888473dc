"""`vedette local`: serve a simulated account on this machine, and act on the one that runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chalicelib.errors import VedetteError
from vedette.cli import stage
from vedette.cli.stage import CommandIO
from vedette.playground import client

if TYPE_CHECKING:
    from vedette.playground.account import Account

HOUR_SECONDS = 3600
ARRIVAL = {
    "good": "Its captured file arrives in about 3 minutes.",
    "bad": "Its captured file arrives in about 3 minutes.",
    "silent": "Nothing of it is captured.",
    "late": "Its captured file arrives in about 3 hours.",
}
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("local", invoke_without_command=True)
@click.option("--keep", metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Keep the state here.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=client.PORT,
    show_default=True,
    help="The port on 127.0.0.1; 0 chooses a free one.",
)
@click.pass_context
def local_group(context: click.Context, keep: Path | None, port: int) -> None:
    """Serve a simulated AWS account on this machine, with a stage of Vedette, an endpoint and an inbox.

    Commands in another terminal, boto3, the AWS CLI and the SageMaker SDK use it as they use AWS. No AWS account and no
    network are needed. Stop it with Ctrl-C.

    \b
    Examples:
      vedette local --keep playground
      eval "$(vedette local env)"
      vedette local send bad
      vedette local turn 1h
    """  # noqa: D301
    if context.invoked_subcommand is not None:
        return
    try:
        from vedette.playground import server
    except ModuleNotFoundError as missing:
        raise VedetteError(
            f"`vedette local` needs the package {missing.name}: pip install 'vedette[local]'."
        ) from missing
    terminal = sys.stdout  # while it serves, the functions' logs go to a file

    def say(line: str) -> None:
        click.echo(line, file=terminal)

    server.serve(keep, port, say, lambda account: _say_ready(account, say))


def _say_ready(account: Account, say: Any) -> None:
    from vedette.playground.account import ENDPOINT

    say(f"\nInbox:    {account.url}")
    say(f"Endpoint: {ENDPOINT}, its baseline in {account.baseline}")
    say(f"Project:  {account.project} (for setup and doctor)")
    say('\nIn another terminal:\n\n    eval "$(vedette local env)"\n\nwhich runs:\n')
    for line in client.exports(account.variables):
        say(f"    {line}")
    say("\nServing. Stop with Ctrl-C.")


@local_group.command("env")
def env_command() -> None:
    """Print the lines with which a shell uses the account that runs.

    \b
    Example:
      eval "$(vedette local env)"
    """  # noqa: D301
    for line in client.exports(client.ask("env")):
        click.echo(line)


@local_group.command("send")
@click.argument("traffic", type=click.Choice(list(ARRIVAL)))
@click.option("--rows", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How many rows.")
@click.option("--endpoint", default="preferred-site", show_default=True, help="The endpoint that receives them.")
@as_json
def send_command(traffic: str, rows: int, endpoint: str, as_json: bool) -> None:
    """Send rows to an endpoint of the account that runs, 20 in a request.

    good: as in the baseline. bad: in half of the rows b is -47.50, not -47. silent: answered, but not captured. late:
    the captured file arrives three hours later.

    \b
    Examples:
      vedette local send good
      vedette local send bad --rows 1000
    """  # noqa: D301
    io = CommandIO(as_json)
    done = client.ask("send", traffic=traffic, rows=rows, endpoint=endpoint)
    requests = "1 request" if done["requests"] == 1 else f"{done['requests']} requests"
    io.say(f"Sent {rows} rows in {requests} to {endpoint}. {ARRIVAL[traffic]}")
    _say_mails(io, done["mails"])
    io.emit(done)


@local_group.command("turn")
@click.argument("by", metavar="SPAN")
@as_json
def turn_command(by: str, as_json: bool) -> None:
    """Advance the clock of the account that runs; everything that becomes due happens: 90s, 10m, 1h, 2d.

    \b
    Examples:
      vedette local turn 10m
      vedette local turn 2d
    """  # noqa: D301
    io = CommandIO(as_json)
    left = stage.parse_duration_seconds(by)
    mails: list[dict[str, Any]] = []
    now = ""
    while left > 0 or not now:
        done = client.ask("turn", seconds=min(left, HOUR_SECONDS))
        left -= HOUR_SECONDS
        now, mails = done["now"], mails + done["mails"]
        _say_mails(io, done["mails"])
    io.say(f"It is {now[:10]} {now[11:16]} UTC.")
    io.emit({"now": now, "mails": mails})


@local_group.command("inbox")
@click.argument("number", type=click.IntRange(1), required=False)
@as_json
def inbox_command(number: int | None, as_json: bool) -> None:
    """List the e-mails of the account that runs, the newest first; with a number, print that one.

    \b
    Examples:
      vedette local inbox
      vedette local inbox 1
    """  # noqa: D301
    io = CommandIO(as_json)
    mails = client.ask("mails")
    if number is not None:
        if number > len(mails):
            raise VedetteError(f"There is no mail {number}: {len(mails)} arrived.")
        one = mails[number - 1]
        io.say(f"To: {one['receiver']}", f"Subject: {one['subject']}", "", one["text"])
        io.emit(one)
        return
    if mails:
        rows = [(str(one["number"]), _minute(one["time"]), one["receiver"], one["subject"]) for one in reversed(mails)]
        io.table(("Mail", "Received, UTC", "To", "Subject"), rows)
    else:
        io.say("No mail has arrived.")
    io.emit({"mails": mails})


def _say_mails(io: CommandIO, mails: list[dict[str, Any]]) -> None:
    io.say(*(f"Mail {one['number']}, {_minute(one['time'])} UTC: {one['subject']}" for one in mails))


def _minute(time: str) -> str:
    return f"{time[:10]} {time[11:16]}"
