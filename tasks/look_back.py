"""Look back: a service that is switched on is offered the changes that came before it was.

Nobody looks at what is taken in while no service is on. How far a service looks back is the
municipality's to say (`look_back_days`); each change is offered once, like a new one.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from tasks.domain.delta import DeltaKind
from tasks.municipality import Municipality, open_municipality
from tasks.profile import EnabledService
from tasks.services import all_services
from tasks.settings import settings
from tasks.stage import Counts, stage
from tasks.state import starts
from tasks.state.database import reading, writing
from tasks.state.tables import ServiceStart


@stage("link earlier deltas · {municipality}")
def look_back(municipality: str, today: date) -> Counts:
    """Counts: offered, passed_over (earlier changes that a new service does not look at)."""
    return look_back_in(open_municipality(municipality, settings()), today)


def must_look_back(town: Municipality, today: date) -> bool:
    with reading(town.engine) as session:
        rows = starts.starts(session, town.slug)
        return has_changed(town, rows, today) and starts.has_deltas(session, town.slug)


def has_changed(town: Municipality, rows: dict[str, ServiceStart], today: date) -> bool:
    """Whether other services are on, or look back further, than those which were noted."""
    return bool(rows.keys() - town.services.keys()) or any(_further(town, rows, today))


def look_back_in(town: Municipality, today: date) -> Counts:
    counts: Counts = Counts()
    with writing(town.engine) as session:
        rows = starts.starts(session, town.slug)
        starts.drop_starts(session, town.slug, rows.keys() - town.services.keys())
        waiting = starts.first_waiting(session, town.slug) or today
        for enabled, since, to in list(_further(town, rows, today)):
            name, kinds = enabled.service.name, enabled.service.triggers
            if enabled.look_back_days:
                counts["offered"] += starts.offer_again(session, town.slug, name, kinds, to)
            if name not in rows:
                counts["passed_over"] += starts.count_passed_over(session, town.slug, name, kinds)
            # What nobody was offered yet is the service's, whenever it arrived.
            starts.keep_start(session, town.slug, name, since, min(to, waiting))
    return counts


def not_looked_at(town: Municipality) -> int:
    """Changes for which the only services are off here. What a service that is on has passed over
    was said when it was switched on."""
    if not (kinds := unserved(town)):
        return 0
    with reading(town.engine) as session:
        return starts.count_not_looked_at(session, town.slug, kinds)


def unserved(town: Municipality) -> frozenset[DeltaKind]:
    """Changes that only services which are off here would look at."""
    known = {name: service.triggers for name, service in all_services().items()}
    off = frozenset().union(*(known[name] for name in known.keys() - town.services.keys()))
    on = frozenset().union(*(known[name] for name in known.keys() & town.services.keys()))
    return off - on


def _further(
    town: Municipality, rows: dict[str, ServiceStart], today: date
) -> Iterator[tuple[EnabledService, date, date]]:
    """Services that are new here, or may look back further than they did: since when, and how far.

    One that looked back further than the profile says now has looked at it, and keeps it.
    """
    for name, enabled in town.services.items():
        since = rows[name].since if name in rows else today
        to = since - timedelta(days=enabled.look_back_days)
        if to < starts.reach(rows, name) or name not in rows:
            yield enabled, since, to
