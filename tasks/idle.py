"""Idle: municipalities in which a run has nothing to do, found without a look at each of them.

Whatever is not surely nothing counts as work: the run itself finds out, and says what is wrong.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta, timezone

from tasks.look_back import has_changed, unserved
from tasks.municipality import Municipality, open_municipality
from tasks.registry.inbox import names
from tasks.settings import settings
from tasks.state import agenda, starts
from tasks.state.database import open_database, reading
from tasks.state.tables import ServiceStart

_EARLIEST = timezone(timedelta(hours=14))  # where on earth the day begins first


def idle(
    slugs: Sequence[str], on: date | None, day_of: Callable[[Municipality], date]
) -> Collection[str]:
    """`on`: the day that the run plays, None for today; `day_of` says which that is in a town."""
    day = on or datetime.now(_EARLIEST).date()
    try:
        with reading(open_database(settings().state_url)) as session:
            at_work, known = agenda.with_work(session, day), starts.all_starts(session)
            quiet = [slug for slug in slugs if slug not in at_work]
            changed = {slug: _changed(slug, known.get(slug, {}), day_of) for slug in quiet}
            # A town without any change has nothing to look back to.
            begun = starts.with_deltas(session, [slug for slug in quiet if changed[slug]])
            return {slug for slug in quiet if changed[slug] is not None} - begun
    except Exception:  # whoever is looked at says so
        return ()


def _changed(
    slug: str, known: dict[str, ServiceStart], day_of: Callable[[Municipality], date]
) -> bool | None:
    """Whether services are on that look back further than before; None: look at the town itself."""
    try:
        town = open_municipality(slug, settings())
        inbox = town.folder / "inbox"
        if unserved(town) or (inbox.is_dir() and names(inbox)):
            return None
        return has_changed(town, known, day_of(town))
    except Exception:  # such as a profile that cannot be read
        return None
