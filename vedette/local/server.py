"""The AWS simulator as an HTTP server on 127.0.0.1, for other processes on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server

HOST = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    """HTTP/1.1 without logs and without Nagle's algorithm, which would delay each call by 80 ms.

    Unbuffered, which is werkzeug's default: botocore waits a second for the `100 Continue` of an S3 upload.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Do not log requests."""

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        """After a fault, close the connection, so that the caller notices at once."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


@contextmanager
def running(application: WSGIApplication, port: int = 0) -> Iterator[str]:
    """Serve in threads until the end of the context, on a free port unless one is named; yields the URL.

    Raises
    ------
    OSError
        If the port is in use.
    """
    # werkzeug ends the process if it cannot bind, so it receives a socket that is bound.
    with socket.create_server((HOST, port)) as bound:
        server = make_server(HOST, port, application, threaded=True, request_handler=_Handler, fd=bound.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.socket.getsockname()[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
