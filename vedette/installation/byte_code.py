"""Byte code beside the sources in a deployment package, so that no cold start compiles what it imports.

/var/task is read-only: without byte code Lambda compiles every module at every cold start, a quarter of its CPU, and a
third where numpy is used (benchmarks/COLD.md). Chalice packages none. The runtime is the interpreter that runs Chalice,
so the byte code of this interpreter is the right one; a Python with another magic number compiles the sources, which
stay, as before.

    python -m vedette.installation.byte_code build/package/deployment.zip

The byte code is `unchecked-hash` (PEP 552): Python takes it without a look at the source, whose time a zip does not
keep. So it is only added to a package that is complete, never to a folder whose sources may change.
"""

from __future__ import annotations

import py_compile
import re
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Collection
from pathlib import Path

# Larger than all that the functions import together, and never imported by them (tests/test_artifact.py).
NEVER_IMPORTED = re.compile(
    r"(^|/)tests/"
    r"|numpy/(distutils|f2py|ma|polynomial|testing)/"
    r"|aws_lambda_powertools/(event_handler|utilities/(?!jmespath_utils/)\w+)/"
)
TASK_ROOT = "/var/task"  # where a trace shows the modules


def add(package: Path) -> None:
    """Add the byte code of this Python to a package, beside each source that has none.

    The package is replaced at once: whoever reads it meanwhile finds the old one or the new one.
    """
    with tempfile.TemporaryDirectory(dir=package.parent) as folder:
        made = Path(folder) / package.name
        shutil.copyfile(package, made)
        with zipfile.ZipFile(made, "a") as archive:
            for name in without_byte_code(archive.namelist()):
                source = archive.getinfo(name)
                archive.writestr(_entry(_name(name), source), _compiled(archive.read(source), name, Path(folder)))
        made.replace(package)


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
    """Where Python looks for the byte code of a source; "" for what needs none."""
    if not source.endswith(".py") or NEVER_IMPORTED.search(source):
        return ""
    folder, _, module = source.rpartition("/")
    name = f"__pycache__/{module.removesuffix('.py')}.{tag or sys.implementation.cache_tag}.pyc"
    return f"{folder}/{name}" if folder else name


def _entry(name: str, source: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """An entry with the time and the permissions of its source: the package stays the same, and Lambda may read it."""
    entry = zipfile.ZipInfo(name, source.date_time)
    entry.external_attr = source.external_attr
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _compiled(source: bytes, name: str, folder: Path) -> bytes:
    file, made = folder / "source", folder / "made"
    file.write_bytes(source)
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(file), str(made), f"{TASK_ROOT}/{name}", doraise=True, invalidation_mode=mode)
    return made.read_bytes()


if __name__ == "__main__":
    add(Path(sys.argv[1]))
