"""One case for each change and service, also where a process died or two are at it."""

from datetime import date

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from tasks.state.database import insert_rows, new_id, reading, writing
from tasks.state.tables import CaseRow, DeltaRow
from tests.town import Town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def all_cases(town: Town) -> list[CaseRow]:
    with reading(town.opened.engine) as session:
        return list(session.exec(select(CaseRow).order_by(CaseRow.id)))


def test_a_change_linked_again_after_a_crash_keeps_its_first_case(town: Town) -> None:
    first = town.run_day(DAY, *FILES, until="decide")
    before = town.cases()
    with writing(town.opened.engine) as session:
        for delta in session.exec(select(DeltaRow)):
            delta.linked = False

    counts = town.run_day(DAY, until="link")

    assert counts["linked"] == first["linked"] > 0
    assert not counts["cases"]
    assert town.cases() == before


def test_the_database_itself_refuses_a_second_case_of_a_change_and_service(town: Town) -> None:
    town.run_day(DAY, *FILES, until="link")
    first = all_cases(town)[0]

    with pytest.raises(IntegrityError), writing(town.opened.engine) as session:
        insert_rows(session, CaseRow, [first.model_dump() | {"id": new_id("c")}])
