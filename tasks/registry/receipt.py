"""Writes the receipt (message 1101) that answers a delivery.

It names event, person and DSMeld sheet of a record that was not taken, and our sentence about it.
The contents of the field (`feldinhalt`) stay out: the office has them, and a receipt lies around.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from lxml import etree

from tasks.domain.person import PersonKey
from tasks.errors import RegistryUnavailable
from tasks.registry.head import DeliveryHead, Party
from tasks.registry.sentences import about_delivery, about_record

_DIRECTORY_LIST = "3"  # version of the code lists for directory and channel


class Answer(StrEnum):
    """Antwortstatus. Anything but ACCEPTED: the same number is delivered again."""

    ACCEPTED = "00"
    REJECTED = "01"


class Consequence(StrEnum):
    """Konsequenz of one message in the receipt."""

    REJECTED = "01"
    ERROR = "02"
    HINT = "03"


@dataclass(frozen=True, slots=True)
class Message:
    event: str
    event_time: datetime | None
    key: PersonKey | None
    code: str
    consequence: Consequence = Consequence.REJECTED
    sheet: str = ""


def unreadable_head(ags: str, name: str, created_at: datetime, number: int = 0) -> DeliveryHead:
    """Stands in for the head of a file whose own head cannot be read."""
    party = Party(f"ags:{ags}", name)
    return DeliveryHead(
        version="25.11a",
        namespace="http://www.osci.de/xmeld2511a",
        uuid="",
        number=number,
        packet=1,
        last=True,
        ags=ags,
        municipality_name=name,
        kind="delta",
        created_at=created_at,
        author=party,
        reader=party,
    )


def write_receipt(
    head: DeliveryHead,
    status: Answer,
    read: int,
    rejected: int,
    messages: Iterable[Message],
    created_at: datetime,
    uuid: UUID,
    path: Path,
    error: str = "",
    expected_number: int | None = None,
) -> None:
    """`error` is our code for a delivery rejected as a whole; `created_at` has a time zone.

    The file appears under its name complete or not at all.
    """
    told = list(messages)
    root = _root(head)
    _header(root, head, created_at, uuid)
    summary = _sub(root, _q(head, "xmeldit.quittierung"))
    _sub(summary, _q(head, "laufende.nummer.der.lieferung"), str(head.number))
    _code(_sub(summary, _q(head, "antwortstatus")), status.value)
    if error:
        sentence = about_delivery(error, head.number, expected_number)
        _sub(summary, _q(head, "fehlermeldung"), sentence)
    _sub(summary, _q(head, "saetze.gelesen"), str(read))
    _sub(summary, _q(head, "saetze.zurueckgewiesen"), str(rejected))
    _sub(summary, _q(head, "saetze.meldung"), str(len(told)))
    municipality = _sub(summary, _q(head, "gemeinde"))
    _sub(municipality, _q(head, "amtlichergemeindename"), head.municipality_name)
    _ags(municipality, head, "amtlichergemeindeschluessel", head.ags)
    for message in told:
        _message(root, head, message)
    _write(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True), path)


def _root(head: DeliveryHead) -> etree._Element:
    root = etree.Element(
        _q(head, "xmeldit.datenlieferungquittung.1101"), nsmap={"xmeld": head.namespace}
    )
    root.set("produkt", "antragslos")
    root.set("produkthersteller", "antragslos")
    root.set("produktversion", "1")
    root.set("standard", "XMeld")
    if head.test:
        root.set("test", head.test)
    root.set("version", head.version)
    return root


def _header(root: etree._Element, head: DeliveryHead, created_at: datetime, uuid: UUID) -> None:
    header = _sub(root, "nachrichtenkopf.g2g")
    identification = _sub(header, "identifikation.nachricht")
    _sub(identification, "nachrichtenUUID", str(uuid))
    _code(_sub(identification, "nachrichtentyp"), "1101")
    _sub(identification, "erstellungszeitpunkt", _moment(created_at))
    # Whoever wrote the delivery reads the receipt.
    _party(_sub(header, "leser"), head.author)
    _party(_sub(header, "autor"), head.reader)
    if head.author_address:
        building = _sub(_sub(root, "anschrift.autor"), "gebaeude")
        for line, text in head.author_address:
            _sub(building, line, text)


def _party(element: etree._Element, party: Party) -> None:
    directory = _sub(element, "verzeichnisdienst")
    directory.set("listVersionID", _DIRECTORY_LIST)
    _code(directory, party.directory)
    _sub(element, "kennung", party.id)
    _sub(element, "name", party.name)
    if party.channel:
        reach = _sub(element, "erreichbarkeit")
        channel = _sub(reach, "kanal")
        channel.set("listVersionID", _DIRECTORY_LIST)
        _code(channel, party.channel)
        _sub(reach, "kennung", party.contact)


def _message(root: etree._Element, head: DeliveryHead, message: Message) -> None:
    element = _sub(root, _q(head, "meldung"))
    if message.event and message.event_time:
        origin = _sub(element, _q(head, "ursprungsereignis"))
        _sub(origin, "ereignis.zeitpunkt", _moment(message.event_time))
        _sub(origin, "ereignis.zeichen", message.event)
    _code(_sub(element, _q(head, "konsequenz")), message.consequence.value)
    if message.key:
        person = _sub(element, _q(head, "betroffeneperson"))
        _ags(person, head, "gemeindeschluessel", message.key.ags)
        _sub(person, _q(head, "ordnungsmerkmal"), message.key.number)
    if message.sheet:
        _sub(element, _q(head, "dsmeld.feldnummer"), message.sheet)
    taken = message.consequence == Consequence.HINT
    _sub(element, _q(head, "fehlermeldung"), about_record(message.code, taken))


def _ags(parent: etree._Element, head: DeliveryHead, name: str, ags: str) -> None:
    element = _sub(parent, _q(head, name))
    if head.ags_list:
        element.set("listVersionID", head.ags_list)
    _code(element, ags)


def _code(parent: etree._Element, value: str) -> None:
    _sub(parent, "code", value)


def _sub(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element


def _q(head: DeliveryHead, name: str) -> str:
    """Qualified as XMeld's own element; children of imported types have no namespace."""
    return f"{{{head.namespace}}}{name}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _write(content: bytes, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        with unfinished.open("xb") as file:  # x: through no link
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise RegistryUnavailable("registry.receipt_unwritable", detail=str(error.errno)) from None


def _sync_folder(folder: Path) -> None:
    """The new name, too, must survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
