"""What every test may use: the real files of others, and Hypothesis without a clock or a database."""

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration, settings

configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "vedette-hypothesis")
settings.register_profile("vedette", deadline=None, database=None, derandomize=True)
settings.load_profile("vedette")


@pytest.fixture(scope="session")
def conformance() -> Path:
    """Real capture, statistics, constraints and violations files; they lie beside the repository, never in it.

    Where `.ci/run` has found the folder it says so in VEDETTE_CONFORMANCE, and not finding it here is a failure.
    """
    promised = os.environ.get("VEDETTE_CONFORMANCE")
    folder = Path(promised) if promised else Path(__file__).parents[2] / "shared" / "conformance"
    if not folder.is_dir():
        if promised:
            pytest.fail(f"VEDETTE_CONFORMANCE names {promised}, which is not a folder")
        pytest.skip("the conformance files lie beside this repository in shared/conformance, which is absent here")
    return folder


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """The folder that `chalice package` writes; one process builds at a time, the others find it in Chalice's cache."""
    root = Path(__file__).parent.parent
    folder = tmp_path_factory.mktemp("package")
    (root / ".chalice" / "deployments").mkdir(exist_ok=True)
    with (root / ".chalice" / "deployments" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = subprocess.run(
            [
                Path(sys.executable).parent / "chalice",
                "--project-dir",
                root / "chalice_app",
                "package",
                "--stage",
                "dev",
                folder,
            ],
            env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert "Could not install" not in built.stdout + built.stderr
    return folder
