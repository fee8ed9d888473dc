"""The Lambda operations that moto does not support: Invoke, the package download of GetFunction, and concurrency."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import unquote

from moto.awslambda.models import lambda_backends

from vedette.local.account import SimulatedAccount
from vedette.local.bus import Bus
from vedette.local.errors import AwsError
from vedette.local.functions import Function, FunctionError
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation

PACKAGES = "/simulator-packages/"
MINIMUM_UNRESERVED = 100
MAX_BYTES = {"Event": 1_048_576, "RequestResponse": 6_291_456}  # Lambda quotas: asynchronous 1 MB, synchronous 6 MB


class Packages:
    """Code.Location of GetFunction: a link that any client of the served cloud can open."""

    def __init__(self, account: SimulatedAccount, url: Callable[[], str]):
        self._account, self._url = account, url

    def __call__(self, request: Request, operation: Operation, response: Response) -> None:
        """Replace the link in moto's response, which does not work."""
        answer = json.loads(response.body)
        answer["Code"]["Location"] = f"{self._url()}{PACKAGES}{answer['Configuration']['FunctionName']}"
        response.body = json.dumps(answer).encode()

    def download(self, path: str) -> bytes:
        """The package that a link names."""
        name = path.removeprefix(PACKAGES)
        found: bytes = lambda_backends[self._account.account_id][self._account.region].get_function(name).code_bytes
        return found


class Concurrency:
    """The account's limit of concurrent executions, which reservations may not use up."""

    def __init__(self, account: SimulatedAccount):
        self._account = account

    def _unreserved(self, without: str = "") -> int:
        functions = lambda_backends[self._account.account_id][self._account.region].list_functions()
        reserved = [int(one.reserved_concurrency or 0) for one in functions if one.function_name != without]
        return self._account.concurrent_executions - sum(reserved)

    def settings(self, request: Request, operation: Operation) -> Response:
        """GetAccountSettings."""
        limit = {
            "ConcurrentExecutions": self._account.concurrent_executions,
            "UnreservedConcurrentExecutions": self._unreserved(),
        }
        return Response(200, {"Content-Type": "application/json"}, json.dumps({"AccountLimit": limit}).encode())

    def check(self, request: Request, operation: Operation) -> None:
        """Refuse a reservation that leaves less than the minimum (aws-behaviour: unreserved-minimum)."""
        wanted = json.loads(request.body)["ReservedConcurrentExecutions"]
        if self._unreserved(unquote(operation.path_parameters["FunctionName"])) - wanted < MINIMUM_UNRESERVED:
            message = (
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution"
                f" below its minimum value of [{MINIMUM_UNRESERVED}]."
            )
            raise AwsError("InvalidParameterValueException", message, 400, Type="User")


class Invoke:
    """Invoke a function: synchronously, asynchronously (through the event queue), or as a dry run."""

    def __init__(self, bus: Bus, account: SimulatedAccount):
        self._bus, self._account = bus, account

    def __call__(self, request: Request, operation: Operation) -> Response:
        function = self._function(unquote(operation.path_parameters["FunctionName"]))
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return Response(204)
        if len(request.body) > MAX_BYTES[kind]:
            message = f"{len(request.body)} byte payload is too large for the {kind} invocation type"
            raise AwsError("RequestTooLargeException", message, 413)
        try:
            event = json.loads(request.body or b"{}")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise AwsError("InvalidRequestContentException", message, 400) from error
        if kind == "Event":
            self._bus.queue(function, event)
            return Response(202)
        return self._respond(function, event)

    def _respond(self, function: Function, event: object) -> Response:
        headers = {"Content-Type": "application/json", "X-Amz-Executed-Version": "$LATEST"}
        if self._bus.backend is None:
            raise AwsError("ServiceException", "No backend runs functions.", 500)
        try:
            answer = self._bus.backend.invoke(function, event, self._account.ids.uuid())
        except FunctionError as error:
            headers["X-Amz-Function-Error"] = "Unhandled"
            return Response(200, headers, json.dumps(error.payload()).encode())
        return Response(200, headers, json.dumps(answer).encode())

    def _function(self, name: str) -> Function:
        short = name.rpartition(":function:")[2].partition(":")[0] or name
        for function in self._bus.functions:
            if function.full_name == short:
                return function
        arn = f"arn:aws:lambda:{self._account.region}:{self._account.account_id}:function:{short}"
        raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")
