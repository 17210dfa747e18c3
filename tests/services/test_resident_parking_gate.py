"""Bewohnerparken: what a municipality has settled, and what the letter is told."""

import pytest

from tasks.domain.decision import Result
from tasks.domain.service import LegalMode, Situation
from tasks.services.resident_parking import letter_data
from tests.builders import (
    FORM_WORDS,
    a_gate,
    a_link,
    a_move,
    a_situation,
    parking_rules,
)
from tests.services.resident_parking_stories import (
    STORIES,
    a_new_name,
    decided,
    proposal,
)


@pytest.mark.parametrize("code", ["no_automation_norm", "clerk_decides", "no_legal_basis_ref"])
def test_what_a_machine_may_not_decide_is_proposed_to_a_clerk_unchanged(code: str) -> None:
    story = STORIES[code]

    assert proposal(decided(story.situation, gate=story.gate)) == decided(a_situation()).effects


def test_where_the_city_only_gives_notice_nobody_has_to_have_asked() -> None:
    situation = a_situation(links=(a_link(standing_application=False),))

    assert decided(situation).code == "no_standing_application"
    assert decided(situation, gate=a_gate(legal_mode=LegalMode.NOTICE_ONLY)).code == "zone_switched"


@pytest.mark.parametrize("situation", [a_situation(after=("A3",)), a_new_name()])
def test_where_clerks_decide_even_a_corrected_record_is_a_proposal(situation: Situation) -> None:
    decision = decided(situation, gate=a_gate(legal_mode=LegalMode.CLERK))

    assert decision.code == "clerk_decides"
    assert len(proposal(decision)) == 1


def test_the_ground_cites_the_norm_that_lets_the_machine_decide() -> None:
    grounds = {ground.name: ground.law for ground in decided(a_situation()).grounds}

    assert grounds["automation_norm"] == "StVO § 46 Abs. 5"


def test_a_clerk_sees_all_that_is_open_and_is_asked_the_first() -> None:
    situation = a_situation(
        a_move(born="2010"), after=("A3", "W2"), before=("H1",), links=(a_link(plate="X"),)
    )

    decision = decided(situation)

    open_grounds = [g.name for g in decision.grounds if g.result is not Result.MET]
    assert open_grounds == ["adult", "one_zone", "permit_zone_agrees"]
    assert decision.code == "minor"


# The letter


def test_the_letter_is_told_the_old_and_the_new_permit() -> None:
    situation = a_situation()

    data = letter_data(situation, decided(situation), parking_rules())

    assert data == {
        "permit_number": "BPA-0001",
        "plate": "ZZ-MU 101",
        "holder_old": "Antje Brandt",
        "holder": "Antje Brandt",
        "zone_old": "A3",
        "zone_new": "A2",
        "came_by": "move",
        "in_zone": "yes",
        "valid_from": "2026-11-23",
        "valid_until": "2028-02-29",
        "ends_soon_from": "2028-01-18",
        "new_address": "Kröpeliner Straße 40",
        "old_permit": "clerk",
        "old_until": "",
        **FORM_WORDS,
    }


@pytest.mark.parametrize("situation", [a_situation(after=("A3",)), a_new_name()])
def test_every_letter_has_the_same_variables(situation: Situation) -> None:
    parameters = parking_rules(resolutory_condition=True)
    switch = letter_data(a_situation(), decided(a_situation()), parameters)

    data = letter_data(situation, decided(situation), parameters)

    assert data.keys() == switch.keys()
    assert (data["zone_old"], data["zone_new"], data["old_permit"]) == ("A3", "A3", "kept")


def test_a_letter_on_a_permit_that_lapsed_by_its_condition_says_ended() -> None:
    decision = decided(a_situation(), resolutory_condition=True)

    assert letter_data(a_situation(), decision, parking_rules())["old_permit"] == "ended"
