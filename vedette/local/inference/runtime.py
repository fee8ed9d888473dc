"""SageMaker's runtime: InvokeEndpoint chooses the variant, calls its container, and captures the exchange."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from vedette.local.account import SimulatedAccount
from vedette.local.errors import AwsError
from vedette.local.http_messages import Request, Response
from vedette.local.ids import Ids
from vedette.local.inference import training
from vedette.local.inference.capture import Capture, Exchange
from vedette.local.inference.metrics import Metrics
from vedette.local.inference.predictors import ALGORITHMS, BadRequest, Predictor, algorithm
from vedette.local.operations import Operation
from vedette.local.sagemaker.endpoints import SERVING, Endpoint, Endpoints, Variant
from vedette.local.sagemaker.hosting import Hosting

MAX_BYTES = 6_291_456  # aws-behaviour: invoke-limits
MAX_ATTRIBUTE_CHARACTERS = 1024
MAX_INFERENCE_ID_CHARACTERS = 64


class Runtime:
    """Handles the requests to all endpoints of the account."""

    def __init__(
        self,
        account: SimulatedAccount,
        endpoints: Endpoints,
        hosting: Hosting,
        capture: Capture,
        read: Callable[[str], bytes],
    ):
        self._account, self._endpoints, self._hosting = account, endpoints, hosting
        self.capture, self._metrics = capture, Metrics(account)
        self._read = read
        self._ids: Ids = account.ids
        self._registered: dict[str, Predictor] = {}
        self._loaded: dict[tuple[str, str], Predictor] = {}

    def register(self, image: str, predictor: Predictor) -> None:
        """Handle requests to an image with `predictor(body, content_type, accept) -> (body, content_type)`."""
        self._registered[image] = predictor

    def flush(self) -> int:
        """Deliver all captured files now; returns their number."""
        return self.capture.flush()

    def healthy(self, image: str, model_data_url: str | None) -> bool:
        """Whether the container of an image starts, which SageMaker checks when it creates an endpoint."""
        if image in self._registered or algorithm(image) is None:
            return True
        try:
            self._predictor(image, model_data_url)
        except Exception:  # noqa: BLE001 - a container that does not start, whatever the reason
            return False
        return True

    def __call__(self, request: Request, operation: Operation) -> Response:
        """Handle InvokeEndpoint."""
        if operation.name != "InvokeEndpoint":
            raise AwsError(
                "UnknownOperationException",
                f"The AWS simulator does not support {operation.name or request.path}.",
                404,
            )
        endpoint = self._serving(unquote(operation.path_parameters["EndpointName"]))
        variant = self._variant(endpoint, request.headers.get("x-amzn-sagemaker-target-variant"))
        _check(request)
        self._metrics.invoked(endpoint.name, variant.name)
        content_type = request.headers.get("content-type", "application/json")
        accept = request.headers.get("accept", "*/*")
        answered_type: str | None
        try:
            answer, answered_type = self._predict(variant, request.body, content_type, accept)
            refused = None
        except BadRequest as error:
            answer, answered_type = json.dumps({"code": error.status, "message": error.message}).encode(), None
            refused = error
        exchange = Exchange(
            request.body,
            content_type,
            answer,
            answered_type,
            request.headers.get("x-amzn-sagemaker-inference-id"),
            request.headers.get("x-amzn-sagemaker-custom-attributes"),
        )
        self._capture(endpoint, variant, exchange)
        if refused is not None or answered_type is None:
            raise self._model_error(endpoint, refused or BadRequest("no answer", 500))
        headers = {"Content-Type": answered_type, "x-Amzn-Invoked-Production-Variant": variant.name}
        return Response(200, headers, answer)

    def _serving(self, name: str) -> Endpoint:
        endpoint = self._endpoints.endpoints.get(name)
        if endpoint is None or endpoint.status not in SERVING or not endpoint.variants:
            raise AwsError("ValidationError", f"Endpoint {name} of account {self._account.account_id} not found.")
        return endpoint

    def _variant(self, endpoint: Endpoint, target: str | None) -> Variant:
        if target is not None:
            for variant in endpoint.variants:
                if variant.name == target:
                    return variant
            raise AwsError("ValidationError", f"Variant {target} of endpoint {endpoint.name} not found.")
        point = self._ids.fraction() * sum(variant.current_weight for variant in endpoint.variants)
        for variant in endpoint.variants:
            point -= variant.current_weight
            if point < 0:
                return variant
        return endpoint.variants[-1]

    def _predict(self, variant: Variant, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        model = self._hosting.models.get(variant.model)
        if model is None:
            raise BadRequest(f"The model {variant.model} is gone.", 500)
        return self._predictor(*self._hosting.container(model))(body, content_type, accept)

    def predict_with(self, model: str) -> Callable[[bytes, str, str], bytes]:
        """What a model answers to the requests of a transform job; the callable raises BadRequest."""
        predictor = self._predictor(*self._hosting.container(self._hosting.model(model)))
        return lambda body, content_type, accept: predictor(body, content_type, accept)[0]

    def _predictor(self, image: str, model_data_url: str | None) -> Predictor:
        if image in self._registered:
            return self._registered[image]
        kind = algorithm(image)
        if kind is None:
            raise BadRequest(f"The AWS simulator has no predictor for image {image}; register one.", 500)
        key = (image, model_data_url or "")
        if key not in self._loaded:
            self._loaded[key] = ALGORITHMS[kind](training.load(self._read(model_data_url or "")))
        return self._loaded[key]

    def _capture(self, endpoint: Endpoint, variant: Variant, exchange: Exchange) -> None:
        config: dict[str, Any] | None = endpoint.config.get("DataCaptureConfig")
        if config is not None:
            self.capture.record(config, endpoint.name, variant.name, exchange)

    def _model_error(self, endpoint: Endpoint, error: BadRequest) -> AwsError:
        kind = "client" if error.status < 500 else "server"
        group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
        text = (
            f'Received {kind} error ({error.status}) from primary with message "{error.message}". '
            f"See {group} in account {self._account.account_id} for more information."
        )
        return AwsError(
            "ModelError",
            text,
            424,
            Message=text,
            OriginalStatusCode=error.status,
            OriginalMessage=error.message,
            LogStreamArn=f"arn:aws:logs:{self._account.region}:{self._account.account_id}:log-group:{group}",
        )


def _check(request: Request) -> None:
    """The limits of InvokeEndpoint's members in botocore's model (aws-behaviour: invoke-limits)."""
    for header, member, most in (
        ("x-amzn-sagemaker-inference-id", "inferenceId", MAX_INFERENCE_ID_CHARACTERS),
        ("x-amzn-sagemaker-custom-attributes", "customAttributes", MAX_ATTRIBUTE_CHARACTERS),
    ):
        value = request.headers.get(header)
        if value is not None and (len(value) > most or not value.isascii()):
            raise AwsError(
                "ValidationError",
                f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
                f"Member must have length less than or equal to {most}",
            )
    if len(request.body) > MAX_BYTES:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_BYTES}",
        )
