"""The functions of a Chalice app, and the backends that run them.

A backend runs a function: `InProcess` calls the handler in this process as Lambda's runtime would; artifact.py runs the
deployment zip. Both receive the event as JSON and return JSON.
"""

from __future__ import annotations

import json
import os
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Protocol, cast

from moto.events.models import EventPattern, EventPatternParser

from vedette import project_files
from vedette.local.errors import Crash
from vedette.local.recorder import calling_as

CONFIG = project_files.root() / ".chalice" / "config.json"
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


class FunctionError(Exception):
    """The function failed, with the error that Lambda would report."""

    def __init__(self, error_type: str, message: str, trace: str = ""):
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.error_message = message
        self.trace = trace

    def payload(self) -> dict[str, Any]:
        """The error payload of the invocation."""
        return {"errorMessage": self.error_message, "errorType": self.error_type, "stackTrace": self.trace.splitlines()}


@dataclass(frozen=True)
class Function:
    """One function: its rule or schedule, and its configuration."""

    name: str  # on_data_captured
    full_name: str  # vedette-local-on_data_captured
    handler: str  # app.on_data_captured
    arn: str
    pattern: EventPattern | None = None
    rate: timedelta | None = None
    timeout_seconds: int = 60
    memory: int = 512
    environment: Mapping[str, str] = field(default_factory=dict)  # in addition to the stage's variables

    def listens_to(self, event: Mapping[str, Any]) -> bool:
        """Whether the rule of this function matches an event of the bus."""
        return self.pattern is not None and self.pattern.matches_event(cast(Any, event))


class Backend(Protocol):
    """Runs functions."""

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        """Invoke a function; returns its result, raises FunctionError."""

    def kill(self, name: str) -> None:
        """End the process of a function, if it has its own."""

    def close(self) -> None:
        """Release all resources."""


@cache
def configured_timeouts() -> dict[str, int]:
    """The timeouts in .chalice/config.json, in seconds by function."""
    functions = json.loads(CONFIG.read_bytes())["lambda_functions"]
    return {name: found["lambda_timeout"] for name, found in functions.items()}


def functions_of(
    app: Any, stage: str, region: str, account: str, timeouts: Mapping[str, int] | None = None
) -> list[Function]:
    """The functions of a Chalice app, with their rule or schedule if any.

    Chalice creates one rule per function, on the default bus (https://github.com/aws/chalice/issues/1755).
    """
    sources = {source.name: source for source in app.event_sources}
    plain = {function.name: function for function in app.pure_lambda_functions}
    found = []
    for name, source in {**sources, **plain}.items():
        full_name = f"{app.app_name}-{stage}-{name}"
        found.append(
            Function(
                name=name,
                full_name=full_name,
                handler=source.handler_string,
                arn=f"arn:aws:lambda:{region}:{account}:function:{full_name}",
                pattern=_pattern(getattr(source, "event_pattern", None)),
                rate=rate_of(getattr(source, "schedule_expression", None)),
                timeout_seconds=(configured_timeouts() if timeouts is None else timeouts).get(name, 60),
            )
        )
    return found


def _pattern(pattern: Mapping[str, Any] | None) -> EventPattern | None:
    if pattern is None:
        return None
    text = json.dumps(pattern)
    return EventPattern(text, EventPatternParser(text).parse())


def rate_of(expression: Any) -> timedelta | None:
    """The duration of a schedule such as `rate(5 minutes)`; None without a schedule.

    Raises
    ------
    ValueError
        For a cron expression, which this project does not use.
    """
    if expression is None:
        return None
    text = expression if isinstance(expression, str) else expression.to_string()
    match = RATE.fullmatch(text)
    if match is None:
        raise ValueError(f"The AWS simulator supports only rate(...) schedules, not {text!r}.")
    return timedelta(**{f"{match[2]}s": int(match[1])})


class Context:
    """The context object of a Lambda invocation."""

    def __init__(self, function: Function, request_id: str):
        self.function_name = function.full_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = function.arn
        self.memory_limit_in_mb = str(function.memory)
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{function.full_name}"
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self._deadline = time.perf_counter() + function.timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        """The remaining part of the function's timeout, in real time."""
        return max(0, int((self._deadline - time.perf_counter()) * 1000))


class InProcess:
    """Calls the handlers of a Chalice app in this process."""

    def __init__(self, app: Any):
        self._app = app

    def invoke(self, function: Function, event: Any, request_id: str) -> Any:
        handler = self._app.handler_map[function.name]
        received = json.loads(json.dumps(event))
        with calling_as(function.name), _lambda_environment(function):
            try:
                answer = handler(received, Context(function, request_id))
                return json.loads(json.dumps(answer))
            except Exception as error:
                raise FunctionError(type(error).__name__, str(error), traceback.format_exc()) from error
            except Crash as crash:
                message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
                raise FunctionError("Runtime.ExitError", message) from crash

    def kill(self, name: str) -> None:
        """Do nothing: in this process, a crash is the exception `Crash`."""

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def _lambda_environment(function: Function) -> Iterator[None]:
    ours = {
        "AWS_LAMBDA_FUNCTION_NAME": function.full_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
    }
    saved = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
