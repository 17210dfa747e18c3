"""Accounts of clerks and their answers, on both databases."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select
from typer.testing import CliRunner

from flows.cli import app
from tasks.access import access_log
from tasks.desks.clerk_words import CONDITIONS, QUESTIONS, choice_text, question_text
from tasks.domain import automation, check, follow_up, holder
from tasks.domain.decision import Answer, Choice, Decision, Outcome, Then
from tasks.domain.effect import Effect, EffectKind
from tasks.domain.statements import Taking
from tasks.errors import ReplyRefused
from tasks.services import resident_parking
from tasks.state import answers, clerks, sessions
from tasks.state.clerks import BadClerk
from tasks.state.database import new_id, open_database, reading, utcnow, writing
from tasks.state.documents import CHOICES, DECISION, dump
from tasks.state.sessions import Held, Lasts
from tasks.state.tables import (
    AnswerRow,
    CaseRow,
    DecisionRow,
    History,
    LetterRow,
    PageSession,
    PersonRow,
    QuestionRow,
    SectionRow,
)
from tests.builders import DAY, TODAY, stated
from tests.town import make_town

TOWN = "musterstadt"
PASSWORD = "correct horse battery"
LASTS = Lasts(timedelta(minutes=30), timedelta(hours=8))
ZONES = (
    Choice("zone:A3", "The address lies in zone A3.", Then.GO_ON),
    Choice("zone:W2", "The address lies in zone W2.", Then.GO_ON),
    check.BY_HAND,
)
END = (
    Choice("end", "The permit ends.", Then.DO, (Effect(EffectKind.END, "BPA-0001"),), "ended"),
    Choice("keep", "The permit stays."),
)
REVOKING = replace(END[0], notify=True, takes=Taking.REVOKES)
LETTER = (
    Choice(answers.LETTER_SEND, "The letter goes out."),
    Choice(answers.LETTER_KEEP, "The letter stays here."),
)


@pytest.fixture
def engine(database_url: str) -> Engine:
    open_database.cache_clear()  # the database of the test before is gone
    return open_database(database_url)


@dataclass
class Desk:
    """One person with a case that waits for a clerk."""

    engine: Engine
    town: str = TOWN

    def __post_init__(self) -> None:
        self.person = new_id("p")
        with writing(self.engine) as session:
            session.add(
                PersonRow(
                    id=self.person,
                    municipality=self.town,
                    ags="09000009",
                    number=self.person,
                    snapshot="{}",
                )
            )

    def asks(
        self,
        *choices: Choice,
        code: str = "zone_ambiguous",
        status: str = "needs_review",
        acting: bool = False,
    ) -> tuple[int, str]:
        """Question and case. Each is about another event of the same person."""
        now = utcnow()
        case = CaseRow(
            id=new_id("c"),
            municipality=self.town,
            service="resident_parking",
            person_id=self.person,
            trigger_date=TODAY,
            cause=new_id("test"),
            status=status,
            code=code,
            settles_on=TODAY,
            due_on=TODAY,
            acting=acting,
            created_at=now,
            updated_at=now,
        )
        question = QuestionRow(
            municipality=self.town,
            case_id=case.id,
            code=code,
            text="Which one?",
            proposal="[]",
            choices=dump(CHOICES, choices or ZONES),
        )
        with writing(self.engine) as session:
            session.add(case)
            session.flush()
            session.add(question)
            session.flush()
            assert question.id is not None
        return question.id, case.id

    def stopped_letter(self, *case_ids: str) -> str:
        letter = LetterRow(
            id=new_id("l"),
            municipality=self.town,
            person_id=self.person,
            life_event=new_id("event"),
            purpose="notice",
            status="stopped",
            channel="post",
            dated=TODAY,
        )
        with writing(self.engine) as session:
            session.add(letter)
            session.flush()
            for case_id in case_ids:
                session.add(
                    SectionRow(municipality=self.town, letter_id=letter.id, case_id=case_id)
                )
        return letter.id

    def give(self, question: int | str, choice: str = "zone:W2", by: str = "sb-1", **how) -> str:
        defaults = {"via": "page", "note": "", "four_eyes": False, "today": TODAY}
        town = how.pop("town", self.town)
        with writing(self.engine) as session:
            return answers.give(session, town, question, choice, by=by, **(defaults | how))

    def seen(self, question: int) -> str:
        """What a clerk sees who looks now."""
        with reading(self.engine) as session:
            asked = session.get_one(QuestionRow, question)
            return answers.seen_as(session, asked, session.get_one(CaseRow, asked.case_id))

    def confirm(
        self,
        question: int,
        by: str = "sb-2",
        agree: bool = True,
        seen: str | None = None,
        today: Any = TODAY,
    ) -> None:
        seen = self.seen(question) if seen is None else seen
        with writing(self.engine) as session:
            answers.confirm(
                session, self.town, question, by=by, agree=agree, today=today, seen=seen
            )

    def case(self, case_id: str) -> CaseRow:
        with reading(self.engine) as session:
            case = session.get(CaseRow, case_id)
            assert case
            session.expunge(case)
            return case

    def question(self, question: int) -> QuestionRow:
        with reading(self.engine) as session:
            return session.get_one(QuestionRow, question)

    def answers(self) -> list[AnswerRow]:
        with reading(self.engine) as session:
            return list(session.exec(select(AnswerRow).order_by(col(AnswerRow.at))))

    def valid(self, case_id: str) -> list[Answer]:
        with reading(self.engine) as session:
            return answers.valid_answers(session, [case_id])[case_id]

    def history(self, case_id: str) -> list[tuple[str, str, str, str]]:
        with reading(self.engine) as session:
            rows = session.exec(
                select(History).where(History.case_id == case_id).order_by(col(History.id))
            )
            return [(row.old, row.new, row.code, row.by) for row in rows]

    def follow_ups(self, case_id: str) -> list[CaseRow]:
        with reading(self.engine) as session:
            return list(session.exec(select(CaseRow).where(CaseRow.follows == case_id)))


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ReplyRefused) as error:
        call()
    return error.value.code


# --- answers -------------------------------------------------------------------------------------


def test_an_answer_is_kept_and_its_case_is_decided_again_with_it(desk: Desk) -> None:
    question, case = desk.asks()

    assert desk.give(question, note="Lageplan vom 3. November") == "valid"

    (answer,) = desk.answers()
    assert (answer.proposal, answer.choice, answer.status) == ("zone:A3", "zone:W2", "valid")
    assert (answer.by, answer.via, answer.note) == ("sb-1", "page", "Lageplan vom 3. November")
    asked = desk.question(question)
    assert (asked.status, asked.answered_by, asked.answer) == ("answered", "sb-1", "zone:W2")
    assert desk.case(case).status == "needs_review"
    assert desk.case(case).recheck
    assert desk.case(case).prompted
    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:W2", "sb-1")]
    assert desk.history(case) == [("needs_review", "needs_review", "zone_ambiguous", "clerk sb-1")]


def test_a_case_may_be_named_instead_of_its_question(desk: Desk) -> None:
    _, case = desk.asks()

    assert desk.give(case, via="prefect") == "valid"
    assert desk.answers()[0].via == "prefect"


def test_other_cases_of_the_person_that_may_have_waited_are_looked_at_again(desk: Desk) -> None:
    question, _ = desk.asks()
    _, waiting = desk.asks(code="open_clerk_case")
    _, over = desk.asks(code="moved_away", status="closed")
    _, of_another = Desk(desk.engine).asks()

    desk.give(question)

    assert desk.case(waiting).recheck
    assert not desk.case(waiting).prompted
    assert not desk.case(over).recheck
    assert not desk.case(of_another).recheck


def test_an_answered_question_is_not_answered_again(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, "zone:A3")

    assert refused(lambda: desk.give(question, "zone:W2", "sb-2")) == "question.answered"
    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:A3", "sb-1")]


def test_what_is_not_offered_cannot_be_answered(desk: Desk) -> None:
    question, case = desk.asks()

    assert refused(lambda: desk.give(question, "zone:H1")) == "question.bad_choice"
    assert refused(lambda: desk.give(question, "")) == "question.bad_choice"
    assert desk.answers() == []
    assert not desk.case(case).recheck


def test_the_question_of_another_municipality_is_unknown(desk: Desk) -> None:
    question, case = desk.asks()

    assert refused(lambda: desk.give(question, town="anderstadt")) == "question.unknown"
    assert refused(lambda: desk.give(case, town="anderstadt")) == "question.unknown"
    assert refused(lambda: desk.give(question + 1000)) == "question.unknown"


def test_a_question_that_was_withdrawn_is_unknown(desk: Desk) -> None:
    question, _ = desk.asks()
    with writing(desk.engine) as session:
        session.get_one(QuestionRow, question).status = "withdrawn"

    assert refused(lambda: desk.give(question)) == "question.unknown"


def test_a_question_that_arises_anew_gets_the_latest_answer(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, "zone:A3")
    with writing(desk.engine) as session:
        session.get_one(QuestionRow, question).status = "open"
    desk.give(question, "zone:W2", "sb-2")

    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:W2", "sb-2")]


# --- four eyes -----------------------------------------------------------------------------------


def test_with_four_eyes_an_answer_is_only_a_proposal(desk: Desk) -> None:
    question, case = desk.asks()

    assert desk.give(question, four_eyes=True, via="prefect") == "proposed"

    assert desk.question(question).status == "open"
    assert desk.valid(case) == []
    assert not desk.case(case).recheck
    with reading(desk.engine) as session:
        waiting = answers.waiting(session, question)
        assert waiting
        assert waiting.by == "sb-1"


def test_a_second_clerk_makes_it_valid(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, four_eyes=True)

    desk.confirm(question, "sb-2")

    (answer,) = desk.answers()
    assert (answer.status, answer.by, answer.confirmed_by) == ("valid", "sb-1", "sb-2")
    assert answer.confirmed_at
    assert desk.question(question).answered_by == "sb-2"
    assert desk.case(case).recheck
    assert desk.history(case)[-1][3] == "clerk sb-1, sb-2"
    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:W2", "sb-1")]


def test_nobody_confirms_an_answer_of_their_own(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, four_eyes=True)

    assert refused(lambda: desk.confirm(question, "sb-1")) == "question.same_eyes"
    assert desk.valid(case) == []


def test_a_proposal_that_was_refused_leaves_the_question_open(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, "zone:A3", four_eyes=True)
    desk.confirm(question, "sb-2", agree=False)

    assert desk.question(question).status == "open"
    assert not desk.case(case).recheck
    assert desk.give(question, "zone:W2", "sb-2", four_eyes=True) == "proposed"
    desk.confirm(question, "sb-1")
    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:W2", "sb-2")]
    assert [row.status for row in desk.answers()] == ["refused", "valid"]


def test_an_answer_that_a_letter_must_give_reasons_for_needs_words(desk: Desk) -> None:
    question, case = desk.asks(REVOKING, END[1], code="moved_away")

    for name in stated():
        lacking = stated() | {name: " "}
        assert refused(lambda said=lacking: desk.give(question, "end", stated=said)) == (
            "question.no_words"
        ), name
    assert desk.give(question, "end", stated=stated(unlawful="Nicht gefragt.")) == "valid"
    assert desk.valid(case)[0].stated == stated()
    assert desk.valid(case)[0].stated != {}


@pytest.mark.parametrize(
    ("known_since", "code"),
    [
        ("2025-11-22", "question.year_over"),
        ("2025-11-23", ""),
        ("23.11.2026", ""),
        ("2026-11-24", "question.bad_day"),
        ("gestern", "question.bad_day"),
        ("31.02.2026", "question.bad_day"),
    ],
)
def test_a_right_is_taken_away_only_within_a_year_from_the_knowledge(
    desk: Desk, known_since: str, code: str
) -> None:
    """VwVfG § 48 Abs. 4 Satz 1; the day is TODAY, 2026-11-23."""
    question, _ = desk.asks(REVOKING, END[1], code="moved_away")
    said = stated(known_since=known_since)

    def give() -> str:
        return desk.give(question, "end", stated=said)

    assert (refused(give) if code else give()) == (code or "valid")


def test_the_year_may_be_over_before_the_second_clerk_agrees(desk: Desk) -> None:
    question, _ = desk.asks(REVOKING, END[1], code="moved_away")
    desk.give(question, "end", four_eyes=True, stated=stated(known_since="2025-11-23"))

    late = TODAY + DAY
    assert refused(lambda: desk.confirm(question, "sb-2", today=late)) == "question.year_over"
    assert desk.question(question).status == "open"
    desk.confirm(question, "sb-2")
    assert desk.question(question).status == "answered"


def test_while_a_proposal_waits_nobody_proposes_another(desk: Desk) -> None:
    question, _ = desk.asks()
    desk.give(question, four_eyes=True)

    assert refused(lambda: desk.give(question, "zone:A3", "sb-2", four_eyes=True)) == (
        "question.answered"
    )


def test_without_a_proposal_there_is_nothing_to_confirm(desk: Desk) -> None:
    question, _ = desk.asks()

    assert refused(lambda: desk.confirm(question)) == "question.answered"
    desk.give(question)
    assert refused(lambda: desk.confirm(question)) == "question.answered"


def test_a_proposal_that_is_no_longer_offered_waits_for_nobody(desk: Desk) -> None:
    """The case was decided again meanwhile, with other choices."""
    question, case = desk.asks()
    desk.give(question, "zone:W2", four_eyes=True)
    with writing(desk.engine) as session:
        session.get_one(QuestionRow, question).choices = dump(CHOICES, (ZONES[0], check.BY_HAND))

    assert refused(lambda: desk.confirm(question)) == "question.answered"
    assert desk.give(question, "zone:A3", "sb-2", four_eyes=True) == "proposed"
    with writing(desk.engine) as session:
        session.get_one(QuestionRow, question).choices = dump(CHOICES, ZONES)
    desk.confirm(question, "sb-1")
    assert desk.valid(case) == [Answer("zone_ambiguous", "zone:A3", "sb-2")]


# --- what was seen -------------------------------------------------------------------------------


def change_choices(session: Session, desk: Desk, question: int, case: str) -> None:
    choices = (ZONES[0], replace(ZONES[1], text="Something else happens."), check.BY_HAND)
    session.get_one(QuestionRow, question).choices = dump(CHOICES, choices)


def change_person(session: Session, desk: Desk, question: int, case: str) -> None:
    session.get_one(PersonRow, desk.person).snapshot = "{ }"


def decide_again(session: Session, desk: Desk, question: int, case: str) -> None:
    session.add(
        DecisionRow(
            municipality=TOWN,
            case_id=case,
            seq=1,
            outcome="needs_review",
            code="zone_ambiguous",
            decision=dump(DECISION, Decision(Outcome.NEEDS_REVIEW, "zone_ambiguous", ())),
            situation="{}",
            now_is_after=True,
            parameters="{}",
            rule_version="1",
            decided_by="rule",
            decided_on=TODAY,
            decided_at=utcnow(),
        )
    )


Change = Callable[[Session, Desk, int, str], None]


@pytest.mark.parametrize("change", [change_choices, change_person, decide_again])
@pytest.mark.both_databases
def test_whoever_answers_answers_what_was_seen_and_nothing_newer(
    desk: Desk, change: Change
) -> None:
    question, case = desk.asks()
    seen = desk.seen(question)
    with writing(desk.engine) as session:
        change(session, desk, question, case)

    assert refused(lambda: desk.give(question, seen=seen)) == "question.changed"
    assert desk.answers() == []
    assert desk.give(question, seen=desk.seen(question), four_eyes=True) == "proposed"


def test_a_second_clerk_confirms_the_answer_that_was_seen_and_no_other(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, "zone:A3", four_eyes=True)
    seen = desk.seen(question)
    desk.confirm(question, "sb-3", agree=False)
    desk.give(question, "zone:A3", "sb-4", four_eyes=True)  # the same words, of somebody else

    for agree in (True, False):
        change = lambda agree=agree: desk.confirm(question, agree=agree, seen=seen)  # noqa: E731
        assert refused(change) == "question.changed"
    assert desk.valid(case) == []


# --- races ---------------------------------------------------------------------------------------


def together(count: int, call: Callable[[int], str]) -> list[str]:
    def one(number: int) -> str:
        try:
            return call(number) or "done"
        except ReplyRefused as error:
            return error.code

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(one, range(count)))


@pytest.mark.parametrize("four_eyes", [False, True])
@pytest.mark.both_databases
def test_of_two_clerks_who_answer_at_once_one_is_told_to_be_late(
    desk: Desk, four_eyes: bool
) -> None:
    for _ in range(5):
        question, case = desk.asks()
        said = together(
            4,
            lambda n, q=question: desk.give(q, ZONES[n % 2].name, f"sb-{n}", four_eyes=four_eyes),
        )
        first = "proposed" if four_eyes else "valid"
        assert said == sorted([first, *["question.answered"] * 3])
        mine = [row for row in desk.answers() if row.case_id == case]
        assert len(mine) == 1
        if not four_eyes:
            assert desk.question(question).answered_by == mine[0].by


@pytest.mark.both_databases
def test_of_two_who_agree_and_refuse_at_once_only_one_counts(desk: Desk) -> None:
    question, case = desk.asks()
    desk.give(question, four_eyes=True)

    said = together(4, lambda n: desk.confirm(question, f"sb-{n + 2}", agree=n % 2 == 0) or "")

    assert said == ["done", *["question.answered"] * 3]
    (answer,) = desk.answers()
    assert (desk.question(question).status == "answered") == (answer.status == "valid")
    assert bool(desk.valid(case)) == (answer.status == "valid")


@pytest.mark.both_databases
def test_clerks_who_answer_different_cases_of_one_person_do_not_block_each_other(
    desk: Desk,
) -> None:
    asked = [desk.asks(code=f"code_{number}") for number in range(6)]

    said = together(6, lambda n: desk.give(asked[n][0], by=f"sb-{n}"))

    assert said == ["valid"] * 6
    assert all(desk.case(case).recheck for _, case in asked)


# --- the part of a case that is left to a clerk --------------------------------------------------


@pytest.mark.parametrize("status", ["granted", "acted", "lettered", "sent", "closed"])
def test_the_part_left_to_a_clerk_opens_a_case_that_follows_it_up(desk: Desk, status: str) -> None:
    question, case = desk.asks(*END, code="end_old_permit", status=status)

    desk.give(question, "end")

    (answer,) = desk.answers()
    (follow_up_case,) = desk.follow_ups(case)
    assert follow_up_case.cause == f"answer:{answer.id}"
    assert follow_up_case.status == "open"
    assert follow_up_case.due_on == TODAY
    assert desk.case(case).status == status


def test_the_part_that_stays_as_it_is_opens_no_case(desk: Desk) -> None:
    question, case = desk.asks(*END, code="end_old_permit", status="sent")

    desk.give(question, "keep")

    assert desk.follow_ups(case) == []
    assert desk.question(question).answer == "keep"


def test_with_four_eyes_the_second_clerk_opens_it(desk: Desk) -> None:
    question, case = desk.asks(*END, code="end_old_permit", status="sent")
    desk.give(question, "end", four_eyes=True)
    assert desk.follow_ups(case) == []

    desk.confirm(question)
    assert len(desk.follow_ups(case)) == 1


# --- a letter that was stopped -------------------------------------------------------------------


def letter_of(desk: Desk, letter: str) -> str:
    with reading(desk.engine) as session:
        return session.get_one(LetterRow, letter).status


def test_a_stopped_letter_goes_out_after_all(desk: Desk) -> None:
    question, case = desk.asks(*LETTER, code="address_locked", acting=True)
    letter = desk.stopped_letter(case)

    desk.give(question, "letter:send")

    assert letter_of(desk, letter) == "ready"
    assert (desk.case(case).status, desk.case(case).acting) == ("lettered", False)
    assert desk.case(case).prompted
    assert desk.history(case) == [
        ("needs_review", "needs_review", "address_locked", "clerk sb-1"),
        ("needs_review", "lettered", "address_locked", "clerk sb-1"),
    ]


def test_a_stopped_letter_stays_here_and_its_case_is_closed(desk: Desk) -> None:
    question, case = desk.asks(*LETTER, code="address_locked", acting=True)
    letter = desk.stopped_letter(case)

    desk.give(question, "letter:keep")

    assert letter_of(desk, letter) == "stopped"
    assert (desk.case(case).status, desk.case(case).acting) == ("closed", False)


def test_one_letter_about_two_cases_is_one_answer(desk: Desk) -> None:
    question, first = desk.asks(*LETTER, code="address_locked", acting=True)
    other, second = desk.asks(*LETTER, code="address_locked", acting=True)
    desk.stopped_letter(first, second)

    desk.give(question, "letter:send")

    assert desk.case(second).status == "lettered"
    assert desk.question(other).answer == "letter:send"
    assert refused(lambda: desk.give(other, "letter:keep", "sb-2")) == "question.answered"


def test_a_letter_that_a_rerun_has_sent_meanwhile_does_not_go_out_twice(desk: Desk) -> None:
    question, case = desk.asks(*LETTER, code="address_locked", acting=True)
    letter = desk.stopped_letter(case)
    with writing(desk.engine) as session:
        session.get_one(LetterRow, letter).status = "handed_over"

    assert refused(lambda: desk.give(question, "letter:send")) == "question.answered"
    assert letter_of(desk, letter) == "handed_over"
    assert desk.answers() == []


# --- accounts ------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The real cost only where the cost is what is tested."""
    if "real_cost" not in request.fixturenames:
        monkeypatch.setattr(clerks, "_COST", 2**4)
        monkeypatch.setattr(clerks, "_LANES", 1)


@pytest.fixture
def real_cost() -> None:
    pass


def add(engine: Engine, sign: str = "sb-12", password: str = PASSWORD, town: str = TOWN) -> bool:
    with writing(engine) as session:
        return clerks.add_clerk(session, town, sign, password)


def try_in(engine: Engine, password: str, sign: str = "sb-12", town: str = TOWN) -> str:
    try:
        clerks.check(engine, town, sign, password)
    except ReplyRefused as error:
        return error.code
    return "in"


def test_a_clerk_logs_in_with_sign_and_password_at_one_municipality(engine: Engine) -> None:
    assert add(engine)

    assert try_in(engine, PASSWORD) == "in"
    assert try_in(engine, PASSWORD + "!") == "clerk.refused"
    assert try_in(engine, "") == "clerk.refused"
    assert try_in(engine, PASSWORD, "sb-13") == "clerk.refused"
    assert try_in(engine, PASSWORD, town="anderstadt") == "clerk.refused"


@pytest.mark.both_databases
def test_a_session_is_what_its_cookie_opens_until_somebody_leaves(engine: Engine) -> None:
    add(engine)
    begun = utcnow()

    def begin() -> str:
        with writing(engine) as session:
            return sessions.begin(session, Held(TOWN, clerk="sb-12"), begun, LASTS)

    mine, other = begin(), begin()
    assert sessions.held(engine, mine, begun, LASTS) == Held(TOWN, clerk="sb-12")
    assert sessions.held(engine, f"{mine}x", begun, LASTS) is None
    assert sessions.end(engine, mine) == Held(TOWN, clerk="sb-12")
    assert sessions.held(engine, mine, begun, LASTS) is None
    assert sessions.end(engine, mine) is None
    assert sessions.held(engine, other, begun, LASTS)


@pytest.mark.parametrize("shut_out", [clerks.remove_clerk, clerks.add_clerk])
def test_who_is_removed_or_has_another_password_is_out_everywhere(
    engine: Engine, shut_out: Callable[..., object]
) -> None:
    add(engine)
    add(engine, "sb-13")
    with writing(engine) as session:
        mine = sessions.begin(session, Held(TOWN, clerk="sb-12"), utcnow(), LASTS)
        theirs = sessions.begin(session, Held(TOWN, clerk="sb-13"), utcnow(), LASTS)
    password = ["another battery staple"] if shut_out is clerks.add_clerk else []
    with writing(engine) as session:
        shut_out(session, TOWN, "sb-12", *password)

    assert sessions.held(engine, mine, utcnow(), LASTS) is None
    assert sessions.held(engine, theirs, utcnow(), LASTS)


@pytest.mark.parametrize(
    ("clicks", "still_in"),
    [((30,), True), ((31,), False), ((29, 58), True), (range(25, 480, 25), True), ((490,), False)],
)
def test_a_session_ends_when_it_rests_and_after_a_day_of_work(
    engine: Engine, clicks: Sequence[int], still_in: bool
) -> None:
    begun = utcnow()
    with writing(engine) as session:
        secret = sessions.begin(session, Held(TOWN, clerk="sb-12"), begun, LASTS)

    found = [sessions.held(engine, secret, begun + timedelta(minutes=m), LASTS) for m in clicks]

    assert bool(found[-1]) == still_in
    later = begun + timedelta(hours=8, minutes=1)
    assert sessions.held(engine, secret, later, LASTS) is None
    with writing(engine) as session:
        sessions.begin(session, Held(TOWN, clerk="sb-12"), later, LASTS)
        assert len(session.exec(select(PageSession)).all()) == 1  # what is over is not kept


def test_a_click_waits_for_no_writer(engine: Engine) -> None:
    begun = utcnow()
    with writing(engine) as session:
        secret = sessions.begin(session, Held(TOWN, clerk="sb-12"), begun, LASTS)

    with writing(engine) as session:
        session.connection()  # takes the lock
        start = time.monotonic()
        assert sessions.held(engine, secret, begun + timedelta(minutes=5), LASTS)
        assert time.monotonic() - start < 5


def test_a_removed_clerk_is_out_at_once_and_may_come_back(engine: Engine) -> None:
    add(engine)
    clerks.still(engine, TOWN, "sb-12")
    with writing(engine) as session:
        clerks.remove_clerk(session, TOWN, "sb-12")

    assert refused(lambda: clerks.still(engine, TOWN, "sb-12")) == "clerk.refused"
    assert refused(lambda: clerks.still(engine, TOWN, "sb-99")) == "clerk.refused"
    assert try_in(engine, PASSWORD) == "clerk.refused"
    add(engine)
    assert try_in(engine, PASSWORD) == "in"


@pytest.mark.parametrize("sign", ["", "a", "Sb-1", "sb 1", "müller", "-sb", "a" * 33, "sb-1\n"])
def test_a_sign_is_short_and_no_name(engine: Engine, sign: str) -> None:
    with pytest.raises(BadClerk, match=r"clerk\.bad_sign"):
        add(engine, sign)


def test_a_password_has_at_least_twelve_characters(engine: Engine) -> None:
    with pytest.raises(BadClerk, match=r"clerk\.bad_password") as error:
        add(engine, password="elf zeichen")
    assert "elf" not in str(error.value) + error.value.detail
    assert add(engine, password="zwölf zeichn")


def test_the_same_password_is_stored_differently_each_time(real_cost: None) -> None:
    first, second = clerks.hashed(PASSWORD), clerks.hashed(PASSWORD)

    assert first != second
    assert first.startswith("scrypt$32768$8$3$")
    assert PASSWORD not in first


def test_an_unknown_sign_takes_as_long_as_a_wrong_password(tmp_path: Path, real_cost: None) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'clerks.db'}")
    add(engine)

    def cost(sign: str) -> float:
        start = time.process_time()
        assert try_in(engine, "wrong", sign) == "clerk.refused"
        return time.process_time() - start

    known, unknown = cost("sb-12"), cost("sb-99")
    assert known > 0.05  # else there is nothing to compare
    assert 0.5 < unknown / known < 2


# --- the commands --------------------------------------------------------------------------------


@pytest.fixture
def run(home: Path) -> Callable[..., str]:
    make_town(home)

    def call(*arguments: str, typed: str = "") -> str:
        result = CliRunner().invoke(app, [*arguments, "-m", TOWN], input=typed)
        return result.output if result.exit_code == 0 else repr(result.exception or result.output)

    return call


def test_an_admin_adds_lists_and_removes_a_clerk(run: Callable[..., str], home: Path) -> None:
    asked = run("add-clerk", "sb-12", typed=f"B. Muster\n{PASSWORD}\n{PASSWORD}\n")
    assert "sb-12 may log in" in asked
    assert PASSWORD not in asked
    engine = open_database(f"sqlite:///{(home / 'antragslos.db').resolve()}")
    assert try_in(engine, PASSWORD) == "in"

    assert "B. Muster" in run("clerks")

    assert "has a new password" in run(
        "add-clerk", "sb-12", "--password-from", "-", typed="another battery staple\n"
    )
    assert try_in(engine, "another battery staple") == "in"
    (home / "password").write_text("the third battery\n")
    run("add-clerk", "sb-12", "--password-from", str(home / "password"))
    assert try_in(engine, "the third battery") == "in"
    assert "B. Muster" in run("clerks"), "a new password leaves the name as it is"

    more = ("--password-from", str(home / "password"), "--name", "B. Muster-Probe")
    run("add-clerk", "sb-12", *more)
    assert "B. Muster-Probe" in run("clerks")
    assert "active" in run("clerks")
    assert "no longer" in run("remove-clerk", "sb-12")
    assert "removed" in run("clerks")
    assert "Muster" not in run("clerks").replace("sb-12", ""), "the name is in the letters alone"


def test_an_admin_who_mistypes_is_told_so(run: Callable[..., str]) -> None:
    assert "clerk.unknown" in run("remove-clerk", "sb-99")
    assert "clerk.bad_sign" in run("add-clerk", "Frau-Muster", "--password-from", "-", typed="x\n")
    assert "clerk.bad_password" in run("add-clerk", "sb-1", "--password-from", "-", typed="short\n")
    name = ("--password-from", "-", "--name", "x" * 81)
    assert "clerk.bad_name" in run("add-clerk", "sb-1", *name, typed=f"{PASSWORD}\n")


# --- words ---------------------------------------------------------------------------------------


def test_every_question_and_every_condition_has_german_words() -> None:
    for module in (automation, holder, follow_up, resident_parking):
        assert set(module.CONDITIONS) <= set(CONDITIONS), module.__name__
    asking = {code for code, text in resident_parking.CODES.items() if "?" in text}
    assert asking <= set(QUESTIONS)


def test_what_a_rule_adds_to_its_question_is_said_in_german_too() -> None:
    english = f"{resident_parking.CODES['no_zone']} {resident_parking.BY_REVOCATION}"

    assert "Anhörung" in question_text("no_zone", english)
    assert "erloschen" in question_text("no_zone", f"… {resident_parking.BY_CONDITION}")
    assert question_text("new_code", "Which one?") == "Which one?"


def test_a_choice_without_german_words_is_shown_in_those_of_its_rule() -> None:
    assert choice_text(Choice("paint_it", "It is painted.")) == "It is painted."
    assert "Zone W2" in choice_text(ZONES[1])


def test_the_log_of_looks_is_for_its_owner_only(tmp_path: Path) -> None:
    log = access_log(tmp_path)
    log.info("musterstadt clerk sb-12 looked at c-1")

    path = tmp_path / "access.log"
    assert path.read_text().endswith("musterstadt clerk sb-12 looked at c-1\n")
    assert os.stat(path).st_mode & 0o777 == 0o600
    log.handlers[0].doRollover()  # type: ignore[attr-defined]
    assert os.stat(path).st_mode & 0o777 == 0o600
