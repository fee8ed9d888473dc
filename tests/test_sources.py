"""Nothing in the repository refers to a text that a reader of the repository cannot open."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each name is in two parts, so that this file does not match itself.
OUTSIDE = [
    *(
        "-".join(parts)
        for parts in [("aws", "facts"), ("chalice", "facts"), ("sdk", "facts"), ("failure", "catalogue")]
    ),
    *(" ".join(parts) for parts in [("failure", "catalogue"), ("row of the", "catalogue"), ("lab", "notes")]),
    *("/".join(parts) for parts in [("conformance", "INDEX"), ("", "work", "shared"), ("", "work", "main")]),
    *(".".join(parts) for parts in [("NAMES", "md"), ("STYLE", "md"), ("quality", "md")]),
    ".".join(("performance", "md")),
]
PATTERN = re.compile(
    "|".join(re.escape(name) for name in OUTSIDE) + r"|(?<![\w/#-])issue #?[0-9]+|(?-i:\b" + "DES" + r"IGN\b)",
    re.IGNORECASE,
)
GENERATED = {".lock", ".png", ".gz", ".parquet"}


def tracked() -> list[Path]:
    """The files of the repository; without git every file outside of folders that tools make."""
    git = shutil.which("git")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout if git else b""
    if listed:
        return [ROOT / name for name in listed.decode().split("\0") if name]
    made = {".venv", ".git", "build", "__pycache__", "node_modules"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not made & set(path.relative_to(ROOT).parts)]


def test_no_file_names_a_text_outside_of_the_repository():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked()
        if path.is_file() and path.suffix not in GENERATED
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if PATTERN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", [f"see {OUTSIDE[0]} 3.2", *(f"{before} issue {7}" for before in ("as", "the sdk's"))])
def test_a_reference_is_found(line):
    assert PATTERN.search(line)


@pytest.mark.parametrize("line", ["https://github.com/aws/chalice/issues/2114", "an issue with 3 rows"])
def test_a_public_address_is_no_such_reference(line):
    assert not PATTERN.search(line)
