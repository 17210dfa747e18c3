"""What a Rechtsbehelfsbelehrung must say. Where it lacks that, a Bescheid can be objected to for a
year instead of a month (VwGO § 58 Abs. 2).

What the law wants to be said is *missing*, each with its law and with words for it. What may be
meant otherwise is a *doubt*: words alone do not tell.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta

_MONTH = (
    r"(innerhalb|binnen) (von )?(eines|einem|1) monats?\b"
    r"|monatsfrist|frist .{0,20}(einen|1) monat\b"
)
_OBJECTION = (
    (_MONTH, "by when: „innerhalb eines Monats“ (VwGO § 70 Abs. 1)"),
    (r"schriftlich", "the form „schriftlich“ (VwGO § 70 Abs. 1)"),
    (r"elektronisch", "the form „elektronisch“ (VwGO § 70 Abs. 1, VwVfG § 3a Abs. 2)"),
    (r"niederschrift", "the form „zur Niederschrift“ (VwGO § 70 Abs. 1)"),
)
# Where the Land has no Widerspruch, the way is to the court.
_LAWSUIT = (
    (_MONTH, "by when: „innerhalb eines Monats“ (VwGO § 74 Abs. 1)"),
    (r"schriftlich", "the form „schriftlich“ (VwGO § 81 Abs. 1)"),
    (r"elektronisch", "the form „elektronisch“ (VwGO § 55a)"),
    (r"niederschrift", "the form „zur Niederschrift“ (VwGO § 81 Abs. 1)"),
    (r"verwaltungsgericht", "the court: „Verwaltungsgericht …“ (VwGO § 58 Abs. 1)"),
)
_POSTCODE = r"\b[0-9]{5}\b"
SOON = timedelta(days=60)


def missing_in(text: str, authority: str, street: str, place: str) -> Iterator[str]:
    """What the instruction does not say, each with its law.

    `authority`, `street`, `place`: of the letterhead. The seat (VwGO § 58 Abs. 1) is named by
    street, postcode or place, beside a name that may hold the place itself.
    """
    said = _plain(text)
    lawsuit = _is_lawsuit(said)
    if not re.search("widerspruch|klage", said):
        yield "which remedy: „Widerspruch“ (VwGO § 68) or „Klage“"
    for words, what in _LAWSUIT if lawsuit else _OBJECTION:
        if not re.search(words, said):
            yield what
    if not lawsuit and not all(_is_in(said, word) for word in _plain(authority).split()):
        yield f"the authority: „{authority}“ (VwGO §§ 58, 70)"
    beside = said.replace(_plain(authority), "")
    seats = [] if lawsuit else [re.escape(_plain(one)) for one in (street, place) if one.strip()]
    if not re.search("|".join([_POSTCODE, *seats]), beside):
        seat = "of the court, with its postcode" if lawsuit else f"„{street}, {place}“"
        yield f"its seat: {seat} (VwGO § 58 Abs. 1)"


def doubts_in(text: str) -> Iterator[str]:
    """What a lawyer may want to look at."""
    said = _plain(text)
    if re.search("zustellung|zugestellt", said):
        yield "says „Zustellung“; a simple letter is not served: „Bekanntgabe“ (VwGO § 70 Abs. 1)"
    elif not re.search("bekanntgabe|bekanntgegeben|bekannt gegeben", said):
        yield "does not say from when: „nach Bekanntgabe“ (VwGO § 70 Abs. 1, § 74 Abs. 1)"
    if re.search("elektronisch", said) and not re.search("3a|55a", said):
        yield "„elektronisch“ how? „nach § 3a Abs. 2 VwVfG“ (VwGO § 70 Abs. 1), Klage: § 55a VwGO"
    if re.search("e-?mail", said) and not re.search(r"\b(nicht|keine?)\b|qualifiziert", said):
        yield "sounds as if an e-mail were enough: it is not (VwVfG § 3a Abs. 2)"


def look_again(by: date, today: date) -> Iterator[str]:
    """The law of forms changes: text form may become enough for a Widerspruch."""
    if today >= by - SOON:
        yield (
            f"to be looked at again by {by}: text form may become enough for a Widerspruch; then "
            "set texts.look_again_on to the next day for it"
        )


def _is_lawsuit(said: str) -> bool:
    return "klage" in said and "widerspruch" not in said


def _is_in(said: str, word: str) -> bool:
    """Also declined: „beim Kreis“ and „des Kreises“, „Freie“ and „Freien“."""
    return re.search(rf"\b{re.escape(word[: max(4, len(word) - 2)])}", said) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
