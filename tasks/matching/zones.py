"""Which parking zones an address lies in, by the city's own street text.

Two formats: the JSON of Rostock's open data (`bezeichnung`, `adressen`), and a text file with one
`ZONE: entry; entry; …` a line and `#` before a remark. A zone's code is what stands before the
first blank („A3 – Östliche Altstadt“).

Streets are compared as BMeldDAV compares them. Beyond that only abbreviations that one side has
written as such are read out („Oberhalb d. Gerberbruches“), and only where one street fits.

An address without a house number is in a zone only as far as every number of its street is. Where
the zones differ by number, all that could hold it are named; where a single zone holds just a part
of the street, none is. Either way it is a question for a clerk.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz, process

from tasks.domain.address import Address
from tasks.domain.area import AreaAnswer
from tasks.errors import ZoneListInvalid
from tasks.matching.statutory import normalise_street
from tasks.matching.zone_text import Entry, HouseNumber, Unreadable, read_entry

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
_WORD = re.compile(r"[^\s-]+")
_STREET = re.compile(r"stra(?:ß|ss)e$|str\.$", re.IGNORECASE)  # also within a name: „Querstr. I“
_ABBREVIATED = re.compile(r"(?:^|(?<=[\s-]))(?:d|gr|kl|st)\.|str\.(?=[\s-])", re.IGNORECASE)


class ZoneList:
    """`entries` are pairs of a zone's code and an entry."""

    def __init__(self, entries: Iterable[tuple[str, Entry]]) -> None:
        self._entries: dict[str, list[tuple[str, Entry]]] = defaultdict(list)
        self._by_short: dict[str, set[str]] = defaultdict(set)
        self._abbreviated: set[str] = set()
        for zone, entry in entries:
            key = _street_key(entry.street)
            self._entries[key].append((zone, entry))
            self._by_short[_short_key(entry.street)].add(key)
            if _ABBREVIATED.search(entry.street):
                self._abbreviated.add(key)
        self.zones = tuple(sorted({zone for found in self._entries.values() for zone, _ in found}))

    def find(self, address: Address) -> AreaAnswer:
        entries = self._of_street(address.street)
        if not entries:
            return _UNKNOWN
        number = _number_of(address)
        if number is None:
            return AreaAnswer(_without_number(entries), street_known=True)
        zones = {zone for zone, entry in entries if entry.holds(number)}
        return AreaAnswer(tuple(sorted(zones)), street_known=True)

    def reasons(self, address: Address) -> tuple[tuple[str, str], ...]:
        """What the list says of the address, for a clerk: (zone, the entry as it is written).

        The entries that hold its house number; where none does, or it has none, all of its street.
        """
        entries, number = self._of_street(address.street), _number_of(address)
        held = [pair for pair in entries if number is not None and pair[1].holds(number)]
        return tuple(sorted((zone, entry.text) for zone, entry in held or entries))

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

    def _of_street(self, street: str) -> list[tuple[str, Entry]]:
        found = self._entries.get(_street_key(street))
        if found is not None or not street:
            return found or []
        keys = self._by_short.get(_short_key(street), set())
        if len(keys) != 1:
            return []
        (key,) = keys
        written_short = key in self._abbreviated or _ABBREVIATED.search(street)
        return self._entries[key] if written_short else []


def parse_zone_list(path: Path) -> ZoneList:
    """Raises ZoneListInvalid with every entry that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        zones = list(_from_json(text) if path.suffix.lower() == ".json" else _from_text(text))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ZoneListInvalid([f"{path.name}: not a zone list that can be read"]) from None
    entries, unreadable = [], []
    for zone, text in zones:
        try:
            entries.append((zone, _read(zone, text)))
        except Unreadable:
            unreadable.append(f"{zone}: {text}" if zone else text)
    if unreadable or not entries:
        raise ZoneListInvalid(unreadable or [f"{path.name}: no entry"])
    return ZoneList(entries)


def _read(zone: str, text: str) -> Entry:
    entry = read_entry(text)
    if not zone or not _street_key(entry.street):
        raise Unreadable
    return entry


def _from_json(text: str) -> Iterator[tuple[str, str]]:
    for zone in json.loads(text):
        yield from _entries_of(zone["bezeichnung"], zone["adressen"])


def _from_text(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        content = line.partition("#")[0].strip()
        zone, colon, entries = content.partition(":")
        if colon:
            yield from _entries_of(zone, entries)
        elif content:
            yield "", content  # no zone before it: unreadable


def _entries_of(zone: str, entries: str) -> Iterator[tuple[str, str]]:
    """A zone without any entry yields an empty one, which is unreadable."""
    code = (zone.split() or [""])[0]
    texts = [" ".join(entry.split()) for entry in entries.split(";")]
    yield from ((code, text) for text in [t for t in texts if t] or [""])


def _without_number(entries: list[tuple[str, Entry]]) -> tuple[str, ...]:
    whole = {zone for zone, entry in entries if entry.whole}
    possible = {zone for zone, _ in entries}
    if not whole and len(possible) == 1:
        return ()
    return tuple(sorted(possible))


def _number_of(address: Address) -> HouseNumber | None:
    house = address.house
    return None if house.number is None else (house.number, house.suffix)


def _short_key(street: str) -> str:
    words = _WORD.findall(street)
    short = (_SHORT.get(word.lower(), _STREET.sub("STR", word)) for word in words)
    return normalise_street("".join(short))
