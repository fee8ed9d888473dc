"""`vedette init`: a Chalice project of one's own, made from the project that this Vedette carries, and its upgrade.

| file in the project              | when Vedette has a newer one                                            |
|----------------------------------|-------------------------------------------------------------------------|
| as `vedette init` wrote it       | replaced; removed, if there is none any more                            |
| edited since                     | kept, and the new one is written beside it as FILE.new                  |
| deleted since                    | written again                                                           |
| .chalice/config.json             | the same, but its stages are kept and are no edit                       |
| fleet.toml, README.md, the       | never: they are yours after the first time                              |
| workflow, .gitignore             |                                                                         |

.chalice/vedette.json records the version, and the digest of each file as it was written, which tells an edited file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from enum import StrEnum
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from chalicelib.errors import UnreadableFile, VedetteError
from vedette import project_files

CONFIG = ".chalice/config.json"
RECORD = ".chalice/vedette.json"
STARTERS = {  # path in the project -> template
    "fleet.toml": "fleet.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    ".github/workflows/vedette.yml": "workflow.yml",
}
APP_FILES = ("app.py", "requirements.txt")  # of chalice_app


class Action(StrEnum):
    """What happens to a file."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"
    CONFLICT = "conflict"  # the user and Vedette changed it: the new one is written beside it


@dataclass(frozen=True)
class FileChange:
    """The change of one file; `after` is the new content, and empty if the file is removed."""

    path: str
    action: Action
    before: bytes = b""
    after: bytes = b""

    def diff(self) -> str:
        """The difference, as lines of a patch."""
        old, new = ((text.decode("utf-8", "replace")).splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(unified_diff(old, new, f"a/{self.path}", f"b/{self.path}"))


@dataclass(frozen=True)
class Update:
    """What `vedette init` does to a folder."""

    folder: Path
    from_version: str  # "" for a new project
    to_version: str
    changes: tuple[FileChange, ...]
    digests: Mapping[str, str] = field(repr=False)  # of all files as this Vedette writes them

    @property
    def is_new(self) -> bool:
        """Whether there is no project yet."""
        return not self.from_version

    @property
    def is_needed(self) -> bool:
        """Whether the project differs from what this Vedette writes, at least by its recorded version."""
        return bool(self.changes) or self.from_version != self.to_version

    def make(self) -> None:
        """Write the files, and the record last: after an interruption, the next run finishes."""
        for change in self.changes:
            file = self.folder / change.path
            if change.action is Action.REMOVE:
                file.unlink()
                continue
            file = file.with_name(f"{file.name}.new") if change.action is Action.CONFLICT else file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(change.after)
        record = {"version": self.to_version, "files": dict(sorted(self.digests.items()))}
        (self.folder / RECORD).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")


def carried_files() -> dict[str, bytes]:
    """The files of a project, by their path in it; no stage is configured."""
    root = project_files.root()
    found = {name: (root / "chalice_app" / name).read_bytes() for name in APP_FILES}
    for file in _sources(root / "chalicelib"):
        found[file.relative_to(root).as_posix()] = file.read_bytes()
    for file in sorted((root / ".chalice").glob("policy-*.json")):
        found[f".chalice/{file.name}"] = file.read_bytes()
    found[CONFIG] = _json({**json.loads((root / CONFIG).read_bytes()), "stages": {}})
    return found


def recorded_version(root: Path) -> str:
    """The version of Vedette whose code a project has; "" if `vedette init` did not make it."""
    return str(_record(root).get("version", ""))


def prepare(folder: Path) -> Update:
    """Compare a folder with the project that this Vedette carries.

    Raises
    ------
    VedetteError
        If the folder has files of another project where Vedette's would be.
    """
    record = _record(folder)
    written: dict[str, str] = record.get("files", {})
    carried = carried_files()
    if not record:
        _check_free(folder, carried)
    changes = [*_package_changes(folder, carried, written), *_starter_changes(folder, written)]
    digests = {path: _digest(path, content) for path, content in carried.items()}
    starters = {path: written.get(path, _digest(path, _template(name))) for path, name in STARTERS.items()}
    return Update(folder, str(record.get("version", "")), version("vedette"), tuple(changes), {**digests, **starters})


def _package_changes(folder: Path, carried: Mapping[str, bytes], written: Mapping[str, str]) -> Iterator[FileChange]:
    for path in sorted({*carried, *written} - set(STARTERS)):
        there, new = _content(folder / path), carried.get(path)
        edited = there is not None and _digest(path, there) != written.get(path)
        if new is None:
            if there is not None and not edited:
                yield FileChange(path, Action.REMOVE, there)
        elif there is None:
            yield FileChange(path, Action.ADD, after=new)
        elif _digest(path, there) == _digest(path, new):
            continue
        elif not edited:
            yield FileChange(path, Action.REPLACE, there, _with_stages(path, there, new))
        elif written.get(path) != _digest(path, new):
            yield FileChange(path, Action.CONFLICT, there, _with_stages(path, there, new))


def _starter_changes(folder: Path, written: Mapping[str, str]) -> Iterator[FileChange]:
    for path, name in STARTERS.items():
        if path not in written and not (folder / path).exists():
            yield FileChange(path, Action.ADD, after=_template(name))


def _check_free(folder: Path, carried: Mapping[str, bytes]) -> None:
    if (folder / "chalice_app").is_dir() and (folder / "vedette").is_dir():
        raise VedetteError(f"{folder} is a clone of Vedette, which needs no project; choose a new folder.")
    taken = [path for path in (*carried, "chalicelib") if (folder / path).exists()]
    if taken:
        raise VedetteError(f"{folder} has another project: {taken[0]} is there; choose a new folder.")


def _sources(folder: Path) -> Iterable[Path]:
    """The files of a package, without byte code."""
    return sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _template(name: str) -> bytes:
    return (files(__package__) / "project_template" / name).read_bytes()


def _record(root: Path) -> dict[str, Any]:
    content = _content(root / RECORD)
    found: dict[str, Any] = {} if content is None else _parsed(root / RECORD, content)
    return found


def _parsed(place: Path | str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise UnreadableFile(f"{place}: not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UnreadableFile(f"{place}: not an object")
    return found


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()


def _digest(path: str, content: bytes) -> str:
    """The digest of a file; of the configuration only what is not about stages, in whatever layout."""
    if path == CONFIG:
        content = json.dumps({**_parsed(path, content), "stages": {}}, sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _with_stages(path: str, there: bytes, new: bytes) -> bytes:
    """A new configuration with the stages of the one that is there; any other file as it is."""
    if path != CONFIG:
        return new
    return _json({**_parsed(path, new), "stages": _parsed(path, there).get("stages", {})})
