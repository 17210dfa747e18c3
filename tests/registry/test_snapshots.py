"""What happened is read from the snapshots: a move that never was, a death that was none."""

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.address import Address
from tasks.domain.delta import DeltaKind
from tasks.domain.person import (
    Dwelling,
    DwellingStatus,
    Lock,
    Name,
    PartialDate,
    Person,
    PersonKey,
)
from tasks.registry.snapshots import REVERSALS, classify, told

KEY = PersonKey("09000009", "000000010033")


def an_address(street: str, number: str = "1", ags: str = KEY.ags) -> Address:
    return Address(street, number, town="Musterstadt", ags=ags)


def a_home(street: str, since: str = "2004-10-15", ags: str = KEY.ags) -> Dwelling:
    return Dwelling(an_address(street, ags=ags), moved_in=date.fromisoformat(since))


def left(dwelling: Dwelling, on: str = "2026-11-12") -> Dwelling:
    return replace(dwelling, current=False, moved_out=PartialDate.parse(on))


def a_person(*dwellings: Dwelling) -> Person:
    return Person(KEY, Name("Yılmaz", "Mehmet"), dwellings=dwellings)


OLD = a_home("Badstüberstraße")
NEW = a_home("Kastanienallee", "2026-11-12")
AT_OLD = a_person(OLD)
MOVED = a_person(NEW, left(OLD))
ELSEWHERE = a_home("Bornaische Straße", "2026-11-12", ags="14713000")
MOVED_AWAY = a_person(ELSEWHERE, left(OLD))
DEAD = replace(a_person(left(OLD)), died=PartialDate(2026, 11, 13))

ANY_CODE = sorted(set(DeltaKind) - REVERSALS)


@pytest.mark.parametrize("kind", ANY_CODE)
def test_a_move_that_never_happened_is_seen_under_any_code(kind):
    assert classify(kind, MOVED, AT_OLD) == DeltaKind.MOVE_REVERSED


@pytest.mark.parametrize("kind", ANY_CODE)
def test_a_move_away_that_never_happened_is_seen_under_any_code(kind):
    assert classify(kind, MOVED_AWAY, AT_OLD) == DeltaKind.MOVE_REVERSED


@pytest.mark.parametrize("kind", ANY_CODE)
def test_a_death_that_never_happened_is_seen_under_any_code(kind):
    assert classify(kind, DEAD, AT_OLD) == DeltaKind.DEATH_REVERSED


def test_the_dwelling_in_between_may_stay_in_the_register_as_given_up():
    after = a_person(OLD, left(NEW))

    assert classify(DeltaKind.OTHER, MOVED, after) == DeltaKind.MOVE_REVERSED


def test_moving_back_is_a_move_since_the_move_in_date_is_new():
    back = a_person(a_home("Badstüberstraße", "2026-11-21"), left(NEW), left(OLD))

    assert classify(DeltaKind.MOVE, MOVED, back) == DeltaKind.MOVE
    assert classify(DeltaKind.OTHER, MOVED, back) == DeltaKind.MOVE


def test_a_reversed_move_back_gives_the_home_in_between_back():
    back = a_person(a_home("Badstüberstraße", "2026-11-21"), left(NEW), left(OLD))

    assert classify(DeltaKind.OTHER, back, MOVED) == DeltaKind.MOVE_REVERSED


def test_an_old_home_with_a_day_of_moving_out_is_not_given_back():
    still_there_until_then = replace(OLD, moved_out=PartialDate(2026, 12, 1))

    kind = classify(DeltaKind.LOCK_CHANGE, MOVED, a_person(NEW, still_there_until_then))

    assert kind == DeltaKind.LOCK_CHANGE


def test_an_older_home_never_heard_of_is_a_reversal_when_the_new_one_is_gone():
    assert classify(DeltaKind.OTHER, a_person(NEW), AT_OLD) == DeltaKind.MOVE_REVERSED


@pytest.mark.parametrize(
    ("since", "kind"),
    [
        ("2026-11-11", DeltaKind.MOVE_REVERSED),
        ("2026-11-12", DeltaKind.ADDRESS_UPDATE),
        ("2026-11-13", DeltaKind.MOVE),
    ],
)
def test_the_day_of_moving_in_tells_reversal_correction_and_move_apart(since, kind):
    after = a_person(a_home("Lange Straße", since))

    assert classify(DeltaKind.OTHER, a_person(NEW), after) == kind


def test_a_move_taken_back_under_the_code_of_a_move_is_seen_where_the_sender_drops_old_homes():
    assert classify(DeltaKind.MOVE, a_person(NEW), AT_OLD) == DeltaKind.MOVE_REVERSED


@pytest.mark.parametrize(
    ("since", "kind"),
    [
        ("2026-11-11", DeltaKind.MOVE_REVERSED),
        ("2026-11-12", DeltaKind.MOVE),
        ("2026-11-13", DeltaKind.MOVE),
    ],
)
def test_a_move_of_a_sender_that_drops_old_homes_is_real_unless_the_home_is_an_older_one(
    since, kind
):
    after = a_person(a_home("Lange Straße", since))

    assert classify(DeltaKind.MOVE, a_person(NEW), after) == kind


def test_a_move_that_leaves_the_last_home_behind_is_real_even_to_an_older_stay():
    after = a_person(OLD, left(NEW))

    assert classify(DeltaKind.MOVE, a_person(NEW), after) == DeltaKind.MOVE


def test_an_earlier_day_of_moving_into_the_same_house_reverses_no_move():
    corrected = a_home("Kastanienallee", "2026-11-05")
    hinterhaus = replace(corrected, address=replace(corrected.address, extra="Hinterhaus"))

    for home in (corrected, hinterhaus):
        assert classify(DeltaKind.MOVE, a_person(NEW), a_person(home)) == DeltaKind.MOVE


def test_an_address_put_right_is_not_a_reversal_although_the_wrong_one_is_gone():
    right = a_person(a_home("Molkenstraße", "2026-11-12"), left(OLD))

    assert classify(DeltaKind.ADDRESS_UPDATE, MOVED, right) == DeltaKind.ADDRESS_UPDATE


def test_a_later_move_is_not_a_reversal_of_the_one_before():
    later = a_person(a_home("Große Mönchenstraße", "2026-11-22"), left(NEW), left(OLD))

    assert classify(DeltaKind.MOVE, MOVED, later) == DeltaKind.MOVE


@pytest.mark.parametrize("kind", [DeltaKind.IRRELEVANT, DeltaKind.MOVE, DeltaKind.NAME_CHANGE])
def test_dropping_old_dwellings_after_the_retention_period_reverses_nothing(kind):
    assert classify(kind, MOVED, a_person(NEW)) == kind


def test_retention_may_take_the_date_of_death_away_without_waking_the_dead():
    after = replace(DEAD, died=None, dwellings=())

    assert classify(DeltaKind.IRRELEVANT, DEAD, after) == DeltaKind.IRRELEVANT


def test_a_secondary_dwelling_that_becomes_the_main_one_was_never_given_up():
    second = replace(a_home("Feldstraße"), status=DwellingStatus.SECONDARY)
    before = a_person(OLD, second)
    after = a_person(left(OLD), replace(second, status=DwellingStatus.SOLE))

    assert classify(DeltaKind.STATUS_CHANGE, before, after) == DeltaKind.STATUS_CHANGE


def test_gone_from_the_register_is_a_deletion_whatever_was_before():
    assert classify(DeltaKind.DELETION, AT_OLD, None) == DeltaKind.DELETION
    assert classify(DeltaKind.DELETION, None, None) == DeltaKind.DELETION


@pytest.mark.parametrize("kind", list(DeltaKind))
def test_for_a_person_not_seen_before_the_code_is_all_there_is(kind):
    assert classify(kind, None, AT_OLD) == kind


@pytest.mark.parametrize(
    ("after", "kind"),
    [
        (MOVED, DeltaKind.MOVE),
        (a_person(a_home("Molkenstraße")), DeltaKind.ADDRESS_UPDATE),
        (MOVED_AWAY, DeltaKind.MOVE_AWAY),
        (DEAD, DeltaKind.DEATH),
        (a_person(replace(OLD, status=DwellingStatus.SECONDARY)), DeltaKind.STATUS_CHANGE),
        (replace(AT_OLD, locks=(Lock("3"),)), DeltaKind.LOCK_CHANGE),
        (replace(AT_OLD, name=Name("Roth", "Mehmet")), DeltaKind.NAME_CHANGE),
        (replace(AT_OLD, born=PartialDate(1972)), DeltaKind.OTHER),
        (AT_OLD, DeltaKind.OTHER),
    ],
)
def test_a_record_without_a_telling_code_is_what_its_snapshots_show(after, kind):
    assert classify(DeltaKind.OTHER, AT_OLD, after) == kind


MARRIED = Name("Roth", "Mehmet", birth="Yılmaz")
LITTLE = [DeltaKind.FAMILY_CHANGE, DeltaKind.LOCK_CHANGE, DeltaKind.IRRELEVANT]


@pytest.mark.parametrize("kind", LITTLE)
@pytest.mark.parametrize(
    ("after", "seen"),
    [
        (replace(AT_OLD, name=MARRIED), DeltaKind.NAME_CHANGE),
        (replace(MOVED, name=MARRIED), DeltaKind.MOVE),
        (MOVED_AWAY, DeltaKind.MOVE_AWAY),
        (DEAD, DeltaKind.DEATH),
        (a_person(replace(OLD, status=DwellingStatus.SECONDARY)), DeltaKind.STATUS_CHANGE),
    ],
)
def test_a_marriage_or_a_lock_hides_neither_a_new_name_nor_a_move(kind, after, seen):
    assert classify(kind, AT_OLD, after) == seen


@pytest.mark.parametrize("kind", LITTLE)
def test_who_is_gone_is_not_looked_at_again_when_data_are_cleared_away(kind):
    cleared = replace(a_person(), name=MARRIED)

    assert classify(kind, a_person(left(OLD)), cleared) == kind
    assert classify(kind, AT_OLD, replace(AT_OLD, sex="m")) == kind


def test_a_new_name_does_not_hide_the_move_that_came_with_it():
    renamed = replace(MOVED, name=MARRIED)

    assert classify(DeltaKind.NAME_CHANGE, AT_OLD, renamed) == DeltaKind.MOVE


def test_another_floor_does_not_hide_a_new_name():
    upstairs = replace(OLD, address=replace(OLD.address, floor="3. OG"))
    after = replace(AT_OLD, name=MARRIED, dwellings=(upstairs,))

    assert classify(DeltaKind.OTHER, AT_OLD, after) == DeltaKind.NAME_CHANGE
    assert classify(DeltaKind.OTHER, AT_OLD, a_person(upstairs)) == DeltaKind.ADDRESS_UPDATE


def test_a_home_where_there_was_none_is_an_arrival():
    assert classify(DeltaKind.OTHER, a_person(ELSEWHERE), AT_OLD) == DeltaKind.ARRIVAL


@pytest.mark.parametrize("kind", sorted(REVERSALS))
def test_a_reversal_by_code_counts_only_where_something_changed(kind):
    assert classify(kind, AT_OLD, AT_OLD) == DeltaKind.OTHER
    assert classify(kind, AT_OLD, replace(AT_OLD, sex="m")) == kind


days = st.none() | st.dates(date(2026, 11, 1), date(2026, 11, 4))
outs = st.sampled_from([PartialDate(), PartialDate(2026), PartialDate(2026, 11, 3)])
dwellings = st.builds(
    Dwelling,
    st.builds(
        an_address, st.sampled_from(["A", "B"]), ags=st.sampled_from([KEY.ags, "14713000", ""])
    ),
    st.sampled_from(DwellingStatus),
    st.booleans(),
    days,
    outs,
)
persons = st.builds(
    Person,
    st.just(KEY),
    st.builds(Name, st.sampled_from(["X", "Y"])),
    died=st.none() | outs,
    locks=st.lists(st.builds(Lock, st.just("3")), max_size=1).map(tuple),
    dwellings=st.lists(dwellings, max_size=4).map(tuple),
)


ARRIVES = date(2026, 11, 24)  # the day of the correction, after the move


def put_off(to: str) -> Person:
    """The move was on that day, says the registry now; the old home is named as lived in till."""
    day = date.fromisoformat(to)
    return a_person(replace(NEW, moved_in=day), left(OLD, to))


@pytest.mark.parametrize("code", [DeltaKind.ADDRESS_UPDATE, DeltaKind.OTHER, DeltaKind.MOVE])
def test_a_move_put_off_to_a_day_ahead_is_taken_back_and_to_come(code):
    back, ahead = told(code, MOVED, put_off("2026-11-25"), ARRIVES)

    assert back == (DeltaKind.MOVE_REVERSED, MOVED, AT_OLD)
    assert ahead == (DeltaKind.MOVE, AT_OLD, put_off("2026-11-25"))


@pytest.mark.parametrize("to", ["2026-11-13", "2026-11-24"])
def test_a_move_put_right_to_a_day_that_is_over_is_one_correction(to):
    after = put_off(to)

    assert told(DeltaKind.OTHER, MOVED, after, ARRIVES) == (
        (DeltaKind.ADDRESS_UPDATE, MOVED, after),
    )


def test_a_move_put_off_before_its_day_has_come_is_one_correction():
    before, after = put_off("2026-12-01"), put_off("2026-12-15")

    assert told(DeltaKind.OTHER, before, after, ARRIVES) == (
        (DeltaKind.ADDRESS_UPDATE, before, after),
    )


def test_where_the_record_names_no_old_home_it_is_the_one_left_last():
    after = a_person(replace(NEW, moved_in=date(2026, 12, 1)))

    (kind, _, meanwhile), _ = told(DeltaKind.ADDRESS_UPDATE, MOVED, after, ARRIVES)
    assert (kind, meanwhile) == (DeltaKind.MOVE_REVERSED, AT_OLD)

    (kind, _, meanwhile), _ = told(DeltaKind.ADDRESS_UPDATE, a_person(NEW), after, ARRIVES)
    assert (kind, meanwhile) == (DeltaKind.MOVE_REVERSED, a_person())  # nobody knows which


def test_a_departure_put_off_to_a_day_ahead_is_taken_back_and_to_come():
    gone, until = a_person(left(OLD)), a_person(left(OLD, "2026-12-01"))

    assert told(DeltaKind.ADDRESS_UPDATE, gone, until, ARRIVES) == (
        (DeltaKind.MOVE_REVERSED, gone, AT_OLD),
        (DeltaKind.MOVE_AWAY, AT_OLD, until),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MOVED, a_person(a_home("Lange Straße", "2026-12-01"), left(NEW, "2026-12-01"))),
        (MOVED, a_person(NEW, left(OLD, "2026-12-01"))),  # both at once until then
        (AT_OLD, put_off("2026-12-01")),  # a move that lies ahead, told for the first time
        (MOVED, AT_OLD),
        (MOVED, replace(put_off("2026-12-01"), died=PartialDate(2026, 11, 13))),
    ],
)
def test_nothing_else_is_told_as_two_things(before, after):
    assert len(told(DeltaKind.OTHER, before, after, ARRIVES)) == 1


@given(st.sampled_from(DeltaKind), st.none() | persons, st.none() | persons, days)
def test_what_is_told_leads_from_one_snapshot_to_the_other(kind, before, after, day):
    parts = told(kind, before, after, day or ARRIVES)

    assert (parts[0][1], parts[-1][2]) == (before, after)
    assert all(one[2] == next_[1] for one, next_ in pairwise(parts))


@given(st.sampled_from(DeltaKind), st.none() | persons, st.none() | persons)
def test_any_two_snapshots_have_an_answer(kind, before, after):
    assert classify(kind, before, after) in DeltaKind


@given(st.sampled_from(DeltaKind), persons)
def test_nothing_is_reversed_where_nothing_changed(kind, person):
    assert classify(kind, person, person) not in REVERSALS


@given(st.sampled_from(ANY_CODE), persons)
def test_a_first_snapshot_reverses_nothing(kind, person):
    assert classify(kind, None, person) not in REVERSALS
