"""A check: one ground, and what follows where it is not met.

A rule is a list of checks in the order of the law. `conclude` turns the first one that is not met
into the decision, with every ground tested so far. An unclear ground always goes to a clerk,
whatever lane the check names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.domain.decision import (
    Decision,
    Ground,
    Outcome,
    Result,
    declined,
    held,
    needs_review,
    suppressed,
)
from tasks.domain.effect import Effect

_RESULTS = {True: Result.MET, False: Result.NOT_MET, None: Result.UNCLEAR}


@dataclass(frozen=True, slots=True)
class Check:
    ground: Ground
    code: str
    otherwise: Outcome
    question: str = ""  # for the clerk, where the code's own sentence does not say enough
    proposal: tuple[Effect, ...] = ()
    until: date | None = None  # with HELD

    @property
    def passed(self) -> bool:
        return self.ground.result is Result.MET


def check(
    conditions: Mapping[str, tuple[str, str]],
    name: str,
    answer: bool | None,
    code: str,
    otherwise: Outcome = Outcome.NEEDS_REVIEW,
    *,
    law: str = "",
    question: str = "",
    proposal: tuple[Effect, ...] = (),
    until: date | None = None,
    **facts: object,
) -> Check:
    """`answer`: True is met, False is not met, None is unclear. Facts are kept as text.

    `conditions` names the section of law and the sentence of each ground; `law` overrides the
    section where it depends on the municipality.
    """
    section, condition = conditions[name]
    texts = {key: str(value) for key, value in facts.items() if value is not None}
    ground = Ground(name, law or section, condition, _RESULTS[answer], texts)
    return Check(ground, code, otherwise, question, proposal, until)


def all_met(checks: Sequence[Check]) -> bool:
    return all(check.passed for check in checks)


def conclude(checks: Sequence[Check], sentences: Mapping[str, str]) -> Decision | None:
    """The decision that follows from the first check not met; None where all are met."""
    failed = next((check for check in checks if not check.passed), None)
    if failed is None:
        return None
    grounds = [check.ground for check in checks]
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
            return needs_review(failed.code, grounds, question, *failed.proposal)
