"""Checks of a deployment package. Chalice omits dependencies that it cannot install, with exit code 0."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable

from vedette.installation import byte_code

# Compiled modules that the functions import; without them, every event fails.
COMPILED = ("msgspec/_core", "numpy/_core/_multiarray_umath", "_datasketches")
NEEDED = ("app.py", "chalicelib/handlers/", "aws_lambda_powertools/", "chalice/app.py")
MAX_ZIP_BYTES, MAX_UNZIPPED_BYTES = 50 << 20, 250 << 20  # Lambda quotas for direct uploads


def faults(content: bytes, runtime: str) -> list[str]:
    """The faults of a package for a runtime such as python3.12; empty if it is complete."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            unzipped = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        return ["it is not a zip file"]
    found = [f"{needed.rstrip('/')} is missing" for needed in NEEDED if not any(n.startswith(needed) for n in names)]
    tag = _tag(runtime)
    found += [fault for part in COMPILED if (fault := _compiled(part, tag, names))]
    if len(content) > MAX_ZIP_BYTES:
        found.append(f"it has {len(content) >> 20} MB; Lambda allows 50")
    if unzipped > MAX_UNZIPPED_BYTES:
        found.append(f"it unpacks to {unzipped >> 20} MB; Lambda allows 250")
    return found


def has_byte_code(content: bytes, runtime: str) -> bool:
    """Whether the functions start without compiling their imports."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return not byte_code.without_byte_code(archive.namelist(), _tag(runtime))


def _tag(runtime: str) -> str:
    """The tag of a CPython version in file names: python3.12 -> cpython-312."""
    return "cpython-" + runtime.removeprefix("python").replace(".", "")


def _compiled(part: str, tag: str, names: Iterable[str]) -> str:
    """The fault of one compiled module; "" if it is there for this Python on Linux."""
    there = [name for name in names if name.startswith(part) and name.endswith(".so")]
    if not there:
        return f"{part} is missing: pip found no wheel of it for {tag}"
    if not any(f"{tag}-" in name or "abi3" in name for name in there):
        other = re.search(r"cpython-\d+", there[0])
        return f"{part} was built for {other[0] if other else 'another Python'}, not for {tag}"
    return ""
