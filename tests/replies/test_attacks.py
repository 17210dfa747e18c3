"""Whoever wants more from the pages than the pages want to give: raw requests, old sessions."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from tasks.replies.guard import MOST_BYTES
from tests.replies.fake_desk import FakeDesk
from tests.replies.visitor import Clock, Visitor, app_for


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The pages behind a real server: what a client library would never send arrives there, too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    config = uvicorn.Config(app_for(FakeDesk()), port=number, log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield number
    server.should_exit = True
    thread.join()


def raw(port: int, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.decode()


def chunked(body: bytes) -> bytes:
    parts = [body[start : start + 4000] for start in range(0, len(body), 4000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("announced", ["", "Content-Length: 5\r\n", "Content-Length: 0\r\n"])
def test_nobody_sends_more_than_fits_whatever_length_was_announced(
    port: int, announced: str
) -> None:
    head = (
        "POST /code HTTP/1.1\r\nHost: stadt.example\r\nConnection: close\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"{announced}Transfer-Encoding: chunked\r\n\r\n"
    ).encode()

    assert raw(port, head + chunked(b"code=" + b"a" * 1000)).startswith("HTTP/1.1 403")  # read
    too_much = raw(port, head + chunked(b"code=" + b"a" * MOST_BYTES))
    assert too_much.startswith("HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/brief/", "/a/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/", "/code/"])
def test_no_answer_leads_to_whatever_host_the_request_named(port: int, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"

    answer = raw(port, request.encode())

    assert answer.startswith("HTTP/1.1 404")
    assert "evil.example" not in answer


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "///evil.example", "/%5Cevil.example", "/%09/evil.example"]
)
def test_no_link_of_an_error_page_leads_to_another_site(port: int, path: str) -> None:
    """`//host`, and what browsers read as that: a backslash, or a tab between two slashes."""
    answer = raw(port, f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith("HTTP/1.1 404")
    (switch,) = [part for part in answer.split('href="') if "einfach=1" in part]
    target = switch.partition('"')[0]
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\", "/\t"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_a_wrong_method_is_an_answer_and_never_an_error_of_ours(method: str) -> None:
    errors: list[Exception] = []
    visitor = Visitor(app_for(FakeDesk(), clock=Clock(), on_error=errors.append))

    for path in ("/stil.css", "/brief", "/gesund", "/favicon.ico", "/sachbearbeitung"):
        assert visitor.open(path, method).status_code in (404, 405), path
    assert not errors
