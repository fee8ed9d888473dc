"""Notebooks over one simulated account: each in a process of its own, in the environment of a client.

No kernel sleeps in real time. Only one of them runs at any moment: the one that would wake next, once the clock of
the simulator is turned to that time. So what several notebooks do at once is the same in every run.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.connection import Listener
from pathlib import Path

import boto3

from vedette.local import Cloud

PROGRAMS = Path(__file__).parent / "programs"
KERNEL = PROGRAMS / "kernel.py"
WGET = """#!/bin/sh
# wget -O tmp/NAME URL: what the address would give was supplied beforehand.
cp "$SUPPLIED/$(basename "$2")" "$2"
"""
STATEMENT = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}


class CellFailed(AssertionError):
    """A cell of a notebook raised an error, or a command in it failed."""


@dataclass
class Studio:
    """A user of SageMaker Studio, with notebooks; programs are found in `programs`, downloads in `supplied`."""

    cloud: Cloud
    url: str
    home: Path
    programs: list[Path]
    supplied: dict[str, bytes]
    kernels: list["Kernel"] = field(default_factory=list)

    def __post_init__(self):
        folder = self.home / "supplied"
        for name, content in {"../CH08/.keep": b"", "../bin/wget": WGET.encode(), **self.supplied}.items():
            path = (folder / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (self.home / "bin" / "wget").chmod(0o755)
        self.environment = {
            **self.cloud.child_environment(self.url),
            **self._role_session(),
            "HOME": str(self.home),
            "SUPPLIED": str(folder),
            "PATH": os.pathsep.join([str(self.home / "bin"), *map(str, self.programs), os.environ["PATH"]]),
        }

    def _role_session(self) -> dict[str, str]:
        """Credentials of the execution role, under which a notebook of Studio runs."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})
        role = boto3.client("iam").create_role(RoleName="AmazonSageMaker-Studio", AssumeRolePolicyDocument=trust)
        session = boto3.client("sts").assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="SageMaker")
        found = session["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
            "AWS_SESSION_TOKEN": found["SessionToken"],
        }

    def notebook(self, python: Path) -> "Kernel":
        self.kernels.append(Kernel(self, python))
        return self.kernels[-1]

    def result_of(self, python: Path, program: str) -> dict:
        """What a program returns."""
        self.kernels.append(Kernel(self, python, PROGRAMS / program))
        return self.kernels[-1].result()

    def turn_until_idle(self, kernel: "Kernel") -> None:
        while kernel.wakes is not None:
            sleeper = min((one for one in self.kernels if one.wakes is not None), key=lambda one: one.wakes)
            self.cloud.turn(to=sleeper.wakes)
            sleeper.wake()

    def close(self) -> None:
        for kernel in self.kernels:
            kernel.stop()


class Kernel:
    """One notebook: a process that runs its cells; or one that runs a program to its end."""

    def __init__(self, studio: Studio, python: Path, program: Path = KERNEL):
        self._studio = studio
        self.wakes: datetime | None = None
        self._outcome: tuple[object, str | None] = (None, None)
        with tempfile.TemporaryDirectory() as folder, Listener(f"{folder}/kernel", family="AF_UNIX") as listener:
            self._process = subprocess.Popen(
                [python, program, listener.address],
                cwd=studio.home / "CH08",
                env=studio.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            self._connection = listener.accept()

    def run(self, cell: str) -> str:
        """Run a cell to its end; what it printed."""
        self.begin(cell)
        return str(self._ended())

    def value(self, expression: str):
        """What an expression is in the notebook: numbers, texts, lists, dicts."""
        self._connection.send(("value", expression))
        self._receive()
        return self._ended()

    def result(self):
        """What a program returns at its end."""
        self._receive()
        return self._ended()

    def begin(self, cell: str) -> None:
        """Run a cell until it sleeps; it goes on while other notebooks run."""
        self._connection.send(("cell", cell))
        self._receive()

    def wake(self) -> None:
        self._connection.send("awake")
        self._receive()

    def stop(self) -> None:
        """Shut the kernel down, whatever it does."""
        self.wakes = None
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def _ended(self):
        self._studio.turn_until_idle(self)
        value, failure = self._outcome
        if failure is not None:
            raise CellFailed(failure)
        return value

    def _receive(self) -> None:
        kind, value, *failure = self._connection.recv()
        self.wakes = self._studio.cloud.clock.now() + timedelta(seconds=value) if kind == "asleep" else None
        self._outcome = (value, *failure) if kind == "done" else (None, None)
