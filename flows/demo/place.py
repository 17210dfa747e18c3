"""Where the demo lives: one folder, three ports, and an environment that reaches nothing else and
lets nobody else in."""

import fcntl
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from flows._login import closed, new_login
from tasks.errors import PermanentError
from tasks.settings import ROOT

HOST = "127.0.0.1"
TRIES = 100


@dataclass(frozen=True)
class Place:
    home: Path
    port: int
    mail_port: int
    reply_port: int
    asked_port: int = 0  # 0: the port is the one that was asked for

    @classmethod
    def choose(cls, home: Path, port: int, mail_port: int, reply_port: int) -> Self:
        """Raises PermanentError where no port is free."""
        ui = next_free_port(port)
        mail = next_free_port(mail_port, ui)
        reply = next_free_port(reply_port, ui, mail)
        return cls(home.resolve(), ui, mail, reply, port if ui != port else 0)

    @classmethod
    def from_arguments(cls, home: str, *ports: str) -> Self:
        return cls(Path(home), *map(int, ports))

    def arguments(self) -> list[str]:
        ports = (self.port, self.mail_port, self.reply_port, self.asked_port)
        return [str(self.home), *map(str, ports)]

    @property
    def ui(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def replies(self) -> str:
        return f"http://{HOST}:{self.reply_port}"

    @property
    def mail(self) -> Path:
        return self.home / "mail"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def prefect_home(self) -> Path:
        return self.home / "prefect"

    @property
    def login_file(self) -> Path:
        return self.home / "prefect.login"

    def login(self) -> str:
        """Of Prefect's API and UI. Kept, so that a browser stays in; made anew where it is not
        whole, or others may read it."""
        path = self.login_file
        if not _is_secret(path):
            self.home.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.touch(mode=0o600)
            part.write_text(f"{new_login()}\n", encoding="utf-8")
            part.replace(path)
        return path.read_text(encoding="utf-8").strip()


def _is_secret(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and not found.st_mode & 0o077 and found.st_size > 32


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """Raises PermanentError where a demo runs in this folder already."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reason = f"It runs in {home}; end it with Ctrl-C, or give this one another --home."
            raise PermanentError("demo.running_already", detail=reason) from None
        yield


def next_free_port(first: int, *taken: int) -> int:
    for port in range(first, min(first + TRIES, 65536)):
        if port not in taken and _is_free(port):
            return port
    raise PermanentError("demo.no_free_port", detail=f"None of {first} and the ports after it.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Like a server does: a port that was in use a moment ago counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def environment(place: Place, outer: Mapping[str, str]) -> dict[str, str]:
    """`outer` without any setting of ours or of Prefect's, so that nobody's data is touched.

    What a `.env` file could say is set here too: the environment wins over it.
    """
    kept = {
        name: value
        for name, value in outer.items()
        if not name.startswith(("PREFECT_", "ANTRAGSLOS_"))
    }
    direct = ",".join(filter(None, (outer.get("NO_PROXY") or outer.get("no_proxy"), HOST)))
    return kept | {
        **closed(place.login()),
        "ANTRAGSLOS_HOME": str(place.home),
        "ANTRAGSLOS_SMTP_URL": f"mailto://{HOST}:{place.mail_port}",
        "ANTRAGSLOS_SMTP_URLS": "{}",
        "ANTRAGSLOS_DATABASE_URL": "",
        "ANTRAGSLOS_SECRET_KEY": "",
        "ANTRAGSLOS_PUBLIC_URL": place.replies,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PWD": str(ROOT),  # prefect.yaml takes the flows' folder from it
        "PREFECT_HOME": str(place.prefect_home),
        "PREFECT_API_URL": f"{place.ui}/api",
        "PREFECT_SERVER_API_HOST": HOST,
        "PREFECT_SERVER_API_PORT": str(place.port),
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": (
            f"sqlite+aiosqlite:///{place.prefect_home / 'prefect.db'}"
        ),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # One row at a time, Prefect's recorder is ten times slower.
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": "2592000",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONUNBUFFERED": "1",
    }
