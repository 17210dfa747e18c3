"""The facts on which the sentences of letters about permits stand."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.permit_letters import NOTICE, came_by, lasting
from tasks.domain.person import Dwelling, DwellingStatus, PartialDate
from tasks.domain.record import LinkedBy
from tasks.services.resident_parking import letter_data
from tests.builders import (
    DAY,
    TODAY,
    a_delta,
    a_dwelling,
    a_form,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_paper_form,
    a_permit,
    a_person,
    a_situation,
    an_act,
    an_answer,
    parking_rules,
)
from tests.services.resident_parking_stories import a_new_name, a_reversal, decided

MAIN, SECOND = DwellingStatus.MAIN, DwellingStatus.SECONDARY


def told(situation: Any, **rules: Any) -> dict[str, str]:
    decision = decided(situation, **rules)
    return dict(letter_data(situation, decision, parking_rules(**rules)))


def swap() -> Delta:
    """Two homes in the municipality since years; main and secondary one change places."""
    here, there = a_dwelling(), a_dwelling("Kröpeliner Straße", "40")
    return a_delta(
        DeltaKind.STATUS_CHANGE,
        before=a_person(replace(here, status=MAIN), replace(there, status=SECOND)),
        after=a_person(replace(here, status=SECOND), replace(there, status=MAIN)),
    )


def put_right(new: Dwelling) -> Delta:
    return a_delta(DeltaKind.ADDRESS_UPDATE, before=a_person(), after=a_person(new))


@pytest.mark.parametrize(
    ("delta", "how"),
    [
        (a_move(), "move"),
        (swap(), "status"),
        (put_right(a_dwelling("Kröpeliner Straße", "40")), ""),  # the same stay
        (put_right(a_new_dwelling()), "move"),  # another stay, whatever the code says
        (a_delta(DeltaKind.NAME_CHANGE), ""),
    ],
)
def test_a_letter_knows_whether_somebody_has_moved(delta: Delta, how: str) -> None:
    assert came_by(delta) == how


def test_whoever_moves_within_a_zone_has_moved_into_no_other_although_the_permit_had() -> None:
    situation = a_situation(before=("A2",), answers=(an_answer("permit_zone_conflict", "go_on"),))

    assert (told(situation)["zone_old"], told(situation)["zone_new"]) == ("A3", "A2")
    assert told(situation)["came_by"] == ""
    assert told(a_situation())["came_by"] == "move"


def test_a_zone_that_the_list_does_not_give_is_not_said_of_an_address() -> None:
    renamed = a_delta(DeltaKind.ADDRESS_UPDATE, after=a_person(a_dwelling("Am Alten Friedhof")))
    gap = a_situation(renamed, after=(), answers=(an_answer("zone_list_gap", "put_right"),))

    assert told(gap)["in_zone"] == ""
    assert told(a_situation(after=("A3",)))["in_zone"] == "yes"


def test_a_permit_ends_soon_from_six_weeks_before_its_last_day() -> None:
    permit = a_permit(valid_until=TODAY + NOTICE)

    facts = lasting(a_situation(links=()), permit, permit.valid_until)

    assert facts == {"valid_until": "2027-01-04", "ends_soon_from": TODAY.isoformat()}


@pytest.mark.parametrize(
    ("other", "soon"),
    [
        ({}, False),
        ({"plate": "ZZ-XX 9"}, True),
        ({"status": "ended"}, True),
        ({"valid_until": TODAY + DAY}, True),
    ],
)
def test_a_permit_that_is_renewed_already_does_not_end_soon(
    other: dict[str, Any], soon: bool
) -> None:
    permit = a_permit(valid_until=TODAY + DAY)
    fields = {"number": "BPA-0002", "valid_until": TODAY + timedelta(days=400)} | other
    next_ = a_link(**fields)

    def facts(by: LinkedBy) -> bool:
        links = (a_link(), replace(next_, by=by))
        return bool(lasting(a_situation(links=links), permit, permit.valid_until)["ends_soon_from"])

    assert facts(LinkedBy.KEY) is soon
    assert facts(LinkedBy.SUGGESTED)  # only looks as if it were this person's


def test_a_letter_knows_the_old_and_the_new_name() -> None:
    data = told(a_new_name())

    assert (data["holder_old"], data["holder"]) == ("Antje Brandt", "Antje Brandt-Roth")


def test_a_switch_puts_the_name_right_too_and_says_so() -> None:
    data = told(a_situation(a_move(name=a_name("Brandt-Roth"))))

    assert (data["holder_old"], data["holder"]) == ("Antje Brandt", "Antje Brandt-Roth")


def test_of_each_form_of_permit_the_municipalitys_own_words_are_said() -> None:
    towns = {"digital": a_form(), "paper": a_paper_form()}
    for form, words in towns.items():
        data = told(a_situation(links=(a_link(form=form),)), **towns)
        assert data["display"] == words.display_text
        assert (data["fee"], data["old_permit_text"]) == (words.fee_text, words.old_permit_text)
        assert bool(data["nothing_to_do"]) is words.nothing_to_do


def test_what_is_put_off_is_not_said_to_be_taken_back() -> None:
    ahead = date(2026, 12, 1)
    now = a_person(
        a_new_dwelling(moved_in=ahead),
        replace(a_dwelling(), current=False, moved_out=PartialDate(2026, 12, 1)),
    )
    back = a_reversal(acts=(an_act(),), told=True)

    assert told(replace(back, now=now), resolutory_condition=True)["reason"] == "put_off"
    assert told(back, resolutory_condition=True)["reason"] == "registry"
