"""From grounds to a decision: the first one that is not met decides, an unclear one asks."""

from typing import Any

import pytest

from tasks.domain.check import Check, check, conclude
from tasks.domain.decision import Outcome
from tests.builders import TODAY

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
