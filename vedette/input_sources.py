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
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from chalicelib.errors import UnreadableFile

CHUNK = 1 << 19  # size of one read (capture.lines.BLOCK_BYTES)
CAPTURES = (".jsonl", ".jsonl.gz")  # gzip content is recognized by its first bytes, whatever the name
LABELS = (*CAPTURES, ".csv", ".csv.gz", ".json")


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
    suffixes: tuple[str, ...] = CAPTURES,
) -> list[Source]:
    """All files and objects that the locations name, sorted and without duplicates.

    Parameters
    ----------
    suffixes
        What the names of the files in a directory, or of the objects under a prefix, end with.

    Raises
    ------
    UnreadableFile
        If a location matches nothing.
    """
    found: dict[str, Source] = {}
    for place in places:
        if not place.strip():
            raise UnreadableFile("an empty name: use a file, a directory, a glob or an s3:// URI")
        for source in _in_s3(place, profile, region, suffixes) if is_s3(place) else _local(place, suffixes):
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


def join(folder: str, name: str) -> str:
    """The location of a file in a folder, local or in S3."""
    return f"{folder.rstrip('/')}/{name}" if is_s3(folder) else str(Path(folder) / name)


def is_folder(place: str) -> bool:
    """Whether a location is a directory, or a prefix in S3, which is any S3 location that does not end in .json."""
    return not place.endswith(".json") if is_s3(place) else Path(place).is_dir()


def _local(place: str, suffixes: tuple[str, ...]) -> list[Source]:
    path = Path(place)
    if path.is_dir():
        files = sorted(_below(path, suffixes))
        if not files:
            raise UnreadableFile(f"{place}: no {_listed(suffixes)} file below this directory")
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


def _listed(suffixes: tuple[str, ...]) -> str:
    return " or ".join(one for one in suffixes if not one.endswith(".gz"))


def _below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files with these suffixes below a folder. A folder that cannot be read raises an error."""

    def refuse(error: OSError) -> None:
        raise error

    for root, _, names in os.walk(folder, onerror=refuse):
        yield from (Path(root, name) for name in names if name.endswith(suffixes))


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _in_s3(place: str, profile: str | None, region: str | None, suffixes: tuple[str, ...]) -> list[Source]:
    bucket, prefix = _bucket_and_key(place)
    client = _s3(profile, region)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found = {item["Key"]: item for page in pages for item in page.get("Contents", ())}
    if prefix in found:
        found = {prefix: found[prefix]}
    else:
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        found = {key: item for key, item in found.items() if key.startswith(folder) and key.endswith(suffixes)}
    if not found:
        named = prefix.endswith((*CAPTURES, ".json", ".csv", ".csv.gz"))
        raise UnreadableFile(
            f"{place}: {'no such object' if named else f'no {_listed(suffixes)} object under this prefix'}"
        )
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
    import boto3

    return boto3.Session(profile_name=profile, region_name=region).client("s3")
