"""Reads one entry of a city's street list: a street, and which of its house numbers are meant.

    Alter Markt                                    the whole street
    Grubenstr. 25                                  one number
    Grubenstr.: alle außer 25, 27a und 30 bis 34   all but these
    Doberaner Str.: von 14 bis 20 und von 144 bis 160
    Hauptstr.: ungerade Nr. 1–31, gerade Nr. ab 30
    Hauptstr. 2-20 (ger.), 1-31 ung.
    Hauptstr. 1–20 fortlaufend                     both sides
    Hauptstr.: zwischen den Hausnummern 3 und 11   3 and 11 are left open
    Bergstraße [Ortsteil Neudorf, 01234]           where a street name occurs twice
    C 4                                            a square of Mannheim; also „C 4, 12–20“

What is not wholly understood is unreadable: a wrong area is worse than a question. So a range
beside one marked odd or even must say odd or even itself, and so must „1–7 und 12–20“; „1–11 und
2–8“ can only mean the two sides of a street.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.domain.address import is_postcode
from tasks.matching.normalise import normalise
from tasks.matching.spans import FIRST, LAST, Entry, Place, Position, Span, side_of_another

# One letter per word; the shape of a rule is then checked on the letters.
_WORDS = re.compile(
    r"""(?P<N>\d{1,4}(?:\s?[a-zA-Z](?![\w.]))?(?![\w./]))  # 25, 12a, 12 a; not 17. and not 1/2
    | (?P<K>\s?[-–—]\s?[a-zA-Z](?![\w.]))  # 12a-c
    | (?P<T>bis\b) | (?P<D>[-–—])
    | (?P<O>(?:ungeraden?\b|ung(?:er)?\.)(?:\s(?:[Ss]traßens|[Ss])eite\b)?)
    | (?P<E>(?:geraden?\b|ger\.)(?:\s(?:[Ss]traßens|[Ss])eite\b)?)
    | (?P<F>(?:fortlaufend|durchgehend|beidseitig|beiderseits|beide\s+[Ss]eiten)\b|fortl\.)
    | (?P<A>(?:alle|komplett|vollständig|ganz|gesamt|(?:ganze|gesamte)\s+[Ss]tra(?:ß|ss)e)\b)
    | (?P<X>(?:außer|ausser|ausgenommen|ohne)\b)
    | (?P<V>von\b) | (?P<S>ab\b) | (?P<W>zwischen(?:\s+den)?\b) | (?P<Z>(?:[Ss]traßen)?[Ee]nde\b)
    | (?P<C>,\s*und\b|,|(?:und|sowie)\b|u\.|[&+]|\s/\s(?=\d+\s?[-–—]|ung|ger))
    | (?P<L>\() | (?P<R>\))
    | (?P<_>\s+|(?:nur|einschließlich|inklusive)\b|(?:einschl|inkl)\.
        |(?:[Hh]ausnummern?|[Nn]ummern?)\b
        |(?:[Hh]aus-?[Nn]r|[Hh]s\.?-?[Nn]r|[Nn]rn?)\b\.?)  # says nothing
    """,
    re.VERBOSE,
)
_ITEM = re.compile(
    r"(?P<before>|[OEF]|L[OEF]R)(?P<shape>V?N[TD][NZ]|NK?|SN(?:TZ)?|TN|WNCN)(?P<after>|[OEF]|L[OEF]R)"
)
_ITEMS = re.compile(r"(?<!W)(?<!WN)C")  # „zwischen 3 und 11“ is one item
_PARITY = {"O": 1, "E": 0}

_NOT_IN_A_NAME = re.compile(
    r"[,;:()/&+–—\[\]<>=≤≥#…~]|^(?:von|ab|alle|nur|ganze|gesamte)\b"
    r"|\b(?:bis|außer|ausser|ohne|zwischen|gerade|ungerade|sowie|[Ee]cke|Nrn?|Hausn\w+)\b"
    r"|\b(?:ung|unger|ger|fortl)\.|\b(?:fortlaufend|komplett|ausgenommen|linke|rechte)\b"
    r"|\s(?:ab|(?:nörd|süd|öst|west)lich\w*|Teil|Teilstück|Abschnitt|Bereich|Kreuzung)\b"
    r"|\s(?:unter|über|größer|kleiner|höher|niedriger|als|teilweise|tl?w\.|teilw\.|zum\s+Teil)$"
    r"|(?:str\.|stra(?:ß|ss)e|platz|weg|allee|gasse)\s+(?:\w*[Ss]eite\b|und\s)"
)
# The only digits in a name: Straße des 17. Juni, Platz des 20. Juli 1944, An der B96.
_DIGITS_IN_A_NAME = re.compile(r"(?:\D*\d+\.)+\D*|\d{4}|[A-Z]{1,2}\d{1,3}")
_BARE_KINDS = {"straße", "str.", "platz", "weg", "allee", "gasse"}  # „Straße 12“ is a name
_SQUARE = re.compile(r"[A-Z] ?[1-9]\d?")

_PLACE = re.compile(r"\s*\[([^\[\]]*)\]")
_PLACE_WORD = re.compile(
    r"^(?:Ortsteil|OT|Ortschaft|Stadtteil|Gemeindeteil|PLZ|Postleitzahl)\b\.?:?\s*", re.IGNORECASE
)

HOW = "write it as „Hauptstr.: von 1 bis 9“, „Hauptstr.: alle außer 25“ or „Hauptstr. 5, 7“"
SIDES = "say which sides are meant: „ungerade 1–11, gerade 2–8“, or „1–11 fortlaufend“"
ORTSTEIL = "an Ortsteil or a postcode is written in square brackets: „[Ortsteil Neudorf]“"
SQUARES = "is it a street's numbers, or are these squares? Write „C 1; C 2“, or „C: von 1 bis 2“"
LONE_DASH = "a dash before one number: „bis 5“, or only „5“?"
BLANK_LETTER = "„g“ and „u“ behind a blank: a suffix („12g“), or „gerade“ and „ungerade“?"


class Unreadable(ValueError):
    """The entry does not follow the grammar. Its text says how to write it."""

    def __init__(self, how: str = HOW) -> None:
        super().__init__(how)
        self.how = how


def read_entry(text: str) -> Entry:
    """Raises Unreadable."""
    place, rest = read_place(text)
    return replace(_read(rest), text=text, place=place)


def read_place(text: str) -> tuple[Place, str]:
    """The Ortsteile and postcodes in square brackets, and the text without them."""
    names = [name.strip() for found in _PLACE.findall(text) for name in found.split(",")]
    return place_of(names), " ".join(_PLACE.sub(" ", text).replace(" :", ":").split())


def place_of(names: Sequence[str]) -> Place:
    """From `Ortsteil Neudorf`, `Neudorf` or `01234`. Raises Unreadable."""
    bare = [_PLACE_WORD.sub("", name).strip() for name in names]
    postcodes = {name for name in bare if name[:1].isdecimal()}
    districts = {district_key(name) for name in bare if name not in postcodes}
    if not all(map(is_postcode, postcodes)) or "" in districts:
        raise Unreadable(ORTSTEIL)
    return Place(frozenset(districts), frozenset(postcodes))


def district_key(name: str) -> str:
    """As Ortsteile are compared."""
    return normalise(_PLACE_WORD.sub("", name))


def _read(text: str) -> Entry:
    street, colon, rule = (part.strip() for part in text.partition(":"))
    if colon:
        return _entry(street, *_rule(rule.lower()))
    if _SQUARE.fullmatch(text):
        return Entry(text)
    words = text.split()
    for position in range(1, len(words)):
        if _belongs_to_the_name(words, position):
            continue
        try:
            rule_read = _rule(" ".join(words[position:]))
        except Unreadable as error:
            if error.how != HOW:  # understood, but it can mean two things
                raise
            continue
        name = " ".join(words[:position])
        if re.search(r"\s[-–—]$", name) and re.fullmatch(r"\d+\s?\w?", " ".join(words[position:])):
            raise Unreadable(LONE_DASH)
        return _entry(name.rstrip(",-–— "), *rule_read)
    return _entry(text)


def _belongs_to_the_name(words: list[str], position: int) -> bool:
    """A number that is none of a house: Platz des 20. Juli 1944, Straße 12, C 4."""
    if re.fullmatch(r"\d{4}", words[position]):
        return True
    if position != 1:
        return False
    if re.fullmatch("[A-Z]", words[0]) and words[1][0].isdecimal():
        if re.fullmatch(r"[1-9]\d?,?", words[1]):
            return True
        raise Unreadable(SQUARES)
    return len(words) == 2 and words[0].lower() in _BARE_KINDS


def _entry(
    street: str, spans: tuple[Span, ...] = (), all_but: bool = False, unmarked: bool = False
) -> Entry:
    if not _is_a_name(street):
        raise Unreadable(ORTSTEIL if re.search(r"\([^()\d]+\)", street) else HOW)
    return Entry(street, spans, all_but, unmarked=unmarked)


def _is_a_name(street: str) -> bool:
    if _SQUARE.fullmatch(street):
        return True
    if _NOT_IN_A_NAME.search(street) or not any(letter.isalpha() for letter in street):
        return False
    if re.search(r"\s\d+\.$", street):  # an ordinal with nothing to count
        return False
    words = street.split()
    if len(words) == 2 and words[0].lower() in _BARE_KINDS and words[1].isdecimal():
        return True
    with_digits = [word for word in words if any(letter.isdecimal() for letter in word)]
    return all(_DIGITS_IN_A_NAME.fullmatch(word) for word in with_digits)


def _rule(text: str) -> tuple[tuple[Span, ...], bool, bool]:
    """Spans, whether all but these are meant, and whether no word marks their sides."""
    letters, texts = _words(text)
    if re.fullmatch("L[^LR]*R", letters):  # „Hauptstr. (1–20)“
        letters = letters[1:-1]
    if letters in ("A", "F"):
        return (), False, False
    if only := re.fullmatch("[OE]", letters):
        return (Span(parity=_PARITY[only[0]]),), False, False
    but = re.match("A?X", letters)
    items = _ITEMS.split(letters[but.end() if but else 0 :])
    read = [_span(item, texts) for item in items]
    marked = any(mark for _, mark in read)
    if marked and any(not mark and span.low != span.high for span, mark in read):
        raise Unreadable(SIDES)  # „ungerade 1–9 und 20–30“: are the second ones odd, too?
    spans = tuple(span for span, _ in read)
    return (spans if marked else _by_sides(spans)), but is not None, not marked


def _by_sides(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """„1–11 und 2–8“: that the ranges overlap makes sense for the two sides of a street only."""
    ranges = [span for span in spans if span.one_side() is not None]
    if len({span.one_side() for span in ranges}) < 2 and not any(
        side_of_another(span, spans) for span in ranges
    ):
        return spans
    others = [s for s in spans if s not in ranges]  # „1–11, 4“: is 4 named twice?
    if others or not any(side_of_another(span, ranges) for span in ranges):
        raise Unreadable(SIDES)
    return tuple(replace(span, parity=span.one_side()) for span in spans)


def _words(text: str) -> tuple[str, Iterator[str]]:
    letters, texts, position = "", [], 0
    while position < len(text):
        word = _WORDS.match(text, position)
        if word is None or word.lastgroup is None:
            raise Unreadable
        if word.lastgroup in "NK":
            texts.append(word[0])
        letters += word.lastgroup.strip("_")
        position = word.end()
    return re.sub("A([OE])", r"\1", letters), iter(texts)  # alle ungeraden


def _span(item: str, texts: Iterator[str]) -> tuple[Span, bool]:
    """One item of a list, as letters, which takes as many numbers as it names; is it marked?"""
    found = _ITEM.fullmatch(item)
    if found is None or (found["before"] and found["after"]):
        raise Unreadable
    shape, mark = found["shape"].removeprefix("V"), (found["before"] or found["after"]).strip("LR")
    first = position_of(next(texts))
    low, high = {"N": (first, first), "TN": (FIRST, first)}.get(shape, (first, LAST))
    if shape.count("N") == 2:
        high = position_of(next(texts))
    elif shape == "NK":
        high = (first[0], next(texts)[-1].lower())
    parity = _PARITY.get(mark)
    if low > high or (low == high and parity is not None and low[0] % 2 != parity):
        raise Unreadable
    if shape == "NK" and not first[1]:
        raise Unreadable  # „12-c“: from 12, or from 12a?
    return Span(low, high, parity, between=shape.startswith("W")), bool(mark)


def position_of(text: str) -> Position:
    """`119 A` as `(119, "a")`; raises Unreadable without leading digits."""
    digits = re.match(r"\d+", text)
    if digits is None:
        raise Unreadable
    behind = text[digits.end() :].lower()
    if behind in (" g", " u"):
        raise Unreadable(BLANK_LETTER)
    return int(digits[0]), behind.strip()
