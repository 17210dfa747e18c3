"""Addresses as registers deliver them, from the delivery to the permit and the envelope."""

import json
from datetime import date, datetime

from tasks.domain.address import Address
from tasks.domain.person import Dwelling, Name, PartialDate, Person, PersonKey
from tests.delivery_writer import AGS, POSTCODE, TOWN, Sent
from tests.town import Town

DAY = "2026-11-23"
AT = datetime.fromisoformat(f"{DAY}T05:00:00+01:00")
MOVED_IN = date(2026, 11, 15)


def moved(key: str, name: str, born: str, old: tuple[str, str, str], **new: str) -> Sent:
    """A move within the town: from street, number, day of moving in to the fields of `new`."""
    street, number, since = old
    given, _, family = name.rpartition(" ")
    where = {"postcode": POSTCODE, "town": TOWN, "ags": AGS}
    left = Dwelling(
        Address(street, number, **where),
        current=False,
        moved_in=date.fromisoformat(since),
        moved_out=PartialDate.parse(str(MOVED_IN)),
    )
    home = Dwelling(Address(**(where | new)), moved_in=MOVED_IN)
    person = Person(
        PersonKey(AGS, key), Name(family, given), PartialDate.parse(born), dwellings=(left, home)
    )
    return Sent("", AT, "302", person)


WOJCIK = ("000000010025", "Łukasz Wójcik", "1991-07-30", ("Wollenweberstraße", "44", "2019-04-01"))
BRANDT = ("000000010017", "Antje Brandt", "1984-03-12", ("Wollenweberstraße", "12", "2015-03-01"))
HOFFMANN = (
    "000000010041",
    "Ilse Hoffmann",
    "1956-11-02",
    ("Thünenstraße", "3", "1999-01-01"),
)
SCHUSTER = ("000000010082", "Gerd Schuster", "1980-02-29", ("Krönkenhagen", "2", "2018-01-01"))
ALBRECHT = (
    "000000010090",
    "Sophie Albrecht",
    "1994-09-21",
    ("Gertrudenstraße", "22", "2020-01-01"),
)
ZOELLNER = ("000000010066", "Karin Zöllner", "1979-08-08", ("Lessingstraße", "15", "2012-01-01"))
SEIDEL = ("000000010108", "Nadja Seidel", "1988-12-05", ("Am Strom", "20", "2016-01-01"))

MOVES = [
    moved(*WOJCIK, street="Doberaner Straße", number="1", suffix="5"),  # 15 is another zone's
    moved(*BRANDT, street="Altschmiedestraße", number="0005", part="1/2"),
    moved(*HOFFMANN, street="Lange Straße", number="22"),
    moved(*SCHUSTER, street="ohne festen Wohnsitz"),
    moved(*ALBRECHT, street="Bergstraße", number="4", district="Neudorf", postcode="60001"),
    moved(*ZOELLNER, street="Thünenstraße", number="3", town=""),
    moved(*SEIDEL, street="Alter Markt", number="3", postcode="60009"),
]


def offered(town: Town, *places: int) -> dict[int, list[str]]:
    """What a clerk may answer about the event of each of these places in the delivery."""
    questions = {place: town.question(f"E0002-{place:04d}") for place in places}
    return {place: [c.name for c in question.choices] for place, question in questions.items()}


def test_every_odd_address_ends_in_the_right_act_or_a_question_that_names_the_zones(
    town: Town,
) -> None:
    town.run_day("2026-11-17", "0001-gesamtlieferung.xml")
    town.send(*MOVES)
    town.run_day(DAY, until="render")

    assert {event: case for event, case in town.cases().items() if event.startswith("E0002")} == {
        "E0002-0001": ("lettered", "zone_switched"),
        "E0002-0002": ("lettered", "address_updated"),
        "E0002-0003": ("needs_review", "zone_ambiguous"),
        "E0002-0004": ("needs_review", "no_zone"),
        "E0002-0005": ("needs_review", "zone_ambiguous"),
        "E0002-0006": ("needs_review", "no_postal_address"),
        "E0002-0007": ("needs_review", "zone_ambiguous"),
    }
    assert offered(town, 3, 5, 7) == {
        3: ["zone:A1", "zone:A2", "in_no_zone", "by_hand"],
        5: ["zone:B1", "in_no_zone", "by_hand"],
        7: ["zone:A3", "in_no_zone", "by_hand"],
    }
    permits = town.permits("BPA-0001", "BPA-0002/2")
    assert permits["BPA-0002/2"].zone == "B1"
    assert permits["BPA-0002/2"].house_number == "1/5"
    assert permits["BPA-0001"].house_number == "5 1/2"
    envelopes = sorted(letter.addressee.splitlines()[1] for letter in town.letters())
    assert envelopes == ["Altschmiedestraße 5 1/2", "Doberaner Straße 1/5"]


# A list as another city might keep it; the permits are those of the sample.
LIST = [
    ("A1", "Krönkenhagen"),
    (
        "A3 – Altstadt",
        "Wollenweberstr.; Ring 1-11 und 2-8; Am Wall: zwischen den Hausnummern 3 und 9",
    ),
    ("A4", "Lessingstr.; Ring: 12-20 fortl.; Mühlweg [Ortsteil Neudorf]: ung."),
    ("B2 Bahnhof", "Gertrudenstr."),
    ("H1", "Thünenstr."),
    ("W1 [18119]", "Am Strom [60000]; Mühlweg"),
    ("Bezirk 1", "Markt 4; Mühlweg"),
    ("Bezirk 2", "Markt 43; C 1 – C 4"),
]
ODDITIES = [
    moved(*WOJCIK, street="C4", number="7"),
    moved(*BRANDT, street="Ring", number="8", suffix="–12"),
    moved(*HOFFMANN, street="Markt", number="4", suffix="½"),
    moved(*SCHUSTER, street="Am Wall", number="9"),
    moved(*ALBRECHT, street="Mühlweg", number="0003", district="OT Neudorf", postcode="60001"),
    moved(*ZOELLNER, street="Ring", number="11b"),
    moved(*SEIDEL, street="Mühlweg", number="3", extra="z. Zt. o.f.W."),
]


SWITCHED = {"BPA-0002/2": "Bezirk 2", "BPA-0004/2": "Bezirk 1", "BPA-0009/2": "A4"}


def test_a_list_and_addresses_of_another_kind_are_understood_or_asked_about(town: Town) -> None:
    zones = [{"bezeichnung": zone, "adressen": entries} for zone, entries in LIST]
    (town.folder / "zones.json").write_text(json.dumps(zones))
    town.run_day("2026-11-17", "0001-gesamtlieferung.xml")
    town.send(*ODDITIES)
    town.run_day(DAY, until="decide")

    assert town.cases() == {
        "E0002-0001": ("granted", "zone_switched"),  # a square
        "E0002-0002": ("needs_review", "zone_ambiguous"),  # one house, 8 to 12, in two zones
        "E0002-0003": ("granted", "zone_switched"),  # 4 1/2 is no 41
        "E0002-0004": ("needs_review", "zone_ambiguous"),  # an end of „zwischen“
        "E0002-0005": ("granted", "zone_switched"),  # the street of that name in Neudorf
        "E0002-0006": ("needs_review", "zone_ambiguous"),  # where two zones meet
        "E0002-0007": ("needs_review", "no_postal_address"),
    }
    town.run_day(DAY, until="act")
    zones_now = {number: permit.zone for number, permit in town.permits(*SWITCHED).items()}
    assert zones_now == SWITCHED
    assert offered(town, 2, 4, 6) == {
        2: ["zone:A3", "zone:A4", "in_no_zone", "by_hand"],
        4: ["zone:A3", "in_no_zone", "by_hand"],
        6: ["zone:A3", "zone:A4", "in_no_zone", "by_hand"],
    }
