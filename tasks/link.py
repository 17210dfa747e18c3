"""Link: which services look at a delta, and which municipal records belong to its person."""

from collections.abc import Sequence
from datetime import date, timedelta

from tasks.domain.automation import REVERSALS
from tasks.domain.delta import DeltaKind
from tasks.domain.person import Person
from tasks.domain.record import LinkedBy, Permit
from tasks.matching.permits import candidate_keys_of, candidates_of, link, statutory_match
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.settings import settings
from tasks.stage import Counts, stage
from tasks.state import cases, intake
from tasks.state.database import Session, reading, writing
from tasks.state.documents import load_person
from tasks.state.tables import DeltaRow, RecordLink


@stage("link deltas · {municipality}", retries=2, delays=(2, 10))
def link_deltas(municipality: str, today: date, run: str) -> Counts:
    """Works off one batch of deltas. Counts: linked, cases, record_links."""
    return link_batch(open_municipality(municipality, settings()), today, run)


def waiting(town: Municipality) -> int:
    with reading(town.engine) as session:
        return cases.count_to_link(session, town.slug)


def link_batch(town: Municipality, today: date, run: str) -> Counts:
    wanted = {
        kind: [enabled for enabled in town.services.values() if kind in enabled.service.triggers]
        for kind in DeltaKind
    }
    with writing(town.engine) as session:
        deltas = cases.deltas_to_link(session, town.slug, town.settings.batch_size)
        new = [
            cases.NewCase(
                delta.id or 0,
                delta.person_id,
                enabled.service.name,
                delta.received_on + _settling(delta, enabled),
            )
            for delta in deltas
            for enabled in wanted[DeltaKind(delta.kind)]
        ]
        new += _of_services_switched_off(session, town, deltas)
        concerned = {case.delta_id for case in new}
        links = _record_links(town, [delta for delta in deltas if delta.id in concerned])
        links += _under_a_former_key(session, town, deltas)
        _give_shared_to_clerks(session, town, links)
        cases.keep_links(session, links)
        # First the earlier cases, then the new ones: a new case is looked at anyway.
        cases.mark_recheck(session, town.slug, {delta.person_id for delta in deltas})
        opened = cases.open_cases(session, town.slug, new, today, run)
        cases.mark_linked(session, [delta.id for delta in deltas if delta.id is not None])
    return Counts(linked=len(deltas), cases=opened, record_links=len(links))


def _of_services_switched_off(
    session: Session, town: Municipality, deltas: Sequence[DeltaRow]
) -> list[cases.NewCase]:
    """What such a service has done on an event that is taken back must not be forgotten: the case
    waits until the service is on again."""
    return [
        cases.NewCase(delta.id or 0, delta.person_id, service, delta.received_on)
        for delta in deltas
        if delta.reverses
        for service in cases.services_of(session, delta.person_id, delta.reverses)
        if service not in town.services
    ]


def _settling(delta: DeltaRow, enabled: EnabledService) -> timedelta:
    """Corrections come within days; a correction itself waits for nothing."""
    days = 0 if DeltaKind(delta.kind) in REVERSALS else enabled.parameters.settling_days
    return timedelta(days=days)


def _record_links(town: Municipality, deltas: Sequence[DeltaRow]) -> list[RecordLink]:
    """Links by the registry's key, else by the statutory rules; similar ones for clerks only."""
    people: dict[str, list[Person]] = {}
    for delta in deltas:
        known = people.setdefault(delta.person_id, [])
        # Both snapshots: a permit may carry the name or the address from before the change.
        known += [person for text in (delta.before, delta.after) if (person := load_person(text))]
    snapshots = {person_id: known for person_id, known in people.items() if known}
    keys = {person.key for known in snapshots.values() for person in known}
    keyed = town.register.by_keys(sorted(keys, key=lambda key: (key.ags, key.number)))
    candidates = {
        person_id: frozenset().union(*(candidate_keys_of(person) for person in known))
        for person_id, known in snapshots.items()
    }
    unkeyed = _by_candidate(town, frozenset().union(*candidates.values()))
    rows = []
    for person_id, known in snapshots.items():
        own = [permit for key in {person.key for person in known} for permit in keyed.get(key, [])]
        similar = {
            permit.number: permit
            for key in candidates[person_id]
            for permit in unkeyed.get(key, [])
        }
        rows += _links_of(town, person_id, known, own, list(similar.values()))
    return rows


def _under_a_former_key(
    session: Session, town: Municipality, deltas: Sequence[DeltaRow]
) -> list[RecordLink]:
    """Somebody new „with a new key“ is somebody known: their permit carries the key from before.

    A delivery names one key only, so it goes by name and birth date, and is for a clerk to confirm.
    """
    found = []
    for delta in deltas:
        person = load_person(delta.after)
        if delta.kind != DeltaKind.KEY_CHANGE or delta.before or person is None:
            continue
        former = {
            known.key
            for _, known in intake.people_born(session, town.slug, {str(person.born)})
            if known.name == person.name and known.key != person.key
        }
        permits = town.register.by_keys(sorted(former, key=lambda key: (key.ags, key.number)))
        found += [
            RecordLink(
                municipality=town.slug,
                records="parking_permits",
                record=permit.number,
                person_id=delta.person_id,
                by=LinkedBy.SUGGESTED.value,
                score=99,
            )
            for held in permits.values()
            for permit in held
        ]
    return found


def _by_candidate(town: Municipality, wanted: frozenset[str]) -> dict[str, list[Permit]]:
    """candidate key -> permits without a registry key: nobody is compared with everybody."""
    found: dict[str, list[Permit]] = {}
    for permit in town.register.unkeyed(wanted):
        for key in candidates_of(permit) & wanted:
            found.setdefault(key, []).append(permit)
    return found


def _links_of(
    town: Municipality,
    person_id: str,
    known: Sequence[Person],
    keyed: Sequence[Permit],
    unkeyed: Sequence[Permit],
) -> list[RecordLink]:
    best: dict[str, RecordLink] = {}
    for person in known:
        for found in link(person, keyed, unkeyed):
            row = RecordLink(
                municipality=town.slug,
                records="parking_permits",
                record=found.permit.number,
                person_id=person_id,
                by=found.by.value,
                score=found.score,
            )
            if row.record not in best or row.score > best[row.record].score:
                best[row.record] = row
    return list(best.values())


def _give_shared_to_clerks(
    session: Session, town: Municipality, rows: Sequence[RecordLink]
) -> None:
    """A permit that the statutory rules give to two people is a clerk's question, not a link."""
    statutory = [row for row in rows if row.by == LinkedBy.STATUTORY]
    if not statutory:
        return
    permits = town.register.get([row.record for row in statutory])
    dates = {permit.birth_date for permit in permits.values()}
    everyone = intake.people_born(session, town.slug, dates)
    for row in statutory:
        if any(
            person_id != row.person_id and statutory_match(person, permits[row.record])
            for person_id, person in everyone
        ):
            row.by = LinkedBy.SUGGESTED.value
