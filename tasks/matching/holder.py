"""The name printed on a permit: one line, with titles, in either order."""

import re
from collections.abc import Iterable, Iterator

from tasks.matching.statutory import normalise

_TITLES = re.compile(
    r"^\s*(?:Herrn?|Frau)\s+|\b(?i:Prof|Dr|Dipl)\b\.?(?:-[^\W\d]+\b\.?)?(?:\s*\b[a-z]{1,6}\.)*"
)
# Two people, a family, a firm: nobody may be put in their place.
_SEVERAL = re.compile(
    r"[&+/;]|\bu\.|(?i:\b(?:und|sowie|oder|bzw|Eheleute|Ehepaar|Familie|Fam|Geschwister|Erben\w*"
    r"|\w*GmbH|mbH|AG|KG|OHG|GbR|UG|eG|SE|e\.\s?K|e\.\s?V|PartG\w*|Firma|Fa|Inh|Stiftung|Verein"
    r"|Praxis|Kanzlei|Autohaus|Pflegedienst)\b)"
)
_WORD_BREAK = re.compile(r"[\s,-]+")


def without_titles(holder: str) -> str:
    """`Dr. med. Jens-Uwe Petersen` → `Jens-Uwe Petersen`."""
    return " ".join(_TITLES.sub(" ", holder).split())


def names_others(holder: str, own: Iterable[str]) -> bool:
    """Whether a permit is, as printed, that of several people or of a firm.

    `own`: all names of the person whose it may be; „von und zu“ is a part of some.
    """
    found = _SEVERAL.findall(holder)
    return bool(found) and not {*map(normalise, found)} <= {*name_words(" ".join(own))}


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
