"""The whole story of a case and of those it hangs together with, for whoever may see personal data.

A *chain* is what belongs to one event of one person and service: the case of the event, the cases
that follow it up, and those of the event that takes it back. It is read with one query a table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from tasks.domain.person import PersonKey
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
    Delivery,
    DeltaRow,
    EffectRow,
    History,
    LetterRow,
    OptOut,
    PersonRow,
    QuestionRow,
    RecordLink,
    ReplyRow,
    SectionRow,
)


@dataclass(frozen=True)
class Chain:
    """`cases` are those of the chain, `neighbours` all of the person and service, both in order."""

    case: CaseRow
    cases: Sequence[CaseRow]
    neighbours: Sequence[CaseRow]
    key: PersonKey
    deltas: Mapping[int, DeltaRow]  # all of the person, in the order of the registry's events
    deliveries: Mapping[tuple[str, int], Delivery]
    decisions: Sequence[DecisionRow]
    effects: Sequence[EffectRow]
    questions: Sequence[QuestionRow]
    answers: Sequence[AnswerRow]
    sections: Sequence[SectionRow]  # also those of other cases in the same letters
    letters: Mapping[str, LetterRow]
    replies: Sequence[ReplyRow]
    opt_outs: Sequence[OptOut]
    links: Sequence[RecordLink]
    history: Sequence[History]

    def delta_of(self, case: CaseRow) -> DeltaRow | None:
        return self.deltas.get(case.delta_id) if case.delta_id else None

    def reversed_by(self, delta: DeltaRow) -> DeltaRow | None:
        """The event that this one takes back: the latest earlier one of that sign."""
        found = [
            other
            for other in self.deltas.values()
            if delta.reverses
            and other.event == delta.reverses
            and (other.id or 0) < (delta.id or 0)
        ]
        return found[-1] if found else None


def read_chain(session: Session, case_id: str) -> Chain | None:
    case = session.get(CaseRow, case_id)
    if case is None:
        return None
    person = session.get(PersonRow, case.person_id)
    deltas = session.exec(
        select(DeltaRow).where(DeltaRow.person_id == case.person_id).order_by(col(DeltaRow.id))
    ).all()
    neighbours = session.exec(
        select(CaseRow)
        .where(CaseRow.person_id == case.person_id, CaseRow.service == case.service)
        .order_by(col(CaseRow.delta_id), col(CaseRow.created_at), col(CaseRow.id))
    ).all()
    by_id = {delta.id: delta for delta in deltas if delta.id is not None}
    chain = _chain_of(case, neighbours, by_id)
    ids = [member.id for member in chain]

    def rows(model: Any, *order: Any) -> Sequence[Any]:
        query = select(model).where(col(model.case_id).in_(ids)).order_by(*order)
        return session.exec(query).all()

    own = select(SectionRow.letter_id).where(col(SectionRow.case_id).in_(ids))
    sections = session.exec(
        select(SectionRow).where(col(SectionRow.letter_id).in_(own)).order_by(col(SectionRow.id))
    ).all()
    letters = session.exec(
        select(LetterRow)
        .where(col(LetterRow.id).in_({section.letter_id for section in sections}))
        .options(defer(LetterRow.pdf), defer(LetterRow.html))  # type: ignore[arg-type]
    ).all()
    deliveries = session.exec(
        select(Delivery).where(
            Delivery.municipality == case.municipality,
            col(Delivery.number).in_({delta.delivery_no for delta in deltas}),
        )
    ).all()
    return Chain(
        case=case,
        cases=chain,
        neighbours=neighbours,
        key=PersonKey(person.ags, person.number) if person else PersonKey("", ""),
        deltas=by_id,
        deliveries={(delivery.source, delivery.number): delivery for delivery in deliveries},
        decisions=rows(DecisionRow, col(DecisionRow.case_id), col(DecisionRow.seq)),
        effects=rows(EffectRow, col(EffectRow.done_at), col(EffectRow.key)),
        questions=rows(QuestionRow, col(QuestionRow.id)),
        answers=rows(AnswerRow, col(AnswerRow.at), col(AnswerRow.id)),
        sections=sections,
        letters={letter.id: letter for letter in letters},
        replies=rows(ReplyRow, col(ReplyRow.at), col(ReplyRow.id)),
        opt_outs=session.exec(
            select(OptOut).where(
                OptOut.municipality == case.municipality,
                OptOut.person_id == case.person_id,
                col(OptOut.service).in_([case.service, ""]),
            )
        ).all(),
        links=session.exec(
            select(RecordLink)
            .where(
                RecordLink.municipality == case.municipality,
                RecordLink.person_id == case.person_id,
            )
            .order_by(RecordLink.record)
        ).all(),
        history=rows(History, col(History.id)),
    )


def _chain_of(
    case: CaseRow, neighbours: Sequence[CaseRow], deltas: Mapping[int, DeltaRow]
) -> list[CaseRow]:
    """Cases of the same event, and of events that take each other back."""
    if case.delta_id is None:
        return [other for other in neighbours if other.trigger_date == case.trigger_date]
    latest: dict[str, int] = {}  # event sign -> the newest delta that carries it so far
    partners: dict[int, set[int]] = {delta_id: set() for delta_id in deltas}
    for delta_id, delta in deltas.items():
        back = latest.get(delta.reverses) if delta.reverses else None
        if back is not None:
            partners[delta_id].add(back)
            partners[back].add(delta_id)
        latest[delta.event] = delta_id
    events, waiting = {case.delta_id}, [case.delta_id]
    while waiting:
        fresh = partners.get(waiting.pop(), set()) - events
        events |= fresh
        waiting += fresh
    return [other for other in neighbours if other.delta_id in events]


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
