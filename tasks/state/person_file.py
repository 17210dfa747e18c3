"""Everything that is stored about one person, for whoever may see it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from tasks.domain.person import PersonKey
from tasks.state.documents import load_person
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
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


@dataclass(frozen=True)
class PersonFile:
    person: PersonRow
    deltas: Sequence[DeltaRow]
    cases: Sequence[CaseRow]
    decisions: Sequence[DecisionRow]
    effects: Sequence[EffectRow]
    questions: Sequence[QuestionRow]
    answers: Sequence[AnswerRow]
    letters: Sequence[LetterRow]
    sections: Sequence[SectionRow]
    replies: Sequence[ReplyRow]
    opt_outs: Sequence[OptOut]
    links: Sequence[RecordLink]
    unread: Sequence[Quarantine]


def by_key(session: Session, municipality: str, key: PersonKey) -> list[PersonRow]:
    query = select(PersonRow).where(
        PersonRow.municipality == municipality,
        PersonRow.ags == key.ags,
        PersonRow.number == key.number,
    )
    return list(session.exec(query))


def by_id(session: Session, municipality: str, person: str) -> list[PersonRow]:
    query = select(PersonRow).where(
        PersonRow.municipality == municipality, PersonRow.id == person, PersonRow.ags != ""
    )
    return list(session.exec(query))


def by_birth(session: Session, municipality: str, dates: Collection[str]) -> list[PersonRow]:
    """`dates`: the birth date, and what the registry may know of it. Also those who are gone."""
    query = select(PersonRow).where(
        PersonRow.municipality == municipality,
        PersonRow.snapshot != "",
        or_(col(PersonRow.born).in_(dates), col(PersonRow.gone).is_(True)),
    )
    found = session.exec(query.order_by(PersonRow.id)).all()
    return [
        row
        for row in found
        if (person := load_person(row.snapshot)) is not None and str(person.born) in dates
    ]


def read_file(session: Session, row: PersonRow) -> PersonFile:
    cases = session.exec(
        select(CaseRow)
        .where(CaseRow.person_id == row.id)
        .order_by(col(CaseRow.delta_id), col(CaseRow.created_at))
    ).all()
    ids = [case.id for case in cases]

    def of_cases(table: Any, *order: Any) -> Sequence[Any]:
        return session.exec(select(table).where(col(table.case_id).in_(ids)).order_by(*order)).all()

    def of_person(table: Any, *order: Any) -> Sequence[Any]:
        return session.exec(
            select(table).where(col(table.person_id) == row.id).order_by(*order)
        ).all()

    return PersonFile(
        person=row,
        deltas=of_person(DeltaRow, col(DeltaRow.id)),
        cases=cases,
        decisions=of_cases(DecisionRow, col(DecisionRow.seq)),
        effects=of_cases(EffectRow, col(EffectRow.done_at), col(EffectRow.key)),
        questions=of_cases(QuestionRow, col(QuestionRow.id)),
        answers=of_cases(AnswerRow, col(AnswerRow.at)),
        letters=of_person(LetterRow, col(LetterRow.dated), col(LetterRow.id)),
        sections=of_cases(SectionRow, col(SectionRow.id)),
        replies=of_cases(ReplyRow, col(ReplyRow.at)),
        opt_outs=of_person(OptOut, col(OptOut.service)),
        links=of_person(RecordLink, col(RecordLink.record)),
        unread=session.exec(
            select(Quarantine).where(
                Quarantine.municipality == row.municipality,
                Quarantine.ags == row.ags,
                Quarantine.number == row.number,
            )
        ).all(),
    )
