"""Reads one entry of a city's street list: a street, and which of its house numbers are meant.

    Alter Markt                                    the whole street
    Grubenstr. 25                                  one number
    Grubenstr.: alle außer 25, 27a und 30 bis 34   all but these
    Doberaner Str.: von 14 bis 20 und von 144 bis 160
    Hauptstr.: ungerade Nr. 1–31, gerade Nr. ab 30
    Hauptstr. 2-20 (gerade)

What is not wholly understood is unreadable: a wrong zone is worse than a question. So a range
beside one marked odd or even must say odd or even itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

HouseNumber = tuple[int, str]  # (119, "a"); 119 < 119a < 120

FIRST: HouseNumber = (0, "")
LAST: HouseNumber = (10**9, "")

# One letter per word; the shape of a rule is then checked on the letters.
_WORDS = re.compile(
    r"""(?P<N>\d{1,4}(?:\s?[a-zA-Z](?![\w.]))?(?![\w./]))  # 25, 12a, 12 a; not 17. and not 1/2
    | (?P<T>bis\b) | (?P<D>[-–—])
    | (?P<O>ungeraden?\b) | (?P<E>geraden?\b)
    | (?P<A>alle\b) | (?P<X>außer\b|ausser\b)
    | (?P<V>von\b) | (?P<S>ab\b)
    | (?P<C>,\s*und\b|,|und\b|sowie\b)
    | (?P<L>\() | (?P<R>\))
    | (?P<_>\s+|nur\b|(?:[Hh]ausnummern?|[Nn]ummern?)\b|(?:[Hh]ausnr|[Nn]rn?)\b\.?)  # says nothing
    """,
    re.VERBOSE,
)
_ITEM = re.compile(r"(?P<before>[OE]?)(?P<shape>V?N[TD]N|N|SN|TN)(?P<after>|[OE]|L[OE]R)")
_PARITY = {"O": 1, "E": 0}

_NOT_IN_A_NAME = re.compile(
    r"[,;:()/&+–—]|^(?:von|ab|alle|nur)\b"
    r"|\b(?:bis|außer|ausser|ohne|zwischen|gerade|ungerade|sowie|[Ee]cke|Nrn?|Hausn\w+)\b"
)
# The only digits in a name: Straße des 17. Juni, Platz des 20. Juli 1944, An der B96.
_DIGITS_IN_A_NAME = re.compile(r"(?:\D*\d+\.)+\D*|\d{4}|[A-Z]{1,2}\d{1,3}")
_BARE_KINDS = {"straße", "str.", "platz", "weg", "allee", "gasse"}  # „Straße 12“ is a name


class Unreadable(ValueError):
    """The entry does not follow the grammar."""


@dataclass(frozen=True, slots=True)
class Span:
    """House numbers from `low` to `high`, both included; `parity` 1 is odd, 0 even, None both."""

    low: HouseNumber = FIRST
    high: HouseNumber = LAST
    parity: int | None = None

    def holds(self, number: HouseNumber) -> bool:
        if self.parity is not None and number[0] % 2 != self.parity:
            return False
        return self.low <= number <= self.high


@dataclass(frozen=True, slots=True)
class Entry:
    """`spans` of one street, or all but these; no spans: the whole street."""

    street: str
    spans: tuple[Span, ...] = ()
    all_but: bool = False
    text: str = field(default="", compare=False)  # as the list writes it, to be shown to clerks

    @property
    def whole(self) -> bool:
        return not self.spans

    def holds(self, number: HouseNumber) -> bool:
        if self.whole:
            return True
        return any(span.holds(number) for span in self.spans) != self.all_but


def read_entry(text: str) -> Entry:
    """Raises Unreadable."""
    return replace(_read(text), text=text)


def _read(text: str) -> Entry:
    street, colon, rule = (part.strip() for part in text.partition(":"))
    if colon:
        return _entry(street, *_rule(rule.lower()))
    words = street.split()
    for position in range(1, len(words)):
        if _belongs_to_the_name(words, position):
            continue
        try:
            rule_read = _rule(" ".join(words[position:]))
        except Unreadable:
            continue
        return _entry(" ".join(words[:position]), *rule_read)
    return _entry(street)


def _belongs_to_the_name(words: list[str], position: int) -> bool:
    """A number that is none of a house: Platz des 20. Juli 1944, Straße 12."""
    if re.fullmatch(r"\d{4}", words[position]):
        return True
    return position == 1 and len(words) == 2 and words[0].lower() in _BARE_KINDS


def _entry(street: str, spans: tuple[Span, ...] = (), all_but: bool = False) -> Entry:
    if not _is_a_name(street):
        raise Unreadable
    return Entry(street, spans, all_but)


def _is_a_name(street: str) -> bool:
    if _NOT_IN_A_NAME.search(street) or not any(letter.isalpha() for letter in street):
        return False
    if re.search(r"\s\d+\.$", street):  # an ordinal with nothing to count
        return False
    words = street.split()
    if len(words) == 2 and words[0].lower() in _BARE_KINDS and words[1].isdecimal():
        return True
    with_digits = [word for word in words if any(letter.isdecimal() for letter in word)]
    return all(_DIGITS_IN_A_NAME.fullmatch(word) for word in with_digits)


def _rule(text: str) -> tuple[tuple[Span, ...], bool]:
    letters, numbers = _words(text)
    if letters == "A":
        return (), False
    if only := re.fullmatch("L?([OE])R?", letters):
        return (Span(parity=_PARITY[only[1]]),), False
    but = re.match("A?X", letters)
    items = letters[but.end() if but else 0 :].split("C")
    spans = tuple(_span(item, numbers) for item in items)
    unmarked = [span for span in spans if span.parity is None]
    if len(unmarked) < len(spans) and any(span.low != span.high for span in unmarked):
        raise Unreadable  # „ungerade 1–9 und 20–30“: are the second ones odd, too?
    return spans, but is not None


def _words(text: str) -> tuple[str, Iterator[HouseNumber]]:
    letters, numbers, position = "", [], 0
    while position < len(text):
        word = _WORDS.match(text, position)
        if word is None or word.lastgroup is None:
            raise Unreadable
        if word.lastgroup == "N":
            numbers.append(house_number(word[0]))
        letters += word.lastgroup.strip("_")
        position = word.end()
    return re.sub("A([OE])", r"\1", letters), iter(numbers)  # alle ungeraden


def _span(item: str, numbers: Iterator[HouseNumber]) -> Span:
    """One item of a list, as letters; takes as many numbers as it names."""
    found = _ITEM.fullmatch(item)
    if found is None or (found["before"] and found["after"]):
        raise Unreadable
    first = next(numbers)
    low, high = {"N": (first, first), "SN": (first, LAST), "TN": (FIRST, first)}.get(
        found["shape"], (first, LAST)
    )
    if found["shape"].count("N") == 2:
        high = next(numbers)
    parity = _PARITY.get((found["before"] or found["after"]).strip("LR"))
    if low > high or (low == high and parity is not None and low[0] % 2 != parity):
        raise Unreadable
    return Span(low, high, parity)


def house_number(text: str) -> HouseNumber:
    """`119 A` as `(119, "a")`; raises Unreadable without leading digits."""
    digits = re.match(r"\d+", text)
    if digits is None:
        raise Unreadable
    return int(digits[0]), text[digits.end() :].strip().lower()
