"""Values of a permit as permit systems and spreadsheets write them.

Each function raises ValueError; its text says what is wrong and what to write, and quotes nothing.
"""

import re
from datetime import date, datetime

from tasks.domain.person import PartialDate
from tasks.domain.record import ACTIVE, BLOCKED, DIGITAL, ENDED, KINDS, PAPER, RESIDENT
from tasks.domain.text import plain, tidy

LONGEST = 200  # characters of any text; no name or street comes near
SHORTEST_KEY = 6  # digits

_KINDS = {
    **dict.fromkeys(("bewohner", "anwohner", "bewohnerparkausweis", "bewohnerausweis"), RESIDENT),
    **dict.fromkeys(("besucher", "gast", "gäste", "besucherausweis", "guest"), "visitor"),
    **dict.fromkeys(("behinderte", "schwerbehinderte", "schwerbehindert"), "disabled"),
    **dict.fromkeys(("gewerbe", "handwerker", "betrieb"), "business"),
    **dict.fromkeys(("pflege", "pflegedienst", "soziales"), "care"),
    **dict.fromkeys(("stellplatz", "tiefgarage"), "garage"),
} | {kind: kind for kind in KINDS}
_STATUSES = {
    **dict.fromkeys((ACTIVE, "aktiv", "gültig", "gueltig", "valid"), ACTIVE),
    **dict.fromkeys((ENDED, "beendet", "abgelaufen", "erloschen", "expired"), ENDED),
    **dict.fromkeys((BLOCKED, "gesperrt"), BLOCKED),
}
_FORMS = {
    **dict.fromkeys((DIGITAL, "elektronisch", "virtuell", "online"), DIGITAL),
    **dict.fromkeys((PAPER, "papier", "karte", "papierausweis"), PAPER),
}
_YES_NO = {
    **dict.fromkeys(("true", "1", "ja", "yes"), True),
    **dict.fromkeys(("", "false", "0", "nein", "no"), False),
}
_GERMAN_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")
_DAY_FORMS = "write 2026-03-01 or 01.03.2026"


def kind(text: str) -> str:
    """In our words where they are known, else as it is; none is a resident's permit."""
    said = plain(text)
    return _KINDS.get(said.casefold(), said) or RESIDENT


def status(text: str) -> str:
    """In our words where they are known, else as it is; none is active."""
    said = plain(text)
    return _STATUSES.get(said.casefold(), said) or ACTIVE


def form(text: str) -> str:
    """In our words where they are known, else as it is."""
    said = plain(text)
    return _FORMS.get(said.casefold(), said)


def yes_no(text: str) -> bool:
    answer = _YES_NO.get(text.casefold())
    if answer is None:
        raise ValueError("neither true nor false")
    return answer


def partial_day(text: str) -> str:
    """A birth date as far as it is known: `1971`, `1971-05`, `1971-05-03` or `03.05.1971`."""
    try:
        return str(PartialDate.parse(_iso(text)))
    except ValueError:
        raise ValueError("neither a date nor YYYY-MM nor YYYY") from None


def whole_day(text: str) -> date:
    iso = _iso(text)
    try:
        if found := PartialDate.parse(iso).full():
            return found
    except ValueError:
        pass
    raise ValueError(f"not a date ({_why(iso)}{_DAY_FORMS})")


def _iso(text: str) -> str:
    text = _MIDNIGHT.sub("", text)
    if found := _GERMAN_DAY.fullmatch(text):
        day, month, year = found.groups()
        return f"{year}-{month:0>2}-{day:0>2}"
    return text


def _why(text: str) -> str:
    if re.fullmatch("[0-9]{5}([.,][0-9]+)?", text):
        return "a spreadsheet's number of days: give the column the format of a date; "
    if re.fullmatch(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2}", text):
        return "a year has four digits; "
    if re.fullmatch("[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}", text):
        return "nobody knows if the day or the month comes first; "
    return ""


def key_number(text: str, lengths: frozenset[int] = frozenset()) -> str:
    """An Ordnungsmerkmal: digits, with their zeros in front, as long as the registry's are.

    `lengths`: those that its deliveries have shown. Before the first one only what is shorter than
    any is refused.
    """
    number = tidy(text)
    if re.fullmatch(r"[0-9]+(([.,][0-9]+)?[Ee]\+?[0-9]+|[.,][0-9]+)", number):
        raise ValueError("a number that a spreadsheet has rounded: give the column the format text")
    if not re.fullmatch("[0-9]+", number):
        raise ValueError("not a registry key: digits only")
    if not number.strip("0"):
        raise ValueError("not a registry key: only zeros")
    if lengths and len(number) not in lengths:
        known = " or ".join(map(str, sorted(lengths)))
        raise ValueError(
            f"{len(number)} digits, but the registry's keys have {known}: "
            "zeros in front may be missing, give the column the format text"
        )
    if len(number) < SHORTEST_KEY:
        raise ValueError(f"not a registry key: shorter than {SHORTEST_KEY} digits")
    return number


def ags(text: str) -> str:
    number = tidy(text)
    if re.fullmatch("[0-9]{7}", number):
        raise ValueError("not eight digits: the zero in front is missing")
    if not re.fullmatch("[0-9]{8}", number):
        raise ValueError("not eight digits")
    return number


# As a row of the register holds them: whatever somebody has written there.


def stored_text(value: object, *, required: bool = False, longest: int = LONGEST) -> str:
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        raise ValueError("not a text")
    text = plain(value)
    if len(text) > longest:
        raise ValueError("too long")
    return text


def stored_day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("not a date")
    return date.fromisoformat(value)


def stored_yes_no(value: object) -> bool:
    return yes_no(str(value).strip()) if value is not None else False
