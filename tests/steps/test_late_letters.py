"""Until a letter counts as known, nobody is fined for the zone that they left."""

import sqlite3
from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.domain.reply import ReplyKind, Scope
from tasks.send import send
from tests.town import FIRST_DAY, FIRST_DELIVERIES, Town, make_town

EVENT, OLD, NEW = "E0002-0002", "BPA-0002", "BPA-0002/2"  # Wójcik moves from A3 to A2
SETTLED = FIRST_DAY + timedelta(2)
KNOWN = SETTLED + timedelta(4)


def last_days(town: Town) -> dict[str, date]:
    return {number: permit.valid_until for number, permit in town.permits(OLD, NEW).items()}


def letter_of(town: Town) -> str:
    case = town.case(EVENT).case
    (letter,) = [one for one in town.letters() if f"{OLD}/2" in one.text and case]
    return letter.text.replace("\u00a0", " ")


@pytest.fixture
def town(home: Path) -> Town:
    town = make_town(home)
    town.run_day(FIRST_DAY, *FIRST_DELIVERIES)
    return town


def german(day: date) -> str:
    return f"{day.day}. {['November', 'Dezember'][day.month - 11]} {day.year}"


def test_old_and_new_zone_hold_side_by_side_and_the_letter_says_until_when(town: Town) -> None:
    town.run_day(SETTLED)

    permits = town.permits(OLD, NEW)
    assert (permits[NEW].valid_from, permits[NEW].status) == (SETTLED, "active")
    assert (permits[OLD].valid_until, permits[OLD].status) == (KNOWN, "ended")
    assert f"noch bis zum {german(KNOWN)} in der Zone A3 parken" in " ".join(
        letter_of(town).replace("*", "").split()
    )


@pytest.mark.parametrize("late", [0, 1, 9])
@pytest.mark.parametrize("until", ["act", "render"])
def test_a_letter_that_leaves_later_says_a_later_day_and_the_permit_holds_as_long(
    town: Town, until: str, late: int
) -> None:
    town.run_day(SETTLED, until=until)
    day = SETTLED + timedelta(late)
    counts = town.run_day(day, run="later")

    known = day + timedelta(4)
    assert last_days(town)[OLD] == known
    words = " ".join(letter_of(town).replace("*", "").split())
    assert f"noch bis zum {german(known)} in der Zone A3 parken" in words
    assert not late or german(KNOWN) not in words
    assert town.cases()[EVENT][0] == "sent"
    assert not counts["failed"]
    assert not [name for name in counts if name.startswith("trouble:")]


def test_a_letter_that_could_not_be_made_anew_waits(town: Town) -> None:
    town.run_day(SETTLED, until="render")
    day = SETTLED + timedelta(1)
    ids = [letter.id for letter in town.letters()]
    counts = send(town.opened, "post", ids, day, "by itself")

    assert counts["handed_over"] == len(ids) - 1
    (kept,) = [letter for letter in town.letters() if letter.status == "ready"]
    assert OLD in kept.text


def test_a_letter_that_was_made_anew_is_the_same_letter(town: Town) -> None:
    town.run_day(SETTLED, until="render")
    before = {letter.id for letter in town.letters()}
    town.run_day(SETTLED + timedelta(1), run="later")

    assert {letter.id for letter in town.letters()} == before
    dated = {letter.dated for letter in town.letters() if OLD in letter.text}
    assert dated == {SETTLED + timedelta(1)}


def test_a_permit_changed_by_hand_meanwhile_is_left_alone_and_asked_about(town: Town) -> None:
    town.run_day(SETTLED, until="render")
    (permit,) = town.permits(OLD).values()
    with sqlite3.connect(town.folder / "permits.db") as register:
        register.execute(
            "UPDATE parking_permit SET valid_until = ? WHERE number = ?", (str(SETTLED), OLD)
        )
    town.run_day(SETTLED + timedelta(1), run="later")

    assert permit.valid_until == KNOWN
    assert last_days(town)[OLD] == SETTLED
    assert town.cases()[EVENT] == ("needs_review", "record_changed")


def test_what_was_moved_on_is_taken_back_with_the_switch(town: Town) -> None:
    town.run_day(SETTLED, until="render")
    town.run_day(SETTLED + timedelta(1), run="later")
    case = town.case(EVENT).case
    town.reply(EVENT, ReplyKind.WRONG, Scope.CASE, SETTLED + timedelta(2), words="Nein.")
    town.run_replies(SETTLED + timedelta(2))
    asked = town.question(EVENT, cause="reply")
    town.answer_case(asked.case, "undo", SETTLED + timedelta(2), note="geprüft")
    town.run_replies(SETTLED + timedelta(2))

    permits = town.permits(OLD, NEW)
    assert case
    known = SETTLED + timedelta(6)
    assert (permits[NEW].status, permits[NEW].valid_until) == ("ended", known)
    assert (permits[OLD].status, permits[OLD].valid_until) == ("active", date(2027, 12, 31))


def test_who_gives_up_the_new_permit_in_these_days_has_no_day_more_of_either(town: Town) -> None:
    town.run_day(SETTLED)
    given_up = SETTLED + timedelta(1)
    town.reply(EVENT, ReplyKind.DEREGISTER, Scope.CASE, given_up)
    town.run_replies(given_up)

    assert last_days(town) == {OLD: given_up, NEW: given_up}
