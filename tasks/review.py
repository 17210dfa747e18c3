"""Review: the questions that wait for clerks as they may be seen in Prefect, and their answers.

Sentences, choices and case ids only; whatever a clerk must know beyond them is on the clerks' page
or told by `antragslos explain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tasks.domain.decision import Choice
from tasks.errors import PermanentError, ReplyRefused
from tasks.municipality import Municipality
from tasks.state import answers, clerks, report
from tasks.state.database import reading, writing


@dataclass(frozen=True)
class Asked:
    """One open question. `choices`: what may be answered, the proposed one first."""

    case: str
    service: str
    code: str
    text: str
    choices: tuple[Choice, ...]
    seen: str  # a mark of what stands behind it: whoever answers says with it what they have seen


@dataclass(frozen=True)
class Answered:
    """`status`: valid | proposed (a second clerk must agree), or the code of what was refused."""

    case: str
    choice: str
    status: str


def open_questions(town: Municipality, limit: int = 0, case: str = "") -> list[Asked]:
    """Oldest first; with `case`, only that one's."""
    with reading(town.engine) as session:
        return [
            Asked(
                question.case_id,
                case_row.service,
                question.code,
                question.text,
                choices,
                answers.seen_as(session, question, case_row),
            )
            for question, case_row, choices in report.questions(session, town.slug, limit, case)
        ]


def check_form(town: Municipality) -> None:
    """Raises PermanentError where clerks may not answer in Prefect's form."""
    review = town.profile.review
    # It cannot tell the signs of two clerks from one clerk's who types both.
    if review.four_eyes or not review.prefect_form:
        raise PermanentError("review.form_switched_off", town.slug)


def check_clerk(town: Municipality, sign: str) -> None:
    """Raises PermanentError where no such clerk may answer here."""
    try:
        clerks.still(town.engine, town.slug, sign)
    except ReplyRefused:
        raise PermanentError(
            "review.unknown_clerk",
            town.slug,
            f"No clerk has this sign. See: antragslos clerks -m {town.slug}",
        ) from None


def record_answers(
    town: Municipality,
    given: Mapping[str, str],
    *,
    by: str,
    via: str,
    today: date,
    note: str = "",
    seen: Mapping[str, str] | None = None,
    stated: Mapping[str, str] = {},
) -> list[Answered]:
    """`given`: case id -> name of the choice. One that is refused never stops the others.
    `seen`: case id -> the mark of what was shown; None where nothing was.
    `stated`: what whoever takes a right away must state, see tasks/domain/statements.py.

    Raises PermanentError where no such clerk may answer here.
    """
    if via == "prefect":
        check_form(town)
    check_clerk(town, by)
    return [
        _record(town, case, given[case], by, via, today, note, stated, seen[case] if seen else None)
        for case in given
    ]


def _record(
    town: Municipality,
    case: str,
    choice: str,
    by: str,
    via: str,
    today: date,
    note: str,
    stated: Mapping[str, str],
    seen: str | None,
) -> Answered:
    try:
        with writing(town.engine) as session:
            status = answers.give(
                session,
                town.slug,
                case,
                choice,
                by=by,
                via=via,
                note=note,
                stated=stated,
                four_eyes=town.profile.review.four_eyes,
                today=today,
                seen=seen,
            )
    except ReplyRefused as error:
        status = error.code
    return Answered(case, choice, status)
