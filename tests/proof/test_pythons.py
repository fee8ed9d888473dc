"""The artifact under every Python that Vedette is for and that is found here beside the one that runs the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHONS = [version for version in ("3.11", "3.12", "3.13") if version != f"{sys.version_info[0]}.{sys.version_info[1]}"]
PROVEN = ("tests/proof/test_artifact.py", "tests/installation")


def interpreter(version: str) -> str | None:
    """An interpreter of a version: on the path, or one that pyenv keeps; None when there is none."""
    name, pyenv = shutil.which(f"python{version}"), shutil.which("pyenv")
    kept = said(pyenv, "versions", "--bare").split() if pyenv else []
    chosen = [{}, *({"PYENV_VERSION": one} for one in kept if one.startswith(f"{version}."))]
    asked = (said(name, "-c", "import sys; print(sys.executable)", **environment) for environment in chosen if name)
    return next(filter(None, asked), None)


def said(program: str, *arguments: str, **environment: str) -> str:
    """What a program prints; "" when it fails, as pyenv's python3.12 does where another version is chosen."""
    done = subprocess.run([program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.parametrize("version", PYTHONS)
def test_the_artifact_is_proven_under_another_python(tmp_path, extent, proves, version):
    if not extent.full:
        pytest.skip("in the full extent: some minutes each")
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    venv = tmp_path / ".venv"
    make = shutil.which("make") or pytest.fail("make is needed")
    subprocess.run([make, f"{venv}/.installed", f"VENV={venv}", f"PYTHON={python}"], cwd=ROOT, check=True)
    done = subprocess.run(
        [venv / "bin" / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *PROVEN],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    proves("python", 1, version, done.stdout.strip().splitlines()[-1])
