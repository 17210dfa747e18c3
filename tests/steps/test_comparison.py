"""What a state tells (a full delivery, code 102) is compared; what differs is an event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from tasks.domain.delta import DeltaKind
from tasks.domain.person import DwellingStatus, Lock, PartialDate, Person, PersonKey
from tasks.registry.snapshots import classify, newcomer
from tasks.stage import Counts
from tests.builders import AGS, ELSEWHERE, a_dwelling, a_name, a_new_dwelling, a_person
from tests.delivery_writer import BASELINE, Sent, write_delivery
from tests.town import Town

MONDAY, TUESDAY, WEDNESDAY = "2026-11-23", "2026-11-24", "2026-11-25"
HOME, NEW = a_dwelling(), a_new_dwelling()
LEFT = replace(HOME, current=False, moved_out=PartialDate(2026, 11, 15))
SECOND = a_dwelling("Seestraße", "9", status=DwellingStatus.SECONDARY)
AWAY = a_dwelling("Hauptstraße", ags=ELSEWHERE, moved_in=date(2026, 11, 15))
K = DeltaKind

FOUND = [  # before, after, what it is
    (a_person(HOME), a_person(HOME), K.STOCK),
    (a_person(HOME, LEFT), a_person(HOME), K.STOCK),  # an old dwelling is no longer told
    (a_person(HOME, SECOND), a_person(SECOND, HOME), K.STOCK),  # only another order
    (a_person(HOME), a_person(NEW), K.MOVE),
    (a_person(HOME), a_person(NEW, LEFT), K.MOVE),
    (a_person(HOME), a_person(NEW, LEFT, name=a_name("Roth")), K.MOVE),  # with a new name
    (a_person(NEW, LEFT), a_person(HOME), K.MOVE_REVERSED),
    (a_person(HOME), a_person(replace(NEW, moved_in=HOME.moved_in)), K.ADDRESS_UPDATE),
    (a_person(HOME), a_person(replace(HOME, moved_in=date(2015, 4, 1))), K.ADDRESS_UPDATE),
    (a_person(HOME), a_person(LEFT, AWAY), K.MOVE_AWAY),
    (a_person(LEFT, AWAY), a_person(NEW), K.ARRIVAL),
    (a_person(HOME), a_person(LEFT, died=PartialDate(2026, 11, 15)), K.DEATH),
    (a_person(LEFT, died=PartialDate(2026, 11, 15)), a_person(HOME), K.DEATH_REVERSED),
    (a_person(HOME), a_person(replace(HOME, status=DwellingStatus.SECONDARY)), K.STATUS_CHANGE),
    (a_person(HOME), a_person(HOME, SECOND), K.SECONDARY_DWELLING),
    (a_person(HOME, SECOND), a_person(HOME), K.SECONDARY_DWELLING),
    (a_person(HOME), a_person(HOME, name=a_name("Roth")), K.NAME_CHANGE),
    (a_person(HOME), a_person(HOME, name=a_name("Roth"), locks=(Lock("3"),)), K.NAME_CHANGE),
    (a_person(HOME), a_person(HOME, locks=(Lock("3"),)), K.LOCK_CHANGE),
    (a_person(HOME), a_person(HOME, has_guardian=True), K.GUARDIAN_CHANGE),
    (a_person(HOME), a_person(HOME, children=(PersonKey(AGS, "7"),)), K.CHILD_BORN),
    (a_person(HOME), a_person(HOME, born="1984-03-21"), K.OTHER),
]


@pytest.mark.parametrize(("before", "after", "kind"), FOUND)
def test_what_differs_between_two_states_is_the_event(
    before: Person, after: Person, kind: DeltaKind
) -> None:
    assert classify(K.STOCK, before, after) == kind


@pytest.mark.parametrize(
    ("last", "after", "kind"),
    [
        (None, a_person(HOME), K.ARRIVAL),
        (None, a_person(AWAY), K.STOCK),  # lives elsewhere: no event here
        (None, a_person(LEFT, died=PartialDate(2020)), K.STOCK),
        (a_person(HOME), a_person(HOME), K.OTHER_REVERSED),  # the deletion was wrong
        (a_person(HOME), a_person(NEW), K.ARRIVAL),
    ],
)
def test_who_is_told_of_and_was_not_here_has_come_or_was_never_gone(
    last: Person | None, after: Person, kind: DeltaKind
) -> None:
    assert newcomer(last, after) == kind


# The whole way -------------------------------------------------------------------------------

ANTJE = a_person()  # BPA-0001 is hers, for the zone of Wollenweberstraße
MOVED = a_person(NEW, LEFT)
NELE = a_person(key=PersonKey(AGS, "000000010777"), name=a_name("Ewert", "Nele"))


def full(town: Town, number: int, people: Sequence[Person], day: str, **run: str) -> Counts:
    sent = [
        Sent(f"F{number}-{place}", BASELINE + timedelta(hours=number, minutes=place), "101", person)
        for place, person in enumerate(people)
    ]
    write_delivery(town.folder / "inbox" / f"{number:04d}.xml", number, sent, kind="full")
    return town.run_day(day, **run)


@pytest.fixture
def begun(town: Town) -> Town:
    counts = full(town, 1, [ANTJE, NELE], MONDAY)
    assert counts["deltas"] == 0, "the first full delivery changes nothing"
    return town


def test_a_move_that_only_a_full_delivery_tells_switches_the_permit(begun: Town) -> None:
    full(begun, 2, [MOVED, NELE], TUESDAY)

    assert begun.cases() == {"F2-0": ("sent", "zone_switched")}


@pytest.mark.parametrize("name", [a_name(), a_name("Brandt-Roth")])
def test_a_move_that_only_a_reconciliation_tells_switches_the_permit(
    begun: Town, name: object
) -> None:
    begun.send(Sent("", BASELINE, "102", replace(MOVED, name=name)))  # type: ignore[arg-type]
    begun.run_day(TUESDAY)

    assert begun.cases() == {"E0002-0001": ("sent", "zone_switched")}
    (successor,) = begun.permits("BPA-0001/2").values()
    assert successor.holder == f"Antje {name.family}"  # type: ignore[attr-defined]


def test_who_is_unknown_in_a_reconciliation_has_come_since(begun: Town) -> None:
    new = a_person(key=PersonKey(AGS, "000000010888"), name=a_name("Vogel"))
    begun.send(Sent("", BASELINE, "102", new))

    assert begun.run_day(TUESDAY, until="pull")["deltas"] == 1


def test_before_the_first_full_delivery_nobody_is_new(town: Town) -> None:
    town.send(Sent("", BASELINE, "102", ANTJE))

    assert town.run_day(MONDAY, until="pull")["deltas"] == 0


def test_what_a_full_delivery_tells_as_it_was_is_no_event(begun: Town) -> None:
    assert full(begun, 2, [NELE, ANTJE], TUESDAY)["deltas"] == 0


def test_a_change_before_the_first_full_delivery_is_compared_with_it(town: Town) -> None:
    town.send(Sent("", BASELINE, "304", ANTJE))
    town.run_day(MONDAY)

    assert full(town, 2, [MOVED, NELE], TUESDAY)["deltas"] == 1  # Nele is no newcomer


# Missing -------------------------------------------------------------------------------------


def test_who_is_missing_in_a_full_delivery_is_a_clerks_question_and_no_deletion(
    begun: Town,
) -> None:
    full(begun, 2, [NELE], TUESDAY)

    (asked,) = begun.questions()
    assert asked.code == "holder_missing"
    assert [choice.name for choice in asked.choices][:2] == ["end", "keep"]
    assert begun.permits("BPA-0001")["BPA-0001"].status == "active"
    assert not begun.letters()


def test_who_is_missing_and_holds_nothing_is_no_work_for_anybody(begun: Town) -> None:
    full(begun, 2, [ANTJE], TUESDAY)

    assert not begun.questions()
    assert set(begun.cases().values()) == {("declined", "no_permit")}


def test_who_is_still_missing_is_asked_about_once(begun: Town) -> None:
    full(begun, 2, [NELE], TUESDAY)

    assert full(begun, 3, [NELE], WEDNESDAY)["deltas"] == 0
    assert len(begun.questions()) == 1


def test_who_is_back_in_the_next_full_delivery_is_no_question_any_more(begun: Town) -> None:
    full(begun, 2, [NELE], TUESDAY)
    full(begun, 3, [NELE, ANTJE], WEDNESDAY)

    assert not begun.questions()
    assert ("suppressed", "reversed") in begun.cases().values()
    full(begun, 4, [NELE], "2026-11-26")
    assert [asked.code for asked in begun.questions()] == ["holder_missing"], "and gone once more"


def test_who_is_back_and_has_moved_meanwhile_is_switched(begun: Town) -> None:
    full(begun, 2, [NELE], TUESDAY)
    full(begun, 3, [NELE, MOVED], WEDNESDAY)

    assert not begun.questions()
    assert begun.cases()["F3-1"] == ("sent", "zone_switched")


def test_a_permit_ended_for_who_was_missing_is_a_question_when_they_are_back(begun: Town) -> None:
    full(begun, 2, [NELE], TUESDAY)
    (asked,) = begun.questions()
    begun.answer(begun.lines()[0].event, "end", TUESDAY)
    begun.run_day(TUESDAY)
    assert begun.permits("BPA-0001")["BPA-0001"].status == "ended"

    full(begun, 3, [NELE, ANTJE], WEDNESDAY)

    (asked,) = begun.questions()
    assert asked.code == "reversal_after_effect"
    assert "undo" in [choice.name for choice in asked.choices]


def test_who_is_deleted_after_being_missing_is_asked_about_as_deleted(begun: Town) -> None:
    full(begun, 2, [NELE], TUESDAY)
    begun.send(Sent("", BASELINE, key=ANTJE.key))
    begun.run_day(WEDNESDAY)

    assert [asked.code for asked in begun.questions()] == ["holder_vanished"]


@pytest.mark.parametrize(
    "gone", [a_person(LEFT, AWAY), a_person(LEFT, died=PartialDate(2026, 11, 15))]
)
def test_who_had_left_or_died_is_not_missed(begun: Town, gone: Person) -> None:
    begun.send(Sent("", BASELINE, "202" if gone.died is None else "201", gone))
    begun.run_day(TUESDAY)

    assert full(begun, 3, [NELE], WEDNESDAY)["deltas"] == 0


def test_who_came_by_a_delta_delivery_is_missed_too(begun: Town) -> None:
    new = a_person(key=PersonKey(AGS, "000000010888"), name=a_name("Vogel"))
    begun.send(Sent("", BASELINE, "104", new))
    begun.run_day(TUESDAY)

    assert full(begun, 3, [ANTJE, NELE], WEDNESDAY)["deltas"] == 1


def test_whose_record_cannot_be_read_is_not_missing(begun: Town) -> None:
    undated = replace(ANTJE, dwellings=(replace(HOME, moved_in=None),))
    sent = [Sent("F2-0", BASELINE, "101", undated), Sent("F2-1", BASELINE, "101", NELE)]
    path = write_delivery(begun.folder / "inbox" / "0002.xml", 2, sent, kind="full")
    text = path.read_text(encoding="utf-8")
    bad = text.replace("<unbekannt>true</unbekannt>", "<datum>2026-13-01</datum>", 1)
    path.write_text(bad, encoding="utf-8")

    counts = begun.run_day(TUESDAY)

    assert (counts["quarantined"], counts["deltas"]) == (1, 0)


def test_a_full_delivery_that_names_nobody_is_refused(begun: Town) -> None:
    counts = full(begun, 2, [], TUESDAY)

    assert counts["stopped:registry.full_incomplete"] == 1
    assert full(begun, 2, [ANTJE, NELE], TUESDAY)["deliveries"] == 1


def test_missing_people_are_found_page_by_page(
    begun: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.state.taking.PAGE", 2)
    many = [replace(NELE, key=PersonKey(AGS, f"{number:012d}")) for number in range(1, 8)]
    full(begun, 2, [ANTJE, NELE, *many], TUESDAY, until="pull")

    assert full(begun, 3, [ANTJE, NELE], TUESDAY, until="pull")["deltas"] == 7
