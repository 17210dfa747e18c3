"""The bare loop: the same parsing, rule and rendering, the same facts kept, and nothing around it.

No state machine, history, idempotency, locks, re-checks, statutory matching or receipts; one commit
at the very end, tables as slim as they can be, rows written through `sqlite3`. What breaks, breaks.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from tasks.domain.area import AreaAnswer
from tasks.domain.decision import Decision, Outcome
from tasks.domain.delta import Delta
from tasks.domain.person import Person
from tasks.domain.record import Link, LinkedBy
from tasks.domain.service import Situation
from tasks.letters.content import LetterContent, Letterhead, Section
from tasks.municipality import Municipality
from tasks.records.effects import change_of
from tasks.records.tables import to_permit, to_row
from tasks.registry.snapshots import classify
from tasks.registry.xmeldit import BadRecord, RegistryRecord, read_records
from tasks.render import addressee, full_name
from tasks.replies.tokens import token_for
from tasks.state.database import new_id
from tasks.state.documents import DECISION, EFFECT, PERSON, SITUATION, dump, load_person

SERVICE = "resident_parking"
TABLES = """
    CREATE TABLE bare_delta (event PRIMARY KEY, person, kind, code, received, before, after);
    CREATE TABLE bare_case (id PRIMARY KEY, event, status, outcome, code, decision, situation);
    CREATE TABLE bare_effect (id PRIMARY KEY, case_id, kind, record, effect, created);
    CREATE TABLE bare_letter (id PRIMARY KEY, case_id, status, dated, subject, text, html, pdf);
"""
Step = Callable[[str], bool]


@dataclass
class _Case:
    id: str
    situation: Situation
    decision: Decision
    new_number: str = ""
    pdf: bytes = b""


class Bare:
    """A step takes an event sign, and says whether another one follows."""

    def __init__(self, town: Municipality, today: date) -> None:
        self.town, self.today = town, today
        self.cases = self.letters = 0
        self._enabled = town.services[SERVICE]
        self._key = town.settings.signing_key()
        self._situations: dict[str, Situation] = {}
        self._open: dict[str, _Case] = {}
        self._state = _open(town.settings.state_url)
        self._state.executescript(TABLES)
        self._permits = _open(f"sqlite:///{town.folder / 'permits.db'}")

    @property
    def steps(self) -> Sequence[Step]:
        return self.decide, self.act, self.render, self.send

    def events(self, limit: int) -> Iterator[str]:
        """Takes in the first deltas of the inbox, and names those that a service looks at."""
        (path,) = (self.town.folder / "inbox").glob("*.xml")
        for record in islice(read_records(path, self.town.profile.ags), limit):
            assert not isinstance(record, BadRecord)
            if situation := self._take_in(record):
                self._situations[record.event] = situation
                yield record.event
        self._state.commit()
        self._permits.commit()

    def _take_in(self, record: RegistryRecord) -> Situation | None:
        (known,) = self._state.execute(
            "SELECT id, snapshot FROM person WHERE municipality = ? AND ags = ? AND number = ?",
            (self.town.slug, record.key.ags, record.key.number),
        )
        before, after, code = load_person(known["snapshot"]), record.person, record.code
        kind = classify(record.kind_by_code, before, after)
        new = dump(PERSON, after) if after else ""
        self._state.execute("UPDATE person SET snapshot = ? WHERE id = ?", (new, known["id"]))
        told = (record.event, known["id"], kind, code, str(self.today), known["snapshot"], new)
        _insert(self._state, "bare_delta", *told)
        if kind not in self._enabled.service.triggers:
            return None
        permits = self._permits.execute(
            "SELECT * FROM parking_permit WHERE key_number = ? AND key_ags = ?",
            (record.key.number, record.key.ags),
        )
        return Situation(
            delta=Delta(record.key, record.event, kind, self.today, code, before, after),
            now=after,
            links=tuple(Link(to_permit(_typed(row)), LinkedBy.KEY) for row in permits),
            areas_before=self._areas(before),
            areas_after=self._areas(after),
        )

    def _areas(self, person: Person | None) -> AreaAnswer:
        home, areas = person.home() if person else None, self.town.areas(SERVICE)
        return areas.find(home.address) if home and areas else AreaAnswer()

    def decide(self, event: str) -> bool:
        service, situation = self._enabled.service, self._situations.pop(event)
        decision = service.decide(
            situation, self._enabled.parameters, self._enabled.gate, self.today
        )
        case = self._open[event] = _Case(new_id("c"), situation, decision)
        documents = dump(DECISION, decision), dump(SITUATION, situation)
        outcome = decision.outcome
        _insert(
            self._state, "bare_case", case.id, event, outcome, outcome, decision.code, *documents
        )
        self.cases += 1
        return outcome is Outcome.GRANTED

    def act(self, event: str) -> bool:
        case = self._open[event]
        permits = {link.permit.number: link.permit for link in case.situation.links}
        for position, effect in enumerate(case.decision.effects):
            change = change_of(case.id, effect, permits, lambda number: f"{number}/2")
            case.new_number = change.created
            for permit in filter(None, change.after.values()):
                permits[permit.number] = permit
                row = {**to_row(permit), "version": 2}
                row |= {name: str(row[name]) for name in ("valid_from", "valid_until")}
                self._permits.execute(
                    f"REPLACE INTO parking_permit ({', '.join(row)}) VALUES ({_marks(row)})",
                    tuple(row.values()),
                )
            told = effect.kind, effect.record, dump(EFFECT, effect), change.created
            _insert(self._state, "bare_effect", f"{case.id}:{position}", case.id, *told)
        self._status(case, "acted")
        return case.decision.notify

    def render(self, event: str) -> bool:
        case = self._open[event]
        letter = self.town.renderer.render_to_send(self._content(case))
        case.pdf = letter.pdf
        forms = letter.subject, letter.text, letter.html, letter.pdf
        _insert(self._state, "bare_letter", case.id, case.id, "ready", str(self.today), *forms)
        return True

    def _content(self, case: _Case) -> LetterContent:
        profile, service, decision = self.town.profile, self._enabled.service, case.decision
        person = case.situation.now
        home = person.main() if person else None
        assert person
        assert home
        token = token_for(case.id, "deregister", self._key)
        url = f"{self.town.settings.public_url}/a/{token.link_secret}"
        data = dict(service.letter_data(case.situation, decision, self._enabled.parameters))
        data["new_permit_number"] = case.new_number
        grounds, code = decision.grounds, decision.code
        part = Section(SERVICE, service.title, data, grounds, code, url, token.short_code)
        return LetterContent(
            letter_id=case.id,
            letterhead=Letterhead(**profile.letterhead.model_dump(), return_line="Stadt"),
            addressee=addressee(person, home),
            note_lines=(),
            date=self.today,
            salutation_name=full_name(person),
            sections=(part,),
            legal_remedy=profile.texts.legal_remedy,
            privacy_notice=profile.texts.privacy_notice,
            contact=profile.texts.contact,
            signed_by=profile.texts.signed_by,
            town=profile.name,
            postal=True,
        )

    def send(self, event: str) -> bool:
        case = self._open.pop(event)
        (self.town.folder / "spool" / f"{case.id}.pdf").write_bytes(case.pdf)
        self._state.execute("UPDATE bare_letter SET status = 'sent' WHERE id = ?", (case.id,))
        self._status(case, "sent")
        self.letters += 1
        return False

    def _status(self, case: _Case, status: str) -> None:
        self._state.execute("UPDATE bare_case SET status = ? WHERE id = ?", (status, case.id))


def play(bare: Bare, steps: Sequence[Step], limit: int) -> int:
    """Returns how many steps were taken."""
    taken = 0
    for event in bare.events(limit):
        for step in steps:
            taken += 1
            if not step(event):
                break
    return taken


def _open(url: str) -> sqlite3.Connection:
    database = sqlite3.connect(url.removeprefix("sqlite:///"))
    database.row_factory = sqlite3.Row
    return database


def _insert(database: sqlite3.Connection, table: str, *values: object) -> None:
    database.execute(f"INSERT INTO {table} VALUES ({_marks(values)})", values)


def _marks(values: Any) -> str:
    return ", ".join("?" * len(values))


def _typed(row: sqlite3.Row) -> Any:
    dates = {name: date.fromisoformat(row[name]) for name in ("valid_from", "valid_until")}
    flags = {name: bool(row[name]) for name in ("standing_application", "email_consent")}
    return {**row, **dates, **flags}
