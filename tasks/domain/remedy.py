"""What a Rechtsbehelfsbelehrung must say. Where it lacks that, a Bescheid can be objected to for a
year instead of a month (VwGO § 58 Abs. 2).
"""

import re
from collections.abc import Iterator

# Each with the words by which it is said, and how to say it.
_SAID = (
    (r"widerspruch|klage", "which remedy: „Widerspruch“ (VwGO § 68)"),
    (r"(innerhalb|binnen) .{0,20}\bmonats?\b", "by when: „innerhalb eines Monats“ (VwGO § 70)"),
    (r"schriftlich", "the form „schriftlich“ (VwGO § 70)"),
    (r"elektronisch", "the form „elektronisch“ (VwGO § 70, VwVfG § 3a)"),
    (r"niederschrift", "the form „zur Niederschrift“ (VwGO § 70)"),
)
_POSTCODE = r"\b[0-9]{5}\b"


def missing_in(text: str, authority: str, street: str, place: str) -> Iterator[str]:
    """What the instruction does not say, each with its law.

    `authority`, `street`, `place`: of the letterhead. The seat (VwGO § 58 Abs. 1) is named by
    street, postcode or place, beside a name that may hold the place itself.
    """
    said = _plain(text)
    for words, what in _SAID:
        if not re.search(words, said):
            yield what
    if "gericht" not in said and not all(_is_in(said, word) for word in _plain(authority).split()):
        yield f"the authority: „{authority}“ (VwGO §§ 58, 70)"
    beside = said.replace(_plain(authority), "")
    seats = [re.escape(_plain(one)) for one in (street, place) if one.strip()]
    if not re.search("|".join([_POSTCODE, *seats]), beside):
        yield f"its seat: „{street}, {place}“ (VwGO § 58 Abs. 1)"


def _is_in(said: str, word: str) -> bool:
    """Also declined: „beim Kreis“ and „des Kreises“, „Freie“ and „Freien“."""
    return re.search(rf"\b{re.escape(word[: max(4, len(word) - 2)])}", said) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
