"""The temporary Prefect server of a command: it ends with it, and answers nobody else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.cli.temporary_server import shut

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


# The server inherits the command's environment; this one is asked within the command.
ASK = """
from prefect.server.api.server import create_app
from prefect.settings import get_current_settings
from starlette.testclient import TestClient
from flows.cli.temporary_server import tie_to_us
tie_to_us()
login = tuple(get_current_settings().api.auth_string.get_secret_value().split(":"))
server = TestClient(create_app(ephemeral=True))
def ask(**more):
    answer = server.get("/api/admin/version", headers={"Origin": "https://evil.example"}, **more)
    return answer.status_code, answer.headers.get("access-control-allow-origin")
print(ask(), ask(auth=("antragslos", "geraten")), ask(auth=login))
"""


def test_the_temporary_server_answers_nobody_but_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.stdout == "(401, None) (401, None) (200, None)\n", done.stderr


def test_the_log_in_of_an_installations_own_server_stays() -> None:
    theirs = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_API_AUTH_STRING: "amt:geheim"}
    with temporary_settings(theirs):
        before = dict(os.environ)
        shut()

        assert os.environ == before
        assert PREFECT_API_AUTH_STRING.value() == "amt:geheim"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "sleep" in Path(f"/proc/{pid}/cmdline").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
