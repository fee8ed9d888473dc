"""The settings of a stage, and a session for it.

| location of the stage's variables                       | used if                                                 |
|---------------------------------------------------------|---------------------------------------------------------|
| the process environment                                 | its VEDETTE_STAGE is the requested stage, if any        |
| .chalice/config.json of this folder or one above it     | it has the stage; its values override those of all      |
| the CloudFormation stack of the stage (`installations`) | neither has it, or --region names another region        |
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chalicelib.errors import MissingSetting, UnreadableFile, VedetteError
from chalicelib.settings import Settings, from_environment, settings

NEEDED = ("VEDETTE_BUCKET", "VEDETTE_TABLE", "VEDETTE_TOPIC_ARN")


def find(
    stage: str | None, environment: Mapping[str, str], folder: Path, profile: str | None, region: str | None
) -> dict[str, str]:
    """The environment variables of a stage, known here or found by its stack.

    Raises
    ------
    MissingSetting
        If no stage is named, or there is none; the message says where it was looked for.
    """
    unknown: MissingSetting | None = None
    known: dict[str, str] = {}
    try:
        known = variables_of(stage, environment, folder)
    except MissingSetting as error:
        unknown = error
    named = known.get("VEDETTE_STAGE") or stage or environment.get("VEDETTE_STAGE", "").strip()
    if not named or (known and region in {None, "", region_of(known)}):
        if unknown is not None:
            raise unknown
        return known
    from vedette.operations import installations

    try:
        found = installations.variables_of_stack(named, profile, region)
    except MissingSetting as error:
        here = f" {unknown}" if unknown else f" Stage {named} of {folder} is in {region_of(known)}."
        raise MissingSetting(f"{error}{here}") from error
    if found is None:
        raise unknown or MissingSetting(f"Stage {named} is in {region_of(known)}, not in {region}.")
    return found


def region_of(variables: Mapping[str, str]) -> str:
    """The region in the ARN of the alerts' topic; "" without one."""
    return (variables.get("VEDETTE_TOPIC_ARN", "").split(":") + [""] * 4)[3]


def variables_of(stage: str | None, environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment variables of a stage.

    Raises
    ------
    MissingSetting
        If no stage is named, or it is unknown; the message says what to do.
    """
    named = stage or environment.get("VEDETTE_STAGE", "").strip()
    if named and environment.get("VEDETTE_STAGE", "").strip() == named and all(environment.get(n) for n in NEEDED):
        return {name: value for name, value in environment.items() if name.startswith("VEDETTE_")}
    file = config_file(folder)
    if not named:
        known = f" ({file} knows {_names(read_config(file))})" if file else ""
        raise MissingSetting(f"Name a stage with --stage or VEDETTE_STAGE{known}.")
    if file is None:
        lacking = ", ".join(n for n in NEEDED if not environment.get(n)) or "VEDETTE_STAGE"
        raise MissingSetting(
            f"Stage {named} is not known here: there is no .chalice/config.json in this folder or above it, and the"
            f" environment lacks {lacking}. `vedette init DIR` makes a project, and `vedette setup` in it a stage."
        )
    config = read_config(file)
    if named not in config.get("stages", {}):
        known = f"; only {_names(config)}" if config.get("stages") else ""
        raise MissingSetting(f"{file} has no stage {named}{known}: `vedette setup --stage {named}`.")
    both = (config, config["stages"][named])
    merged = {name: str(value) for part in both for name, value in part.get("environment_variables", {}).items()}
    return {"VEDETTE_STAGE": named, **{name: value for name, value in merged.items() if name.startswith("VEDETTE_")}}


def config_file(folder: Path) -> Path | None:
    """The configuration file in this folder or a parent folder."""
    for place in (folder, *folder.parents):
        file = place / ".chalice" / "config.json"
        if file.is_file():
            return file
    return None


def read_config(file: Path) -> dict[str, Any]:
    """Read a configuration; raises UnreadableFile if it is not JSON."""
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise UnreadableFile(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UnreadableFile(f"{file}: not an object")
    return content


def _names(config: Mapping[str, Any]) -> str:
    return ", ".join(sorted(config.get("stages", {}))) or "no stage"


@contextmanager
def entered(variables: Mapping[str, str], profile: str | None, region: str | None) -> Iterator[Settings]:
    """Use a stage in this context: environment variables and boto3 session; both are restored at the end.

    Raises
    ------
    VedetteError
        If the stage is in another region.
    """
    import boto3

    found = from_environment(variables)
    if region and region != found.region:
        raise VedetteError(f"Stage {found.stage} is in {found.region} (see VEDETTE_TOPIC_ARN), not in {region}.")
    environment, session = dict(os.environ), boto3.DEFAULT_SESSION
    for name in [name for name in os.environ if name.startswith("VEDETTE_")]:
        del os.environ[name]
    os.environ.update(variables)
    settings.cache_clear()
    try:
        if profile or session is None:
            boto3.setup_default_session(profile_name=profile, region_name=found.region)
        yield settings()
    finally:
        os.environ.clear()
        os.environ.update(environment)
        settings.cache_clear()
        boto3.DEFAULT_SESSION = session


@contextmanager
def signed_in(profile: str | None, region: str | None) -> Iterator[None]:
    """Use a profile and a region in this context, without any stage; the boto3 session is restored at the end."""
    import boto3

    session = boto3.DEFAULT_SESSION
    try:
        if profile or region or session is None:
            boto3.setup_default_session(profile_name=profile, region_name=region)
        yield
    finally:
        boto3.DEFAULT_SESSION = session
