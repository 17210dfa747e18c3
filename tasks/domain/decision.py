"""A decision: an outcome, the grounds it stands on, and the effects it asks for.

Built only through `granted`, `declined`, `needs_review`, `suppressed` and `held`, so that „declined
with effects“ cannot be written. The letter's reasons and the record of the decision come from the
same grounds. Names of outcomes, codes and grounds are stored: never rename one.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from tasks.domain.effect import Effect
from tasks.domain.statements import Taking


class Result(StrEnum):
    MET = "met"
    NOT_MET = "not_met"
    UNCLEAR = "unclear"  # always means: a clerk


class Outcome(StrEnum):
    GRANTED = "granted"
    DECLINED = "declined"
    NEEDS_REVIEW = "needs_review"
    SUPPRESSED = "suppressed"
    HELD = "held"  # decided again on `until`


@dataclass(frozen=True, slots=True)
class Ground:
    """One condition of law, or of the automation filter, with the facts it was tested on.

    `law` is the section in its own language (`StVO § 46 Abs. 5`). `condition` is one sentence
    without personal data; `facts` may hold personal data and stay in our own database.
    """

    name: str
    law: str
    condition: str
    result: Result
    facts: dict[str, str] = field(default_factory=dict)


class Then(StrEnum):
    """What follows when a clerk takes a choice."""

    GO_ON = "go_on"  # the condition counts as met; the rule goes on with the next one
    DO = "do"  # the choice's own effects, and its letter
    NOTHING = "nothing"  # nothing is done by us: it stands, or was settled by hand


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer a question.

    `name` is stored and `text` says what happens then: both without personal data, since they
    stand in Prefect's form. `reason` says why it is offered, for the clerks' page alone.
    """

    name: str
    text: str
    then: Then = Then.NOTHING
    effects: tuple[Effect, ...] = ()  # with DO
    code: str = ""  # the decision's code, and with DO the letter
    notify: bool = False
    undoes: bool = False  # the case that this one is about is undone by it
    reason: str = ""
    takes: Taking | None = None  # a right is taken away: the clerk must state why
    known_since: date | None = None  # with it: the day on which we came to know


@dataclass(frozen=True, slots=True)
class Question:
    """What a clerk must answer: one sentence without personal data, and what may be answered.

    The first choice is the one we propose; `proposal` are the effects it would have.
    """

    code: str
    text: str
    proposal: tuple[Effect, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A clerk's answer, as a fact that a rule may look at."""

    question: str  # its code
    choice: str  # its name
    by: str  # sign of the clerk
    stated: dict[str, str] = field(default_factory=dict, hash=False)  # why a right is taken away


@dataclass(frozen=True, slots=True)
class Decision:
    outcome: Outcome
    code: str
    grounds: tuple[Ground, ...]
    effects: tuple[Effect, ...] = ()
    question: Question | None = (
        None  # with NEEDS_REVIEW: why; with GRANTED: the part left to a clerk
    )
    until: date | None = None  # with HELD
    notify: bool = False  # whether the resident gets a letter
    undoes: bool = False  # whether the case that this one is about is undone by it


def granted(
    code: str,
    grounds: list[Ground],
    *effects: Effect,
    notify: bool = True,
    left_to_clerk: Question | None = None,
    undoes: bool = False,
) -> Decision:
    return Decision(
        Outcome.GRANTED,
        code,
        tuple(grounds),
        effects,
        question=left_to_clerk,
        notify=notify,
        undoes=undoes,
    )


def declined(code: str, grounds: list[Ground]) -> Decision:
    return Decision(Outcome.DECLINED, code, tuple(grounds))


def needs_review(
    code: str,
    grounds: list[Ground],
    text: str,
    *proposal: Effect,
    choices: tuple[Choice, ...] = (),
) -> Decision:
    question = Question(code, text, proposal, choices)
    return Decision(Outcome.NEEDS_REVIEW, code, tuple(grounds), question=question)


def suppressed(code: str, grounds: list[Ground]) -> Decision:
    return Decision(Outcome.SUPPRESSED, code, tuple(grounds))


def held(code: str, grounds: list[Ground], until: date) -> Decision:
    return Decision(Outcome.HELD, code, tuple(grounds), until=until)
