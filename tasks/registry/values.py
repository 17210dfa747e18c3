"""Single values of a record: texts, dates, flags, codes. An error names the DSMeld sheet."""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from lxml import etree

from tasks.domain.person import DwellingStatus, PartialDate
from tasks.domain.text import plain
from tasks.errors import RecordRejected
from tasks.registry.xml_stream import local, local_name

MAX_TEXT = 1000  # no field of DSMeld comes near

_STATUS = {status.value: status for status in DwellingStatus}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# What we read and the schema allows once in its place. All else may come several times: dwellings,
# locks, children, former names.
ONCE = set(
    """
    identifikation.ereignis ereignis.zeichen ereignis.zeitpunkt uebermittlungsanlass
    identifikation.betroffeneperson gemeindeschluessel ordnungsmerkmal personendaten
    namenatuerlicheperson familienname.unstrukturiert geburtsname.unstrukturiert vornamen
    gebraeuchlicherVorname ordensname kuenstlername doktorgrad geburt tod geschlecht grund frist
    xmeldit.anschrift datumDesBeziehens datumDesAuszugs statusderwohnung wohnung.aktuell
    datumAnmeldungBeiAnmeldebehoerde datumDesWohnungsstatuswechsels anschrift.inland
    bedingterSperrvermerk staat strasse hausnummer hausnummerBuchstabeZusatzziffer
    teilnummerDerHausnummer postleitzahl wohnort wohnortFruehererGemeindename zusatzangaben
    stockwerkswohnungsnummer wohnungsinhaber
    """.split()  # noqa: SIM905
)
_CHOICES = (
    {"name", "nichtVorhanden"},
    {"datum", "jahr", "jahrMonat", "jahrMonatTag", "teilbekanntesDatum", "unbekannt"},
)
# XML Schema allows a time zone behind every date.
_DATE = re.compile(r"([0-9]{4}(?:-[0-9]{2}){0,2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")


def parts(element: etree._Element, sheet: str = "") -> list[tuple[str, etree._Element]]:
    """(local name, child) for each child. What may stand there once and says two things is refused:
    the machine would choose one of them by chance."""
    found = [(local_name(child.tag), child) for child in element]
    if len(dict(found)) < len(found):
        _said_once(found, sheet)
    return found


def one_child(element: etree._Element, sheet: str = "") -> etree._Element | None:
    """The one that was chosen, where the schema offers a choice; None where there is none."""
    children = list(element)
    return one_of(children, sheet) if children else None


def one_of(found: Iterable[etree._Element], sheet: str = "") -> etree._Element:
    """The first of elements that all say the same."""
    first, *others = found
    if others and any(_said(part) != _said(first) for part in others):
        raise RecordRejected("registry.said_twice", sheet)
    return first


def _said_once(found: list[tuple[str, etree._Element]], sheet: str) -> None:
    for name in {name for name, _ in found} & ONCE:
        one_of([part for other, part in found if other == name], sheet)


def _value(element: etree._Element, sheet: str) -> etree._Element:
    """A value may have beside it what proves it, and a code its name; but no other value."""
    name = local(element[0])
    same = next((choice for choice in _CHOICES if name in choice), {name})
    return one_of([part for part in element if local(part) in same], sheet)


def _said(element: etree._Element) -> tuple[object, ...]:
    """What an element says, apart from how it is written."""
    return local(element), (element.text or "").strip(), *(_said(part) for part in element)


def leaf(element: etree._Element, sheet: str = "") -> str:
    """The text of the first element at the bottom.

    `code`, `name`, `datum` and the like are wrapped once or twice. „nichtVorhanden“ (a name rightly
    absent) and `unbekannt` stand where the text would be and mean none.
    """
    while children := len(element):
        element = element[0] if children == 1 else _value(element, sheet)
    text = element.text
    if not text:
        return ""
    if len(text) > MAX_TEXT:
        raise RecordRejected("registry.overlong", sheet)
    text = text.strip()
    if text in _FLAGS and local(element) in ("nichtVorhanden", "unbekannt"):
        return ""
    return text if text.isascii() else plain(text)


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
