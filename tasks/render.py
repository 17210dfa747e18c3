"""Render: writes the letter of a life event and stores it, before any channel is called."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from tasks.domain.automation import may_be_told
from tasks.domain.case import Status, Step
from tasks.domain.follow_up import known_permits
from tasks.domain.person import Dwelling, Person
from tasks.domain.service import Situation, fatten
from tasks.errors import LetterIncomplete
from tasks.letters.render import LetterContent, Letterhead, RenderedLetter, Section
from tasks.municipality import Municipality, open_municipality
from tasks.replies.tokens import Token, digest, token_for
from tasks.services import all_services
from tasks.settings import Settings, settings
from tasks.stage import Counts, cleaned, spread, stage
from tasks.state import cases, clerks, decisions, facts, outbox
from tasks.state.database import Session, new_id, reading, writing
from tasks.state.documents import SITUATION
from tasks.state.tables import CaseRow, LetterRow, SectionRow

TOKEN_DAYS = 365
REPLY = "reply"  # what a letter's token is for
# Nobody is left to read it. Clerks are asked by the case of the death, or of the deletion, itself.
UNREACHABLE = {"holder_died", "holder_vanished"}
# Codes that read the same for every service: templates/_reply.md.j2.
REPLIED = {"deregistered", "opted_out", "stands"}


@stage("render letters · {municipality}")
def render_cases(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: letters, closed (nobody is left to tell), failed."""
    return render_batch(open_municipality(municipality, settings()), ids, today, run)


def to_render(town: Municipality, prompted: bool = False) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_to_tell(session, town.slug, prompted)


def render_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    """What belongs into one letter is never divided."""
    with reading(town.engine) as session:
        groups = by_life_event(cases.load(session, ids, Status.ACTED))
    letters = {group[0].id: [case.id for case in group] for group in groups}

    def work(part: Sequence[str]) -> Counts:
        return _render(town, [case for letter in part for case in letters[letter]], today, run)

    def park(letter: str, code: str) -> None:
        for case in letters[letter]:
            cases.park(town.engine, Step.RENDER, run, case, code)

    return spread(town.folder, Step.RENDER, list(letters), work, park)


def _render(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    closed = _close_unreachable(town, ids, today, run)
    with reading(town.engine) as session:
        told = Told(session, town, cases.load(session, ids, Status.ACTED))
    # Seconds of work, so outside any transaction; and in threads, since most of it is Typst's.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = list(pool.map(lambda group: told.try_letter(group, today), told.groups))
    broken: dict[str, str] = {}
    for group, result in zip(told.groups, written, strict=True):
        if isinstance(result, str):
            broken |= dict.fromkeys((case.id for case in group), result)
    letters = [result for result in written if not isinstance(result, str)]
    with writing(town.engine) as session:
        outbox.keep_letters(
            session,
            [letter for letter, _ in letters],
            [section for _, sections in letters for section in sections],
        )
        batch = cases.load(session, ids, Status.ACTED)
        failed = [case for case in batch if case.id in broken]
        done = [case for case in batch if case.id not in broken]
        lettered = [cases.Move(case, Status.LETTERED, case.code, "pipeline", {}) for case in done]
        cases.move(session, lettered, run)
        cases.fail(session, failed, Step.RENDER, broken, run)
    return Counts(letters=len(letters), closed=closed, failed=len(failed))


def _close_unreachable(town: Municipality, ids: Sequence[str], today: date, run: str) -> int:
    """Whoever has died, or is gone from the register, since it was carried out."""
    with writing(town.engine) as session:
        batch = cases.load(session, ids, Status.ACTED)
        people = facts.people_now(session, {case.person_id for case in batch})
        why = {case.id: may_be_told(people[case.person_id], today) for case in batch}
        moves = [
            cases.Move(case, Status.CLOSED, why[case.id], "pipeline", {})
            for case in batch
            if why[case.id] in UNREACHABLE
        ]
        cases.move(session, moves, run)
        return len(moves)


def by_life_event(batch: Sequence[CaseRow]) -> list[list[CaseRow]]:
    """One life event of one person is one letter, with a section for each case.

    What follows a case up has a letter of its own.
    """
    groups: dict[tuple[str, int | None, str], list[CaseRow]] = {}
    for case in batch:
        groups.setdefault((case.person_id, case.delta_id, case.cause), []).append(case)
    return list(groups.values())


class Told:
    """What the letters of a batch of cases say, read with one query a table."""

    def __init__(self, session: Session, town: Municipality, batch: Sequence[CaseRow]) -> None:
        ids = [case.id for case in batch]
        self.groups = by_life_event(batch)
        self._town = town
        self._key = town.settings.signing_key()
        self._decisions = decisions.last_decisions(session, ids)
        self._situations: dict[str, Situation] = {}
        self._results = facts.effect_results(session, ids)
        self._people = facts.people_now(session, {case.person_id for case in batch})
        self._names = clerks.printed_names(session, town.slug)
        self._deltas = facts.deltas(session, {case.delta_id for case in batch if case.delta_id})

    def try_letter(
        self, group: Sequence[CaseRow], today: date
    ) -> tuple[LetterRow, list[SectionRow]] | str:
        """The letter, or the code of what is wrong: one broken letter never stops the others."""
        try:
            return self.letter(group, today)
        except Exception as error:
            return cleaned(error).code

    def letter(
        self, group: Sequence[CaseRow], today: date, letter_id: str = ""
    ) -> tuple[LetterRow, list[SectionRow]]:
        """The letter of one life event, a new one or `letter_id` anew. Raises LetterIncomplete."""
        person = self._people[group[0].person_id]
        if person is None:
            raise LetterIncomplete("letter.no_recipient", group[0].id)
        letter_id = letter_id or new_id("l")
        addresses = {self._email(case) for case in group}
        recipient = addresses.pop() if len(addresses) == 1 else ""
        parts = [self.section(case) for case in group]
        content = self._content(letter_id, person, tuple(parts), not recipient, today)
        rendered = self._town.renderer.render_to_send(content)
        rows = [
            SectionRow(
                municipality=case.municipality,
                letter_id=letter_id,
                case_id=case.id,
                token_digest=digest(token.link_secret, self._key),
                short_code_digest=digest(token.short_code, self._key),
                token_expires=today + timedelta(days=TOKEN_DAYS),
            )
            for case in group
            for token in [self._token(case)]
        ]
        lines = "\n".join(content.addressee)
        return _letter_row(group, letter_id, recipient, lines, rendered, today), rows

    def _token(self, case: CaseRow) -> Token:
        return token_for(case.id, REPLY, self._key)

    def _situation(self, case: CaseRow) -> Situation:
        """Parsed once: letter and consent to e-mail both ask for it."""
        assert case.delta_id is not None
        if case.id not in self._situations:
            row = self._decisions[case.id][0]
            stored = SITUATION.validate_json(row.situation)
            delta = self._deltas[case.delta_id]
            self._situations[case.id] = fatten(stored, delta, row.now_is_after)
        return self._situations[case.id]

    def _email(self, case: CaseRow) -> str:
        """Electronic delivery only where consent is recorded in the very record; else post."""
        if not self._town.mail_url:
            return ""
        situation = self._situation(case)
        records = {effect.record for effect in self._decisions[case.id][1].effects}
        records |= {act.effect.record for act in situation.acts}
        permits = [p for p in known_permits(situation) if p.number in records]
        return next((permit.email for permit in permits if permit.email_consent), "")

    def section(self, case: CaseRow) -> Section:
        # Also of a service that was switched off since: what was carried out is told.
        service = all_services()[case.service]
        row, decision = self._decisions[case.id]
        parameters = _parameters(service.name, row.parameters)
        situation = self._situation(case)
        data = service.letter_data(situation, decision, parameters)
        if situation.reply is not None:
            reply = situation.reply
            data = {**data, "received_on": reply.received_on.isoformat(), "scope": reply.scope}
        token = self._token(case)
        return Section(
            service=case.service,
            title=service.title,
            data={**data, **self._results.get(case.id, {})},
            grounds=decision.grounds,
            code=decision.code,
            reply_url=f"{self._town.settings.public_url}/a/{token.link_secret}",
            reply_code=token.short_code,
            template="_reply" if decision.code in REPLIED else "",
            # Who answered last has decided it; with four eyes, a second clerk agreed to that.
            signers=tuple(self._names.get(a.by, "") for a in situation.answers[-1:]),
        )

    def _content(
        self,
        letter_id: str,
        person: Person,
        sections: tuple[Section, ...],
        postal: bool,
        today: date,
    ) -> LetterContent:
        texts = self._town.profile.texts
        dwelling = person.reached_at(today)
        if dwelling is None or not dwelling.address.is_postal():
            raise LetterIncomplete("letter.no_postal_address", letter_id)
        return LetterContent(
            letter_id=letter_id,
            letterhead=letterhead(self._town),
            addressee=addressee(person, dwelling),
            note_lines=(),
            date=today,
            salutation_name=full_name(person),
            sections=sections,
            legal_remedy=texts.legal_remedy,
            privacy_notice=texts.privacy_notice,
            contact=texts.contact,
            signed_by=texts.signed_by,
            town=self._town.profile.name,
            postal=postal,
        )


@lru_cache(maxsize=64)
def _parameters(service: str, rules: str) -> Any:
    """Most cases of a batch were decided by the same rules."""
    kind = all_services()[service].parameters
    return TypeAdapter(kind).validate_python(json.loads(rules)["parameters"])


def without_codes(text: str, told: Iterable[str], settings: Settings) -> str:
    """A letter's text for copies that may lie about: with the birth date beside it, whoever finds
    link or code could reply. `told`: the cases that the letter tells of."""
    text = re.sub(rf"{re.escape(settings.public_url)}/a/\S+", "[Ihr Link]", text)
    for case in told:
        text = text.replace(token_for(case, REPLY, settings.signing_key()).short_code, "[Ihr Code]")
    return text


def full_name(person: Person) -> str:
    """With the name by which the person is called."""
    return replace(person.name, given=person.name.usual or person.name.given).full()


def addressee(person: Person, dwelling: Dwelling) -> tuple[str, ...]:
    """The Anschriftzone, at most six lines (DIN 5008)."""
    address = dwelling.address
    care_of = f"bei {address.care_of}" if address.care_of else ""
    lines = (
        person.name.full(),
        care_of,
        address.district_line(),
        address.street_line(),
        address.floor,
    )
    return tuple(line for line in (*lines, address.town_line()) if line)


def letterhead(town: Municipality) -> Letterhead:
    head = town.profile.letterhead
    return Letterhead(
        authority=head.authority,
        department=head.department,
        street=head.street,
        postcode_town=head.postcode_town,
        phone=head.phone,
        email=head.email,
        website=head.website,
        return_line=f"{head.authority} · {head.street} · {head.postcode_town}",
        place=head.place,
    )


def _letter_row(
    group: Sequence[CaseRow],
    letter_id: str,
    recipient: str,
    lines: str,
    rendered: RenderedLetter,
    today: date,
) -> LetterRow:
    return LetterRow(
        id=letter_id,
        municipality=group[0].municipality,
        person_id=group[0].person_id,
        life_event=f"delta:{group[0].delta_id}",
        # A service that comes later with its part of the same event has a letter of its own.
        purpose=f"{group[0].cause or 'notice'}:{'+'.join(case.service for case in group)}",
        prompted=any(case.prompted for case in group),
        channel="email" if recipient else "post",
        recipient=recipient,
        addressee=lines,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        pdf=rendered.pdf,
        dated=today,
    )
