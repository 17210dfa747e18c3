"""Clerks in the Prefect UI: one form a run, with case ids, sentences and choices only."""

import threading
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from sqlmodel import col, update

from flows.review_cases import LEAVE_OPEN, ReviewParameters, form, review_cases
from tasks.review import open_questions
from tasks.state import clerks
from tasks.state.database import writing
from tasks.state.tables import QuestionRow
from tests.town import Town, make_town

DAY = date(2026, 11, 23)
FIRST = ("0001-gesamtlieferung.xml", "0002-deltalieferung.xml")


@pytest.fixture
def asked(home: Any, deliver: Callable[..., Any]) -> Town:
    town = make_town(home, test_mode=True, settling_days=0)
    town.put(*FIRST)
    assert deliver(DAY.isoformat()).name == "NeedsReview"
    with writing(town.opened.engine) as session:
        clerks.add_clerk(session, town.slug, "sb-1", "a long password")
    return town


def filled_in(
    answers: dict[str, str], meanwhile: Callable[[], None] = lambda: None
) -> threading.Thread:
    """Fills the form in once a run is paused, as the UI does. `meanwhile`: before it is sent."""

    def fill() -> None:
        with get_client(sync_client=True) as client:
            for _ in range(200):
                paused = [run for run in client.read_flow_runs() if run.state_name == "Paused"]
                if paused:
                    meanwhile()
                    client.resume_flow_run(paused[0].id, run_input=answers)
                    return
                time.sleep(0.1)

    thread = threading.Thread(target=fill)
    thread.start()
    return thread


def test_a_clerk_answers_the_open_questions_in_one_form(asked: Town) -> None:
    waiting = open_questions(asked.opened)
    number = next(n for n, q in enumerate(waiting, start=1) if q.code == "zone_ambiguous")
    thread = filled_in({"clerk": "sb-1", f"q{number}": "zone:A3"})

    state = review_cases(
        ReviewParameters(municipality=asked.slug, questions=25, minutes=1, on=DAY),
        return_state=True,
    )
    thread.join()

    assert (state.name, state.message) == ("Reviewed", "1 answered")
    assert waiting[number - 1].case not in {
        question.case for question in open_questions(asked.opened)
    }
    assert "BPA-0004/2" in asked.opened.register.get(["BPA-0004/2"])


def test_an_answer_never_counts_for_a_question_that_has_changed_since(asked: Town) -> None:
    """„By hand“ is offered with every question: it must not pass by a lock that came since."""
    waiting = open_questions(asked.opened)
    number = next(n for n, q in enumerate(waiting, start=1) if q.code == "zone_ambiguous")
    case = waiting[number - 1].case

    def changed() -> None:
        text = "There is an information lock. What is to be done?"
        with writing(asked.opened.engine) as session:
            question = update(QuestionRow).where(col(QuestionRow.case_id) == case)
            session.execute(question.values(code="address_locked", text=text))

    thread = filled_in({"clerk": "sb-1", f"q{number}": "by_hand"}, changed)
    state = review_cases(
        ReviewParameters(municipality=asked.slug, questions=25, minutes=1, on=DAY),
        return_state=True,
    )
    thread.join()

    assert state.message == "0 answered, not taken: question.changed"
    (still,) = open_questions(asked.opened, case=case)
    assert still.code == "address_locked"


def test_nobody_who_is_no_clerk_can_answer(asked: Town) -> None:
    thread = filled_in({"clerk": "sb-9", "q1": "by_hand"})

    state = review_cases(
        ReviewParameters(municipality=asked.slug, minutes=1, on=DAY), return_state=True
    )
    thread.join()

    assert state.message == "musterstadt: review.unknown_clerk"
    assert state.is_failed()


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_a_form_that_nobody_fills_in_leaves_everything_as_it_is(asked: Town) -> None:
    before = open_questions(asked.opened)
    parameters = ReviewParameters(municipality=asked.slug, on=DAY)
    object.__setattr__(parameters, "minutes", 1 / 60)

    state = review_cases.with_options(validate_parameters=False)(parameters, return_state=True)

    assert state.message == "The flow was paused and never resumed."
    assert open_questions(asked.opened) == before


def test_descriptions_choices_and_defaults_survive_in_the_form(asked: Town) -> None:
    waiting = open_questions(asked.opened)
    schema = form(waiting).model_json_schema()

    for number, question in enumerate(waiting, start=1):
        field = schema["properties"][f"q{number}"]
        assert field["title"] == question.case
        assert field["description"] == question.text
        assert field["enum"] == [LEAVE_OPEN, *(choice.name for choice in question.choices)]
        assert field["default"] == LEAVE_OPEN
    assert schema["required"] == ["clerk"]


def test_without_a_question_there_is_no_form(home: Any) -> None:
    town = make_town(home, test_mode=True)

    state = review_cases(ReviewParameters(municipality=town.slug), return_state=True)

    assert state.message == "no question is open"
