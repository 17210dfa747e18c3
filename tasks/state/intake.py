"""What is known of deliveries: their numbers, what was refused, what lies in quarantine."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select

from tasks.domain.person import Person, PersonKey
from tasks.state.database import upsert, utcnow
from tasks.state.documents import Read, load_person
from tasks.state.tables import Cursor, Delivery, PersonRow, Quarantine


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


def had_full(session: Session, delivery: Delivery) -> bool:
    """Whether everyone was told of before this delivery: who is unknown then has come since."""
    query = select(Delivery.id).where(
        Delivery.municipality == delivery.municipality,
        Delivery.source == delivery.source,
        Delivery.kind == "full",
        Delivery.status == "accepted",
        Delivery.id != delivery.id,
    )
    return session.exec(query.limit(1)).first() is not None


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
    session: Session, municipality: str, dates: Collection[str], read: Read = load_person
) -> list[tuple[str, Person]]:
    """(person id, snapshot) of everyone registered with one of these birth dates."""
    found = _registered(municipality).where(col(PersonRow.born).in_(dates))
    return [(one, person) for one, text in session.exec(found) if (person := read(text))]


def people_under(
    session: Session, municipality: str, keys: Collection[PersonKey], read: Read = load_person
) -> list[tuple[str, Person]]:
    """(person id, snapshot) of everyone registered under one of these keys."""
    numbers = {key.number for key in keys}
    found = session.exec(_registered(municipality).where(col(PersonRow.number).in_(numbers)))
    people = [(one, person) for one, text in found if (person := read(text))]
    return [(one, person) for one, person in people if person.key in keys]


def _registered(municipality: str) -> Any:
    """(person id, snapshot) of everyone who is in the register."""
    return select(PersonRow.id, PersonRow.snapshot).where(
        PersonRow.municipality == municipality, col(PersonRow.gone).is_(False)
    )


def key_lengths(session: Session, municipality: str) -> frozenset[int]:
    """How long the registry's keys are; none before its first delivery."""
    lengths = select_columns(func.length(col(PersonRow.number))).where(
        col(PersonRow.municipality) == municipality
    )
    return frozenset(session.execute(lengths.distinct()).scalars())
