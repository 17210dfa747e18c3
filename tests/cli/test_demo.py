"""`antragslos demo`, for real: server, worker, mail catcher, and all of Musterstadt's story.

It is told in three calls, as it may happen: the first is cut off in the middle, the second goes on,
the third finds nothing new.
"""

import email
import email.policy
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from flows.demo.town import SLUG, STORY
from tasks.settings import ROOT, TEMPLATES

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
        with closing(sqlite3.connect(self.home / "prefect" / "prefect.db")) as database:
            return database.execute("SELECT name, state_type, state_name FROM flow_run").fetchall()


def eventually(happened: Callable[[], bool], seconds: float = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, taken: int) -> Demo:
    demo = Demo(tmp_path_factory.mktemp("demo"), f"--port={taken}", f"--mail-port={taken}")
    demo.until("Day 1 of 4")
    assert eventually(lambda: any("prefect.engine" in name for name in demo.processes().values()))
    # Like a power cut: nobody can tell anybody, and the server goes first.
    pids = demo.processes()
    for pid in sorted(pids, key=lambda pid: "server start" not in pids[pid]):
        os.kill(pid, signal.SIGKILL)
    demo.process.kill()
    demo.end()
    assert {kind for _, kind, _ in demo.runs()} & {"PENDING", "RUNNING"}
    return demo


@pytest.fixture(scope="module")
def finished(killed: Demo, taken: int) -> Demo:
    demo = Demo(killed.home, f"--port={taken}", f"--mail-port={taken}", "--exit")
    assert demo.end() == 0, demo.output
    return demo


@pytest.fixture(scope="module")
def again(finished: Demo, taken: int) -> Demo:
    demo = Demo(finished.home, f"--port={taken}", f"--mail-port={taken}")
    demo.until("stays up")
    demo.process.send_signal(signal.SIGINT)
    demo.end()
    return demo


def test_a_taken_port_is_named_and_replaced(killed: Demo, taken: int) -> None:
    assert f"Port {taken} is taken" in killed.output


def test_the_next_call_goes_on_with_the_story_and_tells_it_to_its_end(finished: Demo) -> None:
    told = re.findall(r"Day (\d) of 4.*\n.*→ (\w+):", finished.output)
    assert [number for number, _ in told] == ["1", "2", "3", "4"]
    assert {state for _, state in told} <= {"NeedsReview", "Completed"}


def test_a_run_that_was_taken_along_is_not_shown_as_running_for_ever(finished: Demo) -> None:
    kinds = {kind for _, kind, _ in finished.runs()}
    assert "CRASHED" in kinds
    assert not kinds & {"RUNNING", "PENDING"}


def test_every_resident_who_is_due_one_gets_one_letter(finished: Demo) -> None:
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in sorted((finished.home / "mail").glob("*.eml"))
    ]
    assert sorted(mail["To"] for mail in mails) == [
        "antje.brandt@post.example",
        "lukasz.wojcik@post.example",
    ]
    assert any(mail["Subject"].startswith("Ihr Bewohnerparkausweis gilt jetzt") for mail in mails)
    assert len(list((finished.home / SLUG / "spool").glob("*.pdf"))) == 2
    assert "4 letters so far" in finished.output


def test_the_table_says_what_happened_and_what_waits(finished: Demo) -> None:
    for text in ("zone_switched", "address_updated", "name_updated", "email", "post", "move"):
        assert text in finished.output
    assert "Waiting for a clerk: 7" in finished.output
    assert "Waiting for an admin" not in finished.output
    (case,) = re.findall(r"explain (c-\w+)", finished.output)
    assert finished.output.count(case) == 2


def test_every_delivery_was_taken_in(finished: Demo) -> None:
    done = {path.name for path in (finished.home / SLUG / "done").iterdir()}
    assert done == {name for day in STORY for name in day.deliveries}


def test_no_name_and_no_street_is_found_in_prefect_or_in_a_log(finished: Demo) -> None:
    permits = (TEMPLATES / SLUG / "permits.jsonl").read_text(encoding="utf-8").splitlines()
    words = {json.loads(line)["name"].split()[-1] for line in permits}
    words |= {"Wollenweberstr", "Molkenstr", "ZZ-MU", "post.example", "09000009"}
    for folder in (finished.home / "prefect", finished.home / "logs"):
        for path in folder.rglob("*"):
            content = path.read_bytes() if path.is_file() else b""
            for word in words:
                assert word.encode() not in content, f"{word} in {path}"
                assert json.dumps(word)[1:-1].encode() not in content, f"{word} in {path}"
    assert not any(word in finished.output for word in words)


def test_the_schedules_of_prefect_yaml_make_runs(finished: Demo) -> None:
    assert any(kind == "SCHEDULED" for _, kind, _ in finished.runs())
    assert "Traceback" not in (finished.home / "logs" / "server.log").read_text(encoding="utf-8")


def test_a_further_call_finds_nothing_new_and_says_so(again: Demo, finished: Demo) -> None:
    assert "Completed: nothing new" in again.output
    assert table(again.output) == table(finished.output)
    assert len(list((again.home / "mail").glob("*.eml"))) == 2


def test_ctrl_c_ends_the_demo_and_leaves_no_process_behind(again: Demo) -> None:
    assert again.process.returncode == 0
    assert again.processes() == {}


def test_a_demo_told_to_end_while_it_starts_leaves_no_process_behind(again: Demo) -> None:
    demo = Demo(again.home)
    demo.until("Mail catcher")
    demo.process.send_signal(signal.SIGTERM)
    assert demo.end() == 0
    assert demo.processes() == {}


def table(output: str) -> str:
    return output[output.index("Deltas") : output.index("Prefect  ")]
