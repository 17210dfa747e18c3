"""Names in the base letters A–Z: DIN 91379 (2022-08) table 9, „analog ICAO“.

BMeldDAV Anlage Nr. 4 a, 6 a: every letter is mapped as the table says, whatever it does not map is
removed. The table follows three rules, which are written here in place of its 700 lines: umlauts
and å become two letters, some letters have a name of their own, all others lose their marks.
"""

import re
import unicodedata
from functools import lru_cache

_OWN = {
    "ß": "SS", "ẞ": "SS", "Æ": "AE", "æ": "AE", "Œ": "OE", "œ": "OE", "Ø": "OE", "ø": "OE",
    "Þ": "TH", "þ": "TH", "Ĳ": "IJ", "ĳ": "IJ", "Ð": "D", "ð": "D", "Đ": "D", "đ": "D",
    "Ħ": "H", "ħ": "H", "Ł": "L", "ł": "L", "Ŀ": "L", "ŀ": "L", "Ŋ": "N", "ŋ": "N", "ŉ": "N",
    "Ŧ": "T", "ŧ": "T", "ı": "I", "Ɨ": "I", "ɨ": "I", "ĸ": "K", "Ƈ": "C", "ƈ": "C",
    "Ə": "E", "ə": "E", "Ǥ": "G", "ǥ": "G", "Ʒ": "Z", "ʒ": "Z",
}  # fmt: skip
_TABLE = str.maketrans(_OWN)

# On decomposed text: another mark may stand between letter and diaeresis (ạ̈, ụ̈).
_UMLAUT = re.compile("([AOUaou][\u0300-\u0307\u0309-\u036f]*)\u0308")
_RING = re.compile("([Aa][\u0300-\u0309\u030b-\u036f]*)\u030a")

_NOT_LETTERS = re.compile("[^A-Za-z]+")
_NOT_LETTERS_OR_DIGITS = re.compile("[^A-Za-z0-9]+")


@lru_cache(maxsize=65_536)
def normalise(text: str) -> str:
    """Only A–Z; empty means „not given“ (Anlage Nr. 4 a aa)."""
    return _NOT_LETTERS.sub("", _base_letters(text)).upper()


@lru_cache(maxsize=16_384)
def normalise_keeping_digits(text: str) -> str:
    """A–Z and 0–9, for street names: „Straße 12“ and „Straße 13“ must stay two streets."""
    return _NOT_LETTERS_OR_DIGITS.sub("", _base_letters(text)).upper()


def _base_letters(text: str) -> str:
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    two_letters = _RING.sub(r"\1A", _UMLAUT.sub(r"\1E", decomposed))
    return two_letters.translate(_TABLE)
