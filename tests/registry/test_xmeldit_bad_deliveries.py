"""Each fault gets its own code, loses nothing, and shows nobody's data."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from tasks.domain.person import PersonKey
from tasks.errors import AntragslosError, DeliveryRejected, RegistryUnavailable
from tasks.registry import xml_stream
from tasks.registry.xmeldit import BadRecord, RegistryRecord, check_head, read_head, read_records

BAD = Path(__file__).parents[1] / "data" / "deliveries" / "bad"
AGS = "09000009"

REJECTED = {
    "01-luecke-lieferungsnummer": "registry.number_gap 5",
    "03-abgeschnitten": "registry.not_well_formed",
    "04-falscher-ags-lieferung": "registry.wrong_ags",
    "06-xxe": "registry.doctype",
    "07-billion-laughs-klein": "registry.doctype",
    "10-doppeltes-ereigniszeichen": "registry.duplicate_event",
    "11-kodierung-utf8-deklariert-latin1": "registry.not_well_formed",
    "12-kodierung-latin1-deklariert-utf8": "registry.encoding",
    "13-kein-xml": "registry.not_well_formed",
    "14-1101-statt-1100": "registry.wrong_message",
    "15-fremde-version": "registry.unsupported_version",
    "16-chronologie": "registry.not_chronological",
    "17-leer": "registry.empty",
    "18-namensraum-default": "registry.wrong_namespace",
    "20-nummer-wiederholt-anderer-inhalt": "registry.number_repeated 2",
    "21-gesamt-und-delta-gemischt": "registry.full_with_delta_codes",
}
QUARANTINED = {  # file: (sign, code, sheet)
    "05-falscher-ags-datensatz": ("E0009-0002", "registry.record_wrong_ags", ""),
    "08-unbekannter-anlass": ("E0009-0001", "registry.unknown_code", ""),
    "09-ungueltiges-datum": ("E0009-0001", "registry.invalid_date", "1301"),
    "19-302-ohne-aktuelle-wohnung": ("E0009-0001", "registry.no_current_dwelling", ""),
}
WAITING = {"02-paket-fehlt-paket1", "02-paket-fehlt-paket3"}
NAMES = ("Wójcik", "Łukasz", "Mönchenstraße", "Kröpeliner", "000000010025")


def take(path: Path) -> list[RegistryRecord | BadRecord]:
    """All of a delivery, as the intake reads it while number 3 is due."""
    check_head(read_head(path), AGS, expected_number=3)
    return list(read_records(path, AGS))


def test_every_bad_delivery_is_expected_here():
    assert {path.stem for path in BAD.glob("*.xml")} == {*REJECTED, *QUARANTINED, *WAITING}


@pytest.mark.parametrize("name", REJECTED)
def test_a_bad_delivery_is_rejected_by_a_code_without_personal_data(name):
    with pytest.raises(DeliveryRejected) as rejection:
        take(BAD / f"{name}.xml")

    assert str(rejection.value) == REJECTED[name]
    assert not any(text in rejection.value.detail for text in NAMES)
    assert rejection.value.__suppress_context__ or rejection.value.__context__ is None


@pytest.mark.parametrize("name", QUARANTINED)
def test_a_bad_record_is_handed_out_for_quarantine_and_the_rest_goes_on(name):
    records = take(BAD / f"{name}.xml")
    (bad,) = [record for record in records if isinstance(record, BadRecord)]

    assert (bad.event, bad.code, bad.sheet) == QUARANTINED[name]
    assert bad.event_time is not None
    assert bad.event_time.tzinfo is not None
    assert bad.key is not None
    assert bad.position == len(records)
    assert bad.event.encode() in bad.raw
    assert bad.raw.startswith(b"<xmeld:datensatz")


def test_a_bad_record_leaves_the_good_one_before_it():
    good, bad = take(BAD / "05-falscher-ags-datensatz.xml")

    assert isinstance(good, RegistryRecord)
    assert isinstance(bad, BadRecord)
    assert bad.key == PersonKey("14713000", "000000010017")


@pytest.mark.parametrize(("name", "packet"), [("paket1", 1), ("paket3", 3)])
def test_a_packet_without_its_neighbour_reads_well_and_says_which_one_it_is(name, packet):
    path = BAD / f"02-paket-fehlt-{name}.xml"

    assert len(take(path)) == 1
    assert read_head(path).packet == packet


def test_a_truncated_delivery_hands_out_records_before_it_fails():
    records = read_records(BAD / "03-abgeschnitten.xml", AGS)

    assert isinstance(next(records), RegistryRecord)
    with pytest.raises(DeliveryRejected, match=r"registry\.not_well_formed"):
        next(records)


def test_an_external_entity_is_never_opened(tmp_path):
    """The file of the entity is a named pipe: a parser that opened it would hang for ever."""
    pipe = tmp_path / "secret"
    os.mkfifo(pipe)
    text = (BAD / "06-xxe.xml").read_text(encoding="utf-8")
    path = tmp_path / "xxe.xml"
    path.write_text(text.replace("/etc/hostname", str(pipe)), encoding="utf-8")

    with pytest.raises(DeliveryRejected, match=r"registry\.doctype"):
        read_head(path)
    with pytest.raises(DeliveryRejected, match=r"registry\.doctype"):
        list(read_records(path, AGS))


GOOD = (BAD / "20-nummer-wiederholt-anderer-inhalt.xml").read_text(encoding="utf-8")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "delivery.xml"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("<!DOCTYPE x>", "registry.doctype"),
        ("<!-- harmless --><?a b?>\n<!DOCTYPE x [<!ENTITY e 'x'>]>", "registry.doctype"),
        (f"<!--{' ' * 70_000}--><!DOCTYPE x>", "registry.not_well_formed"),
        ("<!-- never closed", "registry.not_well_formed"),
        ("<!doctype x>", "registry.not_well_formed"),
    ],
)
def test_a_doctype_cannot_hide_behind_comments(tmp_path, start, code):
    path = written(tmp_path, GOOD.replace(DECLARATION, DECLARATION + start))

    with pytest.raises(DeliveryRejected) as rejection:
        read_head(path)
    assert rejection.value.code == code


@pytest.mark.parametrize("start", ["", "\ufeff" + DECLARATION, DECLARATION + "<!-- from us -->\n"])
def test_a_byte_order_mark_a_comment_or_a_missing_declaration_is_no_fault(tmp_path, start):
    path = written(tmp_path, GOOD.replace(DECLARATION, start))

    assert read_head(path).number == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_only_utf_8_is_read(tmp_path, encoding):
    path = written(tmp_path, GOOD.replace("UTF-8", encoding), encoding)

    with pytest.raises(DeliveryRejected, match=r"registry\.encoding"):
        read_head(path)


@pytest.mark.parametrize(
    ("short", "version"),
    [("34", "3.4"), ("2411", "24.11"), ("2511a", "25.11a"), ("2605", "26.05"), ("2711b", "27.11b")],
)
def test_supported_and_later_versions_read_the_same(tmp_path, short, version):
    text = GOOD.replace("xmeld2511a", f"xmeld{short}").replace("25.11a", version)
    path = written(tmp_path, text)

    assert read_head(path).version == version
    (record,) = read_records(path, AGS)
    assert isinstance(record, RegistryRecord)


@pytest.mark.parametrize("short", ["33", "243", "2405", "2511aa", "", "34/x"])
def test_an_older_or_unknown_version_is_refused_by_name(tmp_path, short):
    path = written(tmp_path, GOOD.replace("xmeld2511a", f"xmeld{short}"))

    with pytest.raises(DeliveryRejected) as rejection:
        list(read_records(path, AGS))
    assert rejection.value.code == "registry.unsupported_version"
    assert rejection.value.detail == "25.11a"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("laufende.nummer.der.lieferung>2<", "laufende.nummer.der.lieferung>zwei<"),
        ("laufende.nummer.der.lieferung>2<", "laufende.nummer.der.lieferung>0<"),
        ("laufende.nummer.der.lieferung>2<", "laufende.nummer.der.lieferung>²<"),
        (">true</xmeld:letztes.paket", ">yes</xmeld:letztes.paket"),
        (">deltalieferung<", ">teillieferung<"),
        ("erstellungszeitpunkt>2026-11-24T", "erstellungszeitpunkt>2026-13-24T"),
        ("<name>Zentrales Register Musterland (Testmandant)</name>", ""),
    ],
)
def test_a_head_that_cannot_be_trusted_rejects_the_delivery(tmp_path, old, new):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))

    with pytest.raises(DeliveryRejected, match=r"registry\.bad_head"):
        read_head(path)


@pytest.mark.parametrize(
    ("old", "new", "code", "sheet"),
    [
        ("<ereignis.zeichen>E0009-0001<", "<ereignis.zeichen><", "registry.missing_field", ""),
        ("E0009-0001", "E" * 101, "registry.overlong", ""),
        ("2026-11-23T09:00:00.000+01:00", "2026-11-23T09:00:00", "registry.invalid_date", ""),
        ("2026-11-23T09:00:00.000+01:00", "gestern", "registry.invalid_date", ""),
        (">000000010025<", "><", "registry.missing_field", ""),
        ("<name>Wójcik</name>", f"<name>{'W' * 1001}</name>", "registry.overlong", ""),
        ("familienname.unstrukturiert", "andererName", "registry.missing_field", "0101a"),
        ("xmeld:personendaten", "xmeld:anderes", "registry.missing_field", ""),
        ("wohnung.aktuell>true", "wohnung.aktuell>ja", "registry.invalid_value", ""),
        ("1991-07-30", "1991-07-00", "registry.invalid_date", "0601"),
        ("1991-07-30", "19910730", "registry.invalid_date", "0601"),
        ("1991-07-30", "1991-W01-1", "registry.invalid_date", "0601"),
        ("person.liefern", "person.verschieben", "registry.missing_field", ""),
    ],
)
def test_a_record_with_a_bad_field_names_its_sheet(tmp_path, old, new, code, sheet):
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))

    (bad,) = read_records(path, AGS)

    assert isinstance(bad, BadRecord)
    assert (bad.code, bad.sheet) == (code, sheet)


@pytest.mark.parametrize("text", ["1991-07-30Z", "1991-07-30+01:00"])
def test_a_date_may_carry_a_time_zone(tmp_path, text):
    path = written(tmp_path, GOOD.replace("1991-07-30", text))

    (record,) = read_records(path, AGS)

    assert str(record.person.born) == "1991-07-30"


def test_a_sign_of_a_hundred_characters_is_still_allowed(tmp_path):
    path = written(tmp_path, GOOD.replace("E0009-0001", "E" * 100))

    (record,) = read_records(path, AGS)

    assert record.event == "E" * 100


def test_a_sign_of_an_earlier_packet_counts_as_repeated(tmp_path):
    path = written(tmp_path, GOOD)
    seen = {"E0009-0001"}

    with pytest.raises(DeliveryRejected, match=r"registry\.duplicate_event"):
        list(read_records(path, AGS, seen))


def test_the_signs_of_a_packet_are_remembered_for_the_next_one(tmp_path):
    seen: set[str] = set()

    list(read_records(written(tmp_path, GOOD), AGS, seen))

    assert seen == {"E0009-0001"}


def test_a_deletion_among_a_full_delivery_rejects_it(tmp_path):
    text = GOOD.replace("deltalieferung", "gesamtlieferung").replace("<code>302<", "<code>101<")
    assert len(list(read_records(written(tmp_path, text), AGS))) == 1

    deletion = text.replace("person.liefern", "person.loeschen")
    with pytest.raises(DeliveryRejected, match=r"registry\.full_with_delta_codes"):
        list(read_records(written(tmp_path, deletion), AGS))


def test_sizes_are_bounded(tmp_path):
    path = written(tmp_path, GOOD)
    with pytest.raises(DeliveryRejected, match=r"registry\.too_large"):
        read_head(path, max_bytes=path.stat().st_size - 1)
    assert read_head(path, max_bytes=path.stat().st_size)

    padding = "<xmeld:landescontainer/>" * (xml_stream.MAX_RECORD_BYTES // 20)
    huge = GOOD.replace("</xmeld:personendaten>", f"{padding}</xmeld:personendaten>")
    with pytest.raises(DeliveryRejected, match=r"registry\.record_too_large"):
        list(read_records(written(tmp_path, huge), AGS))


def test_a_file_that_cannot_be_opened_is_tried_again_later(tmp_path):
    with pytest.raises(RegistryUnavailable):
        read_head(tmp_path / "absent.xml")
    with pytest.raises(RegistryUnavailable):
        list(read_records(tmp_path, AGS))


def test_no_text_of_a_file_stands_in_an_error(tmp_path):
    for cut in range(200, len(GOOD), 450):
        with pytest.raises(AntragslosError) as error:
            list(read_records(written(tmp_path, GOOD[:cut]), AGS))
        assert not any(text in f"{error.value} {error.value.detail}" for text in NAMES)


def test_the_time_of_an_event_keeps_its_zone(tmp_path):
    (record,) = read_records(written(tmp_path, GOOD), AGS)

    assert record.event_time == datetime.fromisoformat("2026-11-23T09:00:00+01:00")
