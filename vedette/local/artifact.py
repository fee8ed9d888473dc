"""A backend that runs the functions from the deployment zip: unzipped once, one process per function."""

from __future__ import annotations

import io
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vedette.local.functions import Function
from vedette.local.lambda_libraries import link_libraries
from vedette.local.lambda_runtime import ExecutionEnvironment


class Artifact:
    """Runs functions from a deployment package, each in its own warm process."""

    def __init__(self, zip_bytes: bytes, environment: Mapping[str, str]):
        self._directory = tempfile.TemporaryDirectory(prefix="vedette-task-")
        root = Path(self._directory.name)
        self.task_root, self._libraries = root / "task", root / "runtime"
        self._libraries.mkdir()
        with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
            archive.extractall(self.task_root)
        link_libraries(self._libraries)
        self._environment = dict(environment)
        self._warm: dict[str, ExecutionEnvironment] = {}
        self._lock = threading.Lock()

    def environment_of(self, function: Function) -> ExecutionEnvironment:
        """The warm environment of a function; starts a new one if there is none or its process has ended."""
        with self._lock:
            warm = self._warm.get(function.name)
            if warm is not None and warm.alive:
                return warm
            if warm is not None:
                warm.close()
            started = ExecutionEnvironment(
                function, self.task_root, self._libraries, {**self._environment, **function.environment}
            )
            self._warm[function.name] = started
            return started

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        return self.environment_of(function).invoke(event, request_id)

    def kill(self, name: str) -> None:
        warm = self._warm.get(name)
        if warm is not None:
            warm.kill()

    def logs(self, name: str) -> str:
        """What a function printed since its environment started."""
        warm = self._warm.get(name)
        return warm.log() if warm is not None else ""

    def close(self) -> None:
        for warm in self._warm.values():
            warm.close()
        self._warm.clear()
        self._directory.cleanup()
