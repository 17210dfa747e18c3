"""Which permits belong to a person: by key, by the statutory rules, or only as a suggestion.

A permit holds the name in one line, so every way to read that line is tried. A link that a machine
may act on needs the key, or the names, the birth date and the address in full agreement.
"""

from collections.abc import Sequence

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from tasks.domain.person import PartialDate, Person
from tasks.domain.record import Link, LinkedBy, Permit
from tasks.matching.candidates import candidate_keys, candidate_keys_of, candidates_of
from tasks.matching.free_search import has_name_parts
from tasks.matching.holder import name_words, readings, without_titles
from tasks.matching.statutory import (
    family_names,
    same_birth_date,
    same_family_name,
    same_forenames,
    same_house_text,
    same_street,
)

__all__ = [
    "candidate_keys",
    "candidate_keys_of",
    "candidates_of",
    "link",
    "statutory_match",
    "suggestion_score",
]

# Scores are rapidfuzz's token_sort_ratio of the normalised names, 0 to 99. One wrong letter in a
# name of ten costs 5 to 10 points; two people of one family at one address stay below 80.
SIMILAR = 80  # with the same birth date or the same address
VERY_SIMILAR = 92  # with a birth date that is missing, or one slip of the pen away
ONLY_KNOWN_NAMES = 90  # every word on the permit is one of the person's names, some are left out


def link(person: Person, by_key: Sequence[Permit], unkeyed: Sequence[Permit]) -> tuple[Link, ...]:
    """Permits of the person, the surest first. A permit with another person's key never appears.

    Whether a statutory match fits a second person too is for the caller to ask, who can see them.
    """
    keyed = [Link(permit, LinkedBy.KEY) for permit in by_key if permit.key == person.key]
    statutory: list[Link] = []
    suggested: list[Link] = []
    for permit in unkeyed:
        if statutory_match(person, permit):
            statutory.append(Link(permit, LinkedBy.STATUTORY))
        elif score := suggestion_score(person, permit):
            suggested.append(Link(permit, LinkedBy.SUGGESTED, score))
    suggested.sort(key=lambda one: (-one.score, one.permit.number))
    return (*keyed, *statutory, *suggested)


def statutory_match(person: Person, permit: Permit) -> bool:
    """BMeldDAV § 4: family name, all forenames on the permit, birth date, and the address.

    Without an address on the permit, the whole birth date must be known.
    """
    born = _birth_date(permit)
    if permit.key not in (None, person.key) or born is None or born.year is None:
        return False
    if not same_birth_date(person.born, born) or not _same_names(person, permit.holder):
        return False
    if not _has_address(permit):
        return born.full() is not None
    return _same_address(person, permit)


def suggestion_score(person: Person, permit: Permit) -> int:
    """0 where a clerk need not look; never a reason to act, and therefore never 100."""
    enough = _enough(person, permit)
    if enough is None:
        return 0
    score = min(_name_score(person, permit.holder), 99)
    return score if score >= enough else 0


def _enough(person: Person, permit: Permit) -> int | None:
    """How similar the names must be; None where nothing else speaks for this person."""
    if permit.key not in (None, person.key):
        return None
    born = _birth_date(permit)
    same_birth = born is not None and born.year is not None and born == person.born
    if same_birth or _same_address(person, permit):
        return SIMILAR
    return VERY_SIMILAR if _nearly_born(str(person.born), permit.birth_date.strip()) else None


def _same_names(person: Person, holder: str) -> bool:
    # „Dr“ and „Frau“ may be names after all: the line is read as printed, too.
    return any(
        same_family_name(person.name, family) and same_forenames(person.name, given)
        for line in dict.fromkeys((holder, without_titles(holder)))
        for given, family in readings(line)
    )


def _birth_date(permit: Permit) -> PartialDate | None:
    try:
        return PartialDate.parse(permit.birth_date.strip())
    except ValueError:
        return None


def _has_address(permit: Permit) -> bool:
    return bool(permit.street.strip() or permit.house_number.strip())


def _same_address(person: Person, permit: Permit) -> bool:
    """Whether the permit's address is, or was, one of the person's dwellings in this municipality.

    The house number follows Anlage Nr. 4 g: a permit for 17 agrees with the dwelling 17 a.
    """
    return any(
        same_street(dwelling.address.street, permit.street)
        and same_house_text(dwelling.address, permit.house_number)
        for dwelling in person.dwellings
        if dwelling.address.ags in ("", person.key.ags) and not dwelling.address.country
    )


def _name_score(person: Person, holder: str) -> int:
    printed = " ".join(name_words(without_titles(holder)))
    if not printed:
        return 0
    name = person.name
    known = [f"{name.given} {family}" for family in family_names(name) if family]
    ratios = [fuzz.token_sort_ratio(printed, " ".join(name_words(one))) for one in known]
    score = int(max(ratios, default=0))
    if score < ONLY_KNOWN_NAMES and has_name_parts(name, without_titles(holder).replace(",", " ")):
        return ONLY_KNOWN_NAMES
    return score


def _nearly_born(ours: str, theirs: str) -> bool:
    """Dates as text: missing on the permit, less precise, day and month swapped, or one slip."""
    if not theirs or not ours:
        return not theirs
    if ours.startswith(theirs) or theirs.startswith(ours):
        return True
    if len(ours) == len("YYYY-MM-DD") and theirs == f"{ours[:4]}-{ours[8:]}-{ours[5:7]}":
        return True
    return OSA.distance(ours, theirs) <= 1
