"""The residents' desk: what a letter's link or code opens, and the replies given there.

No run and no Prefect server is needed for it: a reply is recorded, and taken up later. Refused with
ReplyRefused:

    reply.unknown           no such link, code or receipt, or one of a letter that never left
    reply.bad_code          a code that is not one: mistyped
    reply.expired           the letter's time is over, or its texts were forgotten
    reply.locked            five wrong birth dates
    reply.revoked           taken back: by a reversal, or because the case was forgotten
    reply.wrong_birth_date
    reply.session_over      left, or too long at rest
    reply.not_offered       the letter offers no such reply, or not with that scope
    reply.no_text           „this is wrong“ without a word of what is
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from tasks.domain.case import Status
from tasks.domain.person import PartialDate
from tasks.domain.reply import ReplyKind, Scope
from tasks.domain.service import Gate
from tasks.errors import LetterIncomplete, ReplyRefused
from tasks.letters.content import LetterContent
from tasks.letters.page_html import PagePart
from tasks.letters.render import Section
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.render import Told, letterhead
from tasks.replies.desk import BirthDate, LetterView, Office, Part, Receipt
from tasks.replies.guard import IDLE, LONGEST
from tasks.replies.tokens import digest, read_code, read_link
from tasks.services import all_services
from tasks.settings import Settings
from tasks.stage import cleaned
from tasks.state import replies, sessions
from tasks.state.database import Engine, Session, new_id, open_database, reading, utcnow
from tasks.state.replies import Head, Opened, durably
from tasks.state.sessions import Held, Lasts
from tasks.state.tables import CaseRow, ReplyRow

LASTS = Lasts(IDLE, LONGEST)
MAX_TEXT = 4000
SCOPES = {
    ReplyKind.DEREGISTER: (Scope.CASE, Scope.SERVICE),
    ReplyKind.WRONG: (Scope.CASE,),
    ReplyKind.OBJECT: (Scope.CASE,),
    ReplyKind.OPT_OUT: (Scope.SERVICE, Scope.INFORMATION),
}
_NOT_VALID = {replies.LOCKED: "reply.locked", replies.REVOKED: "reply.revoked"}
_DOOR = re.compile(r"s-([1-9][0-9]{0,17})-[0-9a-f]{16}")
# Text that turns itself round reads differently from what it is.
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# What is missing once a case was forgotten: rows, documents, or what stood in them.
_FORGOTTEN = (LookupError, ValueError, AssertionError, StopIteration, LetterIncomplete)


class StateResidentDesk:
    """`today` gives the day in a municipality; by default that of its profile's time zone."""

    def __init__(self, settings: Settings, today: Callable[[str], date] | None = None) -> None:
        self._settings = settings
        self._today = today or self._local_today

    def by_link(self, secret: str) -> str:
        key = digest(read_link(secret), self._key)
        return _door(self._valid(replies.by_link(self._engine, key)))

    def by_code(self, typed: str) -> str:
        key = digest(read_code(typed), self._key)
        return _door(self._valid(replies.by_code(self._engine, key)))

    def office(self, door: str) -> Office:
        """Also behind a locked door: that is when people want to know whom to call."""
        with reading(self._engine) as session:
            opened = _behind(session, door)
        profile = self._town(opened.municipality).profile
        head = profile.letterhead
        return Office(
            authority=head.authority,
            department=head.department,
            street=head.street,
            postcode_town=head.postcode_town,
            phone=head.phone,
            email=head.email,
            website=head.website,
            contact=profile.texts.contact,
            privacy_notice=profile.texts.privacy_notice,
        )

    def unlock(self, door: str, birth_date: BirthDate) -> None:
        with reading(self._engine) as session:
            opened = self._open(session, door)
            right = _agree(birth_date, replies.born(session, opened.letter))
        with durably(self._engine) as session:
            status = replies.count_try(session, opened, right)
        if status in _NOT_VALID:
            raise ReplyRefused(_NOT_VALID[status])
        if not right:
            raise ReplyRefused("reply.wrong_birth_date")

    def begin(self, door: str, now: datetime) -> str:
        with reading(self._engine) as session:
            opened = self._open(session, door)
        with durably(self._engine) as session:
            return sessions.begin(session, Held(opened.municipality, door=door), now, LASTS)

    def inside(self, secret: str, now: datetime) -> str:
        found = sessions.held(self._engine, secret, now, LASTS)
        if found is None or not found.door:
            raise ReplyRefused("reply.session_over")
        return found.door

    def leave(self, secret: str) -> None:
        sessions.end(self._engine, secret)

    def letter(self, door: str) -> LetterView:
        with reading(self._engine) as session:
            opened = self._open(session, door)
            town = self._town(opened.municipality)
            head = replies.head(session, opened.letter)
            sections = replies.open_sections(session, opened.letter)
            cases = self._cases(session, sections)
            pages = self._pages(session, town, opened.letter, cases)
            given = replies.given(session, [case.id for case in cases])
            left = replies.to_deregister(session, cases)
        parts = tuple(
            Part(
                case=case.id,
                title=section.title,
                html=page.html,
                decides=page.decides,
                informs=all_services()[case.service].level == "inform",
                can_deregister=case.id in left and not _deregistered(given.get(case.id, ())),
                replies=tuple(
                    _receipt(row, case, opened.letter, head, town) for row in given.get(case.id, ())
                ),
                undone=case.status == Status.UNDONE,
            )
            for case, (section, page) in zip(cases, pages, strict=True)
        )
        decides = any(part.decides for part in parts)
        return LetterView(
            reference=opened.letter,
            subject=head.subject,
            dated=head.dated,
            office=self.office(door),
            parts=parts,
            legal_remedy=town.profile.texts.legal_remedy if decides else "",
        )

    def record(
        self,
        door: str,
        case: str,
        kind: ReplyKind,
        scope: Scope,
        text: str = "",
        *,
        via: str = "page",
        recorded_by: str = "",
    ) -> Receipt:
        """`recorded_by`: the clerk who heard it on the phone."""
        words = cleaned_text(text)
        with reading(self._engine) as session:
            opened = self._open(session, door)
            section = _among(case, replies.open_sections(session, opened.letter))
            (about,) = self._cases(session, [section])
            known = [row for row in replies.given(session, [case])[case] if row.kind == kind]
            if not known:
                self._check_offered(session, section, about, kind, scope)
        if known:
            return self._receipt_of(known[0], about, opened.letter)
        if kind is ReplyKind.WRONG and not words:
            raise ReplyRefused("reply.no_text")
        row = ReplyRow(
            id=new_id("r"),
            municipality=section.municipality,
            case_id=case,
            section_id=section.section,
            kind=kind,
            scope=scope,
            text=words,
            via=via,
            recorded_by=recorded_by,
            at=utcnow(),
            received_on=self._today(section.municipality),
        )
        with durably(self._engine) as session:
            # Once more, now that nobody else can lock, revoke or forget it.
            self._valid(replies.by_section(session, section.section, hold=True))
            row = replies.keep(session, row)
        return self._receipt_of(row, about, opened.letter)

    def receipt(self, door: str, number: str) -> Receipt:
        with reading(self._engine) as session:
            opened = self._open(session, door)
            cases = self._cases(session, replies.open_sections(session, opened.letter))
            given = replies.given(session, [case.id for case in cases])
        for case in cases:
            for row in given.get(case.id, ()):
                if row.id == number:
                    return self._receipt_of(row, case, opened.letter)
        raise ReplyRefused("reply.unknown")

    @cached_property
    def _key(self) -> bytes:
        return self._settings.signing_key()

    @cached_property
    def _engine(self) -> Engine:
        return open_database(self._settings.state_url)

    def _town(self, municipality: str) -> Municipality:
        return open_municipality(municipality, self._settings)

    def _local_today(self, municipality: str) -> date:
        zone = ZoneInfo(self._town(municipality).profile.timezone)
        return utcnow().astimezone(zone).date()

    def _open(self, session: Session, door: str) -> Opened:
        return self._valid(_behind(session, door))

    def _valid(self, found: Opened | None) -> Opened:
        opened = _known(found)
        if opened.status in _NOT_VALID:
            raise ReplyRefused(_NOT_VALID[opened.status])
        if opened.expires is None or self._today(opened.municipality) > opened.expires:
            raise ReplyRefused("reply.expired")
        return opened

    def _check_offered(
        self, session: Session, section: Opened, about: CaseRow, kind: ReplyKind, scope: Scope
    ) -> None:
        offered = scope in SCOPES[kind]
        if offered and kind is ReplyKind.DEREGISTER:
            offered = bool(replies.to_deregister(session, [about]))
        if offered and kind is ReplyKind.OBJECT:
            town = self._town(section.municipality)
            ((_, page),) = self._pages(session, town, section.letter, [about])
            offered = page.decides
        if not offered:
            raise ReplyRefused("reply.not_offered")

    def _cases(self, session: Session, sections: Sequence[Opened]) -> list[CaseRow]:
        rows = replies.cases_of(session, [section.case for section in sections])
        return [rows[section.case] for section in sections]

    def _pages(
        self, session: Session, town: Municipality, letter: str, cases: Sequence[CaseRow]
    ) -> list[tuple[Section, PagePart]]:
        try:
            told = Told(session, _with_every_service(town), cases)
            content = _content(town, letter, replies.head(session, letter))
            sections = [told.section(case) for case in cases]
            return [
                (
                    section,
                    town.renderer.page_part(
                        section, content, all_services()[section.service].hidden
                    ),
                )
                for section in sections
            ]
        except _FORGOTTEN as error:
            # A template that no longer fits comes here, too: that must be found in the log.
            cleaned(error, of_request=True)
            raise ReplyRefused("reply.expired", letter) from None

    def _receipt_of(self, row: ReplyRow, about: CaseRow, letter: str) -> Receipt:
        with reading(self._engine) as session:
            head = replies.head(session, letter)
        return _receipt(row, about, letter, head, self._town(about.municipality))


def cleaned_text(text: str) -> str:
    """A resident's own words: nothing that no one can see, and no more than a clerk can read."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    seen = (
        char
        for char in lines
        if char == "\n" or (unicodedata.category(char) not in ("Cc", "Cs") and char not in _TURNS)
    )
    return "".join(seen).strip()[:MAX_TEXT].rstrip()


def _behind(session: Session, door: str) -> Opened:
    """Whoever came to it by a link or code that opens nothing any more stands before no door."""
    found = _DOOR.fullmatch(door)
    opened = _known(replies.by_section(session, int(found[1])) if found else None)
    if _door(opened) != door:
        raise ReplyRefused("reply.unknown")
    return opened


def _door(opened: Opened) -> str:
    mark = hashlib.sha256(f"{opened.link} {opened.code}".encode()).hexdigest()
    return f"s-{opened.section}-{mark[:16]}"


def _known(found: Opened | None) -> Opened:
    if found is None:
        raise ReplyRefused("reply.unknown")
    return found


def _deregistered(given: Sequence[ReplyRow]) -> bool:
    return any(row.kind == ReplyKind.DEREGISTER for row in given)


def _among(case: str, sections: Sequence[Opened]) -> Opened:
    for section in sections:
        if section.case == case:
            return section
    raise ReplyRefused("reply.unknown")


def _agree(typed: BirthDate, born: PartialDate) -> bool:
    """Every part that the register knows must be right, and it must know something."""
    known = [
        (part, said)
        for part, said in (
            (born.year, typed.year),
            (born.month, typed.month),
            (born.day, typed.day),
        )
        if part is not None
    ]
    return bool(known) and all(part == said for part, said in known)


def _with_every_service(town: Municipality) -> Municipality:
    """A service may have been switched off since: its letters are still out there."""
    off = {
        name: EnabledService(service, None, Gate(""), "")
        for name, service in all_services().items()
    }
    return replace(town, services=off | dict(town.services))


def _content(town: Municipality, letter: str, head: Head) -> LetterContent:
    """What a template may use beside its own data; the page has its own greeting and no address."""
    texts = town.profile.texts
    return LetterContent(
        letter_id=letter,
        letterhead=letterhead(town),
        addressee=(),
        note_lines=(),
        date=head.dated,
        salutation_name="",
        sections=(),
        legal_remedy=texts.legal_remedy,
        privacy_notice=texts.privacy_notice,
        contact=texts.contact,
        signed_by=texts.signed_by,
        town=town.profile.name,
        postal=head.postal,
    )


def _receipt(row: ReplyRow, about: CaseRow, letter: str, head: Head, town: Municipality) -> Receipt:
    at = row.at.astimezone(ZoneInfo(town.profile.timezone))
    service = all_services().get(about.service)
    return Receipt(
        number=row.id,
        kind=ReplyKind(row.kind),
        scope=Scope(row.scope),
        at=at.isoformat(timespec="seconds"),
        subject=head.subject,
        letter=letter,
        service=service.title if service else about.service,
    )
