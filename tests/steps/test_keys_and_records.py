"""Keys and records as permit systems hold them, from the delivery to the act or the question."""

import contextlib
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tasks.domain.address import Address
from tasks.domain.person import Dwelling, Name, PartialDate, Person, PersonKey
from tasks.domain.record import Permit
from tasks.municipality import check_municipality
from tests.delivery_writer import AGS, BASELINE, POSTCODE, TOWN, Sent
from tests.town import Town

FIRST, DAY = "2026-11-17", "2026-11-23"
MOVED_IN = date(2026, 11, 15)
ACTED, ASKED = ("acted", "zone_switched"), ("needs_review", "holder_uncertain")


def home(street: str, number: str, since: date = date(2015, 3, 1), **more: Any) -> Dwelling:
    return Dwelling(
        Address(street, number, postcode=POSTCODE, town=TOWN, ags=AGS), moved_in=since, **more
    )


OLD, NEW = home("Wollenweberstraße", "44"), home("Kröpeliner Straße", "40", MOVED_IN)  # A3, A2


@dataclass
class Mover:
    """Somebody who moves from zone A3 to A2, and the permits that the town has."""

    right: tuple[str, str]  # status and code of the case
    permits: tuple[dict[str, Any], ...]
    name: Name | None = None
    born: str = ""
    moved_in: date = MOVED_IN


FAMILIES = ("Brandt", "Ahlers", "Quast", "Meinel", "Oster", "Jürgens", "Tietz", "Wulff", "Fink")


def person_of(place: int, mover: Mover) -> Person:
    key = PersonKey(AGS, f"{20000 + place:012d}")
    name = mover.name or Name(FAMILIES[place % len(FAMILIES)], "Antje")
    born = PartialDate.parse(mover.born or f"19{60 + place}-03-12")
    return Person(key, name, born, dwellings=(OLD,))


def permits_of(place: int, mover: Mover) -> Iterable[Permit]:
    person = person_of(place, mover)
    for position, fields in enumerate(mover.permits):
        defaults = {
            "number": f"P-{place}-{position}",
            "zone": "A3",
            "valid_from": date(2026, 1, 1),
            "valid_until": date(2027, 12, 31),
            "plate": f"ZZ-K {place + 1}{position}",
            "holder": f"{person.name.given} {person.name.family}",
            "birth_date": str(person.born),
            "key": person.key,
            "standing_application": True,
        }
        yield Permit(**(defaults | fields))


def moves(people: Iterable[tuple[Person, date]]) -> list[Sent]:
    def of(person: Person, day: date) -> Sent:
        left = replace(OLD, current=False, moved_out=PartialDate.parse(str(day)))
        new = replace(NEW, moved_in=day)
        return Sent("", BASELINE, "302", replace(person, dwellings=(left, new)))

    return [of(person, day) for person, day in people]


_YEARS = (date(2026, 1, 1), date(2027, 12, 31))


def play(town: Town, movers: dict[str, Mover]) -> dict[str, tuple[str, str]]:
    """What became of each one's move."""
    people = [person_of(place, mover) for place, mover in enumerate(movers.values())]
    permits = [
        permit for place, one in enumerate(movers.values()) for permit in permits_of(place, one)
    ]
    others = [
        Permit("P-X", "B1", *_YEARS, "ZZ-P 7", "Uwe Holm", key=PersonKey(AGS, "000000077777"))
    ]
    town.opened.register.store([*permits, *others])
    town.send(*(Sent("", BASELINE, "101", person) for person in people), kind="full")
    town.run_day(FIRST)
    days = [mover.moved_in for mover in movers.values()]
    town.send(*moves(zip(people, days, strict=True)))
    town.run_day(DAY, until="act")
    found = town.cases()
    return {name: found[f"E0002-{i:04d}"] for i, name in enumerate(movers, start=1)}


KEYS = {
    "the key alone, with name and birth date": Mover(ACTED, ({},)),
    "a new name since, the birth date agrees": Mover(ACTED, ({"holder": "Antje Roth"},)),
    "another birth date, the name agrees": Mover(ACTED, ({"birth_date": "1948-12-03"},)),
    "another name and birth date": Mover(
        ASKED, ({"holder": "Uwe Holm", "birth_date": "1971-05-05"},)
    ),
    "another name and no birth date": Mover(ASKED, ({"holder": "Uwe Holm", "birth_date": ""},)),
    "a key without its leading zeros": Mover(ASKED, ({"key": PersonKey(AGS, "1")},)),
    "a key from before the merger": Mover(ASKED, ({"key": PersonKey("09000011", "000000020006")},)),
    "an old key, and no birth date on the permit": Mover(
        ASKED,
        ({"key": PersonKey(AGS, "000000099999"), "birth_date": ""},),
    ),
}


def test_no_key_is_believed_against_name_and_birth_date_and_no_holder_is_lost_in_silence(
    town: Town,
) -> None:
    assert play(town, KEYS) == {name: mover.right for name, mover in KEYS.items()}
    untouched = town.permits("P-3-0")["P-3-0"]
    assert (untouched.holder, untouched.zone, untouched.status) == ("Uwe Holm", "A3", "active")
    for place in (4, 5, 6, 7, 8):
        names = [
            choice.name.partition(":")[0] for choice in town.question(f"E0002-{place:04d}").choices
        ]
        assert names == ["link", "not_theirs", "by_hand"]


RENEWAL = {"valid_from": date(2028, 1, 1), "valid_until": date(2029, 12, 31)}
FLAT = "TÜ-AB 12"
HIS_DAY = date(2026, 12, 1)  # of a move that lies ahead
RECORDS = {
    "a permit and its renewal, one car": Mover(
        ACTED, ({"plate": "ZZ-R 1"}, {"plate": "ZZ R1", **RENEWAL})
    ),
    "two permits in two zones": Mover(("needs_review", "several_permits"), ({}, {"zone": "B1"})),
    "a plate that somebody else has in another zone": Mover(
        ("needs_review", "plate_elsewhere"), ({"plate": "ZZ-P 7"},)
    ),
    "the same plate, written without a dash": Mover(
        ("needs_review", "plate_elsewhere"), ({"plate": "ZZ P7"},)
    ),
    "a visitor's permit": Mover(("declined", "other_kind"), ({"kind": "visitor"},)),
    "a blocked permit": Mover(("needs_review", "permit_unclear"), ({"status": "blocked"},)),
    "a kind that nobody knows": Mover(("needs_review", "permit_unclear"), ({"kind": "Ferien"},)),
    "a plate in decomposed letters": Mover(ACTED, ({"plate": unicodedata.normalize("NFD", FLAT)},)),
    "a move after the permit's end": Mover(
        ("open", "future_move"), ({"valid_until": HIS_DAY - timedelta(days=1)},), moved_in=HIS_DAY
    ),
}


def test_every_odd_record_ends_in_the_right_act_a_question_or_a_named_outcome(town: Town) -> None:
    assert play(town, RECORDS) == {name: mover.right for name, mover in RECORDS.items()}
    followed = town.permits("P-0-0/2", "P-0-1/2")
    assert [permit.zone for permit in followed.values()] == ["A2", "A2"]
    assert followed["P-0-1/2"].valid_from == RENEWAL["valid_from"]
    texts = [choice.text for choice in town.question("E0002-0002").choices]
    assert len(set(texts)) == len(texts)

    renewed = next(iter(permits_of(8, RECORDS["a move after the permit's end"])))
    later = replace(renewed, number="P-8-9", valid_from=HIS_DAY, valid_until=date(2028, 11, 30))
    town.opened.register.store([later])
    town.run_day(HIS_DAY - timedelta(days=1), until="act")
    assert town.cases()["E0002-0009"] == ("open", "future_move")
    town.run_day(HIS_DAY, until="act")
    assert town.cases()["E0002-0009"] == ACTED
    assert town.permits("P-8-9/2")["P-8-9/2"].zone == "A2"


SPECHT = "1990-05-05"
ODD = {
    "spouse key swapped a": Mover(
        ASKED,
        ({"holder": "Fritz Reh", "birth_date": "1971-01-01"},),
        Name("Reh", "Eva"),
        "1972-02-02",
    ),
    "spouse key swapped b": Mover(
        ASKED,
        ({"holder": "Eva Reh", "birth_date": "1972-02-02"},),
        Name("Reh", "Fritz"),
        "1971-01-01",
    ),
    "twin under her sister's key": Mover(
        ASKED, ({"holder": "Berta Specht"},), Name("Specht", "Anna"), SPECHT
    ),
    "her sister": Mover(ASKED, (), Name("Specht", "Berta"), SPECHT),
    "full-width key": Mover(ACTED, ({"key": PersonKey(AGS, "０００００００２０００４")},)),
    "gap of a day between two permits": Mover(
        ("needs_review", "several_permits"),
        ({}, {"valid_from": date(2028, 1, 2), "valid_until": date(2029, 1, 1)}),
    ),
    "own second permit under an old key": Mover(
        ("needs_review", "holder_uncertain"),
        ({}, {"key": PersonKey(AGS, "000000055555"), "zone": "B1"}),
    ),
    "status with nbsp": Mover(
        ("needs_review", "permit_unclear"), ({"status": "zur\u00a0Prüfung"},)
    ),
    "GESPERRT": Mover(("needs_review", "permit_unclear"), ({"status": "GESPERRT"},)),
    "BEWOHNER": Mover(ACTED, ({"kind": "BEWOHNER", "status": "AKTIV"},)),
    "no plate": Mover(("needs_review", "foreign_plate"), ({"plate": "—"},)),
    "visitor and resident": Mover(ACTED, ({}, {"kind": "visitor", "zone": "B1"})),
    "name in capitals, comma, no birth date": Mover(
        ACTED, ({"holder": "MÖWE, ANTJE", "birth_date": ""},), Name("Möwe", "Antje")
    ),
}


def test_what_families_and_offices_do_to_records_ends_as_well(town: Town) -> None:
    assert play(town, ODD) == {name: mover.right for name, mover in ODD.items()}
    assert town.permits("P-2-0")["P-2-0"].holder == "Berta Specht"
    assert town.permits("P-11-1")["P-11-1"].zone == "B1"  # the visitor's one


def test_a_letter_names_a_permit_with_its_renewal(town: Town) -> None:
    play(town, {"renewed": next(iter(RECORDS.values()))})
    town.run_day(DAY, until="render")
    (letter,) = town.letters()
    assert "P-0-0 mit Verlängerung P-0-1" in letter.text
    assert "P-0-0/2, P-0-1/2" in letter.text
    assert "2029" in letter.text


WRITTEN_BY_HAND: list[tuple[str, object]] = [
    ("valid_until", "31.12.2027"),
    ("valid_from", None),
    ("zone", None),
    ("standing_application", "vielleicht"),
    ("plate", "X" * 300),
    ("holder", b"Br\xffndt"),
]


def test_a_row_of_the_permit_database_that_nobody_can_read_stops_no_other(town: Town) -> None:
    unclear = ("needs_review", "permit_unclear")
    movers = [*(Mover(unclear, ({},)) for _ in WRITTEN_BY_HAND), Mover(ACTED, ({},))]
    for place, mover in enumerate(movers):
        town.opened.register.store(list(permits_of(place, mover)))
    with contextlib.closing(sqlite3.connect(town.folder / "permits.db")) as database:
        rows = database.execute("SELECT sql FROM sqlite_master WHERE name = 'parking_permit'")
        (table,) = rows.fetchone()
        database.execute("PRAGMA legacy_alter_table = ON")
        database.execute("ALTER TABLE parking_permit RENAME TO theirs")
        database.execute(table.replace(" NOT NULL", ""))  # as their own software has made it
        database.execute("INSERT INTO parking_permit SELECT * FROM theirs")
        for place, (column, value) in enumerate(WRITTEN_BY_HAND):
            command = f"UPDATE parking_permit SET {column} = ? WHERE number = ?"
            database.execute(command, (value, f"P-{place}-0"))
        database.commit()

    people = [person_of(place, mover) for place, mover in enumerate(movers)]
    town.send(*(Sent("", BASELINE, "101", person) for person in people), kind="full")
    town.run_day(FIRST)
    town.send(*moves((person, MOVED_IN) for person in people))
    counts = town.run_day(DAY, until="act")
    found = town.cases()
    assert [found[f"E0002-{i:04d}"] for i in range(1, 8)] == [mover.right for mover in movers]
    assert counts["unread_permits"] == len(WRITTEN_BY_HAND)
    problems = check_municipality(town.slug, town.settings)
    for place, (column, _) in enumerate(WRITTEN_BY_HAND):
        named = f"permit P-{place}-0: cannot read {column}"
        assert any(problem.startswith(named) for problem in problems), problems


def test_a_key_that_was_given_away_again_does_not_bring_the_permit_with_it(town: Town) -> None:
    mover = Mover(ASKED, ({},))
    before = person_of(0, mover)
    town.opened.register.store(list(permits_of(0, mover)))
    town.send(Sent("", BASELINE, "101", before), kind="full")
    town.run_day(FIRST)
    newcomer = replace(before, name=Name("Okafor", "Ngozi"), born=PartialDate(2001, 6, 6))
    town.send(
        Sent("", BASELINE, key=before.key),
        Sent("", BASELINE, "201", newcomer),
        *moves([(newcomer, MOVED_IN)]),
    )
    town.run_day(DAY, until="act")
    assert town.cases()["E0002-0003"] == ASKED
    assert town.permits("P-0-0")["P-0-0"].holder == "Antje Brandt"


def test_the_clerk_says_whose_it_is_and_the_rest_goes_on(town: Town) -> None:
    play(town, {"married": Mover(ASKED, ({"holder": "Antje Holm", "birth_date": ""},))})
    link = town.question("E0002-0001").choices[0].name
    town.answer("E0002-0001", link, DAY)
    town.run_day(DAY, until="act")
    assert town.cases()["E0002-0001"] == ACTED
