"""What commands ask of the server: with its time, and one sentence where there is none."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.errors import VedetteError
from tests.playground.conftest import BASH
from vedette.local.http_messages import Response
from vedette.playground import client
from vedette.playground.server import Application, _bound

FUTURE = datetime(2031, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def answering(monkeypatch):
    """Make the environment name a server that answers every request alike."""

    def start(status: int, body: str):
        served = _bound(Application(lambda request: Response(status, {}, body.encode())), 0)
        monkeypatch.setenv(client.URL_VARIABLE, served.__enter__())
        started.append(served)

    started = []
    yield start
    for served in started:
        served.__exit__(None, None, None)


def test_commands_have_the_time_of_the_account(answering):
    answering(200, json.dumps({"now": FUTURE.isoformat()}))
    with client.simulated_time():
        assert timedelta() <= datetime.now(UTC) - FUTURE < timedelta(hours=1)
    assert datetime.now(UTC) < FUTURE


def test_without_a_server_in_the_environment_time_is_what_it_is(monkeypatch):
    monkeypatch.delenv(client.URL_VARIABLE, raising=False)
    with client.simulated_time():
        assert datetime.now(UTC) < FUTURE


def test_a_refusal_is_its_own_sentence(answering):
    answering(400, "rows is a number.\n")
    with pytest.raises(VedetteError, match=r"^rows is a number\.$"):
        client.ask("send", rows="x")


def test_another_server_is_none(answering):
    answering(200, "<html>")
    with pytest.raises(VedetteError, match="No `vedette local` answers"):
        client.ask("mails")


def test_where_nothing_answers_the_sentence_says_what_to_do(answering, monkeypatch):
    answering(200, "{}")
    port_of_nobody = "http://127.0.0.1:9"
    monkeypatch.setenv(client.URL_VARIABLE, port_of_nobody)
    with (
        pytest.raises(VedetteError, match=f"at {port_of_nobody}. Start it in another terminal"),
        client.simulated_time(),
    ):
        pass


def test_a_shell_takes_the_exports_as_they_are():
    values = {"A": "http://127.0.0.1:1", "B": "a b;c", "C": "$HOME 'x' \"y\"", "D": ""}
    lines = "\n".join(client.exports(values))
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    environment = {"PATH": os.environ["PATH"], "AWS_PROFILE": "mine", "NO_PROXY": "example.com"}
    shown = subprocess.run(
        [BASH, "-c", f"{lines}\nexec {sys.executable} -c '{code}'"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(shown.stdout)
    assert values.items() <= found.items()
    assert found["NO_PROXY"] == "127.0.0.1,example.com"
    assert "AWS_PROFILE" not in found
