"""The head of a delivery: who sends which number to whom, in which version of XMeld."""

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lxml import etree

from tasks.errors import DeliveryRejected
from tasks.registry.xml_stream import MAX_FILE_BYTES, local, stream

ROOT = "xmeldit.datenlieferung.1100"
RECORD = "datensatz"
NAMESPACE = "http://www.osci.de/xmeld"
HEAD_PARTS = {
    "nachrichtenkopf.g2g",
    "anschrift.autor",
    "nachrichtenidentifikation",
    "art.der.lieferung",
}
_REPEATED = {"erreichbarkeit"}  # may come several times
KINDS = {"gesamtlieferung": "full", "deltalieferung": "delta"}

_CALENDAR_VERSION = re.compile(r"(\d{4})[a-z]?")
_OLDEST_CALENDAR_VERSION = 2411


@dataclass(frozen=True, slots=True)
class Party:
    """An authority as the DVDV directory knows it: `ags:14612000`, `dbs:...`."""

    id: str
    name: str
    directory: str = "DVDV"
    channel: str = ""  # code of the first way to reach it
    contact: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryHead:
    """What stands before the first record. The receipt answers with the same fields."""

    version: str  # 25.11a
    namespace: str
    uuid: str
    number: int  # laufende.nummer.der.lieferung, gapless per municipality
    packet: int  # from 1
    last: bool
    ags: str
    municipality_name: str
    kind: str  # full | delta
    created_at: datetime
    author: Party
    reader: Party
    author_address: tuple[tuple[str, str], ...] = ()  # element and text, as delivered
    ags_list: str = ""  # version of the Gemeindeverzeichnis
    test: str = ""  # the delivery calls itself test data


def read_head(path: Path, max_bytes: int = MAX_FILE_BYTES) -> DeliveryHead:
    """Stops at the first record; nothing is known yet about the rest of the file."""
    root: etree._Element | None = None
    parts: dict[str, etree._Element] = {}
    with closing(stream(path, ("start", "end"), RECORD, max_bytes=max_bytes)) as events:
        for event, element in events:
            if root is None:
                root = element
                _check_root(root)
            if event == "start" and local(element) == RECORD:
                break
            if event == "end" and element.getparent() is root:
                parts[local(element)] = element
    if root is None:
        raise DeliveryRejected("registry.empty")
    _check_said_once(root)
    return _head(root, parts)


def check_head(head: DeliveryHead, expected_ags: str, expected_number: int) -> None:
    """One municipality's deliveries come without a gap; a number counts once."""
    if head.ags != expected_ags:
        raise DeliveryRejected("registry.wrong_ags")
    if head.number > expected_number:
        raise DeliveryRejected("registry.number_gap", str(head.number))
    if head.number < expected_number:
        raise DeliveryRejected("registry.number_repeated", str(head.number))


def _check_root(root: etree._Element) -> None:
    if local(root) != ROOT:
        raise DeliveryRejected("registry.wrong_message", detail=local(root)[:100])
    namespace = etree.QName(root).namespace or ""
    short = namespace.removeprefix(NAMESPACE)
    calendar = _CALENDAR_VERSION.fullmatch(short)
    supported = short == "34" or (calendar and int(calendar[1]) >= _OLDEST_CALENDAR_VERSION)
    if not namespace.startswith(NAMESPACE) or not supported:
        version = root.get("version") or namespace
        raise DeliveryRejected("registry.unsupported_version", detail=version[:100])


def _check_said_once(element: etree._Element) -> None:
    """The first or the last of two would win by chance; which number counts must be certain."""
    parts = [part for part in element if local(part) != RECORD]
    once = [name for part in parts if (name := local(part)) not in _REPEATED]
    if len(set(once)) < len(once):
        raise DeliveryRejected("registry.head_twice")
    for part in parts:
        _check_said_once(part)


def _head(root: etree._Element, parts: dict[str, etree._Element]) -> DeliveryHead:
    header = _part(parts, "nachrichtenkopf.g2g")
    # The header is an imported type whose children have no namespace. Under a default namespace
    # they all move into XMeld's, and a reader by qualified name finds records without a sign.
    if None in root.nsmap and etree.QName(header).namespace:
        raise DeliveryRejected("registry.wrong_namespace")
    packet = _child(_part(parts, "nachrichtenidentifikation"), "paketierung")
    municipality = _child(parts["nachrichtenidentifikation"], "gemeinde")
    ags = _child(municipality, "amtlichergemeindeschluessel")
    message = _child(header, "identifikation.nachricht")
    kind = _text(_part(parts, "art.der.lieferung"))
    if kind not in KINDS:
        raise DeliveryRejected("registry.bad_head", "art.der.lieferung")
    return DeliveryHead(
        version=root.get("version", ""),
        namespace=etree.QName(root).namespace or "",
        uuid=_text(message, "nachrichtenUUID"),
        number=_number(packet, "laufende.nummer.der.lieferung"),
        packet=_number(packet, "paketnummer"),
        last=_flag(packet, "letztes.paket"),
        ags=_text(ags, "code"),
        municipality_name=_text(municipality, "amtlichergemeindename"),
        kind=KINDS[kind],
        created_at=_moment(message, "erstellungszeitpunkt"),
        author=_party(_child(header, "autor")),
        reader=_party(_child(header, "leser")),
        author_address=_address(parts),
        ags_list=ags.get("listVersionID", ""),
        test=root.get("test", ""),
    )


def _address(parts: dict[str, etree._Element]) -> tuple[tuple[str, str], ...]:
    building = parts.get("anschrift.autor")
    if building is None or not len(building):
        return ()
    return tuple((local(line), (line.text or "").strip()) for line in building[0])


def _party(element: etree._Element) -> Party:
    reach = element.find("{*}erreichbarkeit")
    return Party(
        id=_text(element, "kennung"),
        name=_text(element, "name"),
        directory=_text(element, "verzeichnisdienst", "code"),
        channel="" if reach is None else _text(reach, "kanal", "code"),
        contact="" if reach is None else _text(reach, "kennung"),
    )


def _part(parts: dict[str, etree._Element], name: str) -> etree._Element:
    if name not in parts:
        raise DeliveryRejected("registry.bad_head", name)
    return parts[name]


def _child(element: etree._Element, *path: str) -> etree._Element:
    for name in path:
        found = element.find(f"{{*}}{name}")
        if found is None:
            raise DeliveryRejected("registry.bad_head", name)
        element = found
    return element


def _text(element: etree._Element, *path: str) -> str:
    text = (_child(element, *path).text or "").strip()
    if not text:
        raise DeliveryRejected("registry.bad_head", path[-1] if path else local(element))
    return text


def _number(element: etree._Element, name: str) -> int:
    text = _text(element, name)
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        raise DeliveryRejected("registry.bad_head", name)
    return int(text)


def _flag(element: etree._Element, name: str) -> bool:
    text = _text(element, name)
    if text not in ("true", "1", "false", "0"):
        raise DeliveryRejected("registry.bad_head", name)
    return text in ("true", "1")


def _moment(element: etree._Element, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(element, name))
    except ValueError:
        raise DeliveryRejected("registry.bad_head", name) from None
    if moment.tzinfo is None:
        raise DeliveryRejected("registry.bad_head", name)
    return moment
