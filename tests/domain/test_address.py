"""A house number is three facts: it is compared as numbers and printed so that it stays itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.address import Address, HouseNumber, is_nowhere, is_postcode
from tests.builders import an_address


@pytest.mark.parametrize(
    ("fields", "line", "house_number"),
    [
        ({}, "Am Strom 119", "119"),
        ({"suffix": "a", "extra": "Hinterhaus"}, "Am Strom 119a // Hinterhaus", "119a"),
        ({"part": "1/7"}, "Am Strom 119 1/7", "119 1/7"),
        ({"number": "4", "suffix": "3"}, "Am Strom 4/3", "4/3"),
        ({"number": "4", "suffix": "/3"}, "Am Strom 4/3", "4/3"),
        ({"number": "0017", "suffix": " A"}, "Am Strom 17a", "17a"),
        ({"number": "4", "suffix": "-6"}, "Am Strom 4-6", "4-6"),
        ({"number": "17", "suffix": "a", "part": "01 / 3"}, "Am Strom 17a 1/3", "17a 1/3"),
        ({"number": "4", "suffix": "½"}, "Am Strom 4 1/2", "4 1/2"),
        ({"number": "４", "suffix": "–６"}, "Am Strom 4-6", "4-6"),
        ({"number": "17", "part": "3"}, "Am Strom 17 Teil 3", "17 Teil 3"),
        ({"number": "17", "suffix": "1/2"}, "Am Strom 17 1/2", "17 1/2"),
        ({"number": "", "part": "1/2"}, "Am Strom Teil 1/2", "Teil 1/2"),
        ({"number": ""}, "Am Strom", ""),
        ({"extra": "3"}, "Am Strom 119 // 3", "119"),
        ({"street": "C 4", "number": "12"}, "C 4, 12", "12"),
        ({"street": "Straße 12", "number": ""}, "Straße 12, ohne Nr.", ""),
        ({"street": "Straße des 17. Juni"}, "Straße des 17. Juni 119", "119"),
        ({"district": "Neudorf"}, "Am Strom 119 (Neudorf)", "119"),
        ({"district": "musterstadt"}, "Am Strom 119", "119"),
    ],
)
def test_a_street_line_reads_as_it_is_written(
    fields: dict[str, str], line: str, house_number: str
) -> None:
    address = replace(an_address("Am Strom", "119"), **fields)

    assert (address.line(), address.house_number()) == (line, house_number)


@pytest.mark.parametrize(
    "fields",
    [
        {"district": "Neudorf"},
        {"town": "Musterstadt OT Neudorf"},
        {"town": "Musterstadt, Ortsteil Neudorf"},
        {"town": "Musterstadt (OT Neudorf)"},
        {"extra": "OT Neudorf"},
        {"extra": "ot. Neudorf, Hinterhaus"},
    ],
)
def test_an_ortsteil_is_heard_wherever_a_register_writes_it(fields: dict[str, str]) -> None:
    assert replace(an_address(), **fields).ortsteil == "Neudorf"
    assert replace(an_address(), extra="Hotel Otto", town="Ottendorf").ortsteil == ""


def test_an_envelope_keeps_the_ortsteil_out_of_the_street_line() -> None:
    assert an_address("Bergstraße", "4", district="Neudorf").street_line() == "Bergstraße 4"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"number": "17"}, {"number": "0017"}),
        ({"number": "17", "suffix": "a"}, {"number": "17", "suffix": "A "}),
        ({"number": "17", "suffix": "a"}, {"number": "17a"}),
        ({"number": "4", "suffix": "3"}, {"number": "4", "suffix": "/03"}),
        ({"part": "1/2"}, {"part": "1 / 2"}),
        ({"part": "1/2"}, {"suffix": "1/2"}),
        ({"number": "4", "part": "1/2"}, {"number": "4 1/2"}),
        ({"number": "4", "part": "1/2"}, {"number": "4½"}),
        ({"number": "12", "suffix": "3"}, {"number": "12 3"}),
        ({"number": "12", "suffix": "3"}, {"number": "１２\u00a0３"}),
        ({"street": "Am  Strom "}, {"street": "Am Strom"}),
        ({"extra": "Hinterhaus"}, {"floor": "3. OG"}),
    ],
)
def test_one_house_stays_one_house_however_a_register_fills_the_fields(
    one: dict[str, str], other: dict[str, str]
) -> None:
    address = an_address("Am Strom", "12")

    assert replace(address, **one).place == replace(address, **other).place


@pytest.mark.parametrize(
    "other",
    [
        {"number": "43"},
        {"number": "4", "suffix": "a"},
        {"number": "4", "part": "3"},
        {"number": "4"},
        {"number": "0"},
        {"number": ""},
        {"suffix": "3", "street": "Am Strand"},
        {"suffix": "3", "district": "Neudorf"},
        {"suffix": "3", "postcode": "18056"},
        {"suffix": "3", "ags": "14713000"},
        {"suffix": "3", "town": "Neudorf"},
        {"suffix": "3", "town": "Musterstadt OT Neudorf"},
        {"suffix": "3", "extra": "OT Neudorf"},
    ],
)
def test_another_number_ortsteil_or_postcode_is_another_house(other: dict[str, str]) -> None:
    address = an_address("Am Strom", "4")

    assert replace(address, suffix="3").place != replace(address, **other).place


numbers = st.integers(0, 9999)
suffixes = st.one_of(
    st.just(""),
    st.from_regex(r"[a-z]{1,3}", fullmatch=True),
    st.integers(1, 99).map(str),
    st.from_regex(r"-[1-9]", fullmatch=True),
)
parts = st.one_of(
    st.just(""),
    st.tuples(st.integers(1, 20), st.integers(1, 20)).map(lambda two: f"{two[0]}/{two[1]}"),
    st.integers(1, 20).map(str),
    st.sampled_from(["a", "Teil"]),
)
houses = st.tuples(st.one_of(st.just(""), numbers.map(str)), suffixes, parts)


# Two houses by chance have nothing in common; these have the same digits: 4/3 and 43.
digits = st.from_regex(r"[1-9]{2,3}", fullmatch=True)
alike = digits.flatmap(
    lambda one: st.tuples(
        *[st.integers(1, len(one)).map(lambda cut: (one[:cut], one[cut:], ""))] * 2
    )
)


@given(st.one_of(st.tuples(houses, houses), alike))
def test_no_two_different_houses_ever_compare_equal_or_print_alike(
    two: tuple[tuple[str, str, str], tuple[str, str, str]],
) -> None:
    one, other = two
    same = (one[0], one[1], one[2].lower()) == (other[0], other[1], other[2].lower())

    assert (HouseNumber.of(*one) == HouseNumber.of(*other)) is same
    assert (str(HouseNumber.of(*one)) == str(HouseNumber.of(*other))) is same


@given(houses)
def test_what_is_printed_is_read_as_the_same_house(fields: tuple[str, str, str]) -> None:
    house = HouseNumber.of(*fields)

    assert HouseNumber.read(str(house)) == house


@pytest.mark.parametrize("text", ["4 3", "17 a 3", "12, 13 14", "17 1"])
def test_a_text_that_no_house_prints_is_not_read(text: str) -> None:
    assert HouseNumber.read(text) is None


streets = st.sampled_from(
    ["Hauptstr.", "Hauptstr. 4", "Straße", "Straße 12", "Straße 12 a", "C 4", "C", "Am Strom 17"]
)
lines = st.builds(
    lambda street, house, extra, district: Address(
        street, *house, extra=extra, district=district, town="Musterstadt"
    ),
    streets,
    houses,
    st.sampled_from(["", "a", "3", "1/2", "Hinterhaus"]),
    st.sampled_from(["", "Neudorf"]),
)


@given(lines, lines)
def test_no_printed_address_reads_as_another_house(one: Address, other: Address) -> None:
    assert one.line() != other.line() or one.place == other.place


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_whatever_a_register_writes_is_one_house_and_keeps_its_number(
    number: str, suffix: str, part: str
) -> None:
    house = HouseNumber.of(number, suffix, part)

    assert HouseNumber.of(str(house.number or ""), house.suffix, house.part).suffix == house.suffix
    assert house.number is None or str(house).startswith(str(house.number))


@pytest.mark.parametrize(
    "fields",
    [
        {"street": ""},
        {"street": "ohne festen Wohnsitz"},
        {"street": "OFW", "number": "1"},
        {"street": "Rathausplatz", "number": "1", "extra": "o. f. W."},
        {"extra": "z. Zt. ohne festen Wohnsitz"},
        {"care_of": "ofW"},
        {"street": "unbekannt"},
        {"town": "unbekannt"},
        {"street": "-"},
        {"street": "Postfach", "number": ""},
        {"street": "postlagernd"},
        {"street": "c/o Meyer", "number": ""},
        {"postcode": ""},
        {"postcode": "1805"},
        {"postcode": "180555"},
        {"postcode": "D-18055"},
        {"postcode": "00815"},
        {"postcode": "١٨٠٥٥"},
        {"town": ""},
        {"country": "151"},
    ],
)
def test_an_address_that_lacks_what_the_post_needs_is_none(fields: dict[str, str]) -> None:
    assert an_address().is_postal()
    assert not replace(an_address(), **fields).is_postal()


@pytest.mark.parametrize(
    "fields",
    [
        {"number": ""},  # villages have houses without one
        {"street": "Postfach 12 34", "number": ""},
        {"street": "O 7", "number": "12", "town": "Mannheim", "postcode": "68161"},
        {"street": "Ofenweg"},
        {"floor": "ohne"},
        {"extra": "ohne Wohnungsnummer"},
        {"extra": "Name unbekannt"},
        {"care_of": "Obdachlosenunterkunft Rose"},
        {"street": "Platz der unbekannten Helfer"},
        {"street": "Ohnesorgweg", "postcode": "01001"},
        {"town": "Nichtfeld"},
        {"street": "Auslandstr."},
        {"street": "Postfach", "number": "1234"},
        {"street": "Am Postfach", "number": ""},
        {"street": "Nichtsesshaftenheim Haus Rose"},
    ],
)
def test_unusual_streets_are_still_found_by_the_post(fields: dict[str, str]) -> None:
    assert replace(an_address(), **fields).is_postal()


@pytest.mark.parametrize(
    "text",
    [
        "ohne festen Wohnsitz",
        "Ohne feste Wohnung",
        "ohne feste Unterkunft",
        "ohne festen Wohnsitz in Musterstadt",
        "o. festen Wohnsitz",
        "ohne Wohnung",
        "ohne Anschrift",
        "kein fester Wohnsitz",
        "keine feste Adresse",
        "ofW",
        "o.f.W.",
        "o. f. W., 18055 Musterstadt",
        "O F W",
        "ohne f. W.",
        "wohnungslos",
        "obdachlos",
        "unbekannt",
        "Unbekannt verzogen",
        "Aufenthalt unbekannt",
        "derzeit unbekannt",
        "unbek.",
        "nicht bekannt",
        "von Amts wegen abgemeldet",
        "k. A.",
        "N.N.",
        "entfällt",
        "xxx",
        "unbek. verz.",
        "verzogen nach unbekannt",
        "ins Ausland",
        "auf Reisen",
        "nicht sesshaft",
        "wohnsitzlos gemeldet",
        "fester Wohnsitz fehlt",
        "siehe Akte",
    ],
)
def test_no_fixed_abode_is_none_in_all_its_forms(text: str) -> None:
    assert is_nowhere(text)


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("01001", True),
        ("18055", True),
        ("99998", True),
        ("01000", False),
        ("99999", False),
        ("43210", False),
        ("62001", False),
    ],
)
def test_a_postcode_lies_in_a_region_that_the_post_has_given_out(text: str, exists: bool) -> None:
    assert is_postcode(text) is exists
