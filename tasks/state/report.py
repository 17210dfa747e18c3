"""Counts and opaque ids for dashboards: nothing here is personal data."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from tasks.domain.case import Status
from tasks.domain.decision import Choice
from tasks.state.documents import CHOICES
from tasks.state.tables import (
    CaseRow,
    Delivery,
    DeltaRow,
    LetterRow,
    Quarantine,
    QuestionRow,
)

SHOWN = 200  # ids in one artifact; the rest are counted


@dataclass(frozen=True)
class Waiting:
    """A case that waits for a person. `step` is empty where a clerk must decide."""

    case: str
    service: str
    step: str
    code: str
    text: str = ""


def cases_by_outcome(session: Session, municipality: str) -> list[tuple[str, str, str, int]]:
    """(service, status, code, number), largest first."""
    number = func.count().label("number")
    return list(
        session.exec(
            select(CaseRow.service, CaseRow.status, CaseRow.code, number)
            .where(CaseRow.municipality == municipality)
            .group_by(CaseRow.service, CaseRow.status, CaseRow.code)
            .order_by(number.desc(), CaseRow.status, CaseRow.code)
        ).all()
    )


def deltas_by_kind(session: Session, municipality: str) -> list[tuple[str, int]]:
    number = func.count().label("number")
    return list(
        session.exec(
            select(DeltaRow.kind, number)
            .where(DeltaRow.municipality == municipality)
            .group_by(DeltaRow.kind)
            .order_by(number.desc(), DeltaRow.kind)
        ).all()
    )


def letters_by_channel(session: Session, municipality: str) -> list[tuple[str, str, int]]:
    """(channel, status, number)."""
    return list(
        session.exec(
            select(LetterRow.channel, LetterRow.status, func.count())
            .where(LetterRow.municipality == municipality)
            .group_by(LetterRow.channel, LetterRow.status)
            .order_by(LetterRow.channel, LetterRow.status)
        ).all()
    )


def waiting_letters(session: Session, municipality: str) -> list[tuple[str, str, int]]:
    """(channel, why, number) of letters that wait for their channel."""
    return list(
        session.exec(
            select(LetterRow.channel, LetterRow.code, func.count())
            .where(LetterRow.municipality == municipality)
            .where(LetterRow.status == "ready", LetterRow.code != "")
            .group_by(LetterRow.channel, LetterRow.code)
            .order_by(LetterRow.channel, LetterRow.code)
        ).all()
    )


def open_questions(session: Session, municipality: str, limit: int = SHOWN) -> list[Waiting]:
    rows = session.exec(
        select(QuestionRow, CaseRow.service)
        .join(CaseRow, col(CaseRow.id) == col(QuestionRow.case_id))
        .where(QuestionRow.municipality == municipality, QuestionRow.status == "open")
        .order_by(col(QuestionRow.id))
        .limit(limit)
    )
    return [
        Waiting(question.case_id, service, "", question.code, question.text)
        for question, service in rows
    ]


def questions(
    session: Session, municipality: str, limit: int = 0, case: str = ""
) -> list[tuple[QuestionRow, CaseRow, tuple[Choice, ...]]]:
    """(question, its case, choices), oldest first. One that waits for a second clerk, too."""
    query = (
        select(QuestionRow, CaseRow)
        .join(CaseRow, col(CaseRow.id) == col(QuestionRow.case_id))
        .where(QuestionRow.municipality == municipality, QuestionRow.status == "open")
        .order_by(col(QuestionRow.id))
    )
    if case:
        query = query.where(QuestionRow.case_id == case)
    if limit:
        query = query.limit(limit)
    return [(row, case, CHOICES.validate_json(row.choices)) for row, case in session.exec(query)]


def failed_cases(session: Session, municipality: str, limit: int = SHOWN) -> list[Waiting]:
    rows = session.exec(
        select(CaseRow)
        .where(CaseRow.municipality == municipality, CaseRow.status == Status.FAILED)
        .order_by(col(CaseRow.delta_id))
        .limit(limit)
    )
    return [Waiting(case.id, case.service, case.failed_step, case.code) for case in rows]


def touched_by(session: Session, municipality: str, run: str) -> tuple[dict[str, int], int]:
    """Cases that the run moved, by their status now; and how many of them wait for a clerk."""
    mine = (CaseRow.municipality == municipality, CaseRow.run == run)
    by_status = select(CaseRow.status, func.count()).where(*mine).group_by(CaseRow.status)
    asked = (
        select(func.count(func.distinct(CaseRow.id)))
        .join(QuestionRow, col(QuestionRow.case_id) == col(CaseRow.id))
        .where(*mine, QuestionRow.status == "open")
    )
    return dict(session.exec(by_status).all()), session.exec(asked).one()


def quarantined(
    session: Session, municipality: str, limit: int = SHOWN
) -> list[tuple[int, int, int, str]]:
    """(delivery, packet, position, code) of records that could not be read, newest first."""
    return list(
        session.exec(
            select(Delivery.number, Quarantine.packet, Quarantine.position, Quarantine.code)
            .join(Delivery, col(Delivery.id) == col(Quarantine.delivery_id))
            .where(Quarantine.municipality == municipality)
            .order_by(col(Quarantine.id).desc())
            .limit(limit)
        ).all()
    )


def count_open_questions(session: Session, municipality: str) -> int:
    return session.exec(
        select(func.count())
        .select_from(QuestionRow)
        .where(QuestionRow.municipality == municipality, QuestionRow.status == "open")
    ).one()


def statuses(session: Session, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """case id -> (status, code)."""
    return {
        case_id: (status, code)
        for case_id, status, code in session.exec(
            select(CaseRow.id, CaseRow.status, CaseRow.code).where(col(CaseRow.id).in_(ids))
        )
    }
