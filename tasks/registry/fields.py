"""A record's snapshot of a person, read field by field into our own words.

Only what a service needs is read: religion, nationality, documents and tax number stay in the file.
Elements are told apart by their local names, so every supported version reads the same way. Numbers
such as 1301 are DSMeld sheets; an error names them so that the registry office finds the field.
"""

from lxml import etree

from tasks.domain.address import Address
from tasks.domain.person import (
    Dwelling,
    DwellingStatus,
    Lock,
    Name,
    PartialDate,
    Person,
    PersonKey,
)
from tasks.errors import RecordRejected
from tasks.registry.values import leaf, one_child, one_of, parts, read_day, read_flag, read_status
from tasks.registry.xml_stream import local

_ADDRESS_FIELDS = {
    "strasse": "street",
    "hausnummer": "number",
    "hausnummerBuchstabeZusatzziffer": "suffix",
    "teilnummerDerHausnummer": "part",
    "postleitzahl": "postcode",
    "wohnort": "town",
    "wohnortFruehererGemeindename": "district",
    "gemeindeschluessel": "ags",
    "zusatzangaben": "extra",
    "stockwerkswohnungsnummer": "floor",
    "wohnungsinhaber": "care_of",
}
_NAME_FIELDS = {
    "familienname.unstrukturiert": "family",
    "vornamen": "given",
    "gebraeuchlicherVorname": "usual",
    "geburtsname.unstrukturiert": "birth",
    "ordensname": "order",
    "kuenstlername": "artist",
    "doktorgrad": "doctor",
}


def read_person(sent: etree._Element, key: PersonKey) -> Person:
    """From `person.liefern`. Raises RecordRejected with the sheet that cannot be read."""
    data, children, guardians, has_guardian = None, [], [], False
    for kind, part in parts(sent):
        if kind == "personendaten":
            data = part
        elif kind == "kind":
            children += _reference(part)
        elif kind == "gesetzlichervertreter":
            has_guardian = True
            guardians += _reference(part)
    if data is None:
        raise RecordRejected("registry.missing_field")

    name, born, died, sex = None, PartialDate(), None, ""
    locks: list[Lock] = []
    dwellings: list[Dwelling] = []
    for kind, part in parts(data):
        if kind == "wohnung":
            dwellings.append(_dwelling(part))
        elif kind == "namenatuerlicheperson":
            name = _name(part)
        elif kind == "geburt":
            born = _found_day(part, "geburtsdatum", "0601")
        elif kind == "tod":
            died = _found_day(part, "sterbetag", "1901")
        elif kind == "auskunftssperre":
            locks.append(_lock(part))
        elif kind == "geschlecht":
            sex = leaf(part)
    if name is None:
        raise RecordRejected("registry.missing_field", "0101a")
    return Person(
        key=key,
        name=name,
        born=born,
        sex=sex,
        died=died,
        locks=tuple(locks),
        dwellings=tuple(dwellings),
        children=tuple(children),
        guardians=tuple(guardians),
        has_guardian=has_guardian,
    )


def read_key(element: etree._Element) -> PersonKey | None:
    """From an element that holds AGS and Ordnungsmerkmal; None where one is missing."""
    ags = number = ""
    for kind, part in parts(element):
        if kind == "gemeindeschluessel":
            ags = leaf(part)
        elif kind == "ordnungsmerkmal":
            number = leaf(part)
    return PersonKey(ags, number) if ags and number else None


def _name(element: etree._Element) -> Name:
    fields: dict[str, str] = {}
    former = []
    for kind, part in parts(element):
        if kind == "frueherer.familienname":
            former.append(leaf(part, "0203a"))
        elif kind in _NAME_FIELDS:
            fields[_NAME_FIELDS[kind]] = leaf(part)
    # One of the two may be „zu Recht nicht vorhanden“; without both nobody could be written to.
    if "family" not in fields or not (fields["family"] or fields.get("given")):
        raise RecordRejected("registry.missing_field", "0101a")
    return Name(former=tuple(former), **fields)


def _dwelling(element: etree._Element) -> Dwelling:
    address, conditional_lock = Address(), False
    status, current = DwellingStatus.SOLE, None
    moved_in = status_changed = registered = None
    moved_out = PartialDate()
    for kind, part in parts(element):
        if kind == "xmeldit.anschrift":
            address, conditional_lock = _address(part)
        elif kind == "datumDesBeziehens":
            moved_in = read_day(part, "1301").full()
        elif kind == "datumDesAuszugs":
            moved_out = read_day(part, "1306")
        elif kind == "statusderwohnung":
            status = read_status(leaf(part))
        elif kind == "wohnung.aktuell":
            current = read_flag(part)
        elif kind == "datumAnmeldungBeiAnmeldebehoerde":
            registered = read_day(part, "").full()
        elif kind == "datumDesWohnungsstatuswechsels":
            status_changed = read_day(part, "1301a").full()
    if current is None:  # a guess here would invent a move or hide one
        raise RecordRejected("registry.missing_field")
    return Dwelling(
        address, status, current, moved_in, moved_out, status_changed, registered, conditional_lock
    )


def _address(element: etree._Element) -> tuple[Address, bool]:
    """Also abroad, „zuzugsstaat“ (only the country is known) and „unbekannt“ (an empty address)."""
    choice = one_child(element, "1205")
    if choice is None:
        raise RecordRejected("registry.missing_field", "1205")
    kind = local(choice)
    if kind == "zuzugsstaat":
        return Address(country=leaf(choice, "1223")), False
    if kind == "auslandsanschrift":
        country = next((part for name, part in parts(choice, "1232") if name == "staat"), None)
        return Address(country="" if country is None else leaf(country, "1232")), False
    if kind != "inlandsanschrift":
        return Address(), False
    fields: dict[str, str] = {}
    locked = False
    for name, part in parts(choice):
        if name == "anschrift.inland":
            for line_name, line in parts(part):
                if field := _ADDRESS_FIELDS.get(line_name):
                    fields[field] = leaf(line)
        elif name == "bedingterSperrvermerk":
            locked = read_flag(part, "1801a")
    return Address(**fields), locked


def _lock(element: etree._Element) -> Lock:
    reason, until = "", None
    for kind, part in parts(element):
        if kind == "grund":
            reason = leaf(part, "1801")
        elif kind == "frist":
            until = read_day(part, "1802").full()
    if not reason:
        raise RecordRejected("registry.missing_field", "1801")
    return Lock(reason, until)


def _reference(element: etree._Element) -> list[PersonKey]:
    """The key of a registered person; none where the person is only described (`daten`)."""
    references = list(element.iter("{*}referenz"))
    key = read_key(one_of(references)) if references else None
    return [key] if key else []


def _found_day(element: etree._Element, name: str, sheet: str) -> PartialDate:
    found = list(element.iter(f"{{*}}{name}"))
    return read_day(one_of(found, sheet), sheet) if found else PartialDate()
