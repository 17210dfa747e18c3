"""Takes a delivery in: mirror, deltas, quarantine and cursor in one transaction, or nothing.

A truncated file hands out records before its error; since everything happens in the caller's one
transaction, an error on the last byte of the last packet leaves no trace of the first.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.delta import DeltaKind, address_changed
from tasks.domain.person import Person, PersonKey
from tasks.state.database import insert_rows, new_id, upsert, utcnow
from tasks.state.documents import PERSON, dump, load_person
from tasks.state.tables import Cursor, Delivery, DeltaRow, PersonRow, Quarantine

# (kind by code, before, after) -> kind by the snapshots
# What one record says of the person before and after it, on the day it arrives; mostly one thing.
Told = tuple[DeltaKind, Person | None, Person | None]
Tell = Callable[[DeltaKind, Person | None, Person | None, date], Sequence[Told]]

_REVERSALS = {
    DeltaKind.MOVE_REVERSED: {DeltaKind.MOVE, DeltaKind.ADDRESS_UPDATE, DeltaKind.MOVE_AWAY},
    DeltaKind.DEATH_REVERSED: {DeltaKind.DEATH},
    DeltaKind.OTHER_REVERSED: {DeltaKind.DELETION},  # 41: only of a person who was gone
}

PART = "*"  # ends the sign of what a record says before its last word


@dataclass(frozen=True, slots=True)
class Incoming:
    """One good record of a packet, as any registry format yields it."""

    packet: int
    position: int
    event: str
    event_time: datetime
    code: str
    kind: DeltaKind
    key: PersonKey
    person: Person | None


def last_number(session: Session, municipality: str, source: str) -> int | None:
    """None before the first delivery."""
    cursor = session.get(Cursor, (municipality, source))
    return cursor.number if cursor else None


def why_stopped(session: Session, municipality: str, source: str) -> str:
    """The code with which a number that is still due, or one after it, was refused; or ""."""
    due = (last_number(session, municipality, source) or 0) + 1
    rejected = session.exec(
        select(Delivery)
        .where(Delivery.municipality == municipality, Delivery.source == source)
        .where(Delivery.status == "rejected")
        .where(or_(col(Delivery.number) >= due, col(Delivery.number) == 0))
        .order_by(col(Delivery.number))
    ).first()
    return rejected.code if rejected else ""


def settle_unreadable(session: Session, municipality: str, source: str) -> None:
    """Files without a readable number stop the intake until the number that is due has come."""
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.municipality) == municipality,
            col(Delivery.source) == source,
            col(Delivery.number) == 0,
        )
        .values(status="settled")
    )


def quarantined(session: Session, delivery: Delivery) -> Sequence[Quarantine]:
    return session.exec(
        select(Quarantine)
        .where(Quarantine.delivery_id == delivery.id)
        .order_by(col(Quarantine.packet), col(Quarantine.position))
    ).all()


def find_delivery(session: Session, municipality: str, source: str, number: int) -> Delivery | None:
    return session.exec(
        select(Delivery).where(
            Delivery.municipality == municipality,
            Delivery.source == source,
            Delivery.number == number,
        )
    ).one_or_none()


def note_delivery(session: Session, noted: Delivery) -> Delivery:
    """Keeps one row a number: a second attempt replaces what was noted of the first."""
    known = find_delivery(session, noted.municipality, noted.source, noted.number)
    if known is None:
        session.add(noted)
        session.flush()
        return noted
    for name, value in noted.model_dump(exclude={"id", "attempts", "created_at"}).items():
        setattr(known, name, value)
    known.attempts += 1
    session.flush()
    return known


def move_cursor(session: Session, municipality: str, source: str, number: int) -> None:
    upsert(
        session,
        Cursor,
        [{"municipality": municipality, "source": source, "number": number}],
        ["municipality", "source"],
        ["number"],
    )


def take_in(
    session: Session,
    delivery: Delivery,
    records: list[Incoming],
    tell: Tell,
    received_on: date,
) -> int:
    """One chunk of records in the registry's order. Returns how many of them are deltas."""
    people = _load_people(session, delivery.municipality, {record.key for record in records})
    deltas, touched = [], {}
    for record in records:
        row = people.get(record.key)
        before = row.person if row and not row.gone else None
        told = tell(record.kind, before, record.person, received_on)
        if row is None:
            row = people[record.key] = _Mirror(new_id("p"), record.person, False)
        deltas += [
            _delta(delivery, record, one, len(told) - place, row.id, received_on)
            for place, one in enumerate(told, start=1)
            if one[0] is not DeltaKind.STOCK
        ]
        row.person = record.person or row.person
        row.gone = record.person is None
        touched[record.key] = row
    upsert(
        session,
        PersonRow,
        [
            {
                "id": row.id,
                "municipality": delivery.municipality,
                "ags": key.ags,
                "number": key.number,
                "born": str(row.person.born) if row.person and not row.gone else "",
                "snapshot": dump(PERSON, row.person) if row.person else "",
                "gone": row.gone,
            }
            for key, row in touched.items()
        ],
        ["municipality", "ags", "number"],
        ["born", "snapshot", "gone"],
    )
    _name_what_is_reversed(session, deltas)
    insert_rows(session, DeltaRow, deltas)
    return len(deltas)


@dataclass(slots=True)
class _Mirror:
    id: str
    person: Person | None
    gone: bool


def _load_people(
    session: Session, municipality: str, keys: set[PersonKey]
) -> dict[PersonKey, _Mirror]:
    found = session.execute(
        select_columns(
            col(PersonRow.id),
            col(PersonRow.ags),
            col(PersonRow.number),
            col(PersonRow.snapshot),
            col(PersonRow.gone),
        )
        .where(col(PersonRow.municipality) == municipality)
        .where(col(PersonRow.number).in_([key.number for key in keys]))
    )
    return {
        PersonKey(ags, number): _Mirror(row_id, load_person(snapshot), gone)
        for row_id, ags, number, snapshot, gone in found
    }


def _delta(
    delivery: Delivery,
    record: Incoming,
    told: Told,
    before_the_last: int,
    person_id: str,
    received_on: date,
) -> dict[str, object]:
    """`before_the_last`: 0 for what a record says last, which alone carries its own sign."""
    kind, before, after = told
    # Data minimisation: what no service may look at is counted, not kept.
    kept = kind is not DeltaKind.IRRELEVANT
    return {
        "municipality": delivery.municipality,
        "source": delivery.source,
        "delivery_no": delivery.number,
        "packet": record.packet,
        "position": record.position,
        "part": before_the_last,
        "event": record.event + PART * before_the_last,
        "event_time": record.event_time,
        "received_on": received_on,
        "kind": kind.value,
        "reason_code": record.code,
        "reverses": "",
        "address_changed": kept and address_changed(before, after),
        "person_id": person_id,
        "before": dump(PERSON, before) if kept and before else None,
        "after": dump(PERSON, after) if kept and after else None,
        "linked": not kept,
    }


def _name_what_is_reversed(session: Session, deltas: list[dict[str, object]]) -> None:
    """A reversal names no earlier event; it takes back the latest one of the kind it undoes that
    was not taken back before."""
    for position, delta in enumerate(deltas):
        kinds = _REVERSALS.get(DeltaKind(str(delta["kind"])))
        if not kinds or (DeltaKind.DELETION in kinds and delta["before"]):
            continue
        stored = session.exec(
            select(DeltaRow.event, DeltaRow.kind, DeltaRow.reverses)
            .where(DeltaRow.person_id == delta["person_id"])
            .order_by(col(DeltaRow.id))
        )
        earlier = [
            *stored,
            *(
                (str(one["event"]), str(one["kind"]), str(one["reverses"]))
                for one in deltas[:position]
                if one["person_id"] == delta["person_id"]
            ),
        ]
        taken_back = {reverses for _, _, reverses in earlier}
        standing = [
            event for event, kind, _ in earlier if kind in kinds and event not in taken_back
        ]
        delta["reverses"] = standing[-1] if standing else ""


def new_delivery(
    municipality: str, source: str, number: int, kind: str, received_on: date
) -> Delivery:
    return Delivery(
        municipality=municipality,
        source=source,
        number=number,
        kind=kind,
        status="accepted",
        received_on=received_on,
        created_at=utcnow(),
    )


def people_born(
    session: Session, municipality: str, dates: Collection[str]
) -> list[tuple[str, Person]]:
    """(person id, snapshot) of everyone registered with one of these birth dates."""
    rows = session.exec(
        select(PersonRow)
        .where(PersonRow.municipality == municipality, col(PersonRow.gone).is_(False))
        .where(col(PersonRow.born).in_(dates))
    )
    return [(row.id, person) for row in rows if (person := load_person(row.snapshot))]


def people_under(
    session: Session, municipality: str, keys: Collection[PersonKey]
) -> list[tuple[str, Person]]:
    """(person id, snapshot) of everyone registered under one of these keys."""
    rows = session.exec(
        select(PersonRow)
        .where(PersonRow.municipality == municipality, col(PersonRow.gone).is_(False))
        .where(col(PersonRow.number).in_({key.number for key in keys}))
    )
    people = [(row.id, person) for row in rows if (person := load_person(row.snapshot))]
    return [(person_id, person) for person_id, person in people if person.key in keys]


def key_lengths(session: Session, municipality: str) -> frozenset[int]:
    """How long the registry's keys are; none before its first delivery."""
    lengths = select_columns(func.length(col(PersonRow.number))).where(
        col(PersonRow.municipality) == municipality
    )
    return frozenset(session.execute(lengths.distinct()).scalars())
