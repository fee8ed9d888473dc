"""Who may call the server: programs on this machine, and no page of another site."""

import http.client
import json
import socket

import pytest

from chalicelib.errors import VedetteError
from vedette.local import server
from vedette.local.http_messages import Response
from vedette.playground.server import Application, _bound, serve


@pytest.fixture
def port():
    """The port of an application that answers everyone who may call."""
    with _bound(Application(lambda request: Response(200, {}, b"answered")), 0) as url:
        yield int(url.rpartition(":")[2])


def status(port: int, method: str = "GET", path: str = "/", host: str = "", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.read() == b"answered") == (answer.status == 200)
    connection.close()
    return answer.status


def own_addresses() -> set[str]:
    """Other addresses of this machine: of loopback, and of its name."""
    try:
        named = {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except socket.gaierror:
        named = set()
    return {"127.0.0.2", *named} - {"127.0.0.1"}


@pytest.mark.parametrize("address", sorted(own_addresses()))
def test_no_other_address_of_this_machine_is_bound(port, address):
    assert server.HOST == "127.0.0.1"
    with pytest.raises(OSError), socket.create_connection((address, port), timeout=10):
        pass


def test_programs_on_this_machine_are_answered(port):
    assert status(port) == 200
    assert status(port, "POST", "/_vedette/turn") == 200
    assert status(port, host=f"localhost:{port}") == 200


@pytest.mark.parametrize("host", ["rebound.example", "127.0.0.1", "localhost:1", "127.0.0.1.rebound.example:{port}"])
def test_a_name_of_another_site_that_leads_here_is_refused(port, host):
    assert status(port, host=host.format(port=port)) == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1"])
def test_a_script_or_form_of_another_site_is_refused(port, method, origin):
    assert status(port, method, Origin=origin.format(port=port)) == 403


@pytest.mark.parametrize(
    ("site", "code"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_link_or_image_of_another_site_is_refused(port, site, code):
    assert status(port, Sec_Fetch_Site=site) == code


def test_a_page_of_its_own_may_ask(port):
    assert status(port, "POST", Origin=f"http://127.0.0.1:{port}", Sec_Fetch_Site="same-origin") == 200


def test_the_interface_of_moto_is_not_served(port):
    assert status(port, "POST", "/moto-api/reset") == 403


def test_a_port_that_is_in_use_is_named(port):
    with pytest.raises(VedetteError, match=f"127.0.0.1:{port}: .*in use; choose another --port"), _bound(None, port):
        pass


def test_a_folder_with_other_files_is_not_used(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(VedetteError, match="has other files"):
        serve(tmp_path, 0, print, json.dumps)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
