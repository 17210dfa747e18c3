"""What the pages ask of whoever keeps the state: a desk for residents, one for clerks.

The pages know no database and no pipeline; they record what a person says and show what is there.
Everything that is refused is a ReplyRefused with a code; what the page says then stands in
`wording.py`. „Door“ is the opaque name of one letter's section in a session: never the secret.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from tasks.domain.reply import IdentityDocument, ReplyKind, Scope
from tasks.domain.statements import Taking


@dataclass(frozen=True, slots=True)
class BirthDate:
    """As typed: what a person does not know of it stays 0. The register may know no more."""

    year: int
    month: int = 0
    day: int = 0


@dataclass(frozen=True, slots=True)
class Office:
    """Who writes, for the head and the foot of a page."""

    authority: str
    department: str
    street: str
    postcode_town: str
    phone: str
    email: str
    website: str
    contact: str
    privacy_notice: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a reply was recorded. `number` is printed on it (r-…)."""

    number: str
    kind: ReplyKind
    scope: Scope
    at: str  # ISO 8601 with time zone, to the second
    subject: str  # of the letter replied to
    letter: str  # its reference („Unser Zeichen“)
    service: str  # title, in German


@dataclass(frozen=True, slots=True)
class Part:
    """One service's part of a letter, as far as the page may show it.

    `html` is the letter's own text for this page, ready to print (rendered from the service's
    template, without any address). `can_deregister`: there is something left to deregister.
    `undone`: what it tells was taken back or given up since.
    """

    case: str  # opaque id; the forms name the part by it
    title: str
    html: str
    decides: bool  # a Bescheid: an objection is possible
    informs: bool  # a service that only informs
    can_deregister: bool
    replies: tuple[Receipt, ...] = ()  # given already: each kind once
    undone: bool = False


@dataclass(frozen=True, slots=True)
class LetterView:
    """What a resident sees once the birth date was right. Never an address."""

    reference: str
    subject: str
    dated: date
    office: Office
    parts: tuple[Part, ...]
    legal_remedy: str = ""  # Rechtsbehelfsbelehrung, paragraphs apart by an empty line


class ResidentDesk(Protocol):
    """Each call is one short transaction, and none of them needs Prefect.

    Codes of ReplyRefused: reply.unknown (no such link or code), reply.bad_code (mistyped),
    reply.expired, reply.locked (too many wrong birth dates), reply.revoked,
    reply.wrong_birth_date, reply.not_offered (the letter offers no such reply).
    """

    def by_link(self, secret: str) -> str:
        """The door that a link opens. Looks only: a mail scanner may follow every link."""
        ...

    def by_code(self, typed: str) -> str:
        """The door that a code typed from paper opens."""
        ...

    def office(self, door: str) -> Office:
        """Who wrote: may be shown before the birth date is known."""
        ...

    def unlock(self, door: str, birth_date: BirthDate) -> None:
        """Counts wrong dates; after the fifth the letter is locked, until a clerk reopens it."""
        ...

    def begin(self, door: str, now: datetime) -> str:
        """A session behind the door; what comes back is the secret that `inside` knows it by."""
        ...

    def inside(self, secret: str, now: datetime) -> str:
        """The door that a session came in by. Raises reply.session_over."""
        ...

    def leave(self, secret: str) -> None: ...

    def letter(self, door: str) -> LetterView:
        """Raises also when the token was locked or revoked since the session began."""
        ...

    def record(
        self, door: str, case: str, kind: ReplyKind, scope: Scope, text: str = ""
    ) -> Receipt:
        """Durable when it returns. The same kind a second time gives the first receipt."""
        ...

    def receipt(self, door: str, number: str) -> Receipt: ...


@dataclass(frozen=True, slots=True)
class StatementView:
    """What a clerk must state who takes a right away (tasks/domain/statements.py)."""

    name: str
    label: str
    hint: str
    value: str = ""  # filled in already


@dataclass(frozen=True, slots=True)
class ChoiceView:
    name: str
    text: str  # what happens then
    reason: str = ""  # why it is offered
    effects: tuple[str, ...] = ()  # in words
    proposed: bool = False
    takes: Taking | None = None
    asks: tuple[StatementView, ...] = ()


@dataclass(frozen=True, slots=True)
class GroundView:
    law: str
    condition: str
    result: str  # met | not_met | unclear
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """A question in the list: no personal data beyond what the clerk needs to find it."""

    question: int
    case: str
    service: str  # title
    code: str
    text: str
    since: date
    waits_for_second: str = ""  # sign of the clerk whose answer waits for a second pair of eyes


@dataclass(frozen=True, slots=True)
class QuestionView:
    """Everything that a clerk needs to answer: personal data on purpose."""

    line: QuestionLine
    person: tuple[
        tuple[str, str], ...
    ]  # label, value: name, birth date, dwellings before and after
    records: tuple[tuple[str, str], ...]  # label, value: the permits, and how they were linked
    message: str  # the resident's own words, where the question is about a reply
    grounds: tuple[GroundView, ...]
    choices: tuple[ChoiceView, ...]
    today: date
    answer: tuple[str, str, str] | None = None  # (choice, by, note) that waits for a second clerk
    seen: str = ""  # a mark of all this: whoever answers says with it what they have seen
    stated: tuple[tuple[str, str], ...] = ()  # question, words: of that answer


@dataclass(frozen=True, slots=True)
class Seat:
    """A clerk who is logged in, at one municipality."""

    municipality: str
    sign: str
    mark: str = ""  # of the password that was typed


@dataclass(frozen=True, slots=True)
class LockedLetter:
    """A letter that five wrong birth dates have locked, and whom an identity document must show."""

    letter: str  # its reference („Unser Zeichen“)
    subject: str
    dated: date
    name: str
    born: str  # as a clerk reads it; "" where the register knows nothing
    seen: str  # a mark of all this


class ClerkDesk(Protocol):
    """Codes of ReplyRefused: clerk.refused (sign, password or municipality), clerk.session_over,
    question.unknown, question.answered (someone was faster), question.bad_choice,
    question.changed (not what was seen),
    question.no_words, question.bad_day, question.year_over (statements.py),
    question.same_eyes (four eyes: not by the same clerk), and those of ResidentDesk."""

    def check(self, municipality: str, sign: str, password: str) -> Seat:
        """Works for a while, as long whatever is wrong, and waits for nobody who writes."""
        ...

    def delayed(self) -> None:
        """To be noted: a try that came too soon after a failure, and was not looked at."""
        ...

    def log_in(self, seat: Seat, now: datetime) -> str:
        """A session; what comes back is the secret that `seat` knows it by."""
        ...

    def seat(self, secret: str, now: datetime) -> Seat:
        """Raises clerk.session_over, also when the clerk was shut out or has a new password."""
        ...

    def log_out(self, secret: str) -> None: ...

    def office(self, seat: Seat) -> Office: ...

    def questions(self, seat: Seat) -> Sequence[QuestionLine]: ...

    def question(self, seat: Seat, question: int) -> QuestionView: ...

    def answer(
        self,
        seat: Seat,
        question: int,
        choice: str,
        note: str,
        seen: str,
        stated: Mapping[str, str],
    ) -> str:
        """Returns "valid", or "proposed" where a second clerk must agree."""
        ...

    def confirm(self, seat: Seat, question: int, agree: bool, seen: str) -> None: ...

    def story(self, seat: Seat, case: str) -> Sequence[str]:
        """The whole life of a case, line by line, as `antragslos explain` tells it."""
        ...

    def locked_letter(self, seat: Seat, reference: str) -> LockedLetter:
        """Raises reply.unknown, reply.not_locked, reply.expired."""
        ...

    def reopen(self, seat: Seat, letter: str, document: IdentityDocument, seen: str) -> str:
        """The new code, told once. The link and codes that were sent open nothing any more."""
        ...

    def take_reply(
        self,
        seat: Seat,
        code: str,
        birth_date: BirthDate,
        kind: ReplyKind,
        scope: Scope,
        text: str,
    ) -> Receipt:
        """From a resident on the phone or at the counter, who reads the code from the letter."""
        ...
