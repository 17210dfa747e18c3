"""Deliveries that nobody would send, and that come: a right act, a question, or a named refusal."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.domain.person import Lock, PartialDate, PersonKey
from tasks.settings import settings
from tests.builders import AGS, a_dwelling, a_name, a_new_dwelling, a_person
from tests.delivery_writer import BASELINE, Sent, write_delivery
from tests.town import Town

MONDAY, TUESDAY, WEDNESDAY = "2026-11-23", "2026-11-24", "2026-11-25"
ANTJE = a_person()  # holds BPA-0001
LEFT = a_dwelling(current=False, moved_out=PartialDate(2026, 11, 15))
MOVED = a_person(a_new_dwelling(), LEFT)
NELE = a_person(key=PersonKey(AGS, "000000010777"), name=a_name("Ewert", "Nele"))


def stock(*people: object) -> list[Sent]:
    return [Sent("", BASELINE, "101", person) for person in people]  # type: ignore[arg-type]


@pytest.fixture
def begun(town: Town) -> Town:
    town.send(*stock(ANTJE, NELE), kind="full")
    town.run_day(MONDAY)
    return town


def asked(town: Town) -> list[str]:
    return sorted(question.code for question in town.questions())


def test_a_full_delivery_that_names_somebody_in_two_ways_is_refused(begun: Town) -> None:
    begun.send(*stock(ANTJE, NELE, MOVED), kind="full")

    counts = begun.run_day(TUESDAY)

    assert counts["stopped:registry.person_twice"] == 1
    assert not begun.cases()


def test_a_full_delivery_that_names_somebody_twice_alike_is_taken(begun: Town) -> None:
    begun.send(*stock(ANTJE, NELE, ANTJE), kind="full")

    assert begun.run_day(TUESDAY)["deliveries"] == 1


def test_a_reconciliation_that_tells_a_death_ends_nothing_by_machine(begun: Town) -> None:
    dead = a_person(replace(LEFT), died=PartialDate(2026, 11, 15))
    begun.send(Sent("", BASELINE, "302", MOVED), Sent("", BASELINE, "102", dead))

    begun.run_day(TUESDAY)

    assert asked(begun) == ["holder_died"]
    assert not begun.letters()


def test_a_lock_that_only_a_full_delivery_tells_stops_the_machine(town: Town) -> None:
    profile = town.folder / "profile.toml"
    profile.write_text(profile.read_text().replace("settling_days = 0", "settling_days = 2"))
    town.send(*stock(ANTJE, NELE), kind="full")
    town.run_day(MONDAY)
    town.send(Sent("", BASELINE, "302", MOVED))
    town.run_day(MONDAY)
    assert town.cases()["E0002-0001"] == ("granted", "zone_switched")
    town.send(*stock(replace(MOVED, locks=(Lock("3"),)), NELE), kind="full")

    town.run_day(TUESDAY)
    town.run_day(WEDNESDAY)

    assert asked(town) == ["address_locked"]
    assert not town.letters()


def test_a_deletion_that_comes_again_does_not_delete_who_is_back(begun: Town) -> None:
    gone = Sent("D1", BASELINE + timedelta(hours=9), key=ANTJE.key)
    inbox = begun.folder / "inbox"
    write_delivery(inbox / "2.xml", 2, [gone])
    begun.run_day(TUESDAY)
    begun.send(Sent("", BASELINE, "102", ANTJE))
    begun.run_day(TUESDAY)
    write_delivery(inbox / "4.xml", 4, [gone])

    counts = begun.run_day(WEDNESDAY)

    assert counts["repeated"] == 1
    assert asked(begun) == [], "the deletion was wrong, and nothing had come of it"


def test_who_comes_back_under_another_key_is_a_question_and_not_nobody(begun: Town) -> None:
    begun.send(Sent("", BASELINE, "202", a_person(LEFT)))
    begun.run_day(TUESDAY)
    back = a_person(a_new_dwelling(), key=PersonKey(AGS, "000000010999"))
    begun.send(Sent("", BASELINE, "321", back))

    begun.run_day(WEDNESDAY)

    assert begun.permits("BPA-0001")["BPA-0001"].status == "active"
    assert asked(begun)
    assert not begun.letters()


def test_a_second_packet_that_grows_holds_the_whole_delivery_and_those_behind_it(
    begun: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTRAGSLOS_STEADY_SECONDS", "60")
    settings.cache_clear()
    inbox = begun.folder / "inbox"
    write_delivery(inbox / "a.xml", 2, [Sent("E1", BASELINE, "302", MOVED)], last=False)
    path = write_delivery(inbox / "b.xml", 2, [Sent("E2", BASELINE, "304", NELE)], packet=2)
    write_delivery(inbox / "c.xml", 3, [Sent("E3", BASELINE, "316", NELE)])
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])

    assert begun.run_day(TUESDAY, until="pull") == {"waiting_files": 1}
    path.write_bytes(whole)
    assert begun.run_day(TUESDAY)["deliveries"] == 2
    assert begun.cases()["E1"] == ("sent", "zone_switched")


def test_a_delivery_under_a_new_number_that_repeats_some_and_adds_one_does_the_one(
    begun: Town,
) -> None:
    inbox = begun.folder / "inbox"
    known = Sent("E1", BASELINE, "302", MOVED)
    write_delivery(inbox / "2.xml", 2, [known])
    begun.run_day(TUESDAY)
    renamed = replace(MOVED, name=a_name("Brandt-Roth"))
    write_delivery(inbox / "3.xml", 3, [known, Sent("E2", BASELINE, "304", renamed)])

    counts = begun.run_day(WEDNESDAY)

    assert (counts["repeated"], counts["deltas"]) == (1, 1)
    assert begun.cases() == {"E1": ("sent", "zone_switched"), "E2": ("sent", "name_updated")}
    assert len(begun.letters()) == 2
