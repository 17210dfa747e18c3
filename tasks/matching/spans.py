"""House numbers of one street as a list names them, and what it leaves open.

Numbers are compared as numbers: 119 < 119a < 120. A suffix stays with its number, unless the list
tells suffixes of this number apart („bis 119“ beside „von 119a“). At the border of two areas it is
open: a house 7b between „1–7“ and „8–20“ can belong to either. So is a number between two ranges of
a street. Beyond the last range of a street there is no area, and no doubt.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tasks.domain.address import HouseNumber
from tasks.domain.area import Doubt

Position = tuple[int, str]  # (119, "a")
FIRST: Position = (0, "")
LAST: Position = (10**9, "")

_LETTER = re.compile("[a-z]")
_TWO_NUMBERS = re.compile(
    r"(?:[-+,&]|bis|und|u\.)([0-9]+)([a-z]?)"
)  # 4-6: one house with two numbers
_TWO_LETTERS = re.compile(r"([a-z])[-/+,&]([a-z])")  # 12a-c


@dataclass(frozen=True, slots=True)
class Span:
    """House numbers from `low` to `high`, both included; `parity` 1 is odd, 0 even, None both.

    `between`: „zwischen 3 und 11“ does not say whether 3 and 11 are meant.
    """

    low: Position = FIRST
    high: Position = LAST
    parity: int | None = None
    between: bool = False

    def holds(self, position: Position) -> bool:
        if self.parity is not None and position[0] % 2 != self.parity:
            return False
        inside = self.low <= position <= self.high
        return inside and not self.leaves_open(position[0])

    def leaves_open(self, number: int) -> bool:
        return self.between and number in (self.low[0], self.high[0])

    def one_side(self) -> int | None:
        """Of an unmarked range that begins and ends on one side, such as 1–11: which it is."""
        whole = self.low == FIRST or self.high == LAST
        if whole or self.parity is not None or self.low[0] == self.high[0]:
            return None
        return self.low[0] % 2 if self.low[0] % 2 == self.high[0] % 2 else None

    def sure_side(self) -> int | None:
        return self.one_side() if self.parity is None else self.parity

    def of_side(self, side: int) -> tuple[int, int] | None:
        """First and last number, as far as it speaks of the odd (1) or the even (0) side."""
        return (self.low[0], self.high[0]) if self.parity in (None, side) else None


@dataclass(frozen=True, slots=True)
class Place:
    """Which Ortsteile (normalised) and postcodes are meant; an empty set says nothing."""

    districts: frozenset[str] = frozenset()
    postcodes: frozenset[str] = frozenset()


ANYWHERE = Place()


@dataclass(frozen=True, slots=True)
class Entry:
    """`spans` of one street, or all but these; no spans: the whole street."""

    street: str
    spans: tuple[Span, ...] = ()
    all_but: bool = False
    text: str = field(default="", compare=False)  # as the list writes it, to be shown to clerks
    place: Place = ANYWHERE
    unmarked: bool = field(default=False, compare=False)  # no word on odd, even or both sides

    @property
    def whole(self) -> bool:
        return not self.spans

    def holds(self, position: Position) -> bool:
        for span in self.spans:
            if span.holds(position):
                return not self.all_but
        return self.all_but or not self.spans

    def names(self, position: Position) -> bool:
        """Alone, not as the end of a range."""
        return any(span.low == span.high == position for span in self.spans)


Zoned = tuple[str, Entry]  # an area's code, and one of its entries
Found = tuple[frozenset[str], Doubt | None]


def areas_of(entries: Sequence[Zoned], house: HouseNumber) -> Found:
    """The areas of a house in this street, all entries of which are given; or the candidates."""
    if not any(entry.spans for _, entry in entries):
        return frozenset(area for area, _ in entries), None
    if not house.number:
        return _without_number(entries)
    found = {_numbered(entries, *position) for position in _positions(house)}
    if len(found) == 1:
        return found.pop()
    return frozenset[str]().union(*(areas for areas, _ in found)), Doubt.NUMBER


def _without_number(entries: Sequence[Zoned]) -> Found:
    areas = frozenset(area for area, _ in entries)
    sure = len(areas) == 1 and any(entry.whole for _, entry in entries)
    return areas, None if sure else Doubt.NUMBER


def _positions(house: HouseNumber) -> Iterator[Position]:
    """One, or both ends of a house that has several numbers."""
    number, suffix = house.number or 0, house.suffix
    if two := _TWO_NUMBERS.fullmatch(suffix):
        yield from ((number, ""), (int(two[1]), two[2]))
    elif both := _TWO_LETTERS.fullmatch(suffix):
        yield from ((number, both[1]), (number, both[2]))
    else:
        yield number, suffix


def _numbered(entries: Sequence[Zoned], number: int, suffix: str) -> Found:
    bare, position = (number, ""), (number, suffix)
    plain, exact = holding(entries, bare), holding(entries, position)
    ends = {area for area, entry in entries for s in entry.spans if s.leaves_open(number)}
    if not ends <= plain:
        return plain | exact | ends, Doubt.BORDER
    if suffix and (touching := _with_suffixes(entries, number)):
        if not _LETTER.fullmatch(suffix):
            return plain | touching, Doubt.SUFFIX
        if exact:
            return exact, None
        return plain | touching | _above(entries, number), Doubt.GAP
    if plain == exact:
        return (plain, None) if plain else _gap(entries, number)
    if exact - plain:  # „alle außer 25“, and 25a?
        return exact | plain, Doubt.SUFFIX
    ends_here = plain - exact - {area for area, entry in entries if entry.names(bare)}
    across = _above(entries, number) - plain if ends_here else frozenset[str]()
    return plain | across, Doubt.SUFFIX if across else None


def holding(entries: Iterable[Zoned], position: Position) -> frozenset[str]:
    return frozenset(area for area, entry in entries if entry.holds(position))


def _with_suffixes(entries: Iterable[Zoned], number: int) -> frozenset[str]:
    """The areas that name a suffix of this number."""
    return frozenset(
        area
        for area, entry in entries
        for span in entry.spans
        if (span.low[0] == number and span.low[1]) or (span.high[0] == number and span.high[1])
    )


def _gap(entries: Sequence[Zoned], number: int) -> Found:
    candidates = _around(entries, number)
    excluding = {area for area, entry in entries if entry.all_but}
    if excluding and len({area for area, _ in entries}) > 1:
        candidates |= {area for area, _ in entries}  # left out by one, and taken in by no other
    return candidates, Doubt.GAP if candidates else None


def _around(entries: Sequence[Zoned], number: int) -> frozenset[str]:
    """The areas of the nearest ranges below and above; none at the outer ends of the street."""
    sides = _sides(entries, number % 2)
    below = [high for _, high, _ in sides if high < number]
    above = [low for low, _, _ in sides if low > number]
    if not below or not above:
        return frozenset()
    near = (max(below), min(above))
    return frozenset(area for low, high, area in sides if high == near[0] or low == near[1])


def _above(entries: Sequence[Zoned], number: int) -> frozenset[str]:
    sides = _sides(entries, number % 2)
    nearest = min((low for low, _, _ in sides if low > number), default=None)
    return frozenset(area for low, _, area in sides if low == nearest)


def _sides(entries: Sequence[Zoned], side: int) -> list[tuple[int, int, str]]:
    """(first, last, area) of every range on one side of the street."""
    return [
        (*reach, area)
        for area, entry in entries
        if not entry.all_but
        for span in entry.spans
        if (reach := span.of_side(side))
    ]


# What whoever keeps the list should look at ------------------------------------------------------


def two_readings(entries: Sequence[Entry]) -> list[Entry]:
    """„1–11“ in one entry, „2–8“ in another: are these the sides of a street, or all numbers?"""
    ranges = [s for e in entries if not e.all_but for s in e.spans if s.low[0] < s.high[0]]
    return [e for e in entries if e.unmarked and any(side_of_another(s, ranges) for s in e.spans)]


def side_of_another(span: Span, others: Iterable[Span]) -> bool:
    """Whether an unmarked range such as 1–11 holds a range, or a house, of the other side."""
    side = span.one_side()
    return side is not None and any(
        side != (other.low[0] % 2 if other.low == other.high else other.sure_side())
        and max(span.low, other.low) <= min(span.high, other.high)
        for other in others
        if other.low == other.high or other.sure_side() is not None
    )


def overlap(one: Entry, other: Entry) -> bool:
    """Whether a house can lie in both; entries for different Ortsteile or postcodes never do."""
    districts = (one.place.districts, other.place.districts)
    postcodes = (one.place.postcodes, other.place.postcodes)
    if any(bool(a) != bool(b) or (a and a.isdisjoint(b)) for a, b in (districts, postcodes)):
        return False
    if one.whole or other.whole:
        return True
    if one.all_but or other.all_but:
        return any(
            other.holds(position)
            for span in one.spans
            for position in (span.low, span.high)
            if one.holds(position)
        ) or any(
            one.holds(position)
            for span in other.spans
            for position in (span.low, span.high)
            if other.holds(position)
        )
    return any(_meet(a, b) for a in one.spans for b in other.spans)


def _meet(one: Span, other: Span) -> bool:
    if max(one.low, other.low) > min(one.high, other.high):
        return False
    low, high = max(one.low[0], other.low[0]), min(one.high[0], other.high[0])
    return any(
        low + (low % 2 != side) <= high
        for side in (0, 1)
        if one.parity in (None, side) and other.parity in (None, side)
    )


def gaps(entries: Sequence[Zoned]) -> list[int]:
    """Every number between two ranges of a street that no entry holds."""
    missing: set[int] = set()
    if any(entry.whole or entry.all_but for _, entry in entries):
        return []
    for side in (0, 1):
        sides = sorted(_sides(entries, side))
        reached = sides[0][1] if sides else 0
        for low, high, _ in sides:
            between = range(reached + 1, min(low, 10_000))
            missing.update(number for number in between if number % 2 == side)
            reached = max(reached, high)
    return sorted(missing)
