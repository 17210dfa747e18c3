"""Single values of a record: texts, dates, flags, codes. An error names the DSMeld sheet."""

import re
from datetime import date
from functools import lru_cache

from lxml import etree

from tasks.domain.person import DwellingStatus, PartialDate
from tasks.errors import RecordRejected
from tasks.registry.xml_stream import local

MAX_TEXT = 1000  # no field of DSMeld comes near

_STATUS = {status.value: status for status in DwellingStatus}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# XML Schema allows a time zone behind every date.
_DATE = re.compile(r"([0-9]{4}(?:-[0-9]{2}){0,2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")


def leaf(element: etree._Element, sheet: str = "") -> str:
    """The text of the first element at the bottom.

    `code`, `name`, `datum` and the like are wrapped once or twice. „nichtVorhanden“ (a name rightly
    absent) and `unbekannt` stand where the text would be and mean none.
    """
    while len(element):
        element = element[0]
    text = element.text
    if not text:
        return ""
    if len(text) > MAX_TEXT:
        raise RecordRejected("registry.overlong", sheet)
    text = text.strip()
    if text in _FLAGS and local(element) in ("nichtVorhanden", "unbekannt"):
        return ""
    return text


def read_day(element: etree._Element, sheet: str) -> PartialDate:
    text = leaf(element, sheet)
    try:
        return _parsed(text)
    except ValueError:
        raise RecordRejected("registry.invalid_date", sheet) from None


@lru_cache(maxsize=8192)
def _parsed(text: str) -> PartialDate:
    if len(text) == 10 and text[4] == text[7] == "-":
        known = date.fromisoformat(text)
        return PartialDate(known.year, known.month, known.day)
    if not text:
        return PartialDate()
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError("not a date")
    return PartialDate.parse(match[1])


def read_status(code: str) -> DwellingStatus:
    if code not in _STATUS:
        raise RecordRejected("registry.invalid_value", "1213")
    return _STATUS[code]


def read_flag(element: etree._Element, sheet: str = "") -> bool:
    text = leaf(element, sheet)
    if text not in _FLAGS:
        raise RecordRejected("registry.invalid_value", sheet)
    return _FLAGS[text]
