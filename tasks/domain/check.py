"""A check: one ground, and what follows where it is not met.

A rule is a list of checks in the order of the law. `conclude` turns the first one that is not met
into the decision, with every ground tested so far. An unclear ground always goes to a clerk,
whatever lane the check names.

A clerk's answer is a fact like any other: the rule is asked again with it, on what is known by
then. So an answer never overrules a later lock or reversal, and one that no longer fits is not
used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.domain.decision import (
    Answer,
    Choice,
    Decision,
    Ground,
    Outcome,
    Result,
    Then,
    declined,
    granted,
    held,
    needs_review,
    suppressed,
)
from tasks.domain.effect import Effect

_RESULTS = {True: Result.MET, False: Result.NOT_MET, None: Result.UNCLEAR}

ANSWER = "answer"  # the fact of a ground that a clerk's choice decided
BY_HAND = Choice("by_hand", "Nothing is done by the software; it is settled outside of it.")
GO_ON = Choice("go_on", "Yes: the condition counts as met, and the rest is tested.", Then.GO_ON)
SETTLED_BY_HAND = "settled_by_hand"  # the code of a case that a clerk took out of our hands


@dataclass(frozen=True, slots=True)
class Check:
    ground: Ground
    code: str
    otherwise: Outcome
    question: str = ""  # for the clerk, where the code's own sentence does not say enough
    proposal: tuple[Effect, ...] = ()
    choices: tuple[Choice, ...] = ()  # beside BY_HAND, which is always there
    until: date | None = None  # with HELD

    @property
    def passed(self) -> bool:
        return self.ground.result is Result.MET or ANSWER in self.ground.facts

    @property
    def for_clerks(self) -> bool:
        unclear = self.ground.result is Result.UNCLEAR
        return unclear or self.otherwise is Outcome.NEEDS_REVIEW


def check(
    conditions: Mapping[str, tuple[str, str]],
    name: str,
    met: bool | None,
    code: str,
    otherwise: Outcome = Outcome.NEEDS_REVIEW,
    *,
    law: str = "",
    question: str = "",
    proposal: tuple[Effect, ...] = (),
    choices: tuple[Choice, ...] = (),
    until: date | None = None,
    **facts: object,
) -> Check:
    """`met`: None is unclear, and always means a clerk. Facts are kept as text.

    `conditions` names the section of law and the sentence of each ground; `law` overrides the
    section where it depends on the municipality.
    """
    section, condition = conditions[name]
    texts = {key: str(value) for key, value in facts.items() if value is not None}
    ground = Ground(name, law or section, condition, _RESULTS[met], texts)
    return Check(ground, code, otherwise, question, proposal, choices, until)


def all_met(checks: Sequence[Check]) -> bool:
    return all(check.passed for check in checks)


def by_clerk(checks: Sequence[Check]) -> bool:
    """Whether a person has decided one of these conditions."""
    return any(ANSWER in check.ground.facts for check in checks)


def answered(checks: Sequence[Check], answers: Sequence[Answer]) -> list[Check]:
    """The checks with the answers of clerks: where they say so, a condition counts as met."""
    if not answers:
        return list(checks)
    by_question = {answer.question: answer.choice for answer in answers}
    return [_answered(check, by_question.get(check.code, "")) for check in checks]


def _answered(check: Check, name: str) -> Check:
    fits = name and not check.passed and check.for_clerks
    choice = next((c for c in check.choices if fits and c.name == name), None)
    if choice is None or choice.then is not Then.GO_ON:
        return check
    facts = check.ground.facts | {ANSWER: name}
    return replace(check, ground=replace(check.ground, facts=facts))


def conclude(
    checks: Sequence[Check], sentences: Mapping[str, str], answers: Sequence[Answer] = ()
) -> Decision | None:
    """The decision that follows from the first check not met; None where all are met."""
    checks = answered(checks, answers)
    failed = next((check for check in checks if not check.passed), None)
    if failed is None:
        return None
    grounds = [check.ground for check in checks]
    if failed.for_clerks and (decision := _as_answered(failed, grounds, answers)):
        return decision
    unclear = failed.ground.result is Result.UNCLEAR
    match Outcome.NEEDS_REVIEW if unclear else failed.otherwise:
        case Outcome.DECLINED:
            return declined(failed.code, grounds)
        case Outcome.SUPPRESSED:
            return suppressed(failed.code, grounds)
        case Outcome.HELD if failed.until:
            return held(failed.code, grounds, failed.until)
        case _:
            question = failed.question or sentences[failed.code]
            return needs_review(
                failed.code,
                grounds,
                question,
                *_proposed(failed),
                choices=(*failed.choices, BY_HAND),
            )


def taken_out(checks: Sequence[Check], answers: Sequence[Answer]) -> Decision | None:
    """Where all is met by now, but a clerk has settled the case by hand: never done a second time.

    The question may have gone since, for instance with a new list of zones.
    """
    taken = {answer.question for answer in answers if answer.choice == BY_HAND.name}
    if not taken:
        return None
    return declined(SETTLED_BY_HAND, [check.ground for check in checks])


def _proposed(failed: Check) -> tuple[Effect, ...]:
    """What the first choice would do, where the check names nothing else."""
    if failed.proposal or not failed.choices:
        return failed.proposal
    return failed.choices[0].effects


def _as_answered(
    failed: Check, grounds: list[Ground], answers: Sequence[Answer]
) -> Decision | None:
    """What a clerk chose to be done, or not to be done, at this very question."""
    taken = next((a.choice for a in answers if a.question == failed.code), "")
    choice = next((c for c in (*failed.choices, BY_HAND) if c.name == taken), None)
    if choice is None or choice.then is Then.GO_ON:
        return None
    grounds = [
        replace(ground, facts=ground.facts | {ANSWER: taken}) if ground == failed.ground else ground
        for ground in grounds
    ]
    if choice.then is Then.NOTHING:
        return declined(choice.code or SETTLED_BY_HAND, grounds)
    return granted(
        choice.code, grounds, *choice.effects, notify=choice.notify, undoes=choice.undoes
    )
