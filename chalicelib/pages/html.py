"""Jinja2, and the content security policy of every page.

The policy allows the page's own script and style, by their hashes, and nothing else; nothing is loaded. Text injected
into a feature's name stays text, by autoescape and by policy.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chalicelib.alerts.sanitize import sanitize
from chalicelib.alerts.wording import minute
from chalicelib.pages.charts import HEIGHT, WIDTH
from chalicelib.pages.labels import check_name


@cache
def environment() -> Environment:
    """The templates of this package."""
    templates = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_text(templates, name) for name in ("style.css", "script.js"))
    templates.globals |= {
        "style": Markup(style),  # noqa: S704 - our own file
        "script": Markup(script),  # noqa: S704 - our own file
        "policy": f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:;"
        " base-uri 'none'; form-action 'none'",
        "width": WIDTH,
        "height": HEIGHT,
        "sanitize": sanitize,
        "check_name": check_name,
        "minute": minute,
    }
    return templates


def rendered(template: str, **content: Any) -> bytes:
    """A page in UTF-8."""
    return environment().get_template(template).render(**content).encode("utf-8", "replace")


def _text(templates: Environment, name: str) -> str:
    assert templates.loader is not None  # noqa: S101 - set above
    return templates.loader.get_source(templates, name)[0]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
