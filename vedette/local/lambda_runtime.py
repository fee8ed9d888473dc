"""A Lambda execution environment without Docker: AWS's own runtime client against a Runtime API on loopback.

The unzipped package is /var/task; `python -S -m awslambdaric app.fn` runs in it with the environment that Lambda sets,
and sees only the packages of Lambda's Python: the standard library, boto3, the runtime client, their dependencies. So a
dependency that is missing in the zip is missing here too.

See aws-behaviour: runtime-api.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import time_machine

from vedette.local.functions import Function, FunctionError

MAX_START_SECONDS = 60.0
POLL_SECONDS = 0.05
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"


@dataclass
class _Invocation:
    request_id: str
    payload: bytes
    answer: queue.Queue[tuple[str, bytes]]


class _RuntimeApi(ThreadingHTTPServer):
    """/2018-06-01/runtime/...: hands out invocations and receives results."""

    daemon_threads = True

    def __init__(self, function: Function):
        super().__init__(("127.0.0.1", 0), _RuntimeHandler)
        self.function = function
        self.waiting: queue.Queue[_Invocation | None] = queue.Queue()
        self.running: _Invocation | None = None
        self.ready_at: float | None = None
        self.init_error: bytes | None = None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore closed connections of killed processes."""


class _RuntimeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with wbufsize: else two delayed acknowledgements of 40 ms a call
    wbufsize = -1
    server: _RuntimeApi

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log requests."""

    def do_GET(self) -> None:
        if self.server.ready_at is None:
            self.server.ready_at = time.perf_counter()
        invocation = self.server.waiting.get()
        if invocation is None:
            self._answer(500)
            return
        self.server.running = invocation
        function = self.server.function
        deadline = _real_time() + function.timeout_seconds
        self._answer(
            200,
            invocation.payload,
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": function.arn,
                "Lambda-Runtime-Trace-Id": TRACE,
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(202, b'{"status":"OK"}')
        if self.path.endswith("/init/error"):
            self.server.init_error = body
            return
        request_id, kind = self.path.split("/")[-2:]
        running = self.server.running
        if running is not None and running.request_id == request_id:
            running.answer.put((kind, body))

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class ExecutionEnvironment:
    """One process of one function: started once, then invoked one event at a time."""

    def __init__(self, function: Function, task_root: Path, libraries: Path, environment: Mapping[str, str]):
        self.function = function
        self._lock = threading.Lock()
        self._api = _RuntimeApi(function)
        self._thread = threading.Thread(target=self._api.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the environment
        self._started = time.perf_counter()
        command = [sys.executable, "-S", "-m", "awslambdaric", function.handler]
        self._process = subprocess.Popen(
            command,
            cwd=task_root,
            env={**_lambda_variables(function, task_root, libraries, self._api.server_port), **environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    @property
    def init_seconds(self) -> float | None:
        """The cold start in seconds: from the start of the process to its first request for an invocation."""
        return None if self._api.ready_at is None else self._api.ready_at - self._started

    def wait_until_ready(self) -> None:
        """Wait for the end of the initialisation.

        Raises
        ------
        FunctionError
            If the module cannot be imported, the handler is missing, or the process ends.
        """
        end = time.perf_counter() + MAX_START_SECONDS
        while self._api.ready_at is None:
            if self._api.init_error is not None:
                raise _function_error(self._api.init_error)
            if not self.alive or time.perf_counter() > end:
                raise FunctionError("Runtime.ExitError", f"the runtime ended: {self.log()[-2000:]}")
            time.sleep(0.001)

    def invoke(self, event: Any, request_id: str = "") -> Any:
        """Run the handler; raises FunctionError."""
        with self._lock:
            self.wait_until_ready()
            answer: queue.Queue[tuple[str, bytes]] = queue.Queue()
            payload = json.dumps(event).encode()
            self._api.waiting.put(_Invocation(request_id or str(uuid.uuid4()), payload, answer))
            kind, body = self._wait(answer, request_id)
        if kind != "response":
            raise _function_error(body)
        return json.loads(body)

    def _wait(self, answer: queue.Queue[tuple[str, bytes]], request_id: str) -> tuple[str, bytes]:
        end = time.perf_counter() + self.function.timeout_seconds
        while True:
            try:
                return answer.get(timeout=POLL_SECONDS)
            except queue.Empty:
                if not self.alive:
                    message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
                    raise FunctionError("Runtime.ExitError", message, self.log()[-2000:]) from None
                if time.perf_counter() > end:
                    self.kill()
                    message = f"{request_id} Task timed out after {self.function.timeout_seconds:.2f} seconds"
                    raise FunctionError("Sandbox.Timedout", message) from None

    def log(self) -> str:
        """The output of the function."""
        position = self._log.tell()
        self._log.seek(0)
        text = self._log.read().decode(errors="replace")
        self._log.seek(position)
        return text

    def kill(self) -> None:
        """End the process, as Lambda does at the timeout."""
        if self.alive:
            self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End the process and its Runtime API."""
        self.kill()
        self._api.waiting.put(None)
        self._api.shutdown()
        self._api.server_close()
        self._thread.join()
        self._log.close()


def _real_time() -> float:
    """The real time, even while the clock of this process is simulated."""
    escape = time_machine.escape_hatch
    return escape.time.time() if escape.is_travelling() else time.time()


def _lambda_variables(function: Function, task_root: Path, libraries: Path, port: int) -> dict[str, str]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONPATH": os.pathsep.join((str(task_root), str(libraries))),
        "PYTHONDONTWRITEBYTECODE": "1",  # /var/task is read-only
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(task_root),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        "AWS_LAMBDA_FUNCTION_NAME": function.full_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.full_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
        "AWS_SDK_UA_APP_ID": f"vedette.{function.name}",  # identifies the function to the recorder
    }


def _function_error(body: bytes) -> FunctionError:
    report = json.loads(body)
    trace = "\n".join(str(line) for line in report.get("stackTrace") or ())
    return FunctionError(report.get("errorType", "Unknown"), report.get("errorMessage", ""), trace)
