"""Routes every AWS call, in process or over HTTP, to its handler.

    request -> operation -> recorder -> fault? -> permission? -> own handler or moto, under one lock
            -> effects of success (S3 events, SNS e-mails) -> fault? -> response

Own handlers: sagemaker, sagemaker-runtime, cloudformation, cloudtrail, events PutEvents, lambda Invoke. All other calls
go to moto, after a validator where moto is more permissive than AWS (see assumptions.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from vedette.local import faults, permissions, recorder
from vedette.local.errors import AwsError, Crash, LostConnection, rendered
from vedette.local.http_messages import Environ, Request, Response
from vedette.local.operations import Operation, operation_of

Handler = Callable[[Request, Operation], Response]
Validator = Callable[[Request, Operation], Request | None]
AfterSuccess = Callable[[Request, Operation, Response], None]


class _Moto(DomainDispatcherApplication):
    """moto's server, with a cache: moto lists its folder for every request, but the backend of a host never changes."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        """The backend of a host name."""
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


_moto = _Moto()  # one instance, whose Flask applications are reused; the state of moto is in its backends


class RequestRouter:
    """Routes a request by the credential scope of its signature."""

    def __init__(self, now: Callable[[], datetime]):
        self.now = now
        self.lock = threading.RLock()
        self.recorder = recorder.Recorder()
        self.faults = faults.Faults()
        self.handlers: dict[tuple[str, str], Handler] = {}  # (service, operation or "*") -> own handler
        self.unlocked: set[tuple[str, str]] = set()  # these make calls that are routed again
        self.validators: dict[tuple[str, str], Validator] = {}  # called before moto
        self.after_success: dict[tuple[str, str], AfterSuccess] = {}  # called after moto succeeded
        self.on_kill: Callable[[str | None], None] = lambda function: None
        self.permissions: permissions.Permissions | None = None
        self.url = ""  # the URL, while the cloud is served
        self.downloads: dict[str, Callable[[str], bytes]] = {}  # by path prefix; without a signature

    def handle(self, request: Request) -> Response:
        """Answer one request; raises Crash or LostConnection if a fault applies."""
        operation = operation_of(request)
        if recorder.caller.get() == recorder.AWS:
            return self._respond(request, operation)
        call = self._begin(request, operation)
        started = time.perf_counter()
        try:
            kind = self.faults.kind_for(call)
            faults.raise_before(kind, call)
            refused = faults.refused_entries(kind, request, call)
            response = refused or self._permitted(request, operation, call.function)
            faults.raise_after(kind, call)
        except AwsError as error:
            response = rendered(error, request, operation.protocol)
        except (Crash, LostConnection) as lost:
            call.error = type(lost).__name__
            raise
        finally:
            call.seconds = time.perf_counter() - started
        call.status, call.error = response.status, recorder.error_code(response)
        return response

    def _permitted(self, request: Request, operation: Operation, function: str | None) -> Response:
        """The response, if the policy of the calling function allows the call."""
        if function is None or self.permissions is None:
            return self._respond(request, operation)
        self.permissions.check(function, request, operation)
        response = self._respond(request, operation)
        self.permissions.hidden(function, request, operation, response)
        return response

    def _begin(self, request: Request, operation: Operation) -> recorder.Call:
        function = recorder.calling_function() or _function_of_user_agent(request.headers.get("user-agent", ""))
        parameters = recorder.naming_parameters(request, operation)
        with self.lock:
            calls = self.recorder.calls
            number = calls[-1].number + 1 if calls else 1
            call = recorder.Call(number, operation.service, operation.name, parameters, self.now(), function)
            calls.append(call)
        return call

    def _respond(self, request: Request, operation: Operation) -> Response:
        key = (operation.service, operation.name)
        handler = self.handlers.get(key) or self.handlers.get((operation.service, "*"))
        try:
            if handler is not None and key in self.unlocked:
                return handler(request, operation)
            with self.lock:
                if handler is not None:
                    return handler(request, operation)
                return self._validated_moto(request, operation, key)
        except AwsError as error:
            return rendered(error, request, operation.protocol)

    def _validated_moto(self, request: Request, operation: Operation, key: tuple[str, str]) -> Response:
        validator = self.validators.get(key) or self.validators.get((operation.service, "*"))
        if validator is not None:
            request = validator(request, operation) or request
        response = Response.of_wsgi(_moto, request.environ())
        after_success = self.after_success.get(key)
        if after_success is not None and response.status < 300:
            after_success(request, operation, response)
        return response

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The WSGI application, for calls over a socket."""
        request = Request.of_environ(environ)
        for prefix, download in self.downloads.items():
            if request.path.startswith(prefix):
                content = download(request.path)
                start_response("200 -", [("Content-Length", str(len(content)))])
                return [content]
        try:
            response = self.handle(request)
        except Crash:
            self.on_kill(_function_of_user_agent(request.headers.get("user-agent", "")))
            raise ConnectionAbortedError("crash") from None
        except LostConnection as lost:
            # Over HTTP, a simulated read timeout would block the caller for its whole timeout; a closed connection
            # has the same effect: no response.
            raise ConnectionAbortedError("lost") from lost
        return response.start(request.method, start_response)


def _function_of_user_agent(user_agent: str) -> str | None:
    """The calling function: lambda_runtime.py sets AWS_SDK_UA_APP_ID, which botocore sends as `app/...`."""
    for part in user_agent.split(" "):
        if part.startswith("app/vedette."):
            return part[len("app/vedette.") :]
    return None
