"""The documents of the repository, and their blocks."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
DOCS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
_COMMENT = re.compile(r"<!-- (not run|meanwhile): (.+?) -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block. Of its lines in the document the first is that of the fence, the last the one below it."""

    document: Path
    language: str  # "" of an indented block
    content: str
    lines: tuple[int, int]
    not_run: str = ""  # why no test runs it, from `<!-- not run: REASON -->` above it
    meanwhile: str = ""  # what happens before it, from `<!-- meanwhile: ACTION -->` above it

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.lines[0] + 1}"

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block, one a line."""
        return [line for line in self.content.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]


def tokens(document: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(document.read_text())


def blocks(document: Path) -> list[Block]:
    """The blocks of a document, in order."""
    found, comments = [], {}
    for token in tokens(document):
        if token.type == "html_block":
            comments |= dict(_COMMENT.findall(token.content))
        elif token.type in ("fence", "code_block"):
            language = token.info.split()[0] if token.info.split() else ""
            first, last = token.map or (0, 0)
            more = {name.replace(" ", "_"): text for name, text in comments.items()}
            found.append(Block(document, language, token.content, (first, last), **more))
            comments = {}
        elif token.type == "inline":
            comments = {}
    return found


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and the site make it."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings."""
    found = tokens(document)
    return {slug(text.content) for head, text in pairwise(found) if head.type == "heading_open"}


def links(document: Path) -> list[tuple[str, str]]:
    """Every link and picture within the repository: its path as written, and its anchor ("" without)."""
    written = [
        str(child.attrs.get("href") or child.attrs.get("src"))
        for token in tokens(document)
        for child in token.children or ()
        if child.type in ("link_open", "image")
    ]
    inside = [link for link in written if not re.match(r"[a-z]+:", link)]
    return [(path, anchor) for path, _, anchor in (link.partition("#") for link in inside)]
