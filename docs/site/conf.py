"""The documentation as a site: `make site` builds it, and a warning is an error.

The repository is the source folder, so that the links between documents, examples and
benchmarks stay as they are.
docs/index.md is the one list of pages: the sidebar is made of its headings and links.
"""

import re

project = "Vedette"
author = "The Vedette authors"
copyright = author
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["docs/**", "benchmarks/*.md", "examples/**/*.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
exclude_patterns = ["**/.venv*", ".venv", ".git", "build", "tests", "chalice_app", "chalicelib", "vedette", ".chalice"]
source_suffix = {".md": "markdown"}

myst_heading_anchors = 4
html_theme = "furo"
html_title = "Vedette"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
nitpicky = True

_SECTION = re.compile(r"^## (?P<caption>.+)\n(?P<text>(?:(?!## ).*\n?)*)", re.MULTILINE)
_PAGE = re.compile(r"\]\((?P<page>[^)#:]+)\.md\)")


def sidebar(text: str) -> str:
    """One hidden table of contents for each section of a list of pages, with the pages that it links, in order."""
    return "".join(
        "\n```{toctree}\n:hidden:\n:caption: "
        + section["caption"]
        + "\n\n"
        + "\n".join(dict.fromkeys(_PAGE.findall(section["text"])))
        + "\n```\n"
        for section in _SECTION.finditer(text)
        if _PAGE.search(section["text"])
    )


def add_sidebar(app: object, document: str, source: list[str]) -> None:
    """Add the sidebar to the index as Sphinx reads it."""
    if document == root_doc:
        source[0] += sidebar(source[0])


def setup(app: object) -> None:
    """Sphinx calls this."""
    app.connect("source-read", add_sidebar)
