"""The 249 yes/no examples that the BMeldDAV itself gives, each through the rule that applies."""

import csv
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tasks.domain.address import Address
from tasks.domain.person import Name, PartialDate
from tasks.matching import free_search as free
from tasks.matching import statutory as strict

SOURCE = Path(__file__).parents[1] / "data" / "bmelddav" / "bmelddav_anlage_beispiele.csv"
NO_FORENAME = "Angabe „Name zu Recht nicht vorhanden“"

Cells = tuple[str, ...]


def read_examples() -> list[tuple[tuple[str, str, str], Cells, bool]]:
    """(section, letter, first column head), the cells, and the verdict in the last filled cell."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    examples = []
    for row in rows:
        *cells, verdict = (row[f"c{i}"] for i in range(1, 6) if row[f"c{i}"])
        assert verdict in ("ja", "nein")
        head = row["spalten"].split(" ")[0].removesuffix("name").lower()
        examples.append(((row["zu"], row["regel"][:2], head), tuple(cells), verdict == "ja"))
    return examples


EXAMPLES = read_examples()


def plain(cell: str) -> str:
    return re.sub(r" \(DSMeld-Blatt .*\)", "", cell)


def birth_date(cell: str) -> PartialDate:
    """DSMeld writes `DDMMYYYY`, with zeros for what nobody knows."""
    day, month, year = int(cell[:2]), int(cell[2:4]), int(cell[4:])
    return PartialDate(year or None, month or None, day or None)


def address(cell: str) -> Address:
    number = strict.parse_house_number(cell)
    assert number
    digits = "" if number.number is None else str(number.number)
    return Address(number=digits, suffix=number.suffix, part=number.part)


def family_strict(cells: Cells) -> bool:
    return strict.same_family_name(Name(family=plain(cells[0])), cells[1])


def artist_as_family_strict(cells: Cells) -> bool:
    return strict.same_family_name(Name(family="Dreier", artist=cells[0]), cells[1])


def forenames_strict(cells: Cells) -> bool:
    name = Name(family="Dreier", given="" if cells[0] == "+" else cells[0])
    return strict.same_forenames(name, None if cells[1] == NO_FORENAME else cells[1])


def artist_strict(cells: Cells) -> bool:
    return strict.same_artist_name(Name(family="Dreier", artist=cells[0]), cells[1])


def street(cells: Cells) -> bool:
    stored, stored_form, wanted, wanted_form = cells
    # The printed forms of one street carry the line breaks of the narrow table column.
    assert strict.normalise_street(stored) == re.sub("[ -]", "", stored_form)
    assert strict.normalise_street(wanted) == re.sub("[ -]", "", wanted_form)
    return strict.same_street(stored, wanted)


def house_number(cells: Cells) -> bool:
    wanted = strict.parse_house_number(cells[0])
    assert wanted
    return strict.same_house_number(address(cells[1]), wanted)


def date_exact(cells: Cells) -> bool:
    return strict.same_birth_date(birth_date(cells[1]), birth_date(cells[0]))


def family_free(cells: Cells) -> bool:
    return free.has_family_parts(Name(family=plain(cells[0])), cells[1])


def artist_as_family_free(cells: Cells) -> bool:
    return free.has_family_parts(Name(family="Dreier", artist=cells[0]), cells[1])


def family_and_artist_free(cells: Cells) -> bool:
    family, artist = cells[0].split("/")
    return free.has_family_parts(Name(family=family, artist=artist), cells[1])


def forenames_free(cells: Cells) -> bool:
    if cells[1] == NO_FORENAME:
        return forenames_strict(cells)
    name = Name(family="Dreier", given="" if cells[0] == "+" else cells[0])
    return free.has_forenames(name, cells[1])


def artist_free(cells: Cells) -> bool:
    return free.has_artist_parts(Name(family="Dreier", artist=cells[0]), cells[1])


def born_within(cells: Cells) -> bool:
    days = re.findall(r"(\d\d)\.(\d\d)\.(\d{4})", cells[0])
    begin, end = (date(int(year), int(month), int(day)) for day, month, year in days)
    return free.born_within(birth_date(cells[1]), begin, end)


def house_number_within(cells: Cells) -> bool:
    first, last = map(int, re.findall(r"\d+", cells[0]))
    return free.house_number_within(address(cells[1]), first, last)


def placeholder(cells: Cells) -> bool:
    return forenames_free((plain(cells[0]), cells[1])) if "0301" in cells[0] else family_free(cells)


RULES: dict[tuple[str, str, str], Callable[[Cells], bool]] = {
    ("§ 4", "a)", "familien"): family_strict,
    ("§ 4", "b)", "familien"): family_strict,
    ("§ 4", "b)", "künstler"): artist_as_family_strict,
    ("§ 4", "c)", "vornamen"): forenames_strict,
    ("§ 4", "d)", "künstler"): artist_strict,
    ("§ 4", "e)", "straße"): street,
    ("§ 4", "g)", "hausnummer"): house_number,
    ("§ 4", "h)", "geburtsdatum"): date_exact,
    ("§ 7", "a)", "familien"): family_free,
    ("§ 7", "b)", "familien"): family_free,
    ("§ 7", "b)", "künstler"): artist_as_family_free,
    ("§ 7", "c)", "vornamen"): forenames_free,
    ("§ 7", "d)", "künstler"): artist_free,
    ("§ 7", "d)", "namen"): placeholder,
    ("§ 7", "e)", "datumsangabe"): date_exact,
    ("§ 7", "g)", "geburtszeitraum"): born_within,
    ("§ 7", "h)", "straße"): street,
    ("§ 7", "i)", "hausnummer"): house_number,
    ("§ 7", "j)", "hausnummernbereich"): house_number_within,
}


def rule_of(kind: tuple[str, str, str], cells: Cells) -> Callable[[Cells], bool]:
    both_names = kind == ("§ 7", "b)", "familien") and "/" in cells[0]
    return family_and_artist_free if both_names else RULES[kind]


def test_the_ordinance_gives_249_examples_and_each_has_its_rule():
    assert len(EXAMPLES) == 249
    assert {kind for kind, _, _ in EXAMPLES} == set(RULES)
    assert sum(verdict for _, _, verdict in EXAMPLES) == 119
    assert any(rule_of(kind, cells) is family_and_artist_free for kind, cells, _ in EXAMPLES)


@pytest.mark.parametrize(
    ("kind", "cells", "verdict"),
    EXAMPLES,
    ids=[f"{i}: {' '.join(k)} {' / '.join(c)}" for i, (k, c, _) in enumerate(EXAMPLES, start=2)],
)
def test_the_official_example_comes_out_as_the_ordinance_says(
    kind: tuple[str, str, str], cells: Cells, verdict: bool
):
    assert rule_of(kind, cells)(cells) is verdict
