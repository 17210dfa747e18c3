"""What a clerk must state who takes a right away, and until when it may be done."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.statements import (
    STATEMENTS,
    Taking,
    kept,
    last_day,
    read_day,
    taking_of,
    wrong_with,
)
from tests.builders import DAY, stated

TODAY = date(2026, 11, 25)


@pytest.mark.parametrize("taking", Taking)
def test_each_norm_asks_for_what_it_wants_and_nothing_else(taking: Taking) -> None:
    said = stated(taking)

    assert wrong_with(taking, said, TODAY) == {}
    for name in STATEMENTS[taking]:
        assert wrong_with(taking, said | {name: " \n"}, TODAY) == {name: "question.no_words"}
        assert name in wrong_with(taking, {}, TODAY)
    assert {"discretion", "hearing", "known_since"} <= set(STATEMENTS[taking])
    assert ("public_interest" in STATEMENTS[taking]) is (taking is Taking.REVOKES)
    assert taking_of(kept(taking, said | {"more": "of no norm"})) is taking


def test_where_nothing_is_taken_away_nothing_is_asked_or_kept() -> None:
    assert wrong_with(None, {}, TODAY) == {}
    assert kept(None, stated()) == {}
    assert taking_of({}) is None


@pytest.mark.parametrize(
    ("known", "last"),
    [
        (date(2025, 11, 25), date(2026, 11, 25)),
        (date(2027, 3, 1), date(2028, 3, 1)),
        (date(2028, 2, 29), date(2029, 2, 28)),  # BGB § 188 Abs. 3
        (date(2027, 2, 28), date(2028, 2, 28)),
    ],
)
def test_the_year_ends_with_the_day_of_the_same_number(known: date, last: date) -> None:
    assert last_day(known) == last
    said = stated(known_since=known.isoformat())
    assert wrong_with(Taking.REVOKES, said, last) == {}
    assert wrong_with(Taking.REVOKES, said, last + DAY) == {"known_since": "question.year_over"}


def test_nobody_knows_before_the_day() -> None:
    said = stated(known_since=f"{TODAY + DAY:%d.%m.%Y}")
    assert wrong_with(Taking.REVOKES, said, TODAY) == {"known_since": "question.bad_day"}
    assert wrong_with(Taking.REVOKES, said, TODAY + DAY) == {}


@given(st.dates(min_value=date(1900, 1, 1)))
def test_a_day_is_read_as_clerks_and_browsers_write_it(day: date) -> None:
    for written in (day.isoformat(), f"{day.day}.{day.month}.{day.year}", f"{day:%d.%m.%Y}"):
        assert read_day(f" {written} ") == day
        assert kept(Taking.REVOKES, stated(known_since=written))["known_since"] == day.isoformat()


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_a_day(text: str) -> None:
    assert read_day(text) is None or read_day(text) == read_day(text.strip())


@pytest.mark.parametrize("text", ["", "2026-02-30", "20261125", "2026-W48-3", "1.1.26", "٢.١.٢٠٢٦"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None
