"""The same week on SQLite and on PostgreSQL: same conclusions, same permits, each letter once."""

import re
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlmodel import select

from tasks.errors import MunicipalityBusy
from tasks.explain import explain
from tasks.settings import settings
from tasks.state.database import open_database, reading
from tasks.state.lock import municipality_lock
from tasks.state.story import list_cases
from tasks.state.tables import DecisionRow, LetterRow
from tests.steps.conftest import Deliver
from tests.town import DELIVERIES, Town, make_town

pytestmark = pytest.mark.both_databases


@pytest.fixture
def any_town(
    home: Path, database_url: str, permits_url: str, monkeypatch: pytest.MonkeyPatch
) -> Town:
    """State and permits in the same kind of database."""
    state = "" if database_url.startswith("sqlite") else database_url
    monkeypatch.setenv("ANTRAGSLOS_DATABASE_URL", state)
    settings.cache_clear()
    open_database.cache_clear()  # the PostgreSQL of the test before was swept
    return make_town(home, database_url=state, permits_url=permits_url)


def week(town: Town, deliver: Deliver) -> None:
    deliver(town, "2026-11-23", "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    deliver(town, "2026-11-24", "0003-deltalieferung-ruecknahme.xml")
    deliver(town, "2026-11-25", "0004-paket1.xml", "0004-paket2.xml")
    deliver(town, "2026-11-26")


def test_the_week_ends_the_same_everywhere(any_town: Town, deliver: Deliver) -> None:
    week(any_town, deliver)

    with reading(any_town.opened.engine) as session:
        found = {
            line.event: (line.status, line.code) for line in list_cases(session, any_town.slug)
        }
        letters = session.exec(select(LetterRow)).all()
    assert found["E0003-0002"] == ("sent", "zone_switched")
    assert found["E0003-0003"] == ("sent", "address_updated")
    assert found["E0003-0005"] == ("sent", "zone_switched")
    assert found["E0002-0002"] == ("suppressed", "superseded")
    assert found["E0002-0013"] == ("open", "future_move")
    assert {letter.status for letter in letters} == {"handed_over"}
    permits = any_town.opened.register.get(["BPA-0002", "BPA-0002/2", "BPA-0004/2"])
    assert [permits[number].zone for number in sorted(permits)] == ["A3", "A1", "A3"]


def test_every_decision_replays_to_the_same(any_town: Town, deliver: Deliver) -> None:
    week(any_town, deliver)

    config = any_town.settings
    with reading(any_town.opened.engine) as session:
        cases = [line.case for line in list_cases(session, any_town.slug)]
        decisions = len(session.exec(select(DecisionRow)).all())
    replayed = [step["replays"] for case in cases for step in explain(case, config)["decisions"]]
    assert len(replayed) == decisions > 20
    assert all(replayed)


def test_a_second_process_is_told_that_the_municipality_is_busy(any_town: Town) -> None:
    inside, leave, told = Event(), Event(), []

    def hold() -> None:
        with municipality_lock(any_town.opened.engine, any_town.slug, any_town.folder):
            inside.set()
            leave.wait(10)

    holder = Thread(target=hold)
    holder.start()
    assert inside.wait(10)
    try:
        with municipality_lock(any_town.opened.engine, any_town.slug, any_town.folder):
            told.append("nothing")
    except MunicipalityBusy as error:
        told.append(error.code)
    finally:
        leave.set()
        holder.join()
    assert told == ["state.municipality_busy"]
    with municipality_lock(any_town.opened.engine, any_town.slug, any_town.folder):
        pass


def test_two_municipalities_never_see_each_others_people(
    any_town: Town, deliver: Deliver, home: Path, database_url: str
) -> None:
    other = make_town(home, "anderswo", database_url=any_town.settings.database_url)
    deliver(any_town, "2026-11-23", "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    deliver(other, "2026-11-23", "0001-gesamtlieferung.xml")

    with reading(any_town.opened.engine) as session:
        assert list_cases(session, "anderswo") == []
        assert len(list_cases(session, any_town.slug)) == 14


def test_news_about_a_held_case_are_not_left_until_its_day(town: Town, deliver: Deliver) -> None:
    deliver(town, "2026-11-23", "0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    path = town.folder / "inbox" / "0003.xml"
    # The mother whose move lies ahead is deleted from the register.
    text = (DELIVERIES / "0002-deltalieferung.xml").read_text()
    head, *records, tail = re.split(r"(?=<xmeld:datensatz>)|(?=</xmeld:xmeldit\.daten)", text)
    (gone,) = [record for record in records if "person.loeschen" in record]
    gone = gone.replace("000000010082", "000000010090").replace("E0002-0017", "E0003-0001")
    path.write_text(head.replace("lieferung>2<", "lieferung>3<") + gone + tail)

    deliver(town, "2026-11-24")

    with reading(town.opened.engine) as session:
        found = {line.event: line.code for line in list_cases(session, town.slug)}
    assert found["E0002-0013"] == "superseded"
    assert found["E0003-0001"] == "holder_vanished"
