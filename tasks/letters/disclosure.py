"""What a disclosure (Art. 15 DSGVO) says, in German: the stored values in words, sheet by sheet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tasks.domain.decision import Ground
from tasks.domain.effect import Effect
from tasks.domain.person import Dwelling, Lock, Person
from tasks.domain.record import RESIDENT, Permit
from tasks.letters.words import german_citation, german_date

Rows = list[tuple[str, str]]

KINDS = {
    "stock": "Bestand",
    "first_registration": "Erstmalige Anmeldung",
    "arrival": "Zuzug",
    "move": "Umzug",
    "move_away": "Wegzug",
    "address_update": "Änderung der Anschrift ohne Umzug",
    "status_change": "Wechsel von Haupt- und Nebenwohnung",
    "secondary_dwelling": "Nebenwohnung",
    "child_born": "Geburt eines Kindes",
    "death": "Sterbefall",
    "name_change": "Namensänderung",
    "lock_change": "Änderung einer Auskunftssperre",
    "family_change": "Änderung des Familienstands",
    "guardian_change": "Änderung der gesetzlichen Vertretung",
    "document_change": "Änderung eines Ausweisdokuments",
    "key_change": "Änderung des Ordnungsmerkmals",
    "deletion": "Löschung im Melderegister",
    "missing": "In einer Gesamtlieferung des Registers nicht genannt",
    "move_reversed": "Rücknahme eines Umzugs",
    "death_reversed": "Rücknahme eines Sterbefalls",
    "other_reversed": "Rücknahme einer Meldung",
    "other": "Sonstige Änderung",
    "irrelevant": "Änderung, die keinen Dienst betrifft (nur gezählt, ohne Inhalt)",
}
STATUSES = {
    "open": "offen",
    "granted": "entschieden, noch nicht ausgeführt",
    "declined": "nichts zu veranlassen",
    "needs_review": "liegt bei der Sachbearbeitung",
    "suppressed": "gegenstandslos",
    "acted": "ausgeführt",
    "lettered": "ausgeführt, Schreiben erstellt",
    "sent": "ausgeführt, Schreiben versandt",
    "closed": "abgeschlossen",
    "failed": "unterbrochen",
    "undone": "rückgängig gemacht",
}
OUTCOMES = {
    "granted": "bewilligt",
    "declined": "nichts zu veranlassen",
    "needs_review": "an die Sachbearbeitung gegeben",
    "suppressed": "gegenstandslos",
    "held": "zurückgestellt",
}
RESULTS = {"met": "erfüllt", "not_met": "nicht erfüllt", "unclear": "unklar"}
EFFECTS = {
    "switch_zone": "Bewohnerparkausweis auf eine andere Zone umgestellt",
    "update_address": "Anschrift im Bewohnerparkausweis berichtigt",
    "update_name": "Name im Bewohnerparkausweis berichtigt",
    "end": "Bewohnerparkausweis beendet",
    "tolerate": "Beendeter Bewohnerparkausweis einige Tage länger hingenommen",
    "restore": "Frühere Änderung zurückgenommen",
}
REPLIES = {
    "deregister": "Verzicht",
    "wrong": "Hinweis auf einen Fehler",
    "object": "Ankündigung eines Widerspruchs",
    "opt_out": "Widerspruch gegen künftige Leistungen ohne Antrag",
}
SCOPES = {
    "case": "nur dieser Vorgang",
    "service": "auch künftig für diesen Dienst",
    "information": "auch künftig für alle Dienste, die nur informieren",
}
LETTERS = {
    "ready": "noch nicht versandt",
    "claimed": "wird versandt",
    "handed_over": "versandt",
    "uncertain": "möglicherweise versandt",
    "held_back": "zurückgehalten (Probebetrieb)",
    "stopped": "angehalten, nicht versandt",
    "failed": "nicht zustellbar",
}
CHANNELS = {"email": "E-Mail", "post": "Post"}
LINKED = {
    "key": "über das Ordnungsmerkmal des Melderegisters",
    "statutory": "über Name, Geburtsdatum und Anschrift",
    "clerk": "durch die Sachbearbeitung",
}
_DWELLINGS = {"0": "alleinige Wohnung", "1": "Hauptwohnung", "2": "Nebenwohnung"}
_SEX = {"m": "männlich", "w": "weiblich", "d": "divers", "x": "ohne Angabe"}
_PERMIT = {"active": "gültig", "ended": "beendet", "blocked": "gesperrt"}


@dataclass(frozen=True)
class Sheet:
    """A heading with what stands under it; `text` is printed as it is."""

    title: str
    rows: Rows = field(default_factory=list)
    text: str = ""
    parts: "list[Sheet]" = field(default_factory=list)


def person_rows(person: Person) -> Rows:
    """Without the keys of others: who represents the person, and their children, are other people's
    data."""
    name = person.name
    rows = [
        ("Familienname", name.family),
        ("Vornamen", name.given),
        ("Rufname", name.usual),
        ("Geburtsname", name.birth),
        ("Frühere Namen", ", ".join(name.former)),
        ("Ordensname", name.order),
        ("Künstlername", name.artist),
        ("Doktorgrad", name.doctor),
        ("Geburtsdatum", german_day(str(person.born))),
        ("Geschlecht", _SEX.get(person.sex, person.sex)),
        ("Sterbedatum", german_day(str(person.died)) if person.died else ""),
        *(("Auskunftssperre", _lock(lock)) for lock in person.locks),
        *((_dwelling_label(dwelling), _dwelling(dwelling)) for dwelling in person.dwellings),
        ("Kinder, Anzahl der Verweise", str(len(person.children) or "")),
        ("Gesetzliche Vertretung", "ja" if person.has_guardian or person.guardians else ""),
    ]
    return [(label, value) for label, value in rows if value]


def permit_rows(permit: Permit) -> Rows:
    rows = [
        ("Zone", permit.zone),
        ("Art", "" if permit.kind == RESIDENT else permit.kind),
        (
            "Gültig",
            f"{german_date(permit.valid_from)} bis {german_date(permit.valid_until)}"
            if not permit.unread
            else "",
        ),
        ("Nicht lesbar", ", ".join(permit.unread)),
        ("Kennzeichen", permit.plate),
        ("Name auf dem Ausweis", permit.holder),
        ("Geburtsdatum", german_day(permit.birth_date)),
        ("Anschrift", f"{permit.street} {permit.house_number}".strip()),
        ("Stand", _PERMIT.get(permit.status, permit.status)),
        ("Umstellung bei jedem Umzug beantragt", "ja" if permit.standing_application else "nein"),
        ("E-Mail", permit.email),
        ("Einwilligung in den elektronischen Versand", "ja" if permit.email_consent else "nein"),
    ]
    return [(label, value) for label, value in rows if value]


def ground_rows(ground: Ground) -> Rows:
    facts = values(ground.facts)
    result = RESULTS[ground.result.value]
    return [(german_citation(ground.law), f"{result} ({facts})" if facts else result)]


def effect_text(effect: Effect) -> str:
    data = values(effect.data)
    return f"{EFFECTS[effect.kind.value]}: Ausweis {effect.record}" + (f" ({data})" if data else "")


def values(data: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items() if value)


def german_day(text: str) -> str:
    """As much of a date as is known."""
    parts = text.split("-")
    return german_date(text) if len(parts) == 3 else ".".join(reversed(parts))


def _lock(lock: Lock) -> str:
    until = f", bis {german_date(lock.until)}" if isinstance(lock.until, date) else ""
    return f"Grund {lock.reason} (Schlüssel des Melderegisters){until}"


def _dwelling_label(dwelling: Dwelling) -> str:
    return "Wohnung" if dwelling.current else "Frühere Wohnung"


def _dwelling(dwelling: Dwelling) -> str:
    address = dwelling.address
    parts = [
        f"bei {address.care_of}" if address.care_of else "",
        address.line(),
        address.floor,
        address.town_line(),
        f"Staat {address.country}" if address.country else "",
        f"Gemeindeschlüssel {address.ags}" if address.ags else "",
        _DWELLINGS[dwelling.status.value],
        f"bezogen am {german_date(dwelling.moved_in)}" if dwelling.moved_in else "",
        f"ausgezogen {german_day(str(dwelling.moved_out))}" if str(dwelling.moved_out) else "",
        f"Status seit {german_date(dwelling.status_changed)}" if dwelling.status_changed else "",
        f"angemeldet am {german_date(dwelling.registered)}" if dwelling.registered else "",
        "bedingter Sperrvermerk" if dwelling.conditional_lock else "",
    ]
    return ", ".join(part for part in parts if part)
