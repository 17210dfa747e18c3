"""Link: which services look at a delta, and which municipal records belong to its person."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial

from tasks.domain.automation import REVERSALS
from tasks.domain.case import Step
from tasks.domain.delta import DeltaKind
from tasks.domain.person import Person
from tasks.domain.record import Link, Permit
from tasks.matching.permits import candidate_keys_of, candidates_of, whose
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.settings import settings
from tasks.stage import Counts, spread, stage
from tasks.state import cases, intake, starts
from tasks.state.database import Row, Session, reading, writing
from tasks.state.documents import Read, load_person
from tasks.state.tables import DeltaRow


@stage("link deltas · {municipality}", retries=2, delays=(2, 10))
def link_deltas(municipality: str, ids: Sequence[str], today: date, run: str) -> Counts:
    """Counts: linked, cases, record_links, unread_permits, failed."""
    return link_batch(open_municipality(municipality, settings()), ids, today, run)


def to_link(town: Municipality) -> list[str]:
    with reading(town.engine) as session:
        return [str(delta) for delta in cases.deltas_to_link(session, town.slug)]


def link_batch(town: Municipality, ids: Sequence[str], today: date, run: str) -> Counts:
    work, park = partial(_link, town, today, run), partial(_park, town, today, run)
    return spread(town.folder, Step.LINK, ids, work, park)


def find_records(session: Session, town: Municipality, deltas: Collection[int]) -> None:
    """Only looks whether it can be done. Raises what linking would raise."""
    _find(session, town, cases.load_deltas(session, deltas))


def link_again(town: Municipality, deltas: Collection[int]) -> None:
    """Looks once more for the records of changes whose cases failed at this. Adds, never takes."""
    with writing(town.engine) as session:
        found = _find(session, town, cases.load_deltas(session, deltas))
        cases.keep_links(session, to_rows(town, found))


def _link(town: Municipality, today: date, run: str, ids: Sequence[str]) -> Counts:
    with writing(town.engine) as session:
        deltas = cases.load_deltas(session, [int(delta) for delta in ids])
        new = _new_cases(session, town, deltas)
        concerned = {case.delta_id for case in new}
        found = _find(session, town, [delta for delta in deltas if delta.id in concerned])
        links = to_rows(town, found)
        cases.keep_links(session, links)
        # First the earlier cases, then the new ones: a new case is looked at anyway.
        cases.mark_recheck(session, town.slug, {delta.person_id for delta in deltas})
        opened = cases.open_cases(session, town.slug, new, today, run)
        cases.mark_linked(session, [delta.id for delta in deltas if delta.id is not None])
    permits = {one.permit for some in found.values() for one in some}
    unread = sum(bool(permit.unread) for permit in permits)
    return Counts(linked=len(deltas), cases=opened, record_links=len(links), unread_permits=unread)


def _park(town: Municipality, today: date, run: str, delta_id: str, code: str) -> None:
    """Its cases are opened all the same, without a record, and fail: so somebody finds them."""
    with writing(town.engine) as session:
        deltas = cases.load_deltas(session, [int(delta_id)])
        cases.mark_recheck(session, town.slug, {delta.person_id for delta in deltas})
        cases.open_cases(session, town.slug, _new_cases(session, town, deltas), today, run)
        opened = cases.opened_by(session, int(delta_id))
        cases.fail(session, opened, Step.LINK, {case.id: code for case in opened}, run)
        cases.mark_linked(session, [int(delta_id)])


def _new_cases(
    session: Session, town: Municipality, deltas: Sequence[DeltaRow]
) -> list[cases.NewCase]:
    begun = starts.starts(session, town.slug)
    new = [
        cases.NewCase(
            delta.id or 0,
            delta.person_id,
            enabled.service.name,
            delta.received_on + _settling(delta, enabled),
        )
        for delta in deltas
        for enabled in town.services.values()
        if DeltaKind(delta.kind) in enabled.service.triggers
        # Another service looks back to it.
        and delta.received_on >= starts.reach(begun, enabled.service.name)
    ]
    return new + _of_services_switched_off(session, town, deltas)


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


def _find(
    session: Session, town: Municipality, deltas: Sequence[DeltaRow]
) -> dict[str, list[Link]]:
    read = cache(load_person)
    return find_links(session, town, _people(deltas, read), read)


def _settling(delta: DeltaRow, enabled: EnabledService) -> timedelta:
    """Corrections come within days; a correction itself waits for nothing."""
    days = 0 if DeltaKind(delta.kind) in REVERSALS else enabled.parameters.settling_days
    return timedelta(days=days)


def find_links(
    session: Session, town: Municipality, people: Mapping[str, Sequence[Person]], read: Read
) -> dict[str, list[Link]]:
    """person id -> permits that belong, or may belong, to whom these snapshots show.

    Found by the registry's key and by what is similar: a key may be another's, or an old one.
    """
    keys = {person.key for known in people.values() for person in known}
    keyed = town.register.by_keys(sorted(keys, key=lambda key: (key.ags, key.number)))
    wanted = {person_id: candidate_keys_of(*known) for person_id, known in people.items()}
    similar = _by_candidate(town, frozenset().union(*wanted.values()))
    permits = [permit for found in (*keyed.values(), *similar.values()) for permit in found]
    rivals = Rivals(session, town.slug, permits, read)
    links = {}
    for person_id, known in people.items():
        own = [permit for key in {person.key for person in known} for permit in keyed[key]]
        alike = [permit for key in wanted[person_id] for permit in similar.get(key, [])]
        candidates = {permit.number: permit for permit in (*own, *alike)}
        judged = (
            whose(permit, known, rivals.of(permit, person_id)) for permit in candidates.values()
        )
        links[person_id] = [one for one in judged if one]
    return links


def _by_candidate(town: Municipality, wanted: frozenset[str]) -> dict[str, list[Permit]]:
    """candidate key -> permits: nobody is compared with everybody."""
    found: dict[str, list[Permit]] = {}
    for permit in town.register.similar(wanted):
        for key in candidates_of(permit) & wanted:
            found.setdefault(key, []).append(permit)
    return found


class Rivals:
    """Everyone registered under the key of one of these permits, or born on its date."""

    def __init__(self, session: Session, slug: str, permits: Iterable[Permit], read: Read) -> None:
        every = list(permits)
        born = {permit.birth_date for permit in every if permit.birth_date}
        keys = {permit.key for permit in every if permit.key}
        self._born: dict[str, list[tuple[str, Person]]] = {}
        for person_id, person in intake.people_born(session, slug, born, read):
            self._born.setdefault(str(person.born), []).append((person_id, person))
        self._owners = {
            person.key: (person_id, person)
            for person_id, person in intake.people_under(session, slug, keys, read)
        }

    def of(self, permit: Permit, person_id: str) -> list[Person]:
        """Without the person in question."""
        owner = self._owners.get(permit.key) if permit.key else None
        there = [*self._born.get(permit.birth_date, ()), *([owner] if owner else [])]
        return [person for other_id, person in there if other_id != person_id]


def to_rows(town: Municipality, links: Mapping[str, Iterable[Link]]) -> list[Row]:
    return [
        {
            "municipality": town.slug,
            "records": "parking_permits",
            "record": one.permit.number,
            "person_id": person_id,
            "by": one.by.value,
            "score": one.score,
        }
        for person_id, found in links.items()
        for one in found
    ]


def _people(deltas: Sequence[DeltaRow], read: Read) -> dict[str, list[Person]]:
    """Both snapshots: a permit may carry the name or the address from before the change."""
    people: dict[str, list[Person]] = {}
    for delta in deltas:
        known = [person for text in (delta.before, delta.after) if (person := read(text))]
        if known:
            people.setdefault(delta.person_id, []).extend(known)
    return people
