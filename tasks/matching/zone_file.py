"""Reads the city's own street text from a file.

Two formats: the JSON of Rostock's open data (`bezeichnung`, `adressen`), and a text file with one
`ZONE: entry; entry; …` a line and `#` before a remark. Square brackets behind a zone say for which
Ortsteile and postcodes all of its entries hold.

A zone's code is what stands before a dash: „A3 – Östliche Altstadt“, „Bezirk 1 – Nord“. Without a
dash it is the first word where that can be a code („A3 Altstadt“) and no other zone begins with it;
else the whole name („Bezirk 1“).
"""

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tasks.errors import ZoneListInvalid
from tasks.files import NotAFile, read_own
from tasks.matching.spans import ANYWHERE, Entry, Place, two_readings
from tasks.matching.statutory import normalise_street
from tasks.matching.zone_text import HOW, SIDES, Unreadable, place_of, read_entry, read_place
from tasks.matching.zones import ZoneList

_REMARK = re.compile(r"^\s*#.*|#(?!\d).*")  # „Hauptstr. #5“ is none
_DASHES = str.maketrans("‐‑−", "---")  # as word processors write them
_DASH = re.compile(r"\s+[-–—]\s+")
_NUMBERED = re.compile(r"\S+ (?:\d|[IVX]+\b)")  # „A 3“: the letter alone is no code
_CODE = re.compile(r"[A-ZÄÖÜ]|[IVX]+|(?=\S*\d)[^\W_]+")  # N, A3, 12, II; not „Bezirk“ or „1.“
_SQUARES = re.compile(r"([A-Z]) ?(\d{1,2}) ?(?:-|–|bis) ?\1 ?(\d{1,2})")  # C 1 – C 8
LONGEST = 1000  # characters of an entry
NO_ZONE_AT_ALL = "no zone is named in it; an entry is „A1: Alter Markt; Grubenstr. 25“"
NO_ZONE = "no zone stands before it: write „A1: Alter Markt; Grubenstr. 25“"


def parse_zone_list(path: Path, covers: Sequence[str] = ()) -> ZoneList:
    """`covers`: Ortsteile and postcodes that the whole list holds for, without naming them.

    Raises ZoneListInvalid with every entry that cannot be read, and how to write it.
    """
    try:
        text = read_own(path.parent, path.name).decode("utf-8-sig")
        text = unicodedata.normalize("NFC", text)
        text = text.translate(_DASHES)
        zones = list(_from_json(text) if path.suffix.lower() == ".json" else _from_text(text))
        if not any(zone for zone, _ in zones):  # any file: nothing of it may be quoted
            raise ZoneListInvalid([f"{path.name}: {NO_ZONE_AT_ALL}"])
    except NotAFile as error:
        raise ZoneListInvalid([f"{path.name}: {error}"]) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ZoneListInvalid([f"{path.name}: not a zone list that can be read"]) from None
    entries: list[tuple[str, Entry]] = []
    unreadable: dict[str, str] = {}
    try:
        cover = place_of(covers)
    except Unreadable as error:
        cover, unreadable[", ".join(covers)] = ANYWHERE, error.how
    codes = codes_of(zone for zone, _ in zones)
    for zone, text in zones:
        try:
            entries.append((codes.get(zone, ""), _read(zone, text)))
        except Unreadable as error:
            unreadable[_quoted(zone, text)] = error.how
    unreadable |= _with_two_readings(entries)
    if unreadable or not entries:
        raise ZoneListInvalid(list(unreadable) or [f"{path.name}: no entry"], unreadable)
    return ZoneList(entries, cover, _names(codes))


def codes_of(zones: Iterable[str]) -> dict[str, str]:
    """Zone as the list writes it -> its code."""
    names = {zone: read_place(zone)[1] for zone in zones}
    first: dict[str, set[str]] = defaultdict(set)
    for name in names.values():
        first[_before_dash(name).partition(" ")[0]].add(name)
    return {zone: _code(name, first) for zone, name in names.items()}


def _code(name: str, first: Mapping[str, set[str]]) -> str:
    label = _before_dash(name)
    word = label.partition(" ")[0]
    alone = label == name and _CODE.fullmatch(word) and len(first[word]) == 1
    return word if alone and not _NUMBERED.match(label) else label


def _before_dash(name: str) -> str:
    return _DASH.split(name, maxsplit=1)[0].strip()


def _names(codes: Mapping[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for zone, code in codes.items():
        found[code].add(read_place(zone)[1])
    return dict(found)


def _read(zone: str, text: str) -> Entry:
    if len(zone) + len(text) > LONGEST:
        raise Unreadable
    place, name = read_place(zone)
    if not name:
        raise Unreadable(NO_ZONE)
    entry = read_entry(text)
    if not normalise_street(entry.street):
        raise Unreadable(HOW)
    return entry if entry.place != ANYWHERE else replace(entry, place=place)


def _with_two_readings(entries: Iterable[tuple[str, Entry]]) -> dict[str, str]:
    streets: dict[tuple[str, Place], list[tuple[str, Entry]]] = defaultdict(list)
    for zone, entry in entries:
        streets[normalise_street(entry.street), entry.place].append((zone, entry))
    return {
        _quoted(zone, entry.text): SIDES
        for found in streets.values()
        for doubtful in two_readings([entry for _, entry in found])
        for zone, entry in found
        if entry is doubtful
    }


def _quoted(zone: str, text: str) -> str:
    text = f"{zone}: {text}" if zone else text
    return text if len(text) <= LONGEST else f"{text[:100]} …"


def _from_json(text: str) -> Iterator[tuple[str, str]]:
    for zone in json.loads(text):
        yield from _entries_of(zone["bezeichnung"], zone["adressen"])


def _from_text(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        content = _REMARK.sub("", line).strip()
        zone, colon, entries = content.partition(":")
        if colon:
            yield from _entries_of(zone, entries)
        elif content:
            yield "", content  # no zone before it: unreadable


def _entries_of(zone: str, entries: str) -> Iterator[tuple[str, str]]:
    """A zone without any entry yields an empty one, which is unreadable."""
    zone = " ".join(zone.split())
    texts = [" ".join(entry.split()) for entry in entries.split(";")]
    for text in [t for t in texts if t] or [""]:
        yield from ((zone, one) for one in _squares(text))


def _squares(text: str) -> Iterator[str]:
    found = _SQUARES.fullmatch(text)
    if found is None or int(found[2]) >= int(found[3]):
        yield text
        return
    yield from (f"{found[1]} {n}" for n in range(int(found[2]), int(found[3]) + 1))
