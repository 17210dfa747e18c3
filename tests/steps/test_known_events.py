"""An event counts once, by its sign and by what it says, whatever delivery brings it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.domain.person import Person, PersonKey
from tasks.stage import Counts
from tests.builders import a_dwelling, a_name, a_new_dwelling, a_person
from tests.delivery_writer import AGS, BASELINE, DELTAS, Sent, write_delivery
from tests.town import Town

DAY = "2026-11-23"
ANTJE = a_person()
OTHER = a_person(key=PersonKey(AGS, "000000010777"), name=a_name("Ewert", "Nele"))
MARRIED = replace(ANTJE, name=a_name("Brandt-Roth"))


def event(sign: str, code: str, person: Person | None, minute: int = 0) -> Sent:
    return Sent(sign, DELTAS + timedelta(minutes=minute), code, person, ANTJE.key)


@pytest.fixture
def begun(town: Town) -> Town:
    deliver(town, 1, [Sent("B1", BASELINE, "101", ANTJE)], kind="full")
    return town


def deliver(town: Town, number: int, sent: Sequence[Sent], kind: str = "delta") -> Counts:
    write_delivery(town.folder / "inbox" / f"{number:04d}.xml", number, sent, kind=kind)
    return town.run_day(DAY, until="pull")


def test_a_delivery_that_comes_again_under_a_new_number_is_counted_and_changes_nothing(
    begun: Town,
) -> None:
    sent = [
        event("E1", "304", MARRIED, 1),
        event("E2", "316", MARRIED, 2),  # religion: kept without its content, and known again
        event("E3", "102", OTHER, 3),
        event("E4", "", None, 4),  # person.loeschen
    ]
    assert deliver(begun, 2, sent)["deltas"] == 4

    counts = deliver(begun, 3, sent)

    assert (counts["deltas"], counts["repeated"]) == (0, 3)  # E3 tells a state, as it is
    assert counts["records"] == 4


def test_an_event_known_otherwise_is_quarantined_and_named_in_the_receipt(begun: Town) -> None:
    deliver(begun, 2, [event("E1", "304", MARRIED)])
    later = [event("E1", "304", replace(ANTJE, name=a_name("Roth"))), event("E2", "316", OTHER, 1)]

    counts = deliver(begun, 3, later)

    assert (counts["quarantined"], counts["deltas"]) == (1, 1)
    receipt = (begun.folder / "receipts" / "1101-0003.xml").read_text(encoding="utf-8")
    assert "<ereignis.zeichen>E1</ereignis.zeichen>" in receipt
    assert "mit anderem Inhalt bekannt" in receipt


@pytest.mark.parametrize(
    "other",
    [
        event("E1", "315", MARRIED),  # another reason
        event("E1", "304", replace(MARRIED, key=OTHER.key)),  # another person
        event("E1", "", None),  # a deletion
    ],
)
def test_another_reason_another_person_or_a_deletion_is_another_content(
    begun: Town, other: Sent
) -> None:
    deliver(begun, 2, [event("E1", "304", MARRIED)])

    assert deliver(begun, 3, [other])["quarantined"] == 1


def test_blanks_around_a_sign_and_another_moment_make_no_other_event(begun: Town) -> None:
    deliver(begun, 2, [event("E 1", "304", MARRIED)])

    counts = deliver(begun, 3, [event(" E \n 1 ", "304", MARRIED, minute=9)])

    assert counts["repeated"] == 1


def test_a_sign_in_other_letters_is_another_sign(begun: Town) -> None:
    deliver(begun, 2, [event("Ea", "304", MARRIED)])

    assert deliver(begun, 3, [event("EA", "304", replace(ANTJE, name=a_name("Roth")))]) == {
        "deliveries": 1,
        "records": 1,
        "deltas": 1,
    }


def test_a_record_that_was_quarantined_is_taken_when_it_comes_again_put_right(begun: Town) -> None:
    assert deliver(begun, 2, [event("E1", "999", MARRIED)])["quarantined"] == 1

    assert deliver(begun, 3, [event("E1", "304", MARRIED)])["deltas"] == 1


def test_an_old_event_that_comes_again_does_not_undo_a_newer_one(begun: Town) -> None:
    moved = a_person(a_new_dwelling(), a_dwelling(current=False))
    deliver(begun, 2, [event("E1", "304", MARRIED)])
    deliver(begun, 3, [event("E2", "302", replace(moved, name=MARRIED.name))])

    deliver(begun, 4, [event("E1", "304", MARRIED)])

    counts = deliver(begun, 5, [event("E5", "102", replace(moved, name=MARRIED.name))])
    assert counts["deltas"] == 0, "the mirror is as the newer event has told it"


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_an_old_state_that_comes_again_does_not_undo_a_newer_event(town: Town, kind: str) -> None:
    state = [Sent("B1", BASELINE, "102", ANTJE)]
    deliver(town, 1, [Sent("B0", BASELINE, "101", OTHER), *state], kind="full")
    deliver(town, 2, state)
    deliver(town, 3, [event("E1", "304", MARRIED)])
    again = state if kind == "delta" else [Sent("B0", BASELINE, "101", OTHER), *state]

    counts = deliver(town, 4, again, kind=kind)

    assert (counts["deltas"], counts["repeated"]) == (0, 1)


def test_a_sign_that_comes_twice_in_one_delivery_refuses_it_also_in_a_later_packet(
    begun: Town,
) -> None:
    inbox, sent = begun.folder / "inbox", [event("E1", "304", MARRIED)]
    write_delivery(inbox / "a.xml", 2, sent, packet=1, last=False)
    write_delivery(inbox / "b.xml", 2, sent, packet=2)

    counts = begun.run_day(DAY, until="pull")

    assert counts["stopped:registry.duplicate_event"] == 1
