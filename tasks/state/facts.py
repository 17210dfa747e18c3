"""What a decision may look at, read for a whole batch at a time."""

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.case import UNDONE_YET, Status
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.person import Person, PersonKey
from tasks.domain.service import LaterEvent
from tasks.state.documents import load_person
from tasks.state.tables import CaseRow, DeltaRow, EffectRow, PersonRow, QuestionRow


def people_now(session: Session, people: Collection[str]) -> dict[str, Person | None]:
    """person id -> the person as known today; None for one who is gone from the register."""
    rows = session.exec(select(PersonRow).where(col(PersonRow.id).in_(people)))
    return {row.id: None if row.gone else load_person(row.snapshot) for row in rows}


def deltas(session: Session, ids: Collection[int]) -> dict[int, Delta]:
    rows = session.execute(
        select_columns(DeltaRow, col(PersonRow.ags), col(PersonRow.number))
        .join(PersonRow, col(PersonRow.id) == col(DeltaRow.person_id))
        .where(col(DeltaRow.id).in_(ids))
    )
    return {row.id: to_delta(row, PersonKey(ags, number)) for row, ags, number in rows}


def to_delta(row: DeltaRow, key: PersonKey) -> Delta:
    return Delta(
        key=key,
        event=row.event,
        kind=DeltaKind(row.kind),
        received_on=row.received_on,
        reason_code=row.reason_code,
        before=load_person(row.before),
        after=load_person(row.after),
        reverses=row.reverses,
    )


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
    """person id -> (case id, delta id) of cases that wait for a clerk, wholly or in part."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for person_id, case_id, delta_id in session.execute(
        select_columns(col(CaseRow.person_id), col(CaseRow.id), col(CaseRow.delta_id))
        .join(QuestionRow, col(QuestionRow.case_id) == col(CaseRow.id))
        .where(
            col(QuestionRow.status) == "open",
            col(CaseRow.service) == service,
            col(CaseRow.person_id).in_(people),
        )
    ):
        found[person_id].append((case_id, delta_id or 0))
    return found


def homes_left_in_vain(
    session: Session, service: str, people: Collection[str]
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
            col(CaseRow.status).in_([status.value for status in (*UNDONE_YET, Status.SUPPRESSED)]),
            col(DeltaRow.address_changed).is_(True),
        )
    ):
        if person := load_person(before):
            found[person_id].append((delta_id, person))
    return found


def effect_results(session: Session, case_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """case id -> what the record system answered, e.g. the new permit's number."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    rows = session.exec(select(EffectRow).where(col(EffectRow.case_id).in_(case_ids)))
    for row in rows:
        found[row.case_id].update(json.loads(row.result))
    return found


def acted_events(session: Session, service: str, people: Collection[str]) -> dict[str, set[str]]:
    """person id -> event signs on which an effect was carried out."""
    found: dict[str, set[str]] = defaultdict(set)
    for person_id, event in session.execute(
        select_columns(col(CaseRow.person_id), col(DeltaRow.event))
        .join(EffectRow, col(EffectRow.case_id) == col(CaseRow.id))
        .join(DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id))
        .where(col(CaseRow.service) == service, col(CaseRow.person_id).in_(people))
    ):
        found[person_id].add(event)
    return found
