"""Every code is reachable, every decision is explained, and no code ever gets another meaning."""

import json
from pathlib import Path

import pytest

from tasks.domain import automation, holder, permit_forms
from tasks.domain.check import ANSWER
from tasks.domain.decision import Outcome, Result
from tasks.services.resident_parking import CODES, CONDITIONS, decide, service
from tests.builders import TODAY
from tests.services.resident_parking_stories import STORIES, Story

EVERY_STORY = pytest.mark.parametrize(("code", "story"), STORIES.items(), ids=STORIES)
LEFT_TO_A_CLERK = {"end_old_permit"}  # only ever the question beside a grant


@EVERY_STORY
def test_a_story_ends_with_its_code(code: str, story: Story) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    assert (decision.outcome, decision.code) == (story.outcome, code)


def test_every_code_has_a_story() -> None:
    assert set(STORIES) | LEFT_TO_A_CLERK == set(CODES)


@EVERY_STORY
def test_what_did_not_go_through_names_the_ground_and_what_went_through_names_none(
    code: str, story: Story
) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    failed = [ground for ground in decision.grounds if ground.result is not Result.MET]
    by_machine = [ground for ground in failed if ANSWER not in ground.facts]
    if story.outcome is Outcome.GRANTED:
        assert not by_machine  # what a clerk has decided is said to be a clerk's
    else:
        assert failed
    assert len({ground.name for ground in decision.grounds}) == len(decision.grounds)


@EVERY_STORY
def test_a_clerk_is_asked_one_sentence_that_begins_like_the_code_says(
    code: str, story: Story
) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    if story.outcome is Outcome.NEEDS_REVIEW:
        assert decision.question is not None
        assert decision.question.code == code
        assert decision.question.text.startswith(CODES[code])


@EVERY_STORY
def test_no_sentence_tells_who_it_is_about(code: str, story: Story) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    said = [decision.code, *(ground.condition for ground in decision.grounds)]
    if decision.question:
        said.append(decision.question.text)
    personal = ("Antje", "Brandt", "BPA-", "ZZ-MU", "straße", "Straße", "000000010017", "2026-1")
    assert not [text for text in said for secret in personal if secret in text]


@EVERY_STORY
def test_facts_are_text_so_that_a_stored_decision_replays(code: str, story: Story) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    facts = [ground.facts for ground in decision.grounds]
    assert json.loads(json.dumps(facts)) == facts
    assert all(isinstance(value, str) for fact in facts for value in fact.values())


@EVERY_STORY
def test_every_ground_cites_the_law(code: str, story: Story) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    assert all(ground.law and ground.condition.endswith(".") for ground in decision.grounds)


def test_every_story_is_told_to_the_service() -> None:
    assert {story.situation.delta.kind for story in STORIES.values()} <= service.triggers


def test_stored_names_of_grounds_and_codes_are_never_renamed() -> None:
    """Add to the file; a line that disappears is a stored decision nobody can read any more."""
    stored = Path(__file__).with_name("resident_parking_names.txt").read_text().split()

    grounds = automation.CONDITIONS | holder.CONDITIONS | permit_forms.CONDITIONS | CONDITIONS
    assert stored == sorted(grounds) + sorted(CODES)
