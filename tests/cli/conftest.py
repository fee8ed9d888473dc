"""A stage to work on."""

import pytest

from tests.cli.checked_mails import Checked
from tests.operations.installed_stage import installed


@pytest.fixture
def stage(monkeypatch):
    with installed(monkeypatch) as made:
        yield made


@pytest.fixture
def checked(stage, monkeypatch, tmp_path):
    """The stage, whose mails are checked after each turn of the clock."""
    monkeypatch.chdir(tmp_path)
    checks = Checked(stage.cloud)
    turn = stage.cloud.turn

    def turned(**span):
        turn(**span)
        checks.check()

    monkeypatch.setattr(stage.cloud, "turn", turned)
    return checks
