"""The code of a published chapter: its notebooks, and the output that it prints of them.

Every line of the chapter's code stands in a fence of its own, indented as an item of a list; fences with nothing
but blank lines between them are one cell. A fence that is not indented shows output. A heading begins a notebook.
"""

import ast
import re
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)$")


def notebooks(text: str) -> list[list[str]]:
    """The cells of each notebook, in order."""
    found: list[list[str]] = [[]]
    together = False
    for line in _lines_and_fences(text):
        if isinstance(line, str):
            together = together and not line.strip()
            if line.startswith("# "):
                found.append([])
        elif line.indent:
            if together:
                found[-1][-1] += "\n" + line.code
            else:
                found[-1].append(line.code)
            together = True
    return [cells for cells in found if cells]


def outputs(text: str) -> list[object]:
    """The outputs that are Python literals, as values."""
    shown = [one.code for one in _lines_and_fences(text) if isinstance(one, Fence) and not one.indent]
    return [ast.literal_eval(code) for code in shown if "..." not in code]


class Fence:
    """The code in a fence, without the fence's own indentation."""

    def __init__(self, indent: int, lines: list[str]):
        self.indent = indent
        self.code = "\n".join(line[indent:] for line in lines)


def _lines_and_fences(text: str) -> list[str | Fence]:
    found: list[str | Fence] = []
    lines = iter(text.splitlines())
    for line in lines:
        opened = FENCE.match(line)
        if opened is None:
            found.append(line)
            continue
        inside = []
        for code in lines:
            if FENCE.match(code):
                break
            inside.append(code)
        found.append(Fence(len(opened["indent"]), inside))
    return found


def read(folder: Path) -> str:
    """The text of the chapter, the only text file of its folder; typesetters made some blanks no-break spaces."""
    (file,) = folder.glob("*.txt")
    return file.read_text().replace("\xa0", " ")
