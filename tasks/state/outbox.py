"""The outbox: a letter is rendered and stored before any channel is called."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import bindparam, func, update
from sqlmodel import Session, col, select

from tasks.state.database import insert_missing, table_of, utcnow
from tasks.state.tables import CaseRow, LetterRow, SectionRow

MAX_ATTEMPTS = 20  # tries while others left, until a person must look


def keep_letters(
    session: Session, letters: Sequence[LetterRow], sections: Sequence[SectionRow]
) -> None:
    insert_missing(session, LetterRow, [letter.model_dump() for letter in letters])
    insert_missing(
        session, SectionRow, [section.model_dump(exclude={"id"}) for section in sections]
    )


def renew(session: Session, letter: LetterRow, sections: Sequence[SectionRow]) -> None:
    """Made anew under its own id, as long as nobody has it in hand."""
    anew = letter.model_dump(
        include={"channel", "recipient", "addressee", "subject", "text", "html", "pdf", "pages"}
        | {"dated"}
    )
    session.execute(
        update(LetterRow)
        .where(col(LetterRow.id) == letter.id, col(LetterRow.status) == "ready")
        .values(**anew)
    )
    for section in sections:
        session.execute(
            update(SectionRow)
            .where(col(SectionRow.case_id) == section.case_id)
            .values(token_expires=section.token_expires)
        )


def letters_of(session: Session, case_ids: Collection[str]) -> dict[str, str]:
    """case id -> letter id."""
    return dict(
        session.exec(
            select(SectionRow.case_id, SectionRow.letter_id).where(
                col(SectionRow.case_id).in_(case_ids)
            )
        ).all()
    )


def by_case(session: Session, case_ids: Collection[str]) -> dict[str, LetterRow]:
    """case id -> its letter."""
    return {
        section.case_id: letter
        for section, letter in session.exec(
            select(SectionRow, LetterRow)
            .where(col(SectionRow.case_id).in_(case_ids))
            .where(col(LetterRow.id) == col(SectionRow.letter_id))
        )
    }


def ids_ready(
    session: Session, municipality: str, channel: str, prompted: bool = False
) -> list[str]:
    return list(
        session.exec(
            select(LetterRow.id)
            .where(*([col(LetterRow.prompted).is_(True)] if prompted else []))
            .where(
                LetterRow.municipality == municipality,
                LetterRow.status == "ready",
                LetterRow.channel == channel,
            )
            # What was tried last comes last: three bad addresses never keep the others from a try.
            .order_by(
                col(LetterRow.claimed_at).nulls_first(), col(LetterRow.dated), col(LetterRow.id)
            )
        )
    )


def load(session: Session, ids: Sequence[str], status: str = "ready") -> list[LetterRow]:
    """In the order of `ids`."""
    query = select(LetterRow).where(col(LetterRow.id).in_(ids), LetterRow.status == status)
    found = {letter.id: letter for letter in session.exec(query)}
    return [found[letter_id] for letter_id in ids if letter_id in found]


def cases_of(session: Session, letter_ids: Collection[str]) -> dict[str, list[CaseRow]]:
    """letter id -> the cases that it tells of."""
    found: dict[str, list[CaseRow]] = {letter_id: [] for letter_id in letter_ids}
    for letter_id, case in session.exec(
        select(SectionRow.letter_id, CaseRow)
        .where(col(SectionRow.letter_id).in_(letter_ids))
        .where(col(CaseRow.id) == col(SectionRow.case_id))
    ):
        found[letter_id].append(case)
    return found


def stop_unsent(session: Session, case_ids: Collection[str], code: str) -> None:
    """Letters of these cases that have not left yet never do."""
    letters = set(letters_of(session, case_ids).values())
    session.execute(
        update(LetterRow)
        .where(col(LetterRow.id).in_(letters))
        .where(col(LetterRow.status).in_(["ready", "failed", "stopped"]))
        .values(status="stopped", code=code),
        execution_options={"synchronize_session": False},
    )


def claim(session: Session, ids: Collection[str]) -> set[str]:
    """The intent, committed before the hand-over begins. Returns those that are ours now."""
    return set(
        session.execute(
            update(LetterRow)
            .where(col(LetterRow.id).in_(ids), col(LetterRow.status) == "ready")
            .values(status="claimed", claimed_at=utcnow(), attempts=LetterRow.attempts + 1)
            .returning(col(LetterRow.id)),
            execution_options={"synchronize_session": False},
        ).scalars()
    )


def excuse(session: Session, ids: Collection[str]) -> None:
    """Their try was the channel's fault: it does not count."""
    session.execute(
        update(LetterRow)
        .where(col(LetterRow.id).in_(ids), col(LetterRow.attempts) > 0)
        .values(attempts=LetterRow.attempts - 1),
        execution_options={"synchronize_session": False},
    )


def spent(session: Session, ids: Collection[str]) -> set[str]:
    """Those of these letters that were tried often enough."""
    query = select(LetterRow.id).where(
        col(LetterRow.id).in_(ids), col(LetterRow.attempts) >= MAX_ATTEMPTS
    )
    return set(session.exec(query))


def give_reason(session: Session, ids: Collection[str], code: str) -> None:
    """Why these letters, which nobody has tried, still wait."""
    session.execute(
        update(LetterRow)
        .where(col(LetterRow.id).in_(ids), col(LetterRow.status) == "ready")
        .values(code=code),
        execution_options={"synchronize_session": False},
    )


def waiting(session: Session, ids: Collection[str]) -> dict[str, int]:
    """code -> how many of these letters still wait for their channel."""
    query = (
        select(LetterRow.code, func.count())
        .where(col(LetterRow.id).in_(ids), LetterRow.status == "ready")
        .group_by(LetterRow.code)
    )
    return dict(session.exec(query).all())


def claimed(session: Session, municipality: str, channel: str) -> list[str]:
    return list(
        session.exec(
            select(LetterRow.id).where(
                LetterRow.municipality == municipality,
                LetterRow.status == "claimed",
                LetterRow.channel == channel,
            )
        )
    )


@dataclass(frozen=True)
class Outcome:
    """What became of a letter."""

    status: str
    code: str = ""
    reference: str = ""  # Message-ID, or file name


_SETTLED = ("status", "code", "reference", "handed_over_at")
_SETTLE = (
    update(table_of(LetterRow))
    .where(col(LetterRow.id) == bindparam("settled"))
    .values({name: bindparam(name) for name in _SETTLED})
)


def settle(session: Session, outcomes: Mapping[str, Outcome]) -> None:
    """letter id -> what became of it. Letters that the session has loaded do not follow."""
    now = utcnow()
    rows = [
        {
            "settled": letter_id,
            **asdict(outcome),
            "handed_over_at": now if outcome.status == "handed_over" else None,
        }
        for letter_id, outcome in outcomes.items()
    ]
    if rows:
        session.execute(_SETTLE, rows)
