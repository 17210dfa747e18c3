"""From grounds to a decision: the first one that is not met decides, an unclear one asks."""

from typing import Any

import pytest

from tasks.domain.check import (
    ANSWER,
    BY_HAND,
    GO_ON,
    Check,
    all_met,
    answered,
    by_clerk,
    check,
    conclude,
    taken_out,
)
from tasks.domain.decision import Choice, Decision, Outcome, Result, Then
from tasks.domain.effect import Effect, EffectKind
from tests.builders import TODAY, an_act, an_answer

CONDITIONS = {"a": ("BGB § 1", "A holds."), "b": ("BGB § 2", "B holds.")}
SENTENCES = {"no_a": "Why not A?", "no_b": "Why not B?"}


def a_check(name: str, answer: bool | None, *rest: Any, **fields: Any) -> Check:
    return check(CONDITIONS, name, answer, f"no_{name}", *rest, **fields)


def test_where_all_is_met_nothing_is_decided_yet() -> None:
    assert conclude([a_check("a", True), a_check("b", True)], SENTENCES) is None


def test_the_first_ground_not_met_decides_and_all_are_shown() -> None:
    checks = [a_check("a", False, Outcome.DECLINED), a_check("b", None)]

    decision = conclude(checks, SENTENCES)

    assert decision is not None
    assert (decision.outcome, decision.code) == (Outcome.DECLINED, "no_a")
    assert [ground.name for ground in decision.grounds] == ["a", "b"]


@pytest.mark.parametrize("lane", Outcome)
def test_an_unclear_ground_goes_to_a_clerk_whatever_the_lane(lane: Outcome) -> None:
    decision = conclude([a_check("a", None, lane, until=TODAY)], SENTENCES)

    assert decision is not None
    assert decision.question is not None
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.question.text == "Why not A?"


@pytest.mark.parametrize("lane", [Outcome.DECLINED, Outcome.SUPPRESSED, Outcome.HELD])
def test_a_ground_not_met_takes_its_own_lane(lane: Outcome) -> None:
    decision = conclude([a_check("a", False, lane, until=TODAY)], SENTENCES)

    assert decision is not None
    assert decision.outcome is lane


def test_facts_are_kept_as_text_and_what_is_unknown_is_left_out() -> None:
    ground = a_check("a", True, day=TODAY, age=None).ground

    assert ground.facts == {"day": "2026-11-23"}
    assert (ground.law, ground.condition) == ("BGB § 1", "A holds.")


# Clerks


DONE = Choice("done", "It is done.", Then.DO, (an_act().inverse,), "code_done", notify=True)
LEFT = Choice("left", "It is left.", code="code_left")


def answered_with(*answers: tuple[str, str], **fields: Any) -> Decision | None:
    """A is open and offers all that there is; B is open as well."""
    first = a_check("a", None, choices=(DONE, GO_ON, LEFT), **fields)
    given = [an_answer(question, choice) for question, choice in answers]
    return conclude([first, a_check("b", False)], SENTENCES, given)


@pytest.mark.parametrize("choices", [(), (GO_ON,), (DONE, LEFT)])
def test_a_clerk_can_always_settle_it_by_hand(choices: tuple[Choice, ...]) -> None:
    decision = conclude([a_check("a", None, choices=choices)], SENTENCES)

    assert decision is not None
    assert decision.question is not None
    assert decision.question.choices == (*choices, BY_HAND)


def test_a_clerk_is_proposed_what_the_first_choice_would_do() -> None:
    def proposed(**fields: Any) -> tuple[Effect, ...]:
        decision = conclude([a_check("a", False, **fields)], SENTENCES)
        assert decision is not None
        assert decision.question is not None
        return decision.question.proposal

    other = (Effect(EffectKind.END, "BPA-0001"),)
    assert proposed(choices=(DONE, LEFT)) == DONE.effects
    assert proposed(choices=(LEFT, DONE)) == ()
    assert proposed(choices=(DONE,), proposal=other) == other
    assert proposed() == ()


def test_who_says_yes_is_asked_the_next_question() -> None:
    decision = answered_with(("no_a", "go_on"))

    assert decision is not None
    assert (decision.code, decision.outcome) == ("no_b", Outcome.NEEDS_REVIEW)
    assert decision.grounds[0].facts == {ANSWER: "go_on"}
    assert decision.grounds[0].result is Result.UNCLEAR  # the register still does not say so


def test_who_says_yes_to_everything_leaves_nothing_to_decide() -> None:
    checks = [a_check("a", None, choices=(GO_ON,)), a_check("b", False, choices=(GO_ON,))]
    answers = [an_answer("no_a", "go_on"), an_answer("no_b", "go_on")]

    assert conclude(checks, SENTENCES, answers) is None
    assert all_met(answered(checks, answers))
    assert by_clerk(answered(checks, answers))
    assert not by_clerk(checks)


def test_what_a_clerk_wants_done_is_done() -> None:
    decision = answered_with(("no_a", "done"))

    assert decision is not None
    assert (decision.outcome, decision.code) == (Outcome.GRANTED, "code_done")
    assert (decision.effects, decision.notify) == (DONE.effects, True)
    assert [g.facts for g in decision.grounds] == [{ANSWER: "done"}, {}]


@pytest.mark.parametrize("lane", [Outcome.SUPPRESSED, Outcome.DECLINED])
def test_what_a_clerk_wants_done_is_not_done_once_something_before_it_stops_the_case(
    lane: Outcome,
) -> None:
    checks = [a_check("a", False, lane), a_check("b", None, choices=(DONE,))]

    decision = conclude(checks, SENTENCES, [an_answer("no_b", "done")])

    assert decision is not None
    assert (decision.outcome, decision.effects) == (lane, ())


@pytest.mark.parametrize(
    ("choice", "code"), [("left", "code_left"), ("by_hand", "settled_by_hand")]
)
def test_what_a_clerk_leaves_is_left(choice: str, code: str) -> None:
    decision = answered_with(("no_a", choice))

    assert decision is not None
    assert (decision.outcome, decision.code) == (Outcome.DECLINED, code)
    assert (decision.effects, decision.question, decision.notify) == ((), None, False)


@pytest.mark.parametrize(
    "answer", [("no_a", "never_offered"), ("no_b", "done"), ("other", "go_on"), ("no_a", "")]
)
def test_an_answer_that_does_not_fit_is_not_used(answer: tuple[str, str]) -> None:
    assert answered_with(answer) == answered_with()


def test_the_last_answer_to_a_question_counts() -> None:
    decision = answered_with(("no_a", "left"), ("no_a", "go_on"))

    assert decision is not None
    assert decision.code == "no_b"


@pytest.mark.parametrize("lane", [Outcome.DECLINED, Outcome.SUPPRESSED, Outcome.HELD])
def test_what_is_no_question_can_be_answered_by_nobody(lane: Outcome) -> None:
    check = a_check("a", False, lane, until=TODAY, choices=(GO_ON, DONE))
    for name in ("go_on", "done", "by_hand"):
        decision = conclude([check], SENTENCES, [an_answer("no_a", name)])
        assert decision is not None
        assert decision.outcome is lane


def test_a_condition_that_is_met_by_now_needs_no_answer() -> None:
    checks = [a_check("a", True, choices=(GO_ON, DONE))]

    assert conclude(checks, SENTENCES, [an_answer("no_a", "done")]) is None
    assert answered(checks, [an_answer("no_a", "go_on")]) == checks


def test_a_case_that_was_taken_out_of_our_hands_stays_out_of_them() -> None:
    checks = [a_check("a", True)]

    taken = taken_out(checks, [an_answer("no_a", "by_hand")])
    assert taken is not None
    assert (taken.outcome, taken.code) == (Outcome.DECLINED, "settled_by_hand")
    assert taken_out(checks, [an_answer("no_a", "go_on")]) is None
    assert taken_out(checks, []) is None
