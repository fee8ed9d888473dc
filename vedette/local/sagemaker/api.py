"""SageMaker's control plane: JSON in, JSON out, by the operation's name in X-Amz-Target."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.operations import Operation, service_model
from vedette.local.sagemaker import validation
from vedette.local.sagemaker.core import Parameters, Record
from vedette.local.sagemaker.endpoints import Endpoints
from vedette.local.sagemaker.hosting import Hosting
from vedette.local.sagemaker.monitoring import Monitoring
from vedette.local.sagemaker.processing import Processing
from vedette.local.sagemaker.registry import Registry
from vedette.local.sagemaker.search import Search
from vedette.local.sagemaker.tagging import Tagging
from vedette.local.sagemaker.transform import Transform


class SageMaker:
    """The service, with the controls that tests use."""

    def __init__(self, account: SimulatedAccount):
        self.registry = Registry(account)
        self.hosting = Hosting(account, self.registry)
        self.endpoints = Endpoints(account, self.hosting)
        self.processing = Processing(account)
        self.transform = Transform(account, self.hosting)
        self.monitoring = Monitoring(account, self.endpoints, self.processing)
        self.endpoints.monitored_by = self.monitoring.schedules_of
        self.fail_next_create = self.endpoints.fail_next_create
        self.fail_next_update = self.endpoints.fail_next_update
        self.force_status = self.endpoints.force_status
        search = Search(account, self.registry, self.hosting, self.endpoints)
        self._parts = (
            *(self.registry, self.hosting, self.endpoints, self.monitoring, self.processing, self.transform),
            *(Tagging(account), search),
        )

    def __call__(self, request: Request, operation: Operation) -> Response:
        """Handle one request."""
        run = self._operation(operation.name)
        try:
            arguments = json.loads(request.body or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", "The request is not JSON.") from error
        model = service_model("sagemaker").operation_model(operation.name)
        validation.check(model, arguments)
        answer = run(arguments)
        known = model.output_shape.members if model.output_shape else {}
        shown = {name: value for name, value in answer.items() if name in known}
        body = json.dumps(shown, default=_as_json).encode()
        return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)

    def _operation(self, name: str) -> Callable[[Parameters], Record]:
        for part in self._parts:
            method = getattr(part, name, None) if name[:1].isupper() else None
            if method is not None:
                run: Callable[[Parameters], Record] = method
                return run
        raise AwsError(
            "UnknownOperationException", f"The AWS simulator does not support the SageMaker operation {name!r}.", 404
        )


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no JSON form")
