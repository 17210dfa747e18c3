"""The demo's processes: none of them is left behind, whatever way the demo ends."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import PermanentError
from tasks.settings import ROOT

GRACE = 5.0  # seconds between asking a process to end and ending it
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# <sys/prctl.h>; elsewhere than on Linux only a `kill -9` of the demo can leave a process behind.
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Stopped(BaseException):
    """Somebody wants the demo to end."""


@contextmanager
def stop_signals() -> Iterator[None]:
    """Ctrl-C, `kill` and a closed terminal raise Stopped, once: cleaning up is not disturbed."""

    def stop(*_: object) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    for number in _ENDING:
        signal.signal(number, stop)
    yield


class Processes:
    """Started by name, each with a log file; all of them end when the context does."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        if _prctl:  # a run whose worker has died becomes our child, and is found below
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(self._running.values()):  # the server last: workers report to it
            _end(process)
        _kill_descendants()

    def start(self, name: str, *command: str) -> None:
        with (self._logs / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the demo, which ends them in order
                preexec_fn=_die_with_parent,
            )

    def wait_for(self, name: str) -> None:
        """Raises PermanentError where it fails."""
        if self._running[name].wait() != 0:
            raise self._failure(name)
        del self._running[name]

    def check(self) -> None:
        """Raises PermanentError for a process that should run and does not."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise self._failure(name)

    def _failure(self, name: str) -> PermanentError:
        log = self._logs / f"{name}.log"
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
        return PermanentError(f"demo.{name}_failed", detail="\n".join([*last, f"All of it: {log}"]))


def _die_with_parent() -> None:
    if _prctl:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _kill_descendants() -> None:
    """A flow run may be in a session of its own."""
    until = time.monotonic() + GRACE
    while (left := _children(os.getpid())) and time.monotonic() < until:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, path.read_text().split())
    return found
