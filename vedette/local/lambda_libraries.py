"""The packages of Lambda's Python besides the standard library: boto3, the runtime client, their dependencies."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path

IN_LAMBDAS_PYTHON = ("awslambdaric", "boto3")


def link_libraries(directory: Path) -> None:
    """Link these packages into a directory."""
    for name in _with_dependencies(IN_LAMBDAS_PYTHON):
        distribution = importlib.metadata.distribution(name)
        tops = {Path(file.parts[0]) for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}
        for top in tops:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (directory / top).exists():
                (directory / top).symlink_to(target)


def _with_dependencies(names: tuple[str, ...]) -> set[str]:
    """Distributions and their requirements, without extras."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        for requirement in importlib.metadata.requires(name) or ():
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            if match and "extra ==" not in requirement and _installed(match[0]):
                waiting.append(match[0])
    return found


def _installed(name: str) -> bool:
    """The installed distribution; None if it is for another platform or Python version."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
