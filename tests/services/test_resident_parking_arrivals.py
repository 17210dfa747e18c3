"""Who comes back, gives up a second home, or is missing: nobody's permit goes on unlooked at."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.domain.automation import automation_filter
from tasks.domain.delta import DeltaKind
from tasks.domain.person import DwellingStatus, Lock
from tasks.domain.service import Situation
from tests.builders import (
    DAY,
    MOVED,
    TODAY,
    a_delta,
    a_dwelling,
    a_link,
    a_name,
    a_new_dwelling,
    a_person,
    a_situation,
    an_answer,
)
from tests.services.resident_parking_stories import (
    GRANTED,
    REVIEW,
    SUPPRESSED,
    a_return,
    a_second_home_given_up,
    decided,
    later,
    moved_away,
)

MAIN = a_new_dwelling(status=DwellingStatus.MAIN)
SECOND = a_dwelling(status=DwellingStatus.SECONDARY)


def said(situation: Situation, *answers: tuple[str, str]) -> Situation:
    return replace(situation, answers=tuple(an_answer(*one) for one in answers))


@pytest.mark.parametrize(
    ("valid_from", "code"),
    [(MOVED - DAY, "returned"), (MOVED, "nothing_changes"), (MOVED + DAY, "nothing_changes")],
)
def test_a_permit_from_before_the_arrival_is_asked_about_a_new_one_is_not(
    valid_from: date, code: str
) -> None:
    assert decided(a_return(links=(a_link(valid_from=valid_from),))).code == code


def test_who_arrives_unknown_with_a_permit_from_before_is_asked_about() -> None:
    situation = a_return()
    unknown = replace(situation, delta=replace(situation.delta, before=None))

    assert decided(unknown).code == "returned"


def test_an_arrival_without_a_day_is_asked_about() -> None:
    home = a_new_dwelling(moved_in=None)
    delta = a_delta(DeltaKind.ARRIVAL, before=None, after=a_person(home))

    assert decided(a_situation(delta, before=(), after=("A3",))).code == "returned"


def test_a_permit_granted_at_the_counter_for_another_zone_is_a_question() -> None:
    situation = a_return(links=(a_link(valid_from=MOVED),), after=("A2",))

    assert decided(situation).code == "permit_zone_conflict"


@pytest.mark.parametrize(
    ("choice", "after", "code"),
    [
        ("go_on", "A3", "nothing_changes"),
        ("go_on", "A2", "zone_switched"),
        ("end", "A3", "permit_ended"),
        ("keep", "A3", "permit_kept"),
    ],
)
def test_a_clerk_says_what_becomes_of_the_permit_of_who_is_back(
    choice: str, after: str, code: str
) -> None:
    situation = said(a_return(after=(after,)), ("returned", choice))

    assert decided(situation).code == code


@pytest.mark.parametrize(
    ("links", "code"),
    [
        ((), "no_permit"),
        ((a_link(status="ended"),), "no_active_permit"),
        ((a_link(), a_link(number="BPA-0002")), "several_permits"),
    ],
)
def test_who_comes_without_a_permit_or_with_several_is_told_apart(
    links: tuple[object, ...], code: str
) -> None:
    assert decided(a_return(links=links)).code == code


def test_a_lock_comes_first_for_who_is_back() -> None:
    situation = a_return()
    locked = replace(situation.now, locks=(Lock("3"),)) if situation.now else None

    assert decided(replace(situation, now=locked)).code == "address_locked"


def test_an_arrival_that_a_later_move_has_overtaken_is_not_carried_out() -> None:
    now = a_person(a_new_dwelling("Große Straße"))
    moved_on = later(DeltaKind.MOVE, address_changed=True)

    assert decided(replace(a_return(), now=now, **moved_on)).code == "superseded"


def test_the_question_of_who_had_left_gives_way_to_that_of_who_is_back() -> None:
    back = a_return().now
    situation = replace(moved_away(), now=back, **later(DeltaKind.ARRIVAL, address_changed=True))

    assert (decided(situation).outcome, decided(situation).code) == (SUPPRESSED, "superseded")
    assert decided(a_return()).outcome is REVIEW


# A second home ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permit", "code"),
    [
        ({"zone": "A3"}, "second_home_given_up"),  # for the one that was given up, perhaps
        ({"zone": "A2"}, "nothing_changes"),  # for the main one
        ({"zone": "A2", "street": "Kröpeliner Straße", "house_number": "40"}, "nothing_changes"),
        ({"zone": "A2", "street": "Wollenweberstraße", "house_number": "12"}, None),
    ],
)
def test_a_permit_that_does_not_fit_the_home_that_is_left_is_asked_about(
    permit: dict[str, str], code: str | None
) -> None:
    situation = a_second_home_given_up(links=(a_link(**permit),))

    assert decided(situation).code == (code or "second_home_given_up")


@pytest.mark.parametrize(("choice", "code"), [("end", "permit_ended"), ("keep", "permit_kept")])
def test_a_clerk_ends_the_permit_of_a_second_home_or_leaves_it(choice: str, code: str) -> None:
    situation = said(a_second_home_given_up(), ("second_home_given_up", choice))

    assert decided(situation).code == code


def test_who_takes_a_second_home_keeps_what_is_theirs() -> None:
    before, after = a_person(MAIN), a_person(MAIN, SECOND)
    delta = a_delta(DeltaKind.SECONDARY_DWELLING, before=before, after=after)

    situation = a_situation(delta, before=("A2",), after=("A2",), links=(a_link(zone="A2"),))
    assert decided(situation).code == "nothing_changes"


def test_who_gives_up_the_only_home_here_has_moved_away() -> None:
    elsewhere = a_new_dwelling("Hauptstraße", ags="14713000", status=DwellingStatus.MAIN)
    before, after = a_person(elsewhere, SECOND), a_person(elsewhere, replace(SECOND, current=False))
    delta = a_delta(DeltaKind.SECONDARY_DWELLING, before=before, after=after)

    assert decided(a_situation(delta, after=())).code == "moved_away"


@pytest.mark.parametrize(
    "kind", [DeltaKind.SECONDARY_DWELLING, DeltaKind.ADDRESS_UPDATE, DeltaKind.STATUS_CHANGE]
)
def test_a_new_name_told_beside_something_that_changes_nothing_is_put_right(
    kind: DeltaKind,
) -> None:
    after = a_person(name=a_name("Brandt-Roth"))
    decision = decided(a_situation(a_delta(kind, after=after), after=("A3",)))

    assert (decision.outcome, decision.code) == (GRANTED, "name_updated")
    assert [effect.data["holder"] for effect in decision.effects] == ["Antje Brandt-Roth"]


def test_a_new_name_told_beside_a_move_within_the_zone_is_put_right_with_it() -> None:
    after = a_person(a_new_dwelling(), name=a_name("Brandt-Roth"))
    decision = decided(a_situation(a_delta(DeltaKind.MOVE, after=after), after=("A3",)))

    assert decision.code == "address_updated"
    assert [effect.kind for effect in decision.effects] == ["update_name", "update_address"]


# Missing ------------------------------------------------------------------------------------


def missing(**fields: object) -> Situation:
    delta = a_delta(DeltaKind.MISSING, after=None)
    return a_situation(delta, now=a_person(), **fields)  # type: ignore[arg-type]


def test_who_is_missing_is_a_question_also_with_a_lock_or_after_an_opt_out() -> None:
    locked = replace(missing(), now=a_person(locks=(Lock("3"),)))

    for situation in (missing(), locked, replace(missing(), opted_out=True)):
        decision = decided(situation)
        assert (decision.outcome, decision.code, decision.effects) == (REVIEW, "holder_missing", ())


@pytest.mark.parametrize("kind", [DeltaKind.MOVE_AWAY, DeltaKind.LOCK_CHANGE, DeltaKind.DEATH])
def test_who_is_told_of_again_is_no_longer_missing(kind: DeltaKind) -> None:
    checks = automation_filter(replace(missing(), **later(kind)), TODAY)

    assert "superseded" in {check.code for check in checks if not check.passed}
