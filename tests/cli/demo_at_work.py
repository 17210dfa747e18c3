"""One call of `antragslos demo`, read while it runs, and whoever comes to it."""

import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tasks.settings import ROOT

LIMIT = 240  # seconds; a busy machine
COMMAND = [sys.executable, "-u", "-c", "from flows.cli import main; main()", "demo"]


class Demo:
    """One call. What it prints is read while it runs."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.output = ""
        self.process = subprocess.Popen(
            [*COMMAND, "--home", str(home), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )

    def until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"ended without „{text}“:\n{self.output}")

    def end(self) -> int:
        rest, _ = self.process.communicate(timeout=LIMIT)
        self.output += rest
        return self.process.returncode

    def processes(self) -> dict[int, str]:
        """Command lines of all processes that know this home, its own excepted."""
        mark = f"ANTRAGSLOS_HOME={self.home}".encode()
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command and "flows.demo" not in command:
                        found[int(path.name)] = command
            except OSError:
                continue  # ended while we looked
        return found

    def runs(self) -> list[tuple[str, str, str]]:
        """Name, type and name of the state."""
        return self.ask("SELECT name, state_type, state_name FROM flow_run")

    def triggered(self) -> list[str]:
        """Flows of which an automation has made a run."""
        rows = self.ask(
            "SELECT flow.name, created_by FROM flow_run JOIN flow ON flow.id = flow_id"
            " WHERE created_by LIKE '%AUTOMATION%'"
        )
        return [name for name, _ in rows]

    def ask(self, query: str) -> list[tuple[str, ...]]:
        """Prefect's own database."""
        with closing(sqlite3.connect(self.home / "prefect" / "prefect.db", 30)) as database:
            return database.execute(query).fetchall()

    @property
    def api(self) -> str:
        return f"{self.says('Prefect').removesuffix('/v2/runs')}/api"

    @property
    def login(self) -> str:
        return (self.home / "prefect.login").read_text().strip()

    def says(self, what: str) -> str:
        """What the last lines say after this word."""
        (line,) = [line for line in self.output.splitlines() if line.startswith(f"{what} ")]
        return line.removeprefix(what).strip()


class Caller:
    """Whoever calls Prefect's API at this address, with these headers."""

    def __init__(self, api: str, **headers: str) -> None:
        self.api = api
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        # As the library of Prefect's clients does it: whoever may not ask for one sends none.
        if token := self.ask("GET", "csrf-token?client=caller")[1]:
            self.headers |= {
                "Prefect-Csrf-Client": "caller",
                "Prefect-Csrf-Token": str(token.get("token", "")),
            }

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Message]:
        """Status, JSON, headers. A server whose database is busy says 503: it is asked again, as
        Prefect's own clients do."""
        until = time.monotonic() + LIMIT
        while (said := self._ask(method, path, body))[0] == 503 and time.monotonic() < until:
            time.sleep(0.5)
        return said

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, Any, Message]:
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers | ({"Content-Type": "application/json"} if data else {})
        request = urllib.request.Request(f"{self.api}/{path}", data, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as said:
                return said.status, _json(said.read()), said.headers
        except urllib.error.HTTPError as refused:
            return refused.code, _json(refused.read()), refused.headers


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


class Guest:
    """A browser of the simplest kind."""

    def __init__(self) -> None:
        self.open_url = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor()
        ).open
        self.address = self.page = ""

    def get(self, address: str) -> str:
        return self._take(address, None)

    def submit(self, path: str = "", **fields: str) -> str:
        """The form of the page, sent to its own address or to this path."""
        (secret, *_) = re.findall(r'name="csrf" value="([^"]+)"', self.page)
        data = urllib.parse.urlencode(fields | {"csrf": secret}).encode()
        return self._take(urllib.parse.urljoin(self.address, path or self.address), data)

    def _take(self, address: str, data: bytes | None) -> str:
        with self.open_url(address, data, timeout=30) as answer:
            self.address, self.page = answer.url, answer.read().decode()
        return self.page


def eventually(happened: Callable[[], bool], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.1)
    return False
