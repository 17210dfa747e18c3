"""Render: writes the letter of a life event and stores it, before any channel is called."""

from collections.abc import Sequence
from datetime import date, timedelta

from pydantic import TypeAdapter

from tasks.domain.case import Status, Step
from tasks.domain.decision import Decision
from tasks.domain.person import Dwelling, Person
from tasks.domain.service import Situation, fatten
from tasks.errors import LetterIncomplete
from tasks.letters.render import LetterContent, Letterhead, RenderedLetter, Section
from tasks.municipality import Municipality, open_municipality
from tasks.replies.tokens import Token, digest, token_for
from tasks.settings import settings
from tasks.stage import Counts, cleaned, stage
from tasks.state import cases, facts, outbox
from tasks.state.database import Session, new_id, reading, writing
from tasks.state.documents import SITUATION
from tasks.state.tables import CaseRow, DecisionRow, LetterRow, SectionRow

TOKEN_DAYS = 365
DEREGISTER = "deregister"


@stage("render letters · {municipality}")
def render_cases(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: letters, failed."""
    return render_batch(open_municipality(municipality, settings()), ids, today, run)


def to_render(town: Municipality) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_to_tell(session, town.slug)


def render_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    with writing(town.engine) as session:
        batch = cases.load(session, ids, Status.ACTED)
        told = Told(session, town, batch)
        letters, sections, broken = [], [], {}
        for case in batch:
            try:
                letter, section = told.letter(case, today)
            except Exception as error:  # one broken letter never stops the others
                broken[case.id] = cleaned(error).code
                continue
            letters.append(letter)
            sections.append(section)
        outbox.keep_letters(session, letters, sections)
        done = [case for case in batch if case.id not in broken]
        cases.move(
            session,
            [cases.Move(case, Status.LETTERED, case.code, "pipeline", {}) for case in done],
            run,
        )
        cases.fail(session, [case for case in batch if case.id in broken], Step.RENDER, broken, run)
        return Counts(letters=len(letters), failed=len(broken))


class Told:
    """What the letters of a batch of cases say, read with one query a table."""

    def __init__(self, session: Session, town: Municipality, batch: Sequence[CaseRow]) -> None:
        ids = [case.id for case in batch]
        self._town = town
        self._key = town.settings.signing_key()
        self._decisions = cases.last_decisions(session, ids)
        self._results = facts.effect_results(session, ids)
        self._people = facts.people_now(session, {case.person_id for case in batch})
        self._deltas = facts.deltas(session, {case.delta_id for case in batch if case.delta_id})

    def letter(self, case: CaseRow, today: date) -> tuple[LetterRow, SectionRow]:
        """Raises LetterIncomplete."""
        person = self._people[case.person_id]
        if person is None:
            raise LetterIncomplete("letter.no_recipient", case.id)
        row, decision = self._decisions[case.id]
        situation = self._situation(case, row)
        letter_id = new_id("l")
        token = token_for(case.id, DEREGISTER, self._key)
        recipient = self._email(situation, decision)
        content = self._content(case, letter_id, person, situation, row, decision, token, today)
        rendered = self._town.renderer.render(content)
        return (
            _letter_row(case, letter_id, recipient, rendered, today),
            SectionRow(
                municipality=case.municipality,
                letter_id=letter_id,
                case_id=case.id,
                token_digest=digest(token.link_secret, self._key),
                short_code_digest=digest(token.short_code, self._key),
                token_expires=today + timedelta(days=TOKEN_DAYS),
            ),
        )

    def _situation(self, case: CaseRow, row: DecisionRow) -> Situation:
        assert case.delta_id is not None
        stored = SITUATION.validate_json(row.situation)
        return fatten(stored, self._deltas[case.delta_id], row.now_is_after)

    def _email(self, situation: Situation, decision: Decision) -> str:
        """Electronic delivery only where consent is recorded in the very record; else post."""
        if not self._town.mail_url:
            return ""
        records = {effect.record for effect in decision.effects}
        permits = [link.permit for link in situation.links if link.permit.number in records]
        return next((permit.email for permit in permits if permit.email_consent), "")

    def _content(
        self,
        case: CaseRow,
        letter_id: str,
        person: Person,
        situation: Situation,
        row: DecisionRow,
        decision: Decision,
        token: Token,
        today: date,
    ) -> LetterContent:
        profile = self._town.profile
        enabled = self._town.services[case.service]
        rules = TypeAdapter(dict).validate_json(row.parameters)
        parameters = TypeAdapter(enabled.service.parameters).validate_python(rules["parameters"])
        data = enabled.service.letter_data(situation, decision, parameters)
        dwelling = person.main()
        if dwelling is None or not dwelling.address.street or dwelling.address.country:
            raise LetterIncomplete("letter.no_postal_address", case.id)
        return LetterContent(
            letter_id=letter_id,
            letterhead=_letterhead(self._town),
            addressee=addressee(person, dwelling),
            note_lines=(),
            date=today,
            salutation_name=full_name(person),
            sections=(
                Section(
                    service=case.service,
                    title=enabled.service.title,
                    data={**data, **self._results.get(case.id, {})},
                    grounds=decision.grounds,
                    code=decision.code,
                    deregister_url=f"{self._town.settings.public_url}/a/{token.link_secret}",
                    deregister_code=token.short_code,
                ),
            ),
            legal_remedy=profile.texts.legal_remedy,
            privacy_notice=profile.texts.privacy_notice,
            contact=profile.texts.contact,
            postal=not self._email(situation, decision),
        )


def full_name(person: Person) -> str:
    given = person.name.usual or person.name.given
    return " ".join(part for part in (person.name.doctor, given, person.name.family) if part)


def addressee(person: Person, dwelling: Dwelling) -> tuple[str, ...]:
    """The Anschriftzone, at most six lines (DIN 5008)."""
    address = dwelling.address
    given = person.name.given
    name = " ".join(part for part in (person.name.doctor, given, person.name.family) if part)
    care_of = f"bei {address.care_of}" if address.care_of else ""
    place = f"{address.postcode} {address.town}".strip()
    return tuple(line for line in (name, care_of, address.line(), address.floor, place) if line)


def _letterhead(town: Municipality) -> Letterhead:
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
    case: CaseRow, letter_id: str, recipient: str, rendered: RenderedLetter, today: date
) -> LetterRow:
    return LetterRow(
        id=letter_id,
        municipality=case.municipality,
        person_id=case.person_id,
        life_event=f"delta:{case.delta_id}",
        channel="email" if recipient else "post",
        recipient=recipient,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        pdf=rendered.pdf,
        dated=today,
    )
