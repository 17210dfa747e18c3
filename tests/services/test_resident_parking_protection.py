"""What a machine must never do to a resident's disadvantage or against their protection."""

from dataclasses import replace

import pytest

from tasks.domain.decision import Outcome
from tasks.domain.delta import Delta, DeltaKind
from tasks.domain.person import DwellingStatus
from tests.builders import (
    a_delta,
    a_dwelling,
    a_link,
    a_move,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
)
from tests.services.resident_parking_stories import decided


@pytest.mark.parametrize(
    ("allowed", "code"), [(True, "permit_zone_conflict"), (False, "zone_switched")]
)
def test_who_keeps_the_old_home_as_a_second_one_keeps_its_permit_where_that_is_enough(
    allowed: bool, code: str
) -> None:
    kept = replace(a_dwelling(), status=DwellingStatus.SECONDARY)
    new = a_new_dwelling(status=DwellingStatus.MAIN)
    delta = a_delta(before=a_person(), after=a_person(new, kept))

    decision = decided(
        a_situation(delta), resolutory_condition=True, secondary_dwelling_allowed=allowed
    )

    assert decision.code == code


def test_a_protected_facility_that_was_left_still_protects() -> None:
    left = a_dwelling("Friedhofsweg", "5", conditional_lock=True, current=False)
    move = a_move()
    assert move.after is not None
    after = replace(move.after, dwellings=(*move.after.dwellings, left))

    decision = decided(a_situation(replace(move, after=after)))

    assert (decision.outcome, decision.code) == (Outcome.NEEDS_REVIEW, "conditional_lock")


def a_marriage(born: str = "1984-03-12") -> Delta:
    married = a_person(name=a_name(family="Brandt-Roth"), born=born)
    return a_delta(DeltaKind.NAME_CHANGE, before=a_person(born=born), after=married)


def test_of_several_permits_a_clerk_says_which_name_is_put_right() -> None:
    links = [a_link(), a_link(number="BPA-0002")]

    decision = decided(a_situation(a_marriage(), links))

    assert (decision.outcome, decision.code) == (Outcome.NEEDS_REVIEW, "several_permits")
    assert len(decision.question.proposal) == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("born", "code"),
    [("2008-11-22", "name_updated"), ("2008-11-24", "minor"), ("", "minor")],
)
def test_a_minor_is_never_written_to_by_a_machine(born: str, code: str) -> None:
    assert decided(a_situation(a_marriage(born))).code == code


@pytest.mark.parametrize(("check", "law"), [("waived", "VwV-StVO"), ("required", "StVG")])
def test_a_query_that_never_took_place_is_no_reason(check: str, law: str) -> None:
    decision = decided(a_situation(), vehicle_check=check)

    (ground,) = [ground for ground in decision.grounds if ground.name == "vehicle_check"]
    assert ground.law.startswith(law)
