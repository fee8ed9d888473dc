"""The Chalice project, of `vedette init` or a clone of this repository, and the files that `vedette setup` writes.

| file                                        | content                                                     |
|---------------------------------------------|-------------------------------------------------------------|
| .chalice/config.json                        | one entry per stage: environment, policies or roles, VPC      |
| .chalice/stages/{stage}/policy-*.json       | the policies, narrowed to the stage                         |
| .chalice/stages/{stage}/merge-template.json | the template for `chalice package --merge-template`         |
| .chalice/deployed/{stage}.json              | what Chalice deployed, written by Chalice                   |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.errors import MissingSetting
from vedette.operations import stages


@dataclass(frozen=True)
class Project:
    """The folder with `.chalice`, and with `app.py` or, in a clone of the repository, `chalice_app`."""

    root: Path

    @property
    def chalice(self) -> Path:
        """The .chalice folder."""
        return self.root / ".chalice"

    @property
    def app(self) -> Path:
        """The folder for `chalice --project-dir`."""
        clone = self.root / "chalice_app"
        return clone if clone.is_dir() else self.root

    def deployed(self, stage: str) -> Path:
        """The file with Chalice's state of the last deployment."""
        return self.chalice / "deployed" / f"{stage}.json"

    def folder(self, stage: str) -> Path:
        """The folder of the files that setup writes for a stage."""
        return self.chalice / "stages" / stage

    def config(self) -> dict[str, Any]:
        """The whole config.json."""
        return stages.read_config(self.chalice / "config.json")

    def stage(self, stage: str) -> dict[str, Any]:
        """The entry of a stage; empty if there is none."""
        found: dict[str, Any] = self.config().get("stages", {}).get(stage, {})
        return found

    def function(self, stage: str, name: str) -> dict[str, Any]:
        """The configuration of a function: that of all stages, overridden by that of the stage."""
        config = self.config()
        everywhere = config.get("lambda_functions", {}).get(name, {})
        return {**everywhere, **self.stage(stage).get("lambda_functions", {}).get(name, {})}

    def write_stage(self, stage: str, entry: Mapping[str, Any]) -> None:
        """Write the entry of a stage to config.json, and keep the other entries.

        Chalice takes memory and timeout from `lambda_functions` outside of the stages, but no environment variables
        (chalice/config.py, `_chain_merge`): so they are written into the stage.
        """
        config = self.config()
        functions = dict(entry.get("lambda_functions", {}))
        for name, everywhere in config.get("lambda_functions", {}).items():
            if variables := everywhere.get("environment_variables"):
                own = functions.get(name, {})
                functions[name] = {
                    **own,
                    "environment_variables": {**own.get("environment_variables", {}), **variables},
                }
        config.setdefault("stages", {})[stage] = {**entry, "lambda_functions": functions}
        write(self.chalice / "config.json", config)

    def forget_stage(self, stage: str) -> None:
        """Remove a stage from config.json."""
        config = self.config()
        if config.get("stages", {}).pop(stage, None) is not None:
            write(self.chalice / "config.json", config)


def found(folder: Path) -> Project:
    """The project that contains a folder.

    Raises
    ------
    MissingSetting
        If there is none.
    """
    file = stages.config_file(folder)
    if file is None:
        raise MissingSetting(
            "There is no .chalice/config.json here or above; run this in a project (`vedette init DIR` makes one)."
        )
    return Project(file.resolve().parent.parent)  # chalice_app/.chalice is a link


def write(file: Path, content: Any) -> None:
    """Write indented JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")
