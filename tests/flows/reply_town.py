"""Residents who hold letters, without a Prefect server; and the pages in a process of their own."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import httpx
from sqlmodel import col, select, update

from tasks.desks.residents import StateResidentDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.replies.desk import BirthDate
from tasks.replies.tokens import Token, token_for
from tasks.settings import settings
from tasks.stage import Counts
from tasks.state.database import reading, writing
from tasks.state.tables import CaseRow, Clerk, DeltaRow, ReplyRow, SectionRow
from tests.town import Town

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2026, 11, 23)
FIRST = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
# Łukasz Wójcik, whose permit was switched; Tim Neumann, who has a new name.
WOJCIK, NEUMANN = "E0002-0002", "E0002-0011"
BORN = {WOJCIK: BirthDate(1991, 7, 30), NEUMANN: BirthDate(1996, 4, 11)}
PERMIT = "BPA-0002/2"  # Wójcik's, in his new zone
CLERK = "sb-1"


def play(town: Town, *names: str, day: date = DAY) -> Counts:
    """A day as `deliver` plays it."""
    return town.run_day(day, *names, strict=True)


def case_of(town: Town, event: str = WOJCIK, cause: str = "") -> CaseRow:
    """The case of an event, or the one that follows it up because of a reply or an answer."""
    with reading(town.opened.engine) as session:
        rows = session.exec(
            select(CaseRow)
            .join(DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id))
            .where(DeltaRow.event == event, CaseRow.municipality == town.slug)
        ).all()
    (found,) = [row for row in rows if (row.cause.startswith(cause) if cause else not row.cause)]
    return found


def token(town: Town, event: str = WOJCIK) -> Token:
    return token_for(case_of(town, event).id, "reply", settings().signing_key())


def reply(
    town: Town,
    kind: ReplyKind,
    text: str = "",
    *,
    event: str = WOJCIK,
    scope: Scope = Scope.CASE,
    day: date = DAY,
) -> None:
    """What the resident's page does."""
    desk = StateResidentDesk(settings(), lambda _: day)
    door = desk.by_link(token(town, event).link_secret)
    desk.unlock(door, BORN[event])
    desk.record(door, case_of(town, event).id, kind, scope, text)


def add_clerk(town: Town, sign: str = CLERK) -> None:
    """Without a password: that costs a quarter of a second, and nobody logs in."""
    with writing(town.opened.engine) as session:
        created = case_of(town).created_at
        session.add(Clerk(municipality=town.slug, sign=sign, password="-", created_at=created))


def permit(town: Town, number: str = PERMIT) -> tuple[str, str]:
    found = town.opened.register.get([number])[number]
    return found.zone, found.status


def recorded(town: Town) -> dict[str, str]:
    """kind of each reply -> how far it is."""
    with reading(town.opened.engine) as session:
        rows = session.exec(select(ReplyRow).where(ReplyRow.municipality == town.slug)).all()
        return {row.kind: row.status for row in rows}


def change_profile(town: Town, old: str, new: str) -> None:
    path = town.folder / "profile.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


# The pages' process ----------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    """Of a process of ours: nothing of the caller's own settings."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ANTRAGSLOS_")}
    ours |= {
        "ANTRAGSLOS_HOME": str(home),
        "PREFECT_HOME": str(home.parent / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PYTHONPATH": str(ROOT),
    }
    return ours | more


COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]


class Pages:
    """`antragslos replies`, and a resident who comes to it."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        self.process = process
        self.resident = httpx.Client(base_url=address, timeout=30, follow_redirects=True)
        self.seconds: list[float] = []  # each answer took so long
        self._page: httpx.Response | None = None

    def open(self, path: str) -> httpx.Response:
        return self._took(lambda: self.resident.get(path))

    def submit(self, path: str, **fields: str) -> httpx.Response:
        assert self._page
        (csrf, *_) = re.findall(r'name="csrf" value="([^"]+)"', self._page.text)
        return self._took(lambda: self.resident.post(path, data={"csrf": csrf, **fields}))

    def say_wrong(self, town: Town, text: str) -> str:
        """From the link to the receipt; returns the receipt's page."""
        case, born = case_of(town).id, BORN[WOJCIK]
        path = f"/a/{token(town).link_secret}"
        self.open(path)
        self.submit(path, tag=str(born.day), monat=str(born.month), jahr=str(born.year))
        path = f"/brief/{case}/stimmt-nicht"
        self.open(path)
        self.submit(path, text=text)
        return self.submit(f"{path}/absenden", text=text).text

    def stop(self, signal: int) -> tuple[int, str, str]:
        """Exit code, and all that it has said."""
        self.process.send_signal(signal)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err

    def _took(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        started = time.monotonic()
        self._page = ask()
        self.seconds.append(time.monotonic() - started)
        return self._page


@contextmanager
def pages(town: Town, prefect_url: str = "") -> Iterator[Pages]:
    """For as long as the block runs. Letters can be answered on the day on which the test runs."""
    tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011
    with writing(town.opened.engine) as session:
        session.execute(update(SectionRow).values(token_expires=tomorrow))
    port = free_port()
    told = {"PREFECT_API_URL": prefect_url} if prefect_url else {}
    env = environment(town.settings.home, **told)
    if not prefect_url:
        env.pop("PREFECT_API_URL", None)
    process = subprocess.Popen(
        [*COMMAND, "replies", "--port", str(port)],
        cwd=town.settings.home,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Pages(process, f"http://127.0.0.1:{port}")
    try:
        wait_for(served)
        yield served
    finally:
        served.resident.close()
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(served: Pages) -> None:
    for _ in range(1200):
        try:
            assert served.resident.get("/gesund").status_code == 204
            return
        except httpx.TransportError:
            assert served.process.poll() is None, served.process.communicate()
            time.sleep(0.1)
    raise AssertionError("the pages did not open")
