"""Whether registry data agree with what was asked for: the Personensuche of BMeldDAV § 4.

The Anlage Nr. 4 is the specification, its letters are named below. Whatever is given must agree,
exactly and after normalisation; nothing here is similar, probable or scored.
"""

import re
from collections.abc import Iterable

from tasks.domain.address import Address, HouseNumber
from tasks.domain.person import Name, PartialDate
from tasks.matching.normalise import normalise, normalise_keeping_digits

__all__ = [
    "family_names",
    "forenames",
    "normalise",
    "normalise_street",
    "parse_house_number",
    "same_artist_name",
    "same_birth_date",
    "same_family_name",
    "same_forenames",
    "same_house_number",
    "same_house_text",
    "same_street",
    "words",
]

_STREET_ENDS = {"STR": "STRASSE", "PL": "PLATZ", "WEGLE": "WEG", "GAESSLE": "GASSE"}
_STREET_END = re.compile("(STR|PL|WEGLE|GAESSLE)$")
# A part needs a blank or a letter before it: nobody knows whether „171/3“ is 171 or 17 1/3.
_HOUSE_NUMBER = re.compile("([0-9]+)? ?([A-Za-z]{1,2})?(?:(?<=[A-Za-z ]) ?([0-9]+/[0-9]+))?")


def words(text: str) -> list[str]:
    """Split at blanks first, then normalise: a hyphen joins two names into one (c aa)."""
    return [word for word in map(normalise, text.split()) if word]


def family_names(name: Name) -> tuple[str, ...]:
    """All that counts as a family name: DSMeld 0101a, 0201a, 0203a, 0501, 0502 (b bb)."""
    return (name.family, name.birth, *name.former, name.order, name.artist)


def forenames(name: Name) -> frozenset[str]:
    """All that counts as a forename: DSMeld 0301 to 0303, 0501, 0502 (c aa)."""
    return _all_words((name.given, name.usual, name.order, name.artist))


def same_family_name(name: Name, wanted: str) -> bool:
    """b: the whole name in its order, against each of the person's family names."""
    return _is_one_of(wanted, family_names(name))


def same_artist_name(name: Name, wanted: str) -> bool:
    """d: the whole religious or stage name in its order."""
    return _is_one_of(wanted, (name.order, name.artist))


def same_forenames(name: Name, wanted: str | None) -> bool:
    """c: every name asked for is one of the person's, in any order.

    None asks for „Name zu Recht nicht vorhanden“. A text without letters asks for nothing.
    """
    if wanted is None:
        return not normalise(name.given)
    return forenames(name).issuperset(words(wanted))


def normalise_street(text: str) -> str:
    """e: base letters, then four endings spelt out, and only at the end.

    Stricter than the letter of the Anlage in one point: digits stay.
    """
    return _STREET_END.sub(lambda end: _STREET_ENDS[end[1]], normalise_keeping_digits(text))


def same_street(stored: str, wanted: str) -> bool:
    street = normalise_street(wanted)
    return bool(street) and street == normalise_street(stored)


def parse_house_number(text: str) -> HouseNumber | None:
    """`17 a 1/3`, `119a`, `A`; None for anything else, such as a range."""
    found = _HOUSE_NUMBER.fullmatch(" ".join(text.split()))
    if not found:
        return None
    return HouseNumber.of(*(field or "" for field in found.groups()))


def same_house_number(address: Address, wanted: HouseNumber) -> bool:
    """g: each field that is asked for agrees; the address may say more."""
    house = address.house
    return (
        wanted.number in (None, house.number)
        and wanted.suffix in ("", house.suffix)
        and wanted.part in ("", house.part)
    )


def same_house_text(address: Address, text: str) -> bool:
    """The same for a text on a record; one that we have printed ourselves (`4/3`) always agrees."""
    wanted = parse_house_number(text)
    printed = HouseNumber.read(text)
    agrees = wanted is not None and same_house_number(address, wanted)
    return agrees or (printed is not None and printed == address.house)


def same_birth_date(stored: PartialDate, wanted: PartialDate) -> bool:
    """h: exactly, parts that nobody knows included."""
    return stored == wanted


def _is_one_of(wanted: str, stored: Iterable[str]) -> bool:
    name = normalise(wanted)
    return bool(name) and name in map(normalise, stored)


def _all_words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in words(text))
