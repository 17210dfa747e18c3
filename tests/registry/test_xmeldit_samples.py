"""What four deliveries in a row tell about the residents of Musterstadt."""

from datetime import date, datetime
from pathlib import Path

import pytest

from tasks.domain.delta import DeltaKind, address_changed
from tasks.domain.person import DwellingStatus, Lock, PartialDate, Person, PersonKey
from tasks.registry.snapshots import classify
from tasks.registry.xmeldit import BadRecord, RegistryRecord, check_head, read_head, read_records

DELIVERIES = Path(__file__).parents[1] / "data" / "deliveries"
AGS = "09000009"
FILES = (
    "0001-gesamtlieferung.xml",
    "0002-deltalieferung.xml",
    "0003-deltalieferung-ruecknahme.xml",
    "0004-paket1.xml",
    "0004-paket2.xml",
)


def read(name: str) -> list[RegistryRecord | BadRecord]:
    return list(read_records(DELIVERIES / name, AGS))


@pytest.fixture(scope="module")
def story() -> dict[str, tuple[DeltaKind, Person | None, Person | None]]:
    """Per event sign: the kind, and the snapshots before and after."""
    mirror: dict[PersonKey, Person] = {}
    told = {}
    for name in FILES:
        for record in read(name):
            assert isinstance(record, RegistryRecord)
            before = mirror.get(record.key)
            kind = classify(record.kind_by_code, before, record.person)
            told[record.event] = (kind, before, record.person)
            if record.person:
                mirror[record.key] = record.person
            else:
                mirror.pop(record.key, None)
    return told


@pytest.mark.parametrize(
    ("name", "number", "packet", "last", "kind", "count"),
    [
        ("0001-gesamtlieferung.xml", 1, 1, True, "full", 12),
        ("0002-deltalieferung.xml", 2, 1, True, "delta", 17),
        ("0003-deltalieferung-ruecknahme.xml", 3, 1, True, "delta", 5),
        ("0004-paket1.xml", 4, 1, False, "delta", 2),
        ("0004-paket2.xml", 4, 2, True, "delta", 1),
    ],
)
def test_a_delivery_says_its_number_packet_and_kind(name, number, packet, last, kind, count):
    head = read_head(DELIVERIES / name)

    assert (head.number, head.packet, head.last, head.kind) == (number, packet, last, kind)
    assert (head.ags, head.municipality_name, head.version) == (AGS, "Musterstadt", "25.11a")
    assert head.author.id == "ags:09000009"
    assert head.reader.id == "ags:09000000"
    check_head(head, AGS, number)
    records = read(name)
    assert [record.position for record in records] == list(range(1, count + 1))
    assert all(isinstance(record, RegistryRecord) for record in records)


def test_the_head_knows_when_and_as_what_the_delivery_was_made():
    head = read_head(DELIVERIES / "0002-deltalieferung.xml")

    assert head.uuid == "00000000-0000-4000-8000-000000000002"
    assert head.created_at == datetime.fromisoformat("2026-11-23T05:00:00+01:00")
    assert head.namespace == "http://www.osci.de/xmeld2511a"
    assert head.test == "synthetische Testdaten"


@pytest.mark.parametrize(
    ("number", "given", "family", "born", "line"),
    [
        ("000000010017", "Antje", "Brandt", "1984-03-12", "Wollenweberstraße 12"),
        ("000000010025", "Łukasz", "Wójcik", "1991-07-30", "Wollenweberstraße 44"),
        ("000000010033", "Mehmet", "Yılmaz", "1971", "Badstüberstraße 9"),
        ("000000010041", "Ilse Marie", "Hoffmann", "1956-11-02", "Thünenstraße 3"),
        ("000000010058", "Jens-Uwe", "Petersen", "1968-01-20", "Friedhofsweg 5"),
        ("000000010066", "Karin", "Zöllner", "1979-08-08", "Lessingstraße 15"),
        ("000000010074", "Werner Karl-Heinz", "Lindner", "1938-05-17", "Virchowstraße 8"),
        ("000000010082", "Gerd", "Schuster", "1980-02-29", "Krönkenhagen 2"),
        ("000000010090", "Sophie Marie", "Albrecht", "1994-09-21", "Gertrudenstraße 22"),
        ("000000010108", "Nadja", "Seidel", "1988-12-05", "Am Strom 20"),
        ("000000010116", "Tim", "Neumann", "1996-04-11", "Lange Straße 8"),
        ("000000010124", "", "Sukarni", "1990-06", "Seestraße 6"),
    ],
)
def test_the_first_filling_gives_every_resident_as_registered(number, given, family, born, line):
    records = {record.key.number: record for record in read("0001-gesamtlieferung.xml")}
    person = records[number].person

    assert records[number].kind_by_code == DeltaKind.STOCK
    assert (person.name.given, person.name.family) == (given, family)
    assert str(person.born) == born
    assert person.home().address.line() == line
    assert person.home().address.ags == AGS


def test_names_and_addresses_keep_their_rarer_fields():
    people = {record.key.number: record.person for record in read("0001-gesamtlieferung.xml")}

    assert people["000000010041"].name.birth == "Krüger"
    assert people["000000010041"].name.usual == "Ilse"
    assert people["000000010058"].name.doctor == "Dr."
    assert people["000000010066"].home().address.floor == "3. OG"
    assert people["000000010017"].sex == "w"


MOVED = {  # sign: (from, to, moved in)
    "E0002-0001": ("Wollenweberstraße 12", "Altschmiedestraße 5", "2026-11-14"),
    "E0002-0002": ("Wollenweberstraße 44", "Kröpeliner Straße 40", "2026-11-15"),
    "E0002-0003": ("Badstüberstraße 9", "Kastanienallee 7", "2026-11-12"),
    "E0002-0004": ("Thünenstraße 3", "Mühlenstraße 12", "2026-11-10"),
    "E0002-0010": ("Am Strom 20", "Am Strom 70", "2026-11-09"),
    "E0002-0012": ("Seestraße 6", "Alexandrinenstraße 119a // Hinterhaus", "2026-08-01"),
    "E0002-0013": ("Gertrudenstraße 22", "Feldstraße 63", "2026-12-01"),
    "E0002-0014": ("Gertrudenstraße 22", "Feldstraße 63", "2026-12-01"),
    "E0003-0002": ("Kröpeliner Straße 40", "Große Mönchenstraße 3", "2026-11-22"),
    "E0003-0003": ("Altschmiedestraße 5", "Wollenweberstraße 12", "2026-11-21"),
    "E0004-0002": ("Am Alten Friedhof 5", "Lange Straße 22", "2026-11-20"),
    "E0004-0003": ("Doberaner Straße 5", "Doberaner Straße 150", None),
}


@pytest.mark.parametrize("sign", MOVED)
def test_a_move_tells_where_from_where_to_and_since_when(story, sign):
    kind, before, after = story[sign]
    old, new, moved_in = MOVED[sign]

    assert kind == DeltaKind.MOVE
    assert before.home().address.line() == old
    assert after.home().address.line() == new
    assert moved_in is None or after.home().moved_in == date.fromisoformat(moved_in)


KINDS = {
    "E0002-0005": DeltaKind.ADDRESS_UPDATE,
    "E0002-0006": DeltaKind.MOVE_AWAY,
    "E0002-0007": DeltaKind.DEATH,
    "E0002-0008": DeltaKind.FIRST_REGISTRATION,
    "E0002-0009": DeltaKind.CHILD_BORN,
    "E0002-0011": DeltaKind.NAME_CHANGE,
    "E0002-0015": DeltaKind.LOCK_CHANGE,
    "E0002-0016": DeltaKind.STATUS_CHANGE,
    "E0002-0017": DeltaKind.DELETION,
    "E0003-0001": DeltaKind.MOVE_REVERSED,
    "E0003-0004": DeltaKind.DEATH_REVERSED,
    "E0003-0005": DeltaKind.ADDRESS_UPDATE,
    "E0004-0001": DeltaKind.ARRIVAL,
} | dict.fromkeys(MOVED, DeltaKind.MOVE)


def test_every_record_after_the_first_filling_is_what_the_residents_lived_through(story):
    kinds = {sign: kind for sign, (kind, _, _) in story.items() if not sign.startswith("E0001")}

    assert kinds == KINDS


def test_a_renamed_street_keeps_the_day_of_moving_in(story):
    _, before, after = story["E0002-0005"]

    assert before.home().address.line() == "Friedhofsweg 5"
    assert after.home().address.line() == "Am Alten Friedhof 5"
    assert before.home().moved_in == after.home().moved_in == date(2009, 9, 1)
    assert address_changed(before, after)


def test_who_moved_away_has_no_home_here_although_a_dwelling_is_current(story):
    _, _, after = story["E0002-0006"]

    assert after.home() is None
    assert after.left_to().address.town == "Leipzig"
    assert after.left_to().address.ags == "14713000"
    assert after.left_to().moved_in == date(2026, 11, 15)


def test_the_dead_have_a_date_of_death_and_no_home(story):
    _, _, after = story["E0002-0007"]

    assert after.died == PartialDate(2026, 11, 13)
    assert after.home() is None


def test_a_new_born_knows_the_legal_representative_and_the_mother_her_child(story):
    _, nobody, child = story["E0002-0008"]
    _, _, mother = story["E0002-0009"]

    assert nobody is None
    assert child.born == PartialDate(2026, 11, 11)
    assert child.guardians == (mother.key,)
    assert child.has_guardian
    assert mother.children == (child.key,)
    assert not mother.has_guardian


def test_a_new_name_leaves_the_former_one(story):
    _, before, after = story["E0002-0011"]

    assert (before.name.family, after.name.family) == ("Neumann", "Neumann-Roth")
    assert after.name.former == ("Neumann",)


def test_a_backdated_move_still_says_when_it_was_registered(story):
    _, _, after = story["E0002-0012"]

    assert after.home().registered == date(2026, 11, 18)
    assert (after.home().address.number, after.home().address.suffix) == ("119", "a")


def test_before_a_move_in_the_future_the_old_dwelling_is_already_given_up(story):
    _, _, after = story["E0002-0013"]
    (old,) = [dwelling for dwelling in after.dwellings if not dwelling.current]

    assert old.address.line() == "Gertrudenstraße 22"
    assert old.moved_out == PartialDate(2026, 12, 1)


def test_a_lock_carries_its_reason_and_its_end(story):
    _, _, after = story["E0002-0015"]

    assert after.locks == (Lock("3", date(2028, 11, 19)),)
    assert after.address_locks(date(2028, 11, 19))
    assert not after.address_locks(date(2028, 11, 20))


def test_a_main_dwelling_elsewhere_makes_the_one_here_secondary(story):
    _, _, after = story["E0002-0016"]

    assert after.home().status == DwellingStatus.SECONDARY
    assert after.home().status_changed == date(2026, 11, 18)
    assert after.main().address.town == "Dresden"
    assert after.main().status == DwellingStatus.MAIN


def test_a_reversed_move_gives_the_old_home_back(story):
    _, before, after = story["E0003-0001"]

    assert before.home().address.line() == "Kastanienallee 7"
    assert after.home().address.line() == "Badstüberstraße 9"
    assert after.home().moved_in == date(2004, 10, 15)


def test_the_dead_who_live_are_home_again(story):
    _, before, after = story["E0003-0004"]

    assert before.died
    assert after.died is None
    assert after.home().address.line() == "Virchowstraße 8"


def test_an_address_put_right_keeps_the_day_of_moving_in(story):
    _, before, after = story["E0003-0005"]

    assert before.home().address.line() == "Mühlenstraße 12"
    assert after.home().address.line() == "Molkenstraße 12"
    assert before.home().moved_in == after.home().moved_in == date(2026, 11, 10)


def test_a_newcomer_leaves_a_dwelling_elsewhere(story):
    _, before, after = story["E0004-0001"]

    assert before is None
    assert after.home().address.line() == "Doberaner Straße 5"
    assert {dwelling.address.town for dwelling in after.dwellings} == {"Musterstadt", "Dresden"}
