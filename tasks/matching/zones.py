"""Which areas an address lies in, by a city's street list (`zone_file` reads it).

Streets are compared as BMeldDAV compares them. Beyond that only abbreviations that one side has
written as such are read out („Oberhalb d. Gerberbruches“), and only where one street fits.

A street name may occur in several Ortsteile. An entry without Ortsteil is that of the core town,
one that names an Ortsteil or a postcode holds there only. An address elsewhere is never looked up
in the core town: all that the list knows of the street is then a candidate, and a clerk's question.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from rapidfuzz import fuzz, process

from tasks.domain.address import Address
from tasks.domain.area import AreaAnswer, Doubt
from tasks.matching.spans import ANYWHERE, Place, Zoned, areas_of, gaps, holding, overlap
from tasks.matching.statutory import normalise_street
from tasks.matching.zone_text import district_key

_UNKNOWN = AreaAnswer()
_SIMILAR = 70  # of 100; below it a suggestion is noise

_street_key = lru_cache(maxsize=100_000)(normalise_street)

# What a list and the registry (above 25 characters) abbreviate within a name.
_SHORT = {
    **dict.fromkeys(("der", "des", "dem", "den", "d."), "D"),
    **dict.fromkeys(("große", "großer", "großes", "großen", "gr."), "GR"),
    **dict.fromkeys(("kleine", "kleiner", "kleines", "kleinen", "kl."), "KL"),
    **dict.fromkeys(("sankt", "st."), "ST"),
}
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_WORD = re.compile(r"[^\s-]+")
_STREET = re.compile(r"stra(?:ß|ss)e$|str\.$", re.IGNORECASE)  # also within a name: „Querstr. I“
_ABBREVIATED = re.compile(r"(?:^|(?<=[\s-]))(?:d|gr|kl|st)\.|str\.(?=[\s-])", re.IGNORECASE)


class ZoneList:
    """`entries` are pairs of a zone's code and an entry; `names` are those that gave each code."""

    def __init__(
        self,
        entries: Iterable[Zoned],
        covers: Place = ANYWHERE,
        names: Mapping[str, set[str]] | None = None,
    ) -> None:
        self._covers, self._names = covers, names or {}
        self._entries: dict[str, list[Zoned]] = defaultdict(list)
        self._by_short: dict[str, set[str]] = defaultdict(set)
        self._abbreviated: set[str] = set()
        self._placed: set[str] = set()  # streets of which an entry names an Ortsteil or a postcode
        for zone, entry in entries:
            key = _street_key(entry.street)
            self._entries[key].append((zone, entry))
            self._by_short[_short_key(entry.street)].add(key)
            if _ABBREVIATED.search(entry.street):
                self._abbreviated.add(key)
            if entry.place != ANYWHERE:
                self._placed.add(key)
        self.zones = tuple(sorted({zone for found in self._entries.values() for zone, _ in found}))

    def find(self, address: Address, moved_from: Address | None = None) -> AreaAnswer:
        """`moved_from`: another postcode or town is a doubt where the list says nothing of them."""
        entries = self._of_street(address.street)
        if not entries:
            return _UNKNOWN
        here = self._here(entries, address)
        areas, doubt = areas_of(here or entries, address.house)
        if not here:
            areas, doubt = areas or frozenset(area for area, _ in entries), Doubt.PLACE
        elif areas and doubt is None and moved_from and self._elsewhere(here, address, moved_from):
            doubt = Doubt.POSTCODE
        return AreaAnswer(tuple(sorted(areas)), street_known=True, doubt=doubt)

    def reasons(self, address: Address) -> tuple[tuple[str, str], ...]:
        """What the list says of the address, for a clerk: (zone, the entry as it is written).

        The entries that hold its house number; where the list leaves it open, all of its street.
        """
        entries = self._of_street(address.street)
        here, house = self._here(entries, address), address.house
        sure = bool(here) and bool(house.number) and areas_of(here, house)[1] is None
        held = holding(here, (house.number or 0, house.suffix)) if sure else frozenset()
        said = [
            (zone, entry)
            for zone, entry in here
            if zone in held and entry.holds((house.number or 0, house.suffix))
        ]
        return tuple(sorted((zone, entry.text) for zone, entry in said or entries))

    def suggest(self, address: Address, limit: int = 3) -> tuple[str, ...]:
        """Similar streets as the list writes them, for a clerk to choose from; never decided on."""
        found = process.extract(
            _street_key(address.street),
            self._entries.keys(),
            scorer=fuzz.ratio,
            limit=limit,
            score_cutoff=_SIMILAR,
        )
        return tuple(self._entries[key][0][1].street for key, _, _ in found)

    def warnings(self) -> Iterator[str]:
        """What whoever keeps the list should look at: it is read, but may not mean what it says."""
        for code, names in self._names.items():
            if len(names) > 1:
                yield f"two names for the zone {code}: {_quoted(sorted(names))}"
        alike: dict[str, list[str]] = defaultdict(list)
        for zone in self.zones:
            alike[_ZEROS.sub("", "".join(zone.casefold().split()))].append(zone)
        for found in alike.values():
            if len(found) > 1:
                yield f"two zones, or one written in two ways: {_quoted(found)}"
        for entries in self._entries.values():
            street = entries[0][1].street
            for (zone, entry), (other_zone, other) in combinations(entries, 2):
                if zone != other_zone and overlap(entry, other):
                    yield (
                        f"{street}: zones {zone} and {other_zone} overlap "
                        f"({_quoted([entry.text, other.text])}); "
                        "if these are two streets, name the Ortsteil: „[Ortsteil …]“"
                    )
            if missing := gaps(entries):
                yield f"{street}: no zone holds {_ranges(missing)}"

    @property
    def names_postcodes(self) -> bool:
        named = any(entry.place.postcodes for found in self._entries.values() for _, entry in found)
        return named or bool(self._covers.postcodes)

    def _of_street(self, street: str) -> list[Zoned]:
        found = self._entries.get(_street_key(street))
        if found is not None or not street:
            return found or []
        keys = self._by_short.get(_short_key(street), set())
        if len(keys) != 1:
            return []
        (key,) = keys
        written_short = key in self._abbreviated or _ABBREVIATED.search(street)
        return self._entries[key] if written_short else []

    def _here(self, entries: Sequence[Zoned], address: Address) -> Sequence[Zoned]:
        """The entries for the address's Ortsteil and postcode; what names them goes before."""
        if not entries or _street_key(entries[0][1].street) not in self._placed:
            return entries if self._covers_place(address) else []
        named = [
            (area, e) for area, e in entries if e.place != ANYWHERE and _is_in(e.place, address)
        ]
        if named or not self._covers_place(address):
            return named
        return [(area, entry) for area, entry in entries if entry.place == ANYWHERE]

    def _covers_place(self, address: Address) -> bool:
        district, covers = address.ortsteil, self._covers
        if district and district_key(district) not in covers.districts:
            return False
        return not covers.postcodes or address.postcode in covers.postcodes

    def _elsewhere(self, here: Sequence[Zoned], address: Address, before: Address) -> bool:
        """Whether it may be another village of the municipality, of which the list says nothing."""
        if self._covers.postcodes or not any(entry.place == ANYWHERE for _, entry in here):
            return False
        if self._covers.districts & _districts(address):
            return False
        pairs = ((before.postcode, address.postcode), (before.town, address.town))
        return any(a and b and a.casefold() != b.casefold() for a, b in pairs)


def _is_in(place: Place, address: Address) -> bool:
    if place.postcodes and address.postcode not in place.postcodes:
        return False
    return not place.districts or bool(place.districts & _districts(address))


def _districts(address: Address) -> set[str]:
    """A register may write the Ortsteil as the town."""
    return {district_key(address.ortsteil), district_key(address.town)} - {""}


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f"„{text}“" for text in texts)


def _ranges(numbers: Sequence[int]) -> str:
    """`10–13, 22`: runs of all numbers, or of one side of a street."""
    runs: list[list[int]] = []
    for number in numbers:
        run = runs[-1] if runs else []
        step = run[1] - run[0] if len(run) > 1 else number - run[-1] if run else 0
        if run and step in (1, 2) and number - run[-1] == step:
            run.append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _short_key(street: str) -> str:
    words = _WORD.findall(street)
    short = (_SHORT.get(word.lower(), _STREET.sub("STR", word)) for word in words)
    return normalise_street("".join(short))
