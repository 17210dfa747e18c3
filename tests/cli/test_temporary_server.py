"""The temporary Prefect server of a command that is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = """
import subprocess, time
from prefect.server.api.server import SubprocessASGIServer
SubprocessASGIServer._run_uvicorn_command = lambda self: subprocess.Popen(["sleep", "120"])
from flows.cli.temporary_server import tie_to_us
tie_to_us()
tie_to_us()
print(SubprocessASGIServer()._run_uvicorn_command().pid, flush=True)
time.sleep(120)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_temporary_server_ends_with_a_command_that_is_killed(how: signal.Signals) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    server = int(command.stdout.readline())
    assert _lives(server)

    command.send_signal(how)
    command.wait(60)

    until = time.monotonic() + 30
    while _lives(server) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(server)
    command.stdout.close()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "sleep" in Path(f"/proc/{pid}/cmdline").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
