"""Residents answer, clerks decide, the registry changes its mind: what is carried out, and once."""

from datetime import date
from pathlib import Path

import pytest
from sqlmodel import select

from tasks.desks.residents import StateResidentDesk
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import PermanentError
from tasks.replies.desk import BirthDate
from tasks.replies.tokens import token_for
from tasks.review import open_questions, record_answers
from tasks.settings import settings
from tasks.stage import Counts
from tasks.state import clerks
from tasks.state.database import reading, writing
from tasks.state.story import list_cases
from tasks.state.tables import CaseRow, LetterRow
from tasks.take_up import opt_in
from tests.town import Town, make_town

FIRST = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
BORN = BirthDate(1991, 7, 30)  # Łukasz Wójcik
WOJCIK, HOFFMANN = "E0002-0002", "E0002-0004"


def case_of(town: Town, event: str, cause: str = "") -> CaseRow:
    """The case of an event, or the one that follows it up because of a reply or an answer."""
    with reading(town.opened.engine) as session:
        ids = {line.case for line in list_cases(session, town.slug) if line.event == event}
        rows = [row for row in session.exec(select(CaseRow)) if row.id in ids]
    found = [row for row in rows if (row.cause.startswith(cause) if cause else not row.cause)]
    assert len(found) == 1, found
    return found[0]


def letters(town: Town) -> dict[str, LetterRow]:
    """purpose -> letter."""
    with reading(town.opened.engine) as session:
        return {row.life_event + " " + row.purpose: row for row in session.exec(select(LetterRow))}


def answer(
    town: Town, case: CaseRow, kind: ReplyKind, scope: Scope, day: str, text: str = ""
) -> None:
    desk = StateResidentDesk(settings(), lambda _: date.fromisoformat(day))
    secret = token_for(case.id, "reply", settings().signing_key()).link_secret
    door = desk.by_link(secret)
    desk.unlock(door, BORN)
    desk.record(door, case.id, kind, scope, text)


def permit(town: Town, number: str) -> tuple[str, str, str]:
    found = town.opened.register.get([number])[number]
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
    case = case_of(moved, WOJCIK)
    answer(moved, case, ReplyKind.DEREGISTER, Scope.CASE, "2026-11-25")
    assert permit(moved, "BPA-0002/2")[1] == "active"  # recorded, nothing more

    counts = moved.run_replies("2026-11-25")

    assert permit(moved, "BPA-0002/2") == ("A2", "ended", "2026-11-25")
    assert counts["replies"] == counts["handed_over"] == 1
    assert case_of(moved, WOJCIK).status == "undone"
    follow_up = case_of(moved, WOJCIK, "reply:")
    assert (follow_up.status, follow_up.code) == ("sent", "deregistered")
    letter = next(row for row in letters(moved).values() if row.purpose.startswith("reply:"))
    assert "BPA-0002/2" in letter.text
    assert moved.run_replies("2026-11-25") == Counts()


def test_whoever_deregisters_for_the_future_is_not_served_at_the_next_move(moved: Town) -> None:
    answer(moved, case_of(moved, WOJCIK), ReplyKind.OPT_OUT, Scope.SERVICE, "2026-11-23")
    moved.run_replies("2026-11-23")
    assert permit(moved, "BPA-0002/2")[1] == "active"

    moved.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")

    second = case_of(moved, "E0003-0002")
    assert (second.status, second.code) == ("suppressed", "opted_out")
    assert permit(moved, "BPA-0002/2")[1] == "active"


def test_what_a_resident_calls_wrong_waits_for_a_clerk_who_takes_it_back(moved: Town) -> None:
    answer(
        moved, case_of(moved, WOJCIK), ReplyKind.WRONG, Scope.CASE, "2026-11-24", "Nie umgezogen"
    )
    moved.run_replies("2026-11-24")
    (question,) = [q for q in open_questions(moved.opened) if q.code == "resident_says_wrong"]
    assert [choice.name for choice in question.choices] == [
        "stands",
        "undo",
        "deregister",
        "by_hand",
    ]

    with writing(moved.opened.engine) as session:
        clerks.add_clerk(session, moved.slug, "sb-1", "a long password")
    record_answers(
        moved.opened, {question.case: "undo"}, by="sb-1", via="page", today=date(2026, 11, 24)
    )
    moved.run_replies("2026-11-24")

    assert permit(moved, "BPA-0002") == ("A3", "active", "2027-12-31")
    assert "BPA-0002/2" not in moved.opened.register.get(["BPA-0002/2"])
    follow_up = case_of(moved, WOJCIK, "reply:")
    assert (follow_up.status, follow_up.code) == ("sent", "taken_back")
    assert case_of(moved, WOJCIK).status == "undone"


def test_both_answers_to_one_letter_offer_a_clerk_to_take_it_back(moved: Town) -> None:
    case = case_of(moved, WOJCIK)
    answer(moved, case, ReplyKind.WRONG, Scope.CASE, "2026-11-24", "Nie umgezogen")
    answer(moved, case, ReplyKind.OBJECT, Scope.CASE, "2026-11-24", "Widerspruch folgt")
    moved.run_replies("2026-11-24")

    offered = {q.code: {choice.name for choice in q.choices} for q in moved.questions()}
    assert "undo" in offered["resident_says_wrong"] & offered["resident_objects"]


@pytest.mark.parametrize("zone", ["A3", "W2"])
def test_a_clerk_resolves_the_ambiguous_street_both_ways(moved: Town, zone: str) -> None:
    case = case_of(moved, HOFFMANN)
    with writing(moved.opened.engine) as session:
        clerks.add_clerk(session, moved.slug, "sb-1", "a long password")
    (question,) = open_questions(moved.opened, case=case.id)
    assert [choice.name for choice in question.choices][:2] == ["zone:A3", "zone:W2"]

    record_answers(
        moved.opened, {case.id: f"zone:{zone}"}, by="sb-1", via="page", today=date(2026, 11, 23)
    )
    moved.run_replies("2026-11-23")

    decided = case_of(moved, HOFFMANN)
    assert (decided.status, decided.code) == ("sent", "zone_switched")
    assert permit(moved, "BPA-0004/2")[:2] == (zone, "active")
    (letter,) = [row for row in letters(moved).values() if row.person_id == case.person_id]
    assert "vollständig automatisiert" not in letter.text


def test_a_clerk_ends_what_the_machine_left_of_a_switch(home: Path) -> None:
    town = make_town(home, settling_days=0, resolutory_condition=False)
    town.run_day("2026-11-23", *FIRST)
    case = case_of(town, WOJCIK)
    assert permit(town, "BPA-0002")[1] == permit(town, "BPA-0002/2")[1] == "active"
    with writing(town.opened.engine) as session:
        clerks.add_clerk(session, town.slug, "sb-1", "a long password")

    record_answers(
        town.opened,
        {case.id: "end"},
        by="sb-1",
        via="page",
        today=date(2026, 11, 25),
        note="Zwei Ausweise braucht niemand.",
    )
    town.run_replies("2026-11-25")

    assert permit(town, "BPA-0002") == ("A3", "ended", "2026-11-25")
    follow_up = case_of(town, WOJCIK, "answer:")
    assert (follow_up.status, follow_up.code) == ("sent", "permit_ended")
    assert case_of(town, WOJCIK).status == "sent"


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
    case = case_of(moved, WOJCIK)
    answer(moved, case, ReplyKind.OPT_OUT, scope, "2026-11-23")
    moved.run_replies("2026-11-23")

    assert opt_in(moved.opened, case.id, "on the phone") == left
    assert opt_in(moved.opened, case.id, "on the phone") == []

    moved.run_day("2026-11-24", "0003-deltalieferung-ruecknahme.xml")
    assert case_of(moved, "E0003-0002").code == "zone_switched"


def test_nobody_opts_in_for_the_case_of_another_municipality(moved: Town) -> None:
    with pytest.raises(PermanentError, match=r"case\.unknown"):
        opt_in(moved.opened, "c-nobody", "on the phone")
