"""A real Prefect server in a process of its own, and what it costs: CPU, disk, rows."""

import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

IDLE = 0.25  # of a core; a server without work takes a tenth of that
CALM = 3  # seconds without work, after which what was sent counts as worked off


class Server:
    def __init__(self, pid: int, database: Path) -> None:
        self._pid, self._database = pid, database

    def settle(self, patience: int = 900) -> float:
        """Waits until the server has no work left; returns how long it had."""
        start, calm = time.monotonic(), 0
        while calm < CALM and time.monotonic() < start + patience:
            before = cpu_seconds(self._pid)
            time.sleep(1)
            calm = calm + 1 if cpu_seconds(self._pid) - before < IDLE else 0
        return time.monotonic() - start - calm

    def load(self) -> dict[str, float]:
        """Its whole life so far; what lies between two moments is their difference."""
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as prefect:
            ((pages, size),) = prefect.execute(
                "SELECT page_count, page_size FROM pragma_page_count(), pragma_page_size()"
            )
            ((runs, completed),) = prefect.execute(
                "SELECT count(*), coalesce(sum(state_type = 'COMPLETED'), 0) FROM task_run"
            )
        cpu = cpu_seconds(self._pid)
        return {"server_cpu": cpu, "mb": pages * size / 1e6, "runs": runs, "completed": completed}


@contextmanager
def prefect_server(environment: Mapping[str, str]) -> Iterator[Server]:
    home = Path(environment["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "prefect", "server", "start"]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait(f"{environment['PREFECT_API_URL']}/health", server, home / "server.log")
        yield Server(server.pid, home / "prefect.db")
    finally:
        server.terminate()
        server.wait(60)


def _wait(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.5)
    raise SystemExit(f"Prefect's server did not start:\n{log.read_text()}")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children, ended ones included."""
    process = Path(f"/proc/{pid}")
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        lists = [path.read_text().split() for path in process.glob("task/*/children")]
    except OSError:
        return 0.0  # it has just ended; its parent has inherited its time
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # utime stime cutime cstime
    return own + sum(cpu_seconds(int(child)) for children in lists for child in children)
