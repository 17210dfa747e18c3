"""What waits for clerks, read for their page: open questions, and all that is known about one."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func
from sqlmodel import Session, col, select

from tasks.domain.decision import Decision
from tasks.domain.person import Person, PersonKey
from tasks.domain.service import Situation, fatten
from tasks.state import answers, decisions, facts
from tasks.state.documents import SITUATION, load_person
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DeltaRow,
    History,
    PersonRow,
    QuestionRow,
    RecordLink,
    ReplyRow,
)


@dataclass(frozen=True)
class Asked:
    question: QuestionRow
    case: CaseRow
    since: date
    waiting: AnswerRow | None  # for a second pair of eyes


@dataclass(frozen=True)
class Known:
    """What stands behind a question. `now`: None when the person is gone from the register."""

    now: Person | None
    situation: Situation | None  # of the last decision
    decision: Decision | None
    reply: ReplyRow | None


def open_questions(session: Session, municipality: str) -> list[Asked]:
    return _asked(session, municipality, QuestionRow.status == "open")


def open_question(session: Session, municipality: str, question: int) -> Asked | None:
    found = _asked(session, municipality, QuestionRow.status == "open", QuestionRow.id == question)
    return found[0] if found else None


def has_case(session: Session, municipality: str, case_id: str) -> bool:
    case = session.get(CaseRow, case_id)
    return case is not None and case.municipality == municipality


def known(session: Session, case: CaseRow) -> Known:
    now = facts.people_now(session, [case.person_id]).get(case.person_id)
    reply = None
    if case.cause.startswith("reply:"):
        reply = session.get(ReplyRow, case.cause.removeprefix("reply:"))
    found = decisions.last_decisions(session, [case.id]).get(case.id)
    if found is None:
        return Known(now, None, None, reply)
    row, decision = found
    situation = SITUATION.validate_json(row.situation)
    delta = session.get(DeltaRow, case.delta_id) if case.delta_id else None
    person = session.get(PersonRow, case.person_id)
    if delta is not None and person is not None:
        told = facts.to_delta(delta, PersonKey(person.ags, person.number))
        situation = fatten(situation, told, row.now_is_after)
    return Known(now, situation, decision, reply)


def others_linked(
    session: Session, municipality: str, records: Collection[str], person_id: str
) -> dict[str, list[Person]]:
    """record -> other people whom it may belong to just as well."""
    found: dict[str, list[Person]] = {}
    rows = session.exec(
        select(RecordLink.record, PersonRow.snapshot)
        .join(PersonRow, col(PersonRow.id) == col(RecordLink.person_id))
        .where(
            RecordLink.municipality == municipality,
            col(RecordLink.record).in_(records),
            RecordLink.person_id != person_id,
            col(PersonRow.gone).is_(False),
        )
        .order_by(RecordLink.person_id)
    )
    for record, snapshot in rows:
        if person := load_person(snapshot):
            found.setdefault(record, []).append(person)
    return found


def _asked(session: Session, municipality: str, *which: object) -> list[Asked]:
    rows = session.exec(
        select(QuestionRow, CaseRow)
        .join(CaseRow, col(CaseRow.id) == col(QuestionRow.case_id))
        .where(QuestionRow.municipality == municipality, *which)  # type: ignore[arg-type]
        .order_by(col(QuestionRow.id))
    ).all()
    since = _since(session, (case.id for _, case in rows))
    waiting = answers.all_waiting(session, [question for question, _ in rows])
    return [
        Asked(
            question,
            case,
            since.get((case.id, question.code)) or case.decided_on or case.created_at.date(),
            waiting.get(question.id or 0),
        )
        for question, case in rows
    ]


def _since(session: Session, case_ids: Iterable[str]) -> dict[tuple[str, str], date]:
    """(case id, code) -> the day on which the case first stood there for that reason."""
    rows = session.exec(
        select(History.case_id, History.code, func.min(History.at))
        .where(col(History.case_id).in_(list(case_ids)))
        .group_by(col(History.case_id), col(History.code))
    )
    return {(case_id, code): at.date() for case_id, code, at in rows}
