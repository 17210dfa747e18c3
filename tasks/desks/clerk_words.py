"""German for clerks: what the rules say in English, said as an authority's own staff would.

Stored are codes and names; what has no words here is shown in the words of its rule.
"""

import re
from collections.abc import Iterator
from datetime import date

from tasks.domain.area import DOUBTS, Doubt
from tasks.domain.decision import Choice, Then
from tasks.domain.delta import DeltaKind
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.person import DwellingStatus
from tasks.domain.record import LinkedBy
from tasks.domain.reply import ReplyKind
from tasks.domain.statements import Taking, last_day

QUESTIONS = {
    "holder_vanished": "Die Person ist ohne Angabe von Gründen aus dem Register verschwunden. "
    "Was ist geschehen?",
    "holder_missing": "Die Person fehlt in einer Gesamtlieferung des Registers, ohne gelöscht zu "
    "sein. Was ist geschehen?",
    "holder_died": "Die Person ist verstorben. Was soll geschehen, und wer ist zu fragen?",
    "address_locked": "Es besteht eine Auskunftssperre (§ 51 BMG). Wie soll es weitergehen?",
    "conditional_lock": "Für eine Wohnung besteht ein bedingter Sperrvermerk (§ 52 BMG). Wie soll "
    "es weitergehen?",
    "guardianship": "Eine volljährige Person hat eine gesetzliche Vertretung. Wer ist anzuhören "
    "und zu benachrichtigen?",
    "open_clerk_case": "Ein anderer Fall dieser Person wartet auf die Sachbearbeitung. Gehören "
    "beide zusammen?",
    "contradicting_data": "Die Angaben des Registers widersprechen sich. Welche sind richtig?",
    "no_postal_address": "Ein Schreiben käme nicht an: Straße, Postleitzahl oder Ort fehlen oder "
    "stimmen nicht. Wie erfährt es die Person?",
    "no_automation_norm": "Keine Vorschrift lässt hier eine maschinelle Entscheidung zu (§ 35a "
    "VwVfG). Ist der Vorschlag richtig?",
    "clerk_decides": "Ihre Kommune entscheidet in diesem Dienst jeden Fall selbst. Ist der "
    "Vorschlag richtig?",
    "no_standing_application": "Es liegt kein Dauerantrag vor. Wünscht die Person die Umstellung?",
    "no_legal_basis_ref": "Die schriftliche Regelung nach § 37 BMG ist nicht hinterlegt. Ist der "
    "Vorschlag richtig?",
    "superseded": "Anschrift oder Name haben sich noch einmal geändert.",
    "holder_uncertain": "Ein Ausweis sieht nur so aus, als gehöre er dieser Person. Gehört er ihr?",
    "key_changed": "Das Ordnungsmerkmal der Person hat sich geändert. Welches soll der Ausweis "
    "tragen?",
    "death_reversed": "Die Person lebt. Den Ausweis wiederherstellen, wieder schreiben, sich "
    "entschuldigen?",
    "reversal_after_effect": "Das Ereignis wurde zurückgenommen, nachdem es schon gewirkt hatte. "
    "Den Ausweis zurücksetzen?",
    "record_changed": "Der Ausweis wurde inzwischen von anderer Hand geändert. Wie soll er "
    "zurückgesetzt werden?",
    "resident_says_wrong": "Die Person sagt, dass etwas nicht stimmt. Was ist richtig?",
    "resident_is_minor": "Eine minderjährige Person verzichtet auf den Ausweis. Sind die Eltern "
    "einverstanden?",
    "resident_objects": "Die Person kündigt einen Widerspruch an. Bleibt es bei der Entscheidung?",
    "reply_crosses_undo": "Die Entscheidung war schon zurückgenommen, als die Antwort einging. Was "
    "ist nun gewünscht?",
    "several_permits": "Die Person hat mehrere Ausweise. Welcher ist gemeint?",
    "minor": "Die Person ist minderjährig, oder ihr Alter ist unbekannt. Darf der Ausweis geändert "
    "werden?",
    "secondary_dwelling": "Hier bleibt nur eine Nebenwohnung. Endet der Ausweis?",
    "moved_away": "Die Person wohnt nicht mehr in der Kommune. Endet der Ausweis?",
    "returned": "Die Person ist (wieder) zugezogen und hat noch einen Ausweis von vorher. Besteht "
    "er fort?",
    "second_home_given_up": "Eine Nebenwohnung wurde aufgegeben, für die der Ausweis gelten kann. "
    "Endet der Ausweis?",
    "no_zone": "Die neue Anschrift liegt in keiner Bewohnerparkzone. Endet der Ausweis?",
    "zone_ambiguous": "Die neue Anschrift liegt nicht sicher in einer einzigen Bewohnerparkzone. "
    "Welche ist richtig?",
    "zone_list_gap": "Die Anschrift wurde nur berichtigt, aber die Zonenliste kennt die neue "
    "Schreibweise nicht. Bleibt der Ausweis in seiner Zone?",
    "permit_zone_conflict": "Die Zone des Ausweises ist nicht die der Anschrift. Welche ist "
    "richtig?",
    "permit_unclear": "Art, Stand oder Daten eines Ausweises sind nicht zu verstehen. Was ist es "
    "für einer?",
    "plate_elsewhere": "Für dasselbe Kennzeichen hat noch jemand einen Ausweis. Wer parkt das "
    "Fahrzeug?",
    "foreign_plate": "Das Kennzeichen ist nicht als deutsches zu erkennen. Darf das Fahrzeug einen "
    "Ausweis haben?",
    "vehicle_unchecked": "Das Fahrzeugregister wurde nicht abgefragt. Ist die Person noch Halterin "
    "oder Halter?",
    "form_unknown": "Von Ausweisen dieser Form sagt Ihr Profil nichts. Ist er digital oder aus "
    "Papier?",
    "form_by_clerk": "Ausweise dieser Form ändert die Sachbearbeitung: wegen Karte, Gebühr und "
    "bisherigem Ausweis. Ist der Vorschlag richtig?",
    "end_old_permit": "Der neue Ausweis ist erteilt. Endet der alte?",
}
_DOUBTS = {
    Doubt.GAP: "Die Hausnummer liegt zwischen zwei Einträgen der Liste.",
    Doubt.SUFFIX: "Die Liste sagt nicht, wohin dieser Zusatz der Hausnummer gehört.",
    Doubt.BORDER: "In der Liste steht „zwischen“, und dies ist eine der beiden Grenzen.",
    Doubt.NUMBER: "Die Anschrift hat keine oder mehrere Hausnummern; die Liste unterscheidet sie.",
    Doubt.PLACE: "Die Liste nennt die Straße, aber nicht in diesem Ortsteil oder mit dieser "
    "Postleitzahl.",
    Doubt.POSTCODE: "Postleitzahl oder Ort sind andere als bisher, und die Liste nennt keine.",
}
# What a rule may add to its question.
_ADDED = {
    "By its resolutory condition it has lapsed.": "Nach seiner auflösenden Bedingung ist er "
    "erloschen.",
    "Revocation is discretionary": "Der Widerruf steht im Ermessen und setzt nachträgliche "
    "Tatsachen, eine Gefahr für das öffentliche Interesse, die Jahresfrist und eine Anhörung "
    "voraus (§ 49 Abs. 2 Satz 1 Nr. 3 und Satz 2, § 48 Abs. 4, § 28 VwVfG).",
    "Revocation was reserved": "Der Widerruf ist vorbehalten. Er steht im Ermessen und setzt die "
    "Jahresfrist und eine Anhörung voraus (§ 49 Abs. 2 Satz 1 Nr. 1 und Satz 2, § 48 Abs. 4, § 28 "
    "VwVfG).",
    "The letter was stopped.": "Das Schreiben wurde angehalten.",
    **{DOUBTS[doubt]: text for doubt, text in _DOUBTS.items()},
}
_CHANGED = re.compile(r"Changed: ([a-z_, ]+)\.")
_FIELDS = {
    "number": "der Ausweis selbst",
    "zone": "Zone",
    "plate": "Kennzeichen",
    "holder": "Name",
    "valid_from": "Gültigkeitsbeginn",
    "valid_until": "Gültigkeitsende",
    "form": "Form (digital oder Papier)",
    "status": "Status",
    "street": "Straße",
    "house_number": "Hausnummer",
}

# What a stopped letter asks in other words than its code does elsewhere.
_STOPPED = {"record_changed": "Der Ausweis ist nicht mehr so, wie das Schreiben sagt."}

CONDITIONS = {
    "main_dwelling": "Eine Wohnung in der Kommune berechtigt zum Bewohnerparken.",
    "address_differs": "Die Person wohnt jetzt in einem anderen Haus.",
    "moved_in": "Die Person ist schon eingezogen.",
    "one_permit": "Die Person hat einen gültigen Ausweis, von Verlängerungen abgesehen.",
    "plate_once": "Niemand sonst hat einen Ausweis für dasselbe Fahrzeug.",
    "record_understood": "Art, Stand und Daten der Ausweise der Person sind verständlich.",
    "adult": "Die Person ist alt genug, um selbst zu handeln.",
    "one_zone": "Die neue Anschrift liegt in genau einer Bewohnerparkzone.",
    "permit_zone_agrees": "Der Ausweis gilt für die Zone der Anschrift.",
    "plate_german": "Das Kennzeichen ist ein deutsches, oder andere sind zugelassen.",
    "vehicle_check": "Das Fahrzeugregister wurde abgefragt, oder die Kommune verzichtet darauf.",
    "form_known": "Die Form des Ausweises ist bekannt, und das Profil sagt, was für sie gilt.",
    "form_lane": "Ausweise dieser Form werden maschinell geändert.",
    "record_differs": "Auf dem Ausweis steht eine andere Anschrift.",
    "name_differs": "Auf dem Ausweis steht ein anderer Name.",
    "permit_active": "Die Person hat einen Ausweis, der nicht beendet ist.",
    "holder_certain": "Der Ausweis gehört sicher dieser Person.",
    "permit_valid": "Der Ausweis ist am Tag der Änderung gültig.",
    "holder_alive": "Die Person lebt.",
    "holder_known": "Die Person steht noch im Register.",
    "holder_named": "Die Gesamtlieferung des Registers nennt die Person.",
    "held_since": "Der Ausweis wurde erteilt, seit die Person hier wohnt.",
    "second_home_kept": "Keine Nebenwohnung wurde aufgegeben, für die der Ausweis gelten kann.",
    "key_unchanged": "Das Ordnungsmerkmal der Person ist noch dasselbe.",
    "event_stands": "Das Ereignis, auf das entschieden wurde, besteht noch.",
    "not_undone": "Was auf das Ereignis hin geschah, besteht noch.",
    "record_intact": "Niemand hat den Ausweis seitdem geändert.",
    "undo_by_machine": "Die Rücknahme braucht kein Ermessen: Der Ausweis erlischt nach seiner "
    "eigenen Bedingung, oder es wurden nur Daten geändert.",
    "not_reversed": "Das Register hat das Ereignis nicht zurückgenommen.",
    "latest_event": "Kein späteres Ereignis hat dieses überholt.",
    "no_opt_out": "Die Person hat sich nicht von dem Dienst abgemeldet.",
    "in_register": "Die Person steht noch im Register.",
    "alive": "Die Person lebt.",
    "no_address_lock": "Es besteht keine Auskunftssperre.",
    "no_conditional_lock": "Für keine Wohnung, neu oder alt, besteht ein bedingter Sperrvermerk.",
    "no_guardian": "Die Person ist minderjährig oder handelt ohne gesetzliche Vertretung.",
    "no_open_clerk_case": "Kein anderer Fall dieser Person und dieses Dienstes wartet auf die "
    "Sachbearbeitung.",
    "data_consistent": "Die Angaben des Registers zur Wohnung widersprechen sich nicht.",
    "postal_address": "Die Post erreicht die Person, der zu schreiben ist.",
    "automation_norm": "Eine Vorschrift lässt diesen Verwaltungsakt durch eine Maschine zu.",
    "legal_mode": "Die Kommune lässt die Maschine handeln, und ein nötiger Antrag liegt vor.",
    "legal_basis": "Die schriftliche Regelung zur Weitergabe der Meldedaten ist hinterlegt.",
    "reply_genuine": "Die Antwort kam mit dem Code des Schreibens und dem Geburtsdatum.",
    "act_stands": "Worauf sich die Antwort bezieht, wurde inzwischen nicht zurückgenommen.",
    "resident_of_age": "Die Person ist alt genug, allein auf ein Recht zu verzichten.",
    "something_to_end": "Es gibt einen gültigen Ausweis, auf den verzichtet werden kann.",
    "reply_settled": "Ein Mensch hat geprüft, was die Person sagt.",
    "clerk_decided": "Die Sachbearbeitung hat über diesen Teil entschieden.",
}

FACTS = {
    "permits": "Ausweise",
    "permit": "Zone des Ausweises",
    "areas": "Zonen der Anschrift",
    "zones": "mögliche Zonen",
    "doubt": "Zweifel",
    "day": "Tag",
    "since": "seit",
    "died": "verstorben am",
    "reasons": "Sperrgründe",
    "age": "Alter",
    "state": "Stand des Ausweises",
    "form": "Form des Ausweises",
    "unread": "nicht lesbar",
    "plate": "Kennzeichen",
    "status": "Wohnungsstatus",
    "later": "spätere Ereignisse",
    "mode": "Rechtsgrundlage des Handelns",
    "reference": "Regelung",
    "kind": "Art der Antwort",
    "answer": "Antwort der Sachbearbeitung",
    "choice": "Antwort der Sachbearbeitung",
    "why": "Grund",
}

DWELLINGS = {
    DwellingStatus.SOLE: "alleinige Wohnung",
    DwellingStatus.MAIN: "Hauptwohnung",
    DwellingStatus.SECONDARY: "Nebenwohnung",
}
FORMS = {"digital": "digital", "paper": "aus Papier"}
PERMIT_STATUSES = {"active": "", "ended": "beendet", "blocked": "gesperrt"}
REPLIES = {
    ReplyKind.DEREGISTER: "Abmeldung",
    ReplyKind.WRONG: "„Das stimmt nicht“",
    ReplyKind.OBJECT: "Widerspruch angekündigt",
    ReplyKind.OPT_OUT: "Widerspruch gegen weiteres Tätigwerden ohne Antrag",
}
_VALUES: dict[tuple[str, str], str] = {
    **{("status", status.value): text for status, text in DWELLINGS.items()},
    **{("kind", kind.value): text for kind, text in REPLIES.items()},
    ("doubt", Doubt.GAP.value): "zwischen zwei Einträgen der Zonenliste",
    ("doubt", Doubt.SUFFIX.value): "Zusatz zur Hausnummer",
    ("doubt", Doubt.BORDER.value): "Grenze eines „zwischen“",
    ("doubt", Doubt.NUMBER.value): "Hausnummer fehlt oder mehrere",
    ("doubt", Doubt.PLACE.value): "anderer Ortsteil oder andere Postleitzahl als in der Zonenliste",
    ("doubt", Doubt.POSTCODE.value): "andere Postleitzahl oder anderer Ort als bisher",
    **{("form", form): text for form, text in FORMS.items()},
    ("mode", "standing_application"): "Dauerantrag",
    ("mode", "notice_only"): "von Amts wegen",
    ("mode", "clerk"): "jede Entscheidung durch die Sachbearbeitung",
}

EVENTS = {
    DeltaKind.STOCK: "Bestand",
    DeltaKind.FIRST_REGISTRATION: "Erstanmeldung",
    DeltaKind.ARRIVAL: "Zuzug",
    DeltaKind.MOVE: "Umzug in der Kommune",
    DeltaKind.MOVE_AWAY: "Wegzug",
    DeltaKind.ADDRESS_UPDATE: "Berichtigung der Anschrift",
    DeltaKind.STATUS_CHANGE: "Wechsel von Haupt- und Nebenwohnung",
    DeltaKind.SECONDARY_DWELLING: "Nebenwohnung",
    DeltaKind.CHILD_BORN: "Geburt eines Kindes",
    DeltaKind.DEATH: "Sterbefall",
    DeltaKind.NAME_CHANGE: "Namensänderung",
    DeltaKind.LOCK_CHANGE: "Änderung einer Sperre",
    DeltaKind.FAMILY_CHANGE: "Änderung des Familienstands",
    DeltaKind.GUARDIAN_CHANGE: "Änderung der gesetzlichen Vertretung",
    DeltaKind.DOCUMENT_CHANGE: "Änderung eines Ausweisdokuments",
    DeltaKind.KEY_CHANGE: "Änderung des Ordnungsmerkmals",
    DeltaKind.MISSING: "fehlt in einer Gesamtlieferung",
    DeltaKind.DELETION: "Löschung aus dem Register",
    DeltaKind.MOVE_REVERSED: "Rücknahme eines Umzugs",
    DeltaKind.DEATH_REVERSED: "Rücknahme eines Sterbefalls",
    DeltaKind.OTHER_REVERSED: "Rücknahme eines Ereignisses",
    DeltaKind.OTHER: "sonstige Änderung",
    DeltaKind.IRRELEVANT: "Änderung ohne Bedeutung",
}

# What a clerk states who takes a right away: the question, and what helps to answer it.
STATEMENTS = {
    "facts": ("Welche Tatsachen sind nachträglich eingetreten?", "In ganzen Sätzen."),
    "unlawful": (
        "Warum durfte der Ausweis so nicht erteilt werden?",
        "Rechtswidrig muss er schon am Tag der Erteilung gewesen sein (§ 48 Abs. 1 VwVfG).",
    ),
    "known_since": (
        "Seit wann sind der Behörde diese Tatsachen bekannt?",
        "Zulässig ist die Entscheidung nur innerhalb eines Jahres danach (§ 48 Abs. 4 VwVfG).",
    ),
    "public_interest": (
        "Warum wäre ohne den Widerruf das öffentliche Interesse gefährdet?",
        "Dass es am Widerruf besteht, genügt nicht (§ 49 Abs. 2 Satz 1 Nr. 3 VwVfG).",
    ),
    "discretion": (
        "Wie haben Sie das Ermessen ausgeübt?",
        "Was spricht dafür, was dagegen, und warum wiegt es mehr (§§ 39, 40 VwVfG)?",
    ),
    "hearing": (
        "Wann und wozu wurde die Person angehört, und was hat sie gesagt?",
        "Auch, wenn sie sich nicht geäußert hat (§ 28 Abs. 1 VwVfG).",
    ),
}
_NORMS = {
    Taking.REVOKES: "Das ist ein Widerruf nach § 49 Abs. 2 Satz 1 Nr. 3 VwVfG",
    Taking.AS_RESERVED: "Das ist ein Widerruf nach § 49 Abs. 2 Satz 1 Nr. 1 VwVfG (Vorbehalt)",
    Taking.WITHDRAWS: "Das ist eine Rücknahme nach § 48 Abs. 1 VwVfG",
}
_GO_ON = "Ja: Die Voraussetzung gilt als erfüllt, die übrigen werden weiter geprüft."
_REST = "Die übrigen Voraussetzungen werden geprüft."
_TOLD, _UNTOLD = "die Person erhält ein Schreiben", "ohne Schreiben an die Person"


def question_text(code: str, text: str) -> str:
    stopped = _STOPPED.get(code) if "The letter was stopped." in text else None
    german = stopped or QUESTIONS.get(code)
    if german is None:
        return text
    added = (words for english, words in _ADDED.items() if english in text)
    return " ".join([german, *_changed(text), *added])


def _changed(text: str) -> Iterator[str]:
    """Which fields of the record are no longer as a letter says."""
    if found := _CHANGED.search(text):
        names = ", ".join(_FIELDS.get(name, name) for name in found[1].split(", "))
        yield f"Geändert ist: {names}."


def must_state(choice: Choice) -> str:
    """What a choice asks of who takes it: not all of it is known to the machine."""
    if choice.takes is None:
        return ""
    where = "stehen als Gründe im Schreiben" if choice.notify else "bleiben beim Fall"
    known = choice.known_since
    until = f": ab dem Eingang der Meldung gerechnet bis {day(last_day(known))}" if known else ""
    return (
        f"{_NORMS[choice.takes]}. Die Angaben unten sind nötig und {where} (§ 39 VwVfG). Zulässig "
        f"nur innerhalb eines Jahres seit der Kenntnis{until} (§ 48 Abs. 4 VwVfG)."
    )


def _heard(choice: Choice) -> str:
    return " Die Anhörung (§ 28 VwVfG) ist erfolgt." if choice.takes else ""


def choice_text(choice: Choice) -> str:
    """What happens on it."""
    kind, _, what = choice.name.partition(":")
    told = _TOLD if choice.notify else _UNTOLD
    match kind, what:
        case "by_hand", "":
            return "Von hier aus geschieht nichts. Ich erledige es außerhalb dieses Programms."
        case "go_on", "":
            return _GO_ON
        case "carry_out", "":
            return f"Den Vorschlag ausführen; {told}."
        case "zone", zone if zone:
            return (
                f"Die Anschrift liegt in Zone {zone}. Die übrigen Voraussetzungen werden geprüft."
            )
        case "in_no_zone", "":
            return f"Die Anschrift liegt in keiner Zone. {_REST}"
        case "tell_by_hand", "":
            return "Ohne Schreiben ausführen. Ich sage es der Person selbst."
        # Which one, its reason says: what is recorded is named in a cookie, too.
        case "permit", _ if what:
            return f"Gemeint ist dieser Ausweis. {_REST}"
        case "link", _ if what:
            return f"Dieser Ausweis gehört der Person. {_REST}"
        case "form", form if form in FORMS:
            return f"Der Ausweis ist {FORMS[form]}. {_REST}"
        case "of_kind", "":
            return f"Es ist ein Bewohnerparkausweis. {_REST}"
        case "set_aside", "":
            return "Er bleibt, wie er ist; geprüft wird nur, was die Person sonst noch hat."
        case "not_theirs", "" if choice.then is Then.GO_ON:
            return f"Keiner davon gehört dieser Person. {_REST}"
        case "not_theirs", "":
            return "Kein Ausweis gehört dieser Person. Es geschieht nichts."
        case "end", "":
            return f"Der Ausweis endet; {told}.{_heard(choice)}"
        case "keep", "":
            return "Der Ausweis bleibt, wie er ist."
        case "put_right", "":
            return f"Der Ausweis bleibt in seiner Zone, seine Anschrift wird berichtigt; {told}."
        case "stands", "":
            return f"Es bleibt, wie es ist; {told}."
        case "undo", "":
            return f"Was geschehen ist, wird zurückgenommen; {told}.{_heard(choice)}"
        case "restore", "":
            return (
                "Was auf den Sterbefall hin geschehen ist, wird zurückgenommen; die Person erhält "
                "ein Schreiben mit einer Entschuldigung."
            )
        case "serve_again", "":
            return (
                "Der Ausweis bleibt, wie er jetzt ist. Die Person wird wieder bedient und "
                "angeschrieben."
            )
        case "deregister", "":
            return f"Die Person verzichtet: Der Ausweis endet heute; {told}."
        case "letter", "send":
            return "Das angehaltene Schreiben geht doch hinaus."
        case "letter", "keep":
            return "Das Schreiben bleibt hier. Der Fall ist damit abgeschlossen."
    return choice.text


def what_follows(choice: Choice) -> str:
    """For a choice in its rule's own words, which nobody has said in German."""
    return {
        Then.GO_ON: "Danach werden die übrigen Voraussetzungen geprüft.",
        Then.DO: f"Danach: {_TOLD if choice.notify else _UNTOLD}.",
        Then.NOTHING: "Danach geschieht von hier aus nichts.",
    }[choice.then]


def effect_text(effect: Effect) -> str:
    data, number = effect.data, effect.record
    address = f"{data.get('street', '')} {data.get('house_number', '')}".strip()
    match effect.kind:
        case EffectKind.SWITCH_ZONE:
            since, until = day(data.get("valid_from", "")), day(data.get("valid_until", ""))
            old = "besteht zunächst weiter"
            if data.get("end_old") == "true":
                old = f"gilt noch bis {day(data.get('old_until', ''))}"
            return (
                f"Neuer Ausweis für Zone {data.get('zone', '')} statt Zone "
                f"{data.get('expected_zone', '')}, gültig vom {since} bis {until}, "
                f"Anschrift {address}. Der bisherige Ausweis "
                f"{number} {old}."
            )
        case EffectKind.UPDATE_ADDRESS:
            return f"Ausweis {number}: Anschrift wird {address}."
        case EffectKind.UPDATE_NAME:
            return f"Ausweis {number}: Name wird {data.get('holder', '')}."
        case EffectKind.END:
            return f"Ausweis {number} endet mit Ablauf des {day(data.get('valid_until', ''))}."
        case EffectKind.TOLERATE:
            return (
                f"Ausweis {number} gilt noch bis {day(data.get('old_until', ''))}, weil das "
                "Schreiben später hinausgeht."
            )
        case EffectKind.RESTORE:
            back = f"Ausweis {number}: Der Stand vor der Änderung gilt wieder."
            if not (until := day(data.get("dropped_until", ""))):
                return back
            return f"{back} Ausweis {data['dropped']} gilt noch bis {until}."


def linked_text(by: LinkedBy, score: int) -> str:
    return {
        LinkedBy.KEY: "sicher: Der Ausweis trägt das Ordnungsmerkmal der Person.",
        LinkedBy.STATUTORY: "sicher: Namen, Geburtsdatum und Anschrift stimmen überein.",
        LinkedBy.SUGGESTED: f"nur ähnlich ({score} von 100). Das prüft keine Maschine weiter.",
    }.get(by, "sicher: Die Sachbearbeitung hat den Ausweis der Person zugeordnet.")


def fact(name: str, value: str) -> tuple[str, str]:
    return FACTS.get(name, name), _VALUES.get((name, value)) or day(value)


def day(text: object) -> str:
    """`2026-11-15` as 15.11.2026, `1990-06` as 06.1990; any other text as it is."""
    parts = str(text).split("-")
    try:
        date.fromisoformat("-".join([*parts, "01", "01"][:3]))
    except ValueError:
        return str(text)
    return ".".join(reversed(parts))
