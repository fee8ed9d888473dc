"""The documentation as a site: `make site` builds it, and a warning is an error.

The repository is the source folder, so that the links between documents, examples and benchmarks stay as they are.
docs/index.md is the one list of pages: the sidebar is made of its headings and links.
"""

import re

project = "Vedette"
author = "The Vedette authors"
copyright = author
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["docs/**", "benchmarks/*.md", "examples/**/*.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
exclude_patterns = [
    *(".git", ".venv", "**/.venv*", ".chalice", "build", "chalice_app", "chalicelib", "docs/site", "tests", "vedette"),
    "benchmarks/notes.md",
]
source_suffix = {".md": "markdown"}

myst_heading_anchors = 4
html_theme = "furo"
html_title = "Vedette"
html_extra_path = ["start"]  # the first page, which leads to docs/index.html
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
nitpicky = True

LISTS = {root_doc, "docs/decisions/README"}  # the documents that list others
_HEADING = re.compile(r"^##? (.+)$", re.MULTILINE)
_PAGE = re.compile(r"\]\((?P<page>[^)#:]+)\.md\)")


def sidebar(text: str) -> str:
    """One hidden table of contents for each section of a list, with the documents that it links, in order."""
    known: set[str] = set()  # a document has one place
    tables = []
    _, *parts = _HEADING.split(text)
    for caption, section in zip(parts[::2], parts[1::2], strict=True):
        pages = [page for page in dict.fromkeys(_PAGE.findall(section)) if page not in known]
        if caption != parts[0] or len(parts) == 2:  # the introduction of docs/index.md repeats links
            known |= set(pages)
            tables.append("\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]))
    return "".join(tables)


def add_sidebar(app: object, document: str, source: list[str]) -> None:
    """Add the sidebar to a list as Sphinx reads it."""
    if document in LISTS:
        source[0] += sidebar(source[0])


def setup(app: object) -> None:
    """Sphinx calls this."""
    app.connect("source-read", add_sidebar)
