"""The whole story of one case, for a person who may see personal data."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from tasks.state.tables import (
    CaseRow,
    DecisionRow,
    DeltaRow,
    EffectRow,
    History,
    LetterRow,
    QuestionRow,
    SectionRow,
)


@dataclass(frozen=True)
class Story:
    case: CaseRow
    delta: DeltaRow | None
    decisions: Sequence[DecisionRow]
    effects: Sequence[EffectRow]
    questions: Sequence[QuestionRow]
    letters: Sequence[LetterRow]
    history: Sequence[History]


def read_story(session: Session, case_id: str) -> Story | None:
    case = session.get(CaseRow, case_id)
    if case is None:
        return None
    letters = (
        select(LetterRow)
        .join(SectionRow, col(SectionRow.letter_id) == col(LetterRow.id))
        .where(SectionRow.case_id == case_id)
    )
    return Story(
        case,
        session.get(DeltaRow, case.delta_id) if case.delta_id else None,
        session.exec(
            select(DecisionRow).where(DecisionRow.case_id == case_id).order_by(col(DecisionRow.seq))
        ).all(),
        session.exec(
            select(EffectRow).where(EffectRow.case_id == case_id).order_by(EffectRow.key)
        ).all(),
        session.exec(
            select(QuestionRow).where(QuestionRow.case_id == case_id).order_by(col(QuestionRow.id))
        ).all(),
        session.exec(letters).all(),
        session.exec(
            select(History).where(History.case_id == case_id).order_by(col(History.id))
        ).all(),
    )


@dataclass(frozen=True)
class CaseLine:
    """What `antragslos cases` lists. No personal data."""

    case: str
    municipality: str
    service: str
    delivery: int | None
    event: str
    status: str
    outcome: str
    code: str
    question: str  # the code of what a clerk must answer, also where it is only a part of the case
    settles_on: str
    due_on: str
    run: str


def list_cases(
    session: Session, municipality: str, status: str = "", service: str = ""
) -> list[CaseLine]:
    """Empty criteria do not narrow."""
    query = select(CaseRow, DeltaRow).join(
        DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id), isouter=True
    )
    for column, value in (
        (CaseRow.municipality, municipality),
        (CaseRow.status, status),
        (CaseRow.service, service),
    ):
        if value:
            query = query.where(column == value)
    asked = dict(
        session.exec(
            select(QuestionRow.case_id, QuestionRow.code).where(QuestionRow.status == "open")
        ).all()
    )
    query = query.order_by(CaseRow.municipality, col(CaseRow.delta_id), CaseRow.service)
    return [
        CaseLine(
            case.id,
            case.municipality,
            case.service,
            delta.delivery_no if delta else None,
            delta.event if delta else "",
            case.status,
            case.outcome,
            case.code,
            asked.get(case.id, ""),
            case.settles_on.isoformat(),
            case.due_on.isoformat(),
            case.run,
        )
        for case, delta in session.exec(query)
    ]
