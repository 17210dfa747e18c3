"""The clerks' desk: what waits for an answer, and all that is known about it.

Every query is narrowed to the clerk's own municipality: what belongs to another one is unknown
here. Each look at a person is noted in `access.log`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from tasks.access import access_log
from tasks.desks.clerk_view import question_view
from tasks.desks.clerk_words import day, question_text
from tasks.desks.residents import LASTS, StateResidentDesk, cleaned_text
from tasks.domain.reply import IdentityDocument, ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.explain import tell
from tasks.municipality import Municipality, open_municipality
from tasks.profile import SLUG
from tasks.reopen import look, reopen
from tasks.replies.desk import (
    BirthDate,
    LockedLetter,
    Office,
    QuestionLine,
    QuestionView,
    Receipt,
    Seat,
)
from tasks.replies.tokens import digest, read_code
from tasks.services import all_services
from tasks.settings import Settings
from tasks.state import answers, clerks, replies, review, sessions
from tasks.state.database import Engine, open_database, reading, utcnow
from tasks.state.replies import durably
from tasks.state.review import Asked
from tasks.state.sessions import Held

_CASE = re.compile(r"c-[a-z0-9]{1,32}")
_REFERENCE = re.compile(r"[cl]-[a-z0-9]{1,32}")


class StateClerkDesk:
    """`today` gives the day in a municipality; by default that of its profile's time zone."""

    def __init__(self, settings: Settings, today: Callable[[str], date] | None = None) -> None:
        self._settings = settings
        self._today = today or self._local_today

    def check(self, municipality: str, sign: str, password: str) -> Seat:
        municipality, sign = _sayable(municipality, sign)
        try:
            mark = clerks.check(self._engine, municipality, sign, password)
        except ReplyRefused:
            # What nobody is called may be a password, typed into the wrong field.
            named = clerks.known(self._engine, municipality, sign)
            who = f"{municipality} clerk {sign}" if named else "- clerk unknown"
            self._refused(f"{who} log-in refused")
            raise
        return Seat(municipality, sign, mark)

    def delayed(self) -> None:
        self._refused("- clerk log-in delayed")

    def _refused(self, line: str) -> None:
        access_log(self._settings.home).info("%s", line, extra={"kind": line})

    def log_in(self, seat: Seat, now: datetime) -> str:
        with durably(self._engine) as session:
            # Removed, or another password, while this one was looked at.
            if not clerks.agrees(session, seat.municipality, seat.sign, seat.mark):
                raise ReplyRefused("clerk.refused")
            secret = sessions.begin(session, Held(seat.municipality, clerk=seat.sign), now, LASTS)
        self._note(seat, "logged in")
        return secret

    def seat(self, secret: str, now: datetime) -> Seat:
        found = sessions.held(self._engine, secret, now, LASTS)
        if found is None or not found.clerk:
            raise ReplyRefused("clerk.session_over")
        return Seat(found.municipality, found.clerk)

    def log_out(self, secret: str) -> None:
        if found := sessions.end(self._engine, secret):
            self._note(Seat(found.municipality, found.clerk), "logged out")

    def office(self, seat: Seat) -> Office:
        profile = self._town(seat).profile
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

    def questions(self, seat: Seat) -> Sequence[QuestionLine]:
        with reading(self._engine) as session:
            found = review.open_questions(session, seat.municipality)
        lines = [self._line(asked) for asked in found]
        return sorted(lines, key=lambda line: (line.since, line.question))

    def question(self, seat: Seat, question: int) -> QuestionView:
        town = self._town(seat)
        with reading(self._engine) as session:
            asked = review.open_question(session, seat.municipality, question)
            if asked is None:
                raise ReplyRefused("question.unknown")
            today = self._today(seat.municipality)
            view = question_view(session, town, self._line(asked), asked, today)
        self._note(seat, f"looked at {asked.case.id}")
        return view

    def answer(
        self,
        seat: Seat,
        question: int,
        choice: str,
        note: str,
        seen: str,
        stated: Mapping[str, str],
    ) -> str:
        four_eyes = self._town(seat).profile.review.four_eyes
        with durably(self._engine) as session:
            return answers.give(
                session,
                seat.municipality,
                question,
                choice,
                by=seat.sign,
                via="page",
                note=cleaned_text(note),
                stated={name: cleaned_text(said) for name, said in stated.items()},
                four_eyes=four_eyes,
                today=self._today(seat.municipality),
                seen=seen,
            )

    def confirm(self, seat: Seat, question: int, agree: bool, seen: str) -> None:
        today = self._today(seat.municipality)
        with durably(self._engine) as session:
            answers.confirm(
                session,
                seat.municipality,
                question,
                by=seat.sign,
                agree=agree,
                today=today,
                seen=seen,
            )

    def story(self, seat: Seat, case: str) -> Sequence[str]:
        if not _CASE.fullmatch(case):
            raise ReplyRefused("question.unknown")
        with reading(self._engine) as session:
            if not review.has_case(session, seat.municipality, case):
                raise ReplyRefused("question.unknown")
        self._note(seat, f"read the story of {case}")
        return tell(case, self._settings)

    def locked_letter(self, seat: Seat, reference: str) -> LockedLetter:
        if not _REFERENCE.fullmatch(reference):
            raise ReplyRefused("reply.unknown")
        today = self._today(seat.municipality)
        found = look(
            self._engine, self._settings, seat.municipality, reference, by=seat.sign, today=today
        )
        return LockedLetter(
            found.letter, found.subject, found.dated, found.name, day(found.born), found.seen
        )

    def reopen(self, seat: Seat, letter: str, document: IdentityDocument, seen: str) -> str:
        return reopen(
            self._engine,
            self._settings,
            seat.municipality,
            letter,
            by=seat.sign,
            document=document,
            seen=seen,
            today=self._today(seat.municipality),
        )

    def take_reply(
        self,
        seat: Seat,
        code: str,
        birth_date: BirthDate,
        kind: ReplyKind,
        scope: Scope,
        text: str,
    ) -> Receipt:
        key = digest(read_code(code), self._settings.signing_key())
        opened = replies.by_code(self._engine, key)
        if opened is None or opened.municipality != seat.municipality:
            raise ReplyRefused("reply.unknown")
        residents = StateResidentDesk(self._settings, self._today)
        door = residents.by_code(code)
        self._note(seat, f"takes a reply to {opened.case}")  # also where the birth date is wrong
        residents.unlock(door, birth_date)
        return residents.record(
            door, opened.case, kind, scope, text, via="phone", recorded_by=seat.sign
        )

    @cached_property
    def _engine(self) -> Engine:
        return open_database(self._settings.state_url)

    def _town(self, seat: Seat) -> Municipality:
        return open_municipality(seat.municipality, self._settings)

    def _local_today(self, municipality: str) -> date:
        profile = open_municipality(municipality, self._settings).profile
        return utcnow().astimezone(ZoneInfo(profile.timezone)).date()

    def _note(self, seat: Seat, what: str) -> None:
        access_log(self._settings.home).info("%s clerk %s %s", seat.municipality, seat.sign, what)

    def _line(self, asked: Asked) -> QuestionLine:
        service = all_services().get(asked.case.service)
        return QuestionLine(
            question=asked.question.id or 0,
            case=asked.case.id,
            service=service.title if service else asked.case.service,
            code=asked.question.code,
            text=question_text(asked.question.code, asked.question.text),
            since=asked.since,
            waits_for_second=asked.waiting.by if asked.waiting else "",
        )


def _sayable(municipality: str, sign: str) -> tuple[str, str]:
    """What no account can be called is looked for all the same, under no name: as much work."""
    sayable = SLUG.fullmatch(municipality) and clerks.SIGN.fullmatch(sign)
    return (municipality, sign) if sayable else ("", "")
