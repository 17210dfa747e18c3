"""Keys that find permits worth comparing, so that no person is compared with every permit.

A permit and a person that share at least one key are candidates; comparing them is the work of
`permits.whose`. Store the keys of each permit in an indexed table, one row a key; also where it has
a registry key, which may be wrong. Every permit that can be linked by the statutory rules shares a
key, whatever its name: they agree on the birth date. Keys hold personal data and stay in the
database of the permits.

    born:1968-01-20           the birth date as far as it is known
    home:LANGESTRASSE:8       street and number ("" where the permit has none)
    name:17276:1968           a word of the name as it sounds, and the year of birth
    name:17276:01-20          the same, and month and day: finds a wrong year
    name:17276:               the same, for a permit without a birth date
    plate:ZZMU101             the vehicle, which people do not have: finds other permits for it
"""

from tasks.domain.person import Person
from tasks.domain.plate import squeezed
from tasks.domain.record import Permit
from tasks.matching.holder import name_words, without_titles
from tasks.matching.phonetic import phonetic
from tasks.matching.statutory import family_names, normalise_street, parse_house_number

PLATE = "plate:"


def candidate_keys(
    holder: str, birth_date: str, street: str = "", house_number: str = ""
) -> frozenset[str]:
    """Of a permit, from its own columns as they are."""
    born = birth_date.strip()
    keys = {f"name:{code}:{part}" for code in _codes(holder) for part in _date_parts(born)}
    if born:
        keys.add(f"born:{born}")
    if road := normalise_street(street):
        number = parse_house_number(house_number)
        keys.add(_home(road, number.number if number else None))
    return frozenset(keys)


def candidates_of(permit: Permit) -> frozenset[str]:
    keys = candidate_keys(permit.holder, permit.birth_date, permit.street, permit.house_number)
    plate = squeezed(permit.plate)
    return keys | {f"{PLATE}{plate}"} if plate else keys


def candidate_keys_of(*known: Person) -> frozenset[str]:
    """Of a person of whom one snapshot or several are known, which mostly say the same."""
    keys: set[str] = set()
    for name, born in {(person.name, str(person.born)) for person in known}:
        codes = _codes(" ".join((name.given, name.usual, *family_names(name))))
        keys |= {f"name:{code}:{part}" for code in codes for part in {*_date_parts(born), ""}}
        if born:
            keys.add(f"born:{born}")
    for address in {dwelling.address for person in known for dwelling in person.dwellings}:
        if road := normalise_street(address.street):
            keys |= {_home(road, None), _home(road, address.house.number)}
    return frozenset(keys)


def _home(road: str, number: int | None) -> str:
    return f"home:{road}:{'' if number is None else number}"


def _codes(names: str) -> set[str]:
    return {code for word in name_words(without_titles(names)) if (code := phonetic(word))}


def _date_parts(born: str) -> set[str]:
    """Year, and month with day: a slip of the pen leaves one of them as it was."""
    return {part for part in (born[:4], born[5:]) if part} or {""}
