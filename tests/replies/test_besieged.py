"""The pages under attack, behind the server that `antragslos replies` starts."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import uvicorn

from flows.cli import connections
from flows.cli.connections import Patient
from flows.cli.replies import check_proxies
from tasks.errors import SettingsInvalid
from tasks.serve import reply_pages
from tasks.settings import settings
from tasks.stage import error_log
from tasks.state import clerks, replies
from tasks.state.database import writing
from tests.replies.clerk_town import make_clerk_town
from tests.town import Town

SOON = 5.0  # seconds; a page that stalls takes a minute
PAGES = ("/gesund", "/", "/sachbearbeitung", "/a/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("ANTRAGSLOS_HOME", str(tmp_path))
    monkeypatch.setattr(clerks, "_COST", 2**4)
    monkeypatch.setattr(clerks, "_NOBODY", clerks.hashed("nobody's password"))
    settings.cache_clear()
    error_log.cache_clear()
    return make_clerk_town(tmp_path)


@pytest.fixture
def port(town: Town) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        reply_pages(town.settings),
        http=Patient,
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        limit_concurrency=connections.AT_A_TIME,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield int(listener.getsockname()[1])
    server.should_exit = True
    server.force_exit = True
    thread.join(10)


def ask(port: int, path: str, body: str = "", cookie: str = "", client: str = "") -> str:
    method = "POST" if body else "GET"
    head = [f"{method} {path} HTTP/1.1", "Host: h", "Connection: close", f"Cookie: {cookie}"]
    head += [f"X-Forwarded-For: {client}"] if client else []
    if body:
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(("\r\n".join(head) + "\r\n\r\n" + body).encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.decode()


def status(answer: str) -> int:
    return int(answer.split()[1])


def log_in(port: int, sign: str, password: str = "wrong wrong wrong", client: str = "") -> str:
    page = ask(port, "/sachbearbeitung", client=client)
    cookie = page.split("set-cookie: ")[1].partition(";")[0]
    csrf = page.split('name="csrf" value="')[1].partition('"')[0]
    body = f"csrf={csrf}&town=musterstadt&sign={sign}&password={password.replace(' ', '+')}"
    return ask(port, "/sachbearbeitung/anmelden", body, cookie, client)


def all_answer_soon(port: int) -> None:
    for path in PAGES:
        begun = time.monotonic()
        assert status(ask(port, path)) in (200, 204, 404), path
        assert time.monotonic() - begun < SOON, path


def test_nobody_without_a_session_waits_for_a_writer(town: Town, port: int) -> None:
    """A run holds the write lock, and 60 log-ins of unknown and known signs come in meanwhile."""
    with writing(town.opened.engine) as session, ThreadPoolExecutor(60) as pool:
        session.connection()  # takes the lock
        begun = time.monotonic()
        knocks = [
            pool.submit(log_in, port, f"sb-{number}", client=f"192.0.2.{number}")
            for number in range(60)
        ]
        all_answer_soon(port)
        said = {status(knock.result()) for knock in knocks}
        assert time.monotonic() - begun < 3 * SOON
    assert said <= {403, 429}
    assert "location: /sachbearbeitung" in log_in(port, "sb-1", "correct horse battery")


def test_the_log_names_known_signs_and_never_what_nobody_is_called(town: Town, port: int) -> None:
    for sign in ("sb-1", "sb-1", "correct-horse-battery"):
        log_in(port, sign)
    log_in(port, "sb-2", "correct horse battery")

    text = (town.settings.home / "access.log").read_text()
    assert text.count("musterstadt clerk sb-1 log-in refused") == 1  # the second one is counted
    assert "- clerk unknown log-in refused" in text
    assert "musterstadt clerk sb-2 logged in" in text
    assert "horse" not in text


def test_unknown_wrong_and_delayed_read_the_same(port: int) -> None:
    said = set()
    for sign in ("sb-1", "sb-1", "sb-1", "sb-1", "sb-77"):
        answer = log_in(port, sign)
        body = answer.partition("\r\n\r\n")[2]
        said.add((status(answer), body.replace(sign, "").split("<h1>")[0], "Wartezeit" in body))
    assert len(said) == 1


def slowly(port: int, sent: bytes, count: int) -> list[socket.socket]:
    held = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(sent)
        held.append(connection)
    return held


HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: h\r\nX-A: "
HALF_A_BODY = (
    b"POST /code HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 60000\r\n\r\ncode="
)


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_BODY])
def test_hundreds_of_half_sent_requests_leave_room_for_a_whole_one(port: int, sent: bytes) -> None:
    held = slowly(port, sent, 450)
    try:
        all_answer_soon(port)
        assert len(connections._waiting) <= connections.WAITING
    finally:
        for connection in held:
            connection.close()


@pytest.mark.parametrize("sent", [b"", HALF_A_HEAD, HALF_A_BODY])
def test_a_request_that_does_not_come_is_not_waited_for(
    town: Town, port: int, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SECONDS", 0.3)
    (slow,) = slowly(port, sent, 1)
    begun = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        while slow.recv(65536):
            pass
    assert time.monotonic() - begun < SOON
    slow.close()
    assert not (town.settings.home / "errors.log").exists()


@pytest.mark.parametrize("everybody", ["*", "127.0.0.1, *", "0.0.0.0/0", "::/0", "0.0.0.0/1"])
def test_a_page_that_would_believe_everybody_does_not_start(everybody: str) -> None:
    with pytest.raises(SettingsInvalid, match="any_proxy"):
        check_proxies(everybody)


@pytest.mark.parametrize(
    "named", ["", "127.0.0.1,::1", "10.0.0.0/8", "fd00::/8", "/run/proxy.sock"]
)
def test_proxies_that_are_named_are_believed(named: str) -> None:
    check_proxies(named)


def test_no_request_washes_the_log_of_errors_away(town: Town, port: int) -> None:
    """Whatever makes the page fail, sent two hundred times, is a line or two."""

    def fails(*_: object) -> None:
        raise RuntimeError("x" * 2_000)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replies, "by_link", fails)
        said = {status(ask(port, PAGES[-1])) for _ in range(200)}
    slowly(port, HALF_A_BODY, 1)[0].close()

    assert said == {500}
    text = (town.settings.home / "errors.log").read_text()
    assert 1 <= text.count("x" * 2_000) <= 2
    assert "ClientDisconnect" not in text
