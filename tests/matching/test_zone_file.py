"""A city's list as a file: which zone a line is about, and what whoever keeps it should look at."""

from pathlib import Path

import pytest

from tasks.domain.address import Address
from tasks.errors import ZoneListInvalid
from tasks.matching.zone_file import codes_of, parse_zone_list
from tasks.matching.zone_text import ORTSTEIL, SIDES
from tasks.matching.zones import ZoneList


def read(tmp_path: Path, text: str, covers: tuple[str, ...] = ()) -> ZoneList:
    path = tmp_path / "zonen.txt"
    path.write_text(text, encoding="utf-8")
    return parse_zone_list(path, covers)


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["A3 – Östliche Altstadt", "W1 - Warnemünde"], ["A3", "W1"]),
        (["A3 Östliche Altstadt", "N Nord"], ["A3", "N"]),
        (["Bezirk 1", "Bezirk 2"], ["Bezirk 1", "Bezirk 2"]),
        (["Bezirk 1 – Nord", "Bezirk 2 – Süd"], ["Bezirk 1", "Bezirk 2"]),
        (["Bezirk 1"], ["Bezirk 1"]),
        (["1. Bezirk", "2. Bezirk"], ["1. Bezirk", "2. Bezirk"]),
        (["A Nord", "A Süd"], ["A Nord", "A Süd"]),
        (["P1 Nord", "P1 Süd", "P2"], ["P1 Nord", "P1 Süd", "P2"]),
        (["Altstadt", "Bahnhof-Nord"], ["Altstadt", "Bahnhof-Nord"]),
        (["W1 – Warnemünde [Ortsteil Warnemünde]"], ["W1"]),
        (["12", "12a"], ["12", "12a"]),
    ],
)
def test_two_zones_never_share_a_code_because_they_begin_alike(
    names: list[str], codes: list[str]
) -> None:
    assert list(codes_of(names).values()) == codes


def test_two_names_for_one_code_are_told(tmp_path: Path) -> None:
    zones = read(tmp_path, "A3 – Altstadt: Ring\nA3 – Östliche Altstadt: Markt\n")

    assert zones.zones == ("A3",)
    assert list(zones.warnings()) == [
        "two names for the zone A3: „A3 – Altstadt“, „A3 – Östliche Altstadt“"
    ]


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        ("A1: Ring: 1-20\nA2: Ring: 21-40\n", []),
        ("A1: Ring: ungerade 1-21\nA2: Ring: gerade 2-20\n", []),
        ("A1: Ring: 1-21\nA2: Ring: 23-37\n", ["Ring: no zone holds 22"]),
        ("A1: Ring: 1-9, 14-21\nA1: Ring 25\n", ["Ring: no zone holds 10–13, 22–24"]),
        ("A1: Ring: ungerade 1-9, ungerade 15-19\n", ["Ring: no zone holds 11–13"]),
        ("A1: Ring: bis 119\nA2: Ring: ab 119a\n", []),
        ("A1: Ring: alle außer 25\nA2: Ring 25\n", []),
        ("A1: Ring\nA2: Ring [Ortsteil Neudorf]\n", []),
        ("A1: Ring [12345]\nA2: Ring [12347]\n", []),
    ],
)
def test_gaps_within_a_street_are_told_and_what_fits_is_not(
    tmp_path: Path, text: str, warnings: list[str]
) -> None:
    assert list(read(tmp_path, text).warnings()) == warnings


@pytest.mark.parametrize(
    "text",
    [
        "A1: Ring: 1-20\nA2: Ring: 20-40\n",
        "A1: Ring\nA2: Ring: 20-40\n",
        "A1: Ring: alle außer 25\nA2: Ring: 24-25\n",
        "A1: Ring: ungerade\nA2: Ring: 1-20\n",
        "A1: Ring [Ortsteil Neudorf]\nA2: Ring [OT Neudorf]\n",
    ],
)
def test_two_zones_that_hold_one_house_are_told(tmp_path: Path, text: str) -> None:
    (warning,) = read(tmp_path, text).warnings()

    assert warning.startswith("Ring: zones A1 and A2 overlap")


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("A1: Eichenfeldstraße 1–7 und 12–20", SIDES),
        ("A1: Ring: 1-11\nA2: Ring: 2-8", SIDES),
        ("A1: Ring: 1-11\nA2: Ring: gerade 2-8", SIDES),
        ("A1: Schillerstr. (Warnemünde)", ORTSTEIL),
        ("A1: Schillerstr. [1234]", ORTSTEIL),
    ],
)
def test_an_entry_with_two_readings_is_refused_with_how_to_write_it(
    tmp_path: Path, text: str, how: str
) -> None:
    with pytest.raises(ZoneListInvalid) as error:
        read(tmp_path, text)

    assert how in error.value.how.values()
    assert set(error.value.how) <= set(error.value.entries)


def test_a_place_behind_a_zone_holds_for_all_its_entries_but_those_with_their_own(
    tmp_path: Path,
) -> None:
    zones = read(tmp_path, "W1 [Ortsteil Warnemünde]: Am Strom; Ring [18119]\nA1: Am Strom\n")

    def found(street: str, **fields: str) -> str | None:
        return zones.find(Address(street, "4", **fields)).only

    assert found("Am Strom", district="Warnemünde") == "W1"
    assert found("Am Strom") == "A1"
    assert found("Ring", postcode="18119") == "W1"
    assert found("Ring", postcode="18055") is None


def test_squares_are_streets_of_their_own_and_a_row_of_them_is_read(tmp_path: Path) -> None:
    zones = read(tmp_path, "Q1: C 1 – C 4; D 5\nQ2: C 5, 1-10; C 5: 11-20; O7\n")

    def found(street: str) -> tuple[str, ...]:
        return zones.find(Address(street, "3")).areas

    assert [found(s) for s in ("C 1", "C4", "D 5", "C 5", "O 7", "C 6", "D")] == [
        ("Q1",),
        ("Q1",),
        ("Q1",),
        ("Q2",),
        ("Q2",),
        (),
        (),
    ]


def test_a_list_is_read_in_one_form_of_unicode_whatever_it_was_written_in(tmp_path: Path) -> None:
    zones = read(tmp_path, "Ö1: Mu\u0308hlenstr. 1-9\n")

    assert zones.find(Address("Mühlenstraße", "3")).areas == ("Ö1",)


@pytest.mark.parametrize("dash", ["-", "–", "‐", "‑", "−"])
def test_every_dash_of_a_word_processor_is_one(tmp_path: Path, dash: str) -> None:
    zones = read(tmp_path, f"A1: Hauptstr. 1{dash}9\n")

    assert zones.find(Address("Hauptstr.", "5")).only == "A1"


def test_a_remark_is_none_where_it_counts_a_house(tmp_path: Path) -> None:
    assert read(tmp_path, "#1 Stand 2026\nA1: Alter Markt # ganz\n").zones == ("A1",)
    with pytest.raises(ZoneListInvalid) as error:
        read(tmp_path, "A1: Hauptstr. #5\n")
    assert list(error.value.how) == ["A1: Hauptstr. #5"]


@pytest.mark.parametrize(
    ("zones", "codes"),
    [
        (["A 3", "B 1"], ["A 3", "B 1"]),
        (["A 3 Altstadt"], ["A 3 Altstadt"]),
        (["I Altstadt", "II Neustadt"], ["I", "II"]),
        (["Zone I", "Zone II"], ["Zone I", "Zone II"]),
        (["1a Nord", "1b Süd"], ["1a", "1b"]),
    ],
)
def test_a_code_is_never_cut_before_its_number(zones: list[str], codes: list[str]) -> None:
    assert list(codes_of(zones).values()) == codes


@pytest.mark.parametrize("two", [("a3", "A3"), ("A 3", "A3"), ("1", "01")])
def test_a_zone_that_is_written_in_two_ways_is_told(tmp_path: Path, two: tuple[str, str]) -> None:
    zones = read(tmp_path, f"{two[0]}: Alter Markt\n{two[1]}: Grubenstr.\n")

    (warning,) = zones.warnings()
    assert all(f"„{code}“" in warning for code in two)
