"""What is written as a delivery is read as the same person, in flat memory, whatever the size."""

import json
import re
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.address import Address
from tasks.domain.delta import DeltaKind
from tasks.domain.person import (
    Dwelling,
    DwellingStatus,
    Lock,
    Name,
    PartialDate,
    Person,
    PersonKey,
)
from tasks.domain.text import plain
from tasks.registry.xmeldit import BadRecord, RegistryRecord, read_head, read_records
from tests.delivery_writer import AGS, DELTAS, Sent, generate, write_delivery

texts = (
    st.text(
        st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp")),
        min_size=1,
        max_size=30,
    )
    .map(plain)  # as it is read
    .filter(bool)
)
maybe = st.just("") | texts
digits = st.text("0123456789", min_size=1, max_size=12)
days = st.dates(date(1900, 1, 1), date(2030, 12, 31))
known = days.map(lambda day: PartialDate(day.year, day.month, day.day))
partial = (
    st.just(PartialDate())
    | known
    | known.map(lambda day: PartialDate(day.year))
    | known.map(lambda day: PartialDate(day.year, day.month))
)
keys = st.builds(PersonKey, st.just(AGS), digits)
domestic = st.builds(
    Address, texts, digits, maybe, maybe, maybe, texts, st.just(AGS), maybe, maybe, maybe
)
abroad = st.builds(Address, country=st.sampled_from(["152", "163"]))
statuses = st.sampled_from(DwellingStatus)
optional_days = st.none() | days
dwellings = st.builds(
    Dwelling,
    domestic,
    statuses,
    st.booleans(),
    optional_days,
    partial,
    optional_days,
    optional_days,
    st.booleans(),
) | st.builds(Dwelling, abroad | st.just(Address()), statuses, st.booleans(), optional_days)
names = st.builds(
    Name, maybe, maybe, maybe, maybe, st.lists(texts, max_size=2).map(tuple), maybe, maybe, maybe
).filter(lambda name: name.family or name.given)  # one of the two may be missing, not both
locks = st.builds(Lock, st.sampled_from(["3", "5", "11"]), optional_days)


@st.composite
def persons(draw):
    guardians = draw(st.lists(keys, max_size=2).map(tuple))
    return Person(
        key=draw(keys),
        name=draw(names),
        born=draw(partial),
        sex=draw(st.sampled_from(["m", "w", "d", "x", ""])),
        died=draw(st.none() | partial),
        locks=draw(st.lists(locks, max_size=2).map(tuple)),
        dwellings=draw(st.lists(dwellings, min_size=1, max_size=3).map(tuple)),
        children=draw(st.lists(keys, max_size=2).map(tuple)),
        guardians=guardians,
        has_guardian=bool(guardians) or draw(st.booleans()),
    )


@given(st.lists(persons(), max_size=3), st.sampled_from(["3.4", "24.11", "25.11a", "26.05"]))
@settings(max_examples=80, deadline=None)
def test_a_person_is_read_as_written(tmp_path_factory, people, version):
    sent = [
        Sent(f"S-{index}", DELTAS + timedelta(seconds=index), "390", person)
        for index, person in enumerate(people)
    ]
    path = tmp_path_factory.getbasetemp() / "round-trip.xml"
    write_delivery(path, 7, sent, version=version)

    records = list(read_records(path, AGS))

    assert [record.person for record in records] == people
    assert [(record.event, record.event_time) for record in records] == [
        (record.event, record.at) for record in sent
    ]


def test_the_head_is_read_as_written(tmp_path):
    made = datetime.fromisoformat("2026-11-24T05:00:00.250+01:00")
    path = write_delivery(
        tmp_path / "d.xml", 9, [], "full", packet=3, last=False, version="26.05", created_at=made
    )

    head = read_head(path)

    assert (head.number, head.packet, head.last, head.kind) == (9, 3, False, "full")
    assert (head.version, head.created_at) == ("26.05", made)
    assert list(read_records(path, AGS)) == []


def test_a_deletion_has_a_key_and_no_person(tmp_path):
    key = PersonKey(AGS, "000000010082")
    path = write_delivery(tmp_path / "d.xml", 2, [Sent("S-1", DELTAS, key=key)])

    (record,) = read_records(path, AGS)

    assert (record.key, record.person, record.code) == (key, None, "")
    assert record.kind_by_code == DeltaKind.DELETION


def test_a_record_without_a_code_is_stock_in_a_full_delivery_and_open_in_a_delta(tmp_path):
    person = Person(PersonKey(AGS, "1"), Name("Brandt"))
    for kind, expected in (("full", DeltaKind.STOCK), ("delta", DeltaKind.OTHER)):
        path = write_delivery(tmp_path / "d.xml", 2, [Sent("S-1", DELTAS, "", person)], kind)

        (record,) = read_records(path, AGS)

        assert record.kind_by_code == expected


def test_records_of_the_same_instant_are_in_order(tmp_path):
    person = Person(PersonKey(AGS, "1"), Name("Brandt"))
    sent = [Sent(f"S-{index}", DELTAS, "390", person) for index in range(3)]

    records = list(read_records(write_delivery(tmp_path / "d.xml", 2, sent), AGS))

    assert [record.event for record in records] == ["S-0", "S-1", "S-2"]


ZONES = '[{"bezeichnung": "A1", "adressen": "Lange Str.: von 1 bis 21;Fischbank;Am Strom"}]'


def generated(folder: Path, persons: int, movers: int, seed: int = 1):
    folder.mkdir(exist_ok=True)
    zones = folder / "zones.json"
    zones.write_text(ZONES, encoding="utf-8")
    return generate(
        folder, persons, movers, seed, zones, lambda a: "A1" if a.street == "Fischbank" else None
    )


def test_twenty_thousand_records_take_no_more_memory_than_two_thousand(tmp_path):
    """Asked of the process: libxml2's memory is outside of what Python can trace."""
    one = generated(tmp_path, persons=1, movers=0).full
    head, record, rest = re.split(
        r"(<xmeld:datensatz>.*</xmeld:datensatz>)", one.read_text(), flags=re.S
    )
    with (many := tmp_path / "many.xml").open("w") as file:
        file.write(head)
        file.writelines(record.replace("G0001-0000001", f"G-{n}") for n in range(20_000))
        file.write(rest)
    records = read_records(many, AGS)
    assert sum(1 for _ in islice(records, 2_000)) == 2_000
    before = resident_kilobytes()

    assert sum(isinstance(record, RegistryRecord) for record in records) == 18_000

    assert many.stat().st_size > 30_000_000
    assert resident_kilobytes() - before < 15_000  # the set of event signs, the cache of dates


def resident_kilobytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def test_generated_deliveries_are_the_same_for_the_same_seed_and_differ_for_another(tmp_path):
    def contents(name, seed):
        files = generated(tmp_path / name, 60, 40, seed)
        return [path.read_bytes() for path in (files.full, files.delta, files.permits)]

    assert contents("a", 1) == contents("b", 1)
    assert contents("a", 1) != contents("c", 2)


def test_generated_movers_hold_permits_for_the_zone_they_leave(tmp_path):
    files = generated(tmp_path, persons=300, movers=200)
    full = {record.key: record.person for record in read_records(files.full, AGS)}
    delta = list(read_records(files.delta, AGS))

    assert not any(isinstance(record, BadRecord) for record in delta)
    assert sum(record.code == "302" for record in delta) == 200
    assert len({record.code for record in delta}) > 3

    permits = [json.loads(line) for line in files.permits.read_text("utf-8").splitlines()]
    assert 5 < len(permits) < 60
    for permit in permits:
        key = PersonKey(permit["holder_ags"], permit["holder_ordnungsmerkmal"])
        assert full[key].home().address.street == "Fischbank"
        assert permit["zone"] == "A1"
