"""Letters that residents hold in their hands: their tokens, and the desk that these open."""

import hashlib
from datetime import date
from typing import Any

from sqlmodel import col, select, update

from tasks.desks.residents import StateResidentDesk
from tasks.render import REPLY
from tasks.replies.desk import BirthDate
from tasks.replies.tokens import Token, digest, token_for
from tasks.state.database import TABLES, reading, writing
from tasks.state.tables import CaseRow, DecisionRow, EffectRow, LetterRow, SectionRow
from tests.steps.conftest import Deliver
from tests.town import Town

DAY = date(2026, 11, 23)
SWITCHED = BirthDate(1991, 7, 30)  # Łukasz Wójcik, whose permit was switched
UPDATED = BirthDate(1984, 3, 12)  # Antje Brandt, whose address was put right
RENAMED = BirthDate(1996, 4, 11)  # Tim Neumann, who has a new name
WRONG_DATE = BirthDate(1991, 7, 31)


def post_letters(town: Town, deliver: Deliver) -> dict[str, str]:
    """code of the decision -> case of the letter that went out."""
    deliver(town, DAY.isoformat(), "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    return posted(town)


def posted(town: Town) -> dict[str, str]:
    """code of the decision -> case of its letter."""
    with reading(town.opened.engine) as session:
        rows = session.exec(
            select(CaseRow).where(col(CaseRow.id).in_(select(SectionRow.case_id)))
        ).all()
        return {row.code: row.id for row in rows}


def desk_of(town: Town, today: date = DAY) -> StateResidentDesk:
    return StateResidentDesk(town.settings, lambda municipality: today)


def token(town: Town, case: str) -> Token:
    return token_for(case, REPLY, town.settings.signing_key())


def door(town: Town, case: str) -> str:
    return desk_of(town).by_link(token(town, case).link_secret)


def change(town: Town, model: Any, where: Any, **values: object) -> None:
    with writing(town.opened.engine) as session:
        session.execute(update(model).where(where).values(values))


def change_section(town: Town, case: str, **values: object) -> None:
    change(town, SectionRow, col(SectionRow.case_id) == case, **values)


def section(town: Town, case: str) -> SectionRow:
    with reading(town.opened.engine) as session:
        return session.exec(select(SectionRow).where(SectionRow.case_id == case)).one()


def change_letter(town: Town, case: str, **values: object) -> None:
    change(town, LetterRow, col(LetterRow.id) == section(town, case).letter_id, **values)


def add_part(town: Town, case: str, **fields: object) -> str:
    """A second service's part in the same letter, with a token of its own."""
    other = "c-secondpart00"
    key = town.settings.signing_key()
    made = token(town, other)
    with writing(town.opened.engine) as session:
        first = session.exec(select(CaseRow).where(CaseRow.id == case)).one()
        session.add(CaseRow(**(first.model_dump() | {"id": other, "cause": "test"} | fields)))
        session.flush()
        for decision in session.exec(select(DecisionRow).where(DecisionRow.case_id == case)):
            session.add(DecisionRow(**(decision.model_dump() | {"id": None, "case_id": other})))
        for effect in session.exec(select(EffectRow).where(EffectRow.case_id == case)):
            copied = {"key": f"{effect.key}-2", "case_id": other}
            session.add(EffectRow(**(effect.model_dump() | copied)))
        part = session.exec(select(SectionRow).where(SectionRow.case_id == case)).one()
        own = {
            "id": None,
            "case_id": other,
            "token_digest": digest(made.link_secret, key),
            "short_code_digest": digest(made.short_code, key),
        }
        session.add(SectionRow(**(part.model_dump() | own)))
    return other


def dump(town: Town) -> dict[str, list[Any]]:
    """Every row of every table; what is long as a digest."""
    with town.opened.engine.connect() as connection:
        return {
            table.name: sorted(map(_row, connection.execute(table.select()))) for table in TABLES
        }


def _row(row: Any) -> str:
    text = repr(tuple(row))
    return text if len(text) < 2000 else hashlib.sha256(text.encode()).hexdigest()
