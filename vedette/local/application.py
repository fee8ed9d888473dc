"""The real Chalice app, loaded for a stage, as Lambda would load it."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.errors import VedetteError
from chalicelib.settings import settings
from vedette import project_files


def load_app(environment: Mapping[str, str], path: Path | None = None) -> Any:
    """The app object of chalice_app/app.py, with the environment variables of a stage; by default this Vedette's own.

    Raises
    ------
    VedetteError
        If the file cannot be loaded.
    """
    path = path or project_files.app()
    os.environ.update(environment)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location("app", path)
    if spec is None or spec.loader is None:
        raise VedetteError(f"{path.name} cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module.app
