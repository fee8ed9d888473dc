"""Readers of capture files and baselines: local files, directories, globs and s3:// prefixes. Read-only.

| input              | result                                 | error                                    |
|--------------------|----------------------------------------|------------------------------------------|
| a file             | the file, whatever its name            | `x: no such file or directory`           |
| a directory        | every *.jsonl and *.jsonl.gz below it  | `x: no .jsonl file below this directory` |
| ... with a folder without permission   |                    | `x/y: permission denied`                 |
| a glob             | every file that it matches, ** as well | `x: nothing matches`                     |
| s3://bucket/key    | the object                             | `x: no such object`                      |
| s3://bucket/prefix | every *.jsonl and *.jsonl.gz under it  | `x: no .jsonl object under this prefix`  |
| nothing            |                                        | `an empty name: ...`                     |

A caller may name other kinds of files, by their suffixes: of a directory or a prefix the first kind is read of which
there are files.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from chalicelib.errors import UnreadableFile

CHUNK = 1 << 19  # size of one read (capture.lines.BLOCK_BYTES)
Suffixes = tuple[str, ...]  # of the names of one kind of files
CAPTURES: Suffixes = (".jsonl", ".jsonl.gz")  # gzip content is recognized by its first bytes, whatever the name
TABLES: Suffixes = (".csv", ".csv.gz", ".parquet")
LABELS: Suffixes = (*CAPTURES, ".csv", ".csv.gz", ".json")
Name = TypeVar("Name", str, Path)


class Source(NamedTuple):
    """One file or object that can be read, in chunks of bounded size."""

    name: str
    size: int
    chunks: Callable[[], Iterator[bytes]]
    modified: datetime = datetime.min.replace(tzinfo=UTC)  # when it was last written

    def read(self, advance: Callable[[int], None]) -> Iterator[bytes]:
        """Yield the chunks, and report the size of each to `advance`."""
        for chunk in self.chunks():
            yield chunk
            advance(len(chunk))


def sources(
    places: Sequence[str],
    *,
    profile: str | None = None,
    region: str | None = None,
    kinds: Sequence[Suffixes] = (CAPTURES,),
) -> list[Source]:
    """All files and objects that the locations name, sorted and without duplicates.

    Parameters
    ----------
    kinds
        The kinds of files of a folder, by their suffixes: it stands for those of the first kind that it has.

    Raises
    ------
    UnreadableFile
        If a location matches nothing.
    """
    found: dict[str, Source] = {}
    for place in places:
        if not place.strip():
            raise UnreadableFile("an empty name: use a file, a directory, a glob or an s3:// URI")
        for source in _in_s3(place, profile, region, kinds) if is_s3(place) else _local(place, kinds):
            found.setdefault(source.name, source)
    return list(found.values())


def read_bytes(place: str, *, profile: str | None = None, region: str | None = None) -> bytes | None:
    """The content of one small file or object; None if it does not exist."""
    if not is_s3(place):
        path = Path(place)
        return path.read_bytes() if path.is_file() else None
    bucket, key = _bucket_and_key(place)
    client = _s3(profile, region)
    try:
        content: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except client.exceptions.NoSuchKey:
        return None
    return content


def is_s3(place: str) -> bool:
    """Whether a location is in S3."""
    return place.startswith("s3://")


def is_table(name: str) -> bool:
    """Whether a file is a plain table, by its name."""
    return name.endswith(TABLES)


def join(folder: str, name: str) -> str:
    """The location of a file in a folder, local or in S3."""
    return f"{folder.rstrip('/')}/{name}" if is_s3(folder) else str(Path(folder) / name)


def is_folder(place: str) -> bool:
    """Whether a location is a directory, or a prefix in S3, which is any S3 location that does not end in .json."""
    return not place.endswith(".json") if is_s3(place) else Path(place).is_dir()


def _local(place: str, kinds: Sequence[Suffixes]) -> list[Source]:
    path = Path(place)
    if path.is_dir():
        files = sorted(_chosen(_below(path), kinds))
        if not files:
            raise UnreadableFile(f"{place}: no {_listed(kinds)} file below this directory")
    elif path.exists():
        files = [path]
    elif glob.has_magic(place):
        files = sorted(Path(name) for name in glob.glob(place, recursive=True) if Path(name).is_file())  # noqa: PTH207
        if not files:
            raise UnreadableFile(f"{place}: nothing matches")
    else:
        raise UnreadableFile(f"{place}: no such file or directory")
    return [_of_file(file) for file in files]


def _of_file(file: Path) -> Source:
    status = file.stat()
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return Source(str(file), status.st_size, partial(_file_chunks, file), modified)


def _listed(kinds: Sequence[Suffixes]) -> str:
    *others, last = dict.fromkeys(one for kind in kinds for one in kind if not one.endswith(".gz"))
    return f"{', '.join(others)} or {last}" if others else last


def _chosen(names: Iterable[Name], kinds: Sequence[Suffixes]) -> list[Name]:
    """The names of the first kind of which there are some."""
    found = list(names)
    of_kind = ([name for name in found if str(name).endswith(kind)] for kind in kinds)
    return next(filter(None, of_kind), [])


def _below(folder: Path) -> Iterator[Path]:
    """The files below a folder. A folder that cannot be read raises an error."""

    def refuse(error: OSError) -> None:
        raise error

    for root, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(root, name) for name in names)


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _in_s3(place: str, profile: str | None, region: str | None, kinds: Sequence[Suffixes]) -> list[Source]:
    bucket, prefix = _bucket_and_key(place)
    client = _s3(profile, region)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = {item["Key"]: item for page in pages for item in page.get("Contents", ())}
    if prefix in found:
        found = {prefix: found[prefix]}
    else:
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        below = _chosen((key for key in found if key.startswith(folder)), kinds)
        found = {key: found[key] for key in below}
    if not found:
        named = prefix.endswith((*CAPTURES, *TABLES, ".json"))
        missing = "no such object" if named else f"no {_listed(kinds)} object under this prefix"
        raise UnreadableFile(f"{place}: {missing}")
    return [
        Source(f"s3://{bucket}/{key}", item["Size"], partial(_object_chunks, client, bucket, key), item["LastModified"])
        for key, item in sorted(found.items())
    ]


def _object_chunks(client: Any, bucket: str, key: str) -> Iterator[bytes]:
    yield from client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK)


def _bucket_and_key(place: str) -> tuple[str, str]:
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise UnreadableFile(f"{place}: no bucket")
    return bucket, key


def _s3(profile: str | None, region: str | None) -> Any:
    return session(profile, region).client("s3")


def session(profile: str | None, region: str | None) -> Any:
    """The boto3 session of this process if it fits, such as that of a notebook; else a new one."""
    import boto3

    known = boto3.DEFAULT_SESSION
    if known is not None and not profile and region in {None, known.region_name}:
        return known
    return boto3.Session(profile_name=profile, region_name=region)
