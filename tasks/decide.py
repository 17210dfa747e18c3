"""Decide: puts together what a service may look at, asks it, and keeps the answer with its grounds.

A case is decided when it arrives, so that everyone can see what is coming; again when something
new is known about its person; and again on the day it is carried out. Only the last one counts.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from pydantic import TypeAdapter

from tasks.domain.area import AreaAnswer
from tasks.domain.case import UNDONE_YET, Status, Step
from tasks.domain.decision import Decision, Outcome
from tasks.domain.delta import Delta
from tasks.domain.person import Person
from tasks.domain.record import Link, LinkedBy
from tasks.domain.service import Gate, Situation, slim
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.settings import settings
from tasks.stage import Counts, cleaned, stage
from tasks.state import cases, decisions, facts
from tasks.state.database import Session, reading, utcnow, writing
from tasks.state.documents import DECISION, SITUATION, dump
from tasks.state.tables import CaseRow, DecisionRow

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
    """Counts by outcome; `failed` where a rule broke."""
    return decide_batch(open_municipality(municipality, settings()), service, ids, today, run)


def to_decide(town: Municipality, service: str, today: date) -> list[str]:
    with reading(town.engine) as session:
        return cases.ids_to_decide(session, town.slug, service, today)


def decide_batch(
    town: Municipality, service: str, ids: Sequence[str], today: date, run: str
) -> Counts:
    enabled = town.services[service]
    counts: Counts = Counts()
    with writing(town.engine) as session:
        batch = [case for case in cases.load(session, ids, *UNDONE_YET) if not case.acting]
        situations = Situations(session, town, enabled, batch)
        decided: list[tuple[CaseRow, Situation, Decision]] = []
        broken: dict[str, str] = {}
        for case in batch:
            try:
                situation = situations.of(case)
                decision = enabled.service.decide(
                    situation, enabled.parameters, enabled.gate, today
                )
            except Exception as error:  # one broken case never stops the others
                broken[case.id] = cleaned(error).code
                continue
            situations.note(case, decision)
            decided.append((case, situation, decision))
            counts[decision.outcome.value] += 1
        _keep(session, enabled, decided, today, run)
        failed = [case for case in batch if case.id in broken]
        cases.fail(session, failed, Step.DECIDE, broken, run)
        counts["failed"] += len(failed)
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
            DecisionRow(
                municipality=case.municipality,
                case_id=case.id,
                seq=seqs.get(case.id, 0) + 1,
                outcome=decision.outcome.value,
                code=decision.code,
                decision=dump(DECISION, decision),
                situation=dump(SITUATION, slim(situation)),
                now_is_after=situation.now == situation.delta.after,
                parameters=parameters,
                rule_version=enabled.service.rule_version,
                decided_by="rule",
                decided_on=today,
                decided_at=now,
                run=run,
            )
            for case, situation, decision in decided
        ],
    )
    decisions.ask_clerks(session, [(case, decision) for case, _, decision in decided])
    cases.move(
        session,
        [
            cases.Move(
                case,
                STATUS[decision.outcome],
                decision.code,
                "rule",
                {
                    "outcome": decision.outcome.value,
                    "decided_on": today,
                    "due_on": decision.until or case.due_on,
                    "notify": decision.notify,
                    "recheck": False,
                },
            )
            for case, _, decision in decided
        ],
        run,
    )


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
        self._people = facts.people_now(session, people)
        self._deltas = facts.deltas(session, {case.delta_id for case in batch if case.delta_id})
        self._later = facts.later_events(session, people)
        self._asked = facts.open_questions(session, service.name, people)
        self._left = facts.homes_left_in_vain(session, service.name, people)
        self._acted = facts.acted_events(session, service.name, people)
        self._links = cases.links_of(session, town.slug, service.records, people)
        numbers = {link.record for links in self._links.values() for link in links}
        self._permits = town.register.get(sorted(numbers)) if numbers else {}

    def of(self, case: CaseRow) -> Situation:
        assert case.delta_id is not None
        delta = self._deltas[case.delta_id]
        return Situation(
            delta=delta,
            now=self._people[case.person_id],
            links=tuple(self._links_now(case.person_id, delta)),
            areas_before=self._area(delta.before),
            areas_after=self._area(delta.after),
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
                delta_id < case.delta_id for _, delta_id in self._asked[case.person_id]
            ),
            reversed_case_acted=delta.reverses in self._acted[case.person_id],
        )

    def _links_now(self, person_id: str, delta: Delta) -> Iterator[Link]:
        """A permit may have been given a key, or another holder, since it was linked."""
        keys = {delta.key, *(person.key for person in (delta.before, delta.after) if person)}
        for link in sorted(self._links[person_id], key=lambda link: link.record):
            permit, by = self._permits.get(link.record), LinkedBy(link.by)
            if permit is None or (permit.key and permit.key not in keys):
                continue
            if permit.key:
                by = LinkedBy.KEY
            elif by is LinkedBy.KEY:
                by = LinkedBy.SUGGESTED
            yield Link(permit, by, link.score)

    def note(self, case: CaseRow, decision: Decision) -> None:
        """The next case of the same person meets this one as it is now."""
        asked = self._asked[case.person_id]
        asked[:] = [known for known in asked if known[0] != case.id]
        if decision.question is not None and case.delta_id is not None:
            asked.append((case.id, case.delta_id))

    def _area(self, person: Person | None) -> AreaAnswer:
        home = person.home() if person else None
        if home is None or self._areas is None:
            return AreaAnswer()
        return self._areas.find(home.address)
