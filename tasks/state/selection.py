"""Which cases an admin means: by status, code, service, run or by their ids."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from tasks.domain.case import Status
from tasks.state.database import reading
from tasks.state.tables import CaseRow, History


@dataclass(frozen=True)
class Selection:
    """Every criterion narrows; an empty one does not."""

    statuses: tuple[str, ...] = (Status.FAILED.value,)
    codes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    run: str = ""  # cases that this run moved
    case_ids: tuple[str, ...] = ()


def find(session: Session, municipality: str, wanted: Selection) -> list[str]:
    query = select(CaseRow.id).where(CaseRow.municipality == municipality)
    for column, values in (
        (CaseRow.status, wanted.statuses),
        (CaseRow.code, wanted.codes),
        (CaseRow.service, wanted.services),
        (CaseRow.id, wanted.case_ids),
    ):
        if values:
            query = query.where(col(column).in_(values))
    if wanted.run:
        touched = select(History.case_id).where(History.run == wanted.run)
        query = query.where(col(CaseRow.id).in_(touched))
    return list(session.exec(query.order_by(col(CaseRow.delta_id), col(CaseRow.id))))


def of_service(engine: Engine, service: str, ids: Collection[str]) -> Sequence[str]:
    with reading(engine) as session:
        query = select(CaseRow.id).where(CaseRow.service == service, col(CaseRow.id).in_(ids))
        return session.exec(query).all()
