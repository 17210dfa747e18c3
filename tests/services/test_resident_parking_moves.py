"""Bewohnerparken: what a move does to a resident's permit."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.domain.decision import Outcome, Result
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import DwellingStatus, Lock
from tasks.domain.record import Link, LinkedBy
from tasks.domain.service import LaterEvent
from tests.builders import (
    DAY,
    TODAY,
    a_delta,
    a_gate,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_permit,
    a_person,
    a_situation,
    an_answer,
    choosing,
)
from tests.services.resident_parking_stories import (
    an_end_once_known,
    decided,
    later,
    proposal,
)

SWITCH = {
    "zone": "A2",
    "expected_zone": "A3",
    "valid_from": "2026-11-23",
    "valid_until": "2028-02-29",
    "end_old": "false",
    "grace_days": "4",
    "street": "Kröpeliner Straße",
    "house_number": "40",
}
ADDRESS = {"street": "Kröpeliner Straße", "house_number": "40"}


def test_a_move_to_another_zone_gives_a_new_permit_that_ends_like_the_old_one() -> None:
    decision = decided(a_situation())

    assert decision.effects == (Effect(EffectKind.SWITCH_ZONE, "BPA-0001", SWITCH),)
    assert decision.notify


def test_the_old_permit_is_left_to_a_clerk_because_revocation_is_discretionary() -> None:
    decision = decided(a_situation())

    assert decision.question is not None
    assert decision.question.code == "end_old_permit"
    assert "§ 49" in decision.question.text
    assert proposal(decision) == (an_end_once_known(),)


def test_the_old_permit_ends_by_itself_where_it_carries_a_resolutory_condition() -> None:
    decision = decided(a_situation(), resolutory_condition=True)

    assert decision.effects[0].data["end_old"] == "true"
    assert decision.question is None


def test_a_move_within_the_zone_only_puts_the_address_right() -> None:
    decision = decided(a_situation(after=("A3",)))

    assert decision.effects == (Effect(EffectKind.UPDATE_ADDRESS, "BPA-0001", ADDRESS),)
    assert "automation_norm" not in {ground.name for ground in decision.grounds}


@pytest.mark.parametrize("wanted", [True, False])
def test_a_municipality_chooses_whether_to_write_about_a_move_within_the_zone(
    wanted: bool,
) -> None:
    decision = decided(a_situation(after=("A3",)), notify_same_zone=wanted)

    assert decision.notify is wanted


def test_a_move_within_the_zone_needs_neither_a_norm_nor_a_standing_application() -> None:
    situation = a_situation(after=("A3",), links=(a_link(standing_application=False),))

    assert decided(situation, gate=a_gate(automation_norm="")).code == "address_updated"


def test_a_move_whose_address_the_permit_already_carries_changes_nothing() -> None:
    known = a_link(street="Kröpeliner Straße", house_number="40")

    assert decided(a_situation(after=("A3",), links=(known,))).code == "nothing_changes"


def test_house_number_119a_is_not_119() -> None:
    delta = a_move(to=a_new_dwelling("Alexandrinenstr.", "119", ags="09000009"))
    home = delta.after.home() if delta.after else None
    assert home is not None
    annexe = replace(home, address=replace(home.address, suffix="a", extra="Hinterhaus"))
    decision = decided(a_situation(a_move(to=annexe)))

    assert decision.effects[0].data["house_number"] == "119a"


def test_two_candidate_zones_are_never_guessed() -> None:
    decision = decided(a_situation(after=("A3", "W2")))

    assert decision.effects == ()
    assert proposal(decision) == ()
    zone = next(ground for ground in decision.grounds if ground.name == "one_zone")
    assert (zone.result, zone.facts["zones"]) == (Result.UNCLEAR, "A3, W2")
    assert decision.question is not None
    assert "There are 2." in decision.question.text
    assert "W2" not in decision.question.text


def test_a_new_address_without_a_zone_is_never_a_reason_to_revoke_by_machine() -> None:
    decision = decided(a_situation(after=()))

    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert proposal(decision) == (an_end_once_known(),)


def test_with_a_resolutory_condition_a_clerk_only_confirms_that_the_permit_has_lapsed() -> None:
    decision = decided(a_situation(after=()), resolutory_condition=True)

    assert decision.question is not None
    assert "resolutory condition" in decision.question.text
    assert proposal(decision) == (an_end_once_known(),)


def test_a_backdated_move_switches_the_permit_from_today_and_not_back_in_time() -> None:
    late = a_new_dwelling(moved_in=date(2026, 8, 1), registered=date(2026, 11, 18))

    assert decided(a_situation(a_move(to=late))).effects[0].data["valid_from"] == "2026-11-23"


def test_a_permit_that_begins_only_later_is_switched_from_its_own_first_day() -> None:
    link = a_link(valid_from=date(2026, 12, 1))

    assert decided(a_situation(links=(link,))).effects[0].data["valid_from"] == "2026-12-01"


@pytest.mark.parametrize(
    ("moved_in", "code"),
    [(TODAY - DAY, "zone_switched"), (TODAY, "zone_switched"), (TODAY + DAY, "future_move")],
)
def test_a_move_is_carried_out_from_the_day_of_moving_in(moved_in: date, code: str) -> None:
    assert decided(a_situation(a_move(to=a_new_dwelling(moved_in=moved_in)))).code == code


def test_a_future_move_waits_for_its_day_and_is_then_decided_afresh() -> None:
    situation = a_situation(a_move(to=a_new_dwelling(moved_in=date(2026, 12, 1))))

    waiting = decided(situation)

    assert (waiting.outcome, waiting.until) == (Outcome.HELD, date(2026, 12, 1))
    assert decided(situation, today=date(2026, 12, 1)).code == "zone_switched"


def test_a_lock_goes_to_a_clerk_even_where_the_move_lies_ahead() -> None:
    delta = a_move(to=a_new_dwelling(moved_in=TODAY + DAY), locks=(Lock("3"),))

    assert decided(a_situation(delta)).code == "address_locked"


@pytest.mark.parametrize(
    ("ends", "code"),
    [(TODAY - DAY, "permit_expired"), (TODAY, "zone_switched"), (TODAY + DAY, "zone_switched")],
)
def test_a_permit_is_valid_on_its_last_day(ends: date, code: str) -> None:
    assert decided(a_situation(links=(a_link(valid_until=ends),))).code == code


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (date(2026, 11, 30), "permit_expired"),
        (date(2026, 12, 1), "zone_switched"),
        (date(2026, 12, 2), "zone_switched"),
    ],
)
def test_whether_a_permit_has_run_out_is_asked_on_the_day_of_moving_in(
    ends: date, code: str
) -> None:
    day = date(2026, 12, 1)
    move = a_situation(a_move(to=a_new_dwelling(moved_in=day)), links=(a_link(valid_until=ends),))

    assert (waits := decided(move)).code == "future_move"
    assert waits.until == day
    assert decided(move, day).code == code


@pytest.mark.parametrize(
    ("born", "today", "code"),
    [
        ("2008-11-23", TODAY - DAY, "minor"),
        ("2008-11-23", TODAY, "zone_switched"),
        ("2008-11-23", TODAY + DAY, "zone_switched"),
        ("2008-02-29", date(2026, 2, 28), "minor"),
        ("2008-02-29", date(2026, 3, 1), "zone_switched"),
        ("2008", date(2026, 12, 30), "minor"),
        ("2008", date(2026, 12, 31), "zone_switched"),
        ("2008-11", date(2026, 11, 29), "minor"),
        ("2008-11", date(2026, 11, 30), "zone_switched"),
        ("", TODAY, "minor"),
    ],
)
def test_a_holder_is_of_age_from_the_last_day_the_eighteenth_birthday_can_be(
    born: str, today: date, code: str
) -> None:
    delta = a_move(born=born, to=a_new_dwelling(moved_in=date(2026, 1, 15)))
    link = a_link(valid_from=date(2026, 1, 1))

    assert decided(a_situation(delta, links=(link,)), today=today).code == code


def test_a_minor_without_a_permit_is_nobodys_work() -> None:
    assert decided(a_situation(a_move(born="2026-11-11"), links=())).code == "no_permit"


def test_parents_are_no_guardians_that_stop_a_case_of_a_minor_twice() -> None:
    decision = decided(a_situation(a_move(born="2010-05-05", has_guardian=True)))

    assert decision.code == "minor"


def test_a_second_permit_goes_to_a_clerk_but_one_that_is_over_does_not_count() -> None:
    over = a_link(number="BPA-0002", valid_until=TODAY - DAY)
    ended = a_link(number="BPA-0003", status="ended")

    assert decided(a_situation(links=(a_link(), over, ended))).code == "zone_switched"
    second = a_link(number="BPA-0002", valid_until=TODAY)
    assert decided(a_situation(links=(a_link(), second))).code == "several_permits"


def test_a_similar_name_never_adds_a_permit_to_a_sure_one() -> None:
    similar = Link(a_permit(number="BPA-0002"), LinkedBy.SUGGESTED, 98)

    assert len(decided(a_situation(links=(a_link(), similar))).effects) == 1


def test_a_second_permit_that_is_as_good_as_theirs_is_asked_about_first() -> None:
    alike = Link(a_permit(number="BPA-0002", zone="B1"), LinkedBy.SUGGESTED, 99)
    both = a_situation(links=(a_link(), alike))

    asked = decided(both).question
    assert asked is not None
    assert [choice.name for choice in asked.choices] == [
        choosing("link", "BPA-0002"),
        "not_theirs",
        "by_hand",
    ]
    ways = {
        choosing("link", "BPA-0002"): "several_permits",
        "not_theirs": "zone_switched",
        "by_hand": "settled_by_hand",
    }
    for choice, code in ways.items():
        said = replace(both, answers=(an_answer("holder_uncertain", choice),))
        assert decided(said).code == code


def test_a_similar_name_on_a_permit_that_is_over_is_no_work_for_a_clerk() -> None:
    similar = a_link(LinkedBy.SUGGESTED, valid_until=TODAY - DAY)

    assert decided(a_situation(links=(similar,))).code == "no_active_permit"


@pytest.mark.parametrize(
    ("plate", "code"),
    [
        ("ZZ-MU 101", "zone_switched"),
        ("HRO AB 12E", "zone_switched"),
        ("B-A 1H", "zone_switched"),
        ("M-AB 123 04-10", "zone_switched"),
        ("hro-lw-91", "zone_switched"),
        ("WA 12345", "foreign_plate"),
        ("AB-123-CD", "foreign_plate"),
        ("AA BB-123", "foreign_plate"),
        ("M-AB 0123", "foreign_plate"),
        ("", "foreign_plate"),
    ],
)
def test_only_a_plate_that_is_surely_german_passes(plate: str, code: str) -> None:
    assert decided(a_situation(links=(a_link(plate=plate),))).code == code


def test_a_city_may_allow_foreign_plates() -> None:
    situation = a_situation(links=(a_link(plate="WA 12345"),))

    assert decided(situation, foreign_plates_allowed=True).code == "zone_switched"


def test_two_plates_in_one_field_are_a_question_wherever_they_are_from() -> None:
    situation = a_situation(links=(a_link(plate="ZZ-A 1 / ZZ-B 2"),))

    assert decided(situation, foreign_plates_allowed=True).code == "foreign_plate"


def test_a_permit_in_a_zone_where_its_holder_never_lived_is_a_question() -> None:
    assert decided(a_situation(before=("H1",))).code == "permit_zone_conflict"
    assert decided(a_situation(before=())).code == "permit_zone_conflict"


def test_an_old_address_in_two_zones_agrees_with_a_permit_in_one_of_them() -> None:
    assert decided(a_situation(before=("A3", "W2"))).code == "zone_switched"


def test_a_permit_that_is_already_right_for_the_new_address_raises_no_question() -> None:
    assert decided(a_situation(before=(), after=("A3",))).code == "address_updated"


# Two events


def test_a_second_move_within_days_is_switched_from_the_zone_that_the_permit_is_still_in() -> None:
    situation = a_situation(before=("A2",), after=("A1",), areas_earlier=("A3",))

    assert decided(situation).effects[0].data | {"zone": "A1"} == SWITCH | {"zone": "A1"}


def test_a_corrected_address_carries_the_overtaken_move_out() -> None:
    wrong = a_new_dwelling("Mühlenstraße", "12")
    right = a_new_dwelling("Molkenstraße", "12")
    delta = a_delta(DeltaKind.ADDRESS_UPDATE, before=a_person(wrong), after=a_person(right))
    link = a_link(zone="H1")

    decision = decided(
        a_situation(delta, (link,), before=("A3", "W2"), after=("A3",), areas_earlier=("H1",))
    )

    assert decision.code == "zone_switched"
    assert decision.effects[0].data["zone"] == "A3"


def test_a_move_that_a_change_of_status_overtook_is_carried_out_with_it() -> None:
    home = a_new_dwelling(status=DwellingStatus.MAIN)
    delta = a_delta(DeltaKind.STATUS_CHANGE, before=a_person(home), after=a_person(home))

    situation = a_situation(delta, before=("A2",), after=("A2",), areas_earlier=("A3",))

    assert decided(situation).code == "zone_switched"


def test_a_move_stands_where_the_move_that_overtook_it_was_itself_taken_back() -> None:
    events = (LaterEvent(DeltaKind.MOVE, True), LaterEvent(DeltaKind.MOVE_REVERSED, True, "E2"))

    assert decided(a_situation(later=events)).code == "zone_switched"


def test_a_name_change_in_the_same_delivery_is_on_the_new_permit() -> None:
    situation = a_situation(a_move(name=a_name("Brandt-Roth")), **later(DeltaKind.NAME_CHANGE))

    decision = decided(situation)

    assert [effect.kind for effect in decision.effects] == [
        EffectKind.UPDATE_NAME,
        EffectKind.SWITCH_ZONE,
    ]
    assert decision.effects[0].data == {"holder": "Antje Brandt-Roth"}
