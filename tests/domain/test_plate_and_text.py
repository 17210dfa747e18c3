"""What looks the same is the same; two cars and two permits stay two."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain import plate
from tasks.domain.permits import renewed
from tasks.domain.text import plain, tidy
from tests.builders import DAY, a_permit


@pytest.mark.parametrize(
    "written",
    [
        "TÜ-AB 12",
        unicodedata.normalize("NFD", "TÜ-AB 12"),
        "TÜ\u2013AB\u00a012",
        "ＴÜ－ＡＢ　１２",
        "\u200eTÜ-AB\u00ad 12 ",
        "tü-ab 12",
    ],
)
def test_a_plate_is_german_however_its_signs_are_encoded(written: str) -> None:
    assert plate.is_german(written)
    assert plate.same(written, "TÜ-AB 12")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("TÜ-AB 12", "TÜ AB12", True),
        ("TÜ-AB 12 E", "TÜ-AB 12E", True),
        ("TÜ-AB 12 04-10", "TÜ-AB 12", True),  # for a season
        ("TÜAB 12", "TÜ-AB 12", True),  # does not say where its district ends: it may be
        ("B-MU 1", "BM-U 1", False),
        ("TÜ-AB 12", "TÜ-AB 112", False),
        ("TÜ-AB 12", "TU-AB 12", False),
    ],
)
def test_the_same_vehicle_is_known_by_its_letters_and_digits(
    one: str, other: str, same: bool
) -> None:
    assert plate.same(one, other) is same
    assert plate.same(other, one) is same
    assert not same or plate.squeezed(one) == plate.squeezed(other)


@given(st.text(max_size=40))
def test_reading_a_text_twice_changes_nothing_more(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    assert tidy(tidy(text)) == tidy(text)
    assert plain(unicodedata.normalize("NFD", text)) == plain(text)


@pytest.mark.parametrize(("begins", "follows"), [(-1, True), (0, True), (1, True), (2, False)])
def test_a_renewal_begins_at_the_latest_on_the_day_after(begins: int, follows: bool) -> None:
    first = a_permit(valid_from=date(2026, 1, 1), valid_until=date(2027, 12, 31))
    start = first.valid_until + begins * DAY
    second = a_permit(number="BPA-0002", valid_from=start, valid_until=date(2029, 12, 31))
    assert bool(renewed([second, first])) is follows
    assert not follows or renewed([second, first]) == (first, second)


@pytest.mark.parametrize(
    "other",
    [
        {"zone": "B1"},
        {"plate": "ZZ-MU 102"},
        {"valid_until": date(2027, 12, 31)},  # ends with the first: nothing goes on
        {"valid_from": date(2026, 1, 1)},  # twice the same
    ],
)
def test_another_permit_is_no_renewal(other: dict[str, object]) -> None:
    first = a_permit(valid_from=date(2026, 1, 1), valid_until=date(2027, 12, 31))
    second = {"valid_from": date(2028, 1, 1), "valid_until": date(2029, 12, 31)} | other
    assert renewed([first, a_permit(number="BPA-0002", **second)]) == ()


def test_a_permit_for_ever_has_no_renewal_and_stops_nothing() -> None:
    first = a_permit(valid_until=date.max)
    second = a_permit(number="BPA-0002", valid_from=date(2027, 1, 1), valid_until=date.max)

    assert renewed([first, second]) == ()


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("ZZ-A 1 / ZZ-B 2", True),
        ("ZZ-A 1, ZZ-B 2", True),
        ("ZZ-A 1 und ZZ-B 2", True),
        ("ZZ-AB 12 04/10", False),
        ("W-12345 X", False),
        ("ZZ-UN 1", False),
    ],
)
def test_two_plates_in_one_field_are_two_vehicles(text: str, several: bool) -> None:
    assert plate.are_several(text) is several
