"""A stage to work on."""

import pytest

from tests.operations.installed_stage import installed


@pytest.fixture
def stage(monkeypatch):
    with installed(monkeypatch) as made:
        yield made
