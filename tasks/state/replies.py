"""Replies of residents: what a token opens, wrong birth dates counted, each reply kept once.

A token is found by its digest through an index; the digest is all that is stored of it. One letter
has one second factor: wrong birth dates count for the letter, so that three services in it do not
give three times as many tries.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, or_, update
from sqlalchemy import select as select_columns
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from tasks.domain.case import Status
from tasks.domain.person import PartialDate
from tasks.state.database import Engine, in_the_way, insert_missing, insert_rows, table_of, utcnow
from tasks.state.documents import load_person
from tasks.state.tables import (
    CaseRow,
    DecisionRow,
    EffectRow,
    History,
    LetterRow,
    OptOut,
    PersonRow,
    ReplyRow,
    SectionRow,
)

MAX_FAILURES = 5
VALID, LOCKED, REVOKED = "valid", "locked", "revoked"  # of a token
# Letters that may have left. In test mode none does, and clerks try the page with those held back.
MAY_BE_READ = ("claimed", "handed_over", "uncertain", "held_back")
# Decisions that leave nothing to deregister, whatever they changed in a record.
NOTHING_LEFT = frozenset({"deregistered", "opted_out", "permit_ended", "stands"})


@dataclass(frozen=True, slots=True)
class Opened:
    """The section of a letter to which a token leads."""

    section: int
    municipality: str
    letter: str
    case: str
    status: str  # of the token
    expires: date | None
    link: str  # digests of what opens it: other ones, and it is another door
    code: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a letter says of itself. Not the letter: that holds a whole PDF, and an address."""

    subject: str
    dated: date
    postal: bool


# Plain tables and one statement for all calls, since a page that guesses are tried on asks these
# most: a third of the time that building a query each time would take.
_section, _letter = table_of(SectionRow).c, table_of(LetterRow).c
_OPENED: Select[Any] = (
    select_columns(
        _section.id,
        _section.municipality,
        _section.letter_id,
        _section.case_id,
        _section.token_status,
        _section.token_expires,
        _section.token_digest,
        _section.short_code_digest,
    )
    .join(table_of(LetterRow), _letter.id == _section.letter_id)
    .where(or_(*(_letter.status == status for status in MAY_BE_READ)))  # in_() expands each time
)
# Newest first: should a short code ever be given twice, then to the letter at hand.
_NEWEST = _OPENED.order_by(_section.id.desc()).limit(1)
_BY_LINK = _NEWEST.where(_section.token_digest == bindparam("digest"))
_BY_CODE = _NEWEST.where(_section.short_code_digest == bindparam("digest"))
_BY_SECTION = _OPENED.where(_section.id == bindparam("section"))
_HELD = _BY_SECTION.with_for_update(read=True, of=table_of(SectionRow))
_OF_LETTER = _OPENED.where(
    _section.letter_id == bindparam("letter"),
    _section.token_status == VALID,
).order_by(_section.id)


def by_link(engine: Engine, digest: str) -> Opened | None:
    return _look_up(engine, _BY_LINK, digest)


def by_code(engine: Engine, digest: str) -> Opened | None:
    return _look_up(engine, _BY_CODE, digest)


def by_section(session: Session, section: int, *, hold: bool = False) -> Opened | None:
    """`hold`: nobody else changes or forgets it before this transaction ends."""
    found = _HELD if hold else _BY_SECTION
    row = session.connection().execute(found, {"section": section}).first()
    return Opened(*row) if row else None


def open_sections(session: Session, letter: str) -> list[Opened]:
    """Every section of a letter whose token is valid, in the order of the letter."""
    return [Opened(*row) for row in session.connection().execute(_OF_LETTER, {"letter": letter})]


def head(session: Session, letter: str) -> Head:
    subject, dated, channel = session.execute(
        select_columns(col(LetterRow.subject), col(LetterRow.dated), col(LetterRow.channel)).where(
            col(LetterRow.id) == letter
        )
    ).one()
    return Head(subject, dated, channel != "email")


def born(session: Session, letter: str) -> PartialDate:
    """What the register knows, also of one who has left it; empty where nothing is known."""
    person = load_person(
        session.execute(
            select_columns(col(PersonRow.snapshot))
            .join(LetterRow, col(LetterRow.person_id) == col(PersonRow.id))
            .where(col(LetterRow.id) == letter)
        ).scalar_one()
    )
    return person.born if person else PartialDate()


def count_try(session: Session, opened: Opened, right: bool) -> str:
    """The token's status as it was when this try took its turn; `LOCKED` when it was the last one.

    Tries that arrive together take turns here, so that the fifth wrong one locks whatever comes
    after it, the right date too.
    """
    values: dict[str, Any] = {"failures": 0}
    if not right:
        failures = col(SectionRow.failures) + 1
        locked = case((failures >= MAX_FAILURES, LOCKED), else_=VALID)
        values = {"failures": failures, "token_status": locked}
    # In one order: two tries that each hold the row that the other wants would wait for ever.
    rows = (
        select_columns(col(SectionRow.id))
        .where(col(SectionRow.letter_id) == opened.letter)
        .order_by(col(SectionRow.id))
        .with_for_update()
    )
    counted = session.execute(
        update(SectionRow)
        .where(col(SectionRow.id).in_(rows), col(SectionRow.token_status) == VALID)
        .values(values)
        .returning(col(SectionRow.id), col(SectionRow.token_status)),
        execution_options={"synchronize_session": False},
    )
    for section, status in counted:
        if section == opened.section:
            return str(status)
    # It was locked or revoked while this try waited for its turn.
    now = by_section(session, opened.section)
    return now.status if now else REVOKED


def cases_of(session: Session, ids: Collection[str]) -> dict[str, CaseRow]:
    return {row.id: row for row in session.exec(select(CaseRow).where(col(CaseRow.id).in_(ids)))}


def given(session: Session, case_ids: Collection[str]) -> dict[str, list[ReplyRow]]:
    """case id -> the replies to it, in the order in which they came."""
    found: dict[str, list[ReplyRow]] = defaultdict(list)
    for row in session.exec(
        select(ReplyRow)
        .where(col(ReplyRow.case_id).in_(case_ids))
        .order_by(col(ReplyRow.at), col(ReplyRow.id))
    ):
        found[row.case_id].append(row)
    return found


def to_deregister(session: Session, cases: Collection[CaseRow]) -> set[str]:
    """The cases that left something in a record which the resident may want to give up.

    Whether that was done already is not asked here: two browsers may both do it.
    """
    ids = [row.id for row in cases if row.status != Status.UNDONE]
    acted = set(
        session.execute(
            select_columns(col(EffectRow.case_id)).where(col(EffectRow.case_id).in_(ids))
        ).scalars()
    )
    last_code: dict[str, str] = {}
    for case_id, code in session.execute(
        select_columns(col(DecisionRow.case_id), col(DecisionRow.code))
        .where(col(DecisionRow.case_id).in_(acted))
        .order_by(col(DecisionRow.seq))
    ):
        last_code[case_id] = code
    return {case_id for case_id in acted if last_code.get(case_id) not in NOTHING_LEFT}


def keep(session: Session, row: ReplyRow) -> ReplyRow:
    """The reply that counts: this one, or the one of its kind that was there first."""
    insert_missing(session, ReplyRow, [row.model_dump()])
    return session.exec(
        select(ReplyRow).where(ReplyRow.case_id == row.case_id, ReplyRow.kind == row.kind)
    ).one()


def revoke(session: Session, case_ids: Collection[str]) -> None:
    """The tokens of these cases open nothing any more, locked ones included."""
    session.execute(
        update(SectionRow)
        .where(col(SectionRow.case_id).in_(case_ids))
        .values({"token_status": REVOKED}),
        execution_options={"synchronize_session": False},
    )


@contextmanager
def durably(engine: Engine, patience: float | None = None) -> Iterator[Session]:
    """As `writing`, but soon, and on the disk when it returns: a word survives a power cut.
    `patience`: seconds to wait for SQLite's write lock, by default the database's own.

    SQLite waits for the disk with synchronous=FULL only; the pipeline does without, since it can do
    its work again. And SQLite's own wait for the write lock looks every tenth of a second, while
    the pipeline leaves it free for moments: a resident would wait for seconds.
    """
    with in_the_way(), engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        with _prompt_and_safe(connection, patience) if sqlite else nullcontext():
            # The transaction may have begun already: it is the session's all the same.
            session = Session(
                connection, expire_on_commit=False, join_transaction_mode="control_fully"
            )
            with session, session.begin():
                yield session


@contextmanager
def _prompt_and_safe(connection: Connection, patience: float | None) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA synchronous=FULL")
    driver.execute("PRAGMA busy_timeout=0")
    try:
        until = monotonic() + (usual / 1000 if patience is None else patience)
        while not _began(connection, last=monotonic() > until):
            sleep(0.001)
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA synchronous=NORMAL")
        driver.execute(f"PRAGMA busy_timeout={usual}")


def _began(connection: Connection, last: bool) -> bool:
    try:
        connection.begin()
    except OperationalError:
        if last:
            raise
        return False
    return True


def _look_up(engine: Engine, statement: Select[Any], digest: str) -> Opened | None:
    with engine.connect() as connection:
        connection.execution_options(antragslos_reading=True)  # as `reading`: waits for no writer
        row = connection.execute(statement, {"digest": digest}).first()
    return Opened(*row) if row else None


def ids_recorded(session: Session, municipality: str) -> list[str]:
    """Replies that nobody has taken up yet, in the order in which they came."""
    return list(
        session.exec(
            select(ReplyRow.id)
            .where(ReplyRow.municipality == municipality, ReplyRow.status == "recorded")
            .order_by(col(ReplyRow.at), col(ReplyRow.id))
        )
    )


def load_recorded(session: Session, ids: Collection[str]) -> list[ReplyRow]:
    query = select(ReplyRow).where(col(ReplyRow.id).in_(ids), ReplyRow.status == "recorded")
    return list(session.exec(query.order_by(col(ReplyRow.at), col(ReplyRow.id))))


def opt_in(session: Session, case: CaseRow, by: str) -> list[str]:
    """Services that may act again; "information" stands for all that only inform."""
    rows = session.exec(
        select(OptOut).where(
            OptOut.municipality == case.municipality,
            OptOut.person_id == case.person_id,
            col(OptOut.service).in_([case.service, ""]),
        )
    ).all()
    for row in rows:
        session.delete(row)
    if rows:
        line = {"old": case.status, "new": case.status, "code": "opted_in", "by": by, "run": ""}
        where = {"municipality": case.municipality, "case_id": case.id, "at": utcnow()}
        insert_rows(session, History, [where | line])
    return sorted(row.service or "information" for row in rows)
