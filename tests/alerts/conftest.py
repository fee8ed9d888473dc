"""A small AWS with the real app in it."""

from tests.services.conftest import world  # noqa: F401 - a fixture
