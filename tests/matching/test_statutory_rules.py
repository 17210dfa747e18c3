"""What the rules of the BMeldDAV mean beyond the examples: letters, names, streets, numbers."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.address import Address, HouseNumber
from tasks.domain.person import Name, PartialDate
from tasks.matching.free_search import born_within, has_family_parts, has_forenames
from tasks.matching.phonetic import phonetic
from tasks.matching.statutory import (
    normalise,
    normalise_street,
    parse_house_number,
    same_birth_date,
    same_family_name,
    same_forenames,
    same_house_number,
    same_house_text,
    same_street,
)


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("Łukasz Wójcik", "LUKASZWOJCIK"),
        ("Yılmaz", "YILMAZ"),
        ("İbrahim", "IBRAHIM"),
        ("Groß", "GROSS"),
        ("GROẞ", "GROSS"),
        ("Ångström", "AANGSTROEM"),
        ("Ǻse", "AASE"),
        ("Ůlo", "ULO"),
        ("Sørensen", "SOERENSEN"),
        ("Ǿ", "OE"),
        ("Æsa ǣ", "AESAAE"),
        ("Œuvre", "OEUVRE"),
        ("Þór Ðan", "THORDAN"),
        ("Đorđević", "DORDEVIC"),
        ("Ħal Ŧ Ŋ ŉ ĸ Ŀ ĳ", "HALTNNKLIJ"),
        ("Əliyev Ɨ Ƈ Ǥ Ǯ", "ELIYEVICGZ"),
        ("Nguyễn Ơ Ư", "NGUYENOU"),
        ("Müller", "MUELLER"),
        ("Citroën", "CITROEN"),
        ("ẗ ẅ ẍ ÿ ḧ ï", "TWXYHI"),
        ("Ǖ Ǟ Ȫ", "UEAEOE"),
        ("ạ\u0308 ọ\u0308 ụ\u0308", "AEOEUE"),
        ("K͟han", "KHAN"),
        ("d’Arc-O'Neill 3.", "DARCONEILL"),
        ("Иванов Αθ ſ × ÷ 漢", ""),
        ("", ""),
    ],
)
def test_a_name_is_written_in_the_base_letters_of_din_91379(written: str, base: str):
    assert normalise(written) == base


def test_no_european_letter_gets_lost():
    letters = [chr(code) for code in range(0xC0, 0x180) if chr(code) not in "×÷ſ"]
    assert [letter for letter in letters if not normalise(letter)] == []


@given(st.text())
def test_any_text_can_be_normalised_and_stays_so(text: str):
    once = normalise(text)
    assert set(once) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert normalise(once) == once
    street = normalise_street(text)
    assert set(street) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    assert normalise_street(street) == street


@given(st.text(alphabet=st.characters(max_codepoint=0x1EF9)))
def test_a_name_is_the_same_however_its_accents_are_encoded(text: str):
    assert normalise(unicodedata.normalize("NFC", text)) == normalise(
        unicodedata.normalize("NFD", text)
    )


@pytest.mark.parametrize("wanted", ["Hoffmann", "krüger", "KRUEGER", "Voß", "Maria vom Kreuz"])
def test_a_resident_is_found_by_birth_former_and_religious_name_too(wanted: str):
    name = Name("Hoffmann", birth="Krüger", former=("Voss",), order="Maria vom Kreuz")
    assert same_family_name(name, wanted)


@pytest.mark.parametrize("wanted", ["", " - ", "Иванов"])
def test_a_name_without_letters_is_nobodys_family_name(wanted: str):
    assert not same_family_name(Name("", birth="Hoffmann"), wanted)


def test_a_resident_without_forename_is_not_found_by_one():
    assert same_forenames(Name("Sukarni"), None)
    assert not same_forenames(Name("Sukarni"), "Anna")
    assert not same_forenames(Name("Sukarni", given="Anna"), None)


def test_a_text_without_letters_asks_for_no_forename():
    assert same_forenames(Name("Petersen", given="Jens-Uwe"), " – ")


def test_numbered_streets_stay_different_streets():
    assert not same_street("Straße 12", "Straße 13")
    assert same_street("Straße des 17. Juni", "Strasse d e s 17 Juni")


def test_no_street_is_the_same_as_no_street():
    assert not same_street("", "")
    assert not same_street(" – ", "-")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("119a", ("119", "a", "")),
        (" 17 a 1/3 ", ("17", "a", "1/3")),
        ("17a1/3", ("17", "a", "1/3")),
        ("17  1/3", ("17", "", "1/3")),
        ("", ("", "", "")),
    ],
)
def test_a_house_number_is_read_field_by_field(text: str, fields: tuple[str, str, str]):
    assert parse_house_number(text) == HouseNumber.of(*fields)


@pytest.mark.parametrize("text", ["17-19", "171/3", "17 Hinterhaus", "1/3", "17, 18", "١٧"])
def test_a_house_number_that_can_mean_two_things_is_not_read(text: str):
    assert parse_house_number(text) is None


@pytest.mark.parametrize(
    ("text", "agrees"),
    [("171/3", True), ("171", True), ("0171/3", True), ("17 1/3", False), ("1713", False)],
)
def test_a_record_that_carries_what_we_print_agrees_with_its_house(text: str, agrees: bool):
    assert same_house_text(Address(number="171", suffix="3"), text) is agrees
    assert not same_house_text(Address(number="17", part="1/3"), "171/3")


def test_leading_zeros_and_case_do_not_change_a_house_number():
    assert same_house_number(Address(number="0017", suffix="A "), HouseNumber(17, "a"))
    assert not same_house_number(Address(number=""), HouseNumber(0))


def test_a_birth_date_agrees_on_the_day_only():
    born = PartialDate(1968, 1, 20)
    days = [date(1968, 1, 19), date(1968, 1, 20), date(1968, 1, 21)]
    wanted = [PartialDate(day.year, day.month, day.day) for day in days]
    assert [same_birth_date(born, one) for one in wanted] == [False, True, False]


def test_a_birth_range_includes_both_its_ends():
    begin, end = date(1998, 3, 5), date(1998, 3, 31)
    days = ["1998-03-04", "1998-03-05", "1998-03-31", "1998-04-01"]
    found = [born_within(PartialDate.parse(day), begin, end) for day in days]
    assert found == [False, True, True, False]


@pytest.mark.parametrize("wanted", ["*", "??", "*eyer", "", "Meyer *"])
def test_a_search_may_not_begin_with_a_placeholder(wanted: str):
    assert not has_family_parts(Name("Meyer"), wanted)


def test_a_placeholder_stands_for_letters_of_the_normalised_name():
    assert has_forenames(Name("Öz", given="Jürgen"), "Jü?gen")
    assert not has_forenames(Name("Öz", given="Jürgen"), "J?rgen")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Müller-Lüdenscheidt", "65752682"),
        ("Breschnew", "17863"),
        ("Wikipedia", "3412"),
        ("Meyer", "67"),
        ("Maier", "67"),
        ("Philipp", "351"),
        ("Christian", "47826"),
        ("Celik", "854"),
        ("Max", "648"),
        ("Ackx", "048"),
        ("Anna", "06"),
        ("H", ""),
    ],
)
def test_names_are_coded_in_whole_length_by_the_koelner_phonetik(name: str, code: str):
    assert phonetic(normalise(name)) == code
