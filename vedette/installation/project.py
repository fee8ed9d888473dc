"""The Chalice project in a clone of this repository, and what `vedette setup` writes into it.

| file                                        | holds                                                       |
|---------------------------------------------|-------------------------------------------------------------|
| .chalice/config.json                        | one entry a stage: environment, policies or roles, VPC      |
| .chalice/stages/{stage}/policy-*.json       | the policies, narrowed to the stage                         |
| .chalice/stages/{stage}/merge-template.json | what `chalice package --merge-template` adds                |
| .chalice/deployed/{stage}.json              | what Chalice deployed, kept by Chalice                      |
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
    """The folder that holds `.chalice` and `chalice_app`."""

    root: Path

    @property
    def chalice(self) -> Path:
        """Chalice's own folder."""
        return self.root / ".chalice"

    @property
    def app(self) -> Path:
        """What `chalice --project-dir` is given."""
        return self.root / "chalice_app"

    def deployed(self, stage: str) -> Path:
        """What Chalice remembers of its last deploy."""
        return self.chalice / "deployed" / f"{stage}.json"

    def folder(self, stage: str) -> Path:
        """What setup writes for a stage."""
        return self.chalice / "stages" / stage

    def config(self) -> dict[str, Any]:
        """The whole config.json."""
        return stages.read_config(self.chalice / "config.json")

    def stage(self, stage: str) -> dict[str, Any]:
        """The entry of a stage; empty when there is none."""
        found: dict[str, Any] = self.config().get("stages", {}).get(stage, {})
        return found

    def function(self, stage: str, name: str) -> dict[str, Any]:
        """What the configuration says of a function: of the stage, over that of all stages."""
        config = self.config()
        everywhere = config.get("lambda_functions", {}).get(name, {})
        return {**everywhere, **self.stage(stage).get("lambda_functions", {}).get(name, {})}

    def write_stage(self, stage: str, entry: Mapping[str, Any]) -> None:
        """Put the entry of a stage into config.json, and leave the others as they are.

        Chalice takes memory and timeout from `lambda_functions` outside of the stages, but no environment variables
        (chalice/config.py, `_chain_merge`): so those of a function are written into the stage.
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
        """Take a stage out of config.json."""
        config = self.config()
        if config.get("stages", {}).pop(stage, None) is not None:
            write(self.chalice / "config.json", config)


def found(folder: Path) -> Project:
    """The project that a folder lies in.

    Raises
    ------
    MissingSetting
        When it lies in none.
    """
    file = stages.config_file(folder)
    if file is None:
        raise MissingSetting("There is no .chalice/config.json here; run this in a clone of the repository.")
    return Project(file.resolve().parent.parent)  # chalice_app/.chalice is a link


def write(file: Path, content: Any) -> None:
    """Write JSON as people write it by hand."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=2) + "\n")
