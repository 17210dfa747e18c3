"""Forgetting: documents are emptied, rows stay as statistics.

Who still lives here keeps their row in the mirror; what is forgotten of them is hung on an empty
row of its own, so that nobody can be found behind it. Who is gone loses that row, too.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Engine, delete, func, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, SQLModel, col, select

from tasks.domain.case import Status
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.holder import LINK
from tasks.state import cases
from tasks.state.database import insert_rows, new_id, table_of
from tasks.state.documents import EFFECT, dump
from tasks.state.retention import RETENTION, Leaving
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
    Delivery,
    DeltaRow,
    EffectRow,
    LetterRow,
    OptOut,
    PersonRow,
    Quarantine,
    QuestionRow,
    RecordLink,
    ReplyRow,
    SectionRow,
)

_TOLD = {"name", "law", "condition", "result"}  # of a ground; its facts are the person's


def count(session: Session, found: Sequence[Leaving]) -> Counter[str]:
    ids = _cases_of(found)
    replies = func.count(), col(ReplyRow.case_id)
    return Counter(
        persons=sum(one.gone for one in found),
        deltas=sum(len(one.deltas) for one in found),
        cases=len(ids),
        effects=len(effect_keys(session, found)),
        letters=len(letter_ids(session, found)),
        replies=session.scalar(select_columns(replies[0]).where(replies[1].in_(ids))) or 0,
    )


def effect_keys(session: Session, found: Sequence[Leaving]) -> list[str]:
    query = select(EffectRow.key).where(col(EffectRow.case_id).in_(_cases_of(found)))
    return list(session.exec(query.order_by(EffectRow.key)))


def letter_ids(session: Session, found: Sequence[Leaving]) -> list[str]:
    query = select(SectionRow.letter_id).where(col(SectionRow.case_id).in_(_cases_of(found)))
    return sorted(set(session.exec(query)))


def _cases_of(found: Iterable[Leaving]) -> list[str]:
    return [case for one in found for case in one.cases]


def hold(session: Session, people: Collection[str]) -> None:
    """No reply is recorded to these people's letters before the transaction ends.

    A reply that is being recorded holds its section; it is either seen by what looks next, or
    refused when the token is revoked. Words that came in between would never leave again.
    """
    session.execute(
        select_columns(col(SectionRow.id))
        .join(CaseRow, col(CaseRow.id) == col(SectionRow.case_id))
        .where(col(CaseRow.person_id).in_(people))
        .order_by(col(SectionRow.id))
        .with_for_update(of=table_of(SectionRow))
    ).all()


def forget(
    session: Session, municipality: str, found: Sequence[Leaving], day: date, run: str
) -> None:
    gone = [one.person for one in found if one.gone]
    nobody = {one.person: new_id("p") for one in found if not one.gone}
    insert_rows(session, PersonRow, [_empty_person(p, municipality) for p in nobody.values()])
    _empty_documents(session, _cases_of(found))
    _empty_letters(session, letter_ids(session, found), nobody)
    _empty_deltas(session, [delta for one in found for delta in one.deltas], nobody)
    _empty_mirror(session, gone)
    _close(session, _cases_of(found), nobody, day, run)


def _close(
    session: Session, ids: Sequence[str], nobody: dict[str, str], day: date, run: str
) -> None:
    rows = cases.load(session, ids)
    sent = [case for case in rows if case.status == Status.SENT]
    cases.move(
        session,
        [cases.Move(case, Status.CLOSED, case.code, RETENTION, {}) for case in sent],
        run,
    )
    for case in rows:
        case.person_id = nobody.get(case.person_id, case.person_id)
        case.forgotten_on = day


def _empty_documents(session: Session, ids: Sequence[str]) -> None:
    of_cases: list[tuple[type[SQLModel], dict[str, object]]] = [
        (QuestionRow, {"proposal": "[]", "choices": "[]"}),
        (AnswerRow, {"note": "", "stated": "{}"}),
        (ReplyRow, {"text": ""}),
        (
            SectionRow,
            {"token_digest": "", "short_code_digest": "", "token_status": "revoked"},
        ),
        (
            EffectRow,
            {"record": "", "result": "{}", "inverse": dump(EFFECT, Effect(EffectKind.RESTORE, ""))},
        ),
    ]
    for table, emptied in of_cases:
        _set(session, table, col(table.case_id).in_(ids), emptied)  # type: ignore[attr-defined]
    for kind in EffectKind:
        mine = col(EffectRow.case_id).in_(ids) & (col(EffectRow.kind) == kind.value)
        _set(session, EffectRow, mine, {"effect": dump(EFFECT, Effect(kind, ""))})
    _name_no_record(session, ids)
    replies = select(ReplyRow.id).where(col(ReplyRow.case_id).in_(ids))
    _set(session, OptOut, col(OptOut.reply_id).in_(replies), {"reply_id": ""})
    decisions = session.execute(
        select_columns(col(DecisionRow.id), col(DecisionRow.decision)).where(
            col(DecisionRow.case_id).in_(ids)
        )
    ).all()
    rows = [
        {"id": row_id, "decision": _without_facts(document), "situation": ""}
        for row_id, document in decisions
    ]
    if rows:
        session.execute(update(DecisionRow), rows)


def _empty_letters(session: Session, ids: Sequence[str], nobody: dict[str, str]) -> None:
    emptied = {
        "recipient": "",
        "addressee": "",
        "subject": "",
        "text": "",
        "html": "",
        "pdf": b"",
    }
    rows = session.execute(
        select_columns(col(LetterRow.id), col(LetterRow.person_id)).where(
            col(LetterRow.id).in_(ids)
        )
    ).all()
    if rows:
        session.execute(
            update(LetterRow),
            [{"id": row, "person_id": nobody.get(p, p), **emptied} for row, p in rows],
        )


def _name_no_record(session: Session, ids: Sequence[str]) -> None:
    """A choice may name a record. What stays is whether it was the one we had proposed."""
    links = col(AnswerRow.choice).startswith(LINK) | col(AnswerRow.proposal).startswith(LINK)
    for answer in session.exec(select(AnswerRow).where(col(AnswerRow.case_id).in_(ids), links)):
        if answer.choice.startswith(LINK):
            answer.choice = LINK if answer.choice == answer.proposal else f"{LINK}another"
        if answer.proposal.startswith(LINK):
            answer.proposal = LINK
    mine = col(QuestionRow.case_id).in_(ids) & col(QuestionRow.answer).startswith(LINK)
    _set(session, QuestionRow, mine, {"answer": LINK})


def _without_facts(document: str) -> str:
    """Outcome, code and which section of law was met: no person is in them."""
    if not document:
        return document
    told = json.loads(document)
    grounds = [{key: ground[key] for key in ground.keys() & _TOLD} for ground in told["grounds"]]
    return json.dumps({"outcome": told["outcome"], "code": told["code"], "grounds": grounds})


def _empty_deltas(session: Session, ids: Sequence[int], nobody: dict[str, str]) -> None:
    """The registry's own sign and moment of an event would lead back to the person."""
    rows = session.execute(
        select_columns(
            col(DeltaRow.id),
            col(DeltaRow.person_id),
            col(DeltaRow.event),
            col(DeltaRow.reverses),
            col(DeltaRow.received_on),
        )
        .where(col(DeltaRow.id).in_(ids))
        .order_by(col(DeltaRow.id))
    ).all()
    signs: dict[tuple[str, str], str] = {}
    emptied = []
    for delta_id, person, event, reverses, received_on in rows:
        sign = f"e-{delta_id}"
        emptied.append(
            {
                "id": delta_id,
                "person_id": nobody.get(person, person),
                "event": sign,
                "content": "",
                "event_time": datetime.combine(received_on, time(), UTC),
                "reverses": signs.get((person, reverses), ""),
                "before": None,
                "after": None,
            }
        )
        signs[person, event] = sign
    if emptied:
        session.execute(update(DeltaRow), emptied)


def _empty_person(person: str, municipality: str) -> dict[str, object]:
    """Its own id stands for the registry's key, which must be unique."""
    return {
        "id": person,
        "municipality": municipality,
        "ags": "",
        "number": person,
        "born": "",
        "snapshot": "",
        "gone": True,
    }


def _empty_mirror(session: Session, ids: Sequence[str]) -> None:
    for table in (RecordLink, OptOut):
        session.execute(delete(table).where(col(table.person_id).in_(ids)))
    emptied = {"ags": "", "number": PersonRow.id, "born": "", "snapshot": "", "gone": True}
    _set(session, PersonRow, col(PersonRow.id).in_(ids), emptied)


def _set(session: Session, table: type[SQLModel], which: Any, values: dict[str, object]) -> None:
    session.execute(
        update(table).where(which).values(**values),
        execution_options={"synchronize_session": False},
    )


def _unread(municipality: str, last_day: date) -> list[Any]:
    """Records in quarantine that came before this day or on it, and are not emptied yet."""
    deliveries = select(Delivery.id).where(
        Delivery.municipality == municipality, Delivery.received_on <= last_day
    )
    there = or_(
        col(Quarantine.raw) != b"", col(Quarantine.number) != "", col(Quarantine.event) != ""
    )
    mine = col(Quarantine.municipality) == municipality
    return [mine, col(Quarantine.delivery_id).in_(deliveries), there]


def count_quarantined(session: Session, municipality: str, last_day: date) -> int:
    query = select_columns(func.count(col(Quarantine.id))).where(*_unread(municipality, last_day))
    return session.scalar(query) or 0


def forget_quarantined(session: Session, municipality: str, last_day: date) -> int:
    """Code and place stay: what the registry sent wrongly, and how often."""
    number = count_quarantined(session, municipality, last_day)
    emptied = {"raw": b"", "ags": "", "number": "", "event": "", "event_time": None}
    session.execute(
        update(Quarantine).where(*_unread(municipality, last_day)).values(**emptied),
        execution_options={"synchronize_session": False},
    )
    return number


def compact(engine: Engine, wait: int = 60) -> bool:
    """SQLite keeps what was overwritten until its file is written anew; PostgreSQL sees to itself.

    False where another process is at work in it for `wait` seconds: the next run does it.
    """
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()  # VACUUM stands in no transaction
    connection.detach()
    try:
        cursor = connection.cursor()
        for statement in (
            f"PRAGMA busy_timeout={wait * 1000}",
            "VACUUM",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ):
            cursor.execute(statement)
            cursor.fetchall()
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True
