"""The real Chalice app of this repository, loaded for a stage, as Lambda would load it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.errors import VedetteError
from chalicelib.settings import settings

APP = Path(__file__).resolve().parents[2] / "chalice_app" / "app.py"


def load_app(environment: Mapping[str, str], path: Path = APP) -> Any:
    """The app object of chalice_app/app.py, with the environment variables of a stage.

    Raises
    ------
    VedetteError
        In an installed wheel, which does not contain the app; a clone of the repository does.
    """
    if not path.exists():
        raise VedetteError(
            "The functions are not part of the installed package; run this in a clone of the repository."
        )
    os.environ.update(environment)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location("app", path)
    if spec is None or spec.loader is None:
        raise VedetteError(f"{path.name} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module.app
