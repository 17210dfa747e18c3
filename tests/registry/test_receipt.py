"""The receipt says to the registry office what was taken and what was not, and no more."""

import re
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from tasks.domain.person import PersonKey
from tasks.errors import RegistryUnavailable
from tasks.registry import sentences
from tasks.registry.head import read_head
from tasks.registry.receipt import Answer, Consequence, Message, unreadable_head, write_receipt
from tasks.registry.xml_stream import local

DELIVERIES = Path(__file__).parents[1] / "data" / "deliveries"
NOW = datetime.fromisoformat("2026-11-23T05:03:00.000+01:00")
WOJCIK = PersonKey("09000009", "000000010025")
BRANDT = PersonKey("09000009", "000000010017")
MESSAGES = [
    Message(
        "E0009-0001",
        datetime.fromisoformat("2026-11-23T09:00:00+01:00"),
        WOJCIK,
        "registry.invalid_date",
        Consequence.HINT,
        "1301",
    ),
    Message(
        "E0009-0002",
        datetime.fromisoformat("2026-11-23T10:20:00+01:00"),
        BRANDT,
        "registry.record_wrong_ags",
    ),
]


def uuid(last: int) -> UUID:
    return UUID(int=UUID("00000000-0000-4000-8000-000000000000").int + last)


def outline(path: Path, without: tuple[str, ...] = ()) -> list[tuple[str, bool, str]]:
    """Depth first: name, whether it is in XMeld's namespace, and text."""
    root = etree.parse(path).getroot()
    return [
        (place(element), element.tag.startswith("{"), (element.text or "").strip())
        for element in root.iter()
        if local(element) not in without
    ]


def place(element: etree._Element) -> str:
    return "/".join(local(e) for e in [*reversed(list(element.iterancestors())), element])


def test_an_accepted_delivery_gets_the_receipt_that_the_office_knows(tmp_path):
    path = tmp_path / "receipt.xml"
    head = read_head(DELIVERIES / "0002-deltalieferung.xml")

    write_receipt(head, Answer.ACCEPTED, 17, 0, [], NOW, uuid(0x201), path)

    swapped = swap_contacts(outline(DELIVERIES / "1101-quittung-ok.xml"))
    assert outline(path) == swapped


def test_rejected_records_and_hints_are_named_by_event_person_and_sheet(tmp_path):
    path = tmp_path / "receipt.xml"
    head = read_head(DELIVERIES / "bad" / "05-falscher-ags-datensatz.xml")

    write_receipt(head, Answer.ACCEPTED, 2, 1, MESSAGES, NOW, uuid(0x202), path)

    ours, known = outline(path), outline(DELIVERIES / "1101-quittung-fehler.xml", ("feldinhalt",))
    hint = "xmeldit.datenlieferungquittung.1101/meldung/fehlermeldung"
    told = [text for name, _, text in ours if name == hint]
    assert told == [
        "Datum oder Zeitpunkt ist ungültig; Datensatz übernommen",
        "Gemeindeschlüssel des Datensatzes weicht von der liefernden Gemeinde ab;"
        " Datensatz nicht übernommen",
    ]
    assert told[1] in [text for _, _, text in known]
    assert without_text(ours, hint) == without_text(swap_contacts(known), hint)


def test_a_rejected_delivery_is_told_which_number_is_due(tmp_path):
    path = tmp_path / "receipt.xml"
    head = read_head(DELIVERIES / "bad" / "01-luecke-lieferungsnummer.xml")

    write_receipt(
        head,
        Answer.REJECTED,
        0,
        0,
        [],
        NOW,
        uuid(0x203),
        path,
        error="registry.number_gap",
        expected_number=3,
    )

    assert outline(path) == swap_contacts(outline(DELIVERIES / "1101-quittung-abgelehnt.xml"))


def test_an_unreadable_delivery_is_answered_in_the_version_that_everyone_reads(tmp_path):
    path = tmp_path / "receipt.xml"
    head = unreadable_head("09000009", "Musterstadt", NOW)

    write_receipt(
        head, Answer.REJECTED, 0, 0, [], NOW, uuid(1), path, error="registry.not_well_formed"
    )

    root = etree.parse(path).getroot()
    assert etree.QName(root).namespace == "http://www.osci.de/xmeld2511a"
    assert root.get("version") == "25.11a"
    assert root.findtext("{*}xmeldit.quittierung/{*}laufende.nummer.der.lieferung") == "0"
    assert root.findtext("{*}xmeldit.quittierung/{*}fehlermeldung").endswith("nicht verarbeitet")


def test_the_receipt_answers_in_the_version_of_the_delivery(tmp_path):
    text = (DELIVERIES / "0002-deltalieferung.xml").read_text(encoding="utf-8")
    delivery = tmp_path / "delivery.xml"
    delivery.write_text(text.replace("xmeld2511a", "xmeld34").replace("25.11a", "3.4"))
    path = tmp_path / "receipt.xml"

    write_receipt(read_head(delivery), Answer.ACCEPTED, 17, 0, [], NOW, uuid(1), path)

    root = etree.parse(path).getroot()
    assert (etree.QName(root).namespace, root.get("version")) == (
        "http://www.osci.de/xmeld34",
        "3.4",
    )


def test_a_record_without_a_readable_origin_is_still_told(tmp_path):
    path = tmp_path / "receipt.xml"
    head = read_head(DELIVERIES / "0002-deltalieferung.xml")
    nameless = Message("", None, None, "registry.missing_field")

    write_receipt(head, Answer.ACCEPTED, 17, 1, [nameless], NOW, uuid(1), path)

    (message,) = etree.parse(path).getroot().findall("{*}meldung")
    assert [local(part) for part in message] == ["konsequenz", "fehlermeldung"]


def test_every_code_of_a_rejection_has_a_german_sentence_and_no_sentence_is_left_over():
    sources = Path(sentences.__file__).parents[1].rglob("*.py")
    rejection = re.compile(r'(?:Delivery|Record)Rejected\(\s*"(registry\.\w+)"')
    raised = {code for path in sources for code in rejection.findall(path.read_text("utf-8"))}

    assert raised == {*sentences.DELIVERY_SENTENCES, *sentences.RECORD_SENTENCES}


def test_a_code_without_a_sentence_is_told_as_it_is():
    told = sentences.about_delivery("registry.unheard_of", 3, None)

    assert told == (
        "Die Lieferung ist fehlerhaft (registry.unheard_of)."
        " Die ganze Lieferung wurde nicht verarbeitet"
    )


def test_a_receipt_that_cannot_be_written_leaves_nothing_half_done(tmp_path):
    head = read_head(DELIVERIES / "0002-deltalieferung.xml")
    occupied = tmp_path / "receipt.xml"
    occupied.mkdir()

    for path in (occupied, tmp_path / "absent" / "receipt.xml"):
        with pytest.raises(RegistryUnavailable, match=r"registry\.receipt_unwritable"):
            write_receipt(head, Answer.ACCEPTED, 17, 0, [], NOW, uuid(1), path)

    assert list(tmp_path.iterdir()) == [occupied]


def test_writing_a_receipt_again_replaces_it(tmp_path):
    head = read_head(DELIVERIES / "0002-deltalieferung.xml")
    path = tmp_path / "receipt.xml"

    for _ in range(2):
        write_receipt(head, Answer.ACCEPTED, 17, 0, [], NOW, uuid(1), path)

    assert list(tmp_path.iterdir()) == [path]


def swap_contacts(known):
    """The known receipts name contacts by role; ours stay with the party that has them."""
    swap = {"leser@test.invalid": "autor@test.invalid", "autor@test.invalid": "leser@test.invalid"}
    return [(name, qualified, swap.get(text, text)) for name, qualified, text in known]


def without_text(lines, name):
    return [(n, q, "" if n == name else text) for n, q, text in lines]
