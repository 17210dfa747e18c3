"""Bewohnerparken: every other event in a holder's life."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.domain.decision import Outcome
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import EffectKind
from tasks.domain.person import DwellingStatus
from tests.builders import (
    DAY,
    ELSEWHERE,
    TODAY,
    a_delta,
    a_dwelling,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    an_act,
)
from tests.services.resident_parking_stories import (
    a_death,
    a_new_name,
    a_renamed_street,
    a_reversal,
    a_secondary_home,
    an_end,
    an_end_once_known,
    decided,
    later,
    moved_away,
    proposal,
)


def test_a_renamed_street_is_no_move_and_the_permit_stays() -> None:
    decision = decided(a_renamed_street())

    assert decision.code == "zone_list_gap"
    assert [effect.kind for effect in proposal(decision)] == [EffectKind.UPDATE_ADDRESS]


def test_a_renamed_street_that_the_zone_list_knows_only_puts_the_address_right() -> None:
    situation = replace(a_renamed_street(), areas_after=a_situation(after=("A3",)).areas_after)

    assert decided(situation).code == "address_updated"


def test_a_street_renamed_just_after_a_move_is_a_gap_in_the_list_and_no_end_of_the_permit() -> None:
    moved, renamed = a_new_dwelling(), a_new_dwelling("Am Alten Friedhof", "5")
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, before=a_person(moved), after=a_person(renamed))

    decision = decided(a_situation(delta, before=("A2",), after=(), areas_earlier=("A3",)))

    assert decision.code == "zone_list_gap"
    assert proposal(decision) == ()  # the address alone would stand beside the wrong zone


def test_a_move_to_where_no_zone_is_stays_one_when_its_address_is_put_right() -> None:
    moved, renamed = a_new_dwelling(), a_new_dwelling("Am Alten Friedhof", "5")
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, before=a_person(moved), after=a_person(renamed))

    decision = decided(a_situation(delta, before=(), after=(), areas_earlier=("A3",)))

    assert decision.code == "no_zone"
    assert proposal(decision) == (an_end_once_known(),)


@pytest.mark.parametrize("by_condition", [True, False])
def test_moving_away_is_never_decided_by_a_machine(by_condition: bool) -> None:
    decision = decided(moved_away(), resolutory_condition=by_condition)

    assert decision.code == "moved_away"
    assert proposal(decision) == (an_end_once_known(),)


def test_a_move_that_leaves_no_home_in_the_municipality_is_moving_away() -> None:
    delta = a_move(to=a_new_dwelling(ags=ELSEWHERE))

    assert decided(a_situation(delta, after=())).code == "moved_away"


def test_a_secondary_dwelling_is_a_citys_own_rule() -> None:
    assert decided(a_secondary_home()).code == "secondary_dwelling"
    assert decided(a_secondary_home(), secondary_dwelling_allowed=True).code == "nothing_changes"


@pytest.mark.parametrize(
    ("allowed", "code"), [(False, "secondary_dwelling"), (True, "zone_switched")]
)
def test_moving_into_a_secondary_dwelling_is_a_citys_own_rule(allowed: bool, code: str) -> None:
    delta = a_move(to=a_new_dwelling(status=DwellingStatus.SECONDARY))

    assert decided(a_situation(delta), secondary_dwelling_allowed=allowed).code == code


@pytest.mark.parametrize(
    ("today", "code"),
    [
        (date(2026, 11, 24), "secondary_dwelling"),
        (date(2026, 11, 25), "permit_expired"),
    ],
)
def test_a_permit_that_ends_anyway_is_no_work_for_a_clerk(today: date, code: str) -> None:
    situation = replace(a_secondary_home(), links=(a_link(valid_until=date(2026, 11, 24)),))

    assert decided(situation, today=today).code == code


def test_after_a_death_nobody_gets_a_letter_and_a_clerk_ends_the_permit() -> None:
    decision = decided(a_death())

    assert (decision.outcome, decision.notify) == (Outcome.NEEDS_REVIEW, False)
    assert proposal(decision) == (an_end(date(2026, 11, 13)),)


def test_a_move_of_someone_who_has_died_since_is_suppressed() -> None:
    dead = a_death().now

    assert decided(a_situation(now=dead)).code == "holder_died"
    assert decided(a_situation(now=dead, **later(DeltaKind.DEATH))).code == "superseded"


def test_a_death_taken_back_reaches_a_clerk_even_if_the_permit_was_ended() -> None:
    situation = a_situation(a_delta(DeltaKind.DEATH_REVERSED), links=(a_link(status="ended"),))

    assert decided(situation).code == "death_reversed"


def test_what_was_done_on_a_wrong_event_is_put_right_even_for_who_has_deregistered() -> None:
    situation = a_reversal(acts=(an_act(),), opted_out=True)

    assert decided(replace(situation, links=(a_link(status="ended"),))).code == (
        "reversal_after_effect"
    )


def test_a_move_taken_back_that_leaves_the_permit_in_a_wrong_zone_goes_to_a_clerk() -> None:
    assert decided(replace(a_reversal(), links=(a_link(zone="H1"),))).code == "permit_zone_conflict"


@pytest.mark.parametrize(
    ("holder", "code"),
    [
        ("Antje Brandt-Roth", "name_unchanged"),
        ("Dr. Antje Brandt-Roth", "name_unchanged"),
        ("Antje Brandt", "name_updated"),
        ("Roth", "name_updated"),
    ],
)
def test_a_new_name_is_put_right_unless_the_permit_carries_it(holder: str, code: str) -> None:
    assert decided(replace(a_new_name(), links=(a_link(holder=holder),))).code == code


def test_a_holder_without_forename_keeps_a_name_of_one_word() -> None:
    delta = a_delta(DeltaKind.NAME_CHANGE, after=a_person(name=a_name("Sukarni", "")))

    situation = a_situation(delta, after=("A3",))

    assert decided(situation).effects[0].data == {"holder": "Sukarni"}
    assert decided(replace(situation, links=(a_link(holder="Sukarni"),))).code == "name_unchanged"


def test_a_name_is_not_put_right_on_a_permit_that_is_over() -> None:
    situation = replace(a_new_name(), links=(a_link(valid_until=TODAY - DAY),))

    assert decided(situation).code == "permit_expired"


@pytest.mark.parametrize("allowed", [True, False])
def test_whoever_moves_away_and_keeps_a_secondary_dwelling_here_is_not_gone(allowed: bool) -> None:
    kept = replace(a_dwelling(), status=DwellingStatus.SECONDARY)
    main = a_new_dwelling("Hauptstraße", "1", ags=ELSEWHERE, status=DwellingStatus.MAIN)
    delta = a_delta(DeltaKind.MOVE_AWAY, after=a_person(kept, main))
    situation = a_situation(delta, after=("A3",))

    decision = decided(situation, secondary_dwelling_allowed=allowed)

    assert decision.code == ("nothing_changes" if allowed else "secondary_dwelling")
