"""What the intake does with good, bad, late and repeated deliveries."""

from datetime import date
from pathlib import Path

import pytest
from lxml import etree
from sqlmodel import select

from tasks.pull import has_deliveries, pull
from tasks.state.database import reading
from tasks.state.tables import Cursor, Delivery, DeltaRow, PersonRow, Quarantine
from tests.town import Town

MONDAY = date(2026, 11, 23)
# file -> code with which the whole delivery is refused, with numbers 1 and 2 accepted before
REFUSED = {
    "01-luecke-lieferungsnummer.xml": "registry.number_gap",
    "03-abgeschnitten.xml": "registry.not_well_formed",
    "04-falscher-ags-lieferung.xml": "registry.wrong_ags",
    "06-xxe.xml": "registry.doctype",
    "07-billion-laughs-klein.xml": "registry.doctype",
    "10-doppeltes-ereigniszeichen.xml": "registry.duplicate_event",
    "11-kodierung-utf8-deklariert-latin1.xml": "registry.not_well_formed",
    "12-kodierung-latin1-deklariert-utf8.xml": "registry.encoding",
    "13-kein-xml.xml": "registry.not_well_formed",
    "14-1101-statt-1100.xml": "registry.wrong_message",
    "15-fremde-version.xml": "registry.unsupported_version",
    "16-chronologie.xml": "registry.not_chronological",
    "17-leer.xml": "registry.empty",
    "18-namensraum-default.xml": "registry.wrong_namespace",
    "20-nummer-wiederholt-anderer-inhalt.xml": "registry.number_repeated",
    "21-gesamt-und-delta-gemischt.xml": "registry.full_with_delta_codes",
}
QUARANTINED = {
    "05-falscher-ags-datensatz.xml": "registry.record_wrong_ags",
    "08-unbekannter-anlass.xml": "registry.unknown_code",
    "09-ungueltiges-datum.xml": "registry.invalid_date",
    "19-302-ohne-aktuelle-wohnung.xml": "registry.no_current_dwelling",
}


@pytest.fixture
def started(town: Town) -> Town:
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    pull(town.opened, MONDAY)
    return town


def state(town: Town) -> tuple[int, int, int]:
    """(last number, deltas, persons)."""
    with reading(town.opened.engine) as session:
        cursor = session.get(Cursor, (town.slug, "xmeldit"))
        deltas = session.exec(select(DeltaRow)).all()
        people = session.exec(select(PersonRow)).all()
    return (cursor.number if cursor else 0, len(deltas), len(people))


def receipt(town: Town, pattern: str) -> etree._Element:
    (path,) = (town.folder / "receipts").glob(pattern)
    return etree.parse(path).getroot()


def text(root: etree._Element, name: str) -> str:
    return str(root.xpath(f"string(//*[local-name()='{name}'])"))


@pytest.mark.parametrize(("name", "code"), REFUSED.items())
def test_a_bad_delivery_is_refused_with_its_code_and_loses_nothing(
    started: Town, name: str, code: str
) -> None:
    before = state(started)
    started.put(f"bad/{name}")

    counts = pull(started.opened, MONDAY)

    assert counts["rejected"] == 1
    assert counts["deltas"] == 0
    assert state(started) == before
    assert [path.name for path in (started.folder / "rejected").iterdir()] == [name]
    answer = receipt(started, "*rejected*")
    assert text(answer, "antwortstatus").strip() == "01"
    assert text(answer, "fehlermeldung")
    if code != "registry.number_repeated":  # that number was accepted, the intake goes on
        assert counts[f"stopped:{code}"] == 1
        with reading(started.opened.engine) as session:
            codes = session.exec(select(Delivery.code).where(Delivery.status == "rejected")).all()
        assert codes == [code]


@pytest.mark.parametrize("name", REFUSED)
def test_after_a_refused_delivery_the_right_one_is_taken(started: Town, name: str) -> None:
    started.put(f"bad/{name}")
    pull(started.opened, MONDAY)
    started.put("0003-deltalieferung-ruecknahme.xml")

    counts = pull(started.opened, MONDAY)

    assert (counts["deliveries"], counts["deltas"]) == (1, 5)
    stopped = [code for code in counts if code.startswith("stopped:")]
    # Number 5 was refused as a gap and is still to come.
    assert stopped == (["stopped:registry.number_gap"] if name.startswith("01") else [])


@pytest.mark.parametrize(("name", "code"), QUARANTINED.items())
def test_a_bad_record_is_quarantined_and_the_rest_goes_on(
    started: Town, name: str, code: str
) -> None:
    number, deltas, _ = state(started)
    started.put(f"bad/{name}")

    counts = pull(started.opened, MONDAY)

    assert (counts["quarantined"], counts["rejected"]) == (1, 0)
    assert state(started)[0] == number + 1
    assert state(started)[1] == deltas + counts["records"] - 1
    with reading(started.opened.engine) as session:
        (row,) = session.exec(select(Quarantine)).all()
    assert row.code == code
    assert row.raw.startswith(b"<")
    answer = receipt(started, "1101-0003.xml")
    assert text(answer, "antwortstatus").strip() == "00"
    assert text(answer, "saetze.zurueckgewiesen") == "1"
    assert text(answer, "ereignis.zeichen") == row.event


def test_the_external_entity_is_never_read(started: Town) -> None:
    started.put("bad/06-xxe.xml")
    pull(started.opened, MONDAY)

    host = Path("/etc/hostname").read_text().strip()
    with reading(started.opened.engine) as session:
        assert not [row for row in session.exec(select(PersonRow)) if host in row.snapshot]


def test_a_missing_packet_stops_the_intake_until_it_comes(started: Town) -> None:
    before = state(started)
    started.put("bad/02-paket-fehlt-paket1.xml", "bad/02-paket-fehlt-paket3.xml")

    counts = pull(started.opened, MONDAY)

    assert counts["stopped:registry.packet_missing"] == 1
    assert state(started) == before
    assert len(list((started.folder / "inbox").iterdir())) == 2


def test_while_packets_are_on_their_way_nothing_counts_and_nobody_is_alarmed(town: Town) -> None:
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    town.put("0003-deltalieferung-ruecknahme.xml", "0004-paket1.xml")
    counts = pull(town.opened, MONDAY)
    assert (counts["deliveries"], counts["waiting_packets"]) == (3, 1)
    assert not [code for code in counts if code.startswith("stopped:")]

    town.put("0004-paket2.xml")
    counts = pull(town.opened, MONDAY)

    assert (counts["deliveries"], counts["deltas"]) == (1, 3)


def test_deliveries_are_taken_in_the_order_of_their_numbers_not_of_their_names(town: Town) -> None:
    town.put("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")
    inbox = town.folder / "inbox"
    (inbox / "0001-gesamtlieferung.xml").rename(inbox / "z.xml")
    (inbox / "0002-deltalieferung.xml").rename(inbox / "a.xml")

    counts = pull(town.opened, MONDAY)

    assert (counts["deliveries"], counts["records"]) == (2, 29)


def test_a_municipality_joins_with_a_full_delivery_of_any_number(town: Town) -> None:
    path = town.folder / "inbox" / "full.xml"
    town.put("0001-gesamtlieferung.xml")
    (town.folder / "inbox" / "0001-gesamtlieferung.xml").rename(path)
    number = "laufende.nummer.der.lieferung>"
    path.write_text(path.read_text().replace(f"{number}1<", f"{number}4711<"))

    assert pull(town.opened, MONDAY)["deliveries"] == 1
    assert state(town)[0] == 4711


def test_a_file_that_is_still_being_written_is_left_alone(town: Town) -> None:
    (town.folder / "inbox" / "0001.xml.part").write_bytes(b"<half")
    (town.folder / "inbox" / ".0001.xml").write_bytes(b"<half")

    assert not pull(town.opened, MONDAY)


def test_a_packet_sent_twice_under_two_names_is_one_packet(started: Town) -> None:
    started.put("0003-deltalieferung-ruecknahme.xml")
    inbox = started.folder / "inbox"
    (inbox / "again.xml").write_bytes((inbox / "0003-deltalieferung-ruecknahme.xml").read_bytes())

    counts = pull(started.opened, MONDAY)

    assert (counts["deliveries"], counts["deltas"], counts["rejected"]) == (1, 5, 0)
    assert not list(inbox.iterdir())


def test_two_different_files_for_one_packet_are_refused(started: Town) -> None:
    started.put("0003-deltalieferung-ruecknahme.xml", "bad/05-falscher-ags-datensatz.xml")

    counts = pull(started.opened, MONDAY)

    assert counts["stopped:registry.packet_twice"] == 1
    assert state(started)[0] == 2


def test_every_run_says_that_the_intake_stands_still(started: Town) -> None:
    started.put("bad/01-luecke-lieferungsnummer.xml")
    pull(started.opened, MONDAY)

    assert has_deliveries(started.opened), "an empty inbox does not hide it"
    assert pull(started.opened, MONDAY)["stopped:registry.number_gap"] == 1


def test_another_municipalitys_delivery_never_takes_our_number(started: Town) -> None:
    started.put("bad/04-falscher-ags-lieferung.xml", "0003-deltalieferung-ruecknahme.xml")

    counts = pull(started.opened, MONDAY)

    assert (counts["deliveries"], counts["deltas"], counts["rejected"]) == (1, 5, 1)
    assert state(started)[0] == 3


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_an_event_at_the_end_of_the_calendar_is_quarantined(started: Town, moment: str) -> None:
    started.put("0003-deltalieferung-ruecknahme.xml")
    path = started.folder / "inbox" / "0003-deltalieferung-ruecknahme.xml"
    tag = "ereignis.zeitpunkt>"
    head, _, rest = path.read_text().partition(f"<{tag}")
    path.write_text(f"{head}<{tag}{moment}</{tag}{rest.partition(f'</{tag}')[2]}")

    counts = pull(started.opened, MONDAY)

    assert (counts["quarantined"], counts["deltas"]) == (1, 4)
