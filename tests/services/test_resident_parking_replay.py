"""A stored decision can be made again: from the database, the same situation decides the same."""

from dataclasses import replace

import pytest

from tasks.domain.decision import Choice, Then
from tasks.domain.follow_up import decide_follow_up
from tasks.domain.permits import end
from tasks.domain.record import LinkedBy
from tasks.domain.reply import ReplyKind, Scope
from tasks.domain.service import Situation, fatten, slim
from tasks.services.resident_parking import decide, service
from tasks.state.documents import CHOICES, DECISION, SITUATION, dump
from tests.builders import (
    TODAY,
    a_gate,
    a_link,
    a_permit,
    a_reply,
    a_situation,
    an_act,
    an_answer,
    an_end_act,
    choosing,
    parking_rules,
)
from tests.services.resident_parking_stories import STORIES, Story, a_reversal

ENDING = end([a_permit()], TODAY)
LEFT = Choice("end", "It ends.", Then.DO, ENDING, "permit_ended", notify=True, reason="Zone A3")

FOLLOW_UPS = {
    **{kind: a_situation(reply=a_reply(kind, scope=Scope.SERVICE)) for kind in ReplyKind},
    "answered": a_situation(
        reply=a_reply(ReplyKind.WRONG), answers=(an_answer("resident_says_wrong", "undo"),)
    ),
    "part": a_situation(left=LEFT),
    "part_of_two": a_situation(left=replace(LEFT, effects=(*ENDING, *ENDING))),
}
OTHERS = {
    "answers": a_situation(
        after=("A2", "W2"),
        links=(a_link(LinkedBy.SUGGESTED),),
        answers=(
            an_answer("holder_uncertain", choosing("link", "BPA-0001")),
            an_answer("zone_ambiguous", "zone:W2", by="sb-2"),
        ),
    ),
    "acts": a_reversal(acts=(an_act(), an_end_act()), told=True),
    "undone": a_reversal(acts=(an_act(intact=False),), undone=True),
    "gone": a_situation(now=None),
}


def stored(situation: Situation) -> Situation:
    """As `tasks/decide.py` keeps it, and as it is read again."""
    text = dump(SITUATION, slim(situation))
    kept = SITUATION.validate_json(text)
    return fatten(kept, situation.delta, situation.now == situation.delta.after)


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_decision_is_made_again_from_what_was_stored_of_it(story: Story) -> None:
    again = stored(story.situation)

    assert again == story.situation
    decision = decide(story.situation, story.settings(), story.gate, TODAY)
    assert decide(again, story.settings(), story.gate, TODAY) == decision
    assert DECISION.validate_json(dump(DECISION, decision)) == decision


@pytest.mark.parametrize("situation", OTHERS.values(), ids=OTHERS)
def test_answers_and_acts_survive_the_database(situation: Situation) -> None:
    parameters = parking_rules()
    again = stored(situation)

    assert again == situation
    decision = decide(again, parameters, a_gate(), TODAY)
    assert decision == decide(situation, parameters, a_gate(), TODAY)
    assert DECISION.validate_json(dump(DECISION, decision)) == decision


@pytest.mark.parametrize("situation", FOLLOW_UPS.values(), ids=FOLLOW_UPS)
def test_what_follows_a_case_up_survives_the_database(situation: Situation) -> None:
    situation = replace(situation, acts=(an_act(permits=(a_permit(),)),), told=True)
    parameters = parking_rules()
    again = stored(situation)

    assert again == situation
    decision = decide_follow_up(service, again, parameters, a_gate(), TODAY)
    assert decision == decide_follow_up(service, situation, parameters, a_gate(), TODAY)
    assert DECISION.validate_json(dump(DECISION, decision)) == decision


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_choices_of_a_question_are_offered_as_they_were_made(story: Story) -> None:
    question = decide(story.situation, story.settings(), story.gate, TODAY).question
    choices = question.choices if question else ()

    assert CHOICES.validate_json(dump(CHOICES, choices)) == choices


def test_what_a_delta_says_itself_is_not_stored_a_second_time() -> None:
    text = dump(SITUATION, slim(OTHERS["answers"]))

    assert "Brandt" not in text.replace('"holder":"Antje Brandt"', "")
    assert "Kröpeliner" not in text
