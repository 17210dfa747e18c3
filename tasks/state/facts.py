"""What a decision may look at, read for a whole batch at a time."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.case import UNDONE_YET, Status, Step
from tasks.domain.decision import Answer, Choice
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.permits import OLD_UNTIL
from tasks.domain.person import Person, PersonKey
from tasks.domain.reply import Reply, ReplyKind, Scope
from tasks.domain.service import LaterEvent
from tasks.state.documents import CHOICES, EFFECT, STATED, Read, load_person
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DeltaRow,
    EffectRow,
    LetterRow,
    OptOut,
    PersonRow,
    QuestionRow,
    ReplyRow,
    SectionRow,
)

# The resident may have the letter; held back in test mode: would have it.
LEFT = ("claimed", "handed_over", "uncertain", "held_back")


def people_now(
    session: Session, people: Collection[str], read: Read = load_person
) -> dict[str, Person | None]:
    """person id -> the person as known today; None for one who is gone from the register."""
    query = select(PersonRow.id, PersonRow.gone, PersonRow.snapshot)
    rows = session.exec(query.where(col(PersonRow.id).in_(people)))
    return {person_id: None if gone else read(snapshot) for person_id, gone, snapshot in rows}


def deltas(session: Session, ids: Collection[int], read: Read = load_person) -> dict[int, Delta]:
    rows = session.execute(
        select_columns(
            col(DeltaRow.id),
            col(PersonRow.ags),
            col(PersonRow.number),
            col(DeltaRow.event),
            col(DeltaRow.kind),
            col(DeltaRow.received_on),
            col(DeltaRow.reason_code),
            col(DeltaRow.before),
            col(DeltaRow.after),
            col(DeltaRow.reverses),
        )
        .join(PersonRow, col(PersonRow.id) == col(DeltaRow.person_id))
        .where(col(DeltaRow.id).in_(ids))
    )
    return {row.id: to_delta(row, PersonKey(row.ags, row.number), read) for row in rows}


def to_delta(row: Any, key: PersonKey, read: Read = load_person) -> Delta:
    """`row`: of the table of deltas, or these columns of it."""
    return Delta(
        key=key,
        event=row.event,
        kind=DeltaKind(row.kind),
        received_on=row.received_on,
        reason_code=row.reason_code,
        before=read(row.before),
        after=read(row.after),
        reverses=row.reverses,
    )


def signs(session: Session, ids: Collection[int]) -> dict[int, str]:
    """delta id -> the registry's own sign of its event."""
    rows = session.exec(select(DeltaRow.id, DeltaRow.event).where(col(DeltaRow.id).in_(ids)))
    return {delta_id: event for delta_id, event in rows if delta_id is not None}


def later_events(
    session: Session, people: Collection[str]
) -> dict[str, list[tuple[int, LaterEvent]]]:
    """person id -> (delta id, event) in order; the caller takes those after its own delta."""
    found: dict[str, list[tuple[int, LaterEvent]]] = defaultdict(list)
    for person_id, delta_id, kind, address_changed, reverses in session.execute(
        select_columns(
            col(DeltaRow.person_id),
            col(DeltaRow.id),
            col(DeltaRow.kind),
            col(DeltaRow.address_changed),
            col(DeltaRow.reverses),
        )
        .where(col(DeltaRow.person_id).in_(people))
        .order_by(col(DeltaRow.id))
    ):
        event = LaterEvent(DeltaKind(kind), address_changed, reverses)
        found[person_id].append((delta_id, event))
    return found


def open_questions(
    session: Session, service: str, people: Collection[str]
) -> dict[str, list[tuple[str, int]]]:
    """person id -> (case id, delta id) of cases that wait for a clerk.

    A part that a granted case has left to a clerk keeps nothing else waiting, and nor does one
    that only asks about a letter that was stopped: its effects are carried out.
    """
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for person_id, case_id, delta_id in session.execute(
        select_columns(col(CaseRow.person_id), col(CaseRow.id), col(CaseRow.delta_id))
        .join(QuestionRow, col(QuestionRow.case_id) == col(CaseRow.id))
        .where(
            col(QuestionRow.status) == "open",
            col(CaseRow.status) == Status.NEEDS_REVIEW,
            col(CaseRow.acting).is_(False),
            col(CaseRow.service) == service,
            col(CaseRow.person_id).in_(people),
        )
    ):
        found[person_id].append((case_id, delta_id or 0))
    return found


def homes_left_in_vain(
    session: Session, service: str, people: Collection[str], read: Read = load_person
) -> dict[str, list[tuple[int, Person]]]:
    """person id -> (delta id, person before it) of events on which nothing was carried out.

    Someone who moves twice within days has a permit for the zone before the first move.
    """
    found: dict[str, list[tuple[int, Person]]] = defaultdict(list)
    for person_id, delta_id, before in session.execute(
        select_columns(col(DeltaRow.person_id), col(DeltaRow.id), col(DeltaRow.before))
        .join(CaseRow, col(CaseRow.delta_id) == col(DeltaRow.id))
        .where(
            col(CaseRow.service) == service,
            col(CaseRow.person_id).in_(people),
            or_(
                col(CaseRow.status).in_([*UNDONE_YET, Status.SUPPRESSED]),
                (col(CaseRow.status) == Status.FAILED)
                & col(CaseRow.failed_step).in_([Step.DECIDE, Step.ACT]),
            ),
            col(CaseRow.acting).is_(False),  # only its letter was stopped
            col(DeltaRow.address_changed).is_(True),
        )
    ):
        if person := read(before):
            found[person_id].append((delta_id, person))
    return found


def effect_results(session: Session, case_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """case id -> what the record system answered, e.g. the new permits' numbers."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = session.exec(
        select(EffectRow).where(col(EffectRow.case_id).in_(case_ids)).order_by(col(EffectRow.key))
    )
    for row in rows:
        told = found[row.case_id]
        if row.kind == EffectKind.TOLERATE:  # what the letter was to say of the last day
            data = EFFECT.validate_json(row.effect).data
            for name in data["told_as"].split():
                told[name] = max(told.get(name, ""), data[OLD_UNTIL])
        for name, value in json.loads(row.result).items():
            told[name] = f"{told[name]}, {value}" if name in told else value
    return found


def targets(session: Session, batch: Collection[CaseRow]) -> dict[str, CaseRow]:
    """case id -> the case that it is about: which it follows up, or whose event it takes back."""
    followed = {case.follows for case in batch if case.follows}
    known = {row.id: row for row in session.exec(select(CaseRow).where(_ids(followed)))}
    found = {case.id: known[case.follows] for case in batch if case.follows in known}
    own = {case.delta_id: case.id for case in batch if not case.follows and case.delta_id}
    taken_back = select(DeltaRow.id, DeltaRow.reverses, DeltaRow.person_id).where(
        col(DeltaRow.id).in_(own), col(DeltaRow.reverses) != ""
    )
    signs = {(person, sign): delta_id for delta_id, sign, person in session.exec(taken_back)}
    if not signs:
        return found
    services = {case.id: case.service for case in batch}
    for row, event in session.exec(
        select(CaseRow, DeltaRow.event)
        .join(DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id))
        .where(col(CaseRow.person_id).in_({person for person, _ in signs}), CaseRow.cause == "")
        .where(col(DeltaRow.event).in_({sign for _, sign in signs}))
    ):
        delta_id = signs.get((row.person_id, event)) or 0
        case_id = own.get(delta_id)
        if case_id and delta_id != row.delta_id and services[case_id] == row.service:
            found[case_id] = row
    return found


def _ids(ids: Collection[str]) -> Any:
    return col(CaseRow.id).in_(ids)


@dataclass(frozen=True)
class Done:
    """An effect that was carried out, as it is stored."""

    key: str
    case_id: str
    effect: Effect
    inverse: Effect
    result: dict[str, str]


@dataclass(frozen=True)
class Touch:
    """Which records an effect that was carried out has touched.

    `undoes`: of one that took another back, the key of that one; empty once it is forgotten.
    """

    key: str
    case_id: str
    records: frozenset[str]
    undoes: str | None


def carried_out(session: Session, case_ids: Collection[str]) -> dict[str, list[Done]]:
    """case id -> effects of the case and of all that followed it up, in their order."""
    found: dict[str, list[Done]] = defaultdict(list)
    if not case_ids:
        return found
    rows = session.exec(
        select(EffectRow, CaseRow.id, CaseRow.follows)
        .join(CaseRow, col(CaseRow.id) == col(EffectRow.case_id))
        .where(or_(_ids(case_ids), col(CaseRow.follows).in_(case_ids)))
        .order_by(col(EffectRow.done_at), col(EffectRow.key))
    )
    for row, case_id, follows in rows:
        done = _done(row)
        for target in {case_id, follows} & set(case_ids):
            found[target].append(done)
    return found


def touches_of(session: Session, people: Collection[str]) -> dict[str, list[Touch]]:
    """person id -> what the effects of all their cases have touched, in their order."""
    found: dict[str, list[Touch]] = defaultdict(list)
    rows = session.execute(
        select_columns(
            col(CaseRow.person_id),
            col(EffectRow.key),
            col(EffectRow.case_id),
            col(EffectRow.kind),
            col(EffectRow.record),
            col(EffectRow.result),
            col(EffectRow.effect),
        )
        .join(CaseRow, col(CaseRow.id) == col(EffectRow.case_id))
        .where(col(CaseRow.person_id).in_(people))
        .order_by(col(EffectRow.done_at), col(EffectRow.key))
    )
    for row in rows:
        restores = row.kind == EffectKind.RESTORE
        undoes = EFFECT.validate_json(row.effect).data.get("undo", "") if restores else None
        records = frozenset((row.record, *json.loads(row.result).values()))
        found[row.person_id].append(Touch(row.key, row.case_id, records, undoes))
    return found


def _done(row: EffectRow) -> Done:
    effect, inverse = EFFECT.validate_json(row.effect), EFFECT.validate_json(row.inverse)
    return Done(row.key, row.case_id, effect, inverse, json.loads(row.result))


def untold(session: Session, municipality: str, today: date, prompted: bool) -> list[str]:
    """Cases that were decided before today, and whose letter has not left: not written yet, or
    ready."""
    ready = (
        select(SectionRow.case_id)
        .join(LetterRow, col(LetterRow.id) == col(SectionRow.letter_id))
        .where(LetterRow.municipality == municipality, LetterRow.status == "ready")
    )
    written = (col(CaseRow.status) == Status.LETTERED) & col(CaseRow.id).in_(ready)
    query = (
        select(CaseRow.id)
        .where(CaseRow.municipality == municipality)
        .where(or_(col(CaseRow.status) == Status.ACTED, written))
        .where(col(CaseRow.decided_on) < today)
        .where(*([col(CaseRow.prompted).is_(True)] if prompted else []))
        .order_by(col(CaseRow.id))
    )
    return list(session.exec(query))


def successors(session: Session, people: Collection[str]) -> dict[str, str]:
    """Number of a record -> number of the one that was put in its place."""
    rows = session.exec(
        select(EffectRow.record, EffectRow.result)
        .join(CaseRow, col(CaseRow.id) == col(EffectRow.case_id))
        .where(col(CaseRow.person_id).in_(people))
        .order_by(col(EffectRow.done_at), col(EffectRow.key))
    )
    return {record: number for record, result in rows for number in json.loads(result).values()}


def told(session: Session, case_ids: Collection[str]) -> set[str]:
    """Cases of which the resident may have a letter."""
    query = (
        select(SectionRow.case_id)
        .join(LetterRow, col(LetterRow.id) == col(SectionRow.letter_id))
        .where(col(SectionRow.case_id).in_(case_ids), col(LetterRow.status).in_(LEFT))
    )
    return set(session.exec(query))


def a_letter_told(session: Session, municipality: str, code: str) -> tuple[str, str] | None:
    """(case id, birth date) of the first letter with this code that has left."""
    row = session.exec(
        select(CaseRow.id, PersonRow.born)
        .join(PersonRow, col(PersonRow.id) == col(CaseRow.person_id))
        .where(CaseRow.municipality == municipality, CaseRow.code == code)
        .where(CaseRow.status == Status.SENT)
        .order_by(col(CaseRow.delta_id))
    ).first()
    return (row[0], row[1]) if row else None


def opted_out(session: Session, service: str, informs: bool, people: Collection[str]) -> set[str]:
    """People whom the service leaves alone. `informs`: it does nothing but inform."""
    names = [service, *([""] if informs else [])]
    query = select(OptOut.person_id).where(
        col(OptOut.person_id).in_(people), col(OptOut.service).in_(names)
    )
    return set(session.exec(query))


def replies(session: Session, ids: Collection[str]) -> dict[str, Reply]:
    """reply id -> what was answered."""
    rows = session.exec(select(ReplyRow).where(col(ReplyRow.id).in_(ids)))
    return {row.id: Reply(ReplyKind(row.kind), Scope(row.scope), row.received_on) for row in rows}


def to_answer(row: AnswerRow) -> Answer:
    return Answer(row.code, row.choice, row.by, STATED.validate_json(row.stated))


def chosen(session: Session, answer_ids: Collection[str]) -> dict[str, tuple[Choice, Answer]]:
    """answer id -> what the clerk chose, as it was offered, and the answer."""
    found = {}
    for answer, question in session.exec(
        select(AnswerRow, QuestionRow)
        .join(QuestionRow, col(QuestionRow.id) == col(AnswerRow.question_id))
        .where(col(AnswerRow.id).in_(answer_ids))
    ):
        choices = CHOICES.validate_json(question.choices)
        choice = next(choice for choice in choices if choice.name == answer.choice)
        found[answer.id] = choice, to_answer(answer)
    return found
