"""Writes synthetic XMeldIT deliveries from our own words, of any size, for tests and benchmarks.

Every person is invented. The same arguments give the same bytes.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from tasks.domain.address import Address
from tasks.domain.person import (
    Dwelling,
    Lock,
    Name,
    PartialDate,
    Person,
    PersonKey,
)

AGS, TOWN, POSTCODE = "09000009", "Musterstadt", "60000"
BASELINE = datetime.fromisoformat("2026-11-16T20:00:00.000+01:00")
DELTAS = datetime.fromisoformat("2026-11-23T05:00:00.000+01:00")


@dataclass(frozen=True, slots=True)
class Sent:
    """One record to write; without `person` it is a `person.loeschen`."""

    event: str
    at: datetime
    code: str = ""
    person: Person | None = None
    key: PersonKey | None = None  # of the deletion


@dataclass(frozen=True, slots=True)
class Generated:
    full: Path
    delta: Path
    permits: Path


def write_delivery(
    path: Path,
    number: int,
    records: Iterable[Sent],
    kind: str = "delta",
    packet: int = 1,
    last: bool = True,
    ags: str = AGS,
    version: str = "25.11a",
    created_at: datetime = DELTAS,
) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_start(number, kind, packet, last, ags, version, created_at))
        file.writelines(_record(record) for record in records)
        file.write("</xmeld:xmeldit.datenlieferung.1100>\n")
    return path


def generate(
    out_dir: Path,
    persons: int,
    movers: int,
    seed: int,
    zone_file: Path,
    zone_of: Callable[[Address], str | None],
    permit_share: float = 0.4,
) -> Generated:
    """A full delivery (1), a delta (2) with `movers` moves and a tenth of other changes, permits.

    `zone_of` answers the zone of an address, or None for none or several. Of the movers who live in
    one zone before the move, `permit_share` hold a permit for it.
    """
    chance = random.Random(seed)
    streets = _streets(zone_file)
    people = [_resident(chance, index, streets) for index in range(persons)]
    others = people[movers : movers + max(1, movers // 10)]
    changes = [("302", _moved(chance, person, streets)) for person in people[:movers]]
    changes += [_changed(chance, person, streets) for person in others]
    chance.shuffle(changes)

    out_dir.mkdir(parents=True, exist_ok=True)
    return Generated(
        write_delivery(
            out_dir / "0001-gesamtlieferung.xml",
            1,
            _numbered(1, (("101", person) for person in people)),
            kind="full",
            created_at=BASELINE,
        ),
        write_delivery(out_dir / "0002-deltalieferung.xml", 2, _numbered(2, changes)),
        _write_permits(out_dir / "permits.jsonl", chance, people[:movers], zone_of, permit_share),
    )


def _start(
    number: int, kind: str, packet: int, last: bool, ags: str, version: str, created_at: datetime
) -> str:
    namespace = f"http://www.osci.de/xmeld{version.replace('.', '')}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<xmeld:xmeldit.datenlieferung.1100 xmlns:xmeld="{namespace}" produkt="Testdaten"'
        ' produkthersteller="Testdaten" produktversion="1" standard="XMeld"'
        f' test="synthetische Testdaten" version="{version}">\n'
        "<nachrichtenkopf.g2g><identifikation.nachricht>"
        f"<nachrichtenUUID>00000000-0000-4000-8000-{number:08d}{packet:04d}</nachrichtenUUID>"
        "<nachrichtentyp><code>1100</code></nachrichtentyp><erstellungszeitpunkt>"
        f"{_moment(created_at)}</erstellungszeitpunkt></identifikation.nachricht>\n"
        + _party("leser", "ags:09000000", "Zentrales Register Musterland (Testmandant)")
        + _party("autor", f"ags:{ags}", f"Stadt {TOWN}, Einwohnermeldeamt (Testmandant)")
        + "</nachrichtenkopf.g2g>\n<anschrift.autor><gebaeude><hausnummer>1</hausnummer>"
        f"<postleitzahl>{POSTCODE}</postleitzahl><strasse>Rathausplatz</strasse>"
        f"<wohnort>{TOWN}</wohnort></gebaeude></anschrift.autor>\n"
        "<xmeld:nachrichtenidentifikation><xmeld:paketierung>"
        + _tag("laufende.nummer.der.lieferung", str(number))
        + _tag("paketnummer", str(packet))
        + _tag("letztes.paket", _flag(last))
        + "</xmeld:paketierung><xmeld:gemeinde>"
        + _tag("amtlichergemeindename", TOWN)
        + _code("amtlichergemeindeschluessel", ags)
        + "</xmeld:gemeinde></xmeld:nachrichtenidentifikation>\n"
        + _tag("art.der.lieferung", {"full": "gesamtlieferung", "delta": "deltalieferung"}[kind])
        + "\n"
    )


def _party(role: str, party_id: str, name: str) -> str:
    return (
        f"<{role}><verzeichnisdienst><code>DVDV</code></verzeichnisdienst>"
        f"<kennung>{party_id}</kennung><name>{name}</name><erreichbarkeit><kanal><code>01</code>"
        f"</kanal><kennung>{role}@test.invalid</kennung></erreichbarkeit></{role}>\n"
    )


def _record(sent: Sent) -> str:
    key = sent.person.key if sent.person else sent.key
    assert key is not None
    element = "person.liefern" if sent.person else "person.loeschen"
    return (
        f"<xmeld:datensatz><xmeld:{element}><xmeld:identifikation.ereignis><ereignis.zeitpunkt>"
        f"{_moment(sent.at)}</ereignis.zeitpunkt><ereignis.zeichen>{escape(sent.event)}"
        "</ereignis.zeichen></xmeld:identifikation.ereignis>\n"
        + (_code("uebermittlungsanlass", sent.code) if sent.code else "")
        + f"<xmeld:identifikation.betroffeneperson>{_key(key)}"
        + "</xmeld:identifikation.betroffeneperson>\n"
        + (_snapshot(sent.person) if sent.person else "")
        + f"</xmeld:{element}></xmeld:datensatz>\n"
    )


def _snapshot(person: Person) -> str:
    born = _partial("geburtsdatum", person.born)
    death = "" if person.died is None else _partial("sterbetag", person.died)
    return "".join(
        [
            "<xmeld:personendaten>",
            *(_lock(lock) for lock in person.locks),
            _name(person.name),
            f"<xmeld:geburt><xmeld:geburt>{born}</xmeld:geburt></xmeld:geburt>\n",
            f"<xmeld:tod><xmeld:tod>{death}</xmeld:tod></xmeld:tod>" if death else "",
            *(_dwelling(dwelling) for dwelling in person.dwellings),
            _code("geschlecht", person.sex) if person.sex else "",
            "</xmeld:personendaten>\n",
            *(f"<xmeld:kind>{_reference(child)}</xmeld:kind>" for child in person.children),
            *(_guardian(_reference(guardian)) for guardian in person.guardians),
            _guardian("<xmeld:daten/>") if person.has_guardian and not person.guardians else "",
        ]
    )


def _name(name: Name) -> str:
    former = "".join(
        "<xmeld:frueherer.familienname>"
        + _wrapped("frueherer.familienname", text)
        + "</xmeld:frueherer.familienname>"
        for text in name.former
    )
    return (
        "<xmeld:namenatuerlicheperson><xmeld:familienname.unstrukturiert>"
        + _wrapped("nachname", name.family)
        + "</xmeld:familienname.unstrukturiert>"
        + (_wrapped("geburtsname.unstrukturiert", name.birth) if name.birth else "")
        + former
        + f"<xmeld:vornamen>{_wrapped('vornamen', name.given)}</xmeld:vornamen>"
        + (_wrapped("gebraeuchlicherVorname", name.usual) if name.usual else "")
        + _tag("ordensname", name.order)
        + _tag("kuenstlername", name.artist)
        + _tag("doktorgrad", name.doctor)
        + "</xmeld:namenatuerlicheperson>\n"
    )


def _dwelling(dwelling: Dwelling) -> str:
    moved_in = dwelling.moved_in
    since = f"<datum>{moved_in}</datum>" if moved_in else "<unbekannt>true</unbekannt>"
    return (
        "<xmeld:wohnung>"
        + _tag("datumAnmeldungBeiAnmeldebehoerde", str(dwelling.registered or ""))
        + (_partial("datumDesAuszugs", dwelling.moved_out) if dwelling.moved_out.year else "")
        + f"<xmeld:datumDesBeziehens>{since}</xmeld:datumDesBeziehens>"
        + _tag("datumDesWohnungsstatuswechsels", str(dwelling.status_changed or ""))
        + _code("statusderwohnung", dwelling.status.value)
        + f"<xmeld:xmeldit.anschrift>{_address(dwelling)}</xmeld:xmeldit.anschrift>"
        + _tag("wohnung.aktuell", _flag(dwelling.current))
        + "</xmeld:wohnung>\n"
    )


def _address(dwelling: Dwelling) -> str:
    address = dwelling.address
    if address.country:
        abroad = _code("staat", address.country)
        return f"<xmeld:auslandsanschrift>{abroad}</xmeld:auslandsanschrift>"
    if address == Address():
        return "<xmeld:unbekannt><code>0</code></xmeld:unbekannt>"
    lines = {
        "hausnummer": address.number,
        "hausnummerBuchstabeZusatzziffer": address.suffix,
        "postleitzahl": address.postcode,
        "stockwerkswohnungsnummer": address.floor,
        "strasse": address.street,
        "teilnummerDerHausnummer": address.part,
        "wohnort": address.town,
        "wohnortFruehererGemeindename": address.district,
        "wohnungsinhaber": address.care_of,
        "zusatzangaben": address.extra,
    }
    return (
        "<xmeld:inlandsanschrift><xmeld:anschrift.inland>"
        f"<gemeindeschluessel><code>{escape(address.ags)}</code></gemeindeschluessel>"
        + "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in lines.items() if text)
        + "</xmeld:anschrift.inland>"
        + _tag("bedingterSperrvermerk", "true" if dwelling.conditional_lock else "")
        + "</xmeld:inlandsanschrift>"
    )


def _lock(lock: Lock) -> str:
    until = _tag("frist", str(lock.until or ""))
    return f"<xmeld:auskunftssperre>{until}{_code('grund', lock.reason)}</xmeld:auskunftssperre>\n"


def _guardian(inner: str) -> str:
    return (
        "<xmeld:gesetzlichervertreter><xmeld:person><xmeld:natuerlicheperson>"
        f"{inner}</xmeld:natuerlicheperson></xmeld:person></xmeld:gesetzlichervertreter>"
    )


def _reference(key: PersonKey) -> str:
    return f"<xmeld:referenz>{_key(key)}</xmeld:referenz>"


def _key(key: PersonKey) -> str:
    return _code("gemeindeschluessel", key.ags) + _tag("ordnungsmerkmal", key.number)


def _tag(name: str, text: str) -> str:
    return f"<xmeld:{name}>{escape(text)}</xmeld:{name}>" if text else ""


def _code(name: str, value: str) -> str:
    return f"<xmeld:{name}><code>{escape(value)}</code></xmeld:{name}>"


def _wrapped(name: str, text: str) -> str:
    inner = f"<name>{escape(text)}</name>" if text else "<nichtVorhanden>true</nichtVorhanden>"
    return f"<xmeld:{name}>{inner}</xmeld:{name}>"


def _partial(name: str, day: PartialDate) -> str:
    text = str(day)
    element = {0: "unbekannt", 4: "jahr", 7: "jahrMonat", 10: "jahrMonatTag"}[len(text)]
    known = f"<teilbekanntesDatum><{element}>{text}</{element}></teilbekanntesDatum>"
    return f"<xmeld:{name}>{known if text else '<unbekannt>true</unbekannt>'}</xmeld:{name}>"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


# What is generated ---------------------------------------------------------------------------

GIVEN = {
    "w": "Antje Sophie Małgorzata Şeyma Françoise Hannah Lotte Ayşe Irina Thùy Ursula Jördis",
    "m": "Jens Łukasz Mehmet Karl-Heinz Søren Čedomir Jürgen José Tariq Minh Viktor Friedrich",
}
FAMILY = (  # noqa: SIM905
    "Brandt Wójcik Yılmaz Hoffmann Petersen Zöllner Lindner Albrecht Seidel Krüger Weiß Dvořák"
    " Kovačević Öztürk Şahin García Ångström Vogel Berger Meißner Pöschl Ewert"
).split()
ELSEWHERE = Address("Hauptstraße", "7", postcode="04109", town="Leipzig", ags="14713000")


def _numbered(number: int, changes: Iterable[tuple[str, Person]]) -> Iterator[Sent]:
    """Event signs and times in order, the last one just before the delivery is made."""
    start = (BASELINE if number == 1 else DELTAS) - timedelta(days=3)
    for index, (code, person) in enumerate(changes, start=1):
        sign = f"G{number:04d}-{index:07d}"
        yield Sent(sign, start + timedelta(milliseconds=index), code, person)


def _streets(zone_file: Path) -> list[str]:
    zones = json.loads(zone_file.read_text(encoding="utf-8"))
    entries = [entry for zone in zones for entry in zone["adressen"].split(";")]
    return sorted({entry.partition(":")[0].strip() for entry in entries})


def _resident(chance: random.Random, index: int, streets: list[str]) -> Person:
    sex = chance.choice("wm")
    moved_in = _day(chance, 9000, 60)
    return Person(
        PersonKey(AGS, f"{index + 1:012d}"),
        Name(chance.choice(FAMILY), chance.choice(GIVEN[sex].split())),
        born=_full(_day(chance, 32000, 7000)),
        sex=sex,
        locks=(Lock("3", date(2028, 1, 31)),) if chance.random() < 0.01 else (),
        dwellings=(Dwelling(_somewhere(chance, streets), moved_in=moved_in, registered=moved_in),),
    )


def _somewhere(chance: random.Random, streets: list[str]) -> Address:
    suffix = chance.choice("abc") if chance.random() < 0.05 else ""
    number = str(chance.randint(1, 60))
    return Address(chance.choice(streets), number, suffix, postcode=POSTCODE, town=TOWN, ags=AGS)


def _moved(chance: random.Random, person: Person, streets: list[str]) -> Person:
    return _to(person, _somewhere(chance, streets), _day(chance, 14, 2))


def _to(person: Person, address: Address, day: date) -> Person:
    (old,) = person.dwellings
    left = replace(old, current=False, moved_out=_full(day))
    return replace(person, dwellings=(Dwelling(address, moved_in=day, registered=day), left))


def _changed(chance: random.Random, person: Person, streets: list[str]) -> tuple[str, Person]:
    code = chance.choice(("304", "314", "202", "307", "201"))
    (home,) = person.dwellings
    if code == "304":
        name = replace(
            person.name, family=f"{person.name.family}-Roth", former=(person.name.family,)
        )
        return code, replace(person, name=name)
    if code == "314":
        put_right = replace(home, address=_somewhere(chance, streets))
        return code, replace(person, dwellings=(put_right,))
    if code == "202":
        return code, _to(person, ELSEWHERE, _day(chance, 14, 2))
    if code == "307":
        return code, replace(person, locks=(Lock("3", date(2028, 11, 19)),))
    died = _full(_day(chance, 10, 3))
    left = replace(home, current=False, moved_out=died)
    return code, replace(person, died=died, dwellings=(left,))


def _write_permits(
    path: Path,
    chance: random.Random,
    movers: list[Person],
    zone_of: Callable[[Address], str | None],
    share: float,
) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for index, person in enumerate(movers, start=1):
            zone = zone_of(person.dwellings[0].address)
            if zone is None or chance.random() >= share:
                continue
            permit = {
                "permit_no": f"BPA-{index:07d}",
                "holder_ags": person.key.ags,
                "holder_ordnungsmerkmal": person.key.number,
                "name": f"{person.name.given} {person.name.family}",
                "birth_date": str(person.born),
                "plate": f"ZZ-MU {index}",
                "zone": zone,
                "valid_from": "2026-03-01",
                "valid_until": str(date(2027, 12, 31) + timedelta(days=chance.randint(0, 300))),
                "standing_application": chance.random() < 0.9,
            }
            file.write(json.dumps(permit, ensure_ascii=False) + "\n")
    return path


def _day(chance: random.Random, most: int, least: int) -> date:
    return DELTAS.date() - timedelta(days=chance.randint(least, most))


def _full(day: date) -> PartialDate:
    return PartialDate(day.year, day.month, day.day)
