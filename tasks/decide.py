"""Decide: puts together what a service may look at, asks it, and keeps the answer with its grounds.

A case is decided when it arrives, so that everyone can see what is coming; again when something
new is known about its person; and again on the day it is carried out. Only the last one counts.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import cache, partial
from typing import Any

from pydantic import TypeAdapter

from tasks.domain.area import AreaAnswer
from tasks.domain.case import UNDONE_YET, Status, Step
from tasks.domain.check import ANSWER
from tasks.domain.decision import Decision, Outcome
from tasks.domain.delta import Delta
from tasks.domain.effect import Act
from tasks.domain.follow_up import decide_follow_up
from tasks.domain.permits import held_for_certain
from tasks.domain.person import Person, PersonKey
from tasks.domain.plate import same, squeezed
from tasks.domain.record import ENDED, Link, LinkedBy, Permit
from tasks.domain.service import Gate, SamePlate, Service, Situation, slim
from tasks.errors import TemporaryError
from tasks.link import Rivals, find_links, to_rows
from tasks.matching.candidates import PLATE
from tasks.matching.permits import key_agrees, whose
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.records.protocol import Applied
from tasks.settings import settings
from tasks.stage import Counts, spread, stage
from tasks.state import answers, cases, decisions, facts
from tasks.state.database import Session, reading, utcnow, writing
from tasks.state.documents import DECISION, SITUATION, Read, dump, load_person
from tasks.state.tables import CaseRow

STATUS = {
    Outcome.GRANTED: Status.GRANTED,
    Outcome.DECLINED: Status.DECLINED,
    Outcome.NEEDS_REVIEW: Status.NEEDS_REVIEW,
    Outcome.SUPPRESSED: Status.SUPPRESSED,
    Outcome.HELD: Status.OPEN,
}
_GATE = TypeAdapter(Gate)


@stage("decide {service} · {municipality}", retries=2, delays=(2, 10))
def decide_cases(
    municipality: str, service: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    """Counts by outcome; `failed` where it broke."""
    return decide_batch(open_municipality(municipality, settings()), service, ids, today, run)


def to_decide(town: Municipality, service: str, today: date, prompted: bool = False) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_to_decide(session, town.slug, service, today, prompted)


def decider(cause: str, service: Service) -> Callable[[Situation, Any, Gate, date], Decision]:
    """Who decides a case: the service, or what follows a case up in the same way for all."""
    if not cause:
        return service.decide
    return lambda situation, parameters, gate, today: decide_follow_up(
        service, situation, parameters, gate, today
    )


def decide_batch(
    town: Municipality, service: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    enabled = town.services[service]
    town.areas(service)  # a list that cannot be read is no case's fault
    return spread(
        town.folder,
        Step.DECIDE,
        ids,
        partial(_decide, town, enabled, today, run),
        partial(cases.park, town.engine, Step.DECIDE, run),
    )


def _decide(
    town: Municipality, enabled: EnabledService, today: date, run: str, ids: Sequence[str]
) -> Counts:
    counts: Counts = Counts()
    with writing(town.engine) as session:
        standing = cases.load(session, ids, *UNDONE_YET, held=True)
        batch = [case for case in standing if not case.acting]
        situations = Situations(session, town, enabled, batch)
        decided: list[tuple[CaseRow, Situation, Decision]] = []
        for case in batch:
            situation = situations.of(case)
            decide = decider(case.cause, enabled.service)
            decision = decide(situation, enabled.parameters, enabled.gate, today)
            situations.note(case, decision)
            decided.append((case, situation, decision))
            counts[decision.outcome.value] += 1
        _keep(session, enabled, decided, today, run)
    return counts


def _keep(
    session: Session,
    enabled: EnabledService,
    decided: Sequence[tuple[CaseRow, Situation, Decision]],
    today: date,
    run: str,
) -> None:
    seqs = decisions.last_seq(session, [case.id for case, _, _ in decided])
    parameters = dump_rules(enabled)
    now = utcnow()
    decisions.keep_decisions(
        session,
        [
            {
                "municipality": case.municipality,
                "case_id": case.id,
                "seq": seqs.get(case.id, 0) + 1,
                "outcome": decision.outcome.value,
                "code": decision.code,
                "decision": dump(DECISION, decision),
                "situation": dump(SITUATION, slim(situation)),
                "now_is_after": situation.now == situation.delta.after,
                "parameters": parameters,
                "rule_version": enabled.service.rule_version,
                "decided_by": _decided_by(situation, decision),
                "decided_on": today,
                "decided_at": now,
                "run": run,
            }
            for case, situation, decision in decided
        ],
    )
    decisions.withdraw_questions(session, list(seqs))
    decisions.ask_clerks(session, [(case, decision) for case, _, decision in decided])
    cases.move(
        session,
        [
            cases.Move(
                case,
                STATUS[decision.outcome],
                decision.code,
                _decided_by(situation, decision),
                {
                    "outcome": decision.outcome.value,
                    "decided_on": today,
                    "due_on": decision.until or case.due_on,
                    "notify": decision.notify,
                    "recheck": False,
                },
            )
            for case, situation, decision in decided
        ],
        run,
    )


def _decided_by(situation: Situation, decision: Decision) -> str:
    """ "rule", or the clerk on whose answer the decision stands."""
    used = {ground.facts.get(ANSWER, "") for ground in decision.grounds}
    clerks = [answer.by for answer in situation.answers if answer.choice in used]
    if situation.left is not None:
        clerks = [answer.by for answer in situation.answers] or clerks
    return f"clerk {clerks[-1]}" if clerks else "rule"


def dump_rules(enabled: EnabledService) -> str:
    """Parameters and gate as they stood, so that a decision can be replayed."""
    parameters = TypeAdapter(enabled.service.parameters).dump_json(enabled.parameters).decode()
    gate = _GATE.dump_json(enabled.gate).decode()
    return f'{{"service":"{enabled.service.name}","parameters":{parameters},"gate":{gate}}}'


class Situations:
    """All facts for a batch of cases, read with one query a table."""

    def __init__(
        self,
        session: Session,
        town: Municipality,
        enabled: EnabledService,
        batch: Sequence[CaseRow],
    ) -> None:
        people = {case.person_id for case in batch}
        service = enabled.service
        self._areas = town.areas(service.name)
        read = cache(load_person)
        told = {case.delta_id for case in batch if case.delta_id}
        self._people = facts.people_now(session, people, read)
        self._deltas = facts.deltas(session, told, read)
        self._later = facts.later_events(session, people)
        self._asked = facts.open_questions(session, service.name, people)
        self._left = facts.homes_left_in_vain(session, service.name, people, read)
        self._answers = answers.valid_answers(session, {case.id for case in batch})
        self._out = facts.opted_out(session, service.name, service.level == "inform", people)
        self._follow = _FollowUps(session, batch)
        self._look_again(session, town, batch, read)
        self._links = cases.links_of(session, town.slug, service.records, people)
        numbers = {link.record for links in self._links.values() for link in links}
        numbers |= self._follow.records
        self._permits = town.register.get(sorted(numbers)) if numbers else {}
        plates = {f"{PLATE}{squeezed(permit.plate)}" for permit in self._permits.values()}
        self._same_plate: dict[str, list[Permit]] = {}
        for permit in town.register.similar(plates) if plates else ():
            self._same_plate.setdefault(squeezed(permit.plate), []).append(permit)
        every = [*self._permits.values(), *(p for ps in self._same_plate.values() for p in ps)]
        self._rivals = Rivals(session, town.slug, every, read)
        self._intact = _which_are_intact(town, self._follow)

    def _look_again(
        self, session: Session, town: Municipality, batch: Sequence[CaseRow], read: Read
    ) -> None:
        """What waited for its day may meet a record that came after it, such as a renewal."""
        people: dict[str, list[Person]] = {}
        for case in batch:
            if case.decided_on and case.delta_id and not case.follows:
                known = self._known(case.person_id, self._deltas[case.delta_id])
                people.setdefault(case.person_id, []).extend(known)
        if people:
            cases.keep_links(session, to_rows(town, find_links(session, town, people, read)))

    def _known(self, person_id: str, delta: Delta) -> list[Person]:
        """In the order of time: before and after the delta, and today."""
        snapshots = (delta.before, delta.after, self._people[person_id])
        return [person for person in snapshots if person]

    def of(self, case: CaseRow) -> Situation:
        assert case.delta_id is not None
        delta = self._deltas[case.delta_id]
        chosen = self._follow.chosen.get(_cause(case, "answer"))
        choice, prompting = (chosen[0], (chosen[1],)) if chosen else (None, ())
        links = tuple(self._links_now(case.person_id, delta))
        return Situation(
            delta=delta,
            now=self._people[case.person_id],
            links=links,
            elsewhere=tuple(self._elsewhere(case.person_id, delta, links)),
            areas_before=self._area(delta.before),
            areas_after=self._area(delta.after, delta.before),
            areas_earlier=tuple(
                area
                for delta_id, before in self._left[case.person_id]
                if delta_id < case.delta_id
                for area in self._area(before).areas
            ),
            later=tuple(
                event for delta_id, event in self._later[case.person_id] if delta_id > case.delta_id
            ),
            # Only earlier cases: two cases must never wait for each other.
            open_clerk_case=any(
                delta_id < case.delta_id and case_id != self._follow.target_id(case)
                for case_id, delta_id in self._asked[case.person_id]
            ),
            opted_out=case.person_id in self._out,
            answers=(*self._answers.get(case.id, ()), *prompting),
            acts=tuple(self._acts(case, delta)),
            told=self._follow.target_id(case) in self._follow.told,
            undone=self._follow.is_undone(case),
            reply=self._follow.replies.get(_cause(case, "reply")),
            left=choice,
        )

    def _acts(self, case: CaseRow, delta: Delta) -> Iterator[Act]:
        """A permit that was given to another holder since is no longer this person's to give up."""
        keys = _keys_of(delta)
        for position, done in enumerate(self._follow.acts_of(case)):
            numbers = self._follow.numbers_of(case, done)
            touched = [self._permits[n] for n in numbers if n in self._permits]
            permits = tuple(p for p in touched if p.key is None or p.key in keys)
            intact = self._intact[case.id, position] and len(permits) == len(touched)
            yield Act(done.effect, done.inverse, permits, intact)

    def _links_now(self, person_id: str, delta: Delta) -> Iterator[Link]:
        """A permit may have been given a key, or another holder, since it was linked."""
        known = self._known(person_id, delta)
        for link in sorted(self._links[person_id], key=lambda link: link.record):
            permit, by = self._permits.get(link.record), LinkedBy(link.by)
            if permit is None:
                continue
            if permit.key:
                found = whose(permit, known, self._rivals.of(permit, person_id))
                if found:
                    yield found
                continue
            if by is LinkedBy.KEY or not any(key_agrees(person, permit) for person in known):
                by = LinkedBy.SUGGESTED
            yield Link(permit, by, link.score)

    def _elsewhere(
        self, person_id: str, delta: Delta, links: Sequence[Link]
    ) -> Iterator[SamePlate]:
        """Vehicles of this person for which somebody else has a permit, too."""
        known = self._known(person_id, delta)
        own = {permit.number: permit for permit in held_for_certain(links)}
        for permit in own.values():
            for other in self._same_plate.get(squeezed(permit.plate), ()):
                if other.number in own or other.status == ENDED:
                    continue
                found = whose(other, known, self._rivals.of(other, person_id))
                theirs = found is None or found.by is LinkedBy.SUGGESTED
                if theirs and same(permit.plate, other.plate):
                    yield SamePlate(permit.number, other.number, other.valid_until)

    def note(self, case: CaseRow, decision: Decision) -> None:
        """The next case of the same person meets this one as it is now."""
        asked = self._asked[case.person_id]
        asked[:] = [known for known in asked if known[0] != case.id]
        if decision.outcome is Outcome.NEEDS_REVIEW and case.delta_id is not None:
            asked.append((case.id, case.delta_id))

    def _area(self, person: Person | None, before: Person | None = None) -> AreaAnswer:
        home, old = (one.home() if one else None for one in (person, before))
        if home is None or self._areas is None:
            return AreaAnswer()
        return self._areas.find(home.address, old.address if old else None)


class _FollowUps:
    """What cases of a batch are about that came before them: their target and its effects."""

    def __init__(self, session: Session, batch: Sequence[CaseRow]) -> None:
        self._targets = facts.targets(session, batch)
        ids = {target.id for target in self._targets.values()}
        self._done = facts.carried_out(session, ids)
        self.told = facts.told(session, ids)
        self.replies = facts.replies(session, {_cause(case, "reply") for case in batch} - {""})
        self.chosen = facts.chosen(session, {_cause(case, "answer") for case in batch} - {""})
        self.cases = [case for case in batch if case.id in self._targets]
        replied = {case.person_id for case in batch if _cause(case, "reply")}
        self._successors = facts.successors(session, replied)

    def target_id(self, case: CaseRow) -> str:
        target = self._targets.get(case.id)
        return target.id if target else ""

    def is_undone(self, case: CaseRow) -> bool:
        target = self._targets.get(case.id)
        return target is not None and target.status == Status.UNDONE

    def acts_of(self, case: CaseRow) -> list[facts.Done]:
        done = self._done.get(self.target_id(case), [])
        return [effect for effect in done if effect.case_id != case.id]

    def numbers_of(self, case: CaseRow, done: facts.Done) -> list[str]:
        """The records that an effect touched. Whoever replies to the letter of an earlier event
        means the record that holds now, too."""
        numbers = [done.effect.record, *done.result.values()]
        while _cause(case, "reply") and (following := self._successors.get(numbers[-1])):
            if following in numbers:
                break
            numbers.append(following)
        return numbers

    @property
    def records(self) -> set[str]:
        return {
            number
            for case in self.cases
            for done in self.acts_of(case)
            for number in self.numbers_of(case, done)
        }


def _which_are_intact(town: Municipality, follow: _FollowUps) -> dict[tuple[str, int], bool]:
    """(case id, position) -> whether the way back of that effect is open. Raises TemporaryError.

    Each case by itself: two may ask to take the same effect back. The last effect first, as it
    would be done.
    """
    acts = {case.id: list(enumerate(follow.acts_of(case)))[::-1] for case in follow.cases}
    if not any(acts.values()):
        return {}
    rehearsed = town.register.rehearse(
        [
            [(f"{case_id}:look:{position}", done.inverse) for position, done in found]
            for case_id, found in acts.items()
        ]
    )
    intact: dict[tuple[str, int], bool] = {}
    for (case_id, found), results in zip(acts.items(), rehearsed, strict=True):
        for (position, _), result in zip(found, results, strict=True):
            if isinstance(result, TemporaryError):
                raise result
            intact[case_id, position] = isinstance(result, Applied)
    return intact


def _keys_of(delta: Delta) -> set[PersonKey]:
    """Of the person, today and around the delta: the registry may have changed it."""
    return {delta.key, *(person.key for person in (delta.before, delta.after) if person)}


def _cause(case: CaseRow, kind: str) -> str:
    """The id behind "reply:r-…" or "answer:a-…"; "" where the case has another cause."""
    name, _, found = case.cause.partition(":")
    return found if name == kind else ""
