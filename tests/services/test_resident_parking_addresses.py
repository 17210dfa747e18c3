"""Bewohnerparken where list or address leave something open: nothing is guessed."""

from dataclasses import replace

import pytest

from tasks.desks.clerk_words import choice_text, fact, question_text
from tasks.domain.area import DOUBTS, AreaAnswer, Doubt
from tasks.domain.decision import Decision, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.person import DwellingStatus
from tasks.domain.service import Situation
from tests.builders import (
    ELSEWHERE,
    a_delta,
    a_dwelling,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    an_answer,
)
from tests.services.resident_parking_stories import GRANTED, REVIEW, decided


def open_to(*zones: str, doubt: Doubt = Doubt.GAP) -> Situation:
    return replace(a_situation(), areas_after=AreaAnswer(zones, True, doubt))


def choices(decision: Decision) -> list[str]:
    assert decision.question is not None
    return [choice.name for choice in decision.question.choices]


def answered(situation: Situation, *answers: tuple[str, str]) -> Decision:
    return decided(replace(situation, answers=tuple(an_answer(*one) for one in answers)))


@pytest.mark.parametrize("doubt", Doubt)
def test_what_the_list_leaves_open_is_asked_with_the_zones_that_may_be_right(doubt: Doubt) -> None:
    decision = decided(open_to("A1", "A2", doubt=doubt))

    assert (decision.outcome, decision.code) == (REVIEW, "zone_ambiguous")
    assert choices(decision) == ["zone:A1", "zone:A2", "in_no_zone", "by_hand"]
    assert decision.question is not None
    assert decision.question.text.endswith(DOUBTS[doubt])
    assert decision.question.proposal == ()


def test_a_single_candidate_is_still_a_question() -> None:
    decision = decided(open_to("A2", doubt=Doubt.PLACE))

    assert (decision.outcome, choices(decision)[0]) == (REVIEW, "zone:A2")


@pytest.mark.parametrize(
    ("choice", "outcome", "code"),
    [
        ("zone:A2", GRANTED, "zone_switched"),
        ("zone:A3", REVIEW, "zone_ambiguous"),
        ("in_no_zone", REVIEW, "no_zone"),
    ],
)
def test_a_clerk_says_where_the_address_lies_or_that_it_lies_in_no_zone(
    choice: str, outcome: object, code: str
) -> None:
    decision = answered(open_to("A1", "A2"), ("zone_ambiguous", choice))

    assert (decision.outcome, decision.code) == (outcome, code)


def test_who_lives_in_no_zone_keeps_or_loses_the_permit_by_a_second_answer() -> None:
    no_zone = ("zone_ambiguous", "in_no_zone")

    assert answered(open_to("A1"), no_zone, ("no_zone", "keep")).code == "permit_kept"
    assert answered(open_to("A1"), no_zone, ("no_zone", "end")).code == "permit_ended"


def test_that_an_address_lies_in_no_zone_is_forgotten_once_the_list_is_clear() -> None:
    decision = answered(a_situation(), ("zone_ambiguous", "in_no_zone"))

    assert decision.code == "zone_switched"


@pytest.mark.parametrize("doubt", Doubt)
def test_clerks_read_in_german_why_the_list_leaves_it_open(doubt: Doubt) -> None:
    decision = decided(open_to("A1", "A2", doubt=doubt))
    assert decision.question is not None

    text = question_text(decision.code, decision.question.text)
    assert text.startswith("Die neue Anschrift liegt nicht sicher")
    assert len(text) > len(question_text(decision.code, ""))
    assert fact("doubt", doubt.value)[1] != doubt.value
    no_zone = next(c for c in decision.question.choices if c.name == "in_no_zone")
    assert choice_text(no_zone) != no_zone.text


# Where no letter would arrive ---------------------------------------------------------------------


WITHOUT_POSTCODE = a_situation(a_move(to=a_new_dwelling(postcode="")))


def test_nothing_is_granted_of_which_no_letter_could_tell() -> None:
    decision = decided(WITHOUT_POSTCODE)

    assert (decision.outcome, decision.code) == (REVIEW, "no_postal_address")
    assert choices(decision) == ["tell_by_hand", "by_hand"]
    assert decision.question is not None
    assert decision.question.proposal


def test_a_clerk_may_tell_the_person_instead_and_no_letter_is_written() -> None:
    decision = answered(WITHOUT_POSTCODE, ("no_postal_address", "tell_by_hand"))

    assert (decision.outcome, decision.code, decision.notify) == (GRANTED, "zone_switched", False)
    assert decision.effects


def test_a_letter_goes_to_the_main_dwelling_so_that_one_must_be_complete() -> None:
    here = a_new_dwelling(status=DwellingStatus.SECONDARY)
    there = a_dwelling(ags=ELSEWHERE, street="o. f. W.", number="", status=DwellingStatus.MAIN)
    move = a_move(to=here)
    assert move.after is not None
    move = replace(move, after=replace(move.after, dwellings=(*move.after.dwellings, there)))

    assert decided(a_situation(move), secondary_dwelling_allowed=True).code == "no_postal_address"


@pytest.mark.parametrize(("told", "code"), [(True, "no_postal_address"), (False, "name_updated")])
def test_where_no_letter_is_due_none_must_arrive(told: bool, code: str) -> None:
    after = a_person(a_dwelling(postcode="1805"), name=a_name("Brandt-Roth"))
    renamed = a_situation(a_delta(DeltaKind.NAME_CHANGE, after=after), links=(a_link(),))

    assert decided(renamed, notify_name_change=told).code == code


def test_no_fixed_abode_ends_with_a_clerk_and_without_a_letter() -> None:
    nowhere = a_move(to=a_new_dwelling("ohne festen Wohnsitz", ""))
    decision = decided(a_situation(nowhere, after=()))

    assert decision.code == "no_zone"
    assert decision.question is not None
    ending = next(c for c in decision.question.choices if c.then is Then.DO)
    assert not ending.notify
