"""Since when a service looks at a municipality's changes, and how far it has looked back."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sqlalchemy import delete, exists, func, update
from sqlmodel import Session, col, select

from tasks.domain.delta import DeltaKind
from tasks.state.database import upsert
from tasks.state.tables import CaseRow, DeltaRow, ServiceStart


def starts(session: Session, municipality: str) -> dict[str, ServiceStart]:
    query = select(ServiceStart).where(ServiceStart.municipality == municipality)
    return {row.service: row for row in session.exec(query)}


def all_starts(session: Session) -> dict[str, dict[str, ServiceStart]]:
    """municipality -> service -> its start."""
    found: dict[str, dict[str, ServiceStart]] = {}
    for row in session.exec(select(ServiceStart)):
        found.setdefault(row.municipality, {})[row.service] = row
    return found


def keep_start(session: Session, municipality: str, service: str, since: date, to: date) -> None:
    row = {"municipality": municipality, "service": service, "since": since, "reaches_to": to}
    upsert(session, ServiceStart, [row], ["municipality", "service"], ["since", "reaches_to"])


def drop_starts(session: Session, municipality: str, services: Collection[str]) -> None:
    """They are off now: switched on again they begin anew."""
    mine = col(ServiceStart.municipality) == municipality
    session.execute(delete(ServiceStart).where(mine, col(ServiceStart.service).in_(services)))


def has_deltas(session: Session, municipality: str) -> bool:
    query = select(DeltaRow.id).where(DeltaRow.municipality == municipality).limit(1)
    return session.exec(query).first() is not None


def with_deltas(session: Session, municipalities: Collection[str]) -> set[str]:
    """Those of them that have any change."""
    named = col(DeltaRow.municipality).in_(municipalities)
    return set(session.exec(select(DeltaRow.municipality).where(named).distinct()))


def first_waiting(session: Session, municipality: str) -> date | None:
    """The day of the first change that nobody was offered yet."""
    return session.exec(
        select(func.min(DeltaRow.received_on)).where(
            DeltaRow.municipality == municipality, col(DeltaRow.linked).is_(False)
        )
    ).one()


def offer_again(
    session: Session, municipality: str, service: str, kinds: Collection[DeltaKind], since: date
) -> int:
    """Changes that arrived since that day and have no case of the service are linked once more."""
    offered = session.execute(
        update(DeltaRow)
        .where(*_told(municipality, kinds), col(DeltaRow.received_on) >= since)
        .where(~_has_case(service), col(DeltaRow.linked).is_(True))
        .values(linked=False)
        .execution_options(synchronize_session=False)
    )
    return int(offered.rowcount)  # type: ignore[attr-defined]


def count_passed_over(
    session: Session, municipality: str, service: str, kinds: Collection[DeltaKind]
) -> int:
    """Changes that are linked, and have no case of the service."""
    return _count(
        session, *_told(municipality, kinds), ~_has_case(service), col(DeltaRow.linked).is_(True)
    )


def count_not_looked_at(session: Session, municipality: str, kinds: Collection[DeltaKind]) -> int:
    """Changes of these kinds that no service has a case on."""
    return _count(session, *_told(municipality, kinds), ~_has_case())


def reach(rows: Mapping[str, ServiceStart], service: str) -> date:
    """The day from which on a change is the service's to look at."""
    return rows[service].reaches_to if service in rows else date.min


def _count(session: Session, *conditions: Any) -> int:
    return session.exec(select(func.count()).select_from(DeltaRow).where(*conditions)).one()


def _told(municipality: str, kinds: Collection[DeltaKind]) -> tuple[Any, ...]:
    """What was forgotten says nothing any more."""
    return (
        col(DeltaRow.municipality) == municipality,
        col(DeltaRow.kind).in_([kind.value for kind in kinds]),
        col(DeltaRow.before).is_not(None) | col(DeltaRow.after).is_not(None),
    )


def _has_case(service: str = "") -> Any:
    mine = [col(CaseRow.service) == service] if service else []
    return exists().where(col(CaseRow.delta_id) == col(DeltaRow.id), *mine)
