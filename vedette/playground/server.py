"""`vedette local`: the server.

It binds 127.0.0.1 alone, so no other machine reaches it. A web page in a browser on this machine could, so whatever a
browser sends for another site is refused:

| header         | refused if                                     | against                                   |
|----------------|------------------------------------------------|-------------------------------------------|
| Host           | it is not 127.0.0.1 or localhost with our port | DNS rebinding: their name, this address   |
| Origin         | it is another origin                           | forms and scripts of other sites          |
| Sec-Fetch-Site | it is cross-site or same-site                  | links, images and frames of other sites   |

https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chalicelib.alerts.wording import counted
from chalicelib.errors import VedetteError
from chalicelib.settings import settings
from vedette.local import Cloud, server
from vedette.local.http_messages import Environ, Request, Response
from vedette.playground import controls
from vedette.playground.account import BEFORE, Account, Echo, opened
from vedette.playground.journal import FILE, Journal
from vedette.playground.world import World

LOG = "functions.log"
MOTO_PATH = "/moto-api"
_TICK_SECONDS = 1.0


@dataclass
class Application:
    """The WSGI application: whoever may call is answered by `handle`."""

    handle: Callable[[Request], Response]

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        request = Request.of_environ(environ)
        reason = refusal(request, int(environ["SERVER_PORT"]))
        if not reason and request.path.startswith(MOTO_PATH):
            reason = "moto's own interface is not served: it would change the account behind its own back."
        response = controls.text(403, reason) if reason else self.handle(request)
        return response.start(request.method, start_response)


def refusal(request: Request, port: int) -> str:
    """Why a request is refused; "" if it is not.

    Examples
    --------
    >>> refusal(Request("GET", "127.0.0.1:8477", "/", "", {}, b""), 8477)
    ''
    >>> refusal(Request("GET", "rebound.example:8477", "/", "", {}, b""), 8477)
    'This server answers 127.0.0.1:8477 and localhost:8477 only.'
    """
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    if request.host not in hosts:
        return f"This server answers {hosts[0]} and {hosts[1]} only."
    origin = request.headers.get("origin")
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return "This server answers no other site."
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return "This server answers no other site: open the address yourself."
    return ""


def serve(keep: Path | None, port: int, echo: Echo, ready: Callable[[Account], None]) -> None:
    """Serve an account until the process is interrupted or terminated.

    `keep` is the folder of its state, which a later start continues; without it, the state ends with the process. A
    port of 0 is a free one. `ready` is called once, when clients may begin.

    Raises
    ------
    VedetteError
        If the folder or the port is in use, or the folder holds something else.
    """
    if keep is not None and keep.is_dir() and any(keep.iterdir()) and not (keep / FILE).is_file():
        raise VedetteError(f"{keep} has other files; choose a new folder for --keep.")
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vedette-local-")))
        journal = Journal(folder, datetime.now(UTC) - BEFORE)
        stack.callback(journal.close)
        stack.enter_context(_own_process(folder / LOG))
        cloud = stack.enter_context(Cloud(start=journal.began))
        application = Application(cloud.router.handle)
        url = stack.enter_context(_bound(application, port))
        world = World(opened(cloud, url, folder, echo), journal)
        _restore(world, echo)
        application.handle = world.handle
        ready(world.account)
        try:
            _wait(world)
        finally:
            world.close()


@contextmanager
def _own_process(log: Path) -> Iterator[None]:
    """Write the logs of the functions to a file, without the user's own stage; restore both at the end."""
    saved = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("VEDETTE_")]:
        del os.environ[name]
    try:
        with log.open("a", buffering=1) as file, redirect_stdout(file):
            yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
        settings.cache_clear()


@contextmanager
def _bound(application: Application, port: int) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server.running(application, port))
        except OSError as error:
            reason = os.strerror(error.errno).lower() if error.errno else str(error)
            raise VedetteError(f"127.0.0.1:{port}: {reason}; choose another --port.") from error
        yield url


def _restore(world: World, echo: Echo) -> None:
    """Handle the requests of earlier starts again, and say what is not as it was."""
    if not world.journal.entries:
        return
    echo(f"Handling {counted(len(world.journal.entries), 'request')} of earlier starts again ...")
    different = world.restore()
    if world.journal.version != version("vedette"):
        echo(f"They were made with Vedette {world.journal.version}; the functions of this one handled them.")
    if different:
        first = different[0]
        echo(
            f"{counted(len(different), 'request')} had another result than before, the first at"
            f" {first.at:%Y-%m-%d %H:%M} UTC: {first.request.method} {first.request.path}."
        )


def _wait(world: World) -> None:
    """Let time pass until the process is interrupted or terminated."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            time.sleep(_TICK_SECONDS)
            world.pass_time()
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, before)
