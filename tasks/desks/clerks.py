"""The clerks' desk: what waits for an answer, and all that is known about it.

Every query is narrowed to the clerk's own municipality: what belongs to another one is unknown
here. Each look at a person is noted in `access.log`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

from tasks.access import access_log
from tasks.desks.clerk_view import question_view
from tasks.desks.clerk_words import question_text
from tasks.desks.residents import StateResidentDesk, cleaned_text
from tasks.domain.reply import ReplyKind, Scope
from tasks.errors import ReplyRefused
from tasks.explain import tell
from tasks.municipality import Municipality, open_municipality
from tasks.profile import SLUG
from tasks.replies.desk import (
    BirthDate,
    Office,
    QuestionLine,
    QuestionView,
    Receipt,
    Seat,
)
from tasks.replies.tokens import digest, read_code
from tasks.services import all_services
from tasks.settings import Settings
from tasks.state import answers, clerks, replies, review
from tasks.state.database import Engine, open_database, reading, utcnow
from tasks.state.replies import durably
from tasks.state.review import Asked

_CASE = re.compile(r"c-[a-z0-9]{1,32}")


class StateClerkDesk:
    """`today` gives the day in a municipality; by default that of its profile's time zone."""

    def __init__(self, settings: Settings, today: Callable[[str], date] | None = None) -> None:
        self._settings = settings
        self._today = today or self._local_today

    def log_in(self, municipality: str, sign: str, password: str) -> Seat:
        # What no account can be called is looked for all the same: it costs the same time.
        known = SLUG.fullmatch(municipality) and clerks.SIGN.fullmatch(sign)
        municipality, sign = (municipality, sign) if known else ("", "")
        mark = clerks.log_in(self._engine, municipality, sign, password)
        return Seat(municipality, sign, mark)

    def still(self, seat: Seat) -> None:
        clerks.still(self._engine, seat.municipality, seat.sign, seat.mark)

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

    def answer(self, seat: Seat, question: int, choice: str, note: str, seen: str) -> str:
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
