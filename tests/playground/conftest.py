"""`vedette local` as a process of its own, and a person at a shell in another terminal."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAMS = Path(sys.executable).parent
BASH = shutil.which("bash") or "/bin/bash"
MAX_SECONDS = 600  # only a server that hangs takes as long


class Served:
    """A server that runs, and a folder in which its user works."""

    def __init__(self, folder: Path, *options: str, keep: Path | None = None):
        self.folder, self._log = folder, (folder / "printed").open("w+")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "VEDETTE_"))}
        self._environment = {**clean, "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
        kept = ["--keep", str(keep)] if keep else []
        self.process = subprocess.Popen(
            [PROGRAMS / "vedette", "local", "--port", "0", *kept, *options],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
        )
        self.printed = self._until_ready()
        self.url = re.search(r"^Inbox: +(http://127\.0\.0\.1:\d+)$", self.printed, re.MULTILINE)[1]
        self._environment["VEDETTE_LOCAL"] = self.url

    def _until_ready(self) -> str:
        began = time.monotonic()
        while "Serving." not in (printed := Path(self._log.name).read_text()):
            if self.process.poll() is not None or time.monotonic() - began > MAX_SECONDS:
                self.process.kill()
                pytest.fail(f"it does not serve:\n{printed}")
            time.sleep(0.2)
        return printed

    def shell(self, script: str, code: int = 0) -> str:
        """A script in a shell that asked the server for its variables; what it printed."""
        done = subprocess.run(
            [BASH, "-euo", "pipefail", "-c", f'eval "$(vedette local env)"\n{script}'],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, f"{script}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def stop(self) -> int:
        """Stop this process, as a user's Ctrl-C or a service manager does; its exit code."""
        self.process.terminate()
        code = self.process.wait(MAX_SECONDS)
        self._log.close()
        return code


@pytest.fixture
def serve(tmp_path):
    """Start servers, which are stopped at the end of the test."""
    started = []

    def start(*options: str, keep: Path | None = None) -> Served:
        started.append(Served(tmp_path, *options, keep=keep))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
