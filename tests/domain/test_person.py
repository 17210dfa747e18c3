"""People as the registry knows them: dates with gaps, locks with an end, several dwellings."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.person import DwellingStatus, Lock, PartialDate
from tests.builders import (
    DAY,
    ELSEWHERE,
    TODAY,
    a_dwelling,
    a_new_dwelling,
    a_person,
    an_address,
)


@pytest.mark.parametrize(
    ("text", "full", "latest"),
    [
        ("", None, None),
        ("1971", None, date(1971, 12, 31)),
        ("1990-06", None, date(1990, 6, 30)),
        ("1990-12", None, date(1990, 12, 31)),
        ("2024-02", None, date(2024, 2, 29)),
        ("2026-02", None, date(2026, 2, 28)),
        ("1984-03-12", date(1984, 3, 12), date(1984, 3, 12)),
    ],
)
def test_a_birthday_known_in_part_counts_from_its_last_possible_day(
    text: str, full: date | None, latest: date | None
) -> None:
    born = PartialDate.parse(text)

    assert (str(born), born.full(), born.latest()) == (text, full, latest)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "1990-13", "1990-00", "90", "1990-6", "1990-06-", "0000", "x", "1-1-1-1"]
)
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        PartialDate.parse(text)


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_a_full_date_survives_the_way_to_text_and_back(day: date) -> None:
    assert PartialDate.parse(day.isoformat()).full() == day
    assert str(PartialDate.parse(day.isoformat())) == day.isoformat()


@given(st.integers(1, 9998), st.integers(1, 12))
def test_the_last_day_of_a_month_is_followed_by_another_month(year: int, month: int) -> None:
    latest = PartialDate(year, month).latest()

    assert latest is not None
    assert (latest.year, latest.month) == (year, month)
    assert (latest + DAY).day == 1


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("2008-11-23", TODAY - DAY, 17),
        ("2008-11-23", TODAY, 18),
        ("2008-02-29", date(2026, 2, 28), 17),
        ("2008-02-29", date(2026, 3, 1), 18),
        ("2008", date(2026, 12, 30), 17),
        ("2008", date(2026, 12, 31), 18),
        ("", TODAY, None),
    ],
)
def test_an_age_is_never_older_than_it_surely_is(born: str, today: date, age: int | None) -> None:
    assert a_person(born=born).age(today) == age


@pytest.mark.parametrize(("until", "locked"), [(TODAY - DAY, 0), (TODAY, 1), (TODAY + DAY, 1)])
def test_a_lock_is_in_force_on_its_last_day(until: date, locked: int) -> None:
    assert len(a_person(locks=(Lock("3", until),)).address_locks(TODAY)) == locked


@pytest.mark.parametrize("reason", ["1", "2", "3", "5", "6", "7", "10", "11", "12", "13"])
def test_only_locks_on_the_address_count_and_those_without_an_end_never_lapse(reason: str) -> None:
    locks = a_person(locks=(Lock(reason),)).address_locks(date(2099, 1, 1))

    assert bool(locks) == (reason not in {"2", "5", "7", "10", "13"})


@pytest.mark.parametrize("reason", ["03", "99", ""])
def test_a_lock_that_nobody_knows_yet_protects_too(reason: str) -> None:
    assert a_person(locks=(Lock(reason),)).address_locks(TODAY)


def test_home_is_the_current_dwelling_here_and_main_before_secondary() -> None:
    second = a_dwelling("Seestraße", "6", status=DwellingStatus.SECONDARY)
    main = a_dwelling("Am Strom", "20", status=DwellingStatus.MAIN)
    left = replace(a_dwelling(), current=False)

    assert a_person(left, second, main).home() == main
    assert a_person(left, second).home() == second
    assert a_person(left).home() is None


def test_a_dwelling_in_another_town_or_country_is_no_home() -> None:
    leipzig = a_new_dwelling(ags=ELSEWHERE)
    abroad = replace(a_dwelling(), address=replace(an_address(), country="151"))

    person = a_person(leipzig, abroad)

    assert person.home() is None
    assert person.left_to() in (leipzig, abroad)
    assert person.main() in (leipzig, abroad)


def test_a_letter_goes_to_the_main_dwelling_wherever_it_lies() -> None:
    here = a_dwelling(status=DwellingStatus.SECONDARY)
    there = a_dwelling(ags=ELSEWHERE, status=DwellingStatus.MAIN)

    assert a_person(here, there).main() == there
    assert a_person(here).main() == here
