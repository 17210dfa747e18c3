"""Effects are carried out on what is true that day, in the record of the person and no other."""

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import select

from flows._pipeline import everything as work
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.errors import RecordsUnavailable
from tasks.records.importing import import_permits
from tasks.records.sql import SqlPermitRegister
from tasks.state import outbox
from tasks.state.database import reading, writing
from tasks.state.story import list_cases
from tasks.state.tables import LetterRow
from tests.steps.conftest import Deliver
from tests.steps.test_send import rendered
from tests.town import Town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


def codes(town: Town) -> dict[str, tuple[str, str]]:
    with reading(town.opened.engine) as session:
        return {line.event: (line.status, line.code) for line in list_cases(session, town.slug)}


def play_the_day(town: Town) -> None:
    for step, args in work(town.opened, DAY, "run"):
        step.fn(*args)


@pytest.fixture
def broken_off(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A run got as far as its intent: the register was out of reach just then."""

    def out_of_reach(register: SqlPermitRegister, items: object) -> object:
        raise RecordsUnavailable("records.unreachable")

    town.put(*FILES)
    with monkeypatch.context() as patched:
        patched.setattr(SqlPermitRegister, "apply_many", out_of_reach)
        with pytest.raises(RecordsUnavailable):
            play_the_day(town)
    assert codes(town)["E0002-0002"] == ("granted", "zone_switched")
    return town


def test_what_never_reached_the_register_is_decided_anew_after_later_news(
    broken_off: Town, deliver: Deliver
) -> None:
    town = broken_off
    deliver(town, "2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    found = codes(town)
    assert found["E0002-0002"] == ("suppressed", "superseded")
    assert found["E0003-0002"] == ("sent", "zone_switched")
    permits = town.opened.register.get(["BPA-0002", "BPA-0002/2", "BPA-0002/3"])
    assert [permits[number].zone for number in sorted(permits)] == ["A3", "A1"]


def test_without_news_it_is_simply_carried_out_the_next_day(
    broken_off: Town, deliver: Deliver
) -> None:
    deliver(broken_off, "2026-11-24")

    assert codes(broken_off)["E0002-0002"] == ("sent", "zone_switched")


def test_a_permit_that_has_another_holder_now_is_never_touched(
    town: Town, deliver: Deliver
) -> None:
    deliver(town, "2026-11-20", FILES[0])
    town.put(FILES[1])
    register = town.opened.register
    for step, args in work(town.opened, DAY, "run"):
        if step.name.startswith("decide"):
            permit = register.get(["BPA-0002"])["BPA-0002"]
            stranger = replace(permit, holder="Karl Neu", key=PersonKey("09000009", "000000099999"))
            import_permits(register, [stranger])
        step.fn(*args)

    assert codes(town)["E0002-0002"] == ("declined", "no_permit")
    assert register.get(["BPA-0002"])["BPA-0002"].zone == "A3"


def test_of_two_processes_only_one_gets_a_letter_in_hand(town: Town, deliver: Deliver) -> None:
    rendered(town, deliver)
    with reading(town.opened.engine) as session:
        ids = outbox.ids_ready(session, town.slug, "post")
    with writing(town.opened.engine) as session:
        assert outbox.claim(session, ids) == set(ids)
    with writing(town.opened.engine) as session:
        assert outbox.claim(session, ids) == set()
        assert all(row.attempts == 1 for row in session.exec(select(LetterRow)))


def test_an_effect_asked_for_twice_is_done_once(town: Town) -> None:
    register = town.opened.register
    ended = Effect(EffectKind.END, "BPA-0002", {"valid_until": "2026-11-22"})

    first, again = register.apply("case:1:0", ended), register.apply("case:1:0", ended)

    assert (first.already, again.already) == (False, True)
    assert first.inverse == again.inverse
