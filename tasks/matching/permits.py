"""Which permits belong to a person: by key, by the statutory rules, or only as a suggestion.

A permit holds the name in one line, so every way to read that line is tried. A link that a machine
may act on needs the key with the name or the birth date beside it, or the names, the birth date and
the address in full agreement. A key that nobody's data confirm counts as none: it was mistyped, is
that of somebody else, from before a merger, or was given away again.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from tasks.domain.person import PartialDate, Person
from tasks.domain.record import Link, LinkedBy, Permit
from tasks.matching.candidates import candidate_keys, candidate_keys_of, candidates_of
from tasks.matching.free_search import has_name_parts
from tasks.matching.holder import name_words, names_others, readings, without_titles
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
    "key_agrees",
    "statutory_match",
    "suggestion_score",
    "whose",
]

# Scores are rapidfuzz's token_sort_ratio of the normalised names, 0 to 99. One wrong letter in a
# name of ten costs 5 to 10 points; two people of one family at one address stay below 80.
SIMILAR = 80  # with the same birth date or the same address
VERY_SIMILAR = 92  # with a birth date that is missing, or one slip of the pen away
ONLY_KNOWN_NAMES = 90  # every word on the permit is one of the person's names, some are left out


def whose(permit: Permit, known: Sequence[Person], others: Iterable[Person] = ()) -> Link | None:
    """How the permit belongs to the person of whom these snapshots are `known`; None if not at all.

    `others`: the other people who may be its holder, at least those with its key and those born on
    its date. What fits one of them as well is never more than a suggestion.
    """
    rivals, keys = tuple(others), {person.key for person in known}
    fits = _fits_one_of(known, permit)
    if permit.key in keys:
        trusted = _hang_together(known) and any(key_agrees(one, permit) for one in known)
        if trusted and (fits or not _fits_one_of(rivals, permit)):
            return Link(permit, LinkedBy.KEY)
        return _suggested(known, permit, at_least=1)
    if permit.key is not None:
        owners = [other for other in rivals if other.key == permit.key]
        if any(_same_registered(one, owner) for one in known for owner in owners):
            return _suggested(known, permit, at_least=99)  # registered twice: another key since
        owned = any(key_agrees(owner, permit) for owner in owners)
        return None if owned and not fits else _suggested(known, permit)
    if fits and not _fits_one_of(rivals, permit):
        return Link(permit, LinkedBy.STATUTORY)
    return _suggested(known, permit)


def _fits_one_of(people: Iterable[Person], permit: Permit) -> bool:
    return any(statutory_match(person, permit) for person in people)


def key_agrees(person: Person, permit: Permit) -> bool:
    """Whether name or birth date say, too, that it is the permit of who has its key.

    A slip of the pen in the name is none of another person, as long as the birth date is no other.
    Of several people, or of a firm, it is nobody's alone.
    """
    name = person.name
    if names_others(permit.holder, (name.given, name.usual, *family_names(name))):
        return False
    born = _birth_date(permit)
    if born is not None and born.full() is not None and born == person.born:
        return True
    if _same_names(person, permit.holder) or _all_known(person, permit.holder):
        return True
    near = _nearly_born(str(person.born), permit.birth_date.strip())
    return near and _likeness(person, permit.holder) >= SIMILAR


def _hang_together(known: Sequence[Person]) -> bool:
    """Not so where a key that had become free was given to somebody else in between."""
    return all(
        one.born == other.born or _same_names(other, f"{one.name.given} {one.name.family}")
        for one, other in pairwise(known)
    )


def _same_registered(one: Person, other: Person) -> bool:
    return one.name == other.name and one.born == other.born and one.born.year is not None


def _suggested(known: Sequence[Person], permit: Permit, at_least: int = 0) -> Link | None:
    scores = [at_least, *(suggestion_score(person, permit) for person in known)]
    if _fits_one_of(known, permit):
        scores.append(99)
    score = max(scores)
    return Link(permit, LinkedBy.SUGGESTED, score) if score else None


def statutory_match(person: Person, permit: Permit) -> bool:
    """BMeldDAV § 4: family name, all forenames on the permit, birth date, and the address.

    Without an address on the permit, the whole birth date must be known.
    """
    born = _birth_date(permit)
    if born is None or born.year is None:
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
    born = _birth_date(permit)
    same_birth = born is not None and born.year is not None and born == person.born
    if same_birth or _same_address(person, permit):
        return SIMILAR
    if not permit.birth_date.strip() and not _has_address(permit):
        return ONLY_KNOWN_NAMES  # the name is all there is
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
    score = _likeness(person, holder)
    if 0 < score < ONLY_KNOWN_NAMES and has_name_parts(person.name, _words_of(holder)):
        return ONLY_KNOWN_NAMES
    return score


def _likeness(person: Person, holder: str) -> int:
    printed = " ".join(name_words(without_titles(holder)))
    if not printed:
        return 0
    name = person.name
    known = [f"{name.given} {family}" for family in family_names(name) if family]
    ratios = [fuzz.token_sort_ratio(printed, " ".join(name_words(one))) for one in known]
    return int(max(ratios, default=0))


def _all_known(person: Person, holder: str) -> bool:
    """Every word on the permit is one of the person's names, a forename and a family name among
    them: „Jens Petersen“ for Jens-Uwe Petersen, „A. Brandt“ for Antje."""
    words = name_words(_words_of(holder))
    family = {word for name in family_names(person.name) for word in name_words(name)}
    given = set(name_words(f"{person.name.given} {person.name.usual}"))
    initials = {name[0] for name in given}
    rest = [word for word in words if word not in family]
    known = all(word in given or (len(word) == 1 and word in initials) for word in rest)
    return known and len(rest) < len(words) and bool(rest or not given)


def _words_of(holder: str) -> str:
    return without_titles(holder).replace(",", " ")


def _nearly_born(ours: str, theirs: str) -> bool:
    """Dates as text: missing on the permit, less precise, day and month swapped, or one slip."""
    if not theirs or not ours:
        return not theirs
    if ours.startswith(theirs) or theirs.startswith(ours):
        return True
    if len(ours) == len("YYYY-MM-DD") and theirs == f"{ours[:4]}-{ours[8:]}-{ours[5:7]}":
        return True
    return OSA.distance(ours, theirs) <= 1
