"""What a clerk must state who takes a right away: the reasons of the letter (VwVfG § 39).

The norm says which. To revoke a lawful act because of later facts, public interest must be in
danger (VwVfG § 49 Abs. 2 Satz 1 Nr. 3), unless the act was granted with a reservation (Nr. 1); to
withdraw one, it must have been unlawful (§ 48 Abs. 1). Each is discretionary (§ 40), needs a
hearing (§ 28), and may come only within a year from the day on which the authority came to know
(§ 48 Abs. 4 Satz 1, § 49 Abs. 2 Satz 2).
"""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum


class Taking(StrEnum):
    """By which norm a right is taken away."""

    REVOKES = "revokes"
    AS_RESERVED = "as_reserved"
    WITHDRAWS = "withdraws"


NORMS = {
    Taking.REVOKES: "VwVfG § 49 Abs. 2 Satz 1 Nr. 3",
    Taking.AS_RESERVED: "VwVfG § 49 Abs. 2 Satz 1 Nr. 1",
    Taking.WITHDRAWS: "VwVfG § 48 Abs. 1",
}
KNOWN_SINCE = "known_since"  # a day, as 2026-11-25 or 25.11.2026; all others are sentences
STATEMENTS = {
    Taking.REVOKES: ("facts", KNOWN_SINCE, "public_interest", "discretion", "hearing"),
    Taking.AS_RESERVED: ("facts", KNOWN_SINCE, "discretion", "hearing"),
    Taking.WITHDRAWS: ("unlawful", KNOWN_SINCE, "discretion", "hearing"),
}


def last_day(known_since: date) -> date:
    """Of the year from the knowledge (BGB § 187 Abs. 1, § 188 Abs. 2 and 3)."""
    try:
        return known_since.replace(year=known_since.year + 1)
    except ValueError:  # 29 February
        return known_since.replace(year=known_since.year + 1, day=28)


def wrong_with(taking: Taking | None, stated: Mapping[str, str], today: date) -> dict[str, str]:
    """Statement -> code of what is wrong with it: question.no_words, question.bad_day or
    question.year_over. Nothing must be stated where nothing is taken away."""
    wrong = {}
    for name in STATEMENTS[taking] if taking else ():
        said = stated.get(name, "").strip()
        day = read_day(said) if name == KNOWN_SINCE else None
        if not said:
            wrong[name] = "question.no_words"
        elif name == KNOWN_SINCE and (day is None or day > today):
            wrong[name] = "question.bad_day"
        elif day and today > last_day(day):
            wrong[name] = "question.year_over"
    return wrong


def kept(taking: Taking | None, stated: Mapping[str, str]) -> dict[str, str]:
    """What is stored of them: only what the norm asks for, the day in ISO form."""
    said = {name: stated[name].strip() for name in STATEMENTS[taking]} if taking else {}
    day = read_day(said.get(KNOWN_SINCE, ""))
    return said | {KNOWN_SINCE: day.isoformat()} if day else said


def taking_of(stated: Mapping[str, str]) -> Taking | None:
    """The norm that a clerk's statements were made for."""
    return next((norm for norm, names in STATEMENTS.items() if set(names) == set(stated)), None)


def read_day(text: str) -> date | None:
    german = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text.strip())
    iso = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text.strip())
    parts = tuple(reversed(german.groups())) if german else iso.groups() if iso else ()
    try:
        return date(*map(int, parts)) if parts else None
    except ValueError:
        return None
