"""A stage to work on."""

import pytest

from tests.operations.installed import installed


@pytest.fixture
def stage(monkeypatch):
    with installed(monkeypatch) as made:
        yield made
