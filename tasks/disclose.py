"""Disclose: everything that is stored about one person, as one page to print (Art. 15 DSGVO).

Nothing of others: similar permits that may be somebody else's, and the keys of relatives, stay out.
So do the registry's number of the person (BMG § 4 Abs. 3) and the reply codes of letters: with the
birth date on the same page, whoever finds it could reply.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tasks.desks.clerk_words import STATEMENTS, day
from tasks.domain.person import Person, PersonKey
from tasks.domain.record import LinkedBy, Permit
from tasks.errors import PermanentError
from tasks.letters import disclosure as words
from tasks.letters.disclosure import Sheet
from tasks.letters.pages import Pages
from tasks.matching.permits import key_agrees
from tasks.municipality import Municipality
from tasks.render import full_name, letterhead, without_codes
from tasks.services import all_services
from tasks.settings import TEMPLATES
from tasks.state import person_file
from tasks.state.database import reading
from tasks.state.documents import DECISION, EFFECT, STATED, load_person
from tasks.state.person_file import PersonFile
from tasks.state.tables import CaseRow, DecisionRow, DeltaRow, LetterRow, PersonRow

PAGE = "disclosure.html.j2"


@dataclass(frozen=True)
class Match:
    """A person who may be meant, by what tells them apart."""

    person: str
    name: str
    born: str
    home: str


@dataclass(frozen=True)
class Disclosure:
    html: str
    locked: bool  # BMG § 51: look before handing it out


def find(
    town: Municipality, *, key: str = "", person: str = "", name: str = "", born: str = ""
) -> list[Match]:
    """By the registry's key (`AGS:NUMBER`), by our own id, or by name and birth date."""
    with reading(town.engine) as session:
        if person:
            rows = person_file.by_id(session, town.slug, person)
        elif key:
            ags, _, number = key.partition(":")
            rows = person_file.by_key(session, town.slug, PersonKey(ags, number))
        elif name and born:
            # The registry may know less of a birth date than the person does.
            dates = {born[:length] for length in (4, 7, 10)}
            rows = [
                row
                for row in person_file.by_birth(session, town.slug, dates)
                if _is_called(load_person(row.snapshot), name)
            ]
        else:
            raise PermanentError(
                "disclose.nobody_named", detail="Give --name and --birth-date, --key or --person."
            )
        return [_match(row) for row in rows]


def disclose(town: Municipality, person: str, today: date) -> Disclosure:
    with reading(town.engine) as session:
        (row,) = person_file.by_id(session, town.slug, person)
        file = person_file.read_file(session, row)
    snapshot = load_person(row.snapshot)
    view = _View(town, file)
    html = Pages(TEMPLATES)(
        PAGE,
        office=letterhead(town),
        texts=town.profile.texts,
        days=town.profile.retention,
        services=[(enabled.service, enabled.gate) for enabled in town.services.values()],
        name=full_name(snapshot) if snapshot else "",
        today=today,
        sheets=view.sheets(snapshot),
        channels={words.CHANNELS[letter.channel] for letter in file.letters},
    )
    return Disclosure(html, bool(snapshot and snapshot.address_locks(today)))


def _is_called(person: Person | None, name: str) -> bool:
    """Every word given is a word of one of the person's names."""
    if person is None:
        return False
    names = person.name
    known = " ".join(
        (names.family, names.given, names.usual, names.birth, *names.former, names.artist)
    )
    return set(_words(name)) <= set(_words(known))


def _words(text: str) -> list[str]:
    return unicodedata.normalize("NFC", text).casefold().split()


def _match(row: PersonRow) -> Match:
    person = load_person(row.snapshot)
    home = person.main() if person else None
    return Match(
        row.id,
        full_name(person) if person else "",
        str(person.born) if person else "",
        home.address.line() if home else "gone from the register" if row.gone else "",
    )


class _View:
    """A person's file as sheets."""

    def __init__(self, town: Municipality, file: PersonFile) -> None:
        self._town = town
        self._file = file
        self._zone = ZoneInfo(town.profile.timezone)
        # Permits that only look similar may be another person's.
        self._others = [link.record for link in file.links if link.by == LinkedBy.SUGGESTED.value]

    def sheets(self, person: Person | None) -> list[Sheet]:
        file = self._file
        sheets = [
            Sheet("Stand des Melderegisters", words.person_rows(person) if person else []),
            Sheet("Mitteilungen des Melderegisters", parts=[self._delta(d) for d in file.deltas]),
            Sheet("Vorgänge", parts=[self._case(case) for case in file.cases]),
            Sheet("Schreiben an Sie", parts=[self._letter(letter) for letter in file.letters]),
            Sheet("Bewohnerparkausweise", parts=list(self._permits(person))),
            Sheet(
                "Ihre Widersprüche gegen Leistungen ohne Antrag",
                [
                    (
                        _title(row.service) if row.service else "alle Dienste, die nur informieren",
                        f"seit {words.german_day(row.since.isoformat())}",
                    )
                    for row in file.opt_outs
                ],
            ),
            Sheet(
                "Datensätze, die nicht gelesen werden konnten",
                [
                    (f"Fehler {row.code}", "wie geliefert gespeichert, nicht ausgewertet")
                    for row in file.unread
                ],
            ),
        ]
        return [sheet for sheet in sheets if sheet.rows or sheet.parts]

    def _delta(self, row: DeltaRow) -> Sheet:
        rows = [
            ("Eingegangen", words.german_day(row.received_on.isoformat())),
            ("Ereignis", f"{row.event} vom {self._moment(row.event_time)}"),
            ("Anlass (Schlüssel)", row.reason_code),
        ]
        parts = [
            Sheet(title, words.person_rows(person))
            for title, text in (("Vorher", row.before), ("Nachher", row.after))
            if (person := load_person(text)) is not None
        ]
        return Sheet(words.KINDS[row.kind], _filled(rows), parts=parts)

    def _case(self, case: CaseRow) -> Sheet:
        file = self._file
        rows = [
            ("Vorgang", case.id),
            ("Angelegt", self._moment(case.created_at)),
            ("Folgt auf", case.follows),
            ("Stand", f"{words.STATUSES[case.status]} (Kennung {case.code})"),
        ]
        parts = [self._decision(row) for row in file.decisions if row.case_id == case.id]
        parts += [
            Sheet(
                "Ausgeführt",
                [(self._moment(row.done_at), words.effect_text(EFFECT.validate_json(row.effect)))],
            )
            for row in file.effects
            if row.case_id == case.id
        ]
        parts += [
            Sheet(
                "Von der Sachbearbeitung geklärt",
                _filled(
                    [
                        ("Am", self._moment(row.at)),
                        ("Frage (Kennung)", row.code),
                        ("Antwort (Kennung)", self._without_others(row.choice)),
                        ("Vermerk", row.note),
                        *(
                            (STATEMENTS[name][0], day(said))
                            for name, said in STATED.validate_json(row.stated).items()
                        ),
                    ]
                ),
            )
            for row in file.answers
            if row.case_id == case.id
        ]
        parts += [
            Sheet(
                f"Ihre Antwort: {words.REPLIES[row.kind]}",
                _filled(
                    [
                        ("Nummer", row.id),
                        ("Am", self._moment(row.at)),
                        ("Reichweite", words.SCOPES[row.scope]),
                        ("Ihre Worte", row.text),
                    ]
                ),
            )
            for row in file.replies
            if row.case_id == case.id
        ]
        return Sheet(_title(case.service), _filled(rows), parts=parts)

    def _decision(self, row: DecisionRow) -> Sheet:
        decision = DECISION.validate_json(row.decision)
        machine = row.decided_by == "rule"
        rows = [
            ("Am", self._moment(row.decided_at)),
            ("Ergebnis", f"{words.OUTCOMES[row.outcome]} (Kennung {row.code})"),
            (
                "Durch",
                "das Programm" if machine else "das Programm nach Antwort der Sachbearbeitung",
            ),
            ("Stand der Regel", row.rule_version),
            *(line for ground in decision.grounds for line in words.ground_rows(ground)),
        ]
        return Sheet("Entscheidung", [(name, self._without_others(text)) for name, text in rows])

    def _letter(self, letter: LetterRow) -> Sheet:
        rows = [
            ("Zeichen", letter.id),
            ("Vom", words.german_day(letter.dated.isoformat())),
            ("Stand", words.LETTERS[letter.status]),
            ("Versandt", self._moment(letter.handed_over_at) if letter.handed_over_at else ""),
            ("Weg", words.CHANNELS[letter.channel]),
            ("An", letter.recipient or ", ".join(letter.addressee.splitlines())),
        ]
        return Sheet(letter.subject, _filled(rows), text=self._without_codes(letter))

    def _permits(self, person: Person | None) -> Iterable[Sheet]:
        """As the municipality's register holds them now."""
        by = {link.record: link.by for link in self._file.links if link.record not in self._others}
        row = self._file.person
        key = PersonKey(row.ags, row.number)
        register = self._town.register
        permits: dict[str, Permit] = register.get(sorted(by))
        permits |= {permit.number: permit for permit in register.by_keys([key])[key]}
        for number, permit in sorted(permits.items()):
            if permit.key is not None and permit.key != key:
                continue  # it has another holder by now
            if permit.key and person and not key_agrees(person, permit):
                continue  # another person's name and birth date under this key
            linked = words.LINKED["key" if permit.key else by[number]]
            yield Sheet(f"Ausweis {number}", [*words.permit_rows(permit), ("Zuordnung", linked)])

    def _without_codes(self, letter: LetterRow) -> str:
        told = [row.case_id for row in self._file.sections if row.letter_id == letter.id]
        return without_codes(letter.text, told, self._town.settings)

    def _without_others(self, text: str) -> str:
        for record in self._others:
            text = text.replace(record, "[ähnlicher Ausweis]")
        return text

    def _moment(self, at: datetime) -> str:
        local = at.astimezone(self._zone)
        return f"{words.german_day(local.date().isoformat())}, {local:%H:%M} Uhr"


def _title(service: str) -> str:
    known = all_services()
    return known[service].title if service in known else service


def _filled(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(label, value) for label, value in rows if value]
