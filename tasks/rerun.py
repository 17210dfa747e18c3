"""Rerun: continues cases at the step that failed, after looking whether the cause is gone.

The preview does the failed step for real as far as it can be taken back (a decision in memory, an
effect in a transaction that is rolled back, a letter that is not stored, a greeting to the mail
server), so „would pass“ is an observation and not a guess.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial

from tasks.act import act_batch, effects_reached, take_up
from tasks.channels import probe
from tasks.decide import Situations, decide_batch, decider
from tasks.domain.automation import may_be_told
from tasks.domain.case import UNDONE_YET, Status, Step
from tasks.domain.decision import Decision, Outcome
from tasks.errors import AntragslosError, TemporaryError
from tasks.grace import renew
from tasks.link import find_records, link_again
from tasks.municipality import Municipality
from tasks.render import UNREACHABLE, Told, render_batch
from tasks.send import EMAIL, POST, send, to_send
from tasks.stage import batches, cleaned
from tasks.state import cases, decisions, facts, outbox, selection
from tasks.state.database import Session, reading, writing
from tasks.state.report import statuses
from tasks.state.selection import Selection
from tasks.state.tables import CaseRow

UNCERTAIN = "channel.uncertain"
REFUSED = {
    "channel.recipient_refused",
    "channel.message_refused",
    "channel.bad_recipient",
    "channel.bad_parcel",
    "channel.spool_conflict",
}


@dataclass(frozen=True)
class Verdict:
    """`code` says what still blocks; empty: the case would pass, or has passed."""

    case: str
    code: str
    second_letter: bool = False  # the letter may have reached the resident already
    for_clerks: bool = False  # it failed, and would not pass, but a clerk can settle it


Look = Callable[[Session, Municipality, Sequence[CaseRow], date], dict[str, Verdict]]


@dataclass(frozen=True)
class Preview:
    verdicts: tuple[Verdict, ...]

    @property
    def passing(self) -> list[str]:
        return [verdict.case for verdict in self.verdicts if not verdict.code]

    def blocked(self) -> Counter[str]:
        return Counter(verdict.code for verdict in self.verdicts if verdict.code)

    def second_letters(self) -> int:
        return sum(verdict.second_letter for verdict in self.verdicts if not verdict.code)

    def sentence(self, done: bool) -> str:
        """`41 would now pass, 3 still blocked (letter.missing_variable), 0 second letters`."""
        passed = f"{len(self.passing)} {'passed' if done else 'would now pass'}"
        blocked = self.blocked()
        codes = f" ({', '.join(sorted(blocked))})" if blocked else ""
        blocks = f"{sum(blocked.values())} still blocked{codes}"
        return f"{passed}, {blocks}, {self.second_letters()} second letters"


def find_cases(town: Municipality, wanted: Selection) -> list[str]:
    with reading(town.engine) as session:
        return selection.find(session, town.slug, wanted)


def known_cases(town: Municipality, ids: Sequence[str]) -> set[str]:
    with reading(town.engine) as session:
        return set(selection.find(session, town.slug, Selection((), case_ids=tuple(ids))))


def preview(town: Municipality, ids: Sequence[str], today: date, resend_uncertain: bool) -> Preview:
    """Changes nothing, neither here nor in any other system."""
    verdicts: dict[str, Verdict] = {}
    with reading(town.engine) as session:
        # What is over, or is being carried out, is not for a rerun.
        standing = cases.load(session, ids, Status.FAILED, *UNDONE_YET)
        chosen = [case for case in standing if not (case.acting and case.status == Status.GRANTED)]
        by_step: dict[str, list[CaseRow]] = {}
        for case in chosen:
            by_step.setdefault(_step_of(case), []).append(case)
        urls = {EMAIL: town.mail_url, POST: town.spool_url}
        state = cache(lambda channel: _probe(urls[channel]))  # a server that hangs is asked once
        look: dict[str, Look] = {
            Step.DECIDE: _look_at_decisions,
            Step.LINK: _look_for_records,
            Step.ACT: _look_at_effects,
            Step.RENDER: _look_at_letters,
            Step.SEND: partial(_look_at_channels, state, resend_uncertain),
        }
        for step, found in by_step.items():
            verdicts |= _apart(look[Step(step)], session, town, found, today)
        session.rollback()
    return Preview(tuple(verdicts[case_id] for case_id in ids if case_id in verdicts))


def _apart(
    look: Look, session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> dict[str, Verdict]:
    """One case that still breaks hides nothing of the others."""
    try:
        return look(session, town, found, today)
    except TemporaryError:
        raise
    except Exception as error:
        if len(found) == 1:
            return {found[0].id: Verdict(found[0].id, cleaned(error).code)}
    middle = len(found) // 2
    parts = found[:middle], found[middle:]
    return {k: v for part in parts for k, v in _apart(look, session, town, part, today).items()}


def _step_of(case: CaseRow) -> str:
    """Where the case stands still: a letter that was stopped waits to be sent."""
    if case.status == Status.FAILED:
        return case.failed_step
    return Step.SEND if case.acting else Step.DECIDE


def rerun(
    town: Municipality,
    ids: Sequence[str],
    today: date,
    reason: str,
    run: str,
    resend_uncertain: bool,
) -> Preview:
    """Continues what would pass and reports what became of each. Doing it twice changes nothing."""
    before = preview(town, ids, today, resend_uncertain)
    passing = [
        verdict.case for verdict in before.verdicts if not verdict.code or verdict.for_clerks
    ]
    letters = _resume(town, passing, reason, run)
    take_up(town, run)
    for service in town.services:
        for batch in batches(passing, town.settings.batch_size):
            decide_batch(
                town, service, selection.of_service(town.engine, service, batch), today, run
            )
    for batch in batches(passing, town.settings.batch_size):
        act_batch(town, batch, today, run)
        renew(town, batch, today, run)
        render_batch(town, batch, today, run)
    with reading(town.engine) as session:
        letters |= set(outbox.letters_of(session, passing).values())
    for channel in (EMAIL, POST):
        ready = [letter for letter in to_send(town, channel) if letter in letters]
        if ready:
            _send(town, channel, ready, today, run)
    with reading(town.engine) as session:
        now = statuses(session, passing)
        waiting = outbox.by_case(session, passing)
    stuck = {Status.FAILED.value, Status.NEEDS_REVIEW.value}
    after = {case_id: code if status in stuck else "" for case_id, (status, code) in now.items()}
    # The channel refused it for a passing reason: the next run sends it.
    after |= {case_id: row.code for case_id, row in waiting.items() if row.status == "ready"}
    return Preview(
        tuple(
            Verdict(verdict.case, after.get(verdict.case, verdict.code), verdict.second_letter)
            for verdict in before.verdicts
        )
    )


def _send(town: Municipality, channel: str, ids: Sequence[str], today: date, run: str) -> None:
    try:
        send(town, channel, ids, today, run)
    except AntragslosError as error:
        cleaned(error)  # the letters stay ready; the next run sends them


def _resume(town: Municipality, ids: Sequence[str], reason: str, run: str) -> set[str]:
    """Puts cases back to where the step began. Returns the letters that may leave again."""
    with reading(town.engine) as session:
        unlinked = [case for case in cases.load(session, ids) if case.failed_step == Step.LINK]
    link_again(town, {case.delta_id for case in unlinked if case.delta_id})
    with writing(town.engine) as session:
        chosen = cases.load(session, ids)
        acting = [case for case in chosen if case.failed_step == Step.ACT]
        failed = [case for case in chosen if case.status == Status.FAILED]
        stopped = [case for case in chosen if case.status == Status.NEEDS_REVIEW and case.acting]
        sending = [case.id for case in chosen if _step_of(case) == Step.SEND]
        letters = set(outbox.letters_of(session, sending).values())
        cases.resume(session, [*failed, *stopped], reason, run)
        for case in acting:
            case.acting = True  # until the record system has said whether it was done after all
        decisions.let_letters_go(session, [case.id for case in stopped])
        for case in chosen:
            if case.status in UNDONE_YET and not case.acting:
                case.recheck = True
        outbox.settle(session, {letter: outbox.Outcome("ready") for letter in letters})
    return letters


def _look_for_records(
    session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> dict[str, Verdict]:
    find_records(session, town, {case.delta_id for case in found if case.delta_id})
    return _look_at_decisions(session, town, found, today)


def _look_at_decisions(
    session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> dict[str, Verdict]:
    _, verdicts = _decide_again(session, town, found, today)
    return verdicts


def _decide_again(
    session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> tuple[dict[str, Decision], dict[str, Verdict]]:
    """In memory only."""
    decided: dict[str, Decision] = {}
    verdicts: dict[str, Verdict] = {}
    for service in {case.service for case in found}:
        batch = [case for case in found if case.service == service]
        if service not in town.services:
            verdicts |= {case.id: Verdict(case.id, "service.switched_off") for case in batch}
            continue
        enabled = town.services[service]
        situations = Situations(session, town, enabled, batch)
        for case in batch:
            try:
                decide = decider(case.cause, enabled.service)
                decision = decide(situations.of(case), enabled.parameters, enabled.gate, today)
            except Exception as error:
                verdicts[case.id] = Verdict(case.id, cleaned(error).code)
                continue
            situations.note(case, decision)
            blocked = decision.outcome is Outcome.NEEDS_REVIEW
            decided[case.id] = decision
            failed = case.status == Status.FAILED
            code = decision.code if blocked else ""
            verdicts[case.id] = Verdict(case.id, code, for_clerks=blocked and failed)
    return decided, verdicts


def _look_at_effects(
    session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> dict[str, Verdict]:
    """A case that failed while acting is decided anew: the record may be another one now. Unless
    it was carried out after all, and only the answer was lost."""
    reached = effects_reached(session, town, found)
    undone = [case for case in found if case.id not in reached]
    decided, verdicts = _decide_again(session, town, undone, today)
    verdicts |= {case_id: Verdict(case_id, "") for case_id in reached}
    rehearsed = town.register.rehearse(
        [
            [(f"{case_id}:rehearsal:{place}", effect) for place, effect in enumerate(one.effects)]
            for case_id, one in decided.items()
        ]
    )
    for case_id, results in zip(decided, rehearsed, strict=True):
        for result in results:
            if isinstance(result, AntragslosError):
                verdicts[case_id] = Verdict(case_id, result.code)
    return verdicts


def _look_at_letters(
    session: Session, town: Municipality, found: Sequence[CaseRow], today: date
) -> dict[str, Verdict]:
    told = Told(session, town, found)
    verdicts: dict[str, Verdict] = {}
    people = facts.people_now(session, {case.person_id for case in found})
    for group in told.groups:
        if may_be_told(people[group[0].person_id], today) in UNREACHABLE:
            code = ""  # there is nobody to write to any more: rendering closes the case
        else:
            written = told.try_letter(group, today)
            code = written if isinstance(written, str) else ""
        verdicts |= {case.id: Verdict(case.id, code) for case in group}
    return verdicts


def _look_at_channels(
    state: Callable[[str], str],
    resend_uncertain: bool,
    session: Session,
    town: Municipality,
    found: Sequence[CaseRow],
    today: date,
) -> dict[str, Verdict]:
    letters = outbox.by_case(session, [case.id for case in found])
    people = facts.people_now(session, {case.person_id for case in found})
    verdicts = {}
    for case in found:
        letter = letters[case.id]
        uncertain = letter.status == "uncertain"
        forbidden = may_be_told(people[case.person_id], today)
        code = forbidden or state(letter.channel)
        if uncertain and not resend_uncertain:
            code = UNCERTAIN
        elif case.code in REFUSED:
            code = case.code  # the same letter is refused again: only a person can change that
        stops = code == forbidden != "" and case.status == Status.FAILED  # and a clerk is asked
        verdicts[case.id] = Verdict(case.id, code, second_letter=uncertain, for_clerks=stops)
    return verdicts


def _probe(url: str) -> str:
    try:
        probe(url)
    except AntragslosError as error:
        return error.code
    return ""
