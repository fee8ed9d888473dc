"""Where the Chalice project of this Vedette is: in a clone the repository itself, in a wheel vedette/_project."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_CARRIED = PACKAGE / "_project"


def is_wheel() -> bool:
    """Whether this Vedette was installed from a wheel."""
    return _CARRIED.is_dir()


def root() -> Path:
    """The folder with chalice_app, chalicelib and .chalice."""
    return _CARRIED if is_wheel() else PACKAGE.parent


def app() -> Path:
    """The app of the functions, as this process can import it: setup.py renames the imports in a wheel's copy."""
    return PACKAGE / "_app.py" if is_wheel() else root() / "chalice_app" / "app.py"
