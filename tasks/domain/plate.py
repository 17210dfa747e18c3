"""Number plates: which are German, and which are the same."""

import re

from tasks.domain.text import tidy

LONGEST = 20  # characters; a seasonal plate has 16

_GERMAN = re.compile(
    r"[A-ZÄÖÜ]{1,3}(-[A-Z]{1,2}[- ]?| [A-Z]{1,2} ?)[1-9][0-9]{0,3} ?[EH]?"  # electric, historic
    r"( (0[1-9]|1[0-2])[-/](0[1-9]|1[0-2]))?"  # the months of a seasonal plate
)
_SEASON = re.compile(r" ?[0-9]{2}[-/][0-9]{2}$")
_JOINED = re.compile(r"[/,;&+]|\b(?:und|oder|bzw)\b", re.IGNORECASE)
_PARTS = re.compile("[^\\W\\d_]+|[0-9]+")


def is_german(plate: str) -> bool:
    """Plates without letters after the district (authorities, Bundeswehr) are not recognised."""
    return _GERMAN.fullmatch(tidy(plate).upper()) is not None


def are_several(plate: str) -> bool:
    """Two vehicles in one field: `ZZ-A 1 / ZZ-B 2`."""
    return _JOINED.search(_SEASON.sub("", tidy(plate))) is not None


def same(one: str, other: str) -> bool:
    """`TÜ-AB 12` and `TÜ AB12` are; `B-MU 1` and `BM-U 1` are two cars. Where one does not say
    where its district ends, it may be the other."""
    first, second = _parts(one), _parts(other)
    if len(first) == len(second):
        return first == second
    return "".join(first) == "".join(second)


def squeezed(plate: str) -> str:
    """Letters and digits only: equal for all that may be the same."""
    return "".join(_parts(plate))


def _parts(plate: str) -> list[str]:
    return _PARTS.findall(_SEASON.sub("", tidy(plate).upper()))
