"""What a receipt says to the registry office about each of our codes: German, no personal data."""

DELIVERY_SENTENCES = {
    "registry.empty": "Die Datei ist leer",
    "registry.too_large": "Die Datei ist größer als erlaubt",
    "registry.record_too_large": "Ein Datensatz ist größer als erlaubt",
    "registry.not_well_formed": "Die Datei ist kein wohlgeformtes XML oder abgeschnitten",
    "registry.doctype": "Eine Dokumenttypdeklaration (DOCTYPE) ist nicht erlaubt",
    "registry.encoding": "Die Datei muss in UTF-8 kodiert und so deklariert sein",
    "registry.wrong_message": "Erwartet wird die Nachricht xmeldit.datenlieferung.1100",
    "registry.unsupported_version": "Unterstützt werden XMeld 3.4 und Versionen ab 24.11",
    "registry.wrong_namespace": (
        "Elemente ohne Namensraum stehen durch eine Default-Deklaration im Namensraum von XMeld"
    ),
    "registry.bad_head": "Eine Angabe vor dem ersten Datensatz fehlt oder ist ungültig",
    "registry.head_twice": "Eine Angabe vor dem ersten Datensatz kommt mehrfach vor",
    "registry.wrong_ags": "Die Lieferung ist für eine andere Gemeinde bestimmt",
    "registry.number_gap": "Eine frühere Lieferung fehlt",
    "registry.number_repeated": "Eine Lieferung mit dieser Nummer wurde schon verarbeitet",
    "registry.packet_twice": "Ein Paket der Lieferung liegt mehrfach vor",
    "registry.packets_contradict": "Die Pakete der Lieferung widersprechen einander",
    "registry.duplicate_event": "Ein Ereigniszeichen kommt in der Lieferung mehrfach vor",
    "registry.not_chronological": "Die Datensätze sind nicht in zeitlicher Reihenfolge",
    "registry.full_incomplete": (
        "In der Gesamtlieferung fehlen mehr Personen, als sie nennt, oder sie nennt keine"
    ),
    "registry.person_twice": "Die Gesamtlieferung nennt eine Person auf zwei Arten",
    "registry.full_with_delta_codes": (
        "Eine Gesamtlieferung darf keine Änderungen einzelner Datensätze enthalten"
    ),
}

RECORD_SENTENCES = {
    "registry.record_wrong_ags": (
        "Gemeindeschlüssel des Datensatzes weicht von der liefernden Gemeinde ab"
    ),
    "registry.unknown_code": "Übermittlungsanlass steht in keiner der Schlüsseltabellen",
    "registry.invalid_date": "Datum oder Zeitpunkt ist ungültig",
    "registry.invalid_value": "Wert steht nicht in der Schlüsseltabelle",
    "registry.missing_field": "Eine erforderliche Angabe fehlt",
    "registry.said_twice": "Eine Angabe kommt mehrfach und mit verschiedenem Inhalt vor",
    "registry.overlong": "Eine Angabe ist länger als erlaubt",
    "registry.event_known_otherwise": (
        "Das Ereigniszeichen ist aus einer früheren Lieferung mit anderem Inhalt bekannt"
    ),
    "registry.no_current_dwelling": "Umzug ohne aktuelle Wohnung in der Gemeinde",
}


def about_delivery(code: str, number: int, expected: int | None) -> str:
    sentence = DELIVERY_SENTENCES.get(code, f"Die Lieferung ist fehlerhaft ({code})")
    if code == "registry.number_gap" and expected is not None:
        sentence = f"Lieferung {number} erhalten, Lieferung {expected} erwartet"
    return f"{sentence}. Die ganze Lieferung wurde nicht verarbeitet"


def about_record(code: str, taken: bool) -> str:
    sentence = RECORD_SENTENCES.get(code, f"Der Datensatz ist fehlerhaft ({code})")
    return f"{sentence}; Datensatz {'' if taken else 'nicht '}übernommen"
