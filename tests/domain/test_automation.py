"""The automation filter: what keeps a machine's hands off a case, whatever the service."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.domain.automation import (
    CONDITIONS,
    FILTER_CODES,
    FOR_CLERKS,
    REVERSALS,
    automation_filter,
    can_be_written_to,
    gate_checks,
    may_be_told,
    puts_back,
    same_home,
)
from tasks.domain.check import Check, all_met, conclude
from tasks.domain.decision import Outcome, Result
from tasks.domain.delta import DeltaKind
from tasks.domain.person import Dwelling, DwellingStatus, Lock, PartialDate, Person
from tasks.domain.service import LaterEvent, LegalMode, Situation
from tests.builders import (
    DAY,
    ELSEWHERE,
    TODAY,
    a_delta,
    a_dwelling,
    a_gate,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    an_act,
    an_address,
    an_answer,
)


def code(situation: Situation) -> str:
    decision = conclude(automation_filter(situation, TODAY), FILTER_CODES)
    return decision.code if decision else ""


def failed(checks: list[Check]) -> list[str]:
    return [check.code for check in checks if not check.passed]


def test_an_ordinary_move_is_fit_for_a_machine() -> None:
    checks = automation_filter(a_situation(), TODAY)

    assert all_met(checks)
    assert [check.ground.name for check in checks] == list(CONDITIONS)[: len(checks)]


@pytest.mark.parametrize(
    ("until", "expected"), [(TODAY - DAY, ""), (TODAY, "address_locked"), (None, "address_locked")]
)
def test_a_lock_stops_a_case_up_to_its_last_day(until: date | None, expected: str) -> None:
    assert code(a_situation(a_move(locks=(Lock("3", until),)))) == expected


def test_a_lock_that_arrived_after_the_move_counts() -> None:
    delta = a_move()
    assert delta.after is not None

    assert code(a_situation(delta, now=replace(delta.after, locks=(Lock("11"),)))) == (
        "address_locked"
    )


@pytest.mark.parametrize("where", ["old", "new"])
def test_a_protected_facility_counts_on_the_way_in_and_on_the_way_out(where: str) -> None:
    shelter = {"conditional_lock": True}
    move = a_move(
        leaving=a_dwelling(**(shelter if where == "old" else {})),
        to=a_new_dwelling(**(shelter if where == "new" else {})),
    )

    assert code(a_situation(move)) == "conditional_lock"


@pytest.mark.parametrize(
    ("born", "expected"), [("1984-03-12", "guardianship"), ("2010", ""), ("", "guardianship")]
)
def test_parents_represent_a_child_but_who_represents_an_adult_must_be_heard(
    born: str, expected: str
) -> None:
    assert code(a_situation(a_move(born=born, has_guardian=True))) == expected


def test_a_second_main_dwelling_in_the_same_town_contradicts_itself() -> None:
    both = a_person(a_dwelling(), a_new_dwelling())
    second = a_person(a_dwelling(), a_new_dwelling(status=DwellingStatus.SECONDARY))

    assert code(a_situation(a_delta(after=both))) == "contradicting_data"
    assert code(a_situation(a_delta(after=second))) == ""


@pytest.mark.parametrize(("days", "expected"), [(365, ""), (366, ""), (367, "contradicting_data")])
def test_a_move_in_that_lies_years_ahead_is_a_slip_of_the_pen(days: int, expected: str) -> None:
    home = a_new_dwelling(moved_in=TODAY + days * DAY)

    assert code(a_situation(a_move(to=home))) == expected


def test_a_home_that_changed_without_any_event_contradicts_the_event() -> None:
    assert code(a_situation(now=a_person())) == "contradicting_data"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (DeltaKind.MOVE, "superseded"),
        (DeltaKind.MOVE_AWAY, "superseded"),
        (DeltaKind.STATUS_CHANGE, "superseded"),
        (DeltaKind.LOCK_CHANGE, "contradicting_data"),
    ],
)
def test_a_later_event_about_the_address_overtakes_a_move(kind: DeltaKind, expected: str) -> None:
    moved_on = a_person(a_new_dwelling("Große Mönchenstraße", "3"))

    assert code(a_situation(now=moved_on, later=(LaterEvent(kind, False),))) == expected


def test_a_later_event_that_leaves_the_home_as_it_was_overtakes_nothing() -> None:
    later = (LaterEvent(DeltaKind.MOVE, True), LaterEvent(DeltaKind.MOVE_REVERSED, True, "E9"))

    assert code(a_situation(later=later)) == ""


def test_a_dwelling_becoming_secondary_overtakes_the_move_into_it() -> None:
    second = a_person(a_new_dwelling(status=DwellingStatus.SECONDARY))
    later = (LaterEvent(DeltaKind.STATUS_CHANGE, False),)

    assert code(a_situation(now=second, later=later)) == "superseded"


def test_a_name_change_is_overtaken_by_another_name_but_not_by_a_move() -> None:
    delta = a_delta(DeltaKind.NAME_CHANGE, after=a_person(name=a_name("Brandt-Roth")))
    third = a_person(name=a_name("Roth"))
    moved = a_person(a_new_dwelling(), name=a_name("Brandt-Roth"))

    renamed = a_situation(delta, now=third, later=(LaterEvent(DeltaKind.NAME_CHANGE, False),))
    assert code(renamed) == "superseded"
    assert code(a_situation(delta, now=moved, later=(LaterEvent(DeltaKind.MOVE, True),))) == ""


@pytest.mark.parametrize(("kind", "now"), [(DeltaKind.DEATH, "dead"), (DeltaKind.DELETION, "gone")])
def test_death_and_deletion_overtake_everything_but_a_reversal(kind: DeltaKind, now: str) -> None:
    person = a_person(died=PartialDate(2026, 11, 13)) if now == "dead" else None
    later = (LaterEvent(kind, True),)

    assert code(a_situation(now=person, later=later)) == "superseded"
    reversal = a_delta(DeltaKind.MOVE_REVERSED)
    assert code(a_situation(reversal, now=person, later=later)) == ""


def test_a_death_that_was_taken_back_overtakes_nothing() -> None:
    events = (LaterEvent(DeltaKind.DEATH, True), LaterEvent(DeltaKind.DEATH_REVERSED, True, "E9"))

    assert code(a_situation(later=events)) == ""


def test_only_the_event_that_was_taken_back_is_reversed() -> None:
    def taken_back(event: str) -> Situation:
        return a_situation(later=(LaterEvent(DeltaKind.MOVE_REVERSED, False, event),))

    assert code(taken_back("E0002-0001")) == "reversed"
    assert code(taken_back("E0002-0002")) == ""
    assert code(taken_back("")) == ""


def test_who_is_gone_from_the_register_is_never_served() -> None:
    assert code(a_situation(now=None)) == "holder_vanished"


@pytest.mark.parametrize("kind", sorted(FOR_CLERKS))
def test_an_event_that_always_reaches_a_clerk_is_not_hidden_behind_a_lock(kind: DeltaKind) -> None:
    locked = a_person(locks=(Lock("3"),), died=PartialDate(2026), has_guardian=True)

    assert code(a_situation(a_delta(kind, after=locked), open_clerk_case=True)) == ""


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (a_person(), ""),
        (None, "holder_vanished"),
        (a_person(died=PartialDate(2026)), "holder_died"),
        (a_person(locks=(Lock("3"),)), "address_locked"),
        (a_person(a_dwelling(conditional_lock=True)), "conditional_lock"),
        (a_person(has_guardian=True), "guardianship"),
    ],
)
def test_before_a_letter_leaves_its_addressee_is_looked_at_again(
    person: Person | None, reason: str
) -> None:
    assert may_be_told(person, TODAY) == reason


def test_the_floor_or_a_lock_does_not_make_another_home() -> None:
    home = a_dwelling()
    upstairs = replace(home, address=replace(home.address, floor="3. OG"), conditional_lock=True)

    assert same_home(a_person(home), a_person(upstairs))
    assert not same_home(a_person(home), a_person(replace(home, moved_in=TODAY)))
    assert not same_home(a_person(home), None)


@pytest.mark.parametrize(
    ("gate", "act", "applied", "open_codes"),
    [
        (a_gate(), True, True, []),
        (a_gate(), True, False, ["no_standing_application"]),
        (a_gate(), False, False, []),
        (a_gate(legal_mode=LegalMode.NOTICE_ONLY), True, False, []),
        (a_gate(legal_mode=LegalMode.CLERK), True, True, ["clerk_decides"]),
        (a_gate(legal_mode=LegalMode.CLERK), False, True, ["clerk_decides"]),
        (a_gate(automation_norm=""), True, True, ["no_automation_norm"]),
        (a_gate(automation_norm=""), False, True, []),
        (a_gate(legal_basis_ref=""), False, True, ["no_legal_basis_ref"]),
    ],
)
def test_a_municipality_must_have_settled_what_law_asks_for(
    gate: object, act: bool, applied: bool, open_codes: list[str]
) -> None:
    checks = gate_checks(gate, administrative_act=act, standing_application=applied)  # type: ignore[arg-type]

    assert failed(checks) == open_codes


@pytest.mark.parametrize("mode", LegalMode)
@pytest.mark.parametrize("norm", ["StVO § 46 Abs. 5", ""])
def test_what_a_person_has_decided_needs_no_norm_for_machines_and_no_second_look(
    mode: LegalMode, norm: str
) -> None:
    gate = a_gate(legal_mode=mode, automation_norm=norm)
    applied = {"administrative_act": True, "standing_application": True}

    assert failed(gate_checks(gate, **applied, by_clerk=True)) == []
    not_applied = gate_checks(gate, administrative_act=True, by_clerk=True)
    asked = mode is LegalMode.STANDING_APPLICATION
    assert failed(not_applied) == (["no_standing_application"] if asked else [])
    unapproved = gate_checks(replace(gate, legal_basis_ref=""), **applied, by_clerk=True)
    assert failed(unapproved) == ["no_legal_basis_ref"]


def test_where_clerks_decide_all_the_norm_for_machines_is_no_second_question() -> None:
    gate = a_gate(legal_mode=LegalMode.CLERK, automation_norm="")

    checks = gate_checks(gate, administrative_act=True, standing_application=True)

    assert failed(checks) == ["clerk_decides"]


@pytest.mark.parametrize("question", ["open_clerk_case", "contradicting_data"])
def test_a_clerk_may_say_that_it_goes_on_all_the_same(question: str) -> None:
    contradicting = question == "contradicting_data"
    situation = a_situation(now=a_person()) if contradicting else a_situation(open_clerk_case=True)
    checks = automation_filter(situation, TODAY)

    assert conclude(checks, FILTER_CODES, [an_answer(question, "go_on")]) is None


@pytest.mark.parametrize(
    "person",
    [
        a_person(locks=(Lock("3"),)),
        a_person(a_dwelling(conditional_lock=True)),
        a_person(has_guardian=True),
    ],
)
def test_no_clerk_can_wave_a_protected_person_through(person: Person) -> None:
    situation = a_situation(a_delta(DeltaKind.NAME_CHANGE, after=person))
    checks = automation_filter(situation, TODAY)

    decision = conclude(checks, FILTER_CODES)
    assert decision is not None
    assert decision.question is not None
    assert [choice.name for choice in decision.question.choices] == ["by_hand"]
    again = conclude(checks, FILTER_CODES, [an_answer(decision.code, "go_on")])
    assert again == decision


# Reversals


@pytest.mark.parametrize("kind", sorted(REVERSALS))
def test_what_had_effect_is_put_back_only_where_nobody_needs_protection(kind: DeltaKind) -> None:
    locked = a_person(locks=(Lock("3"),))
    reversal = a_situation(a_delta(kind, after=locked))
    after_effect = replace(reversal, acts=(an_act(),))

    assert code(reversal) == ""  # nothing to put back: a clerk, or nobody, looks at it
    by_machine = kind is not DeltaKind.DEATH_REVERSED
    assert puts_back(after_effect) == by_machine
    assert code(after_effect) == ("address_locked" if by_machine else "")


@pytest.mark.parametrize(
    ("until", "expected"), [(TODAY - DAY, ""), (TODAY, "address_locked"), (None, "address_locked")]
)
def test_a_lock_stops_an_undo_up_to_its_last_day(until: date | None, expected: str) -> None:
    locked = a_person(locks=(Lock("3", until),))
    reversal = a_delta(DeltaKind.MOVE_REVERSED, after=locked)

    assert code(a_situation(reversal, acts=(an_act(),))) == expected


def test_who_wants_no_more_of_the_service_still_gets_its_mistakes_put_right() -> None:
    reversal = a_situation(a_delta(DeltaKind.MOVE_REVERSED), opted_out=True)

    assert code(reversal) == "opted_out"
    assert code(replace(reversal, acts=(an_act(),))) == ""


ABROAD = Dwelling(an_address("", "", ags="", country="124"))


@pytest.mark.parametrize(
    ("person", "can"),
    [
        (a_person(), True),
        (a_person(a_dwelling(ags=ELSEWHERE)), True),
        (None, False),
        (a_person(died=PartialDate(2026)), False),
        (a_person(replace(a_dwelling(), current=False)), False),
        (a_person(replace(a_dwelling(), current=False), ABROAD), False),
    ],
)
def test_a_letter_needs_somebody_to_read_it_at_an_address_of_this_country(
    person: Person | None, can: bool
) -> None:
    assert can_be_written_to(person) is can


def test_contradicting_data_are_unclear_and_not_against_the_resident() -> None:
    decision = conclude(automation_filter(a_situation(now=a_person()), TODAY), FILTER_CODES)

    assert decision is not None
    assert decision.grounds[-1].result is Result.UNCLEAR
    assert decision.outcome is Outcome.NEEDS_REVIEW
