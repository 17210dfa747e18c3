"""Residents answer, clerks decide, the registry changes its mind: what is carried out, and once."""

from pathlib import Path

import pytest

from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import PermanentError
from tasks.stage import Counts
from tasks.state import clerks
from tasks.state.database import writing
from tasks.take_up import opt_in
from tests.builders import stated
from tests.town import CLERK, Town, make_town

FIRST = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
WOJCIK, HOFFMANN = "E0002-0002", "E0002-0004"


def permit(town: Town, number: str) -> tuple[str, str, str]:
    found = town.permits(number)[number]
    return found.zone, found.status, found.valid_until.isoformat()


@pytest.fixture
def moved(town: Town) -> Town:
    """Wójcik's permit was switched from A3 to A2, and he has the letter."""
    town.run_day("2026-11-23", *FIRST)
    assert permit(town, "BPA-0002/2")[:2] == ("A2", "active")
    return town


def test_a_resident_who_deregisters_has_no_permit_any_more_and_a_letter_that_says_so(
    moved: Town,
) -> None:
    moved.reply(WOJCIK, ReplyKind.DEREGISTER, Scope.CASE, "2026-11-25")
    assert permit(moved, "BPA-0002/2")[1] == "active"  # recorded, nothing more

    counts = moved.run_replies("2026-11-25")

    assert permit(moved, "BPA-0002/2") == ("A2", "ended", "2026-11-25")
    assert counts["replies"] == counts["handed_over"] == 1
    assert moved.case(WOJCIK).status == "undone"
    follow_up = moved.case(WOJCIK, cause="reply")
    assert (follow_up.status, follow_up.code) == ("sent", "deregistered")
    letter = next(row for row in moved.letters() if row.purpose.startswith("reply:"))
    assert "BPA-0002/2" in letter.text
    assert moved.run_replies("2026-11-25") == Counts()


def test_whoever_deregisters_for_the_future_is_not_served_at_the_next_move(moved: Town) -> None:
    moved.reply(WOJCIK, ReplyKind.OPT_OUT, Scope.SERVICE, "2026-11-23")
    moved.run_replies("2026-11-23")
    assert permit(moved, "BPA-0002/2")[1] == "active"

    moved.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    second = moved.case("E0003-0002")
    assert (second.status, second.code) == ("suppressed", "opted_out")
    assert permit(moved, "BPA-0002/2")[1] == "active"


def test_what_a_resident_calls_wrong_waits_for_a_clerk_who_takes_it_back(moved: Town) -> None:
    moved.reply(WOJCIK, ReplyKind.WRONG, Scope.CASE, "2026-11-24", "Nie umgezogen")
    moved.run_replies("2026-11-24")
    question = moved.question(WOJCIK, cause="reply")
    assert question.code == "resident_says_wrong"
    offered = [choice.name for choice in question.choices]
    assert offered == ["stands", "undo", "deregister", "by_hand"]

    assert moved.answer_case(question.case, "undo", "2026-11-24") == "valid"
    moved.run_replies("2026-11-24")

    assert permit(moved, "BPA-0002") == ("A3", "active", "2027-12-31")
    # Tolerated until the letter that says so is known.
    assert permit(moved, "BPA-0002/2") == ("A2", "ended", "2026-11-28")
    follow_up = moved.case(WOJCIK, cause="reply")
    assert (follow_up.status, follow_up.code) == ("sent", "taken_back")
    assert moved.case(WOJCIK).status == "undone"


def test_both_answers_to_one_letter_offer_a_clerk_to_take_it_back(moved: Town) -> None:
    moved.reply(WOJCIK, ReplyKind.WRONG, Scope.CASE, "2026-11-24", "Nie umgezogen")
    moved.reply(WOJCIK, ReplyKind.OBJECT, Scope.CASE, "2026-11-24", "Widerspruch folgt")
    moved.run_replies("2026-11-24")

    offered = {q.code: {choice.name for choice in q.choices} for q in moved.questions()}
    assert "undo" in offered["resident_says_wrong"] & offered["resident_objects"]


@pytest.mark.parametrize("zone", ["A3", "W2"])
def test_a_clerk_resolves_the_ambiguous_street_both_ways(moved: Town, zone: str) -> None:
    offered = [choice.name for choice in moved.question(HOFFMANN).choices]
    assert offered[:2] == ["zone:A3", "zone:W2"]

    assert moved.answer(HOFFMANN, f"zone:{zone}", "2026-11-23") == "valid"
    moved.run_replies("2026-11-23")

    decided = moved.case(HOFFMANN)
    assert (decided.status, decided.code) == ("sent", "zone_switched")
    assert permit(moved, "BPA-0004/2")[:2] == (zone, "active")
    (letter,) = [row for row in moved.letters() if "Hoffmann" in row.addressee]
    assert "vollständig automatisiert" not in letter.text
    assert f"Im Auftrag, {CLERK}" in letter.text


def test_a_clerk_ends_what_the_machine_left_of_a_switch(home: Path) -> None:
    town = make_town(home, settling_days=0, resolutory_condition=False)
    town.run_day("2026-11-23", *FIRST)
    assert permit(town, "BPA-0002")[1] == permit(town, "BPA-0002/2")[1] == "active"
    assert town.answer(WOJCIK, "end", "2026-11-25") == "question.no_words"
    note = "Akte 7"
    assert town.answer(WOJCIK, "end", "2026-11-25", note=note, stated=stated()) == "valid"
    town.run_replies("2026-11-25")

    # Answered on the 25th: the letter counts as known on the fourth day.
    assert permit(town, "BPA-0002") == ("A3", "ended", "2026-11-29")
    follow_up = town.case(WOJCIK, cause="answer")
    assert (follow_up.status, follow_up.code) == ("sent", "permit_ended")
    assert town.case(WOJCIK).status == "sent"
    (letter,) = [row for row in town.letters() if row.purpose.startswith("answer:")]
    for words in stated(known_since="23.\u00a0November 2026").values():
        assert words.replace("2. Nov", "2.\u00a0Nov") in letter.text
    assert note not in letter.text, "what is only noted stays in the house"


def test_who_was_shut_out_signs_no_further_letter_and_the_authority_does(moved: Town) -> None:
    moved.answer(HOFFMANN, "zone:A3", "2026-11-23")
    with writing(moved.opened.engine) as session:
        clerks.remove_clerk(session, moved.slug, "sb-1")
    moved.run_replies("2026-11-23")

    (letter,) = [row for row in moved.letters() if "Hoffmann" in row.addressee]
    assert CLERK not in letter.text
    assert "Im Auftrag, A. Beispiel" in letter.text


@pytest.mark.parametrize(
    ("scope", "left"),
    [
        (Scope.SERVICE, ["resident_parking"]),
        (Scope.INFORMATION, ["information", "resident_parking"]),
    ],
)
def test_who_has_opted_out_is_served_again_when_they_say_so(
    moved: Town, scope: Scope, left: list[str]
) -> None:
    moved.reply(WOJCIK, ReplyKind.OPT_OUT, scope, "2026-11-23")
    moved.run_replies("2026-11-23")

    case = moved.case(WOJCIK).case
    assert opt_in(moved.opened, case, "on the phone") == left
    assert opt_in(moved.opened, case, "on the phone") == []

    moved.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")
    assert moved.case("E0003-0002").code == "zone_switched"


def test_nobody_opts_in_for_the_case_of_another_municipality(moved: Town) -> None:
    with pytest.raises(PermanentError, match=r"case\.unknown"):
        opt_in(moved.opened, "c-nobody", "on the phone")
