"""Cases: born once for a delta and a service, moved only along the table of transitions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import Update, and_, bindparam, or_, update
from sqlalchemy import select as select_columns
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from tasks.domain.case import BEFORE_STEP, UNDONE_YET, Status, Step, may_become
from tasks.state import decisions
from tasks.state.database import (
    Engine,
    Row,
    insert_missing,
    insert_rows,
    new_id,
    table_of,
    utcnow,
    writing,
)
from tasks.state.tables import CaseRow, DeltaRow, History, RecordLink


def deltas_to_link(session: Session, municipality: str) -> list[int]:
    query = select_columns(col(DeltaRow.id)).where(
        col(DeltaRow.municipality) == municipality, col(DeltaRow.linked).is_(False)
    )
    return list(session.scalars(query.order_by(col(DeltaRow.id))))


def load_deltas(session: Session, ids: Collection[int]) -> Sequence[DeltaRow]:
    query = select(DeltaRow).where(col(DeltaRow.id).in_(ids))
    return session.exec(query.order_by(col(DeltaRow.id))).all()


def opened_by(session: Session, delta_id: int) -> list[CaseRow]:
    """The cases that services have on this change and did nothing about yet."""
    query = select(CaseRow).where(CaseRow.delta_id == delta_id, CaseRow.status == Status.OPEN)
    return list(session.exec(query.order_by(col(CaseRow.id))))


def mark_linked(session: Session, ids: Sequence[int]) -> None:
    delta = table_of(DeltaRow)  # nobody looks at the objects of these rows any more
    session.execute(update(delta).where(delta.c.id.in_(ids)).values(linked=True))


def keep_links(session: Session, rows: Sequence[Row]) -> None:
    insert_missing(session, RecordLink, rows)


def links_of(
    session: Session, municipality: str, records: str, people: Collection[str]
) -> dict[str, list[RecordLink]]:
    found: dict[str, list[RecordLink]] = {person: [] for person in people}
    for link in session.exec(
        select(RecordLink).where(
            RecordLink.municipality == municipality,
            RecordLink.records == records,
            col(RecordLink.person_id).in_(people),
        )
    ):
        found[link.person_id].append(link)
    return found


def services_of(session: Session, person_id: str, event: str) -> list[str]:
    """The services that have a case on this event of the person."""
    query = (
        select(CaseRow.service)
        .join(DeltaRow, col(DeltaRow.id) == col(CaseRow.delta_id))
        .where(CaseRow.person_id == person_id, CaseRow.cause == "", DeltaRow.event == event)
    )
    return sorted(set(session.exec(query)))


@dataclass(frozen=True, slots=True)
class NewCase:
    delta_id: int
    person_id: str
    service: str
    settles_on: date


def open_cases(
    session: Session, municipality: str, new: Sequence[NewCase], today: date, run: str
) -> int:
    """One case a delta and service (unique key): asked twice, the first stays. Returns how many.

    Earlier cases of the same person and service on which nothing was carried out yet are marked to
    be looked at again: what is known about the person has changed.
    """
    if not new:
        return 0
    known = set(
        session.exec(
            select(CaseRow.delta_id, CaseRow.service).where(
                col(CaseRow.delta_id).in_({case.delta_id for case in new})
            )
        )
    )
    now = utcnow()
    rows = [
        {
            "id": new_id("c"),
            "municipality": municipality,
            "service": case.service,
            "person_id": case.person_id,
            "delta_id": case.delta_id,
            "status": Status.OPEN.value,
            "settles_on": case.settles_on,
            "due_on": today,
            "run": run,
            "created_at": now,
            "updated_at": now,
        }
        for case in new
        if (case.delta_id, case.service) not in known
    ]
    insert_rows(session, CaseRow, rows)
    session.flush()
    return len(rows)


def open_follow_up(session: Session, case: CaseRow, cause: str, today: date, run: str) -> CaseRow:
    """The case that follows `case` up because of `cause` ("reply:r-…", "answer:a-…"), once."""
    known = select(CaseRow).where(CaseRow.follows == case.id, CaseRow.cause == cause)
    if (row := session.exec(known).first()) is not None:
        return row
    now = utcnow()
    row = CaseRow(
        id=new_id("c"),
        municipality=case.municipality,
        service=case.service,
        person_id=case.person_id,
        delta_id=case.delta_id,
        trigger_date=case.trigger_date,
        status=Status.OPEN,
        follows=case.id,
        cause=cause,
        prompted=True,
        settles_on=today,
        due_on=today,
        run=run,
        created_at=now,
        updated_at=now,
    )
    session.add(row)
    session.flush()
    return row


def hold(session: Session, people: Collection[str]) -> None:
    """Until the transaction ends nobody else changes a case of these people.

    All of a person's cases, and in one order: a clerk's answer takes no lock of the municipality,
    and two that each held a case which the other wants would wait for ever. Keys stay free, since
    a reply that is being recorded refers to a case and must wait for nobody. SQLite has one writer.
    """
    if people and session.get_bind().dialect.name != "sqlite":
        session.execute(
            select_columns(col(CaseRow.id))
            .where(col(CaseRow.person_id).in_(people))
            .order_by(col(CaseRow.delta_id), col(CaseRow.id))
            .with_for_update(key_share=True)
        ).all()


def mark_recheck(session: Session, municipality: str, people: Collection[str]) -> None:
    """Something new is known about these people: cases not carried out yet are decided again."""
    if people:
        hold(session, people)
        session.execute(
            update(CaseRow)
            .where(
                col(CaseRow.municipality) == municipality,
                col(CaseRow.person_id).in_(people),
                col(CaseRow.status).in_([status.value for status in UNDONE_YET]),
            )
            .values(recheck=True)
        )


def acting(session: Session, municipality: str) -> list[CaseRow]:
    """Granted, and their effects may have reached the record system."""
    query = select(CaseRow).where(
        CaseRow.municipality == municipality,
        CaseRow.status == Status.GRANTED,
        col(CaseRow.acting).is_(True),
    )
    return list(session.exec(query.order_by(col(CaseRow.delta_id), col(CaseRow.id))))


def at_work(today: date) -> Any:
    """Whatever a run finds to do on a case on this day, or began and did not end."""
    status = col(CaseRow.status)
    return or_(
        _due_for_decision(today),
        (status == Status.GRANTED) & (col(CaseRow.settles_on) <= today),
        (status == Status.GRANTED) & col(CaseRow.acting).is_(True),
        status == Status.ACTED,
    )


def _due_for_decision(today: date) -> Any:
    status = col(CaseRow.status)
    return and_(
        status.in_([status.value for status in UNDONE_YET]),
        col(CaseRow.acting).is_(False),
        or_(
            col(CaseRow.recheck).is_(True),
            (status == Status.OPEN) & (col(CaseRow.due_on) <= today),
            # Decided when it arrived; decided again on the day it is carried out.
            (status == Status.GRANTED)
            & (col(CaseRow.settles_on) <= today)
            & (col(CaseRow.decided_on) != today),
        ),
    )


def ids_to_decide(
    session: Session, municipality: str, service: str, today: date, prompted: bool = False
) -> list[str]:
    """In the order of the registry's events, so that a later event meets decided earlier ones.

    `prompted`: only those that a resident or a clerk waits for.
    """
    return list(
        session.exec(
            select(CaseRow.id)
            .where(*([col(CaseRow.prompted).is_(True)] if prompted else []))
            .where(
                CaseRow.municipality == municipality,
                CaseRow.service == service,
                _due_for_decision(today),
            )
            .order_by(col(CaseRow.delta_id), col(CaseRow.created_at), col(CaseRow.id))
        )
    )


def ids_in(
    session: Session,
    municipality: str,
    service: str,
    status: Status,
    settled: date,
    prompted: bool = False,
) -> list[str]:
    return list(
        session.exec(
            select(CaseRow.id)
            .where(*([col(CaseRow.prompted).is_(True)] if prompted else []))
            .where(
                CaseRow.municipality == municipality,
                CaseRow.service == service,
                CaseRow.status == status,
                col(CaseRow.settles_on) <= settled,
            )
            .order_by(col(CaseRow.delta_id), col(CaseRow.id))
        )
    )


def ids_to_tell(session: Session, municipality: str, prompted: bool = False) -> list[str]:
    """Carried out, and the resident does not know yet."""
    return list(
        session.exec(
            select(CaseRow.id)
            .where(*([col(CaseRow.prompted).is_(True)] if prompted else []))
            .where(CaseRow.municipality == municipality, CaseRow.status == Status.ACTED)
            .order_by(col(CaseRow.delta_id), col(CaseRow.id))
        )
    )


def load(
    session: Session, ids: Collection[str], *statuses: Status, held: bool = False
) -> list[CaseRow]:
    """The named cases that (still) have one of the statuses, in the order of events.

    `held`: until the transaction ends nobody changes them. A clerk's answer, which takes no lock of
    the municipality, must not come between looking at a case and deciding it.
    """
    query = select(CaseRow).where(col(CaseRow.id).in_(ids))
    if held:
        people = session.scalars(
            select_columns(col(CaseRow.person_id)).where(col(CaseRow.id).in_(ids))
        )
        hold(session, set(people))
    if statuses:
        query = query.where(col(CaseRow.status).in_([status.value for status in statuses]))
    return list(session.exec(query.order_by(col(CaseRow.delta_id), col(CaseRow.id))))


@dataclass(frozen=True, slots=True)
class Move:
    """A step of one case along the table of transitions."""

    case: CaseRow
    new: Status
    code: str
    by: str
    changes: Mapping[str, Any]


_MOVED = {  # all that a move may change
    *("status", "code", "failed_step", "outcome", "decided_on", "due_on", "notify"),
    *("recheck", "acting", "prompted", "attempts", "run", "updated_at"),
}


def move(session: Session, moves: Iterable[Move], run: str) -> None:
    """Changes the (attached) cases and writes their history."""
    moves = list(moves)
    hold(session, {step.case.person_id for step in moves})
    session.flush()
    now = utcnow()
    history = []
    rows: dict[str, Row] = {}
    for step in moves:
        case, old = step.case, Status(step.case.status)
        if old is not step.new and not may_become(old, step.new):
            raise AssertionError(f"{old} may not become {step.new}")  # a bug, never data
        if old is not step.new or step.code != case.code:
            history.append(
                {
                    "municipality": case.municipality,
                    "case_id": case.id,
                    "at": now,
                    "old": old.value,
                    "new": step.new.value,
                    "code": step.code,
                    "by": step.by,
                    "run": run,
                }
            )
        told = {"status": step.new.value, "code": step.code, "run": run, "updated_at": now}
        changes = {"failed_step": ""} | dict(step.changes) | told
        assert changes.keys() <= _MOVED
        for name, value in changes.items():
            set_committed_value(case, name, value)  # written below, and not once more by a flush
        rows.setdefault(case.id, {"moved": case.id}).update(changes)
    by_columns: dict[frozenset[str], list[Row]] = {}
    for row in rows.values():
        by_columns.setdefault(frozenset(row), []).append(row)
    for columns, alike in by_columns.items():
        session.execute(_write(columns - {"moved"}), alike)
    insert_rows(session, History, history)


@cache
def _write(columns: frozenset[str]) -> Update:
    """One statement for all moves of a batch that change the same columns."""
    known = update(table_of(CaseRow)).where(col(CaseRow.id) == bindparam("moved"))
    return known.values({name: bindparam(name) for name in sorted(columns)})


def fail(
    session: Session, cases: Iterable[CaseRow], step: Step, codes: Mapping[str, str], run: str
) -> None:
    """`codes`: case id -> code. The case continues at `step` when it is run again."""
    move(
        session,
        [
            Move(
                case,
                Status.FAILED,
                codes[case.id],
                "pipeline",
                {"failed_step": step.value, "attempts": case.attempts + 1, "acting": False},
            )
            for case in cases
        ],
        run,
    )


def park(engine: Engine, step: Step, run: str, case_id: str, code: str) -> None:
    """Fails one case at `step`, in a transaction of its own."""
    with writing(engine) as session:
        fail(session, load(session, [case_id], held=True), step, {case_id: code}, run)


def resume(session: Session, failed: Sequence[CaseRow], reason: str, run: str) -> None:
    """Back to where the failed step began, with the code that the last decision gave.

    A case that waits for a clerk since its letter was stopped goes back to that letter.
    """
    decided = decisions.last_decisions(session, [case.id for case in failed])
    move(
        session,
        [
            Move(
                case,
                BEFORE_STEP[Step(case.failed_step or Step.SEND)],
                decided[case.id][0].code if case.id in decided else "",
                f"admin: {reason}",
                {"acting": False},
            )
            for case in failed
        ],
        run,
    )
