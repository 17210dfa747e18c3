"""What each reason code of the population registry means to us.

Two official lists share the field without overlapping: XMeldIT „Änderungsart“ (101 to 704) and
XMeld „Datenübermittlungsanlass“ (1 to 41). A code is a hint only: reversals are recognised by
comparing snapshots, because Änderungsart has no code for them.
"""

from tasks.domain.delta import DeltaKind as Kind
from tasks.errors import RecordRejected

CHANGE_CODES = {
    "101": Kind.STOCK,  # Erstbefüllung
    "102": Kind.STOCK,  # Bestandsabgleich
    "103": Kind.FIRST_REGISTRATION,  # Erstmalige Anmeldung in Deutschland
    "104": Kind.ARRIVAL,  # Zuzug
    "201": Kind.DEATH,  # Sterbemitteilung
    "202": Kind.MOVE_AWAY,  # Wegzug
    "301": Kind.SECONDARY_DWELLING,  # Begründung einer Nebenwohnung
    "302": Kind.MOVE,  # Innerörtlicher Umzug
    "303": Kind.CHILD_BORN,  # Geburtsmeldung
    "304": Kind.NAME_CHANGE,  # Änderung der Namen
    "305": Kind.IRRELEVANT,  # Löschungsfristen nach Wegzug/Tod
    "307": Kind.LOCK_CHANGE,  # Auskunfts- oder Übermittlungssperre
    "308": Kind.FAMILY_CHANGE,  # Begründung einer Lebenspartnerschaft
    "309": Kind.FAMILY_CHANGE,  # Aufhebung einer Lebenspartnerschaft
    "310": Kind.FAMILY_CHANGE,  # Eheschließung
    "311": Kind.FAMILY_CHANGE,  # Ehescheidung
    "312": Kind.GUARDIAN_CHANGE,  # Eintragung eines gesetzlichen Vertreters
    "313": Kind.GUARDIAN_CHANGE,  # Löschung eines gesetzlichen Vertreters
    "314": Kind.ADDRESS_UPDATE,  # Fortschreibung der Anschriftsdaten
    "315": Kind.NAME_CHANGE,  # Korrektur der Namen
    "316": Kind.IRRELEVANT,  # Religion
    "317": Kind.IRRELEVANT,  # Staatsangehörigkeit
    "321": Kind.ARRIVAL,  # Wiederzuzug
    "322": Kind.STATUS_CHANGE,  # Hauptwohnung zu Nebenwohnung
    "323": Kind.STATUS_CHANGE,  # Nebenwohnung zu Hauptwohnung
    "324": Kind.SECONDARY_DWELLING,  # Aufgabe einer Nebenwohnung
    "325": Kind.FAMILY_CHANGE,  # Tod einer bezogenen Person
    "380": Kind.IRRELEVANT,  # Waffenrechtliche Erlaubnis erteilt
    "381": Kind.IRRELEVANT,  # Waffenrechtliche Erlaubnis aufgehoben
    "382": Kind.IRRELEVANT,  # Sprengstoffrechtliche Erlaubnis erteilt
    "383": Kind.IRRELEVANT,  # Sprengstoffrechtliche Erlaubnis aufgehoben
    "385": Kind.IRRELEVANT,  # Waffenbesitzverbot erteilt
    "386": Kind.IRRELEVANT,  # Waffenbesitzverbot aufgehoben
    "387": Kind.IRRELEVANT,  # Steuer-IdNr eingetragen
    "388": Kind.IRRELEVANT,  # Steuer-IdNr geändert
    "389": Kind.IRRELEVANT,  # Steuer-IdNr gelöscht
    "390": Kind.OTHER,  # Sonstige Änderungen; also how a reversal is likely to arrive
    "701": Kind.IRRELEVANT,  # In die gesonderte Aufbewahrung
    "703": Kind.IRRELEVANT,  # Änderung in gesonderter Aufbewahrung
    "704": Kind.STOCK,  # Bestand der gesonderten Aufbewahrung
}

OCCASION_CODES = {
    "1": Kind.ARRIVAL,  # Zuzug aus dem Inland
    "2": Kind.ARRIVAL,  # Umzug mit AGS-Wechsel
    "3": Kind.MOVE,  # Umzug ohne AGS-Wechsel
    "4": Kind.SECONDARY_DWELLING,  # Bezug einer Nebenwohnung
    "5": Kind.ARRIVAL,  # Erstmaliger Zuzug aus dem Ausland
    "6": Kind.ARRIVAL,  # Wiederzuzug aus dem Ausland
    "7": Kind.MOVE_AWAY,  # Wegzug in das Ausland
    "8": Kind.MOVE_AWAY,  # Wegzug nach unbekannt
    "9": Kind.SECONDARY_DWELLING,  # Aufgabe einer Nebenwohnung
    "10": Kind.NAME_CHANGE,  # Namen und Doktorgrade
    "11": Kind.OTHER,  # Geburtsdaten
    "12": Kind.FIRST_REGISTRATION,  # Geburt
    "13": Kind.IRRELEVANT,  # Geschlecht
    "14": Kind.GUARDIAN_CHANGE,  # Gesetzlicher Vertreter
    "15": Kind.IRRELEVANT,  # Staatsangehörigkeit
    "16": Kind.IRRELEVANT,  # Religion
    "17": Kind.ADDRESS_UPDATE,  # Anschrift
    "18": Kind.KEY_CHANGE,  # Ab- und Aufspaltung einer Gemeinde
    "19": Kind.STATUS_CHANGE,  # Wohnungsstatuswechsel
    "20": Kind.FAMILY_CHANGE,  # Familienstand
    "21": Kind.FAMILY_CHANGE,  # Ehegatte oder Lebenspartner
    "22": Kind.CHILD_BORN,  # Kinder
    "23": Kind.DOCUMENT_CHANGE,  # Pass und Ausweis
    "24": Kind.LOCK_CHANGE,  # Auskunfts- und Übermittlungssperren
    "25": Kind.DEATH,  # Sterbefall
    "26": Kind.IRRELEVANT,  # Steuer-IdNr
    "27": Kind.IRRELEVANT,  # Steuer-IdNr der beigeschriebenen Person
    "28": Kind.IRRELEVANT,  # Waffen- und Sprengstoffrecht
    "29": Kind.KEY_CHANGE,  # Ordnungsmerkmal
    "30": Kind.IRRELEVANT,  # Hinweise auf Unrichtigkeiten: a doubt, not a change
    "31": Kind.STOCK,  # Bestandsdatenlieferung
    "32": Kind.OTHER_REVERSED,  # Rücknahme
    "33": Kind.DEATH_REVERSED,  # Rücknahme eines Sterbefalls
    "34": Kind.OTHER_REVERSED,  # Stornierung einer Person
    "35": Kind.IRRELEVANT,  # Rückweisung gemäß Prüfungsebene II
    "36": Kind.OTHER,  # Fachspezifische Anlässe
    # Also sent when only the date of death was wrong: the snapshot says whether the person lives.
    "37": Kind.OTHER,  # Korrektur Sterbefall
    "38": Kind.STATUS_CHANGE,  # Statuswechsel mit Wechsel der Zuständigkeit
    "39": Kind.STATUS_CHANGE,  # Statuswechsel ohne Wechsel der Zuständigkeit und des AGS
    "40": Kind.STATUS_CHANGE,  # Statuswechsel ohne Wechsel der Zuständigkeit, mit anderem AGS
    "41": Kind.OTHER_REVERSED,  # Rücknahme der Stornierung einer Person
}

_KINDS = CHANGE_CODES | OCCASION_CODES


def kind_of(code: str) -> Kind:
    """The field is optional in XMeldIT: without a code the snapshots have to tell."""
    if not code:
        return Kind.OTHER
    if code not in _KINDS:
        raise RecordRejected("registry.unknown_code")
    return _KINDS[code]
