"""A letter that wrong birth dates have locked, and how it opens again.

Whoever locked it holds the letter, and holds it still: opened as it was, it would be locked again,
with five more guesses at the birth date each time. So the link and the codes that were sent open
nothing any more; who was seen to be the right one gets a new code, for the same letter and as long.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from tasks.domain.person import Person
from tasks.errors import ReplyRefused
from tasks.state.database import insert_rows, utcnow
from tasks.state.documents import load_person
from tasks.state.replies import LOCKED, MAY_BE_READ, VALID
from tasks.state.tables import CaseRow, History, LetterRow, PersonRow, SectionRow

REOPENED = "reopened"
Part = tuple[SectionRow, LetterRow, PersonRow]


@dataclass(frozen=True, slots=True)
class Locked:
    letter: str
    subject: str
    dated: date
    person: Person  # whom the identity document must show


def find(session: Session, municipality: str, reference: str, today: date) -> Locked:
    """`reference`: the letter („Unser Zeichen“), or one of its cases.

    Raises ReplyRefused: reply.unknown, reply.not_locked, reply.expired.
    """
    rows = _locked(_sections(municipality, reference), session, today)
    section, letter, person = rows[0]
    known = load_person(person.snapshot)
    if known is None:
        raise ReplyRefused("reply.expired", section.letter_id)
    return Locked(letter.id, letter.subject, letter.dated, known)


def reopen(
    session: Session,
    municipality: str,
    letter: str,
    digests: tuple[str, str],
    *,
    by: str,
    document: str,
    today: date,
) -> None:
    """`digests`: of the new link's secret and code. Raises as `find`."""
    ours = _sections(municipality, letter).with_for_update(of=SectionRow)
    found = _locked(ours, session, today)
    lines = []
    for number, (section, _, _) in enumerate(found):
        # One new code opens the whole letter; what was sent for its other parts opens nothing.
        link, code = digests if number == 0 else ("", "")
        section.token_digest, section.short_code_digest = link, code
        section.token_status, section.failures = VALID, 0
        status = session.get_one(CaseRow, section.case_id).status
        lines.append(
            {
                "municipality": municipality,
                "case_id": section.case_id,
                "at": utcnow(),
                "old": status,
                "new": status,
                "code": REOPENED,
                "by": f"counter: clerk {by}, {document}",
                "run": "",
            }
        )
    session.flush()
    insert_rows(session, History, lines)


def _sections(municipality: str, reference: str) -> Any:
    """Every part of a letter that may have left."""
    column = col(SectionRow.letter_id if reference.startswith("l-") else SectionRow.case_id)
    letters = select(SectionRow.letter_id).where(
        column == reference, SectionRow.municipality == municipality
    )
    return (
        select(SectionRow, LetterRow, PersonRow)
        .join(LetterRow, col(LetterRow.id) == col(SectionRow.letter_id))
        .join(PersonRow, col(PersonRow.id) == col(LetterRow.person_id))
        .where(col(LetterRow.id).in_(letters), col(LetterRow.status).in_(MAY_BE_READ))
        .order_by(col(SectionRow.id))
    )


def _locked(query: Any, session: Session, today: date) -> list[Part]:
    rows: list[Part] = list(session.exec(query).all())
    if not rows:
        raise ReplyRefused("reply.unknown")
    locked = [row for row in rows if row[0].token_status == LOCKED]
    if not locked:
        raise ReplyRefused("reply.not_locked", rows[0][0].letter_id)
    if any(row[0].token_expires is None or today > row[0].token_expires for row in locked):
        raise ReplyRefused("reply.expired", rows[0][0].letter_id)
    return locked
