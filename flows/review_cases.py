"""Review cases: the open questions of a municipality as one form in the Prefect UI.

For clerks who live there. The form carries case ids, sentences and choices; whatever concerns a
person is seen on the clerks' page or with `antragslos explain`. Prefect knows no users, so the form
asks for the clerk's sign. Where four eyes are needed there is no form: it cannot tell them apart.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from prefect import flow, get_run_logger, pause_flow_run, runtime, tags
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.input import RunInput
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field, create_model

from flows._pipeline import AT_WORK, begin, day_of, end_state, of_municipality, prompted
from tasks.domain.decision import Choice
from tasks.errors import PermanentError
from tasks.municipality import open_municipality
from tasks.review import Answered, Asked, check_form, open_questions, record_answers
from tasks.settings import settings
from tasks.stage import cleaned

LEAVE_OPEN = "leave_open"


class ReviewParameters(BaseModel):
    """Whose questions, and how many at a time."""

    model_config = ConfigDict(extra="forbid")

    municipality: str = Field(
        default="", title="Municipality", description="Its folder in the home folder."
    )
    questions: int = Field(
        default=10, ge=1, le=25, title="Questions", description="The oldest so many on one form."
    )
    minutes: int = Field(
        default=60,
        ge=1,
        le=480,
        title="Minutes",
        description="How long the form waits. The run keeps a worker's place meanwhile.",
    )
    on: date | None = Field(
        default=None,
        title="Replay the day",
        description="The day on which the run plays. Empty: today. A future day only in test mode.",
    )


NOBODY = ReviewParameters()


def _run_name() -> str:
    raw = (runtime.flow_run.parameters or {}).get("parameters") or {}
    return f"review {ReviewParameters.model_validate(raw).municipality}".strip()


@flow(name="review-cases", flow_run_name=_run_name, persist_result=False)
def review_cases(parameters: ReviewParameters = NOBODY) -> State[Any]:
    """Asks clerks what a machine may not decide, and carries their answers out.

    Args:
        parameters: Whose questions, how many, and how long the form waits.
    """
    begin()
    slug = parameters.municipality
    with tags(f"municipality:{slug}"):
        try:
            return _review(parameters)
        except FlowPauseTimeout:
            # Prefect fails such a run whatever we say, and words its message from this name.
            return Failed(name="Paused", message="nobody filled in the form in time")
        except Exception as error:
            code = cleaned(error).code
        get_run_logger().error("%s: %s", slug, code)
        return Failed(message=f"{slug}: {code}")


def _review(parameters: ReviewParameters) -> State[Any]:
    if not parameters.municipality:
        raise PermanentError("review.no_municipality")
    town = open_municipality(parameters.municipality, settings())
    check_form(town)
    asked = open_questions(town, parameters.questions)
    if not asked:
        return Completed(message="no question is open")
    create_markdown_artifact(
        as_markdown(asked), key=f"review-{town.slug}", description=f"Questions of {town.slug}"
    )
    # Paused and not suspended: a suspended run begins again from the top, with other questions.
    filled: Any = pause_flow_run(
        wait_for_input=form(asked).with_initial_data(description=as_markdown(asked)),
        timeout=parameters.minutes * 60,
        poll_interval=2,
        key="answers",
    )
    chosen = {
        question.case: getattr(filled, f"q{number}") for number, question in enumerate(asked, 1)
    }
    given = {case: choice for case, choice in chosen.items() if choice != LEAVE_OPEN}
    # The form may have waited for hours: an answer counts for what it has shown, and nothing newer.
    seen = {question.case: question.seen for question in asked}
    day = day_of(town, parameters.on)
    recorded = record_answers(town, given, by=filled.clerk, via="prefect", today=day, seen=seen)
    run = str(runtime.flow_run.id or "")
    outcome = of_municipality(town.slug, parameters.on, run, prompted, "replies")
    if outcome.busy:  # what is recorded is carried out by the next run
        return Completed(name="Reviewed", message=f"{_sentence(recorded)}; {AT_WORK}")
    return _end(recorded, end_state({town.slug: outcome}))


def form(asked: Sequence[Asked]) -> type[RunInput]:
    """One select field a question; the choices' names are the values."""
    fields: dict[str, Any] = {
        "clerk": (
            str,
            Field(
                title="Clerk",
                description="Your sign (Zeichen), not your name. It is kept with each answer.",
                pattern=r"^[a-z0-9][a-z0-9-]{1,31}$",
            ),
        )
    }
    for number, question in enumerate(asked, start=1):
        # What needs a clerk's own words is answered where they may be written: on the page.
        offered = [choice.name for choice in question.choices if choice.takes is None]
        names = (LEAVE_OPEN, *offered)
        fields[f"q{number}"] = (
            Literal[names],
            Field(default=LEAVE_OPEN, title=question.case, description=question.text),
        )
    model: type[RunInput] = create_model("Answers", __base__=RunInput, **fields)
    return model


def as_markdown(asked: Sequence[Asked]) -> str:
    more = "More about a case: the clerks' page, or `antragslos explain CASE` at a shell."
    lines = [f"What happens on each answer. {more}", ""]
    for question in asked:
        lines += [f"**{question.case}** · {question.service} · {question.text}", ""]
        lines += [
            f"- `{choice.name}`: {choice.text}{_elsewhere(choice)}" for choice in question.choices
        ]
        lines += [""]
    return "\n".join(lines)


def _elsewhere(choice: Choice) -> str:
    return " (on the clerks' page only: it needs your reasons)" if choice.takes else ""


def _end(recorded: Sequence[Answered], carried_out: State[Any]) -> State[Any]:
    message = _sentence(recorded)
    if not carried_out.is_completed():
        return Failed(name=carried_out.name, message=f"{message}; {carried_out.message}")
    return Completed(name="Reviewed", message=message)


def _sentence(recorded: Sequence[Answered]) -> str:
    valid = sum(answer.status == "valid" for answer in recorded)
    waiting = sum(answer.status == "proposed" for answer in recorded)
    refused = sorted({answer.status for answer in recorded} - {"valid", "proposed"})
    message = f"{valid} answered"
    message += f", {waiting} wait for a second clerk" if waiting else ""
    message += f", not taken: {', '.join(refused)}" if refused else ""
    return message


if __name__ == "__main__":
    review_cases()
