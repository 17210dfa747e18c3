"""Clerks and residents at the very moment of a run: nobody is thrown out, nothing slips through.

On PostgreSQL, where writers work side by side; SQLite has one writer at a time.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, select

from tasks.desks.residents import StateResidentDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused, StateUnavailable
from tasks.forget import forget_batch, to_forget
from tasks.replies.tokens import token_for
from tasks.review import record_answers
from tasks.settings import settings
from tasks.state import cases, clerks
from tasks.state.database import open_database, reading, writing
from tasks.state.tables import CaseRow, ReplyRow
from tests.steps.test_replies import FIRST, WOJCIK
from tests.town import WOJCIK_BORN, Town, make_town

DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)
LATER = DAY + timedelta(days=4000)


@pytest.fixture
def town(home: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("ANTRAGSLOS_DATABASE_URL", postgres_database)
    settings.cache_clear()
    open_database.cache_clear()  # the database of the test before was swept
    yield make_town(home, settling_days=0, database_url=postgres_database)
    open_database.cache_clear()


@pytest.fixture
def moved(town: Town) -> Town:
    """Wójcik has the letter about his new permit."""
    town.run_day(DAY, *FIRST)
    return town


@contextmanager
def at_the_first(town: Town, statement: str, begin: Callable[[], Future[Any]]) -> Iterator[None]:
    """Once this statement was executed, something else begins, and comes as far as it can."""
    begun: list[Future[Any]] = []

    def look(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if not begun and sql.startswith(statement):
            begun.append(begin())
            _until_it_waits(town, begun[0])

    engine = town.opened.engine
    event.listen(engine, "after_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", look)
    assert begun
    begun[0].result(30)


def _until_it_waits(town: Town, other: Future[Any]) -> None:
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    until = monotonic() + 20
    while not other.done():
        with reading(town.opened.engine) as session:
            if session.execute(waits).scalar_one():
                return
        assert monotonic() < until
        sleep(0.01)


def test_a_clerk_who_answers_while_a_reply_is_carried_out_waits_and_both_are_done(
    moved: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = count()
    # The order in which rows are locked is that of their ids, and must not be left to chance.
    monkeypatch.setattr(cases, "new_id", lambda prefix: f"{prefix}-{next(number):012d}")
    moved.reply(WOJCIK, ReplyKind.WRONG, Scope.CASE, NEXT, "Ich bin nie umgezogen.")
    moved.run_replies(NEXT, strict=True)
    question = moved.question(WOJCIK, cause="reply")
    with writing(moved.opened.engine) as session:
        clerks.add_clerk(session, moved.slug, "sb-1", "a long password")
    moved.reply(WOJCIK, ReplyKind.DEREGISTER, Scope.CASE, NEXT)

    def answer() -> list[str]:
        given = {question.case: "stands"}
        done = record_answers(moved.opened, given, by="sb-1", via="shell", today=NEXT)
        return [one.status for one in done]

    with (
        ThreadPoolExecutor(1) as pool,
        at_the_first(moved, "INSERT INTO effect", lambda: pool.submit(answer)),
    ):
        moved.run_replies(NEXT, strict=True)

    moved.run_replies(NEXT, strict=True)
    with reading(moved.opened.engine) as session:
        found = session.exec(select(CaseRow).where(col(CaseRow.cause).startswith("reply:"))).all()
    assert {row.code for row in found} >= {"deregistered"}
    assert {row.status for row in found} <= {"sent", "needs_review", "closed"}


def test_a_reply_that_crosses_its_forgetting_is_refused_or_kept_whole(moved: Town) -> None:
    people = to_forget(moved.opened, LATER)
    case = moved.case(WOJCIK).case
    desk = StateResidentDesk(settings(), lambda _: NEXT)
    door = desk.by_link(token_for(case, "reply", settings().signing_key()).link_secret)
    desk.unlock(door, WOJCIK_BORN)

    def record() -> str:
        try:
            desk.record(door, case, ReplyKind.WRONG, Scope.CASE, "Meine eigenen Worte")
        except ReplyRefused as error:
            return error.code
        return "recorded"

    with (
        ThreadPoolExecutor(1) as pool,
        at_the_first(moved, "UPDATE reply SET", lambda: pool.submit(record)),
    ):
        forget_batch(moved.opened, people, LATER, "forget")

    with reading(moved.opened.engine) as session:
        kept = session.exec(select(ReplyRow)).all()
        about = session.exec(select(CaseRow).where(CaseRow.id == case)).one()
    # Words that nobody may read any more, and that no retention would ever find, must not stay.
    assert bool(kept) != bool(about.forgotten_on)


def test_what_waits_too_long_for_another_one_is_tried_again(moved: Town) -> None:
    with writing(moved.opened.engine) as other:
        other.execute(text('LOCK TABLE "case"'))
        with pytest.raises(StateUnavailable, match=r"state\.busy"):
            _count_impatiently(moved)
    assert _count_impatiently(moved)


def _count_impatiently(town: Town) -> int:
    with writing(town.opened.engine) as session:
        session.execute(text("SET LOCAL lock_timeout = '10ms'"))
        return int(session.execute(text('SELECT count(*) FROM "case"')).scalar_one())
