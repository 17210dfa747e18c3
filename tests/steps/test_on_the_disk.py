"""What is said on a page is on the disk before the page says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from sqlalchemy import Connection, event

from tasks.desks.clerks import StateClerkDesk
from tasks.desks.residents import StateResidentDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.replies.desk import BirthDate, Seat
from tasks.replies.tokens import token_for
from tasks.settings import settings
from tasks.state import clerks
from tasks.state.database import writing
from tests.town import Town

DAY = date(2026, 11, 23)
FULL = 2  # PRAGMA synchronous: SQLite waits for the disk
WOJCIK, HOFFMANN = "E0002-0002", "E0002-0004"


@pytest.fixture
def served(town: Town) -> Town:
    town.run_day(DAY, "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    with writing(town.opened.engine) as session:
        clerks.add_clerk(session, town.slug, "sb-1", "a long password")
    return town


@contextmanager
def commits(town: Town) -> Iterator[list[int]]:
    """For how much of the disk each of them waited."""
    seen: list[int] = []

    def look(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        (how,) = driver.execute("PRAGMA synchronous").fetchone()
        seen.append(how)

    event.listen(town.opened.engine, "commit", look)
    yield seen
    event.remove(town.opened.engine, "commit", look)


def test_a_residents_reply_is_on_the_disk_before_the_receipt_is_shown(served: Town) -> None:
    desk, case = StateResidentDesk(settings(), lambda _: DAY), served.case(WOJCIK).case
    door = desk.by_link(token_for(case, "reply", settings().signing_key()).link_secret)

    with commits(served) as waited:
        desk.unlock(door, BirthDate(1991, 7, 30))
        desk.record(door, case, ReplyKind.WRONG, Scope.CASE, "Ich bin nicht umgezogen.")

    assert waited == [FULL, FULL]


def test_a_clerks_answer_is_on_the_disk_before_the_page_says_so(served: Town) -> None:
    desk, seat = StateClerkDesk(settings()), Seat(served.slug, "sb-1")
    case = served.case(HOFFMANN).case
    (asked,) = [one for one in desk.questions(seat) if one.case == case]

    with commits(served) as waited:
        seen = desk.question(seat, asked.question).seen
        desk.answer(seat, asked.question, "by_hand", "", seen, {})

    assert waited == [FULL]
