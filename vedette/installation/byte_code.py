"""Byte code for the sources in a deployment package, so that no cold start compiles its imports.

/var/task is read-only: without byte code Lambda compiles every module at every cold start, a quarter of its CPU, and a
third where numpy is used (benchmarks/COLD.md). Chalice packages none. The runtime is the interpreter that runs Chalice,
so the byte code of this interpreter is the right one; a Python with another magic number compiles the sources, which
stay, as before.

    python -m vedette.installation.byte_code build/package/deployment.zip

The byte code is `unchecked-hash` (PEP 552): Python uses it without checking the source, whose time a zip does not
keep. So it is only added to a complete package, never to a folder whose sources may change.

The tests that packages carry are left out: 1.5 MB of the 19 MB of a package, which no function imports.
"""

from __future__ import annotations

import py_compile
import re
import sys
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path

TESTS = re.compile(r"(^|/)tests/")
# Larger than everything that the functions import, and never imported by them (tests/proof/test_artifact.py).
NEVER_IMPORTED = re.compile(
    rf"{TESTS.pattern}"
    r"|numpy/(distutils|f2py|ma|polynomial|testing)/"
    r"|aws_lambda_powertools/(event_handler|utilities/(?!jmespath_utils/)\w+)/"
)
TASK_ROOT = "/var/task"  # the path of the modules in tracebacks


def add(package: Path) -> None:
    """Add the byte code of this Python to a package, for each source that has none, and leave out tests.

    The package is replaced atomically: a concurrent reader finds the old one or the new one.
    """
    with tempfile.TemporaryDirectory(dir=package.parent) as folder:
        compiled = Path(folder) / package.name
        with zipfile.ZipFile(package) as given, zipfile.ZipFile(compiled, "w") as archive:
            for entry in given.infolist():
                if not TESTS.search(entry.filename):
                    archive.writestr(entry, given.read(entry))
            for name in without_byte_code(archive.namelist()):
                source = archive.getinfo(name)
                archive.writestr(_entry(_name(name), source), _compiled(archive.read(source), name, Path(folder)))
        compiled.replace(package)


def without_byte_code(names: Collection[str], tag: str = "") -> list[str]:
    """The sources of a package without byte code; `tag` is that of its Python, such as cpython-312.

    Examples
    --------
    >>> without_byte_code(["app.py", "__pycache__/app.cpython-312.pyc", "chalicelib/errors.py"], "cpython-312")
    ['chalicelib/errors.py']
    """
    there = set(names)
    return [name for name in names if (compiled := _name(name, tag)) and compiled not in there]


def _name(source: str, tag: str = "") -> str:
    """The path of the byte code of a source; "" for files that need none."""
    if not source.endswith(".py") or NEVER_IMPORTED.search(source):
        return ""
    folder, _, module = source.rpartition("/")
    name = f"__pycache__/{module.removesuffix('.py')}.{tag or sys.implementation.cache_tag}.pyc"
    return f"{folder}/{name}" if folder else name


def _entry(name: str, source: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A zip entry with the time and permissions of its source, so that packages are reproducible and readable."""
    entry = zipfile.ZipInfo(name, source.date_time)
    entry.external_attr = source.external_attr
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _compiled(source: bytes, name: str, folder: Path) -> bytes:
    file, compiled = folder / "source", folder / "compiled"
    file.write_bytes(source)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(file), str(compiled), f"{TASK_ROOT}/{name}", doraise=True, invalidation_mode=mode)
    return compiled.read_bytes()


if __name__ == "__main__":
    add(Path(sys.argv[1]))
