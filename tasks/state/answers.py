"""Answers of clerks: recorded once, from the page, from Prefect's form and from a shell alike.

    give ──► proposed (four eyes) ──confirm──► valid ──► the case is decided with it
      │                             └────────► refused: the question waits for a new answer
      └────► valid

What a valid answer sets going depends on where its case stands:

    needs_review             decided again, with the answer as a fact
    needs_review, acting     only its letter was stopped: it goes out after all, or it never does
    anything else            the part of the case that was left to a clerk: a follow-up case opens
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlalchemy import update
from sqlmodel import Session, col, select

from tasks.domain.case import Status
from tasks.domain.decision import Answer, Choice, Then
from tasks.domain.statements import kept, wrong_with
from tasks.errors import ReplyRefused
from tasks.state import cases, decisions, outbox
from tasks.state.database import insert_rows, new_id, utcnow
from tasks.state.documents import CHOICES, STATED
from tasks.state.facts import to_answer
from tasks.state.tables import AnswerRow, CaseRow, History, PersonRow, QuestionRow

LETTER_SEND = "letter:send"
LETTER_KEEP = "letter:keep"


def give(
    session: Session,
    municipality: str,
    question: int | str,
    choice: str,
    *,
    by: str,
    via: str,
    note: str,
    stated: Mapping[str, str] = {},
    four_eyes: bool,
    today: date,
    seen: str | None = None,
) -> str:
    """`question`: its id, or the id of its case. Returns "valid", or "proposed" with four eyes.
    `seen`: what the clerk's form had shown; None where nothing was shown.

    Raises ReplyRefused: question.unknown, question.answered, question.changed, question.bad_choice,
    and question.no_words, question.bad_day or question.year_over for what must be stated.
    """
    asked, case = _locked(session, municipality, question)
    if waiting(session, asked.id or 0):
        raise ReplyRefused("question.answered", case.id)
    if seen is not None:
        _check_seen(session, asked, case, seen)
    choices = CHOICES.validate_json(asked.choices)
    taken = _choice(choices, choice)
    for code in wrong_with(taken.takes, stated, today).values():
        raise ReplyRefused(code, case.id)
    _drop_outdated(session, asked)
    answer = AnswerRow(
        id=new_id("a"),
        municipality=municipality,
        case_id=case.id,
        question_id=asked.id or 0,
        code=asked.code,
        proposal=choices[0].name,
        choice=taken.name,
        status="proposed" if four_eyes else "valid",
        by=by,
        via=via,
        at=utcnow(),
        note=note,
        stated=STATED.dump_json(kept(taken.takes, stated)).decode(),
    )
    session.add(answer)
    session.flush()
    if not four_eyes:
        _take_effect(session, asked, case, answer, taken, today)
    return answer.status


def confirm(
    session: Session,
    municipality: str,
    question: int,
    *,
    by: str,
    agree: bool,
    today: date,
    seen: str,
) -> None:
    """A second clerk on what the first one proposed; refused, the question is open as before.
    `seen`: as in `give`.

    Raises ReplyRefused: question.unknown, question.answered, question.same_eyes, question.changed.
    """
    asked, case = _locked(session, municipality, question)
    answer = waiting(session, asked.id or 0)
    if answer is None:
        raise ReplyRefused("question.answered", case.id)
    if answer.by == by:
        raise ReplyRefused("question.same_eyes", case.id)
    _check_seen(session, asked, case, seen)
    taken = _choice(CHOICES.validate_json(asked.choices), answer.choice)
    stated = STATED.validate_json(answer.stated)
    for code in wrong_with(taken.takes, stated, today).values() if agree else ():
        raise ReplyRefused(code, case.id)  # the year ended in between, or the norm is another now
    answer.confirmed_by, answer.confirmed_at = by, utcnow()
    answer.status = "valid" if agree else "refused"
    session.flush()
    if agree:
        _take_effect(session, asked, case, answer, taken, today)


def seen_as(session: Session, asked: QuestionRow, case: CaseRow) -> str:
    """A mark of all that a clerk's answer stands on: another one once any of it has changed.

    The permits as they are today are not in it: whatever changes one is checked when it acts.
    """
    decision = decisions.last_decisions(session, [case.id]).get(case.id)
    person = session.get(PersonRow, case.person_id)
    proposed = waiting(session, asked.id or 0)
    shown = (
        (asked.id, asked.code, asked.text, asked.proposal, asked.choices),
        (decision[0].decision, decision[0].situation) if decision else None,
        (person.snapshot, person.gone) if person else None,
        proposed.id if proposed else None,
    )
    return hashlib.sha256(repr(shown).encode(errors="surrogatepass")).hexdigest()


def _check_seen(session: Session, asked: QuestionRow, case: CaseRow, seen: str) -> None:
    if seen_as(session, asked, case) != seen:
        raise ReplyRefused("question.changed", case.id)


def waiting(session: Session, question: int) -> AnswerRow | None:
    """The answer that waits for a second clerk."""
    asked = session.get(QuestionRow, question)
    return all_waiting(session, [asked]).get(question) if asked else None


def all_waiting(session: Session, asked: Sequence[QuestionRow]) -> dict[int, AnswerRow]:
    """question id -> the answer that waits for a second clerk.

    The case may have been decided again since; an answer that is no longer offered waits for
    nothing.
    """
    offered = {
        row.id: {choice.name for choice in CHOICES.validate_json(row.choices)}
        for row in asked
        if row.status == "open"
    }
    proposed = session.exec(
        select(AnswerRow)
        .where(col(AnswerRow.question_id).in_(offered.keys()), AnswerRow.status == "proposed")
        .order_by(col(AnswerRow.at), col(AnswerRow.id))
    )
    return {row.question_id: row for row in proposed if row.choice in offered[row.question_id]}


def valid_answers(session: Session, case_ids: Collection[str]) -> dict[str, list[Answer]]:
    """case id -> the latest valid answer to each of its questions, in the order of the answers."""
    latest: dict[str, dict[str, Answer]] = {case_id: {} for case_id in case_ids}
    for row in session.exec(
        select(AnswerRow)
        .where(col(AnswerRow.case_id).in_(case_ids), AnswerRow.status == "valid")
        .order_by(col(AnswerRow.at), col(AnswerRow.id))
    ):
        found = latest[row.case_id]
        found.pop(row.code, None)  # an answer given anew comes last
        found[row.code] = to_answer(row)
    return {case_id: list(found.values()) for case_id, found in latest.items()}


def _locked(
    session: Session, municipality: str, question: int | str
) -> tuple[QuestionRow, CaseRow]:
    """An open question with its case, for us alone until the transaction ends.

    The person's cases are locked first and in the order of `cases.load`, as a run does it, so that
    neither waits for the other in a circle. SQLite has one writer anyway.
    """
    named = (
        QuestionRow.id == question if isinstance(question, int) else QuestionRow.case_id == question
    )
    found = session.exec(
        select(QuestionRow, CaseRow)
        .join(CaseRow, col(CaseRow.id) == col(QuestionRow.case_id))
        .where(named, QuestionRow.municipality == municipality)
        .order_by((col(QuestionRow.status) == "open").desc(), col(QuestionRow.id).desc())
    ).first()
    if found is None:
        raise ReplyRefused("question.unknown")
    asked, case = found
    session.exec(
        select(CaseRow)
        .where(CaseRow.municipality == municipality, CaseRow.person_id == case.person_id)
        .order_by(col(CaseRow.delta_id), col(CaseRow.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    # Changes nothing, but waits for whoever is changing the question, and then looks again.
    ours = session.execute(
        update(QuestionRow)
        .where(col(QuestionRow.id) == asked.id, col(QuestionRow.status) == "open")
        .values(status="open")
        .execution_options(synchronize_session=False)
    )
    session.refresh(asked)
    if not ours.rowcount:  # type: ignore[attr-defined]
        answered = asked.status == "answered"
        raise ReplyRefused("question.answered" if answered else "question.unknown", case.id)
    return asked, case


def _choice(choices: tuple[Choice, ...], name: str) -> Choice:
    for choice in choices:
        if choice.name == name:
            return choice
    raise ReplyRefused("question.bad_choice")


def _drop_outdated(session: Session, asked: QuestionRow) -> None:
    """A proposal that was overtaken by a new decision must not come back to life."""
    session.execute(
        update(AnswerRow)
        .where(col(AnswerRow.question_id) == asked.id, col(AnswerRow.status) == "proposed")
        .values(status="refused")
    )


def _take_effect(
    session: Session,
    asked: QuestionRow,
    case: CaseRow,
    answer: AnswerRow,
    choice: Choice,
    today: date,
) -> None:
    _close(session, asked, case, answer)
    if case.status != Status.NEEDS_REVIEW:
        if choice.then is not Then.NOTHING:
            cause = f"answer:{answer.id}"
            cases.open_follow_up(session, case, cause=cause, today=today, run="")
    elif case.acting:
        _settle_letter(session, case, answer)
    else:
        case.prompted = True
        case.recheck = True
        case.settles_on = min(case.settles_on, today)  # a person has looked: no need to wait
        session.flush()
    # They may have waited for this answer: no two cases of a person are decided side by side.
    cases.mark_recheck(session, case.municipality, {case.person_id})


def _close(session: Session, asked: QuestionRow, case: CaseRow, answer: AnswerRow) -> None:
    asked.status, asked.answer = "answered", answer.choice
    asked.answered_by = answer.confirmed_by or answer.by
    signs = dict.fromkeys(sign for sign in (answer.by, answer.confirmed_by) if sign)
    line = {
        "municipality": case.municipality,
        "case_id": case.id,
        "at": utcnow(),
        "old": case.status,
        "new": case.status,
        "code": asked.code,
        "by": f"clerk {', '.join(signs)}",
        "run": "",
    }
    session.flush()
    insert_rows(session, History, [line])


def _settle_letter(session: Session, case: CaseRow, answer: AnswerRow) -> None:
    """One letter may tell of several cases, each with the same question: one answer is for all."""
    letter = outbox.by_case(session, [case.id]).get(case.id)
    if letter is None or letter.status != "stopped":
        raise ReplyRefused("question.answered", case.id)  # a rerun was faster
    told = [
        one
        for one in outbox.cases_of(session, [letter.id])[letter.id]
        if one.status == Status.NEEDS_REVIEW and one.acting
    ]
    questions = select(QuestionRow).where(
        col(QuestionRow.case_id).in_([one.id for one in told]),
        QuestionRow.status == "open",
    )
    by_case = {one.id: one for one in told}
    for asked in session.exec(questions).all():
        _close(session, asked, by_case[asked.case_id], answer)
    send = answer.choice == LETTER_SEND
    if send:
        outbox.settle(session, {letter.id: outbox.Outcome("ready")})
    new = Status.LETTERED if send else Status.CLOSED
    changes = {"acting": False, "prompted": send}
    moves = [cases.Move(one, new, one.code, f"clerk {answer.by}", changes) for one in told]
    cases.move(session, moves, "")
    decisions.ask_what_is_left(session, [one.id for one in told])
