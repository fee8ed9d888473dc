"""Lambda Invoke: of a function of this application by its name, or whatever moto knows."""

from __future__ import annotations

import json
from urllib.parse import unquote

from vedette.local.bus import Bus
from vedette.local.errors import AwsError
from vedette.local.functions import Function, FunctionError
from vedette.local.operations import Operation
from vedette.local.wire import Request, Response
from vedette.local.world import World

MOST_BYTES = {"Event": 1_048_576, "RequestResponse": 6_291_456}  # Lambda quotas: asynchronous 1 MB, synchronous 6 MB


class Invoke:
    """Synchronous, asynchronous (through the same queue as the events) and dry."""

    def __init__(self, bus: Bus, world: World):
        self._bus, self._world = bus, world

    def __call__(self, request: Request, operation: Operation) -> Response:
        function = self._function(unquote(operation.path_parameters["FunctionName"]))
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return Response(204)
        if len(request.body) > MOST_BYTES[kind]:
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
            answer = self._bus.backend.invoke(function, event, self._world.ids.uuid())
        except FunctionError as error:
            headers["X-Amz-Function-Error"] = "Unhandled"
            return Response(200, headers, json.dumps(error.payload()).encode())
        return Response(200, headers, json.dumps(answer).encode())

    def _function(self, name: str) -> Function:
        short = name.rpartition(":function:")[2].partition(":")[0] or name
        for function in self._bus.functions:
            if function.full_name == short:
                return function
        arn = f"arn:aws:lambda:{self._world.region}:{self._world.account}:function:{short}"
        raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404, Type="User")
