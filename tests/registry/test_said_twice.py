"""A delivery, or a record, that says two things of which one can be true is not understood."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.domain.person import Lock, Name
from tasks.errors import DeliveryRejected
from tasks.registry.xmeldit import BadRecord, RegistryRecord, read_records
from tests.builders import a_dwelling, a_name, a_person
from tests.delivery_writer import AGS, BASELINE, Sent, write_delivery

PERSON = a_person(a_dwelling(), name=a_name(birth="Vogt"), locks=(Lock("3"), Lock("5")), sex="w")
IN_THE_HEAD = [
    "nachrichtenidentifikation",
    "paketierung",
    "laufende.nummer.der.lieferung",
    "paketnummer",
    "letztes.paket",
    "gemeinde",
    "amtlichergemeindeschluessel",
    "art.der.lieferung",
]
IN_A_RECORD = [  # element, and what is changed in its second one
    ("geburt", "1984-03-12", "1948-03-12"),
    ("namenatuerlicheperson", "Brandt", "Brand"),
    ("familienname.unstrukturiert", "Brandt", "Brand"),
    ("ordnungsmerkmal", "10017", "10018"),
    ("identifikation.betroffeneperson", "10017", "10018"),
    ("uebermittlungsanlass", "302", "202"),
    ("personendaten", "Brandt", "Brand"),
    ("person.liefern", "10017", "10018"),
    ("geschlecht", "w", "m"),
    ("strasse", "Wollenweberstraße", "Seestraße"),
    ("hausnummer", "12", "21"),
    ("xmeldit.anschrift", "Wollenweberstraße", "Seestraße"),
    ("datumDesBeziehens", "2015", "2016"),
    ("wohnung.aktuell", "true", "false"),
    ("grund", "3", "5"),
]


def written(folder: Path, name: str, old: str = "", new: str = "", after: str = "") -> Path:
    """A delivery in which the first element of this name is there a second time."""
    sent = Sent("E1", BASELINE, "302", PERSON)
    path = write_delivery(folder / "0001.xml", 3, [sent])
    text = path.read_text(encoding="utf-8")
    tag = rf"(?:xmeld:)?{re.escape(name)}"
    last = rf"(?:</{tag}>){{2}}" if name == "geburt" else f"</{tag}>"  # it is there in itself
    start = text.index("<xmeld:datensatz>") if name not in IN_THE_HEAD else 0
    found = re.compile(rf"<{tag}>.*?{last}", re.DOTALL).search(text, start)
    assert found, name
    assert old in found[0]
    again = found[0].replace(old, new)
    at = text.index(after) + len(after) if after else found.end()
    path.write_text(text[:at] + again + text[at:], encoding="utf-8")
    return path


def read(path: Path) -> list[RegistryRecord | BadRecord]:
    return list(read_records(path, AGS))


@pytest.mark.parametrize("name", IN_THE_HEAD)
def test_a_head_that_says_something_twice_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeliveryRejected, match=r"registry\.head_twice"):
        read(written(tmp_path, name))


@pytest.mark.parametrize("name", ["nachrichtenidentifikation", "art.der.lieferung"])
def test_a_head_that_goes_on_behind_the_records_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DeliveryRejected, match=r"registry\.head_twice"):
        read(written(tmp_path, name, after="</xmeld:datensatz>"))


def test_several_ways_to_reach_an_authority_are_no_contradiction(tmp_path: Path) -> None:
    path = written(tmp_path, "paketnummer")
    text = path.read_text(encoding="utf-8").replace(
        "<xmeld:paketnummer>1</xmeld:paketnummer>", "", 1
    )
    reach = re.search(r"<erreichbarkeit>.*?</erreichbarkeit>", text, re.DOTALL)
    assert reach
    path.write_text(text.replace(reach[0], reach[0] * 2, 1), encoding="utf-8")

    assert len(read(path)) == 1


@pytest.mark.parametrize(("name", "old", "new"), IN_A_RECORD)
def test_a_record_that_says_two_things_is_quarantined(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    (record,) = read(written(tmp_path, name, old, new))

    assert isinstance(record, BadRecord)
    assert record.code == "registry.said_twice"


@pytest.mark.parametrize("name", [name for name, _, _ in IN_A_RECORD])
def test_a_record_that_says_the_same_twice_is_taken(tmp_path: Path, name: str) -> None:
    (record,) = read(written(tmp_path, name))

    assert isinstance(record, RegistryRecord)
    assert record.person == replace(PERSON, key=record.key)


@pytest.mark.parametrize("inner", ["<name>Brand</name>", "<nichtVorhanden>true</nichtVorhanden>"])
def test_a_name_that_is_two_names_is_quarantined(tmp_path: Path, inner: str) -> None:
    path = write_delivery(tmp_path / "1.xml", 3, [Sent("E1", BASELINE, "302", PERSON)])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<name>Brandt</name>", f"<name>Brandt</name>{inner}"), "utf-8")

    (record,) = read(path)
    assert isinstance(record, BadRecord)


def test_dwellings_locks_and_former_names_may_be_several(tmp_path: Path) -> None:
    several = replace(
        PERSON,
        name=Name("Brandt", "Antje", former=("Vogt", "Ewert")),
        dwellings=(a_dwelling(), a_dwelling("Seestraße", current=False)),
    )
    path = write_delivery(tmp_path / "1.xml", 3, [Sent("E1", BASELINE, "302", several)])

    (record,) = read(path)
    assert isinstance(record, RegistryRecord)
    assert record.person == several
