"""Effects are carried out on what is true that day, in the record of the person and no other."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import PersonKey
from tasks.errors import RecordsUnavailable
from tasks.records.importing import import_permits
from tasks.records.sql import SqlPermitRegister
from tasks.state import outbox
from tasks.state.database import reading, writing
from tests.town import Town

DAY = date(2026, 11, 23)
FILES = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


@pytest.fixture
def broken_off(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A run got as far as its intent: the register was out of reach just then."""

    def out_of_reach(register: SqlPermitRegister, items: object) -> object:
        raise RecordsUnavailable("records.unreachable")

    with monkeypatch.context() as patched:
        patched.setattr(SqlPermitRegister, "apply_many", out_of_reach)
        with pytest.raises(RecordsUnavailable):
            town.run_day(DAY, *FILES, strict=True)
    assert town.cases()["E0002-0002"] == ("granted", "zone_switched")
    return town


def test_what_never_reached_the_register_is_decided_anew_after_later_news(broken_off: Town) -> None:
    town = broken_off
    town.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    found = town.cases()
    assert found["E0002-0002"] == ("suppressed", "superseded")
    assert found["E0003-0002"] == ("sent", "zone_switched")
    permits = town.permits("BPA-0002", "BPA-0002/2", "BPA-0002/3")
    assert [permits[number].zone for number in sorted(permits)] == ["A3", "A1"]


def test_without_news_it_is_simply_carried_out_the_next_day(broken_off: Town) -> None:
    broken_off.run_day("2026-11-24")

    assert broken_off.cases()["E0002-0002"] == ("sent", "zone_switched")


def test_what_reached_the_register_before_a_crash_is_found_again_and_done_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = SqlPermitRegister.apply_many

    def dies_behind_it(register: SqlPermitRegister, items: Any) -> None:
        carry_out(register, items)
        raise KeyboardInterrupt  # no error of a case's: the process is gone

    with monkeypatch.context() as patched:
        patched.setattr(SqlPermitRegister, "apply_many", dies_behind_it)
        with pytest.raises(KeyboardInterrupt):
            town.run_day(DAY, *FILES)

    town.run_day(DAY)

    assert town.cases()["E0002-0002"] == ("sent", "zone_switched")
    assert list(town.permits("BPA-0002/2", "BPA-0002/3")) == ["BPA-0002/2"]


def test_a_permit_that_has_another_holder_now_is_never_touched(town: Town) -> None:
    town.run_day("2026-11-20", FILES[0])

    def another_holder() -> None:
        permit = town.permits("BPA-0002")["BPA-0002"]
        stranger = replace(permit, holder="Karl Neu", key=PersonKey("09000009", "000000099999"))
        import_permits(town.opened.register, [stranger])

    town.run_day(DAY, FILES[1], before={"decide": another_holder}, strict=True)

    assert town.cases()["E0002-0002"] == ("declined", "no_permit")
    assert town.permits("BPA-0002")["BPA-0002"].zone == "A3"


def test_of_two_processes_only_one_gets_a_letter_in_hand(town: Town) -> None:
    town.run_day(DAY, *FILES, until="render")
    with reading(town.opened.engine) as session:
        ids = outbox.ids_ready(session, town.slug, "post")
    with writing(town.opened.engine) as session:
        assert outbox.claim(session, ids) == set(ids)
    with writing(town.opened.engine) as session:
        assert outbox.claim(session, ids) == set()
    assert all(letter.attempts == 1 for letter in town.letters())


def test_an_effect_asked_for_twice_is_done_once(town: Town) -> None:
    register = town.opened.register
    ended = Effect(EffectKind.END, "BPA-0002", {"valid_until": "2026-11-22"})

    first, again = register.apply("case:1:0", ended), register.apply("case:1:0", ended)

    assert (first.already, again.already) == (False, True)
    assert first.inverse == again.inverse
