"""Decisions as they were made, and the questions that they leave to clerks."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from tasks.domain.decision import Decision, Outcome
from tasks.state.database import Row, insert_rows, upsert
from tasks.state.documents import CHOICES, DECISION, EFFECTS, dump
from tasks.state.tables import CaseRow, DecisionRow, QuestionRow


def keep_decisions(session: Session, rows: Sequence[Row]) -> None:
    insert_rows(session, DecisionRow, rows)


def last_seq(session: Session, ids: Collection[str]) -> dict[str, int]:
    return dict(
        session.exec(
            select(DecisionRow.case_id, func.max(DecisionRow.seq))
            .where(col(DecisionRow.case_id).in_(ids))
            .group_by(col(DecisionRow.case_id))
        ).all()
    )


def last_decisions(
    session: Session, ids: Collection[str]
) -> dict[str, tuple[DecisionRow, Decision]]:
    """case id -> its last decision."""
    newest: dict[str, DecisionRow] = {}
    for row in session.exec(
        select(DecisionRow).where(col(DecisionRow.case_id).in_(ids)).order_by(col(DecisionRow.seq))
    ):
        newest[row.case_id] = row
    return {case_id: (row, DECISION.validate_json(row.decision)) for case_id, row in newest.items()}


def withdraw_questions(session: Session, ids: Sequence[str]) -> None:
    session.execute(
        update(QuestionRow)
        .where(col(QuestionRow.case_id).in_(ids), col(QuestionRow.status).in_(["open", "later"]))
        .values(status="withdrawn")
    )


def ask_what_is_left(session: Session, ids: Sequence[str]) -> None:
    """The machine's part of these cases is carried out: now a clerk may settle the rest."""
    session.execute(
        update(QuestionRow)
        .where(col(QuestionRow.case_id).in_(ids), col(QuestionRow.status) == "later")
        .values(status="open")
    )


def ask_about_letters(session: Session, asked: Sequence[tuple[CaseRow, Decision]]) -> None:
    """A letter was stopped. What was left of its case waits until a clerk has settled that: a case
    asks one thing at a time."""
    waiting = (
        select(QuestionRow.id)
        .where(col(QuestionRow.case_id).in_([case.id for case, _ in asked]))
        .where(col(QuestionRow.status).in_(["open", "later"]))
    )
    left = session.exec(waiting).all()
    withdraw_questions(session, [case.id for case, _ in asked])
    ask_clerks(session, asked)
    session.execute(
        update(QuestionRow)
        .where(col(QuestionRow.id).in_(left), col(QuestionRow.status) == "withdrawn")
        .values(status="later")
    )


def let_letters_go(session: Session, ids: Sequence[str]) -> None:
    """The letters of these cases go out without an answer; what else was left is asked again."""
    session.execute(
        update(QuestionRow)
        .where(col(QuestionRow.case_id).in_(ids), col(QuestionRow.status) == "open")
        .values(status="withdrawn")
    )
    ask_what_is_left(session, ids)


def ask_clerks(session: Session, asked: Sequence[tuple[CaseRow, Decision]]) -> None:
    """Questions of these cases as they stand now; those of before are withdrawn already."""
    rows = []
    for case, decision in asked:
        if decision.question is None:
            continue
        question = decision.question
        rows.append(
            {
                "municipality": case.municipality,
                "case_id": case.id,
                "code": question.code,
                "text": question.text,
                "proposal": dump(EFFECTS, question.proposal),
                "choices": dump(CHOICES, question.choices),
                "status": "open" if decision.outcome is Outcome.NEEDS_REVIEW else "later",
                "answered_by": "",
                "answer": "",
            }
        )
    # A question that was withdrawn, or answered, may arise again.
    status = col(QuestionRow.status)
    over = (status == "withdrawn") | (status == "answered")
    again = ["status", "text", "proposal", "choices"]
    upsert(session, QuestionRow, rows, ["case_id", "code"], again, where=over)
