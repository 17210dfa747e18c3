"""What a list cannot tell is a doubt with candidates; what it can tell needs no clerk."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.address import Address
from tasks.domain.area import AreaAnswer, Doubt
from tasks.matching.spans import Place
from tasks.matching.zone_text import place_of, read_entry
from tasks.matching.zones import ZoneList


def listed(*entries: str, covers: Place = Place()) -> ZoneList:  # noqa: B008
    """Each entry as `ZONE entry`."""
    pairs = [entry.split(" ", 1) for entry in entries]
    return ZoneList(((zone, read_entry(text)) for zone, text in pairs), covers)


def at(number: str, suffix: str = "", street: str = "Hauptstr.", **fields: str) -> Address:
    return Address(street, number, suffix, town="Musterstadt", **fields)


def sure(zone: str) -> AreaAnswer:
    return AreaAnswer((zone,), True)


def open_between(*zones: str, doubt: Doubt) -> AreaAnswer:
    return AreaAnswer(zones, True, doubt)


NEXT_TO_EACH_OTHER = ("L1 Hauptstr.: 1-7", "L2 Hauptstr.: 8-20")


# Numbers are numbers, and suffixes stay with them -------------------------------------------------


@pytest.mark.parametrize("suffix", ["3", "/3", "03", "a", "x"])
def test_a_further_digit_never_turns_4_into_43(suffix: str) -> None:
    zones = listed("L1 Hauptstr. 4", "L2 Hauptstr. 43")

    assert zones.find(at("4", suffix)) == sure("L1")


@pytest.mark.parametrize("number", ["17", "0017", "017"])
def test_leading_zeros_do_not_change_the_zone(number: str) -> None:
    assert listed("L1 Hauptstr.: 1-16", "L2 Hauptstr.: 17-20").find(at(number)) == sure("L2")


@pytest.mark.parametrize(
    ("number", "suffix", "answer"),
    [
        ("6", "b", sure("L1")),
        ("7", "", sure("L1")),
        ("7", "b", open_between("L1", "L2", doubt=Doubt.SUFFIX)),
        ("7", "3", open_between("L1", "L2", doubt=Doubt.SUFFIX)),
        ("8", "", sure("L2")),
        ("8", "a", sure("L2")),
        ("20", "a", sure("L2")),  # nothing lies beyond
        ("21", "", AreaAnswer((), True)),
    ],
)
def test_a_suffix_stays_with_its_number_but_at_the_border_of_two_zones_it_is_open(
    number: str, suffix: str, answer: AreaAnswer
) -> None:
    assert listed(*NEXT_TO_EACH_OTHER).find(at(number, suffix)) == answer


def test_between_two_ranges_of_one_zone_a_suffix_is_certain() -> None:
    assert listed("L1 Hauptstr.: 1-7", "L1 Hauptstr.: 8-20").find(at("7", "b")) == sure("L1")


@pytest.mark.parametrize(
    ("suffix", "answer"),
    [
        ("", sure("W2")),
        ("a", sure("W1")),
        ("b", sure("W1")),
        ("3", open_between("W1", "W2", doubt=Doubt.SUFFIX)),
    ],
)
def test_where_the_list_tells_suffixes_apart_it_is_taken_at_its_word(
    suffix: str, answer: AreaAnswer
) -> None:
    zones = listed("W2 Hauptstr.: von 36 bis 119", "W1 Hauptstr.: von 119a bis 130")

    assert zones.find(at("119", suffix)) == answer


@pytest.mark.parametrize(
    ("number", "suffix", "answer"),
    [
        ("4", "-6", sure("L1")),
        ("6", "-8", open_between("L1", "L2", doubt=Doubt.NUMBER)),
        ("6 u. 8", "", open_between("L1", "L2", doubt=Doubt.NUMBER)),
        ("6 bis 8", "", open_between("L1", "L2", doubt=Doubt.NUMBER)),
        ("6", "a-c", sure("L1")),
        ("7", "a-c", open_between("L1", "L2", doubt=Doubt.SUFFIX)),
        ("", "", open_between("L1", "L2", doubt=Doubt.NUMBER)),
        ("0", "", open_between("L1", "L2", doubt=Doubt.NUMBER)),
        ("", "a", open_between("L1", "L2", doubt=Doubt.NUMBER)),
    ],
)
def test_a_house_of_several_numbers_or_none_is_certain_only_in_a_single_zone(
    number: str, suffix: str, answer: AreaAnswer
) -> None:
    assert listed(*NEXT_TO_EACH_OTHER).find(at(number, suffix)) == answer


# Gaps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "areas"),
    [("21", ("A1",)), ("22", ("A1", "A2")), ("23", ("A2",)), ("37", ("A2",)), ("38", ())],
)
def test_a_number_between_two_ranges_offers_both(number: str, areas: tuple[str, ...]) -> None:
    answer = listed("A1 Hauptstr.: 1-21", "A2 Hauptstr.: 23-37").find(at(number))

    assert answer.areas == areas
    assert (answer.doubt is Doubt.GAP) is (number == "22")


def test_the_other_side_of_a_street_is_no_gap() -> None:
    zones = listed("N Hauptstr.: ungerade 1–31", "S Hauptstr.: gerade 2–8, gerade 20–30")

    assert zones.find(at("12")) == open_between("S", doubt=Doubt.GAP)
    assert zones.find(at("32")) == AreaAnswer((), True)
    assert zones.find(at("11")) == sure("N")


def test_what_an_entry_leaves_out_is_in_no_zone_unless_others_share_the_street() -> None:
    alone = listed("A3 Hauptstr.: alle außer 25")
    shared = listed("A3 Hauptstr.: alle außer 25 bis 29", "A1 Hauptstr.: 25 bis 28")

    assert alone.find(at("25")) == AreaAnswer((), True)
    assert shared.find(at("26")) == sure("A1")
    assert shared.find(at("29")) == open_between("A1", "A3", doubt=Doubt.GAP)


def test_zwischen_does_not_say_whether_its_ends_are_meant() -> None:
    zones = listed("L1 Hauptstr.: zwischen den Hausnummern 3 und 11")

    assert zones.find(at("5")) == sure("L1")
    assert zones.find(at("3")) == open_between("L1", doubt=Doubt.BORDER)
    assert zones.find(at("11")) == open_between("L1", doubt=Doubt.BORDER)
    assert zones.find(at("12")) == AreaAnswer((), True)


# Ortsteile and postcodes --------------------------------------------------------------------------


def test_an_address_in_an_ortsteil_never_gets_the_core_towns_zone() -> None:
    zones = listed("B1 Hauptstr.")

    assert zones.find(at("4")) == sure("B1")
    assert zones.find(at("4", district="Neudorf")) == open_between("B1", doubt=Doubt.PLACE)
    assert zones.find(at("4", district="Musterstadt")) == sure("B1")


@pytest.mark.parametrize("covers", [["Neudorf"], ["OT Neudorf", "01234"], ["Ortsteil Neudorf"]])
def test_a_list_may_say_which_ortsteile_it_covers(covers: list[str]) -> None:
    zones = listed("B1 Hauptstr.", covers=place_of(covers))

    assert zones.find(at("4", district="Neudorf", postcode="01234")) == sure("B1")
    assert zones.find(at("4", district="Altdorf", postcode="01234")).doubt is Doubt.PLACE


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, sure("B1")),
        ({"district": "Neudorf"}, sure("N1")),
        ({"district": "OT Neudorf"}, sure("N1")),
        ({"postcode": "01234"}, sure("P1")),
        ({"district": "Altdorf"}, open_between("B1", "N1", "P1", doubt=Doubt.PLACE)),
    ],
)
def test_a_street_that_exists_twice_is_told_apart_by_what_the_list_names(
    fields: dict[str, str], answer: AreaAnswer
) -> None:
    zones = listed(
        "B1 Hauptstr.: 1-20", "N1 Hauptstr. [Ortsteil Neudorf]", "P1 Hauptstr. 1-9 [01234]"
    )

    assert zones.find(at("4", **fields)) == answer


def test_a_street_that_is_listed_elsewhere_only_is_a_doubt() -> None:
    zones = listed("N1 Hauptstr. [Ortsteil Neudorf]", "P1 Ring [01234]")

    assert zones.find(at("4")) == open_between("N1", doubt=Doubt.PLACE)
    assert zones.find(at("4", street="Ring", postcode="01235")).doubt is Doubt.PLACE
    assert zones.find(at("4", street="Ring")).doubt is Doubt.PLACE


def test_another_postcode_than_before_is_a_doubt_where_the_list_says_nothing_of_postcodes() -> None:
    silent = listed("B1 Hauptstr.")
    saying = listed("B1 Hauptstr.", covers=place_of(["01234", "01237"]))
    old, new = at("1", street="Ring", postcode="01234"), at("4", postcode="01237")

    assert silent.find(new, moved_from=old) == open_between("B1", doubt=Doubt.POSTCODE)
    assert silent.find(new) == sure("B1")
    assert saying.find(new, moved_from=old) == sure("B1")
    assert saying.find(at("4", postcode="01239"), moved_from=old).doubt is Doubt.PLACE


@pytest.mark.parametrize("town", ["Neudorf", "Musterstadt OT Neudorf"])
def test_an_ortsteil_written_as_the_town_is_no_core_town(town: str) -> None:
    silent, naming = listed("B1 Hauptstr."), listed("B1 Hauptstr.", "N1 Hauptstr. [OT Neudorf]")
    old, new = at("1", street="Ring"), replace(at("4"), town=town)

    assert silent.find(new, moved_from=old).only is None
    assert naming.find(new, moved_from=old) == sure("N1")
    assert listed("B1 Hauptstr.", covers=place_of(["Neudorf"])).find(new, old) == sure("B1")


# What holds for every list ------------------------------------------------------------------------

ranges = st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda r: (r[0], r[0] + r[1]))
lists = st.lists(st.tuples(st.sampled_from("ABC"), ranges), min_size=1, max_size=4)


@given(lists, st.integers(1, 80), st.sampled_from(["", "a", "3", "-2"]))
def test_a_certain_zone_always_names_the_number_itself(
    entries: list[tuple[str, tuple[int, int]]], number: int, suffix: str
) -> None:
    zones = listed(*(f"{zone} Hauptstr. fortlaufend {a}-{b}" if a < b else f"{zone} Hauptstr. {a}"
                     for zone, (a, b) in entries))  # fmt: skip
    named = {zone for zone, (a, b) in entries if a <= number <= b}
    answer = zones.find(at(str(number), suffix))

    assert answer.only is None or answer.only in named
    if not suffix and len(named) == 1:
        assert answer.only in named
    if not named and min(a for _, (a, _) in entries) < number < max(b for _, (_, b) in entries):
        assert answer.doubt is not None
        assert answer.areas


@given(lists, st.integers(1, 80), st.integers(1, 99))
def test_a_house_is_never_looked_up_under_another_number(
    entries: list[tuple[str, tuple[int, int]]], number: int, digits: int
) -> None:
    """4/3 lies where 4 lies or in doubt; where 43 lies does not matter."""
    zones = listed(*(f"{zone} Hauptstr. fortlaufend {a}-{b}" if a < b else f"{zone} Hauptstr. {a}"
                     for zone, (a, b) in entries))  # fmt: skip
    bare = zones.find(at(str(number)))

    assert zones.find(at(str(number), str(digits))).only in (None, bare.only)
