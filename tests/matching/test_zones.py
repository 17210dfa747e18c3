import time
from pathlib import Path

import pytest

from tasks.domain.address import Address
from tasks.domain.area import AreaAnswer, Doubt
from tasks.errors import ZoneListInvalid
from tasks.matching.spans import Entry, Span
from tasks.matching.zone_file import parse_zone_list
from tasks.matching.zone_text import read_entry
from tasks.matching.zones import ZoneList

ROSTOCK = Path(__file__).parents[1] / "data/zones/rostock_bewohnerparkgebiete_2026-09-16.json"


@pytest.fixture(scope="module")
def rostock() -> ZoneList:
    return parse_zone_list(ROSTOCK)


def at(street: str, number: str = "", suffix: str = "") -> Address:
    return Address(street=street, number=number, suffix=suffix)


def listed(*entries: str) -> ZoneList:
    """Each entry as `ZONE entry`."""
    pairs = [entry.split(" ", 1) for entry in entries]
    return ZoneList((zone, read_entry(text)) for zone, text in pairs)


@pytest.mark.parametrize(
    ("street", "number", "suffix", "zones"),
    [
        ("Wollenweberstraße", "12", "", ["A3"]),
        ("Wollenweberstraße", "44", "", ["A3"]),
        ("Badstüberstraße", "9", "", ["A1"]),
        ("Thünenstraße", "3", "", ["H1"]),
        ("Friedhofsweg", "5", "", ["B1"]),
        ("Lessingstraße", "15", "", ["A4"]),
        ("Virchowstraße", "8", "", ["H1"]),
        ("Krönkenhagen", "2", "", ["A1"]),
        ("Gertrudenstraße", "22", "", ["B2"]),
        ("Am Strom", "20", "", ["W1"]),
        ("Am Strom", "70", "", ["W2"]),
        ("Lange Straße", "8", "", ["A1"]),
        ("Seestraße", "6", "", ["W2"]),
        ("Altschmiedestr.", "5", "", ["A3"]),
        ("Kröpeliner Straße", "40", "", ["A2"]),
        ("Große Mönchenstr.", "3", "", ["A1"]),
        ("Molkenstraße", "12", "", ["A3"]),
        ("Feldstraße", "63", "", ["B1"]),
        ("Doberaner Str.", "5", "", ["B1"]),
        ("Doberaner Str.", "150", "", ["B2"]),
        ("Mühlenstraße", "12", "", ["A3", "W2"]),
        ("Mühlenstraße", "30", "", ["A3", "W1"]),
        ("Mühlenstraße", "50", "", ["A3"]),
        ("Alexandrinenstr.", "119", "", ["W2"]),
        ("Alexandrinenstr.", "119", "a", ["W1"]),
        ("Alexandrinenstr.", "119", "A", ["W1"]),
        ("Alexandrinenstr.", "120", "", ["W1"]),
        ("Dänische Str.", "28", "a", ["W1"]),
        ("Dänische Str.", "29", "a", ["W2"]),
        ("Grubenstr.", "25", "", ["A1"]),
        ("Grubenstr.", "24", "", ["A3"]),
    ],
)
def test_a_resident_of_rostock_lives_in_these_zones(
    rostock: ZoneList, street: str, number: str, suffix: str, zones: list[str]
) -> None:
    assert rostock.find(at(street, number, suffix)) == AreaAnswer(tuple(zones), street_known=True)


def test_the_list_of_rostock_is_read_whole(rostock: ZoneList) -> None:
    assert rostock.zones == ("A1", "A2", "A3", "A4", "B1", "B2", "H1", "W1", "W2", "W4")


@pytest.mark.parametrize("street", ["Kastanienallee", "Am Alten Friedhof", ""])
def test_a_street_that_is_not_listed_is_in_no_zone_and_unknown(
    rostock: ZoneList, street: str
) -> None:
    assert rostock.find(at(street, "7")) == AreaAnswer((), street_known=False)


@pytest.mark.parametrize(
    ("street", "number", "suffix", "zones", "doubt"),
    [
        ("Lange Straße", "22", "", ("A1", "A2"), Doubt.GAP),
        ("Dänische Str.", "28", "b", ("W1", "W2"), Doubt.GAP),
        ("Doberaner Str.", "9", "a", ("B1", "B2"), Doubt.SUFFIX),
        ("Doberaner Str.", "50", "", ("B2",), Doubt.GAP),
        ("Grubenstr.", "25", "a", ("A1", "A3"), Doubt.SUFFIX),
        ("Alexandrinenstr.", "119", "3", ("W1", "W2"), Doubt.SUFFIX),
        ("Alexandrinenstr.", "119", "-121", ("W1", "W2"), Doubt.NUMBER),
    ],
)
def test_what_the_list_of_rostock_leaves_open_names_the_zones_that_may_be_right(
    rostock: ZoneList, street: str, number: str, suffix: str, zones: tuple[str, ...], doubt: Doubt
) -> None:
    answer = rostock.find(at(street, number, suffix))

    assert answer == AreaAnswer(zones, street_known=True, doubt=doubt)
    assert answer.only is None


@pytest.mark.parametrize(("number", "zone"), [("21", "A1"), ("23", "A2"), ("37", "A2")])
def test_beside_a_gap_the_zone_is_certain(rostock: ZoneList, number: str, zone: str) -> None:
    assert rostock.find(at("Lange Straße", number)).only == zone


def test_beyond_the_last_number_of_a_street_there_is_no_zone(rostock: ZoneList) -> None:
    assert rostock.find(at("Lange Straße", "38")) == AreaAnswer((), street_known=True)


def test_an_abbreviation_is_read_out_where_one_side_wrote_it(rostock: ZoneList) -> None:
    assert rostock.find(at("Oberhalb des Gerberbruches", "3")).only == "A3"
    assert rostock.find(at("Gr. Wasserstraße", "3")).only == "A3"
    assert rostock.find(at("1. Sankt-Jürgen-Straße", "3")).only == "A4"
    assert rostock.find(at("Auf d. Huder", "3")).only == "A1"


def test_an_article_that_nobody_abbreviated_still_tells_two_streets_apart() -> None:
    zones = listed("A Auf der Höhe", "B Auf den Wiesen", "C Auf dem Wiesen")
    assert zones.find(at("Auf den Höhe", "1")) == AreaAnswer()
    assert zones.find(at("Auf d. Wiesen", "1")) == AreaAnswer()  # two streets fit


def test_initials_are_never_taken_for_the_name_but_suggested(rostock: ZoneList) -> None:
    address = at("Johann-Sebastian-Bach-Straße", "3")
    assert rostock.find(address) == AreaAnswer()
    assert rostock.suggest(address)[0] == "Johann-S.-Bach-Str."


def test_a_clerk_is_shown_similar_streets_as_the_city_writes_them(rostock: ZoneList) -> None:
    assert rostock.suggest(at("Wollweberstraße", "1"), limit=1) == ("Wollenweberstr.",)
    assert rostock.suggest(at("Qqqqq", "1")) == ()


def test_numbered_streets_are_different_streets(rostock: ZoneList) -> None:
    assert rostock.find(at("Querstr. II", "1")).only == "W1"
    assert rostock.find(at("Querstr. III", "1")).only == "W2"
    assert rostock.find(at("3. St.-Jürgen-Straße", "1")) == AreaAnswer()


@pytest.mark.parametrize(
    ("street", "zone"), [("Querstraße I", "W1"), ("Querstraße II", "W1"), ("Querstraße III", "W2")]
)
def test_a_street_abbreviated_within_its_name_is_found_as_the_registry_writes_it(
    rostock: ZoneList, street: str, zone: str
) -> None:
    assert rostock.find(at(street, "5")).areas == (zone,)


def test_streets_that_differ_only_in_their_roman_number_are_never_mixed() -> None:
    zones = listed("A Querstr. I", "B Querstr. II", "C Querstr. III")
    found = [zones.find(at(f"Querstraße {n}", "5")).areas for n in ("I", "II", "III", "IV")]
    assert found == [("A",), ("B",), ("C",), ()]
    assert zones.find(at("Querstraße", "5")) == AreaAnswer()


def test_without_a_house_number_only_a_certain_zone_is_named(rostock: ZoneList) -> None:
    assert rostock.find(at("Wollenweberstraße")).areas == ("A3",)
    assert rostock.find(at("Mühlenstraße")).areas == ("A3", "W1", "W2")
    assert rostock.find(at("Grubenstraße")).areas == ("A1", "A3")
    assert rostock.find(at("Fischerstraße")) == AreaAnswer(("A1",), True, Doubt.NUMBER)


def test_a_part_of_a_house_number_does_not_change_the_zone(rostock: ZoneList) -> None:
    address = Address(street="Am Strom", number="59", part="1/7")
    assert rostock.find(address).only == "W1"


def test_a_small_municipality_can_write_its_list_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "zonen.txt"
    path.write_text(
        "# Stand 2026\n"
        "N – Nord: Hauptstr.: ungerade Nr.; Marktplatz;  # und mehr\n"
        "\n"
        "S: Hauptstr.: gerade Nr. ab 12;\tBahnhofstr. 5\n",
        encoding="utf-8-sig",
    )
    zones = parse_zone_list(path)
    assert zones.zones == ("N", "S")
    assert [zones.find(at("Hauptstraße", n)).areas for n in ("10", "11", "12")] == [
        (),
        ("N",),
        ("S",),
    ]


def test_every_unreadable_entry_of_a_list_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "zonen.txt"
    path.write_text(
        "N: Hauptstr.: zwischen A und B; Marktplatz; Ring: von 9 bis 5\nLindenweg\n"
        "Feldstr.: von 1 bis 5\nS:\n",
        encoding="utf-8",
    )
    with pytest.raises(ZoneListInvalid) as error:
        parse_zone_list(path)
    assert error.value.entries == [
        "N: Hauptstr.: zwischen A und B",
        "N: Ring: von 9 bis 5",
        "Lindenweg",
        "Feldstr.: von 1 bis 5",
        "S: ",
    ]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[1]", '[{"bezeichnung": "A1"}]', '[{"bezeichnung": "A1", "adressen": ""}]'],
)
def test_a_file_without_zones_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "zonen.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ZoneListInvalid):
        parse_zone_list(path)


def test_a_missing_or_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("N: Mühlenstr.".encode("latin-1"))
    for path in (latin, tmp_path / "fehlt.txt"):
        with pytest.raises(ZoneListInvalid, match="unreadable_entry") as error:
            parse_zone_list(path)
        assert path.name in error.value.entries[0]


def test_the_longest_rule_at_the_end_of_an_entry_is_its_rule() -> None:
    assert read_entry("Straße des 17. Juni 135") == Entry(
        "Straße des 17. Juni", (Span((135, ""), (135, "")),)
    )


def test_a_hundred_thousand_addresses_take_less_than_a_second(rostock: ZoneList) -> None:
    addresses = [
        at(street, str(number), "a")
        for street in ("Mühlenstraße", "Doberaner Str.", "Kastanienallee", "Wollenweberstraße")
        for number in range(1, 5001)
    ]
    start = time.process_time()
    for address in addresses:
        rostock.find(address)
    assert time.process_time() - start < len(addresses) / 100_000


def test_a_clerk_reads_the_lists_own_words_for_each_zone_that_may_be_right(
    rostock: ZoneList,
) -> None:
    address = at("Mühlenstraße", "12")
    assert [zone for zone, _ in rostock.reasons(address)] == ["A3", "W2"]
    assert rostock.reasons(address) == rostock.reasons(at("Mühlenstr.", "12"))
    assert all(text.startswith("Mühlenstr") for _, text in rostock.reasons(address))


def test_only_the_entries_that_hold_the_house_number_speak_for_a_zone() -> None:
    zones = listed("N Hauptstr.: ungerade Nr.", "S Hauptstr.: gerade Nr. ab 12", "S Ring")
    assert zones.reasons(at("Hauptstraße", "11")) == (("N", "Hauptstr.: ungerade Nr."),)
    assert zones.reasons(at("Hauptstraße", "12")) == (("S", "Hauptstr.: gerade Nr. ab 12"),)


@pytest.mark.parametrize("number", ["10", ""])
def test_where_no_entry_holds_the_number_the_clerk_reads_all_of_the_street(number: str) -> None:
    zones = listed("N Hauptstr.: ungerade Nr.", "S Hauptstr.: gerade Nr. ab 12", "S Ring")
    assert zones.find(at("Hauptstraße", "10")) == AreaAnswer((), street_known=True)
    assert zones.reasons(at("Hauptstraße", number)) == (
        ("N", "Hauptstr.: ungerade Nr."),
        ("S", "Hauptstr.: gerade Nr. ab 12"),
    )


def test_a_street_that_is_not_listed_has_no_reasons(rostock: ZoneList) -> None:
    assert rostock.reasons(at("Kastanienallee", "7")) == ()
