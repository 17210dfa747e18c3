"""A real server and a real Chromium: the system's own, nothing is downloaded.

`serve(app)` gives the address of a running application; `visit(…)` opens a window that notes what
it asked of the network and what it complained about.
"""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tasks.state import clerks

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_ARGUMENTS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60  # seconds; a busy machine fails no test
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a log-in costs is tested elsewhere."""
    monkeypatch.setattr(clerks, "_COST", 2**4)


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: Any) -> str:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        running.append((server, thread))
        patience = time.monotonic() + PATIENCE
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < patience, "the server did not start in time"
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


# Playwright keeps an event loop running in this thread; other folders' tests need theirs.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    binary = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if binary is None:
        reason = "no Chromium on PATH: install it, for example with: apt-get install chromium"
        if os.environ.get("ANTRAGSLOS_BROWSER_REQUIRED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    arguments = [*_ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else _ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=arguments)
        yield browser
        browser.close()


@dataclass
class Window:
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)  # console errors, CSP violations among them


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Window]]:
    contexts = []

    def open_window(**options: Any) -> Window:
        options = {"java_script_enabled": False, "locale": "de-DE"} | options
        context = chromium.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE * 1000)
        window = Window(context.new_page())
        window.page.on("request", lambda request: window.requests.append(request.url))
        window.page.on(
            "console",
            lambda said: window.complaints.append(said.text) if said.type == "error" else None,
        )
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        return window

    yield open_window
    for context in contexts:
        context.close()
