"""HTTP requests and responses, the same for calls in process and over a socket."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes, urlsplit

Environ = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A signed AWS request. `path` is as sent (percent-encoded); header names are in lower case."""

    method: str
    host: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        """The query parameters; a flag such as `?uploads` has the value ""."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def scope(self) -> tuple[str, str]:
        """Service and region as the signature names them; ("", "") for an unsigned request.

        Only the scope distinguishes the services, because all of them share one URL.
        """
        credential = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0]
        parts = credential.split("/")
        return (parts[3], parts[2]) if len(parts) == 5 else ("", "")

    @property
    def service(self) -> str:
        """The service's signing name."""
        return self.scope[0]

    @classmethod
    def of_url(cls, method: str, url: str, headers: Mapping[str, Any], body: Any) -> Request:
        """Create a request from a prepared request of botocore."""
        parts = urlsplit(url)
        texts = {name.lower(): _text(value) for name, value in headers.items()}
        return cls(method, texts.get("host") or parts.netloc, parts.path or "/", parts.query, texts, _bytes(body))

    @classmethod
    def of_environ(cls, environ: Environ) -> Request:
        """Create a request from a WSGI environment."""
        headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
        for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if environ.get(name):
                headers[name.replace("_", "-").lower()] = environ[name]
        raw = environ.get("REQUEST_URI") or environ["PATH_INFO"]
        path = raw.partition("?")[0]
        length = environ.get("CONTENT_LENGTH")
        body = environ["wsgi.input"].read(int(length)) if length else b""
        if not length and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
        host = str(headers.get("host") or environ["SERVER_NAME"])
        return cls(environ["REQUEST_METHOD"], host, path, environ.get("QUERY_STRING", ""), headers, body)

    def environ(self) -> Environ:
        """The request as a WSGI environment, for moto."""
        raw = self.path + (f"?{self.query_string}" if self.query_string else "")
        host, _, port = self.host.partition(":")
        environ: Environ = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.path).decode("latin-1"),
            "QUERY_STRING": self.query_string,
            "REQUEST_URI": raw,
            "RAW_URI": raw,
            "SERVER_NAME": host,
            "SERVER_PORT": port or "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(self.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            if name == "content-type":
                environ["CONTENT_TYPE"] = value
            elif name not in {"content-length", "transfer-encoding"}:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        environ["HTTP_HOST"] = self.host
        return environ


@dataclass
class Response:
    """An HTTP response."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_wsgi(cls, application: Any, environ: Environ) -> Response:
        """Call a WSGI application and collect its response."""
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started.update(status=int(status.split(" ", 1)[0]), headers=dict(headers))

        chunks: Iterable[bytes] = application(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close:
                close()
        return cls(started["status"], started["headers"], body)

    def start(self, method: str, start_response: Callable[..., Any]) -> list[bytes]:
        """The response to a request with this method, as a WSGI application returns it."""
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        length = str(len(self.body))
        if method == "HEAD":
            length = next((v for n, v in self.headers.items() if n.lower() == "content-length"), "0")
        start_response(f"{self.status} -", [*headers.items(), ("Content-Length", length)])
        return [self.body]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    content = body.read()
    return content.encode() if isinstance(content, str) else bytes(content)
