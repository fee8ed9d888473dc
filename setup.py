"""Builds the wheel: one package, `vedette`, which carries the Chalice project (docs/decisions/0008-one-package.md).

| in the wheel         | from                                       | used by                                  |
|----------------------|--------------------------------------------|------------------------------------------|
| vedette/_chalicelib/ | chalicelib/, its imports renamed           | the commands and the Python API          |
| vedette/_app.py      | chalice_app/app.py, its imports renamed    | the AWS simulator                        |
| vedette/_project/    | chalice_app/, chalicelib/, .chalice/, as   | `vedette init`, which copies it          |
|                      | they are                                   |                                          |

So nothing named `chalicelib` becomes importable where the wheel is installed. An editable installation of a clone keeps
both packages as they are.
"""

import ast
import shutil
import sys
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PROJECT_FILES = ("chalice_app/app.py", "chalice_app/requirements.txt", ".chalice/config.json", ".chalice/policy-*.json")
NEW_NAME = "vedette._chalicelib"
EDITABLE = "editable_wheel" in sys.argv


def renamed(source: str, place: Path) -> str:
    """A module's source, in which each `from chalicelib... import` names the package of the wheel."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(name.name.split(".")[0] == "chalicelib" for name in node.names):
            raise SystemExit(f"{place}:{node.lineno}: write `from chalicelib... import ...`, which can be renamed")
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "chalicelib":
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace("from chalicelib", f"from {NEW_NAME}", 1)
    return "".join(lines)


class BuildPackage(build_py):
    """Adds the Chalice project to the package, and renames the imports."""

    def run(self) -> None:
        """Build; an earlier build's files are removed first."""
        if self.editable_mode:
            super().run()
            return
        package = Path(self.build_lib) / "vedette"
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        self._add_project(package / "_project")
        shutil.copytree(package / "_project" / "chalicelib", package / "_chalicelib")
        shutil.copyfile(ROOT / "chalice_app" / "app.py", package / "_app.py")
        for path in package.rglob("*.py"):
            if not path.is_relative_to(package / "_project"):
                path.write_text(renamed(path.read_text(), path))

    def _add_project(self, target: Path) -> None:
        for pattern in PROJECT_FILES:
            for file in ROOT.glob(pattern):
                copy = target / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        shutil.copytree(ROOT / "chalicelib", target / "chalicelib", ignore=shutil.ignore_patterns("__pycache__"))


setup(
    packages=find_packages(include=["vedette*", *(["chalicelib*"] if EDITABLE else [])]),
    cmdclass={"build_py": BuildPackage},
)
