"""Bewohnerparken: the registry takes an event back, before or after it had effect."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.check import ANSWER
from tasks.domain.decision import Answer, Decision, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import Act, Effect, EffectKind
from tasks.domain.person import Dwelling, Lock, PartialDate
from tasks.domain.service import Gate, LaterEvent, LegalMode, Situation
from tasks.domain.statements import Taking
from tasks.services.resident_parking import letter_data
from tests.builders import (
    DAY,
    FORM_WORDS,
    TODAY,
    a_delta,
    a_dwelling,
    a_gate,
    a_link,
    a_name,
    a_name_act,
    a_permit,
    a_person,
    a_situation,
    an_act,
    an_address,
    an_address_act,
    an_answer,
    an_end_act,
    areas,
    parking_rules,
    stated,
)
from tests.services.resident_parking_stories import (
    DECLINED,
    GRANTED,
    REVIEW,
    SUPPRESSED,
    a_reversal,
    decided,
)

SWITCH = an_act()


def taken_back(*acts: Act, told: bool = True, **fields: Any) -> Situation:
    """The move of the default story was carried out, and is taken back."""
    return a_reversal(acts=acts or (SWITCH,), told=told, **fields)


def by_machine(situation: Situation, **rest: Any) -> Decision:
    return decided(situation, resolutory_condition=True, **rest)


def letter(situation: Situation, decision: Decision) -> dict[str, str]:
    return dict(letter_data(situation, decision, parking_rules()))


def answered(situation: Situation, question: str, choice: str, **rest: Any) -> Decision:
    return decided(replace(situation, answers=(an_answer(question, choice),)), **rest)


# Undone by machine


def test_a_switch_that_lapsed_by_its_condition_is_taken_back_by_machine_and_said_so() -> None:
    decision = by_machine(taken_back())

    assert (decision.outcome, decision.code) == (GRANTED, "taken_back")
    assert decision.effects == (SWITCH.inverse,)
    assert (decision.notify, decision.undoes) == (True, True)
    assert letter(taken_back(), decision) == {
        "permit_number": "BPA-0001",
        "plate": "ZZ-MU 101",
        "zone_old": "A2",
        "zone_new": "A3",
        "valid_until": "2028-02-29",
        "ends_soon_from": "2028-01-18",
        "dropped_permit": "BPA-0001/2",
        "dropped_until": "",
        "reason": "registry",
        "what": "zone",
        "taking": "",
        **FORM_WORDS,
    }


def test_what_nobody_was_told_of_is_taken_back_in_silence() -> None:
    decision = by_machine(taken_back(told=False))

    assert (decision.code, decision.notify) == ("taken_back", False)


def test_several_effects_are_taken_back_the_last_one_first() -> None:
    name = a_name_act()

    decision = by_machine(taken_back(name, SWITCH))

    assert decision.effects == (SWITCH.inverse, name.inverse)
    assert letter(taken_back(name, SWITCH), decision)["what"] == "zone"


@pytest.mark.parametrize(
    ("family", "taken", "left"), [("Brandt-Roth", 1, True), ("Brandt", 2, False)]
)
def test_who_never_moved_keeps_the_new_name_as_long_as_the_register_says_it(
    family: str, taken: int, left: bool
) -> None:
    name, renamed = a_name_act(), a_person(name=a_name(family))
    situation = replace(taken_back(name, SWITCH), now=renamed)

    decision = by_machine(situation)

    assert (decision.code, len(decision.effects)) == ("taken_back", taken)
    assert (name.inverse not in decision.effects) is left


@pytest.mark.parametrize(("act", "what"), [(an_address_act(), "address"), (a_name_act(), "name")])
@pytest.mark.parametrize("by_condition", [True, False])
def test_where_only_data_were_changed_no_discretion_is_needed_to_put_them_back(
    act: Act, what: str, by_condition: bool
) -> None:
    situation = taken_back(act)

    decision = decided(situation, resolutory_condition=by_condition)

    assert (decision.outcome, decision.effects) == (GRANTED, (act.inverse,))
    data = letter(situation, decision)
    assert (data["what"], data["zone_old"], data["zone_new"]) == (what, "A3", "A3")
    assert (data["valid_until"], data["dropped_permit"]) == ("2028-02-29", "")


def test_a_wrong_act_is_undone_even_for_who_wants_no_more_of_the_service() -> None:
    assert by_machine(taken_back(opted_out=True)).code == "taken_back"


@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (a_gate(automation_norm=""), "no_automation_norm"),
        (a_gate(legal_basis_ref=""), "no_legal_basis_ref"),
        (a_gate(legal_mode=LegalMode.CLERK), "clerk_decides"),
    ],
)
def test_the_old_permit_is_granted_anew_so_a_machine_needs_its_norm_for_that_too(
    gate: Gate, code: str
) -> None:
    decision = decided(taken_back(), gate=gate, resolutory_condition=True)

    assert (decision.outcome, decision.code) == (REVIEW, code)


@pytest.mark.parametrize(
    ("last_day", "code"),
    [
        (TODAY - DAY, "permit_expired"),
        (TODAY, "taken_back"),
        (TODAY + DAY, "taken_back"),
    ],
)
def test_what_is_over_anyway_is_not_given_back(last_day: date, code: str) -> None:
    new = a_permit(number="BPA-0001/2", zone="A2", valid_until=last_day)
    act = an_act(permits=(a_permit(status="ended", valid_until=TODAY - DAY), new))

    assert decided(taken_back(act), resolutory_condition=True).code == code


# Left to a clerk


def test_a_switch_without_condition_is_taken_back_by_a_clerk_who_is_offered_just_that() -> None:
    situation = taken_back()

    decision = decided(situation)

    assert (decision.outcome, decision.code) == (REVIEW, "reversal_after_effect")
    assert decision.question is not None
    undo, by_hand = decision.question.choices
    assert (undo.name, by_hand.name) == ("undo", "by_hand")
    assert (undo.then, undo.effects) == (Then.DO, (SWITCH.inverse,))
    assert decision.question.proposal == undo.effects

    done = answered(situation, "reversal_after_effect", "undo")
    assert (done.outcome, done.code) == (GRANTED, "taken_back")
    assert (done.effects, done.notify, done.undoes) == ((SWITCH.inverse,), True, True)
    assert letter(situation, done)["reason"] == "registry"


@pytest.mark.parametrize("told", [True, False])
def test_a_clerk_reads_whether_the_resident_will_be_told(told: bool) -> None:
    situation = taken_back(told=told)
    question = decided(situation).question

    assert question is not None
    assert ("never told" in question.choices[0].text) is not told
    assert answered(situation, "reversal_after_effect", "undo").notify is told


def test_a_withdrawal_that_nobody_asked_for_needs_a_hearing_and_reasons_in_the_letter() -> None:
    situation = taken_back()
    question = decided(situation).question
    assert question is not None
    assert "withdrawn (VwVfG § 48 Abs. 1); the hearing (§ 28)" in question.choices[0].text
    assert question.choices[0].takes is Taking.WITHDRAWS
    assert question.choices[0].known_since == situation.delta.received_on
    given = Answer("reversal_after_effect", "undo", "sb-1", stated(Taking.WITHDRAWS))

    situation = replace(situation, answers=(given,))

    told = letter(situation, decided(situation))
    assert told["taking"] == "withdraws"
    assert told["unlawful"] == stated(Taking.WITHDRAWS)["unlawful"]


@pytest.mark.parametrize(
    "situation",
    [taken_back(an_end_act()), taken_back(told=False)],
    ids=["a clerk gives an ended permit back", "nobody was told of the switch"],
)
def test_where_nothing_is_withdrawn_or_nobody_is_told_no_reasons_are_asked_for(
    situation: Situation,
) -> None:
    question = decided(situation).question

    assert question is not None
    assert question.choices[0].name == "undo"
    assert question.choices[0].takes is None


_KEPT = {"end_old": "false"}


def test_a_permit_granted_before_the_condition_was_brought_in_does_not_lapse_by_it() -> None:
    kept = replace(SWITCH, effect=replace(SWITCH.effect, data=SWITCH.effect.data | _KEPT))

    assert by_machine(taken_back(kept)).code == "reversal_after_effect"


def test_what_a_clerk_has_ended_only_a_clerk_gives_back() -> None:
    ended = an_end_act()

    for acts in ((ended,), (SWITCH, ended)):
        assert by_machine(taken_back(*acts)).code == "reversal_after_effect"

    done = answered(taken_back(ended), "reversal_after_effect", "undo")
    assert done.effects == (ended.inverse,)
    data = letter(taken_back(ended), done)
    assert (data["what"], data["valid_until"]) == ("end", "2028-02-29")
    assert (data["zone_old"], data["zone_new"], data["dropped_permit"]) == ("A3", "A3", "")


def test_after_a_switch_and_a_clerks_end_the_letter_tells_of_the_zone() -> None:
    situation = taken_back(SWITCH, an_end_act())

    done = answered(situation, "reversal_after_effect", "undo")

    assert [effect.data["undo"] for effect in done.effects] == ["c-1:1:3", "c-1:1:0"]
    data = letter(situation, done)
    assert (data["what"], data["valid_until"]) == ("zone", "2028-02-29")


@pytest.mark.parametrize("by_condition", [True, False])
def test_a_record_that_somebody_has_changed_since_is_put_back_by_a_clerk(
    by_condition: bool,
) -> None:
    situation = taken_back(replace(SWITCH, intact=False))

    decision = decided(situation, resolutory_condition=by_condition)

    assert (decision.outcome, decision.code) == (REVIEW, "record_changed")
    assert decision.question is not None
    assert [choice.name for choice in decision.question.choices] == ["by_hand"]


def test_a_record_changed_after_the_clerks_answer_is_not_overwritten() -> None:
    situation = taken_back(replace(SWITCH, intact=False))

    assert answered(situation, "reversal_after_effect", "undo").code == "record_changed"


@pytest.mark.parametrize("by_condition", [True, False])
def test_what_was_undone_already_is_not_undone_twice(by_condition: bool) -> None:
    decision = decided(taken_back(undone=True), resolutory_condition=by_condition)

    assert (decision.outcome, decision.code) == (DECLINED, "undone_already")
    stale = answered(taken_back(undone=True), "reversal_after_effect", "undo")
    assert stale.code == "undone_already"


@pytest.mark.parametrize(
    ("zones", "code"),
    [
        (("A3",), "taken_back"),
        (("A3", "W2"), "taken_back"),
        (("A2",), "permit_zone_conflict"),
        ((), "permit_zone_conflict"),
    ],
)
def test_no_machine_gives_back_a_permit_for_a_zone_in_which_nobody_lives(
    zones: tuple[str, ...], code: str
) -> None:
    situation = replace(taken_back(), areas_after=areas(*zones))

    assert by_machine(situation).code == code
    answer = answered(situation, "permit_zone_conflict", "go_on", resolutory_condition=True)
    assert answer.code == "taken_back"
    used = {ground.facts.get(ANSWER) for ground in answer.grounds}
    assert ("go_on" in used) == (code == "permit_zone_conflict")


def test_a_clerk_who_takes_a_switch_back_has_first_seen_that_nobody_lives_in_the_old_zone() -> None:
    situation = replace(taken_back(), areas_after=areas("A2"))

    assert decided(situation).code == "permit_zone_conflict"
    assert answered(situation, "permit_zone_conflict", "go_on").code == "reversal_after_effect"
    assert answered(situation, "reversal_after_effect", "undo").code == "permit_zone_conflict"


PROTECTED = {
    "address_locked": a_person(locks=(Lock("3"),)),
    "conditional_lock": a_person(a_dwelling(conditional_lock=True)),
    "guardianship": a_person(has_guardian=True),
    "holder_vanished": None,
}


@pytest.mark.parametrize("code", PROTECTED)
def test_a_machine_writes_to_nobody_who_is_protected_not_even_to_put_things_right(
    code: str,
) -> None:
    decision = by_machine(taken_back(now=PROTECTED[code]))

    assert (decision.outcome, decision.code, decision.effects) == (REVIEW, code, ())


def test_nothing_is_given_back_to_the_dead() -> None:
    dead = a_person(died=PartialDate(2026, 11, 20))

    decision = by_machine(taken_back(now=dead))

    assert (decision.outcome, decision.code) == (SUPPRESSED, "holder_died")


def test_a_second_open_case_of_the_person_is_looked_at_first() -> None:
    assert by_machine(taken_back(open_clerk_case=True)).code == "open_clerk_case"


def test_a_reversal_that_was_itself_taken_back_changes_nothing() -> None:
    situation = taken_back()
    again = (LaterEvent(DeltaKind.OTHER_REVERSED, True, situation.delta.event),)

    decision = by_machine(replace(situation, later=again))

    assert (decision.outcome, decision.code) == (SUPPRESSED, "reversed")


# Other events than a move


def test_a_wrong_name_is_taken_back_by_machine() -> None:
    delta = a_delta(
        DeltaKind.OTHER_REVERSED,
        before=a_person(name=a_name("Brandt-Roth")),
        after=a_person(),
        reverses="E0002-0001",
    )
    situation = a_situation(delta, after=("A3",), acts=(a_name_act(),), told=True)

    decision = decided(situation)

    assert (decision.code, decision.notify) == ("taken_back", True)
    assert letter(situation, decision)["what"] == "name"


def test_a_reversal_before_any_effect_leaves_the_permit_as_it_is() -> None:
    decision = decided(a_reversal())

    assert (decision.outcome, decision.code) == (DECLINED, "reversal_before_effect")


def alive_again(*acts: Act, **fields: Any) -> Situation:
    status = "ended" if acts else "active"
    return a_situation(
        a_delta(DeltaKind.DEATH_REVERSED),
        **({"links": (a_link(status=status),), "after": ("A3",), "acts": acts} | fields),
    )


def offered(situation: Situation) -> list[str]:
    question = by_machine(situation).question
    return [choice.name for choice in question.choices] if question else []


def test_whoever_is_alive_after_all_gets_the_permit_back_by_a_clerk_never_by_machine() -> None:
    ended = an_end_act()
    situation = alive_again(ended)

    assert by_machine(situation).code == "death_reversed"
    assert offered(situation) == ["restore", "undo", "serve_again", "by_hand"]
    done = answered(situation, "death_reversed", "undo")
    assert (done.effects, done.notify) == ((ended.inverse,), False)


def test_a_clerk_may_have_a_letter_apologise_to_whoever_is_alive_after_all() -> None:
    ended = an_end_act()

    done = answered(alive_again(ended), "death_reversed", "restore")

    assert (done.code, done.effects, done.notify) == ("taken_back", (ended.inverse,), True)
    data = letter(alive_again(ended), done)
    assert (data["what"], data["valid_until"]) == ("end", "2028-02-29")


def test_where_nothing_was_done_on_the_death_a_clerk_lets_the_letters_go_on() -> None:
    assert offered(alive_again()) == ["serve_again", "by_hand"]
    done = answered(alive_again(), "death_reversed", "serve_again")
    assert (done.outcome, done.code, done.effects) == (DECLINED, "served_again", ())


def test_no_apology_is_offered_that_nobody_would_read() -> None:
    abroad = a_person(Dwelling(an_address("", "", ags="", country="124")))

    assert offered(alive_again(an_end_act(), now=abroad)) == ["undo", "serve_again", "by_hand"]


def test_a_permit_that_somebody_has_changed_since_the_death_is_not_offered_back() -> None:
    changed = replace(an_end_act(), intact=False)

    assert offered(alive_again(changed)) == ["serve_again", "by_hand"]


def test_a_move_that_came_to_nothing_by_a_death_is_not_forgotten_with_it() -> None:
    moved = alive_again(after=("A2",), areas_earlier=("A3",))

    assert by_machine(moved).code == "permit_zone_conflict"
    assert by_machine(replace(moved, areas_earlier=())).code == "death_reversed"


def test_a_permit_of_another_number_stays_untouched() -> None:
    """The person holds a second permit that the event had nothing to do with."""
    situation = taken_back(links=(a_link(), a_link(number="BPA-0007")))

    assert {effect.record for effect in by_machine(situation).effects} == {"BPA-0001"}


def test_whoever_has_moved_on_abroad_is_not_written_to_but_the_record_is_put_right() -> None:
    abroad = Dwelling(an_address("", "", ags="", country="124"))
    away = a_person(replace(a_dwelling(), current=False), abroad)

    decision = by_machine(taken_back(now=away))

    assert (decision.code, decision.notify) == ("taken_back", False)


def test_an_effect_on_a_record_that_is_gone_from_the_register_is_for_a_clerk() -> None:
    gone = Act(Effect(EffectKind.UPDATE_NAME, "BPA-0404"), SWITCH.inverse, (), intact=False)

    assert decided(taken_back(gone)).code == "record_changed"
