"""The wider search of BMeldDAV § 7 (freie Suche): names part by part, placeholders, ranges.

Anlage Nr. 6 and 7. It finds whom to look at and never decides. Dates, streets and house numbers
follow the same rules as in `statutory.py`.
"""

import re
from collections.abc import Iterable
from datetime import date
from fnmatch import fnmatchcase

from tasks.domain.address import Address
from tasks.domain.person import Name, PartialDate
from tasks.matching.statutory import family_names, forenames, normalise, words

_PLACEHOLDER = re.compile(r"([?*])")


def has_family_parts(name: Name, wanted: str) -> bool:
    """Nr. 6 b: each part is a part of any of the family names, in any order."""
    return _each_among(wanted, _parts(family_names(name)))


def has_forenames(name: Name, wanted: str) -> bool:
    """Nr. 6 c: as in the Personensuche, and with placeholders."""
    return _each_among(wanted, forenames(name))


def has_artist_parts(name: Name, wanted: str) -> bool:
    """Nr. 6 d."""
    return _each_among(wanted, _parts((name.order, name.artist)))


def has_name_parts(name: Name, wanted: str) -> bool:
    """Each word is a part of any of the person's names: for a name printed in one line."""
    return _each_among(wanted, _parts(family_names(name)) | forenames(name))


def born_within(born: PartialDate, begin: date, end: date) -> bool:
    """Nr. 6 g: an incomplete date counts as the first day it can be, an unknown one never."""
    if born.year is None:
        return False
    return begin <= date(born.year, born.month or 1, born.day or 1) <= end


def house_number_within(address: Address, first: int, last: int) -> bool:
    """Nr. 6 j: only the number counts, whatever letter or part follows it."""
    number = address.house.number
    return number is not None and first <= number <= last


def _each_among(wanted: str, stored: frozenset[str]) -> bool:
    patterns = [pattern for pattern in map(_pattern, wanted.split()) if pattern]
    if not patterns or any(pattern[0] in "?*" for pattern in patterns):  # Nr. 7 c
        return False
    return all(any(fnmatchcase(part, pattern) for part in stored) for pattern in patterns)


def _pattern(word: str) -> str:
    """Placeholders stay, the letters between them are normalised (Nr. 7 b)."""
    return "".join(
        piece if piece in ("?", "*") else normalise(piece) for piece in _PLACEHOLDER.split(word)
    )


def _parts(names: Iterable[str]) -> frozenset[str]:
    return frozenset(part for name in names for part in words(name))
