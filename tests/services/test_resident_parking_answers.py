"""Bewohnerparken: a clerk answers, and the rule is asked again with the answer as a fact."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tasks.domain.check import ANSWER
from tasks.domain.decision import Answer, Decision, Outcome, Result, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import EffectKind
from tasks.domain.person import Lock, PartialDate
from tasks.domain.record import LinkedBy
from tasks.domain.service import LegalMode, Situation
from tasks.domain.statements import Taking
from tasks.services.resident_parking import decide, letter_data
from tests.builders import (
    DAY,
    FORM_WORDS,
    MOVED,
    TODAY,
    a_delta,
    a_dwelling,
    a_gate,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    an_act,
    an_address,
    an_answer,
    areas,
    choosing,
    parking_rules,
    stated,
)
from tests.services.resident_parking_stories import (
    DECLINED,
    GRANTED,
    KNOWN,
    REVIEW,
    STORIES,
    SUPPRESSED,
    Story,
    a_death,
    a_renamed_street,
    a_secondary_home,
    an_end,
    an_end_once_known,
    decided,
    later,
    moved_away,
)

ASKING = {code: story for code, story in STORIES.items() if story.outcome is REVIEW}
EVERY_QUESTION = pytest.mark.parametrize(("code", "story"), ASKING.items(), ids=ASKING)


def choices(decision: Decision) -> list[str]:
    assert decision.question is not None
    return [choice.name for choice in decision.question.choices]


def facts(decision: Decision, ground: str) -> dict[str, str]:
    (found,) = [g for g in decision.grounds if g.name == ground]
    return found.facts


def told(decision: Decision, situation: Situation, **parameters: Any) -> dict[str, str]:
    return dict(letter_data(situation, decision, parking_rules(**parameters)))


def answered(situation: Situation, *answers: tuple[str, str], **rest: Any) -> Decision:
    given = tuple(an_answer(question, choice) for question, choice in answers)
    return decided(replace(situation, answers=given), **rest)


# Every question


@EVERY_QUESTION
def test_every_question_can_be_settled_outside_of_the_software(code: str, story: Story) -> None:
    decision = decide(story.situation, story.settings(), story.gate, TODAY)

    names = choices(decision)
    assert names[-1] == "by_hand"
    assert len(set(names)) == len(names)
    by_hand = replace(story.situation, answers=(an_answer(code, "by_hand"),))
    settled = decide(by_hand, story.settings(), story.gate, TODAY)
    assert (settled.outcome, settled.code) == (DECLINED, "settled_by_hand")


def ways(story: Story, answers: tuple[Answer, ...] = ()) -> Iterator[tuple[Answer, ...]]:
    """Every way in which clerks can answer on, up to the end."""
    situation = replace(story.situation, answers=answers)
    decision = decide(situation, story.settings(), story.gate, TODAY)
    if decision.outcome is not REVIEW or decision.question is None:
        yield answers
        return
    asked = decision.question.code
    assert asked not in {answer.question for answer in answers}, "the same question again"
    for choice in decision.question.choices:
        yield from ways(story, (*answers, an_answer(asked, choice.name)))


@EVERY_QUESTION
def test_whatever_a_clerk_answers_no_question_comes_twice_and_all_come_to_an_end(
    code: str, story: Story
) -> None:
    found = list(ways(story))

    assert all(answers[0].question == code for answers in found)
    assert len(found) == len(set(found)) >= 1


@EVERY_QUESTION
def test_what_a_clerk_decided_is_told_as_a_clerks_and_never_as_a_machines(
    code: str, story: Story
) -> None:
    for answers in ways(story):
        situation = replace(story.situation, answers=answers)
        decision = decide(situation, story.settings(), story.gate, TODAY)
        if decision.outcome is not GRANTED:
            continue
        used = {ground.facts.get(ANSWER) for ground in decision.grounds}
        assert {answer.choice for answer in answers} <= used
        assert all(g.result is Result.MET or ANSWER in g.facts for g in decision.grounds)
        letter_data(situation, decision, story.settings())


@EVERY_QUESTION
def test_what_prefects_form_shows_tells_nobody_who_it_is_about(code: str, story: Story) -> None:
    question = decide(story.situation, story.settings(), story.gate, TODAY).question
    assert question is not None

    shown = [question.text, *(text for c in question.choices for text in (c.name, c.text))]
    personal = ("Antje", "Brandt", "ZZ-MU", "WA 12345", "straße", "Straße", "Friedhof", "1984")
    assert not [text for text in shown for secret in personal if secret in text]
    assert not [text for text in shown if "000000010017" in text or "2026-11" in text]
    assert all(choice.text.endswith(".") and choice.name.split() for choice in question.choices)


@EVERY_QUESTION
def test_the_proposal_is_what_the_first_choice_does(code: str, story: Story) -> None:
    question = decide(story.situation, story.settings(), story.gate, TODAY).question
    assert question is not None

    first = question.choices[0]
    if first.then is Then.DO:
        assert question.proposal == first.effects
        assert first.code


def test_an_answer_that_was_never_offered_is_none() -> None:
    decision = answered(a_situation(after=("A3", "W2")), ("zone_ambiguous", "zone:H1"))

    assert (decision.outcome, decision.code) == (REVIEW, "zone_ambiguous")


# Two zones for one street


TWO_ZONES = a_situation(after=("A3", "W2"))


@pytest.mark.parametrize(
    ("choice", "code", "zone"),
    [("zone:A3", "address_updated", "A3"), ("zone:W2", "zone_switched", "W2")],
)
def test_a_clerk_says_in_which_zone_an_address_lies(choice: str, code: str, zone: str) -> None:
    decision = answered(TWO_ZONES, ("zone_ambiguous", choice))

    assert (decision.outcome, decision.code) == (GRANTED, code)
    assert facts(decision, "one_zone")[ANSWER] == choice
    assert told(decision, TWO_ZONES)["zone_new"] == zone
    assert decision.notify


@pytest.mark.parametrize("choice", ["zone:A1", "zone:W2"])
def test_a_permit_of_neither_zone_is_switched_to_the_one_that_a_clerk_names(choice: str) -> None:
    decision = answered(a_situation(after=("A1", "W2")), ("zone_ambiguous", choice))

    (effect,) = decision.effects
    assert (effect.kind, effect.data["zone"]) == (EffectKind.SWITCH_ZONE, choice[5:])
    assert effect.data["expected_zone"] == "A3"


@pytest.mark.parametrize(
    ("link", "parameters", "code"),
    [
        (a_link(plate="WA 12345"), {}, "foreign_plate"),
        (a_link(standing_application=False), {}, "no_standing_application"),
        (a_link(zone="H1"), {}, "permit_zone_conflict"),
        (a_link(), {"vehicle_check": "required"}, "vehicle_unchecked"),
        (a_link(valid_until=TODAY - DAY), {}, "permit_expired"),
        (a_link(valid_until=TODAY), {}, "zone_switched"),
        (a_link(valid_until=TODAY + DAY), {}, "zone_switched"),
    ],
)
def test_the_zone_that_a_clerk_names_answers_nothing_else(
    link: Any, parameters: dict[str, Any], code: str
) -> None:
    situation = replace(TWO_ZONES, links=(link,))

    assert answered(situation, ("zone_ambiguous", "zone:W2"), **parameters).code == code


def test_of_two_open_questions_each_is_asked() -> None:
    situation = a_situation(a_move(born="2010-05-05"), after=("A3", "W2"))

    assert decided(situation).code == "minor"
    assert answered(situation, ("minor", "go_on")).code == "zone_ambiguous"
    both = answered(situation, ("minor", "go_on"), ("zone_ambiguous", "zone:W2"))
    assert both.code == "zone_switched"
    assert facts(both, "adult")[ANSWER] == "go_on"


@pytest.mark.parametrize(("zones", "code"), [(("H1", "W2"), "zone_ambiguous"), ((), "no_zone")])
def test_a_zone_that_is_no_candidate_any_more_is_asked_for_again(
    zones: tuple[str, ...], code: str
) -> None:
    situation = a_situation(after=zones)

    assert answered(situation, ("zone_ambiguous", "zone:A3")).code == code


def test_a_zone_list_that_has_become_clear_needs_no_answer() -> None:
    decision = answered(a_situation(after=("A2",)), ("zone_ambiguous", "zone:W2"))

    assert decision.effects[0].data["zone"] == "A2"
    assert ANSWER not in facts(decision, "one_zone")


def test_a_case_that_a_clerk_has_settled_by_hand_is_not_done_again_by_a_machine() -> None:
    """The zone list was mended between the answer and the next run."""
    decision = answered(a_situation(), ("zone_ambiguous", "by_hand"))

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "settled_by_hand", ())


# What comes after an answer


def locked(situation: Situation) -> Situation:
    assert situation.now is not None
    return replace(situation, now=replace(situation.now, locks=(Lock("11"),)))


def dead(situation: Situation) -> Situation:
    assert situation.now is not None
    return replace(situation, now=replace(situation.now, died=PartialDate(2026, 11, 20)))


ANSWERED = {
    "zone_ambiguous": (TWO_ZONES, "zone:W2"),
    "no_zone": (a_situation(after=()), "end"),
    "several_permits": (
        a_situation(links=(a_link(), a_link(number="BPA-0002"))),
        choosing("permit", "BPA-0002"),
    ),
    "minor": (a_situation(a_move(born="2010-05-05")), "go_on"),
    "holder_uncertain": (
        a_situation(links=(a_link(LinkedBy.SUGGESTED),)),
        choosing("link", "BPA-0001"),
    ),
    "foreign_plate": (a_situation(links=(a_link(plate="WA 12345"),)), "go_on"),
    "no_standing_application": (
        a_situation(links=(a_link(standing_application=False),)),
        "go_on",
    ),
    "open_clerk_case": (a_situation(open_clerk_case=True), "go_on"),
}


@pytest.mark.parametrize("question", ANSWERED)
def test_an_answer_never_overrules_what_arrives_after_it(question: str) -> None:
    situation, choice = ANSWERED[question]
    situation = replace(situation, answers=(an_answer(question, choice),))
    away = a_person(replace(a_new_dwelling(), current=False), a_new_dwelling("Große Straße"))
    reversed_ = later(DeltaKind.MOVE_REVERSED, address_changed=True, reverses="E0002-0001")
    moved_on = later(DeltaKind.MOVE, address_changed=True)
    no_longer = {
        "address_locked": locked(situation),
        "holder_died": dead(situation),
        "superseded": replace(situation, now=away, **moved_on),
        "reversed": replace(situation, **reversed_),
        "opted_out": replace(situation, opted_out=True),
        "holder_vanished": replace(situation, now=None),
    }

    assert decided(situation).outcome is GRANTED
    for code, later_situation in no_longer.items():
        decision = decided(later_situation)
        assert decision.code == code
        assert decision.effects == ()
        assert decision.outcome in (SUPPRESSED, REVIEW)


@pytest.mark.parametrize(
    ("day", "code"), [(-1, "zone_switched"), (0, "zone_switched"), (1, "permit_expired")]
)
def test_an_answer_that_comes_after_the_permits_last_day_comes_too_late(
    day: int, code: str
) -> None:
    last = date(2026, 12, 31)
    situation = replace(TWO_ZONES, links=(a_link(valid_until=last),))

    decision = answered(situation, ("zone_ambiguous", "zone:W2"), today=last + day * DAY)

    assert decision.code == code


# What a municipality has settled


@pytest.mark.parametrize("question", sorted(set(ANSWERED) - {"no_standing_application"}))
@pytest.mark.parametrize(
    "gate", [a_gate(legal_mode=LegalMode.CLERK), a_gate(automation_norm="")], ids=["clerk", "norm"]
)
def test_who_has_decided_a_condition_is_not_asked_once_more_whether_it_is_right(
    question: str, gate: Any
) -> None:
    situation, choice = ANSWERED[question]
    situation = replace(situation, links=tuple(_applied(link) for link in situation.links))

    decision = answered(situation, (question, choice), gate=gate)

    assert decision.outcome is GRANTED
    assert "automation_norm" not in {ground.name for ground in decision.grounds}


def _applied(link: Any) -> Any:
    return replace(link, permit=replace(link.permit, standing_application=True))


@pytest.mark.parametrize(
    ("link", "gate", "code"),
    [
        (a_link(standing_application=False), a_gate(), "no_standing_application"),
        (a_link(), a_gate(legal_basis_ref=""), "no_legal_basis_ref"),
    ],
)
def test_what_no_clerk_can_give_by_naming_a_zone_is_asked_all_the_same(
    link: Any, gate: Any, code: str
) -> None:
    decision = answered(replace(TWO_ZONES, links=(link,)), ("zone_ambiguous", "zone:W2"), gate=gate)

    assert (decision.outcome, decision.code) == (REVIEW, code)


def test_where_clerks_decide_all_they_are_asked_one_question_and_no_second_for_the_norm() -> None:
    gate = a_gate(legal_mode=LegalMode.CLERK, automation_norm="")

    assert decided(a_situation(), gate=gate).code == "clerk_decides"
    decision = answered(a_situation(), ("clerk_decides", "go_on"), gate=gate)
    assert decision.code == "zone_switched"


def test_a_new_name_of_a_minor_is_asked_for_once_even_where_clerks_decide_all() -> None:
    married = a_person(name=a_name("Brandt-Roth"), born="2009-11-24")
    delta = a_delta(DeltaKind.NAME_CHANGE, before=a_person(born="2009-11-24"), after=married)
    gate = a_gate(legal_mode=LegalMode.CLERK)

    decision = answered(a_situation(delta), ("minor", "go_on"), gate=gate)

    assert (decision.outcome, decision.code) == (GRANTED, "name_updated")


# Several permits, or perhaps somebody else's


TWO_PERMITS = a_situation(links=(a_link(), a_link(number="BPA-0002", plate="ZZ-MU 102")))


@pytest.mark.parametrize("number", ["BPA-0001", "BPA-0002"])
def test_of_several_permits_the_named_one_is_switched_and_the_other_stays(number: str) -> None:
    decision = answered(TWO_PERMITS, ("several_permits", choosing("permit", number)))

    assert {effect.record for effect in decision.effects} == {number}
    assert facts(decision, "one_permit")[ANSWER] == choosing("permit", number)
    assert told(decision, TWO_PERMITS)["permit_number"] == number
    assert decision.question is not None
    assert {effect.record for effect in decision.question.proposal} == {number}


def test_a_named_permit_that_is_gone_is_not_used_and_the_others_are_asked_for() -> None:
    third = a_link(number="BPA-0003")
    situation = replace(TWO_PERMITS, links=(*TWO_PERMITS.links, third))

    decision = answered(situation, ("several_permits", choosing("permit", "BPA-0009")))

    assert decision.code == "several_permits"
    names = [
        choosing("permit", "BPA-0001"),
        choosing("permit", "BPA-0002"),
        choosing("permit", "BPA-0003"),
        "by_hand",
    ]
    assert choices(decision) == names


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (TODAY - DAY, "several_permits"),
        (TODAY, "zone_switched"),
        (TODAY + DAY, "zone_switched"),
    ],
)
def test_a_named_permit_is_used_up_to_its_last_day(ends: date, code: str) -> None:
    named = a_link(number="BPA-0002", valid_until=ends)
    links = (a_link(), named, a_link(number="BPA-0003"))

    decision = answered(
        a_situation(links=links), ("several_permits", choosing("permit", "BPA-0002"))
    )

    assert decision.code == code


SIMILAR = a_situation(links=(a_link(LinkedBy.SUGGESTED, plate="ZZ-MU 7"),))


def test_a_permit_that_only_looks_like_someones_becomes_theirs_by_a_clerks_word() -> None:
    assert choices(decided(SIMILAR)) == [choosing("link", "BPA-0001"), "not_theirs", "by_hand"]

    decision = answered(SIMILAR, ("holder_uncertain", choosing("link", "BPA-0001")))

    assert decision.code == "zone_switched"
    assert facts(decision, "holder_certain")[ANSWER] == choosing("link", "BPA-0001")
    assert told(decision, SIMILAR)["plate"] == "ZZ-MU 7"


def test_a_permit_that_is_not_theirs_is_left_alone() -> None:
    decision = answered(SIMILAR, ("holder_uncertain", "not_theirs"))

    assert (decision.outcome, decision.code, decision.effects) == (DECLINED, "no_permit", ())


def test_of_two_similar_permits_only_the_named_one_is_touched() -> None:
    other = a_link(LinkedBy.SUGGESTED, number="BPA-0002")
    situation = replace(SIMILAR, links=(*SIMILAR.links, other))

    decision = answered(situation, ("holder_uncertain", choosing("link", "BPA-0002")))

    assert {effect.record for effect in decision.effects} == {"BPA-0002"}


@pytest.mark.parametrize("gone", [{"status": "ended"}, {"number": "BPA-0009"}])
def test_a_similar_permit_that_is_no_longer_there_is_not_used(gone: dict[str, Any]) -> None:
    named = a_link(LinkedBy.SUGGESTED, **gone)
    other = a_link(LinkedBy.SUGGESTED, number="BPA-0002")

    decision = answered(
        a_situation(links=(named, other)), ("holder_uncertain", choosing("link", "BPA-0001"))
    )

    assert (decision.outcome, decision.code) == (REVIEW, "holder_uncertain")


def test_a_clerk_who_links_a_permit_has_not_said_that_it_is_for_the_right_zone() -> None:
    situation = replace(SIMILAR, areas_before=areas("H1"))

    decision = answered(situation, ("holder_uncertain", choosing("link", "BPA-0001")))

    assert decision.code == "permit_zone_conflict"
    both = answered(
        situation,
        ("holder_uncertain", choosing("link", "BPA-0001")),
        ("permit_zone_conflict", "go_on"),
    )
    assert both.code == "zone_switched"


# Where the right to a permit is gone


LOST = {
    "no_zone": (a_situation(after=()), MOVED),
    "moved_away": (moved_away(), MOVED),
    "secondary_dwelling": (a_secondary_home(), date(2026, 11, 18)),
}


@pytest.mark.parametrize("by_condition", [True, False])
@pytest.mark.parametrize("code", LOST)
def test_a_clerk_ends_a_permit_and_its_holder_is_told(code: str, by_condition: bool) -> None:
    situation, _ = LOST[code]

    decision = answered(situation, (code, "end"), resolutory_condition=by_condition)

    # A revocation has no effect on the past, and what lapsed by its condition is tolerated until
    # the holder knows of it.
    last_day = KNOWN
    assert (decision.outcome, decision.code) == (GRANTED, "permit_ended")
    assert decision.effects == (an_end_once_known(last_day),)
    assert decision.notify
    assert told(decision, situation) == {
        "permit_number": "BPA-0001",
        "plate": "ZZ-MU 101",
        "zone_old": "A3",
        "valid_until": last_day.isoformat(),
        "why": code,
        "taking": "",
        "ended": "BPA-0001 (Zone A3, Kennzeichen ZZ-MU 101)",
        "new_permit": "",
        "last_day": last_day.isoformat(),
        "moved": "" if code == "secondary_dwelling" else "yes",
        **FORM_WORDS,
    }


@pytest.mark.parametrize(
    ("parameters", "taking", "norm"),
    [
        ({"resolutory_condition": True}, None, "resolutory condition"),
        ({}, Taking.REVOKES, "§ 49 Abs. 2 Satz 1 Nr. 3"),
        ({"revocation_reserved": True}, Taking.AS_RESERVED, "§ 49 Abs. 2 Satz 1 Nr. 1"),
        ({"resolutory_condition": True, "revocation_reserved": True}, None, "resolutory condition"),
    ],
)
@pytest.mark.parametrize("code", LOST)
def test_whoever_ends_what_does_not_lapse_states_all_that_the_norm_asks_for(
    code: str, parameters: dict[str, bool], taking: Taking | None, norm: str
) -> None:
    """The question names the norm; the year runs from the day on which we came to know."""
    parameters = {"resolutory_condition": False} | parameters
    asked = decided(LOST[code][0], **parameters).question
    assert asked is not None
    assert norm in asked.text
    ending = asked.choices[0]
    assert (ending.name, ending.takes) == ("end", taking)
    assert ending.known_since == (TODAY if taking else None)

    why = stated(taking) if taking else {}
    situation = replace(LOST[code][0], answers=(Answer(code, "end", "sb-1", why),))
    letter = told(decided(situation, **parameters), situation, **parameters)

    assert letter["taking"] == (taking or "")
    assert {name: letter.get(name, "") for name in why} == why


def test_a_revocation_of_which_no_letter_can_tell_is_stated_all_the_same() -> None:
    gone = moved_away()
    gone = replace(gone, now=replace(gone.now or a_person(), dwellings=()))
    asked = decided(gone, resolutory_condition=False).question

    assert asked is not None
    assert not asked.choices[0].notify
    assert asked.choices[0].takes is Taking.REVOKES


@pytest.mark.parametrize("code", LOST)
def test_a_clerk_leaves_a_permit_and_nothing_happens(code: str) -> None:
    decision = answered(LOST[code][0], (code, "keep"))

    assert (decision.outcome, decision.code) == (DECLINED, "permit_kept")
    assert (decision.effects, decision.notify) == ((), False)


def test_what_a_clerk_answered_days_ago_ends_on_the_day_it_is_carried_out() -> None:
    decision = answered(LOST["no_zone"][0], ("no_zone", "end"), today=TODAY + 3 * DAY)

    assert decision.effects == (an_end_once_known(KNOWN + 3 * DAY),)


def test_whoever_moved_away_with_two_permits_loses_both_and_reads_of_both() -> None:
    situation = replace(moved_away(), links=TWO_PERMITS.links)

    decision = answered(situation, ("moved_away", "end"))

    assert [effect.record for effect in decision.effects] == ["BPA-0001", "BPA-0002"]
    assert "ZZ-MU 101" in told(decision, situation)["ended"]
    assert "ZZ-MU 102" in told(decision, situation)["ended"]


def test_nobody_is_written_to_abroad_so_a_clerk_reads_that_no_letter_goes_out() -> None:
    abroad = replace(a_dwelling(), address=an_address("", "", ags="", country="124"))
    gone = replace(a_dwelling(), current=False, moved_out=PartialDate(2026, 11, 15))
    delta = a_delta(DeltaKind.MOVE_AWAY, after=a_person(gone, abroad))
    situation = a_situation(delta, after=())

    question = decided(situation).question

    assert question is not None
    assert "without a letter" in question.choices[0].text
    assert not answered(situation, ("moved_away", "end")).notify


def test_a_permit_of_the_dead_ends_with_the_death_and_without_a_letter() -> None:
    decision = answered(a_death(), ("holder_died", "end"))

    assert decision.effects == (an_end(date(2026, 11, 13)),)
    assert (decision.code, decision.notify) == ("permit_ended", False)


@pytest.mark.parametrize("notify", [True, False])
def test_a_renamed_street_that_the_zone_list_lacks_is_put_right_by_a_clerk(notify: bool) -> None:
    situation = a_renamed_street()

    decision = answered(situation, ("zone_list_gap", "put_right"), notify_same_zone=notify)

    assert (decision.code, decision.notify) == ("address_updated", notify)
    assert [effect.kind for effect in decision.effects] == [EffectKind.UPDATE_ADDRESS]
    assert told(decision, situation)["new_address"] == "Am Alten Friedhof 5"


def test_a_death_taken_back_gives_the_permit_back_if_a_clerk_says_so() -> None:
    act = an_act()
    situation = a_situation(a_delta(DeltaKind.DEATH_REVERSED), acts=(act,))

    assert choices(decided(situation)) == ["restore", "undo", "serve_again", "by_hand"]
    decision = answered(situation, ("death_reversed", "undo"))

    assert (decision.outcome, decision.effects) == (Outcome.GRANTED, (act.inverse,))
    assert decision.undoes
