"""What follows an act: its resident replies, or a clerk settles the part that was left."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.check import ANSWER
from tasks.domain.decision import Choice, Decision, Outcome, Result, Then
from tasks.domain.effect import Act
from tasks.domain.follow_up import CONDITIONS, FOLLOW_UP_CODES, decide_follow_up
from tasks.domain.permits import end
from tasks.domain.person import Dwelling, Lock, PartialDate, Person
from tasks.domain.record import Permit
from tasks.domain.reply import ReplyKind, Scope
from tasks.domain.service import Situation
from tasks.services.resident_parking import letter_data, service
from tests.builders import (
    DAY,
    FORM_WORDS,
    TODAY,
    a_dwelling,
    a_gate,
    a_move,
    a_permit,
    a_person,
    a_reply,
    a_situation,
    an_act,
    an_address,
    an_address_act,
    an_answer,
    an_end_act,
    parking_rules,
)

NEW = a_permit(number="BPA-0001/2", zone="A2", valid_from=TODAY)
OLD = a_permit()
KEPT = an_act(permits=(OLD, NEW))  # without the condition: the old permit is still there
GRANTED, DECLINED, REVIEW = Outcome.GRANTED, Outcome.DECLINED, Outcome.NEEDS_REVIEW


def replied(kind: ReplyKind = ReplyKind.DEREGISTER, *acts: Act, **fields: Any) -> Situation:
    defaults = {"reply": a_reply(kind), "acts": acts or (an_act(),), "told": True}
    return a_situation(**(defaults | fields))


def decided(situation: Situation, today: date = TODAY) -> Decision:
    return decide_follow_up(service, situation, parking_rules(), a_gate(), today)


def answered(situation: Situation, *answers: tuple[str, str], today: date = TODAY) -> Decision:
    given = tuple(an_answer(question, choice) for question, choice in answers)
    return decided(replace(situation, answers=given), today)


def ended(decision: Decision) -> dict[str, str]:
    """permit number -> its last day"""
    return {effect.record: effect.data["valid_until"] for effect in decision.effects}


def letter(situation: Situation, decision: Decision) -> Mapping[str, str]:
    return letter_data(situation, decision, parking_rules())


def choices(decision: Decision) -> list[str]:
    assert decision.question is not None
    return [choice.name for choice in decision.question.choices]


# The resident no longer needs it


def test_who_deregisters_gives_up_the_permit_that_the_letter_was_about_today() -> None:
    situation = replied()

    decision = decided(situation)

    assert (decision.outcome, decision.code) == (GRANTED, "deregistered")
    assert ended(decision) == {"BPA-0001/2": "2026-11-23"}
    assert (decision.notify, decision.undoes) == (True, True)
    data = letter(situation, decision)
    assert data["ended"] == "BPA-0001/2 (Zone A2, Kennzeichen ZZ-MU 101)"
    assert data["last_day"] == "2026-11-23"


@pytest.mark.parametrize(("days", "ends"), [(-1, False), (0, False), (1, True), (4, True)])
def test_who_deregisters_needs_the_tolerated_old_permit_no_longer_either(
    days: int, ends: bool
) -> None:
    old = replace(OLD, status="ended", valid_until=TODAY + days * DAY)
    situation = replied(ReplyKind.DEREGISTER, an_act(permits=(old, NEW)))

    decision = decided(situation)

    both = {"BPA-0001/2": "2026-11-23", "BPA-0001": "2026-11-23"}
    assert ended(decision) == (both if ends else {"BPA-0001/2": "2026-11-23"})
    data = letter(situation, decision)
    assert ("BPA-0001 (Zone A3" in data["ended"]) is ends
    assert data["last_day"] == "2026-11-23"


def test_who_deregisters_keeps_no_old_permit_beside_the_new_one() -> None:
    situation = replied(ReplyKind.DEREGISTER, KEPT)

    decision = decided(situation)

    assert ended(decision) == {"BPA-0001": "2026-11-23", "BPA-0001/2": "2026-11-23"}
    told = letter(situation, decision)["ended"]
    assert "BPA-0001 (Zone A3" in told
    assert "BPA-0001/2 (Zone A2" in told


def test_deregistering_after_a_corrected_address_ends_the_permit_itself() -> None:
    assert ended(decided(replied(ReplyKind.DEREGISTER, an_address_act()))) == {
        "BPA-0001": "2026-11-23"
    }


def test_a_permit_that_the_letter_was_not_about_stays() -> None:
    situation = replied()
    other = replace(situation.links[0], permit=a_permit(number="BPA-0007"))

    assert "BPA-0007" not in ended(decided(replace(situation, links=(*situation.links, other))))


@pytest.mark.parametrize(
    ("today", "code", "last"),
    [
        (date(2026, 12, 30), "deregistered", "2026-12-30"),
        (date(2026, 12, 31), "deregistered", "2026-12-31"),
        (date(2027, 1, 1), "nothing_to_end", None),
    ],
)
def test_a_permit_can_be_given_up_to_its_last_day(today: date, code: str, last: str | None) -> None:
    new = replace(NEW, valid_until=date(2026, 12, 31))

    decision = decided(replied(ReplyKind.DEREGISTER, an_act(permits=(new,))), today)

    assert decision.code == code
    assert ended(decision).get("BPA-0001/2") == last


def test_a_reply_is_carried_out_on_its_day_and_not_back_in_time() -> None:
    """A run was late: what was parked meanwhile was parked with a permit."""
    late = replied(reply=a_reply(received_on=TODAY - 3 * DAY))

    assert ended(decided(late)) == {"BPA-0001/2": "2026-11-23"}


@pytest.mark.parametrize(
    "gone", [(replace(NEW, status="ended"),), (replace(NEW, valid_until=TODAY - DAY),), ()]
)
@pytest.mark.parametrize("undone", [True, False])
@pytest.mark.parametrize("person", [a_person(), a_person(locks=(Lock("3"),)), None])
def test_where_nothing_is_left_to_end_there_is_no_work_for_a_clerk(
    gone: tuple[Permit, ...], undone: bool, person: Person | None
) -> None:
    """Sent twice, or once from the page and once on the phone."""
    situation = replied(ReplyKind.DEREGISTER, an_act(permits=gone), undone=undone, now=person)

    decision = decided(situation)

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "nothing_to_end", ())


PROTECTED = {
    "address_locked": a_person(locks=(Lock("3"),)),
    "conditional_lock": a_person(a_dwelling(conditional_lock=True)),
    "guardianship": a_person(has_guardian=True),
    "holder_died": a_person(died=PartialDate(2026, 11, 20)),
}


@pytest.mark.parametrize("code", PROTECTED)
def test_a_reply_never_passes_a_lock_by_and_a_clerk_can_carry_it_out(code: str) -> None:
    situation = replied(now=PROTECTED[code])

    decision = decided(situation)

    assert (decision.outcome, decision.code, decision.effects) == (REVIEW, code, ())
    assert choices(decision) == ["deregister", "by_hand"]
    assert decision.question is not None
    assert decision.question.proposal == end([NEW], TODAY)
    done = answered(situation, (code, "deregister"))
    assert (done.code, ended(done)) == ("deregistered", {"BPA-0001/2": "2026-11-23"})
    assert done.notify == (code != "holder_died")
    assert answered(situation, (code, "by_hand")).code == "settled_by_hand"


@pytest.mark.parametrize(
    ("until", "code"), [(-1, "deregistered"), (0, "address_locked"), (1, "address_locked")]
)
def test_a_lock_stops_a_reply_up_to_its_last_day(until: int, code: str) -> None:
    locked = a_person(locks=(Lock("3", TODAY + until * DAY),))

    assert decided(replied(now=locked)).code == code


def test_an_answer_to_one_question_leaves_the_next_one_open() -> None:
    situation = replied(now=PROTECTED["address_locked"])
    answer = ("address_locked", "deregister")

    guarded = a_person(locks=(Lock("3"),), has_guardian=True)
    assert answered(replace(situation, now=guarded), answer).code == "guardianship"
    restored = replace(situation, undone=True, acts=(an_act(permits=(OLD,)),))
    assert answered(restored, answer).code == "reply_crosses_undo"


def test_what_a_clerk_settled_by_hand_is_not_done_again_when_the_lock_is_over() -> None:
    decision = answered(replied(), ("address_locked", "by_hand"))

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "settled_by_hand", ())


@pytest.mark.parametrize(
    ("born", "code"),
    [
        ("2008-11-24", "resident_is_minor"),  # eighteen tomorrow
        ("2008-11-23", "deregistered"),
        ("2008-11-22", "deregistered"),
    ],
)
def test_a_minor_gives_a_permit_up_with_a_clerk_only(born: str, code: str) -> None:
    decision = decided(replied(now=a_person(born=born)))

    assert decision.code == code


def test_who_is_gone_from_the_register_can_give_a_permit_up_but_gets_no_letter() -> None:
    decision = decided(replied(now=None))

    assert (decision.code, decision.notify) == ("deregistered", False)


def test_who_has_moved_abroad_can_give_a_permit_up_but_gets_no_letter() -> None:
    abroad = a_person(Dwelling(an_address("", "", ags="", country="124")))

    decision = decided(replied(now=abroad))

    assert (decision.code, decision.notify) == ("deregistered", False)


def test_a_reply_that_crosses_a_reversal_ends_nothing_unasked() -> None:
    """The old permit is back: the letter was about another one."""
    situation = replied(ReplyKind.DEREGISTER, an_act(permits=(OLD,)), undone=True)

    decision = decided(situation)

    assert (decision.outcome, decision.code) == (REVIEW, "reply_crosses_undo")
    assert choices(decision) == ["deregister", "by_hand"]
    done = answered(situation, ("reply_crosses_undo", "deregister"))
    assert (done.code, ended(done)) == ("deregistered", {"BPA-0001": "2026-11-23"})
    assert answered(situation, ("reply_crosses_undo", "by_hand")).code == "settled_by_hand"


@pytest.mark.parametrize("scope", Scope)
def test_how_far_a_reply_reaches_changes_nothing_on_the_permit(scope: Scope) -> None:
    assert ended(decided(replied(reply=a_reply(scope=scope)))) == {"BPA-0001/2": "2026-11-23"}


# The resident wants no more of it


@pytest.mark.parametrize("undone", [True, False])
def test_who_opts_out_keeps_the_permit_and_gets_an_answer(undone: bool) -> None:
    situation = replied(ReplyKind.OPT_OUT, undone=undone)

    decision = decided(situation)

    assert (decision.outcome, decision.code) == (GRANTED, "opted_out")
    assert (decision.effects, decision.notify, decision.undoes) == ((), True, False)
    assert letter(situation, decision) == {}


@pytest.mark.parametrize("now", [None, a_person(died=PartialDate(2026))])
def test_nobody_answers_an_opt_out_of_who_is_gone_or_dead(now: Person | None) -> None:
    assert not decided(replied(ReplyKind.OPT_OUT, now=now)).notify


# The resident says that it is wrong, or objects


WRONG = {ReplyKind.WRONG: "resident_says_wrong", ReplyKind.OBJECT: "resident_objects"}


@pytest.mark.parametrize("kind", WRONG)
def test_what_a_resident_says_is_always_read_by_a_clerk(kind: ReplyKind) -> None:
    decision = decided(replied(kind))

    assert (decision.outcome, decision.code, decision.effects) == (REVIEW, WRONG[kind], ())
    assert choices(decision) == ["stands", "undo", "deregister", "by_hand"]
    unclear = [g.name for g in decision.grounds if g.result is Result.UNCLEAR]
    assert unclear == ["reply_settled"]


@pytest.mark.parametrize("kind", WRONG)
def test_each_answer_of_the_clerk_has_its_own_end(kind: ReplyKind) -> None:
    situation, question = replied(kind), WRONG[kind]

    stands = answered(situation, (question, "stands"))
    assert (stands.code, stands.effects, stands.notify) == ("stands", (), True)
    assert not stands.undoes
    assert letter(situation, stands) == {}

    undone = answered(situation, (question, "undo"))
    assert (undone.code, undone.effects) == ("taken_back", (an_act().inverse,))
    assert (undone.notify, undone.undoes) == (True, True)
    data = letter(situation, undone)
    assert (data["reason"], data["what"], data["zone_new"]) == ("clerk", "zone", "A3")

    over = answered(situation, (question, "deregister"))
    assert (over.code, ended(over), over.undoes) == (
        "deregistered",
        {"BPA-0001/2": "2026-11-23"},
        True,
    )
    assert letter(situation, over)["last_day"] == "2026-11-23"

    by_hand = answered(situation, (question, "by_hand"))
    assert (by_hand.outcome, by_hand.code) == (DECLINED, "settled_by_hand")

    for decision in (stands, undone, over, by_hand):
        (settled,) = [g for g in decision.grounds if g.name == "reply_settled"]
        assert settled.facts[ANSWER]


def test_a_wrongly_ended_permit_is_given_back_up_to_its_own_last_day() -> None:
    situation = replied(ReplyKind.WRONG, an_end_act())

    assert choices(decided(situation)) == ["stands", "undo", "by_hand"]
    undone = answered(situation, ("resident_says_wrong", "undo"))
    assert undone.effects == (an_end_act().inverse,)
    data = letter(situation, undone)
    assert (data["what"], data["valid_until"]) == ("end", "2028-02-29")


@pytest.mark.parametrize("kind", WRONG)
def test_what_somebody_has_changed_since_is_not_offered_to_be_undone(kind: ReplyKind) -> None:
    situation = replied(kind, an_act(intact=False))

    assert choices(decided(situation)) == ["stands", "deregister", "by_hand"]
    stale = answered(situation, (WRONG[kind], "undo"))
    assert (stale.outcome, stale.code) == (REVIEW, WRONG[kind])


def test_what_has_run_out_since_is_not_offered_to_be_given_up() -> None:
    situation = replied(ReplyKind.WRONG, an_act(permits=(replace(NEW, valid_until=TODAY),)))

    assert "deregister" in choices(decided(situation, TODAY))
    assert "deregister" not in choices(decided(situation, TODAY + DAY))
    late = answered(situation, ("resident_says_wrong", "deregister"), today=TODAY + DAY)
    assert late.code == "resident_says_wrong"


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("choice", ["stands", "undo", "deregister"])
def test_no_answer_outlives_a_reversal_that_came_after_it(kind: ReplyKind, choice: str) -> None:
    """What was undone meanwhile neither „stands“ nor may the permit now back be ended unasked."""
    situation = replied(kind, an_act(permits=(OLD,)), undone=True)

    decision = answered(situation, (WRONG[kind], choice))

    assert (decision.outcome, decision.code) == (REVIEW, "reply_crosses_undo")
    assert choices(decision) == ["deregister", "by_hand"]


# The part that the machine left to a clerk


def left(permit: Permit = OLD, asked_on: date = TODAY) -> Choice:
    return Choice(
        "end", "The permit ends.", Then.DO, end([permit], asked_on), "permit_ended", notify=True
    )


def part(*permits: Permit, choice: Choice | None = None, **fields: Any) -> Situation:
    """The old permit was left beside the new one; a clerk ends it."""
    act = an_act(permits=permits or (OLD, NEW))
    return a_situation(links=(), acts=(act,), left=choice or left(), told=True, **fields)


def test_a_clerk_ends_the_old_permit_and_the_new_one_stays() -> None:
    decision = decided(part())

    assert (decision.outcome, decision.code) == (GRANTED, "permit_ended")
    assert ended(decision) == {"BPA-0001": "2026-11-23"}
    assert (decision.notify, decision.undoes) == (True, False)
    assert letter(part(), decision) == {
        "permit_number": "BPA-0001",
        "plate": "ZZ-MU 101",
        "zone_old": "A3",
        "valid_until": "2026-11-23",
        "why": "end_old_permit",
        "ended": "BPA-0001 (Zone A3, Kennzeichen ZZ-MU 101)",
        "new_permit": "BPA-0001/2",
        "taking": "",
        "last_day": "2026-11-23",
        "moved": "",
        **FORM_WORDS,
    }


def test_a_permit_is_revoked_from_the_day_it_is_carried_out_and_not_from_the_day_it_was_asked() -> (
    None
):
    """VwVfG § 49 Abs. 2: only for the future. The hearing takes weeks."""
    decision = decided(part(choice=left(asked_on=TODAY - 21 * DAY)))

    assert ended(decision) == {"BPA-0001": "2026-11-23"}


@pytest.mark.parametrize(
    ("last", "code"),
    [(TODAY - DAY, "nothing_to_end"), (TODAY, "permit_ended"), (TODAY + DAY, "permit_ended")],
)
def test_a_permit_that_ran_out_while_the_clerk_was_thinking_is_not_ended(
    last: date, code: str
) -> None:
    assert decided(part(replace(OLD, valid_until=last), NEW)).code == code


@pytest.mark.parametrize("gone", [(replace(OLD, status="ended"), NEW), (NEW,)])
def test_a_permit_that_was_ended_by_other_hands_is_not_ended_twice(
    gone: tuple[Permit, ...],
) -> None:
    decision = decided(part(*gone))

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "nothing_to_end", ())


def test_the_old_permit_is_left_alone_once_the_switch_was_taken_back() -> None:
    """It is all that the resident has, again."""
    decision = decided(part(OLD, undone=True))

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "nothing_to_end", ())


@pytest.mark.parametrize("now", [None, a_person(died=PartialDate(2026))])
def test_whoever_cannot_be_told_any_more_is_not_written_to(now: Person | None) -> None:
    decision = decided(part(now=now))

    assert (decision.code, decision.notify) == ("permit_ended", False)


# All of them


ALL = {
    "deregister": replied(),
    "locked": replied(now=PROTECTED["address_locked"]),
    "minor": replied(now=a_person(born="2010-01-01")),
    "dead": replied(now=PROTECTED["holder_died"]),
    "crossed": replied(ReplyKind.DEREGISTER, KEPT, undone=True),
    "nothing": replied(ReplyKind.DEREGISTER, an_act(permits=())),
    "opt_out": replied(ReplyKind.OPT_OUT),
    "wrong": replied(ReplyKind.WRONG),
    "objection": replied(ReplyKind.OBJECT, KEPT),
    "stands": replied(ReplyKind.WRONG, answers=(an_answer("resident_says_wrong", "stands"),)),
    "part": part(),
}
EVERY_ONE = pytest.mark.parametrize("situation", ALL.values(), ids=ALL)


def test_every_code_of_a_follow_up_is_reached() -> None:
    reached = {decided(situation).code for situation in ALL.values()}

    assert set(FOLLOW_UP_CODES) <= reached


@EVERY_ONE
def test_every_question_is_asked_without_saying_about_whom(situation: Situation) -> None:
    decision = decided(situation)

    shown = [ground.condition for ground in decision.grounds]
    if question := decision.question:
        shown += [question.text, *(text for c in question.choices for text in (c.name, c.text))]
    personal = ("Antje", "Brandt", "ZZ-MU", "straße", "Straße", "1984", "000000010017", "2026-")
    assert not [text for text in shown for secret in personal if secret in text]


@EVERY_ONE
def test_whatever_is_answered_the_same_is_not_asked_again(situation: Situation) -> None:
    question = decided(situation).question
    for choice in question.choices if question else ():
        after = answered(situation, (question.code if question else "", choice.name))
        assert after.outcome is not REVIEW
        assert after.code == (choice.code or "settled_by_hand")


@EVERY_ONE
def test_every_ground_has_its_law_and_its_facts_are_text(situation: Situation) -> None:
    decision = decided(situation)

    assert {ground.name for ground in decision.grounds} <= {
        *CONDITIONS,
        *("no_address_lock", "no_conditional_lock", "no_guardian"),
    }
    assert all(ground.law and ground.condition.endswith(".") for ground in decision.grounds)
    facts = [ground.facts for ground in decision.grounds]
    assert json.loads(json.dumps(facts)) == facts


@EVERY_ONE
@pytest.mark.parametrize("outdated", ["end", "go_on", "zone:A2", ""])
def test_an_answer_that_nobody_offered_decides_nothing(situation: Situation, outdated: str) -> None:
    plain = decided(situation)
    code = plain.question.code if plain.question else "address_locked"

    assert answered(replace(situation, answers=()), (code, outdated)).code in (
        plain.code,
        "resident_says_wrong",  # where the situation's own answer was taken away
    )


def test_a_move_back_does_not_make_a_reply_another_persons() -> None:
    """The reply is about the letter's permits, wherever its sender lives by now."""
    elsewhere = a_move().after

    assert ended(decided(replied(now=elsewhere))) == {"BPA-0001/2": "2026-11-23"}
