"""An address field by field, and the one way in which its house is compared, printed, looked up.

A house number is three facts: number, letter or further digits, part (DSMeld 1206, 1208, 1209).
They are never glued: number 4 with the further digit 3 is „4/3“, and 43 is another house.

    number 119  suffix a             119a
    number 4    suffix 3             4/3
    number 4    suffix -6            4-6         one house of two numbers
    number 17   suffix a  part 1/3   17a 1/3
    number 17             part 3     17 Teil 3
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_FRACTION = re.compile(r"[0-9]+/[0-9]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")  # some registers fill up four digits with zeros
_SIGNS = str.maketrans("⁄–—‐‑−", "/-----")
# „4 1/2“ and „4½“ are no 41/2, and „12 3“ is no 123.
_TWO_NUMBERS = re.compile(r"(?<=[0-9])\s+(?=[0-9])")
_VULGAR = re.compile(r"(?=[¼½¾⅐-⅞])")
_NUMBER = re.compile(r"[0-9]*")
_PART = "Teil"
# A street that ends like a house number: „Straße 12“, „C 4“. A comma keeps the two apart.
_ENDS_LIKE_A_NUMBER = re.compile(r"[0-9][0-9/ ]*[A-Za-z]{0,2}$")

# Leitregionen that the post has never given out.
_NO_REGIONS = ("00", "05", "43", "62")
_ORTSTEIL = re.compile(r"(?:^|[\s,(/-])(?:OT|Ortsteil)\.?\s+([^),]+)", re.IGNORECASE)
_POSTCODE = re.compile(r"[0-9]{5}")
# Whoever has no fixed abode is written so in many ways; of a text's letters alone:
_HOME = (
    "wohn(?:sitz|ung(?!sn)|ort|anschrift|adresse)|unterkunft|(?:post|melde)?(?:adresse|anschrift)"
    "|aufenthalt|bleibe|obdach"
)
_NO_HOME = re.compile(
    rf"(?:ohne|keine?n?|^o)(?:f|fest(?:e[nrs]?)?)?(?:{_HOME})"
    r"|^(?:wohnsitz|wohnungs|obdach)lose?r?(?:$|gemeldet)"
    r"|^nichtse(?:ss|ß)haft$|festerwohnsitz(?:fehlt|nichtvorhanden)"
)
_OFW = re.compile(r"(?<!\w)o(?:hne)?[\W_]*f(?:est(?:e[nrs]?)?)?[\W_]*w(?!\w)")  # o. f. W.
_NOT_KNOWN = re.compile(
    rf"(?:(?:{_HOME}|straße|strasse|str|derzeit|zurzeit|zzt|ort)\w?)?unbekannt"
    r"|unbek?$|unbek(?:annt)?verz|verzogen(?:nach)?unbek|(?:ins)?ausland$|aufreisen$|siehe(?:akte|meldeamt)"
    r"|nicht(?:mehr)?(?:bekannt|gemeldet|ermittel|feststell|vorhanden)"
    r"|(?:nach)?(?:von|v)?amtswegen|(?:amtlich)?abgemeldet|verzogen$|untergetaucht"
)
# The post finds nobody there by the address alone.
_NO_STREET = re.compile(
    r"\W*(?:c/o|z\.?\s?hd|postlagernd|hauptpostlagernd|postfach\W*$)", re.IGNORECASE
)
# Short words that stand for „nothing“; beside a number they may be a street, as in „K 4“.
_NOTHING = re.compile(
    "ka|nn|na|ohne|keine?|(?:keine?|ohne)angaben?|entfällt|entfaellt|leer|null|none|x+"
)


@dataclass(frozen=True, slots=True)
class HouseNumber:
    """Equal where it is the same house, however the fields are written; prints what is its own.

    `number` None: not given, or a text that begins with no digit. `suffix` and `part` are in lower
    case, without blanks and leading zeros. As what is asked for, an empty field asks for nothing.
    """

    number: int | None = None
    suffix: str = ""
    part: str = ""

    @classmethod
    def of(cls, number: str = "", suffix: str = "", part: str = "") -> "HouseNumber":
        """From the fields as a register fills them: `0017`, `A `, ` 1 / 3`."""
        return _house_number(number, suffix, part)

    @classmethod
    def read(cls, text: str) -> "HouseNumber | None":
        """From what was printed, blanks apart; None for all that is not printed so („4 3“)."""
        left, _, part = f" {text.strip()}".partition(f" {_PART} ")
        words = left.split()
        if not part and len(words) > 1 and _FRACTION.fullmatch(words[-1]):
            part = words.pop()
        if any(word[0].isdecimal() for word in words[1:]):  # „4 3“ is not 43
            return None
        found = cls.of("".join(words), "", part)
        return found if _squeezed(str(found)) == _squeezed(text) else None

    def __str__(self) -> str:
        number = "" if self.number is None else str(self.number)
        text = f"{number}{'/' if self.suffix[:1].isdecimal() else ''}{self.suffix}"
        if not self.part:
            return text
        # Without a number, „1/3“ would be the house 1 with the further digit 3.
        mark = "" if text and _FRACTION.fullmatch(self.part) else f"{_PART} "
        return f"{text} {mark}{self.part}".strip()


@lru_cache(maxsize=65_536)
def _house_number(number: str, suffix: str, part: str) -> HouseNumber:
    left, behind, part = _squeezed(number), _squeezed(suffix), _squeezed(part)
    left += f"/{behind}" if behind[:1].isdecimal() else behind
    digits = _NUMBER.match(left)
    found = digits[0] if digits else ""
    rest = left[len(found) :].lstrip("/")
    if found and not part and _FRACTION.fullmatch(rest):  # a part that stands in the wrong field
        rest, part = "", rest
    return HouseNumber(int(found) if found else None, rest, part)


def _squeezed(text: str) -> str:
    # „½“ becomes 1/2, and a digit of another width that digit; a dash is a dash.
    plain = unicodedata.normalize("NFKC", _VULGAR.sub(" ", text)).lower().translate(_SIGNS)
    return _ZEROS.sub("", "".join(_TWO_NUMBERS.sub("/", plain).split()))


@dataclass(frozen=True, slots=True)
class Address:
    """A domestic address, field by field as in XMeld `anschrift.inland`; abroad only `country`."""

    street: str = ""  # 1205, at most 55 characters, abbreviated above 25
    number: str = ""  # 1206 Hausnummer
    suffix: str = ""  # 1208 Buchstabe/Zusatzziffer, e.g. "a"
    part: str = ""  # 1209 Teilnummer der Hausnummer, e.g. "1/7"
    postcode: str = ""
    town: str = ""  # 1203 Wohnort
    district: str = ""  # 1204 früherer Gemeindename: the Ortsteil, where a street name occurs twice
    ags: str = ""  # the municipality in which the dwelling lies
    extra: str = ""  # Zusatzangaben, e.g. "Hinterhaus"
    floor: str = ""  # Stockwerks-/Wohnungsnummer
    care_of: str = ""  # Wohnungsinhaber
    country: str = ""  # Destatis state code; set for an address abroad

    @property
    def house(self) -> HouseNumber:
        return _house_number(self.number, self.suffix, self.part)

    @property
    def place(self) -> tuple[object, ...]:
        """Equal for one house only: a street may exist in several Ortsteile and postcodes."""
        where = (self.ags, self.country, self.postcode, self.town.casefold())
        return (*where, self.ortsteil.casefold(), " ".join(self.street.split()), self.house)

    def house_number(self) -> str:
        """As it is written: `119a`, `4/3`, `12 1/7`."""
        return str(self.house)

    def line(self) -> str:
        """In a text: `Alexandrinenstr. 119a // Hinterhaus (Warnemünde)`."""
        named, line = self.district_line(), self.street_line()
        return f"{line} ({named})" if named else line

    @property
    def ortsteil(self) -> str:
        """From its own field, or where registers write it instead: „Musterstadt OT Neudorf“."""
        found = self.district_line()
        texts = () if found else (_ORTSTEIL.search(text) for text in (self.town, self.extra))
        return next((text[1] for text in texts if text), found)

    def district_line(self) -> str:
        """Of an envelope; empty where the field only repeats the town."""
        return "" if self.district.casefold() == self.town.casefold() else self.district

    def street_line(self) -> str:
        """Of an envelope, where the Ortsteil stands above it; the double slash is DIN 5008's."""
        street, number = " ".join(self.street.split()), self.house_number()
        if _ENDS_LIKE_A_NUMBER.search(street):
            street, number = f"{street},", number or "ohne Nr."
        line = " ".join(text for text in (street, number) if text)
        return " // ".join(text for text in (line, self.extra) if text)

    def town_line(self) -> str:
        """`18055 Musterstadt`"""
        return f"{self.postcode} {self.town}".strip()

    def is_postal(self) -> bool:
        """Whether the post finds it: street or post box, postcode of this country, and town."""
        if self.country or any(map(is_nowhere, (self.street, self.town))):
            return False
        if any(map(is_homeless, (self.extra, self.floor, self.care_of))):
            return False
        if _NO_STREET.match(f"{self.street} {self.number}"):
            return False
        named = _has_letters(self.street) and _has_letters(self.town)
        return named and is_postcode(self.postcode)


def is_postcode(text: str) -> bool:
    """Five digits that the German post has given out, as far as its regions tell."""
    if not _POSTCODE.fullmatch(text) or text[:2] in _NO_REGIONS:
        return False
    return "01001" <= text <= "99998"


def is_nowhere(text: str) -> bool:
    """Whether a street or a town says that there is none: „ofW“, „unbekannt verzogen“, „k. A.“."""
    letters = _letters(text)
    if is_homeless(text) or _NOT_KNOWN.match(letters):
        return True
    return bool(_NOTHING.fullmatch(letters)) and not any(char.isdecimal() for char in text)


def is_homeless(text: str) -> bool:
    """„ohne festen Wohnsitz“, „o. f. W.“; also beside a street, such as the town hall's."""
    return bool(_NO_HOME.search(_letters(text)) or _OFW.search(text.lower()))


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalpha())


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in text)
