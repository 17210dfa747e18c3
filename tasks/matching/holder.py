"""The name printed on a permit: one line, with titles, in either order."""

import re
from collections.abc import Iterator

from tasks.matching.statutory import normalise

_TITLES = re.compile(
    r"^\s*(?:Herrn?|Frau)\s+|\b(?i:Prof|Dr|Dipl)\b\.?(?:-[^\W\d]+\b\.?)?(?:\s*\b[a-z]{1,6}\.)*"
)
_WORD_BREAK = re.compile(r"[\s,-]+")


def without_titles(holder: str) -> str:
    """`Dr. med. Jens-Uwe Petersen` → `Jens-Uwe Petersen`."""
    return " ".join(_TITLES.sub(" ", holder).split())


def name_words(text: str) -> list[str]:
    """Normalised words, hyphenated names taken apart: for looking, not for deciding."""
    return [word for word in map(normalise, _WORD_BREAK.split(text)) if word]


def readings(line: str) -> Iterator[tuple[str | None, str]]:
    """Every (forenames, family name) that one printed line can mean.

    Forenames come first, or after a comma: `Petersen, Jens-Uwe`, `Neuenwalde, Hans Graf von`.
    """
    before, comma, after = line.partition(",")
    # A word without letters is no name; were it kept as a forename, it would ask for nothing.
    words = [word for word in (after if comma else before).split() if normalise(word)]
    for cut in range(len(words) + 1):
        family = [*words[cut:], before] if comma else words[cut:]
        yield " ".join(words[:cut]) or None, " ".join(family)
