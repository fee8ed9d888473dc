"""Jinja2 and the policy under which every page runs.

A page may run its own script and style, which the policy names by their hashes, and load nothing: what somebody
smuggles into a feature's name stays text, by autoescape and by policy.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chalicelib.alerts.sanitize import sanitize
from chalicelib.pages.charts import horizontal_bar, percent
from chalicelib.pages.labels import time


@cache
def environment() -> Environment:
    """The templates of this package."""
    made = Environment(
        loader=PackageLoader("chalicelib.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_text(made, name) for name in ("style.css", "script.js"))
    made.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "policy": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        "horizontal_bar": horizontal_bar,
        "percent": percent,
        "sanitize": sanitize,
        "time": time,
    }
    return made


def rendered(template: str, **content: Any) -> bytes:
    """A page in UTF-8."""
    return environment().get_template(template).render(**content).encode("utf-8", "replace")


def _text(made: Environment, name: str) -> str:
    assert made.loader is not None  # noqa: S101 - it was given above
    return made.loader.get_source(made, name)[0]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
