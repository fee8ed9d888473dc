"""The environments of the clients, which `make clients` builds, and the folder of the chapter."""

import os
from pathlib import Path

import pytest

collect_ignore = ["programs"]  # they run in the environments of the clients
ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "benchmarks" / "environments"


def environment(name: str) -> Path:
    """The folder of an environment's programs."""
    programs = ENVIRONMENTS / f".venv-{name}" / "bin"
    if not programs.is_dir():
        pytest.fail(f"{programs.parent.relative_to(ROOT)} is not installed: `make clients` installs it")
    return programs


@pytest.fixture(scope="session")
def programs_of():
    return environment


@pytest.fixture(scope="session")
def chapter_folder() -> Path:
    """The chapter lies beside the repository, never in it.

    Where `.ci/run` has found the folder it says so in VEDETTE_CHAPTER, and not finding it here is a failure.
    """
    promised = os.environ.get("VEDETTE_CHAPTER")
    folder = Path(promised) if promised else ROOT.parent / "shared" / "seed"
    if not folder.is_dir():
        if promised:
            pytest.fail(f"VEDETTE_CHAPTER names {promised}, which is not a folder")
        pytest.skip("the chapter lies beside this repository in shared/seed, which is absent here")
    return folder
