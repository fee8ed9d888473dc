"""`make package` works in a folder whose name has a blank."""

import os
import shutil
import subprocess

from tests.installation.conftest import ROOT

# Stands in for both programs: one line per argument.
RECORDER = '#!/bin/sh\nprintf "%s\\n" "$@" >> said\n'


def test_a_path_with_a_blank_stays_one_argument(tmp_path):
    folder = tmp_path / "a b"
    (folder / "benchmarks").mkdir(parents=True)
    (folder / ".chalice" / "stages" / "dev").mkdir(parents=True)
    (folder / ".chalice" / "stages" / "dev" / "merge-template.json").touch()
    for name in ("Makefile", "benchmarks/Makefile.inc", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("chalice", "python"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    (folder / ".venv" / ".installed").touch()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    make = shutil.which("make")
    done = subprocess.run([make, "package", "STAGE=dev"], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = (folder / "said").read_text().splitlines()
    assert f"{folder}/.chalice/stages/dev/merge-template.json" in said
    assert f"{folder}/build/package" in said
