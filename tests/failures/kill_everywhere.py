"""Killed at any point and run again: every case complete, no effect and no letter twice.

The run is killed with SIGKILL before and after each commit, file move and hand-over, one after the
other, until a run gets through; each time a new process takes up the work. With a number n as its
argument the program tries every n-th of these points, beginning with one that the seed says.

A program of its own (see test_kill.py): it forks, and a fork of a process in which the typesetter's
threads already run would wait for threads that it does not have.
"""

import itertools
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from sqlalchemy.engine.default import DefaultDialect

import tasks.pull
import tasks.send
from tasks.municipality import open_municipality
from tasks.report import read_report
from tasks.settings import settings
from tasks.state.database import open_database, reading
from tasks.state.lock import municipality_lock
from tasks.state.story import list_cases
from tests import chance
from tests.town import DELIVERIES, SLUG, Town, make_town

DAY, NEXT_DAY = date(2026, 11, 23), date(2026, 11, 24)
NEXT_DAY_EVERY = 3  # points; the others are taken up on the same day
_CHILDREN = itertools.count(1)


class Catcher:
    """A real mail server that remembers the Message-ID of each message."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        header = envelope.content.decode(errors="replace").split("\r\n\r\n")[0]
        self.ids += [line for line in header.splitlines() if line.lower().startswith("message-id")]
        return "250 OK"


@contextmanager
def mail_catcher() -> Iterator[tuple[Catcher, str]]:
    handler = Catcher()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield handler, f"mailto://127.0.0.1:{port}"
    finally:
        controller.stop()


def in_child(job: Callable[[], Any]) -> tuple[int, Any]:
    """(signal or 0, what the job returned), from a process of its own."""
    read_end, write_end = os.pipe()
    number = next(_CHILDREN)
    child = os.fork()
    if child == 0:
        try:
            chance.draw_for(f"child {number}")  # each other ids than the one before it
            os.close(read_end)
            with os.fdopen(write_end, "w") as pipe:
                json.dump(job(), pipe)
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    os.close(write_end)
    with closing(os.fdopen(read_end)) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return killed, json.loads(text) if text and not killed else None


def prepare(home: Path, smtp_url: str) -> None:
    permits = home / "permits.jsonl"
    lines = []
    for line in (DELIVERIES / "permits-sample.jsonl").read_text().splitlines():
        permit = json.loads(line)
        if permit["permit_no"] in ("BPA-0001", "BPA-0011"):
            permit |= {"email": f"{permit['permit_no']}@residents.example", "email_consent": True}
        lines.append(json.dumps(permit))
    permits.write_text("\n".join(lines))
    # A machine that stands still for a while must not look like a server that does.
    patient = "[channels]\ntimeout_seconds = 120\n"
    town = make_town(home, settling_days=0, permits=permits, smtp_url=smtp_url, extra=patient)
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def deliver(home: Path, smtp_url: str, day: date) -> None:
    """The flow's own order of work, without a Prefect server."""
    os.environ.update(
        ANTRAGSLOS_HOME=str(home), ANTRAGSLOS_SMTP_URL=smtp_url, ANTRAGSLOS_BATCH_SIZE="5"
    )
    settings.cache_clear()
    town = open_municipality(SLUG, settings())
    with municipality_lock(town.engine, SLUG, town.folder):
        Town(settings()).run_day(day, strict=True)


def die_at(point: int) -> None:
    """Arms this process: SIGKILL at the given commit, move or hand-over, before or after it."""
    points, one_by_one = itertools.count(1), threading.Lock()  # letters are sent by several threads

    def here() -> None:
        with one_by_one:
            if next(points) == point:
                os.kill(os.getpid(), signal.SIGKILL)

    def dangerous(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            here()
            result = function(*args, **kwargs)
            here()
            return result

        return wrapped

    DefaultDialect.do_commit = dangerous(DefaultDialect.do_commit)  # type: ignore[method-assign]
    os.replace = dangerous(os.replace)  # type: ignore[assignment]
    tasks.send.hand_over = dangerous(tasks.send.hand_over)
    tasks.send.hand_over_many = dangerous(tasks.send.hand_over_many)
    tasks.pull.write_receipt = dangerous(tasks.pull.write_receipt)


def look(home: Path) -> dict[str, Any]:
    """Everything that must not depend on where a run was killed."""
    os.environ["ANTRAGSLOS_HOME"] = str(home)
    settings.cache_clear()
    town = open_municipality(SLUG, settings())
    with reading(open_database(settings().state_url)) as session:
        cases = {line.event: [line.status, line.code] for line in list_cases(session, SLUG)}
    numbers = [f"BPA-{number:04d}{part}" for number in range(1, 13) for part in ("", "/2", "/3")]
    permits = town.register.get(numbers)
    manifest = [
        line
        for path in (town.folder / "spool").glob("manifest-*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return {
        "cases": cases,
        "permits": {
            number: [permit.zone, permit.status, str(permit.valid_until), permit.street]
            for number, permit in sorted(permits.items())
        },
        "waiting": [list(one) for one in read_report(town).waiting_letters],
        "pdfs": len(list((town.folder / "spool").glob("*.pdf"))),
        "manifest": len(manifest),
        "inbox": len(list((town.folder / "inbox").iterdir())),
        "receipts": sorted(path.name for path in (town.folder / "receipts").iterdir()),
    }


def killed_and_taken_up(
    prepared: Path, point: int, smtp_url: str, again_on: date
) -> tuple[bool, dict[str, Any]]:
    """Whether the point was reached, and what is there once a new process has taken up."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(prepared, home)

        def doomed() -> None:
            die_at(point)
            deliver(home, smtp_url, DAY)

        def take_up() -> dict[str, Any]:
            if signalled:
                deliver(home, smtp_url, again_on)
            return look(home)

        signalled, _ = in_child(doomed)
        assert signalled in (0, signal.SIGKILL)
        return bool(signalled), in_child(take_up)[1]


def asked_for() -> tuple[int, int]:
    """(first point, step): all of them, or every n-th."""
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    return 1 + chance.seed() % every, every


def kill_everywhere(handler: Catcher, smtp_url: str, tmp_path: Path) -> int:
    """The last point there was. Raises AssertionError where something was lost or done twice."""
    in_child(lambda: prepare(tmp_path, smtp_url))
    reached, reference = killed_and_taken_up(tmp_path, 0, smtp_url, DAY)
    assert not reached
    assert reference["inbox"] == 0
    assert reference["pdfs"] == reference["manifest"] >= 1
    emails = len(handler.ids)
    assert emails >= 2

    for points in itertools.count(*asked_for()):
        handler.ids.clear()
        again_on = DAY if points % NEXT_DAY_EVERY else NEXT_DAY
        reached, found = killed_and_taken_up(tmp_path, points, smtp_url, again_on)
        if not reached:
            return points - 1
        assert len(handler.ids) == len(set(handler.ids)), f"an e-mail went out twice at {points}"
        uncertain = {
            event for event, (_, code) in found["cases"].items() if code == "channel.uncertain"
        }
        seen = (points, str(again_on), handler.ids, found["cases"], found["waiting"])
        assert len(handler.ids) >= emails - len(uncertain), seen
        # Up to one letter a worker may be uncertain; it waits for a person and is not repeated.
        assert len(uncertain) <= 4
        for event in uncertain:
            assert found["cases"][event][0] == "failed"
            found["cases"][event] = reference["cases"][event]
        if again_on == NEXT_DAY:
            found["permits"] = undated(found["permits"])
            assert found == {**reference, "permits": undated(reference["permits"])}, points
        else:
            assert found == reference, f"killed at point {points}"
    raise AssertionError("endless")


def undated(permits: dict[str, list[str]]) -> dict[str, list[str]]:
    """A switch that is carried out a day later ends the old permit a day later."""
    return {number: [zone, status] for number, (zone, status, *_) in permits.items()}


if __name__ == "__main__":
    with mail_catcher() as (catcher, url), tempfile.TemporaryDirectory() as folder:
        print(kill_everywhere(catcher, url, Path(folder)))
