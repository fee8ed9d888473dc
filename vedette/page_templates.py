"""Templates of the operator's side, which extend the layout and the parts of the report page."""

from __future__ import annotations

from jinja2 import ChoiceLoader, PackageLoader, Template

from chalicelib.pages import html


def page_template(package: str, name: str) -> Template:
    """A template in the folder `templates` of a package."""
    loaders = ChoiceLoader([PackageLoader(package, "templates"), PackageLoader(html.__package__, "templates")])
    return html.environment().overlay(loader=loaders).get_template(name)
